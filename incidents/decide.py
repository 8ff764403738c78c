"""The machine's judgement: a situation and new results in, events out. It touches nothing and remembers nothing.

The order is always the same: votes, monitors, components, services, then incidents. An empty *results* is the tick: silence is judged,
and the clocks of incidents that nobody touched run on.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from incidents import pings, streaks, tending
from incidents.draft import Draft
from incidents.events import Counted, Event, Reclaimed, StatusChanged
from incidents.model import Level, Monitor, Service, Severity, Situation, Standing, Status, Streak, Subject
from incidents.policy import Policy
from incidents.rollup import TROUBLE, component_status, declared, service_status, standing, worst
from probes.result import Result

_STATUS = {Level.GOOD: Status.OPERATIONAL, Level.DEGRADED: Status.DEGRADED, Level.DOWN: Status.MAJOR}


def decide(situation: Situation, results: Sequence[Result], policy: Policy, now: datetime) -> tuple[Event, ...]:
    """What *results*, or the mere passing of time, make of *situation*.

    Results of monitors that the topology does not know, and those not newer than what was seen, change nothing. The same input gives the
    same events, whatever order the results of different monitors arrive in.
    """
    fresh = _fresh(situation, results)
    counted = tuple(_counted(situation, fresh))
    touched = {event.monitor for event in counted}
    touched |= {r.monitor for r in fresh if standing(situation, Subject.MONITOR, r.monitor) is Status.UNKNOWN}
    silent = set(_interrupted(situation, fresh)) if results else set(_silent(situation, now))
    is_due = tending.is_due(situation, now) or (not results and tending.has_unexplained(situation))
    if not touched and not silent and not is_due:
        return ()
    draft = Draft(situation, policy, now)
    _judge_monitors(draft, silent)
    draft.hear(fresh)
    draft.say(*counted)
    _judge_monitors(draft, touched)
    tending.tend(draft)
    return draft.events


def rejudge(situation: Situation, policy: Policy, now: datetime) -> tuple[Event, ...]:
    """Judge every subject anew from what is known: after an agent's act, or when the topology changed."""
    draft = Draft(situation, policy, now)
    _judge_monitors(draft, situation.topology.monitors)
    _judge_services(draft, situation.topology.services)
    tending.tend(draft)
    return draft.events


def _fresh(situation: Situation, results: Sequence[Result]) -> list[Result]:
    """The news among *results*, each monitor's and location's in the order of their slots."""
    newest: dict[tuple[str, str], datetime] = {}  # beside what was seen: a copy of that would cost more than all the rest
    fresh = []
    for result in sorted(results, key=lambda r: (r.slot, r.monitor, r.location)):
        key = (result.monitor, result.location)
        last = newest.get(key) or situation.seen.get(key)
        if result.monitor in situation.topology.monitors and (last is None or result.slot > last):
            newest[key] = result.slot
            fresh.append(result)
    return fresh


def _counted(situation: Situation, results: Iterable[Result]) -> Iterator[Counted]:
    changed: dict[tuple[str, str], Streak] = {}
    for result in results:
        key, monitor = (result.monitor, result.location), situation.topology.monitors[result.monitor]
        before = changed.get(key) or situation.streaks.get(key) or Streak()
        if pings.is_repeat(before, result, monitor):
            continue
        after = streaks.count(before, result, monitor)
        if after is not before:
            changed[key] = after
    for (id, location), streak in changed.items():
        yield Counted(monitor=id, location=location, streak=streak)


def _silent(situation: Situation, now: datetime) -> Iterator[str]:
    """Monitors from which nothing was heard for longer than silence may last, and that are not yet unknown."""
    for monitor in situation.topology.monitors.values():
        if _silent_since(situation, monitor, now) is not None:
            known = situation.standings.get((Subject.MONITOR, monitor.id))
            if known is not None and known.status is not Status.UNKNOWN:
                yield monitor.id


def _interrupted(situation: Situation, results: Iterable[Result]) -> Iterator[str]:
    """Monitors whose news ends a silence that was too long, and that nobody has noticed yet: the gap is written down first."""
    for result in results:
        monitor = situation.topology.monitors[result.monitor]
        heard = [slot for place in monitor.locations if (slot := situation.seen.get((monitor.id, place))) is not None]
        known = standing(situation, Subject.MONITOR, monitor.id) is not Status.UNKNOWN
        if known and heard and max(heard) + monitor.stale_after < result.slot:
            yield monitor.id


def _silent_since(situation: Situation, monitor: Monitor, now: datetime) -> datetime | None:
    heard = [slot for place in monitor.locations if (slot := situation.seen.get((monitor.id, place))) is not None]
    if not heard:
        return now
    if monitor.heartbeat is not None:
        return None  # its silence is a result of its own, once it is overdue
    limit = max(heard) + monitor.stale_after
    return limit if limit <= now else None


def _judge_monitors(draft: Draft, monitors: Iterable[str]) -> None:
    topology = draft.situation.topology
    components: dict[str, None] = {}
    for id in sorted(set(monitors) & set(topology.monitors)):
        monitor = topology.monitors[id]
        if _change(draft, Subject.MONITOR, id, _monitor_standing(draft, monitor)):
            components[monitor.component] = None
    services: dict[str, None] = {}
    for id in components:
        if _change(draft, Subject.COMPONENT, id, _component_standing(draft, id)):
            services.update(dict.fromkeys(topology.services_of[id]))
            _reclaim(draft, id)
    _judge_services(draft, services)


def _judge_services(draft: Draft, services: Iterable[str]) -> None:
    for id in services:
        _change(draft, Subject.SERVICE, id, _service_standing(draft, draft.situation.topology.services[id]))


def _change(draft: Draft, subject: Subject, id: str, new: Standing) -> bool:
    """Say that a status changed, if it did; its start never lies before the start of what it replaces."""
    old = draft.situation.standings.get((subject, id))
    if new.status is (Status.UNKNOWN if old is None else old.status) and new.covered is (None if old is None else old.covered):
        return False
    draft.say(
        StatusChanged(
            at=draft.now,
            subject=subject,
            id=id,
            since=new.since if old is None else max(new.since, old.since),
            old=Status.UNKNOWN if old is None else old.status,
            new=new.status,
            cause=new.cause,
            covered=new.covered,
        ),
    )
    return True


def _reclaim(draft: Draft, component: str) -> None:
    """Only what is seen to work has recovered: not knowing for a while changes nothing about what a person decided."""
    if component in draft.situation.waived and standing(draft.situation, Subject.COMPONENT, component) is Status.OPERATIONAL:
        draft.say(Reclaimed(at=draft.now, component=component))


def _monitor_standing(draft: Draft, monitor: Monitor) -> Standing:
    """What its locations agree on: the best of their verdicts, so that all must have failed before it is down."""
    silent_since = _silent_since(draft.situation, monitor, draft.now)
    if silent_since is not None:
        return Standing(since=silent_since, cause="no result arrived in time")
    memories = [m for place in monitor.locations if (m := draft.situation.streaks.get((monitor.id, place))) is not None]
    known = [m for m in memories if m.judged is not None and m.unknown < monitor.fails_after]
    if not known:
        return _unknown_standing(draft, memories)
    best = min(known, key=lambda m: streaks.BADNESS[m.judged or Level.GOOD])
    judged = best.judged or Level.GOOD
    return Standing(status=_STATUS[judged], since=_known_since(draft, monitor, best), cause=_reason(best, monitor))


def _known_since(draft: Draft, monitor: Monitor, streak: Streak) -> datetime:
    """When the verdict's stretch began; what was unknown in between is known only from the newest result on."""
    began = streaks.since(streak) or draft.now
    before = draft.situation.standings.get((Subject.MONITOR, monitor.id))
    if before is None or before.status is not Status.UNKNOWN or began > before.since:
        return began
    seen = draft.situation.seen
    return max((seen[monitor.id, place] for place in monitor.locations if (monitor.id, place) in seen), default=draft.now)


def _unknown_standing(draft: Draft, memories: Sequence[Streak]) -> Standing:
    unsure = [m for m in memories if m.unknown_since is not None]
    if not unsure:
        return Standing(since=draft.now, cause="not yet judged")
    first = min(unsure, key=lambda m: m.unknown_since or draft.now)
    return Standing(since=first.unknown_since or draft.now, cause=_failure_words(first))


def _reason(streak: Streak, monitor: Monitor) -> str:
    began = streaks.since(streak)
    when = f" since {began:%H:%M:%S}" if began else ""
    if streak.judged is Level.GOOD:
        return f"succeeded{when}"
    votes = sum(run.count for run in streak.runs if run.level is not Level.GOOD)
    votes = max(votes, monitor.fails_after)
    return f"failed{f' {votes} times in a row' if votes > 1 else ''}{when}: {_failure_words(streak)}"


def _failure_words(streak: Streak) -> str:
    stage = f" at {streak.stage}" if streak.stage else ""
    detail = f" ({streak.detail})" if streak.detail else ""
    return f"{streak.failure or 'no result'}{stage}{detail}"


def _component_standing(draft: Draft, component: str) -> Standing:
    topology = draft.situation.topology
    monitors = [topology.monitors[id] for id in topology.monitors_of[component]]
    status = component_status(monitors, lambda id: standing(draft.situation, Subject.MONITOR, id))
    judging = [m.id for m in monitors if m.severity is not Severity.WARNING]
    bearers = [s for id in judging if (s := draft.situation.standings.get((Subject.MONITOR, id))) is not None]
    return Standing(status=status, since=_turned(draft, Subject.MONITOR, judging), cause=_loudest(bearers))


def _service_standing(draft: Draft, service: Service) -> Standing:
    parts = tuple(dict.fromkeys(id for need in service.needs for id in need.of))
    probed = service_status(service, lambda id: standing(draft.situation, Subject.COMPONENT, id))
    spoken = declared(draft.situation.incidents).get(service.id, Status.OPERATIONAL)
    broken = [id for id in parts if standing(draft.situation, Subject.COMPONENT, id) in TROUBLE]
    cause = f"components not working: {', '.join(broken)}" if broken else "all needs work"
    return Standing(status=worst((probed, spoken)), since=_turned(draft, Subject.COMPONENT, parts), cause=cause)


def _turned(draft: Draft, subject: Subject, ids: Iterable[str]) -> datetime:
    """When the newest of this turn's changes among *ids* began; now where none of them changed."""
    mine = set(ids)
    return min((e.since for e in draft.events if isinstance(e, StatusChanged) and e.subject is subject and e.id in mine), default=draft.now)


def _loudest(standings: Iterable[Standing]) -> str:
    bad = [s for s in standings if s.status in TROUBLE]
    return "; ".join(s.cause for s in bad) if bad else "; ".join(s.cause for s in standings)
