"""Advisories: what may be said, what becomes of it, and that nothing of it is ever judgement."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents import act, advising
from incidents.advising import EARLIEST, LONGEST, Wish
from incidents.advisory import Advisory, AdvisoryEnded, AdvisoryEvent, AdvisoryStage, AdvisoryTurn, AdvisoryUpdated
from incidents.events import Moved, Opened
from incidents.model import Situation, Status, Subject, Topology
from incidents.moving import Move, moved
from incidents.situation import fold
from incidents.turns import settle
from incidents.waking import wakes_at
from tests.incidents.chance import FAILURES, often, topologies
from tests.incidents.world import START, World, need, service, topology

HOUR = timedelta(hours=1)
STORM = Wish(
    name={"en": "Storm warning", "de": "Sturmwarnung"},
    services=("email",),
    starts=START + HOUR,
    ends=START + 5 * HOUR,
    body={"en": "Lines may fail.", "de": "Leitungen können ausfallen."},
)


def world() -> World:
    return World(topology([service("email", need("smtp")), service("portal", need("web"))], stale_after=100 * HOUR))


def warned(wish: Wish = STORM) -> tuple[World, Advisory]:
    at = world()
    at.act(advising.publish, by="ada", wish=wish)
    (advisory,) = at.situation.advisories.values()
    return at, advisory


def words(at: World) -> list[tuple[AdvisoryTurn, dict[str, str]]]:
    return [(event.update.turn, dict(event.update.body)) for event in at.events if isinstance(event, AdvisoryUpdated)]


def test_an_advisory_is_published_with_its_first_words() -> None:
    at, advisory = warned()
    assert (advisory.name, advisory.services, advisory.published_by, advisory.updates) == (STORM.name, ("email",), "ada", 1)
    assert words(at) == [(AdvisoryTurn.PUBLISHED, STORM.body)]
    assert not advisory.is_notice


def test_one_about_no_service_is_a_notice_and_may_have_no_end() -> None:
    _, advisory = warned(replace(STORM, services=(), ends=None))
    assert advisory.is_notice
    assert advisory.stage(START + 10_000 * HOUR) is AdvisoryStage.IN_FORCE


def test_its_stage_is_a_question_of_time() -> None:
    _, advisory = warned()
    stages = [advisory.stage(at) for at in (START, START + HOUR, START + 5 * HOUR - timedelta.resolution, START + 5 * HOUR)]
    assert stages == [AdvisoryStage.COMING, AdvisoryStage.IN_FORCE, AdvisoryStage.IN_FORCE, AdvisoryStage.OVER]


def test_it_is_over_by_time_without_another_word() -> None:
    at, advisory = warned()
    assert wakes_at(at.situation, at.policy, at.now) <= START + 5 * HOUR
    assert at.tick(5 * HOUR.total_seconds() - 1) == ()
    (ended,) = at.tick(600)
    assert ended == AdvisoryEnded(at=at.now, advisory=advisory.id, since=START + 5 * HOUR, by=None)
    assert at.situation.advisories == {}
    assert len(words(at)) == 1


def test_it_ends_in_the_very_decision_that_finds_an_outage() -> None:
    at, advisory = warned()
    at.mend("smtp")
    at.bad("smtp")
    at.wait(5 * HOUR.total_seconds())
    said = at.bad("smtp")
    assert [type(event).__name__ for event in said if isinstance(event, AdvisoryEnded | Opened)] == ["Opened", "AdvisoryEnded"]
    assert advisory.id not in at.situation.advisories


def test_words_are_added_and_times_moved_until_it_is_withdrawn() -> None:
    at, advisory = warned()
    at.act(advising.update, advisory=advisory.id, by="ben", body={"en": "It comes later.", "de": " "})
    at.act(advising.move, advisory=advisory.id, by="ben", ends=None)
    at.act(advising.move, advisory=advisory.id, by="ben", starts=START + 2 * HOUR, ends=START + 9 * HOUR, body={"en": "Longer."})
    (now,) = at.situation.advisories.values()
    assert (now.starts, now.ends, now.updates) == (START + 2 * HOUR, START + 9 * HOUR, 4)
    at.act(advising.withdraw, advisory=advisory.id, by="ada")
    assert at.situation.advisories == {}
    assert words(at)[1:] == [
        (AdvisoryTurn.UPDATED, {"en": "It comes later."}),
        (AdvisoryTurn.MOVED, {}),
        (AdvisoryTurn.MOVED, {"en": "Longer."}),
        (AdvisoryTurn.WITHDRAWN, {}),
    ]
    told = [event.update for event in at.events if isinstance(event, AdvisoryUpdated)]
    assert [(one.starts, one.ends) for one in told[2:4]] == [(STORM.starts, None), (now.starts, now.ends)]
    assert [event.by for event in at.events if isinstance(event, AdvisoryEnded)] == ["ada"]


def test_what_began_long_ago_may_last_longer() -> None:
    at, advisory = warned(replace(STORM, starts=START, ends=START + 400 * HOUR))
    at.wait(300 * 3600)
    at.act(advising.move, advisory=advisory.id, by="ada", ends=at.now + HOUR)
    assert at.situation.advisories[advisory.id].ends == at.now + HOUR


UNFIT: dict[str, tuple[dict[str, Any], tuple[tuple[str, str], ...]]] = {
    "of nothing": (
        {"name": {"en": " "}, "body": {}, "services": ("ghost",)},
        (
            ("services", "There is no service 'ghost'."),
            ("name", "An advisory needs a name."),
            ("body", "An advisory needs words for the public."),
        ),
    ),
    "that ends before it starts": ({"ends": START + HOUR}, (("ends", "It must end after it starts."),)),
    "that is over": (
        {"starts": START - HOUR, "ends": START},
        (("ends", "It must end later than now; to end it now, withdraw it."),),
    ),
    "that lasts for ever and has an end": (
        {"ends": START + HOUR + LONGEST + timedelta.resolution},
        (("ends", "An advisory lasts a year at most; leave its end open instead."),),
    ),
    "of last month": ({"starts": START - EARLIEST - timedelta.resolution}, (("starts", "It must not have begun more than a week ago."),)),
    "of another year": (
        {"starts": START + LONGEST + timedelta.resolution, "ends": None},
        (("starts", "It must start within a year."),),
    ),
}


@pytest.mark.parametrize("case", UNFIT)
def test_an_advisory_that_makes_no_sense_is_refused_with_all_that_is_wrong(case: str) -> None:
    said, faults = UNFIT[case]
    with pytest.raises(act.Unfit) as refusal:
        world().act(advising.publish, by="ada", wish=replace(STORM, **said))
    assert refusal.value.faults == faults


@pytest.mark.parametrize(
    "said",
    [{"starts": START - EARLIEST}, {"ends": START + HOUR + LONGEST}, {"starts": START + LONGEST, "ends": None}],
    ids=["old", "long", "far"],
)
def test_what_is_just_allowed_is_published(said: dict[str, Any]) -> None:
    warned(replace(STORM, **said))


def test_acts_on_one_that_is_over_or_never_was_are_refused() -> None:
    at, advisory = warned()
    with pytest.raises(act.Unfit, match="the times that it has"):
        at.act(advising.move, advisory=advisory.id, by="ada", starts=STORM.starts)
    with pytest.raises(act.Unfit, match="An update needs words"):
        at.act(advising.update, advisory=advisory.id, by="ada", body={"en": ""})
    with pytest.raises(act.Unfit, match="must end after it starts"):
        at.act(advising.move, advisory=advisory.id, by="ada", ends=STORM.starts)
    at.act(advising.withdraw, advisory=advisory.id, by="ada", body={"en": "No storm."})
    for deed, more in ((advising.update, {"body": {"en": "More."}}), (advising.move, {"ends": None}), (advising.withdraw, {})):
        with pytest.raises(act.NotFound):
            at.act(deed, advisory=advisory.id, by="ada", **more)


def test_two_alike_in_one_instant_are_two() -> None:
    at, _ = warned()
    at.act(advising.publish, by="ada", wish=STORM)
    assert len(at.situation.advisories) == 2


def test_it_goes_along_when_a_service_is_called_otherwise() -> None:
    at, advisory = warned()
    after = moved(at.situation, Move(Subject.SERVICE, "email", "mail"))
    assert after.advisories[advisory.id].services == ("mail",)
    assert moved(at.situation, Move(Subject.COMPONENT, "email", "mail")).advisories == at.situation.advisories
    assert fold(at.situation, (Moved(at=START, subject=Subject.SERVICE, old="email", new="mail"),)).advisories == after.advisories


# --- it never touches what is judged ------------------------------------------------------------------------------------------------

STEPS: st.SearchStrategy[tuple[Any, ...]] = st.one_of(
    st.tuples(st.just("hear"), st.lists(st.tuples(st.integers(0, 9), st.sampled_from(FAILURES)), min_size=1, max_size=6)),
    st.tuples(st.just("insist"), st.integers(0, 9), st.sampled_from(FAILURES)),
    st.tuples(st.just("tick"), st.sampled_from([1, 15, 61, 400, 2000])),
    st.tuples(st.just("advise"), st.sampled_from([20, 500, None]), st.integers(0, 3)),
    st.tuples(st.just("change"), st.sampled_from(["update", "move", "withdraw"])),
)


def go(at: World, step: Sequence[Any]) -> None:
    watches = sorted(at.situation.topology.monitors)
    match step:
        case ("hear", some):
            at.hear(*(at.result(watches[number % len(watches)], failure) for number, failure in some))
        case ("insist", number, failure):
            for _ in range(3):
                at.hear(at.result(watches[number % len(watches)], failure))
        case ("tick", seconds):
            at.tick(seconds)
        case _:
            return


def advise(at: World, step: Sequence[Any]) -> None:
    """Act as the road does: judge what follows."""
    known = sorted(at.situation.advisories)
    match step:
        case ("advise", lasts, count):
            services = tuple(sorted(at.situation.topology.services))[:count]
            ends = None if lasts is None else at.now + timedelta(seconds=lasts)
            said = advising.publish(at.situation, at.now, by="ada", wish=replace(STORM, services=services, starts=at.now, ends=ends))
        case ("change", "update") if known:
            said = advising.update(at.situation, at.now, advisory=known[0], by="ada", body={"en": "More."})
        case ("change", "move") if known:
            said = advising.move(at.situation, at.now, advisory=known[0], by="ada", ends=_later(at.situation, known[0], at.now))
        case ("change", "withdraw") if known:
            said = advising.withdraw(at.situation, at.now, advisory=known[0], by="ada")
        case _:
            return
    at._take(said)
    at._take(settle(at.situation, said, at.policy, at.now))


def _later(situation: Situation, advisory: str, now: datetime) -> datetime:
    return max(situation.advisories[advisory].ends or now, now) + HOUR


def test_no_advisory_changes_anything_that_is_judged(is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    @often(is_soak=is_soak, few=150, most=5000)
    @given(topologies(), st.lists(STEPS, min_size=3, max_size=25))
    def check(known: Topology, steps: Sequence[Sequence[Any]]) -> None:
        warned, plain = World(known), World(known)
        for step in steps:
            advise(warned, step)
            go(warned, step)
            go(plain, step)
            assert replace(warned.situation, advisories={}) == plain.situation
        assert [event for event in warned.events if not isinstance(event, AdvisoryEvent)] == plain.events

    check()


def test_an_outage_under_an_advisory_is_an_outage() -> None:
    at, _ = warned(replace(STORM, starts=START))
    at.mend("smtp")
    at.fail("smtp")
    assert at.service("email") is Status.MAJOR
    assert len(at.situation.incidents) == 1
