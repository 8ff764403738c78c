"""Ids that change: every row that names the old one names the new one, and what a monitor measures is compared with what it did."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Column, Connection, Table, delete, exists, or_, select, update

from incidents.events import Counted, Event, Moved
from incidents.model import Subject
from incidents.moving import Move, incident_moved
from incidents.votes import Streak
from statuspage.store.advisory_tables import advisory_services
from statuspage.store.caller_tables import callers
from statuspage.store.change_tables import change_services
from statuspage.store.feed_tables import feed_entries
from statuspage.store.incident_rows import change_incident, read_incidents
from statuspage.store.knowledge_tables import known_error_services
from statuspage.store.ledger_tables import corrections, service_levels
from statuspage.store.maintenance_tables import maintenance_components, maintenance_services
from statuspage.store.outbox_tables import subscribers
from statuspage.store.report_tables import reports
from statuspage.store.review_tables import missed
from statuspage.store.scope_tables import circles, hidden_services
from statuspage.store.signal_tables import signals
from statuspage.store.tables import (
    incident_components,
    incident_services,
    incidents,
    measured,
    paused,
    places,
    public_ids,
    standings,
    status_changes,
    streaks,
    waived,
)
from statuspage.store.upsert import put

log = logging.getLogger(__name__)

_COLUMNS: Mapping[Subject, Sequence[tuple[Table, Column[str]]]] = {
    Subject.MONITOR: (
        (streaks, streaks.c.monitor),
        (places, places.c.monitor),
        (paused, paused.c.monitor),
        (measured, measured.c.monitor),
        (missed, missed.c.monitor),
    ),
    Subject.COMPONENT: (
        (incidents, incidents.c.root),
        (incident_components, incident_components.c.component),
        (waived, waived.c.component),
        (maintenance_components, maintenance_components.c.component),
    ),
    Subject.SERVICE: (
        (incident_services, incident_services.c.service),
        (public_ids, public_ids.c.name),
        (maintenance_services, maintenance_services.c.service),
        (advisory_services, advisory_services.c.service),
        (service_levels, service_levels.c.service),
        (corrections, corrections.c.service),
        (feed_entries, feed_entries.c.service),
        (reports, reports.c.service),
        (callers, callers.c.service),
        (change_services, change_services.c.service),
        (hidden_services, hidden_services.c.service),
        (circles, circles.c.service),
        (signals, signals.c.service),
        (known_error_services, known_error_services.c.service),
    ),
}
"""Where ids stand, beside standings and status changes, which name their subject."""


def rename(connection: Connection, move: Move) -> None:
    """Have every row that names the old id name the new one. The journal stays as it was written."""
    _rename_told(connection, move)
    for table, column in _COLUMNS[move.subject]:
        connection.execute(update(table).where(column == move.old).values({column.name: move.new}))
    for table in (standings, status_changes):
        connection.execute(update(table).where(table.c.subject == move.subject, table.c.id == move.old).values(id=move.new))
    if move.subject is Subject.SERVICE:
        _rename_wished(connection, move)
    connection.info.pop("places", None)  # the numbers that are remembered beside the connection are of the old ids


def _rename_wished(connection: Connection, move: Move) -> None:
    """What subscribers asked for names services in a list."""
    for row in connection.execute(select(subscribers.c.id, subscribers.c.services).where(subscribers.c.services.is_not(None))).all():
        if move.old in row.services:
            renamed = [move.new if service == move.old else service for service in row.services]
            connection.execute(update(subscribers).where(subscribers.c.id == row.id).values(services=renamed))


def _rename_told(connection: Connection, move: Move) -> None:
    """What may still go on has claims that name services, too."""
    going_on = or_(incidents.c.resolved_at.is_(None), incidents.c.reopens_until.is_not(None))
    ids = connection.execute(select(incidents.c.id).where(going_on)).scalars().all()
    for incident in read_incidents(connection, ids).values():
        if (renamed := incident_moved(incident, move)) != incident:
            change_incident(connection, renamed)


def due_moves(connection: Connection, wanted: Iterable[Move], at: datetime) -> tuple[Moved, ...]:
    """Those of *wanted* that are still to be done: the old id is known here and the new one is not.

    Done once: afterwards nothing is known under the old id, however often the file says so.
    """
    found = []
    for move in wanted:
        if not _is_known(connection, move.subject, move.old):
            continue
        if _is_known(connection, move.subject, move.new):
            log.warning("the %s %s is known already: what was known of %s stays with that id", *move[::2], move.old)
            continue
        found.append(Moved(at=at, subject=move.subject, old=move.old, new=move.new))
    return tuple(found)


def _is_known(connection: Connection, subject: Subject, id_: str) -> bool:
    judged = exists().where(standings.c.subject == subject, standings.c.id == id_)
    named = exists().where(public_ids.c.name == id_) if subject is Subject.SERVICE else judged
    return bool(connection.execute(select(or_(judged, named))).scalar())


def forgotten_votes(connection: Connection, measures: Mapping[str, str]) -> tuple[Event, ...]:
    """What makes monitors forget their votes that measure something else than before; *measures* has a digest for each monitor.

    The digests are kept for the next time. Inside a write; the events are to be recorded in the same.
    """
    known = measures_now(connection)
    changed = {id_ for id_, digest in measures.items() if known.get(id_, digest) != digest}
    put(connection, measured, [{"monitor": id_, "digest": digest} for id_, digest in measures.items() if known.get(id_) != digest])
    connection.execute(delete(measured).where(measured.c.monitor.not_in(measures.keys())))
    return _emptied(connection, changed)


def measures_now(connection: Connection) -> Mapping[str, str]:
    """A digest for each monitor of what it measures, by the configuration in use."""
    return {row.monitor: row.digest for row in connection.execute(select(measured))}


def _emptied(connection: Connection, monitors: Collection[str]) -> tuple[Event, ...]:
    rows = connection.execute(select(streaks.c.monitor, streaks.c.location).where(streaks.c.monitor.in_(sorted(monitors))))
    return tuple(Counted(monitor=row.monitor, location=row.location, streak=Streak()) for row in rows.all())
