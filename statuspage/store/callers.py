"""Customers who called: counted beside the probes, gathered by the incidents that explain them, and called back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select

from incidents.callers import AHEAD
from incidents.model import Incident
from statuspage.store.caller_tables import callers

MOST_LISTED = 200
"""Callers that one look at an incident names; all are counted."""


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


def count_by_incident(connection: Connection, incidents: Iterable[Incident]) -> Mapping[str, int]:
    """How many called about each of *incidents*."""
    return {one.id: connection.execute(select(func.count()).where(_of(one))).scalar_one() for one in incidents}


def callers_of(connection: Connection, incident: Incident) -> Sequence[Caller]:
    """Who called about *incident*, the first ones first."""
    query = select(callers).where(_of(incident)).order_by(callers.c.at, callers.c.id).limit(MOST_LISTED)
    return [Caller(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name


def listed_callers(connection: Connection, *, service: str | None, before: int | None, limit: int) -> Sequence[Caller]:
    """Callers, newest first, of one *service* or of all; those with an id below *before*."""
    query = select(callers).order_by(callers.c.id.desc()).limit(limit)
    if service is not None:
        query = query.where(callers.c.service == service)
    if before is not None:
        query = query.where(callers.c.id < before)
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
