"""The machine's judgement: a situation and new results in, events out. It touches nothing and remembers nothing.

The order is always the same: votes, monitors, components, services, then incidents. An empty *results* is the tick: silence is judged,
and the clocks of incidents that nobody touched run on.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType

from incidents import advising, coverage, pings, reasons, sight, streaks, tending
from incidents.draft import Draft
from incidents.events import Counted, Event, Reclaimed, StatusChanged
from incidents.model import Service, Situation, Standing, Status, Subject
from incidents.planned import windows
from incidents.policy import Policy
from incidents.rollup import component_status, declared, measured, measured_since, service_status, standing, worst
from incidents.verdicts import last_heard, monitor_standing, silent_since
from incidents.votes import Streak
from probes.result import Result

Heard = Mapping[str, Collection[str]]
"""The locations that were heard in this decision, by monitor."""

NOBODY: Heard = MappingProxyType({})


def decide(situation: Situation, results: Sequence[Result], policy: Policy, now: datetime) -> tuple[Event, ...]:
    """What *results*, or the mere passing of time, make of *situation*.

    Results of monitors that the topology does not know, and those not newer than what was seen, change nothing. The same input gives the
    same events, whatever order the results of different monitors arrive in.
    """
    fresh = _fresh(situation, results)
    counted = tuple(_counted(situation, fresh))
    touched = {event.monitor for event in counted}
    touched |= {r.monitor for r in fresh if is_open(situation, r.monitor)}
    silent = set(_interrupted(situation, fresh)) if results else set(_silent(situation, now))
    touched |= silent if results else set()  # the news that ends a silence is judged too, even where it is no news by itself
    is_due = tending.is_due(situation, policy, now) or (not results and tending.has_unexplained(situation))
    is_due = is_due or windows.is_due(situation, policy, now) or (not results and windows.has_strayed(situation, policy, now))
    lapsed = advising.lapsed(situation, now)  # beside all judgement, which knows of no advisory
    if not touched and not silent and not is_due:
        return lapsed
    draft = Draft(situation, policy, now)
    _judge_monitors(draft, silent)
    _begin_windows(draft)
    draft.hear(fresh)
    draft.say(*counted)
    _judge_monitors(draft, touched, _heard(fresh))
    _end_windows(draft)
    tending.tend(draft)
    return (*draft.events, *lapsed)


def rejudge(situation: Situation, policy: Policy, now: datetime) -> tuple[Event, ...]:
    """Judge every subject anew from what is known: after an agent's act, or when the topology changed."""
    draft = Draft(situation, policy, now)
    _judge_monitors(draft, situation.topology.monitors)
    _judge_components(draft, situation.topology.components)
    _begin_windows(draft)
    _judge_services(draft, situation.topology.services)
    _end_windows(draft)
    tending.tend(draft)
    return draft.events


def _fresh(situation: Situation, results: Sequence[Result]) -> list[Result]:
    """The news among *results*, each monitor's and location's in the order of their slots."""
    newest: dict[tuple[str, str], datetime] = {}  # beside what was seen: a copy of that would cost more than all the rest
    fresh = []
    for result in sorted(results, key=lambda r: (r.slot, r.monitor, r.location)):
        key = (result.monitor, result.location)
        last = newest.get(key) or situation.seen.get(key)
        has_say = result.monitor in situation.topology.monitors and not situation.stands_still(result.monitor)
        if has_say and (last is None or result.slot > last):
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
        is_blind = monitor.heartbeat is None and sight.is_muted(situation, result)
        after = streaks.mute(before, result) if is_blind else streaks.count(before, result, monitor)
        if after is not before:
            changed[key] = after
    for (id, location), streak in changed.items():
        yield Counted(monitor=id, location=location, streak=streak)


def is_open(situation: Situation, monitor: str) -> bool:
    """Whether a vote that says nothing new may yet turn the verdict: nothing is known, or several locations do not see it well."""
    status = standing(situation, Subject.MONITOR, monitor)
    return status is Status.UNKNOWN or (status is not Status.OPERATIONAL and len(situation.topology.monitors[monitor].locations) > 1)


def _heard(results: Iterable[Result]) -> Heard:
    heard: dict[str, set[str]] = {}
    for result in results:
        heard.setdefault(result.monitor, set()).add(result.location)
    return heard


def _silent(situation: Situation, now: datetime) -> Iterator[str]:
    """Monitors from which nothing was heard for longer than silence may last, and that are not yet unknown."""
    for monitor in situation.topology.monitors.values():
        if silent_since(situation, monitor, now) is not None:
            known = situation.standings.get((Subject.MONITOR, monitor.id))
            if known is not None and known.status is not Status.UNKNOWN:
                yield monitor.id


def _interrupted(situation: Situation, results: Iterable[Result]) -> Iterator[str]:
    """Monitors whose news ends a silence that was too long, and that nobody has noticed yet: the gap is written down first."""
    for result in results:
        monitor = situation.topology.monitors[result.monitor]
        last = last_heard(situation, monitor)
        known = standing(situation, Subject.MONITOR, monitor.id) is not Status.UNKNOWN
        if known and last is not None and last + monitor.stale_after < result.slot:
            yield monitor.id


def _judge_monitors(draft: Draft, monitors: Iterable[str], heard: Heard = NOBODY) -> None:
    topology = draft.situation.topology
    components: dict[str, None] = {}
    for id in sorted({id for id in monitors if id in topology.monitors}):
        monitor = topology.monitors[id]
        if _change(draft, Subject.MONITOR, id, monitor_standing(draft.situation, monitor, heard.get(id, ()), draft.now)):
            components[monitor.component] = None
    _judge_components(draft, components)


def _judge_components(draft: Draft, components: Iterable[str]) -> None:
    topology = draft.situation.topology
    services: dict[str, None] = {}
    for id in components:
        if _change(draft, Subject.COMPONENT, id, _component_standing(draft, id)):
            services.update(dict.fromkeys(topology.services_of[id]))
            _reclaim(draft, id)
    windows.spare(draft)
    _judge_services(draft, services)


def _judge_services(draft: Draft, services: Iterable[str], since: datetime | None = None) -> None:
    """What changes did so *since* then, else when its components did."""
    known = draft.situation.topology.services
    for service in (known[id] for id in services if id in known):
        parts = tuple(dict.fromkeys(id for need in service.needs for id in need.of))
        found = draft.situation.standings.get((Subject.SERVICE, service.id))
        began = _no_earlier(since or _turned(draft, Subject.COMPONENT, parts), found)
        # What is known only now may have begun before the work that began, or ended, since then: each stretch is told as it was.
        for at in (began, *coverage.turns(draft.situation, service.id, began)):
            _change(draft, Subject.SERVICE, service.id, _service_standing(draft, service, at))


def _begin_windows(draft: Draft) -> None:
    windows.follow(draft)
    windows.lapse(draft)
    for window in windows.startable(draft.situation, draft.now):
        windows.begin(draft, window)
        _judge_services(draft, window.services, window.starts)


def _end_windows(draft: Draft) -> None:
    """One that ended long ago, while nobody was here, is past its grace too."""
    while due := windows.finished(draft.situation, draft.policy, draft.now):
        for window in due:
            windows.end(draft, window)
            _judge_services(draft, window.services, window.ends)


def _change(draft: Draft, subject: Subject, id: str, new: Standing) -> bool:
    """Say that a status changed, if it did; it never begins before what was measured until then did."""
    old = draft.situation.standings.get((subject, id))
    if new.status is (Status.UNKNOWN if old is None else old.status) and new.covered is (None if old is None else old.covered):
        return False
    since = _no_earlier(new.since, old)
    draft.say(
        StatusChanged(
            at=draft.now,
            subject=subject,
            id=id,
            since=since,
            old=Status.UNKNOWN if old is None else old.status,
            new=new.status,
            cause=new.cause,
            covered=new.covered,
            shown_since=old.since if old is not None and old.status is new.status and old.since != since else None,
            measured_since=measured_since(old) if old is not None and measured(old) is measured(new) else None,
        ),
    )
    return True


def _no_earlier(since: datetime, old: Standing | None) -> datetime:
    """*since*, or the start of what was measured before, whichever is later."""
    return since if old is None else max(since, measured_since(old))


def _reclaim(draft: Draft, component: str) -> None:
    """Only what is seen to work has recovered: not knowing for a while changes nothing about what a person decided."""
    if component in draft.situation.waived and standing(draft.situation, Subject.COMPONENT, component) is Status.OPERATIONAL:
        draft.say(Reclaimed(at=draft.now, component=component))


def _component_standing(draft: Draft, component: str) -> Standing:
    situation, topology = draft.situation, draft.situation.topology
    monitors = [topology.monitors[id] for id in topology.monitors_of[component] if not situation.stands_still(id)]
    status = component_status(monitors, partial(standing, situation, Subject.MONITOR))
    since = _turned(draft, Subject.MONITOR, topology.monitors_of[component])
    return Standing(status=status, since=since, cause=reasons.of_component(situation, component))


def _service_standing(draft: Draft, service: Service, at: datetime) -> Standing:
    """What was shown of it *at* a recent instant by what is known now: trouble that no window explains is shown.

    While planned maintenance covers it, also what was measured.
    """
    status_of = partial(standing, draft.situation, Subject.COMPONENT)
    spoken = declared(draft.situation.incidents).get(service.id, Status.OPERATIONAL)
    seen = worst((service_status(service, status_of), spoken))
    cause = reasons.of_service(draft.situation, service, seen)
    if not coverage.is_covered(draft.situation, service.id, at):
        return Standing(status=seen, since=at, cause=cause)
    seeming = service_status(service, coverage.apparent(status_of, coverage.hidden_parts(draft.situation, service.id, at)))
    shown = worst((Status.MAINTENANCE, seeming, spoken))
    return Standing(status=shown, since=at, cause=f"planned maintenance; {cause}", covered=seen)


def _turned(draft: Draft, subject: Subject, ids: Iterable[str]) -> datetime:
    """When the first of *ids* that changed in this turn came to be as it is now; now where none of them changed."""
    mine = set(ids)
    # The last change of each: what was silent and is heard again turned twice, and the gap between is no part of what it is now.
    last = {e.id: e.since for e in draft.events if isinstance(e, StatusChanged) and e.subject is subject and e.id in mine}
    return min(last.values(), default=draft.now)
