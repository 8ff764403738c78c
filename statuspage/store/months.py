"""What a span of the past holds, at a cost that the span sets and not the years around it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, literal_column, or_, select

from incidents.levels.availability import Change, superseding
from incidents.maintenance import Maintenance
from incidents.times.spans import Span
from statuspage.picture.page import Story
from statuspage.picture.planned import Window
from statuspage.store.ledger_rows import LONGEST_AFTER
from statuspage.store.maintenance_rows import maintenance_words, read_maintenances
from statuspage.store.maintenance_tables import maintenances
from statuspage.store.queries import stories_of
from statuspage.store.tables import incident_services, incidents, status_changes

LONGEST = timedelta(days=366)
"""How long before a span an incident may have begun that still meets it. One that is open is met however old it is."""

SUPERSEDED_AT_MOST = 64
"""Turns of a service that one decision can take back: it is dated to the first failure, or to our last sign of life, and never further."""

# Spelled out, so that the index of services alone is used.
_OF_SERVICES: ColumnElement[bool] = status_changes.c.subject == literal_column("'service'")


def first_told(connection: Connection) -> datetime | None:
    """When the first incident or planned work that is over and that the public knows of began; None while there is none."""
    began = select(incidents.c.started_at).where(incidents.c.published_at.is_not(None)).order_by(incidents.c.started_at).limit(1)
    was_public = or_(~maintenances.c.needs_approval, maintenances.c.approved_by.is_not(None))
    worked = select(maintenances.c.starts).where(maintenances.c.ended_at.is_not(None), was_public).order_by(maintenances.c.starts).limit(1)
    found = (connection.execute(chosen).scalar() for chosen in (began, worked))
    return min((at for at in found if at is not None), default=None)


def stories_in(connection: Connection, span: Span, service: str | None = None) -> tuple[Story, ...]:
    """The published incidents whose outage meets *span*, newest first; with *service* those alone that hit it."""
    recent = incidents.c.started_at > span.since - LONGEST
    ended = func.coalesce(incidents.c.recovered_at, incidents.c.resolved_at)
    hit = select(incident_services.c.incident).where(incident_services.c.incident == incidents.c.id, incident_services.c.service == service)
    theirs = () if service is None else (hit.exists(),)
    met = (incidents.c.started_at < span.until, or_(ended.is_(None), ended > span.since), incidents.c.published_at.is_not(None), *theirs)
    ids = set(connection.execute(select(incidents.c.id).where(recent, *met)).scalars())
    ids.update(connection.execute(select(incidents.c.id).where(incidents.c.resolved_at.is_(None), *met)).scalars())
    return stories_of(connection, ids)


def windows_in(connection: Connection, span: Span) -> tuple[Window, ...]:
    """The public windows that were to begin before the end of *span* and met it, as planned or as they really ran; by their start."""
    recent = (maintenances.c.starts > span.since - LONGEST_AFTER, maintenances.c.starts < span.until)
    met = or_(func.coalesce(maintenances.c.ended_at, maintenances.c.ends) > span.since, maintenances.c.ends > span.since)
    public = or_(~maintenances.c.needs_approval, maintenances.c.approved_by.is_not(None))
    ids = connection.execute(select(maintenances.c.id).where(*recent, met, public)).scalars().all()
    words = maintenance_words(connection, ids)
    found = sorted(read_maintenances(connection, ids).values(), key=_by_start)
    return tuple(Window(maintenance=window, updates=words[window.id]) for window in found)


def _by_start(window: Maintenance) -> tuple[datetime, str]:
    return window.starts, window.id


def changes_in(connection: Connection, service_ids: Sequence[str], span: Span) -> Mapping[str, tuple[Change, ...]]:
    """As ``queries.changes``, but for what begins before the end of *span* alone."""
    return {id: _changes_in(connection, id, span) for id in service_ids}


def _changes_in(connection: Connection, service: str, span: Span) -> tuple[Change, ...]:
    theirs = (_OF_SERVICES, status_changes.c.id == service)
    # What was decided last of all that holds from before the span is in force when it begins.
    before = select(status_changes.c.sequence).where(*theirs, status_changes.c.since <= span.since)
    newest = before.order_by(status_changes.c.since.desc()).limit(SUPERSEDED_AT_MOST)
    floor = max(connection.execute(newest).scalars(), default=0)
    in_force = select(status_changes).where(status_changes.c.sequence == floor)
    within = select(status_changes).where(*theirs, status_changes.c.since > span.since, status_changes.c.since < span.until)
    rows = [*connection.execute(in_force), *connection.execute(within)]
    told: list[Change] = []
    for row in sorted(rows, key=lambda row: row.sequence):
        superseding(told, Change(since=row.since, new=row.new, covered=row.covered))
    return tuple(told)
