"""Pings and their absence as results: what a monitor says of itself, and what it means that it says nothing.

A ping is a result in a slot of its own. One that did not come is a result too, made here at the end of its grace, so that rows,
figures and verdicts tell the same story. A start is no result: it is remembered until its finish.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from incidents.events import Counted, Event
from incidents.heartbeat import Heartbeat
from incidents.model import Monitor, Situation
from incidents.policy import LEVELS
from incidents.sight import blindness
from incidents.votes import Level, Streak
from probes.result import Failure, ProbeResult, Result

LOCATION = "local"
"""Pings come to the hub, wherever they come from."""

DUE, FINISH, REPORT = "due", "finish", "report"
"""Where a ping failed: it did not come, its finish did not come, or it came and said that something failed."""

SAME_WITHIN = timedelta(seconds=10)
"""A ping that says the same so soon after the one that was last counted is that one sent again: it was heard, and is no vote."""

TICK = timedelta(milliseconds=1)
"""The grain of slots."""

NO_NEWS: Mapping[str, datetime] = MappingProxyType({})
"""Every promise is older than our presence."""

_MISSES = frozenset({str(Failure.OVERDUE), str(Failure.MISSED)})


def slot_after(last: datetime | None, now: datetime) -> datetime:
    """The slot of what arrives *now*: later than *last*, also where the clock stepped back; cut to milliseconds as it is stored."""
    instant = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return instant if last is None or instant > last else last + TICK


def heard(situation: Situation, monitor: str, measured: ProbeResult, slot: datetime) -> Result:
    """What a monitor says of itself as a result. After a start it took the time since, where it does not say another."""
    began = situation.streaks.get((monitor, LOCATION), Streak()).began
    if began is not None and not measured.took:
        measured = replace(measured, took=max((slot - began).total_seconds(), 0.0))
    return Result(monitor=monitor, location=LOCATION, slot=slot, started=began or slot, measured=measured)


def begin(situation: Situation, now: datetime, *, monitor: str) -> Sequence[Event]:
    """Remember that its work began. Another start before the finish changes nothing, or a job that crashes early would never be late."""
    streak = situation.streaks.get((monitor, LOCATION), Streak())
    if monitor not in situation.topology.monitors or streak.began is not None:
        return ()
    return (Counted(monitor=monitor, location=LOCATION, streak=replace(streak, began=slot_after(None, now))),)


def overdue(
    situation: Situation, now: datetime, present_since: datetime, promised_since: Mapping[str, datetime] = NO_NEWS
) -> tuple[Result, ...]:
    """The pings that should have come by *now* and did not, one for each monitor at most.

    What fell due to the end of its grace before *present_since*, when nobody was here to take it, is missed by us: nothing is known.
    So is what falls due while this location is blind, and before *promised_since*, for monitors whose promise is of that instant: nobody
    could have kept it earlier.
    """
    return tuple(_overdue(situation, now, present_since, promised_since))


def limit(heartbeat: Heartbeat, streak: Streak, seen: datetime | None) -> datetime | None:
    """Until when the next ping is in time; None for what was never pinged and has promised nothing."""
    if streak.began is not None:
        return streak.began + heartbeat.finish_within
    if seen is None:
        return None
    basis = seen - heartbeat.grace if _is_after_a_miss(streak) else seen + heartbeat.early
    return heartbeat.rhythm.due_after(basis) + heartbeat.grace


def is_repeat(streak: Streak, result: Result, monitor: Monitor) -> bool:
    """Whether a ping says again what the one that was last counted said just before. Only a client that got no answer does so."""
    if monitor.heartbeat is None or streak.began is not None or not streak.runs or streak.unknown:
        return False
    newest, within = streak.runs[-1], min(SAME_WITHIN, monitor.heartbeat.rhythm.gap / 2)
    is_ping = str(result.failure) not in _MISSES and not _is_newest_a_miss(streak)
    return is_ping and LEVELS[result.failure] is newest.level and result.slot - (newest.last or newest.since) < within


def _overdue(situation: Situation, now: datetime, present_since: datetime, promised_since: Mapping[str, datetime]) -> Iterator[Result]:
    for monitor, heartbeat in situation.topology.heartbeats:
        key = (monitor, LOCATION)
        if situation.stands_still(monitor):
            continue
        streak, seen = situation.streaks.get(key, Streak()), situation.seen.get(key)
        ends = limit(heartbeat, streak, seen)
        # A grain later, so that no ping can share a slot with its absence.
        if ends is None or now < ends + TICK:
            continue
        stage = DUE if streak.began is None else FINISH
        detail = _words(streak, seen, ends)
        since = min(max(present_since, promised_since.get(monitor, present_since)), now)
        if blindness(situation, LOCATION) is not None:
            failure, slot = Failure.MISSED, ends
            detail = f"nothing may reach this machine; {detail}"
        elif ends < since:
            failure, slot = Failure.MISSED, since
            why = "nobody was here to be pinged until" if since == present_since else "it is asked for so only since"
            detail = f"{why} {since:%Y-%m-%d %H:%M:%S} UTC; {detail}"
        else:
            failure, slot = Failure.OVERDUE, ends
        slot = slot_after(seen, slot)
        measured = ProbeResult(took=0.0, failure=failure, stage=stage, detail=detail)
        yield Result(monitor=monitor, location=LOCATION, slot=slot, started=slot, measured=measured)


def _is_after_a_miss(streak: Streak) -> bool:
    """Whether the newest result is a ping that did not come: the rhythm goes on from when it was due."""
    return streak.stage == DUE and _is_newest_a_miss(streak)


def _is_newest_a_miss(streak: Streak) -> bool:
    """Whether the newest result is one that did not come, a ping or a finish."""
    is_newest_bad = bool(streak.unknown) or (bool(streak.runs) and streak.runs[-1].level is Level.DOWN)
    return is_newest_bad and streak.failure in _MISSES


def _words(streak: Streak, seen: datetime | None, ends: datetime) -> str:
    if streak.began is not None:
        return f"began {streak.began:%Y-%m-%d %H:%M:%S} UTC and did not finish by {ends:%Y-%m-%d %H:%M:%S}"
    last = "last heard of" if not _is_after_a_miss(streak) else "missed before at"
    return f"no ping by {ends:%Y-%m-%d %H:%M:%S} UTC, {last} {seen:%Y-%m-%d %H:%M:%S}"
