"""One turn of the road: what results, an act, a new topology or a second that passed make of the situation. Pure.

The running service and a replay of its past take the same turns, which is why they come to the same events.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from incidents import pings, sight
from incidents.advisory import AdvisoryEvent
from incidents.decide import decide, rejudge
from incidents.events import Called, Counted, Event, Resumed
from incidents.handled import Briefed, Linked, Unlinked, Weighed
from incidents.impairment import Proven
from incidents.model import Situation, Topology
from incidents.policy import Policy
from incidents.situation import fold
from probes.result import Result

Command = Callable[[Situation, datetime], Sequence[Event]]
"""What is to be done, as a function of what it finds."""

_MUTE = Counted | Proven | AdvisoryEvent | Called | Weighed | Briefed | Linked | Unlinked


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Since when somebody was here without a break to hear pings, and until when somebody was here before that (None: not known)."""

    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Version *version* of the configuration was taken into use *at* that instant."""

    version: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What beside its instant and its results a turn came from: the same again give the same events.

    In the order of its events: *noticed* is what was found out about ourselves, *judged* what results led to, *acted* what an agent did.
    *missed* are the results at the end that were made by judging, *timed* when those began (and how many seconds they took) for which that
    matters, by position. *is_rejudged* says that everything was judged anew before the results. *change* and *stay* are news since the turn
    before.
    """

    is_tick: bool = False
    is_rejudged: bool = False
    noticed: tuple[Event, ...] = ()
    judged: tuple[Event, ...] = ()
    acted: tuple[Event, ...] = ()
    missed: int = 0
    timed: Mapping[int, tuple[datetime, float]] = field(default_factory=lambda: MappingProxyType({}))
    change: Change | None = None
    stay: Stay | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a turn led to: its events, its results with what did not come at their end, and the situation after both."""

    events: tuple[Event, ...]
    results: tuple[Result, ...]
    situation: Situation


def judge(
    situation: Situation,
    results: Sequence[Result],
    policy: Policy,
    now: datetime,
    *,
    is_tick: bool = False,
    is_rejudged: bool = False,
    present_since: datetime | None = None,
    promised_since: Mapping[str, datetime] = pings.NO_NEWS,
) -> Judged:
    """What *results* lead to, and on a tick what time brings: pings that did not come, silence, the clocks of incidents.

    Where everything *is_rejudged*, that comes first: what another topology brought or took away is no situation to judge results by.
    """
    events: list[Event] = []
    heard: list[Result] = []
    after = situation

    def take(some: Sequence[Result]) -> None:
        nonlocal after
        said = decide(after, some, policy, now)
        after = fold(after, said, some)
        events.extend(said)
        heard.extend(some)

    if is_rejudged:
        events.extend(rejudge(after, policy, now))
        after = fold(after, events)
    if results or not is_tick:
        take(results)
    if is_tick:
        # First what has come, or it would be missed; and silence even then: on a busy hub something has always come.
        if missed := pings.overdue(after, now, present_since or now, promised_since):
            take(missed)
        take(())
    return Judged(events=tuple(events), results=tuple(heard), situation=after)


def noticed(notices: Sequence[Command], situation: Situation, now: datetime) -> tuple[tuple[Event, ...], Situation]:
    """What *notices* make of *situation*, one after another."""
    events: list[Event] = []
    for notice in notices:
        said = tuple(notice(situation, now))
        situation = fold(situation, said)
        events.extend(said)
    return tuple(events), situation


def settle(situation: Situation, acted: Sequence[Event], policy: Policy, now: datetime) -> tuple[Event, ...]:
    """What follows from acts that were folded into *situation*.

    What is only counted, or only proven, changes no verdict yet, and neither an advisory, a call nor what is only noted ever does.
    """
    return rejudge(situation, policy, now) if any(not isinstance(event, _MUTE) for event in acted) else ()


def timed(situation: Situation, results: Sequence[Result]) -> Mapping[int, tuple[datetime, float]]:
    """When those of *results* began, and what they took, that would be heard otherwise had they been over in the instant of their slot."""
    if not situation.impairments:
        return MappingProxyType({})
    found = {}
    for number, result in enumerate(results):
        at_once = replace(result, started=result.slot, measured=replace(result.measured, took=0.0))
        if sight.is_muted(situation, result) is not sight.is_muted(situation, at_once):
            found[number] = (result.started, result.measured.took)
    return MappingProxyType(found)


def promised(before: Topology, after: Topology, known: Mapping[str, datetime], now: datetime) -> Mapping[str, datetime]:
    """Since when each promise of *after* holds that is not as old as our presence: what was not promised when due is not overdue."""
    old = dict(before.heartbeats)
    new = dict.fromkeys((id for id, heartbeat in after.heartbeats if old.get(id) != heartbeat), now)
    return {**{id: at for id, at in known.items() if id in after.monitors}, **new}


def resumed(events: Sequence[Event], known: Mapping[str, datetime]) -> Mapping[str, datetime]:
    """The same after *events*: what is asked for again was not promised while it stood still."""
    return {**known, **{event.monitor: event.at for event in events if isinstance(event, Resumed)}}
