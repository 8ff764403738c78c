"""What was known at a past instant, read from what is kept for ever: the journal, the status changes, the configurations.

Later words change nothing of it, but one thing: a text that was withdrawn stays withdrawn, however far one looks back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import Connection, exists, func, or_, select

from incidents.advisory import Advised, Advisory, AdvisoryEvent, AdvisoryReworded, AdvisoryUpdate, AdvisoryUpdated
from incidents.advisory import progressed as warned_after
from incidents.course import born, progressed
from incidents.events import Event, IncidentEvent, MaintenanceEvent, MaintenanceUpdated, Opened, Planned, Updated
from incidents.imported import Imported, MaintenanceImported, MaintenanceQuoted, Quoted
from incidents.levels.availability import Change, Correction, superseding
from incidents.maintenance import Maintenance, MaintenanceUpdate
from incidents.model import Incident, Situation, Standing, Subject, Topology, Update
from incidents.replaying.narrowing import narrowed
from incidents.rewording import MaintenanceReworded, Reworded
from incidents.situation import advance, begun, fold
from statuspage.picture.advisories import MOST_OVER, Bulletin
from statuspage.picture.page import Story
from statuspage.picture.site import Site
from statuspage.store.ledger_rows import Stated, corrections_by, terms_of
from statuspage.store.queries import Installation, nothing_known
from statuspage.store.recall import site
from statuspage.store.spelling import instant, milliseconds, understand
from statuspage.store.tables import incidents, journal, places, results, status_changes, updates
from statuspage.store.tables import installation as installation_rows
from statuspage.store.tables import public_ids as public_id_rows

W = TypeVar("W", Update, MaintenanceUpdate)

NEWEST = 50
"""Public updates whose incidents stay on the page, as ``queries.stories`` has it."""

_ONLY_WORDS = ("status_changed", "reclaimed", "corrected", "correction_approved", "correction_dropped")
"""Kinds that say nothing about the page beside what is read from their own tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What was known at an instant. *changes* of each service ascend, as they had been decided by then; *created* is as in a snapshot.

    *over* are the windows that had ended, newest first, *words* what had been said of each window. *terms* of each service ascend, also
    those that were stated later; *corrections* are those that counted.
    """

    site: Site
    situation: Situation
    stories: tuple[Story, ...]
    changes: Mapping[str, tuple[Change, ...]]
    created: Mapping[str, datetime]
    installation: Installation
    public_ids: Mapping[str, str]
    over: tuple[Maintenance, ...]
    words: Mapping[str, tuple[MaintenanceUpdate, ...]]
    terms: Mapping[str, Stated]
    corrections: Mapping[str, tuple[Correction, ...]]
    bulletins: tuple[Bulletin, ...]


def earlier(connection: Connection, at: datetime) -> Earlier | None:
    """What was known *at* an instant; None where no configuration of then was kept."""
    meant = site(connection, at)
    if meant is None:
        return None
    topology, whose = meant
    kept = dict(_changes(connection, at))
    events = _events(connection, at)
    over, words = _windows(events)
    return Earlier(
        site=whose,
        situation=_situation(connection, topology, events, at),
        stories=_stories(connection, at),
        changes={id: _told(rows) for id, rows in kept.items()},
        created={id: rows[0].since for id, rows in kept.items()},
        installation=_installation(connection),
        public_ids={row.name: row.public for row in connection.execute(select(public_id_rows))},
        over=over,
        words=words,
        terms={id: terms_of(connection, id) for id in topology.services},
        corrections=corrections_by(connection, at),
        bulletins=_bulletins(events),
    )


def _events(connection: Connection, at: datetime) -> Sequence[Event]:
    """What happened beside incidents."""
    known = select(journal).where(journal.c.at <= at, journal.c.incident.is_(None), journal.c.kind.not_in(_ONLY_WORDS))
    return [understand(row.kind, row.body) for row in connection.execute(known.order_by(journal.c.sequence))]


def _windows(events: Sequence[Event]) -> tuple[tuple[Maintenance, ...], Mapping[str, tuple[MaintenanceUpdate, ...]]]:
    """The windows that were over, and the words about every one."""
    known: dict[str, Maintenance] = {}
    words: dict[str, tuple[MaintenanceUpdate, ...]] = {}
    for event in events:
        if isinstance(event, MaintenanceEvent):
            id_ = event.maintenance
            known[id_] = born(event) if isinstance(event, Planned | MaintenanceImported) else progressed(known[id_], event)
            if isinstance(event, MaintenanceUpdated):
                words[id_] = (*words.get(id_, ()), event.update)
            elif isinstance(event, MaintenanceImported | MaintenanceQuoted):
                words[id_] = (*words.get(id_, ()), *event.updates)
            elif isinstance(event, MaintenanceReworded):
                words[id_] = tuple(_reworded(one, event) for one in words.get(id_, ()))
    over = [window for window in known.values() if window.is_over]
    return tuple(sorted(over, key=lambda window: (window.ended_at or window.ends, window.id), reverse=True)), words


def _bulletins(events: Sequence[Event]) -> tuple[Bulletin, ...]:
    """The advisories that held or were to come, and the last ones that were over."""
    known: dict[str, Advisory] = {}
    words: dict[str, tuple[AdvisoryUpdate, ...]] = {}
    for event in events:
        if isinstance(event, AdvisoryEvent):
            id_ = event.advisory
            known[id_] = event.plan if isinstance(event, Advised) else warned_after(known[id_], event)
            if isinstance(event, AdvisoryUpdated):
                words[id_] = (*words.get(id_, ()), event.update)
            elif isinstance(event, AdvisoryReworded):
                words[id_] = tuple(_reworded_advice(one, event) for one in words.get(id_, ()))
    ended = sorted((at, id_) for id_, one in known.items() if (at := one.ended_at) is not None)
    gone = {id_ for _, id_ in ended[:-MOST_OVER]}
    return tuple(Bulletin(advisory=one, updates=words.get(id_, ())) for id_, one in known.items() if id_ not in gone)


def _situation(connection: Connection, topology: Topology, events: Sequence[Event], at: datetime) -> Situation:
    base = replace(nothing_known(connection), standings=dict(_standings(connection, at)), seen=dict(_seen(connection, at)))
    return narrowed(fold(base, events), topology)


def _standings(connection: Connection, at: datetime) -> Iterator[tuple[tuple[Subject, str], Standing]]:
    newest = select(func.max(status_changes.c.sequence)).where(status_changes.c.at <= at)
    newest = newest.group_by(status_changes.c.subject, status_changes.c.id)
    for row in connection.execute(select(status_changes).where(status_changes.c.sequence.in_(newest))):
        since = row.shown_since or row.since
        yield (row.subject, row.id), Standing(status=row.new, since=since, cause=row.cause, covered=row.covered, old=row.old)


def _seen(connection: Connection, at: datetime) -> Iterator[tuple[tuple[str, str], datetime]]:
    newest = select(func.max(results.c.slot)).where(results.c.place == places.c.num, results.c.slot <= milliseconds(at)).scalar_subquery()
    for monitor, location, slot in connection.execute(select(places.c.monitor, places.c.location, newest)):
        if slot is not None:
            yield (monitor, location), instant(slot)


def _changes(connection: Connection, at: datetime) -> Iterator[tuple[str, list[Change]]]:
    """Each service's changes in the order in which they were decided."""
    found: dict[str, list[Change]] = {}
    theirs = select(status_changes).where(status_changes.c.subject == Subject.SERVICE, status_changes.c.at <= at)
    for row in connection.execute(theirs.order_by(status_changes.c.sequence)):
        found.setdefault(row.id, []).append(Change(since=row.since, new=row.new, covered=row.covered))
    yield from found.items()


def _told(rows: Sequence[Change]) -> tuple[Change, ...]:
    told: list[Change] = []
    for change in rows:
        superseding(told, change)
    return tuple(told)


def _stories(connection: Connection, at: datetime) -> tuple[Story, ...]:
    """The incidents that were open, and those that the newest public updates belonged to; newest first."""
    # What was imported later was not known then, however old it is.
    was_imported = exists().where(journal.c.incident == incidents.c.id, journal.c.at <= at)
    is_known = or_(incidents.c.imported_from.is_(None), was_imported)
    said = select(updates.c.incident).join(incidents, incidents.c.id == updates.c.incident).where(updates.c.at <= at, is_known)
    said = said.order_by(updates.c.at.desc(), updates.c.number.desc()).limit(NEWEST)
    recent = set(connection.execute(said).scalars())
    lasting = (incidents.c.resolved_at.is_(None)) | (incidents.c.resolved_at > at)
    begun = set(connection.execute(select(incidents.c.id).where(incidents.c.opened_at <= at, lasting)).scalars())
    stories = (_story(connection, id, at) for id in sorted(recent | begun))
    shown = [one for one in stories if one is not None and (one.incident.is_open or one.incident.id in recent)]
    return tuple(sorted(shown, key=lambda one: (one.incident.opened_at, one.incident.id), reverse=True))


def _story(connection: Connection, id: str, at: datetime) -> Story | None:
    rows = connection.execute(select(journal).where(journal.c.incident == id, journal.c.at <= at).order_by(journal.c.sequence))
    incident: Incident | None = None
    words: list[Update] = []
    for event in (understand(row.kind, row.body) for row in rows):
        if isinstance(event, Opened | Imported):
            incident = begun(event)
        elif incident is not None and isinstance(event, IncidentEvent):
            incident = advance(incident, event)
        if isinstance(event, Updated):
            words.append(event.update)
        elif isinstance(event, Imported | Quoted):
            words += event.updates
        elif isinstance(event, Reworded):
            words = [_reworded(one, event) for one in words]
    gone = select(updates.c.number, updates.c.redacted_at).where(updates.c.incident == id, updates.c.redacted_at.is_not(None))
    withdrawn = {row.number: row.redacted_at for row in connection.execute(gone)}
    told = tuple(replace(one, redacted_at=withdrawn.get(one.number)) for one in words)
    return None if incident is None else Story(incident=incident, updates=told)


def _reworded(said: W, event: Reworded | MaintenanceReworded) -> W:
    if said.number != event.number:
        return said
    return replace(said, body=event.body, bodies=event.bodies, language=event.language or said.language, edited_at=event.at)


def _reworded_advice(said: AdvisoryUpdate, event: AdvisoryReworded) -> AdvisoryUpdate:
    return replace(said, body=event.body, edited_at=event.at) if said.number == event.number else said


def _installation(connection: Connection) -> Installation:
    kept = {row.name: row.value for row in connection.execute(select(installation_rows))}
    return Installation(
        seed=kept["seed"],
        born=datetime.fromisoformat(kept["born"]),
        authority=kept["authority"],
        minted=date.fromisoformat(kept["minted"]),
        page_id=kept["page_id"],
    )
