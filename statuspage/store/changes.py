"""What was altered: told by agents and pipelines, and by every configuration that was taken into use."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, exists, insert, or_, select

from incidents.model import Incident
from statuspage.store.change_tables import change_services, changes
from statuspage.store.tables import configurations

JUST_BEFORE = timedelta(hours=24)
"""How long before an incident began something was altered just before it."""

MOST = 50
"""Changes that one look names, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that was altered *at* an instant; *services* that it touches (none: maybe all), *url* where it can be read (or empty).

    *version* is set where it is our own configuration that was taken into use, of which nobody had to tell (*id* is 0 then).
    """

    id: int
    at: datetime
    by: str
    what: str
    services: tuple[str, ...] = ()
    url: str = ""
    version: int | None = None


def tell_change(connection: Connection, change: Change) -> Change:
    """Keep a change; its id is given by the store."""
    row = {"at": change.at, "by": change.by, "what": change.what, "url": change.url}
    id: int = connection.execute(insert(changes).values(row).returning(changes.c.id)).scalar_one()
    if change.services:
        connection.execute(insert(change_services), [{"change": id, "service": service} for service in dict.fromkeys(change.services)])
    return Change(id=id, services=change.services, **row)  # type: ignore[arg-type]  # the columns are the fields


def listed_changes(
    connection: Connection, *, service: str | None, before: int | None, limit: int, within: Collection[str] | None = None
) -> Sequence[Change]:
    """Changes that were told, the last told first: those that touch *service*, or all; with an id below *before*.

    Where some services are given, those alone that touch any *within* these.
    """
    query = select(changes).order_by(changes.c.id.desc()).limit(limit)
    if service is not None:
        query = query.where(_touches([service]))
    if before is not None:
        query = query.where(changes.c.id < before)
    if within is not None:
        query = query.where(_touches(within))
    return _read(connection, query)


def changes_before(connection: Connection, incident: Incident, within: Collection[str] | None = None) -> Sequence[Change]:
    """What was altered from a day before *incident* began until it last failed, and may have touched what it hit, the newest first.

    Where some services are given, what touches any *within* these alone.
    """
    since, until = incident.started_at - JUST_BEFORE, max(incident.opened_at, incident.returned_at or incident.opened_at)
    told = select(changes).where(changes.c.at >= since, changes.c.at < until, _touches(incident.worst))
    if within is not None:
        told = told.where(_touches(within))
    found = [
        *_read(connection, told.order_by(changes.c.at.desc(), changes.c.id.desc()).limit(MOST)),
        *_configured(connection, since, until),
    ]
    return sorted(found, key=lambda one: (one.at, one.id), reverse=True)[:MOST]


def changes_lately(connection: Connection, services: Collection[str], since: datetime) -> Mapping[str, Sequence[Change]]:
    """What was altered *since* then, by the service that it touches, the newest first."""
    told = _read(connection, select(changes).where(changes.c.at >= since, _touches(services)).order_by(changes.c.at.desc()).limit(MOST))
    return {service: [one for one in told if not one.services or service in one.services] for service in services}


def changes_between(connection: Connection, since: datetime, until: datetime) -> Sequence[Change]:
    """All that was altered in [*since*, *until*), our own configuration included."""
    told = select(changes).where(changes.c.at >= since, changes.c.at < until).order_by(changes.c.at, changes.c.id)
    return [*_read(connection, told), *_configured(connection, since, until)]


def prune_changes(connection: Connection, before: datetime, limit: int) -> int:
    """Forget what was altered *before*, at most *limit* changes; gives how many."""
    old = list(connection.execute(select(changes.c.id).where(changes.c.at < before).limit(limit)).scalars())
    connection.execute(delete(change_services).where(change_services.c.change.in_(old)))
    return connection.execute(delete(changes).where(changes.c.id.in_(old))).rowcount


def _touches(services: Iterable[str]) -> ColumnElement[bool]:
    """Changes of any of *services*, and those that may have touched all."""
    mine = change_services.c.change == changes.c.id
    return or_(exists().where(mine, change_services.c.service.in_(tuple(services))), ~exists().where(mine))


def _read(connection: Connection, query: Select[Any]) -> Sequence[Change]:
    rows = connection.execute(query).all()
    parts: dict[int, list[str]] = {row.id: [] for row in rows}
    for part in connection.execute(select(change_services).where(change_services.c.change.in_(parts)).order_by(change_services.c.service)):
        parts[part.change].append(part.service)
    return [Change(id=row.id, at=row.at, by=row.by, what=row.what, url=row.url, services=tuple(parts[row.id])) for row in rows]


def _configured(connection: Connection, since: datetime, until: datetime) -> list[Change]:
    """Configurations of ours that were taken into use; the first one altered nothing."""
    of_then = (configurations.c.version > 1, configurations.c.applied_at >= since, configurations.c.applied_at < until)
    rows = connection.execute(select(configurations.c.version, configurations.c.applied_at).where(*of_then))
    return [
        Change(
            id=0, at=row.applied_at, by="", what=f"Version {row.version} of the monitoring's own configuration", version=int(row.version)
        )
        for row in rows
    ]
