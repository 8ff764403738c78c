"""From votes to a monitor's verdict: how many in a row open, how many in a row close.

A monitor rises to a worse level when its last ``fails_after`` votes are all at least that bad, and falls to a better one when its
last ``recovers_after`` votes are all better than what was judged. One vote cannot count for both: rising needs the newest vote to be
worse than the verdict, falling needs it to be better.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from incidents.model import Monitor, Severity, Situation
from incidents.policy import LEVELS
from incidents.quorum import BADNESS
from incidents.votes import Level, Run, Streak
from probes.result import Failure, Result


def count(streak: Streak, result: Result, monitor: Monitor) -> Streak:
    """The streak after *result*; the very same object where nothing changed, which is the steady case."""
    level = LEVELS[result.failure]
    if level is None:
        return _count_unknown(streak, result)
    longest = max(monitor.fails_after, monitor.recovers_after)
    if level is Level.GOOD and is_settled(streak, monitor):
        return streak
    voted = replace(streak, runs=_extended(streak.runs, _run(level, result), longest), unknown=0, unknown_since=None, began=None)
    if level is not Level.GOOD:
        measured = result.measured
        voted = replace(voted, failure=str(measured.failure), stage=measured.stage, detail=measured.detail)
    judged = replace(voted, judged=_verdict(voted, monitor))
    if judged.judged is Level.GOOD and judged.runs[-1].level is Level.GOOD:
        return replace(judged, failure=None, stage=None, detail="")
    return judged


def mute(streak: Streak, result: Result) -> Streak:
    """The streak after a *result* that was measured while its location was blind: whatever it found, it is no vote."""
    return replace(
        streak,
        unknown=streak.unknown + 1,
        unknown_since=streak.unknown_since or result.slot,
        failure=str(Failure.IMPAIRED),
        stage=None,
        detail="the location is blind",
    )


def since(streak: Streak, verdict: Level) -> datetime | None:
    """When the newest stretch of votes at least as bad as *verdict* began; None where the newest vote is better."""
    return _stretch(streak, lambda level: BADNESS[level] >= BADNESS[verdict])


def well_since(streak: Streak, verdict: Level) -> datetime | None:
    """When the newest stretch of votes no worse than *verdict* began; None where the newest vote is worse."""
    return _stretch(streak, lambda level: BADNESS[level] <= BADNESS[verdict])


def blamed(streak: Streak) -> Run | Streak:
    """What tells why the votes are bad: the newest bad run; the memory itself where none is kept, or one from before runs had reasons."""
    bad = (run for run in reversed(streak.runs) if run.level is not Level.GOOD)
    return next((run for run in bad if run.failure is not None), streak)


def _stretch(streak: Streak, bears: Callable[[Level], bool]) -> datetime | None:
    began = None
    for run in reversed(streak.runs):
        if not bears(run.level):
            break
        began = run.since
    return began


def is_suspect(streak: Streak, monitor: Monitor) -> bool:
    """Whether the newest vote is worse than the verdict: a failure that a quick re-check should confirm or dismiss."""
    if not streak.runs or streak.unknown:
        return False
    judged = Level.GOOD if streak.judged is None else streak.judged
    worse = BADNESS[streak.runs[-1].level] > BADNESS[judged]
    return worse and _votes_at_least(streak.runs, streak.runs[-1].level) < monitor.fails_after


def doubts(situation: Situation, component: str) -> Iterator[Run]:
    """The failures of a component's monitors that are about to be confirmed or cleared."""
    topology = situation.topology
    for monitor in (topology.monitors[id] for id in topology.monitors_of[component]):
        memories = [situation.streaks.get((monitor.id, place)) for place in monitor.locations]
        for streak in memories:
            if streak is not None and monitor.severity is not Severity.WARNING and is_suspect(streak, monitor):
                yield streak.runs[-1]


def _count_unknown(streak: Streak, result: Result) -> Streak:
    measured = result.measured
    return replace(
        streak,
        unknown=streak.unknown + 1,
        unknown_since=streak.unknown_since or result.slot,
        failure=str(measured.failure),
        stage=measured.stage,
        detail=measured.detail,
        began=None,
    )


def is_settled(streak: Streak | None, monitor: Monitor) -> bool:
    """Whether another good result changes nothing: the steady case."""
    return (
        streak is not None
        and streak.judged is Level.GOOD
        and not streak.unknown
        and streak.failure is None
        and streak.began is None
        and len(streak.runs) == 1
        and streak.runs[0].level is Level.GOOD
        and streak.runs[0].count >= max(monitor.fails_after, monitor.recovers_after)
    )


def _run(level: Level, result: Result) -> Run:
    """A vote by itself, with the reason for a bad one."""
    if level is Level.GOOD:
        return Run(level=level, since=result.slot)
    measured = result.measured
    return Run(level=level, since=result.slot, failure=str(measured.failure), stage=measured.stage, detail=measured.detail)


def _extended(runs: tuple[Run, ...], vote: Run, longest: int) -> tuple[Run, ...]:
    """Add a vote, and forget what no threshold can reach any more."""
    if runs and runs[-1].level is vote.level:
        runs = (*runs[:-1], replace(vote, since=runs[-1].since, count=min(runs[-1].count + 1, longest), last=vote.since))
    else:
        runs = (*runs, vote)
    kept: list[Run] = []
    votes = 0
    for run in reversed(runs):
        kept.insert(0, run)
        votes += run.count
        if votes >= longest:
            break
    return tuple(kept)


def _verdict(streak: Streak, monitor: Monitor) -> Level | None:
    judged = streak.judged
    newest = streak.runs[-1].level
    if judged is None:
        # Nothing was ever judged: the first good vote is news enough, a bad one is confirmed like any other.
        return Level.GOOD if newest is Level.GOOD else _risen(streak, Level.GOOD, monitor.fails_after) or None
    if BADNESS[newest] > BADNESS[judged]:
        return _risen(streak, judged, monitor.fails_after) or judged
    if BADNESS[newest] < BADNESS[judged]:
        return _fallen(streak, judged, monitor.recovers_after)
    return judged


def _risen(streak: Streak, judged: Level, needed: int) -> Level | None:
    for level in (Level.DOWN, Level.DEGRADED):
        if BADNESS[level] > BADNESS[judged] and _votes_at_least(streak.runs, level) >= needed:
            return level
    return None


def _votes_at_least(runs: tuple[Run, ...], level: Level) -> int:
    votes = 0
    for run in reversed(runs):
        if BADNESS[run.level] < BADNESS[level]:
            break
        votes += run.count
    return votes


def _fallen(streak: Streak, judged: Level, needed: int) -> Level:
    """The worst of the last *needed* votes, if all of them are better than *judged*."""
    votes, worst = 0, Level.GOOD
    for run in reversed(streak.runs):
        if BADNESS[run.level] >= BADNESS[judged]:
            return judged
        worst = max(worst, run.level, key=BADNESS.__getitem__)
        votes += run.count
        if votes >= needed:
            return worst
    return judged
