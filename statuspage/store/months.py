"""What a span of the past holds, at a cost that the span sets and not the years around it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, func, literal, literal_column, or_, select, tuple_

from incidents.levels.availability import Change, superseding
from incidents.maintenance import Maintenance
from incidents.times.spans import Span
from statuspage.picture.page import Story
from statuspage.picture.planned import Window
from statuspage.picture.scope import WHOLE, Scope
from statuspage.store.ledger_rows import LONGEST_AFTER
from statuspage.store.maintenance_rows import maintenance_words, read_maintenances
from statuspage.store.maintenance_tables import maintenance_services, maintenances
from statuspage.store.queries import stories_of
from statuspage.store.tables import incident_services, incidents, status_changes

LONGEST = timedelta(days=366)
"""How long before a span an incident may have begun that still meets it. One that is open is met however old it is."""

SUPERSEDED_AT_MOST = 64
"""Turns of a service that one decision can take back: it is dated to the first failure, or to our last sign of life, and never further."""

LOOKED_AT = 20
"""Incidents that are read at a time to find the first that some readers know of; the first of them is it but for what began elsewhere."""

Cut = Callable[[tuple[Story, ...]], Sequence[Story]]

# Spelled out, so that the index of services alone is used.
_OF_SERVICES: ColumnElement[bool] = status_changes.c.subject == literal_column("'service'")


def first_told(connection: Connection, scope: Scope = WHOLE, cut: Cut = tuple) -> datetime | None:
    """When the first incident or planned work that is over and that the readers of *scope* know of began; None while there is none.

    *cut* leaves of stories what they may know: one that hit their services later than others began for them then.
    """
    was_public = or_(~maintenances.c.needs_approval, maintenances.c.approved_by.is_not(None))
    theirs = _concerns(maintenance_services, maintenance_services.c.maintenance == maintenances.c.id, scope)
    worked = select(maintenances.c.starts).where(maintenances.c.ended_at.is_not(None), was_public, *theirs).order_by(maintenances.c.starts)
    found = (_first_began(connection, scope, cut), connection.execute(worked.limit(1)).scalar())
    return min((at for at in found if at is not None), default=None)


def _first_began(connection: Connection, scope: Scope, cut: Cut) -> datetime | None:
    theirs = _concerns(incident_services, incident_services.c.incident == incidents.c.id, scope)
    key = tuple_(incidents.c.started_at, incidents.c.id)
    ascending = select(incidents.c.started_at, incidents.c.id).where(incidents.c.published_at.is_not(None), *theirs).order_by(*key)
    first: datetime | None = connection.execute(ascending.limit(1)).scalar() if scope.is_whole else None
    if scope.is_whole:
        return first
    chosen = ascending.limit(LOOKED_AT)
    while (rows := connection.execute(chosen).all()) and (first is None or rows[0].started_at < first):
        began = [story.incident.started_at for story in cut(stories_of(connection, [row.id for row in rows]))]
        first = min(began if first is None else [first, *began], default=None)
        last = tuple_(literal(rows[-1].started_at, incidents.c.started_at.type), rows[-1].id)
        chosen = ascending.where(key > last).limit(LOOKED_AT)
    return first


def _concerns(hit: Table, is_its: ColumnElement[bool], scope: Scope) -> Sequence[ColumnElement[bool]]:
    """That a row of *hit* (*is_its* row) names a service which *scope* tells of, or, on the main page, that none names any."""
    if scope.is_whole:
        return ()
    if scope.only is not None:
        return (select(hit.c.service).where(is_its, hit.c.service.in_(scope.only)).exists(),)
    told = select(hit.c.service).where(is_its, hit.c.service.not_in(scope.hidden))
    return (or_(told.exists(), ~select(hit.c.service).where(is_its).exists()),)


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
