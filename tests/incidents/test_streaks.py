"""How votes in a row are counted at one location: the thresholds, what says nothing, and the steady case that costs nothing."""

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import pytest

from incidents import streaks
from incidents.model import Component, Monitor, Severity, Situation, Topology
from incidents.votes import Level, Run, Streak
from probes.result import Failure, ProbeResult, Result
from tests.incidents.world import START, need, service

SMTP = Monitor(id="smtp", component="smtp", fails_after=2, recovers_after=3)
STEADY = Streak(judged=Level.GOOD, runs=(Run(level=Level.GOOD, since=START, count=3),))
NOW = START + timedelta(minutes=5)


def vote(failure: Failure | None, *, after: int = 0) -> Result:
    measured = ProbeResult(took=0.01, failure=failure, stage="login" if failure else None, detail="it said no" if failure else "")
    slot = NOW + timedelta(seconds=after)
    return Result(monitor="smtp", location="local", slot=slot, started=slot, measured=measured)


def counted(*failures: Failure | None, before: Streak | None = None, monitor: Monitor = SMTP) -> Streak:
    """The streak after these votes, a second apart."""
    streak = before or Streak()
    for number, failure in enumerate(failures):
        streak = streaks.count(streak, vote(failure, after=number), monitor)
    return streak


def test_a_good_result_changes_nothing_once_all_is_settled() -> None:
    streak = counted(None, None, None)
    assert streaks.is_settled(streak, SMTP)
    assert streaks.count(streak, vote(None, after=9), SMTP) is streak


@pytest.mark.parametrize("monitor", [SMTP, replace(SMTP, fails_after=3, recovers_after=2)])
def test_it_is_settled_with_as_many_good_ones_as_any_threshold_asks_for(monitor: Monitor) -> None:
    assert not streaks.is_settled(counted(None, None, monitor=monitor), monitor)
    assert streaks.is_settled(counted(None, None, None, monitor=monitor), monitor)


@pytest.mark.parametrize(
    "streak",
    [
        None,
        replace(STEADY, judged=Level.DEGRADED),
        replace(STEADY, unknown=1),
        replace(STEADY, failure="refused"),
        replace(STEADY, began=START),
        replace(STEADY, runs=()),
        replace(STEADY, runs=(Run(level=Level.DOWN, since=START), *STEADY.runs)),
        replace(STEADY, runs=(Run(level=Level.DOWN, since=START, count=3),)),
        replace(STEADY, runs=(Run(level=Level.GOOD, since=START, count=2),)),
    ],
)
def test_whatever_is_not_plainly_well_is_not_settled(streak: Streak | None) -> None:
    assert streaks.is_settled(STEADY, SMTP)
    assert not streaks.is_settled(streak, SMTP)


def test_what_says_nothing_is_counted_from_the_first_and_keeps_the_votes() -> None:
    busy = replace(STEADY, began=START)
    once = counted(Failure.AUTH_REJECTED, before=busy)
    assert once == replace(STEADY, unknown=1, unknown_since=NOW, failure="auth_rejected", stage="login", detail="it said no")
    assert counted(Failure.AUTH_REJECTED, Failure.CRASHED, before=busy) == replace(once, unknown=2, failure="crashed")


def test_a_vote_ends_what_was_not_known() -> None:
    streak = counted(Failure.CRASHED, Failure.CRASHED, Failure.REFUSED, before=STEADY)
    assert (streak.unknown, streak.unknown_since) == (0, None)
    assert (streak.judged, streak.failure, streak.stage, streak.detail) == (Level.GOOD, "refused", "login", "it said no")
    well = counted(None, before=streak)
    assert (well.judged, well.failure, well.stage, well.detail) == (Level.GOOD, None, None, "")


def test_what_was_measured_blindly_is_no_vote_and_says_why() -> None:
    once = streaks.mute(STEADY, vote(Failure.REFUSED))
    assert once == replace(STEADY, unknown=1, unknown_since=NOW, failure="impaired", stage=None, detail="the location is blind")
    again = streaks.mute(replace(once, stage="login"), vote(None, after=9))
    assert again == replace(once, unknown=2)


def test_a_failure_is_doubted_until_it_is_confirmed() -> None:
    first = counted(Failure.REFUSED, before=STEADY)
    assert streaks.is_suspect(first, SMTP)
    assert not streaks.is_suspect(counted(Failure.REFUSED, Failure.REFUSED, before=STEADY), SMTP)
    assert not streaks.is_suspect(Streak(), SMTP)
    assert not streaks.is_suspect(STEADY, SMTP)
    assert not streaks.is_suspect(counted(Failure.CRASHED, before=first), SMTP)
    assert not streaks.is_suspect(counted(Failure.REFUSED, before=replace(STEADY, judged=Level.DOWN)), SMTP)
    assert streaks.is_suspect(counted(Failure.SLOW, Failure.REFUSED, before=replace(STEADY, judged=Level.DEGRADED)), SMTP)


def test_the_first_failure_ever_is_doubted_too() -> None:
    assert streaks.is_suspect(counted(Failure.REFUSED), SMTP)
    assert counted(Failure.REFUSED).judged is None


def test_what_is_in_doubt_is_the_newest_run_of_whoever_is_not_sure() -> None:
    patient = replace(SMTP, fails_after=3, locations=("local", "far"))
    slow = replace(patient, id="slow")
    warning = replace(patient, id="posture", severity=Severity.WARNING)
    topology = Topology(
        services={"email": service("email", need("smtp"))},
        components={"smtp": Component(id="smtp", name="Smtp")},
        monitors={one.id: one for one in (patient, slow, warning)},
    )
    doubted = counted(Failure.SLOW, Failure.REFUSED, before=STEADY, monitor=patient)
    memories = {("smtp", "local"): STEADY, ("smtp", "far"): doubted, ("posture", "local"): doubted}
    situation = Situation(topology=topology, seed="seed", streaks=MappingProxyType(memories))
    (doubt,) = streaks.doubts(situation, "smtp")
    assert doubt == Run(level=Level.DOWN, since=NOW + timedelta(seconds=1), failure="refused", stage="login", detail="it said no")


def test_a_bad_run_keeps_the_reason_of_its_newest_vote_whatever_comes_after() -> None:
    run = Run(level=Level.DOWN, since=NOW, count=2, last=NOW + timedelta(seconds=1), failure="timeout", stage="login", detail="it said no")
    down = counted(Failure.REFUSED, Failure.TIMEOUT, before=STEADY)
    assert streaks.blamed(down) == run
    assert streaks.blamed(counted(Failure.CRASHED, None, before=down)) == run
    assert streaks.blamed(streaks.mute(down, vote(None))) == run


def test_a_memory_without_a_reason_in_its_runs_tells_its_own() -> None:
    old = replace(STEADY, judged=Level.DOWN, runs=(Run(level=Level.DOWN, since=START, count=3),), failure="refused")
    assert streaks.blamed(old) is old
    assert streaks.blamed(STEADY) is STEADY
