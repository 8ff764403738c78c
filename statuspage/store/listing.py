"""Which incidents there are, and when we could not see, page by page, for those who read all of it."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select

from incidents.impairment import Impairment
from statuspage.store.tables import impairments, incident_components, incident_services, incidents

Place = tuple[datetime, str]
"""Where a page ends: when the incident opened, and its id."""


def incident_ids(
    connection: Connection,
    *,
    is_open: bool | None,
    after: Place | None,
    limit: int,
    within: Collection[str] | None = None,
    parts_of_others: Collection[str] = (),
) -> tuple[Place, ...]:
    """Return the newest incidents that come after *after*, newest first; only open or only closed ones where *is_open* says so.

    Where some services are given, those alone that have hit any *within* these, or none at all and not merely *parts_of_others*.
    """
    place = (incidents.c.opened_at, incidents.c.id)
    query = select(*place).order_by(incidents.c.opened_at.desc(), incidents.c.id.desc()).limit(limit)
    if is_open is not None:
        query = query.where(incidents.c.resolved_at.is_(None) if is_open else incidents.c.resolved_at.is_not(None))
    if after is not None:
        at, id_ = after
        query = query.where(or_(incidents.c.opened_at < at, and_(incidents.c.opened_at == at, incidents.c.id < id_)))
    if within is not None:
        query = query.where(_is_within(within, parts_of_others))
    return tuple((row.opened_at, row.id) for row in connection.execute(query))


def _is_within(services: Collection[str], parts_of_others: Collection[str]) -> ColumnElement[bool]:
    hit, part = incident_services.c.incident == incidents.c.id, incident_components.c.incident == incidents.c.id
    is_nobodys = or_(exists().where(part, incident_components.c.component.not_in(parts_of_others)), ~exists().where(part))
    return or_(exists().where(hit, incident_services.c.service.in_(services)), and_(~exists().where(hit), is_nobodys))


def impairments_of_ours(connection: Connection, *, before: int | None, limit: int) -> tuple[tuple[int, Impairment], ...]:
    """Return when our own monitoring was impaired, newest first, each with its number; only those numbered below *before*."""
    query = select(impairments).order_by(impairments.c.sequence.desc()).limit(limit)
    if before is not None:
        query = query.where(impairments.c.sequence < before)
    return tuple(
        (row.sequence, Impairment(location=row.location, reason=row.reason, since=row.since, until=row.until, detail=row.detail))
        for row in connection.execute(query)
    )
