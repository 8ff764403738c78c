"""Customers who called: counted beside the probes, gathered by the incidents that explain them, and called back."""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, insert, or_, select, update

from incidents.callers import AHEAD
from incidents.model import Incident
from statuspage.store.caller_tables import callers

MOST_LISTED = 200
"""Callers that one look at an incident names; all are counted."""

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""When an incident ends that goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A customer's call, as whoever took it down told it; *symptom* and *ticket* are empty where nothing was noted."""

    service: str
    symptom: str = ""
    ticket: str = ""
    incident: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One that is kept: what was said, when, and *by* whom it was taken down."""

    id: int
    at: datetime
    by: str
    service: str
    symptom: str
    ticket: str
    incident: str | None


def log_caller(connection: Connection, call: Call, *, by: str, at: datetime) -> Caller:
    """Keep a call."""
    row = {"at": at, "by": by, "service": call.service, "symptom": call.symptom, "ticket": call.ticket, "incident": call.incident}
    id: int = connection.execute(insert(callers).values(row).returning(callers.c.id)).scalar_one()
    return Caller(id=id, **row)  # type: ignore[arg-type]  # the columns are the fields


def unexplained(connection: Connection, service: str, since: datetime) -> int:
    """How many called about *service* since then, without anybody naming an incident."""
    mine = (callers.c.service == service, callers.c.incident.is_(None), callers.c.at >= since)
    return connection.execute(select(func.count()).where(*mine)).scalar_one()


def unexplained_by_service(connection: Connection, services: Collection[str], since: datetime) -> Mapping[str, int]:
    """The same of each of *services*."""
    mine = (callers.c.service.in_(services), callers.c.incident.is_(None), callers.c.at >= since)
    counted = select(callers.c.service, func.count()).where(*mine).group_by(callers.c.service)
    return {**dict.fromkeys(services, 0), **{row[0]: row[1] for row in connection.execute(counted)}}


def count_by_incident(connection: Connection, incidents: Collection[Incident]) -> Mapping[str, int]:
    """How many called about each of *incidents*, as ``_of`` has it; hundreds of them are one question."""
    return {id: len(called) for id, called in calls_by_incident(connection, incidents).items()}


def calls_by_incident(connection: Connection, incidents: Collection[Incident]) -> Mapping[str, Sequence[datetime]]:
    """When those called, in no order."""
    if not incidents:
        return {}
    named: dict[str, list[datetime]] = {}
    unnamed: dict[str, list[datetime]] = {}
    for row in connection.execute(_THEIRS, _asked(incidents)):
        into, key = (named, row.incident) if row.incident is not None else (unnamed, row.service)
        into.setdefault(key, []).append(row.at)
    return {
        one.id: [*named.get(one.id, ()), *(at for service in one.worst for at in _between(unnamed.get(service, ()), one))]
        for one in incidents
    }


# Written down once, as in incident_rows.
_THEIRS = (
    select(callers.c.incident, callers.c.service, callers.c.at)
    .where(
        or_(
            callers.c.incident.in_(bindparam("ids", expanding=True)),
            and_(
                callers.c.incident.is_(None),
                callers.c.service.in_(bindparam("services", expanding=True)),
                callers.c.at >= bindparam("since"),
                callers.c.at < bindparam("until"),
            ),
        )
    )
    .order_by(callers.c.at)
)


def _asked(incidents: Collection[Incident]) -> Mapping[str, object]:
    """What all of *incidents* may explain: the services and the time that they hit together."""
    return {
        "ids": [one.id for one in incidents],
        "services": sorted({service for one in incidents for service in one.worst}),
        "since": min(one.started_at for one in incidents) - AHEAD,
        "until": max(one.resolved_at or NEVER for one in incidents),
    }


def _between(ascending: Sequence[datetime], incident: Incident) -> Sequence[datetime]:
    """Those of the instants that the incident explains."""
    first = bisect_left(ascending, incident.started_at - AHEAD)
    return ascending[first : bisect_left(ascending, incident.resolved_at or NEVER)]


def go_with(connection: Connection, incident: str, heir: str, services: Collection[str] | None = None) -> None:
    """Have those who called about *incident* count for its *heir*; where *services* are given, those alone who called about these."""
    mine = callers.c.incident == incident
    chosen = mine if services is None else and_(mine, callers.c.service.in_(services))
    connection.execute(update(callers).where(chosen).values(incident=heir))


def callers_of(connection: Connection, incident: Incident) -> Sequence[Caller]:
    """Who called about *incident*, the first ones first."""
    query = select(callers).where(_of(incident)).order_by(callers.c.at, callers.c.id).limit(MOST_LISTED)
    return [Caller(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name


def listed_callers(
    connection: Connection,
    *,
    service: str | None,
    before: int | None,
    limit: int,
    within: Collection[str] | None = None,
    ticket: str | None = None,
) -> Sequence[Caller]:
    """Callers, newest first, of one *service* or *ticket* or of all; those with an id below *before*, of services *within* these alone."""
    query = select(callers).order_by(callers.c.id.desc()).limit(limit)
    if service is not None:
        query = query.where(callers.c.service == service)
    if before is not None:
        query = query.where(callers.c.id < before)
    if ticket is not None:
        query = query.where(callers.c.ticket == ticket)
    if within is not None:
        query = query.where(callers.c.service.in_(within))
    return [Caller(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name


def erase_callers(connection: Connection, ticket: str) -> int:
    """Forget all who called under *ticket*; gives how many."""
    return connection.execute(delete(callers).where(callers.c.ticket == ticket)).rowcount


def prune_callers(connection: Connection, before: datetime, limit: int) -> int:
    """Forget who called *before*, at most *limit* of them; gives how many."""
    old = select(callers.c.id).where(callers.c.at < before).limit(limit)
    return connection.execute(delete(callers).where(callers.c.id.in_(old))).rowcount


def _of(incident: Incident) -> ColumnElement[bool]:
    """Those who named it, and those who named none and called about a service that it hit, from a little before it began."""
    around = [callers.c.at >= incident.started_at - AHEAD, callers.c.service.in_(tuple(incident.worst)), callers.c.incident.is_(None)]
    if incident.resolved_at is not None:
        around.append(callers.c.at < incident.resolved_at)
    return or_(callers.c.incident == incident.id, and_(*around))
