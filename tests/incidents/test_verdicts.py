"""What is said of a monitor that is not known to be well or ill, and since when."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

from incidents.impairment import Hindrance, Impairment
from incidents.model import Component, Monitor, Situation, Standing, Status, Topology
from incidents.policy import LEVELS
from incidents.verdicts import last_heard, monitor_standing
from incidents.votes import Level, Run, Streak
from probes.result import Failure
from tests.incidents.world import START, need, service

NOW = START + timedelta(minutes=5)
SMTP = Monitor(id="smtp", component="smtp", stale_after=timedelta(hours=1), locations=("far", "local"))


def seen(streaks: Mapping[str, Streak], blind: Mapping[str, int] | None = None) -> Situation:
    """Both locations were heard just now; each of the *blind* has been so for that many minutes."""
    topology = Topology(
        services={"email": service("email", need("smtp"))},
        components={"smtp": Component(id="smtp", name="Smtp")},
        monitors={"smtp": SMTP},
    )
    return Situation(
        topology=topology,
        seed="seed",
        seen=MappingProxyType({("smtp", place): NOW for place in SMTP.locations}),
        streaks=MappingProxyType({("smtp", place): streak for place, streak in streaks.items()}),
        impairments=MappingProxyType(
            {
                (place, Hindrance.BLIND): Impairment(
                    location=place, since=NOW - timedelta(minutes=minutes), reason=Hindrance.BLIND, detail="no route leads anywhere"
                )
                for place, minutes in (blind or {}).items()
            }
        ),
    )


def standing_of(situation: Situation) -> Standing:
    return monitor_standing(situation, SMTP, SMTP.locations, NOW)


def unsure(minutes: int, failure: str) -> Streak:
    return Streak(unknown=2, unknown_since=NOW - timedelta(minutes=minutes), failure=failure)


def test_before_the_first_verdict_it_says_that_nothing_is_judged() -> None:
    level = LEVELS[Failure.REFUSED]
    assert level is not None
    first = Streak(runs=(Run(level=level, since=NOW),), failure="refused", stage="connect")
    assert standing_of(seen({"far": first})) == Standing(status=Status.UNKNOWN, since=NOW, cause="not yet judged")


def test_of_what_says_nothing_the_location_that_did_so_first_is_told() -> None:
    for streaks in (
        {"far": unsure(3, "crashed"), "local": unsure(4, "blocked")},
        {"far": unsure(4, "blocked"), "local": unsure(3, "crashed")},
    ):
        assert standing_of(seen(streaks)) == Standing(since=NOW - timedelta(minutes=4), cause="blocked")


def test_of_blind_locations_the_one_that_is_so_for_the_longest_is_told() -> None:
    for blind, longest in (({"far": 1, "local": 2}, "local"), ({"far": 2, "local": 1}, "far")):
        told = Standing(since=NOW - timedelta(minutes=2), cause=f"location {longest} is blind: no route leads anywhere")
        assert standing_of(seen({"local": unsure(4, "crashed")}, blind)) == told


DOWN = Streak(judged=Level.DOWN, runs=(Run(level=Level.DOWN, since=START, count=3),), failure="refused", stage="connect")
GOOD = Streak(judged=Level.GOOD, runs=(Run(level=Level.GOOD, since=START, count=2),))


def test_it_is_told_how_often_it_has_failed_and_not_only_how_often_it_takes() -> None:
    eager = replace(SMTP, fails_after=1, recovers_after=3, locations=("local",))
    situation = seen({"local": DOWN})
    cause = monitor_standing(situation, eager, (), NOW).cause
    assert cause == "failed 3 times since 08:00:00: refused at connect"


def test_silence_is_counted_from_whoever_was_sure_as_long_as_anybody_was() -> None:
    situation = seen({"far": unsure(4, "crashed"), "local": GOOD})
    heard = MappingProxyType({("smtp", "far"): NOW, ("smtp", "local"): START})
    assert last_heard(replace(situation, seen=heard), SMTP) == START
    assert last_heard(replace(situation, seen=heard, streaks=MappingProxyType({})), SMTP) == NOW
    assert last_heard(replace(situation, seen=MappingProxyType({})), SMTP) is None
    alone = replace(SMTP, locations=("far",))
    assert last_heard(replace(situation, seen=heard), alone) == NOW


def test_a_vote_expires_as_soon_as_it_is_as_old_as_silence_may_be() -> None:
    for ago, voters in ((timedelta(hours=1), 1), (timedelta(minutes=59), 2)):
        heard = MappingProxyType({("smtp", "far"): NOW - ago, ("smtp", "local"): NOW})
        situation = replace(seen({"far": DOWN, "local": GOOD}), seen=heard)
        assert standing_of(situation).cause == f"1 of {voters} locations succeeded since 08:00:00"
