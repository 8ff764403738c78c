"""The next situation: what events and results make of the present one. Pure; the only way in which a situation changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar, assert_never

from incidents import claims
from incidents.advisory import Advised, AdvisoryEnded, AdvisoryMoved, AdvisoryRenamed, AdvisoryReworded, AdvisoryUpdated, unfolded
from incidents.climb import Call, Climb
from incidents.corrected import Corrected, CorrectionApproved, CorrectionDropped, CorrectionEvent
from incidents.course import unfold
from incidents.events import (
    Acknowledged,
    Called,
    Calmed,
    Counted,
    Event,
    Flapped,
    Impacted,
    IncidentEvent,
    Joined,
    MaintenanceEvent,
    Moved,
    Noted,
    Opened,
    Parted,
    Paused,
    Planned,
    Published,
    Reclaimed,
    Renamed,
    Reopened,
    Rerooted,
    Resolved,
    Resumed,
    Settled,
    StateChanged,
    StatusChanged,
    Updated,
    Waived,
    looks_back,
)
from incidents.handled import Briefed, Gated, Handled, Linked, Unlinked, Weighed, changes
from incidents.impairment import Hindrance, Impaired, Impairment, Proven, Unimpaired
from incidents.imported import Imported, Quoted
from incidents.model import Incident, Origin, Outage, Pause, Situation, Standing, State, Status, Update
from incidents.moving import Move, moved
from incidents.reviewed import Attributed, Explained, ReviewEvent
from incidents.rewording import Redacted, Reworded, Struck
from incidents.rollup import worst
from probes.result import Result

K = TypeVar("K")
V = TypeVar("V")


def fold(situation: Situation, events: Sequence[Event], results: Iterable[Result] = ()) -> Situation:
    """The situation after *events* were decided from *results*. Each of its maps is copied at most once a call."""
    for event in events:
        if isinstance(event, Moved):  # comes alone, or with what is said under the new ids
            situation = moved(situation, Move(event.subject, event.old, event.new))
    streaks = {(e.monitor, e.location): e.streak for e in events if isinstance(e, Counted)}
    seen = _newer(situation.seen, results)
    standings = {(e.subject, e.id): stands(e) for e in events if isinstance(e, StatusChanged)}
    incidents, ended, waived, paused = situation.incidents, situation.ended, situation.waived, situation.paused
    windows, spent = situation.maintenances, situation.spent
    proven, impairments, proposals = situation.proven, situation.impairments, situation.proposals
    for event in events:
        match event:
            case Counted() | StatusChanged() | Moved() | Reworded() | Redacted() | Struck():
                continue
            case Advised() | AdvisoryMoved() | AdvisoryUpdated() | AdvisoryEnded() | AdvisoryRenamed() | AdvisoryReworded():
                continue
            case Corrected() | CorrectionApproved() | CorrectionDropped():
                proposals = _proposed(proposals, event)
            case Waived() | Reclaimed():
                waived = waived - {event.component} if isinstance(event, Reclaimed) else waived | {event.component}
            case Paused() | Resumed():
                paused = _paused(paused, event)
            case Proven():
                proven = proven.union({(event.location, event.control)})
            case Impaired() | Unimpaired():
                impairments = _impaired(impairments, event)
            case _ if isinstance(event, MaintenanceEvent):
                windows, spent = unfold(windows, spent, event)
            case _:
                incidents, ended = _folded(incidents, ended, event)
    return replace(
        situation,
        streaks=_joined(situation.streaks, streaks),
        seen=_joined(situation.seen, seen),
        standings=_joined(situation.standings, standings),
        incidents=incidents,
        ended=ended,
        paused=paused,
        waived=waived,
        maintenances=windows,
        spent=spent,
        known_series=situation.known_series.union(_series(events)),
        proven=proven,
        impairments=impairments,
        proposals=proposals,
        advisories=unfolded(situation.advisories, events),
    )


def stands(event: StatusChanged) -> Standing:
    """How the subject stands after *event*."""
    since, measured = event.shown_since or event.since, event.measured_since or event.since
    return Standing(
        status=event.new,
        since=since,
        cause=event.cause,
        covered=event.covered,
        measured_since=measured if measured != since else None,
        old=event.old,
    )


def _paused(paused: Mapping[str, Pause], event: Paused | Resumed) -> Mapping[str, Pause]:
    others = {id: one for id, one in paused.items() if id != event.monitor}
    if isinstance(event, Paused):
        others[event.monitor] = Pause(by=event.by, at=event.at, reason=event.reason)
    return MappingProxyType(others)


def _newer(seen: Mapping[tuple[str, str], datetime], results: Iterable[Result]) -> Mapping[tuple[str, str], datetime]:
    """The newest slots among *results*: one that comes late, or twice, makes nothing unseen."""
    newest: dict[tuple[str, str], datetime] = {}
    for result in results:
        key = (result.monitor, result.location)
        known = newest.get(key) or seen.get(key)
        if known is None or result.slot > known:
            newest[key] = result.slot
    return newest


def _joined(old: Mapping[K, V], new: Mapping[K, V]) -> Mapping[K, V]:
    # By |, which copies the old one whole at the speed of memory: spelled {**old, **new} it would be asked for every key by itself.
    return MappingProxyType(MappingProxyType(old) | new) if new else old


def _series(events: Sequence[Event]) -> set[str]:
    return {event.plan.series for event in events if isinstance(event, Planned) and event.plan.series is not None}


def _impaired(
    impairments: Mapping[tuple[str, Hindrance], Impairment], event: Impaired | Unimpaired
) -> Mapping[tuple[str, Hindrance], Impairment]:
    key = event.location, event.reason
    if isinstance(event, Unimpaired):
        return MappingProxyType({**impairments, key: replace(impairments[key], until=event.until)})
    begun = Impairment(location=event.location, since=event.since, reason=event.reason, detail=event.detail)
    return MappingProxyType({**impairments, key: begun})


def _proposed(proposals: Mapping[str, str], event: CorrectionEvent) -> Mapping[str, str]:
    others = {id: by for id, by in proposals.items() if id != event.correction}
    is_waiting = isinstance(event, Corrected) and event.needs_approval
    return MappingProxyType({**others, event.correction: event.by} if is_waiting else others)


_Incidents = Mapping[str, Incident]


def _folded(incidents: _Incidents, ended: _Incidents, event: IncidentEvent) -> tuple[_Incidents, _Incidents]:
    """The open incidents, and those over that may come back, after *event*."""
    if isinstance(event, Imported | Quoted):
        return incidents, ended  # history asks for no decision
    is_late = isinstance(event, ReviewEvent) or (isinstance(event, Renamed) and event.by is not None) or looks_back(event)
    if is_late and event.incident not in {**incidents, **ended}:
        return incidents, ended  # it is over for good, and neither its name nor its cause decides anything
    if isinstance(event, Opened):
        return MappingProxyType({**incidents, event.incident: opened(event)}), ended
    before = incidents.get(event.incident)
    after = advance(before or ended[event.incident], event)
    if before is None or not after.is_open:
        ended = _with(ended, after, is_held=after.reopens_until is not None)
    return _with(incidents, after, is_held=after.is_open), ended


def _with(held: _Incidents, incident: Incident, *, is_held: bool) -> _Incidents:
    others = {id: one for id, one in held.items() if id != incident.id}
    return MappingProxyType({**others, incident.id: incident} if is_held else others)


def opened(event: Opened) -> Incident:
    """The incident as it is born."""
    return Incident(
        id=event.incident,
        name=event.name,
        origin=event.origin,
        state=State.INVESTIGATING,
        started_at=event.started_at,
        opened_at=event.at,
        root=event.root,
        components=(event.root,) if event.root else (),
        publish_at=event.publish_at,
        planned_until=event.planned_until,
        language=event.language,
        names=event.names,
        pinned=frozenset({event.root} if event.root and event.by else ()),
        climb=Climb(since=event.at),
    )


def begun(event: Opened | Imported) -> Incident:
    """The incident as it is born here; one that another page told of is over, and as public as it was there."""
    if isinstance(event, Opened):
        return opened(event)
    born = Incident(
        id=event.incident,
        name=event.name,
        origin=Origin.IMPORTED,
        state=State.RESOLVED,
        started_at=event.started_at,
        opened_at=event.published_at,
        services=MappingProxyType(dict.fromkeys(event.services, Status.OPERATIONAL)),
        worst=event.services,
        published_at=event.published_at,
        resolved_at=event.resolved_at,
        imported_from=event.source.page,
        impact=event.impact,
    )
    return _quoted(born, event.updates)


def _quoted(incident: Incident, updates: Sequence[Update]) -> Incident:
    if not updates:
        return incident
    has_looked_back = any(one.state is State.POSTMORTEM for one in updates)
    state = State.POSTMORTEM if has_looked_back else incident.state
    return replace(incident, updates=updates[-1].number, state=state, told_at=updates[-1].at)


def advance(incident: Incident, event: IncidentEvent) -> Incident:
    """The incident after *event*."""
    match event:
        case Opened() | Imported():
            return begun(event)
        case Joined():
            pinned = incident.pinned | ({event.component} if event.by else set())
            return replace(incident, components=(*incident.components, event.component), pinned=pinned)
        case Parted():
            components = tuple(id for id in incident.components if id != event.component)
            return replace(incident, components=components, pinned=incident.pinned - {event.component})
        case Rerooted():
            others = tuple(id for id in incident.components if id != event.root)
            return replace(incident, root=event.root, components=(event.root, *others))
        case Renamed():
            asks_desk = incident.asks_desk or event.by is not None
            return replace(incident, name=event.name, language=event.language, names=event.names, asks_desk=asks_desk)
        case Impacted():
            return _impacted(incident, event)
        case Published():
            return replace(incident, published_at=event.at)
        case StateChanged():
            return _moved(incident, event)
        case Acknowledged() | Called():
            return _carried(incident, event)
        case Updated() | Quoted():
            return _told(incident, event)
        case Noted() | Attributed() | Explained() | Gated() | Weighed() | Briefed() | Linked() | Unlinked():
            return _noted(incident, event)
        case Resolved():
            return _ended(incident, event)
        case Reopened():
            return _reopened(incident, event)
        case Settled():
            return replace(incident, reopens_until=None)
        case Flapped() | Calmed():
            return _flapped(incident, event)
        case _:
            assert_never(event)


def _noted(incident: Incident, event: Noted | ReviewEvent | Handled) -> Incident:
    match event:
        case Noted():
            return replace(incident, notes=event.note.number)
        case Attributed():
            return replace(incident, cause=event.cause)
        case Explained():
            return incident
        case _:
            return replace(incident, **changes(event, incident.tickets))


def _flapped(incident: Incident, event: Flapped | Calmed) -> Incident:
    if isinstance(event, Calmed):
        return replace(incident, calmed_at=event.at)
    return replace(incident, flapping_since=event.since, calmed_at=None)


def climb_of(incident: Incident) -> Climb:
    """How far it was carried up the tiers; one that an older release opened begins at the foot."""
    return incident.climb or Climb(since=incident.opened_at)


def _carried(incident: Incident, event: Acknowledged | Called) -> Incident:
    """Somebody was called, or owns it: then what an acknowledgement before held is over, and the clock of calls knows it."""
    climb, held = climb_of(incident), incident.acknowledgement
    if isinstance(event, Called):
        return replace(incident, climb=climb.after(Call(at=event.at, team=event.team, tier=event.tier, by=event.by)))
    owned = climb if held is None else climb.without(held.at, min(held.expires_at, event.at))
    return replace(incident, acknowledgement=event.acknowledgement, climb=owned)


def _impacted(incident: Incident, event: Impacted) -> Incident:
    """One that worsens, or hits a new service, is carried up from the first tier again, whoever owns it."""
    worst = _worsened(incident.worst, event.services)
    is_worse = any(worst[id] is not incident.worst.get(id, Status.OPERATIONAL) for id in event.services)
    climb = climb_of(incident).again(event.at) if is_worse and not incident.is_flapping else incident.climb
    gated_by = None if is_worse and incident.publish_at is None else incident.gated_by  # what was dismissed was less than this
    return replace(incident, services=event.services, worst=worst, climb=climb, gated_by=gated_by)


def _worsened(old: Mapping[str, Status], now: Mapping[str, Status]) -> Mapping[str, Status]:
    return MappingProxyType({**old, **{id: worst((status, old.get(id, Status.OPERATIONAL))) for id, status in now.items()}})


def _moved(incident: Incident, event: StateChanged) -> Incident:
    """The machine's moves set and clear what it saw; an agent's move only stops the clock that would resolve by itself."""
    if event.resolves_at is not None:
        return replace(incident, state=event.new, recovered_at=event.recovered_at, resolves_at=event.resolves_at)
    if event.by is None:
        return replace(_returned(incident, event), state=event.new, recovered_at=None, resolves_at=None)
    keeps_clock = event.new is State.MONITORING
    return replace(incident, state=event.new, resolves_at=incident.resolves_at if keeps_clock else None)


def _told(incident: Incident, event: Updated | Quoted) -> Incident:
    if isinstance(event, Quoted):
        return _quoted(incident, event.updates)
    return replace(
        incident,
        updates=event.update.number,
        asks_desk=incident.asks_desk or not event.update.automatic,
        told=claims.added(incident.told, event.told),
        told_at=event.update.at,
        brief=None,
    )


def _ended(incident: Incident, event: Resolved) -> Incident:
    return replace(
        incident,
        state=State.RESOLVED,
        resolved_at=event.at,
        resolves_at=None,
        cause=event.cause or incident.cause,
        merged_into=event.merged_into,
        reopens_until=event.reopens_until,
        brief=None,
    )


def _back(incident: Incident, at: datetime) -> Incident:
    """One outage is behind it, another began."""
    until = incident.recovered_at or incident.resolved_at
    since = incident.returned_at or incident.started_at
    past = incident.outages if until is None else (*incident.outages, Outage(since=since, until=max(until, since)))
    return replace(incident, outages=past, returned_at=at)


def _returned(incident: Incident, event: StateChanged) -> Incident:
    """It failed again while it was watched: who is called hears of it anew, unless somebody owns it or it comes and goes too often."""
    if event.returned_at is None:
        return incident
    back = _back(incident, event.returned_at)
    held = incident.acknowledgement
    is_owned = held is not None and held.holds(event.at)
    return back if is_owned or incident.is_flapping else replace(back, climb=climb_of(incident).again(event.at))


def _reopened(incident: Incident, event: Reopened) -> Incident:
    """Nobody owns it any more, and what belongs to it is found out anew from its root on."""
    return replace(
        _back(incident, event.since),
        state=State.INVESTIGATING,
        components=(incident.root,) if incident.root else (),
        pinned=frozenset(),
        recovered_at=None,
        resolves_at=None,
        resolved_at=None,
        reopens_until=None,
        publish_at=event.publish_at,
        gated_by=None,
        affected_share=None,
        cost_to_resolve=None,
        acknowledgement=None,
        climb=climb_of(incident).again(event.at),
    )
