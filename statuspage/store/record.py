"""The write road: what was decided and what was measured become rows, all of it in the one transaction that the caller holds."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic import JsonValue
from sqlalchemy import Connection, delete, insert, update

from incidents.advisory import AdvisoryEvent, AdvisoryUpdated
from incidents.corrected import CorrectionEvent
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
    MaintenanceUpdated,
    Moved,
    Noted,
    Opened,
    Parted,
    Paused,
    Reclaimed,
    Reopened,
    Rerooted,
    Resolved,
    Resumed,
    Settled,
    StateChanged,
    StatusChanged,
    Updated,
    Waived,
)
from incidents.handled import Handled
from incidents.impairment import Impaired, Proven, Unimpaired
from incidents.imported import Imported, Quoted
from incidents.model import Incident, Note, Standing, Status, Subject, Update
from incidents.moving import Move
from incidents.replaying.differences import Notice
from incidents.reviewed import ReviewEvent
from incidents.rewording import RewordingEvent, Struck
from incidents.situation import advance, begun, stands
from incidents.turns import Circumstances
from probes.result import Result
from statuspage.picture.news import Strand, topics_of_incident
from statuspage.store import past
from statuspage.store.advisory_rows import write_advisories
from statuspage.store.feed_rows import Word, place_words
from statuspage.store.incident_rows import add_incident, change_incident, read_incidents
from statuspage.store.ledger_rows import write_corrections
from statuspage.store.maintenance_rows import write_maintenances
from statuspage.store.missed import write_review
from statuspage.store.outbox import release
from statuspage.store.outbox_tables import outbox
from statuspage.store.renaming import rename
from statuspage.store.results import Row, write_results
from statuspage.store.rewording import reword_planned, write_rewordings
from statuspage.store.scope_rows import circles_of, hidden
from statuspage.store.spelling import EPOCH, kind, milliseconds, spell, spell_runs
from statuspage.store.striking import write_strikes
from statuspage.store.tables import (
    batches,
    controls,
    impairments,
    journal,
    notes,
    paused,
    standings,
    status_changes,
    streaks,
    updates,
    waived,
)
from statuspage.store.upsert import put, put_missing
from statuspage.store.words import keep_words

_OfState = Opened | Joined | Parted | Rerooted | Impacted | StateChanged | Resolved | Reopened | Settled | Flapped | Calmed
_WORDLESS = _OfState | Acknowledged | Called | Noted | ReviewEvent | Handled
"""What changes no public word of an incident. Whatever else comes to be does, unless it is named here."""

Told = Notice | Called
"""Events that are written into the outbox: of which subscribers are told, or teams."""

_SUBJECTS = ("incident", "maintenance", "advisory")
"""What an event may be about, as its own field and as a column."""


def record(
    connection: Connection, *, events: Sequence[Event], results: Sequence[Result], at: datetime, circumstances: Circumstances | None = None
) -> int:
    """Write one decision, made *at*, with the *results* that it was made from; return its sequence number.

    A result that is already there is left out. Without *circumstances* a replay takes the events as they stand.
    Errors: IntegrityError where a second machine incident would be open for a root;
    LookupError for an event of an incident that is not there. After either, nothing of the transaction may be kept.
    """
    rows = write_results(connection, results) if results else ()
    row = {"at": milliseconds(at), **(past.counted(events) if circumstances is None else _past(results, rows, at, circumstances))}
    batch: int = connection.execute(insert(batches).values(row).returning(batches.c.sequence)).scalar_one()
    if events:
        _write_events(connection, events, batch, at)
    return batch


def _past(results: Sequence[Result], rows: Sequence[Row], at: datetime, circumstances: Circumstances) -> dict[str, Any]:
    """What a replay needs. What judging made itself it makes again."""
    measured = len(rows) - circumstances.missed
    places, slots = [row.place for row in rows[:measured]], [row.slot for row in rows[:measured]]
    return {
        "heard": past.pack(at, places, slots, is_tick=circumstances.is_tick),
        "more": past.more(results[:measured], circumstances),
    }


def _write_events(connection: Connection, events: Sequence[Event], batch: int, at: datetime) -> None:
    for event in events:
        if isinstance(event, Moved):
            rename(connection, Move(event.subject, event.old, event.new))
    _write_streaks(connection, (event for event in events if isinstance(event, Counted)))
    _write_changes(connection, [event for event in events if isinstance(event, StatusChanged)])
    _write_waived(connection, events)
    _write_paused(connection, events)
    _write_sight(connection, events)
    _write_incidents(connection, [event for event in events if isinstance(event, IncidentEvent)])
    write_corrections(connection, [event for event in events if isinstance(event, CorrectionEvent)])
    write_maintenances(connection, [event for event in events if isinstance(event, MaintenanceEvent)])
    write_advisories(connection, [event for event in events if isinstance(event, AdvisoryEvent)])
    reword_planned(connection, events)
    _keep_words(connection, events)
    write_rewordings(connection, [event for event in events if isinstance(event, RewordingEvent)])
    write_strikes(connection, [event for event in events if isinstance(event, Struck)])
    _write_history(connection, [event for event in events if not isinstance(event, Counted)], batch, at)


def _keep_words(connection: Connection, events: Sequence[Event]) -> None:
    """Have what can be searched in step with what is public, whatever became of it."""
    told = {event.incident for event in events if isinstance(event, IncidentEvent) and not isinstance(event, _WORDLESS)}
    keep_words(
        connection,
        incident_ids=told,
        maintenance_ids={event.maintenance for event in events if isinstance(event, MaintenanceEvent)},
        advisory_ids={event.advisory for event in events if isinstance(event, AdvisoryEvent)},
    )


def _write_streaks(connection: Connection, counted: Iterable[Counted]) -> None:
    rows = {(event.monitor, event.location): _streak(event) for event in counted}
    put(connection, streaks, list(rows.values()))


def _streak(event: Counted) -> dict[str, Any]:
    streak = event.streak
    return {
        "monitor": event.monitor,
        "location": event.location,
        "judged": streak.judged,
        "runs": spell_runs(streak.runs),
        "unknown": streak.unknown,
        "unknown_since": streak.unknown_since,
        "failure": streak.failure,
        "stage": streak.stage,
        "detail": streak.detail,
        "began": streak.began,
    }


def _write_changes(connection: Connection, changes: Sequence[StatusChanged]) -> None:
    if not changes:
        return
    columns = ("at", "subject", "id", "since", "old", "new", "cause", "covered", "shown_since")
    connection.execute(insert(status_changes), [{name: getattr(change, name) for name in columns} for change in changes])
    newest = {(change.subject, change.id): stands(change) for change in changes}
    rows = [{"subject": subject, "id": id, **_fields(found)} for (subject, id), found in newest.items()]
    put(connection, standings, rows)


def _write_waived(connection: Connection, events: Iterable[Event]) -> None:
    for event in events:
        if isinstance(event, Waived):
            put(connection, waived, [{name: getattr(event, name) for name in ("component", "at", "by", "reason")}])
        elif isinstance(event, Reclaimed):
            connection.execute(delete(waived).where(waived.c.component == event.component))


def _write_sight(connection: Connection, events: Iterable[Event]) -> None:
    for event in events:
        match event:
            case Proven():
                put(connection, controls, [{"location": event.location, "control": event.control, "proven_at": event.at}])
            case Impaired():
                columns = ("location", "reason", "since", "detail")
                connection.execute(insert(impairments).values({name: getattr(event, name) for name in columns}))
            case Unimpaired():
                lasting = (impairments.c.location == event.location, impairments.c.reason == event.reason, impairments.c.until.is_(None))
                connection.execute(update(impairments).where(*lasting).values(until=event.until))
            case _:
                continue


def _write_paused(connection: Connection, events: Iterable[Event]) -> None:
    for event in events:
        if isinstance(event, Paused):
            put(connection, paused, [{name: getattr(event, name) for name in ("monitor", "at", "by", "reason")}])
        elif isinstance(event, Resumed):
            connection.execute(delete(paused).where(paused.c.monitor == event.monitor))


def _write_incidents(connection: Connection, events: Sequence[IncidentEvent]) -> None:
    if not events:
        return
    born = {event.incident for event in events if isinstance(event, Opened | Imported)}
    known = dict(read_incidents(connection, {event.incident for event in events} - born))
    waited = {id: _waits_for(incident) for id, incident in known.items()}
    words, apart = [], hidden(connection)
    for event in events:
        known[event.incident] = begun(event) if isinstance(event, Opened | Imported) else advance(_found(known, event), event)
        if isinstance(event, Updated):
            incident = known[event.incident]
            topics = topics_of_incident(incident, apart, circles_of(connection, (*incident.worst, *incident.services)))
            words.append(Word(event.incident, event.update.number, Strand.INCIDENT, topics=topics))
    # Those that end come first and new ones last: a root is free for another only when its incident is over, or has moved on.
    for incident in sorted(known.values(), key=lambda one: (one.id in born, one.is_open)):
        (add_incident if incident.id in born else change_incident)(connection, incident)
    _write_words(connection, events)
    place_words(connection, words)
    write_review(connection, events, known)
    if sooner := [id for id, before in waited.items() if _waits_for(known[id]) != before]:
        release(connection, incidents=sooner)


def _waits_for(incident: Incident) -> tuple[object, ...]:
    """What of an incident may change how long its words are held back, as ``audience.held_until`` has it."""
    hit = frozenset((*incident.services, *incident.worst))
    return (incident.opened_at, incident.returned_at, incident.published_at, hit)


def _found(known: dict[str, Incident], event: IncidentEvent) -> Incident:
    if event.incident not in known:
        raise LookupError(f"{kind(event)}: incident {event.incident} is not in the store")
    return known[event.incident]


def _write_words(connection: Connection, events: Iterable[IncidentEvent]) -> None:
    for event in events:
        if isinstance(event, Updated):
            connection.execute(insert(updates).values(incident=event.incident, **_fields(event.update)))
        elif isinstance(event, Imported | Quoted):  # history: it has no place in any feed
            for one in event.updates:
                connection.execute(insert(updates).values(incident=event.incident, **_fields(one)))
        elif isinstance(event, Noted):
            connection.execute(insert(notes).values(incident=event.incident, **_fields(event.note)))


def _fields(value: Update | Note | Standing) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _write_history(connection: Connection, events: Sequence[Event], batch: int, at: datetime) -> None:
    bodies = [spell(event) for event in events]
    rows = [_entry(event, body, batch, at) for event, body in zip(events, bodies, strict=True)]
    if rows:
        connection.execute(insert(journal), rows)
    spelled = tuple(zip(events, bodies, strict=True))
    put_missing(connection, outbox, [_notice(event, body) for event, body in spelled if isinstance(event, Told)])
    turned = [(event, body) for event, body in spelled if isinstance(event, StatusChanged) and _is_shown(event)]
    put_missing(connection, outbox, [_turn(event, body, f"{batch}.{place}") for place, (event, body) in enumerate(turned, start=1)])


def _is_shown(change: StatusChanged) -> bool:
    """Whether customers see a service change: while nothing is known of it they see what was."""
    return change.subject is Subject.SERVICE and change.new not in {change.old, Status.UNKNOWN}


def _turn(change: StatusChanged, body: JsonValue, place: str) -> dict[str, Any]:
    """A row of the outbox for a change of status; its *place* in the record is no other's."""
    key, none = f"{change.id}:{kind(change)}:{place}", dict.fromkeys(_SUBJECTS)
    return {"key": key, "created_at": change.at, "held_until": EPOCH, **none, "kind": kind(change), "body": body}


def _entry(event: Event, body: JsonValue, batch: int, at: datetime) -> dict[str, Any]:
    subject = {name: getattr(event, name, None) for name in _SUBJECTS}
    return {"batch": batch, "at": at, **subject, "kind": kind(event), "body": body}


def _notice(event: Told, body: JsonValue) -> dict[str, Any]:
    subject = {name: getattr(event, name, None) for name in _SUBJECTS}
    return {
        "key": f"{next(id for id in subject.values() if id)}:{kind(event)}:{_number(event)}",
        "created_at": event.at,
        "held_until": EPOCH,
        **subject,
        "kind": kind(event),
        "body": body,
    }


def _number(event: Told) -> int:
    """Which of its kind in what it is about: it opens once, and ends, comes back or is acknowledged again at another instant."""
    match event:
        case Updated() | MaintenanceUpdated() | AdvisoryUpdated():
            return event.update.number
        case Called():
            return event.number
        case Acknowledged() | Resolved() | Reopened():
            return milliseconds(event.at)
        case _:
            return 1
