"""What a ledger is made from, as rows and back: promises, corrections, and the windows of planned work that meet a period."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any, assert_never

from sqlalchemy import Connection, Row, and_, exists, func, insert, not_, or_, select

from incidents.corrected import Corrected, CorrectionApproved, CorrectionDropped, CorrectionEvent
from incidents.levels.availability import Correction
from incidents.levels.terms import Period, Terms
from incidents.maintenance import Maintenance
from incidents.model import Status
from incidents.times.calendars import Calendar
from incidents.times.spans import Span
from statuspage.store.ledger_tables import correction_decisions, corrections, service_levels
from statuspage.store.maintenance_rows import read_maintenances
from statuspage.store.maintenance_tables import maintenance_services, maintenances

LONGEST_AFTER = timedelta(days=366)
"""How long before a period a window may have begun that still meets it."""

_DECIDED = corrections.outerjoin(correction_decisions, correction_decisions.c.correction == corrections.c.id)
_WAITS = and_(corrections.c.needs_approval, correction_decisions.c.correction.is_(None))
_COUNTS = func.coalesce(correction_decisions.c.is_approved, not_(corrections.c.needs_approval))
_COUNTS_FROM = func.coalesce(correction_decisions.c.at, corrections.c.at)
_COUNTING = (
    select(corrections, _COUNTS_FROM.label("counts_from")).select_from(_DECIDED).where(_COUNTS).order_by(_COUNTS_FROM, corrections.c.id)
)
_ROWS = select(
    corrections,
    correction_decisions.c.is_approved,
    correction_decisions.c.by.label("decided_by"),
    correction_decisions.c.at.label("decided_at"),
    correction_decisions.c.reason.label("decision"),
).select_from(_DECIDED)

Stated = Sequence[tuple[datetime, Terms]]


def state_terms(connection: Connection, stated: Mapping[str, Terms], at: datetime) -> None:
    """Keep what holds for each service from *at* on, where it is another than before. Inside a write."""
    newest = select(func.max(service_levels.c.sequence)).group_by(service_levels.c.service)
    known = {row.service: row.terms for row in connection.execute(select(service_levels).where(service_levels.c.sequence.in_(newest)))}
    spelled = {service: _spelled(terms) for service, terms in stated.items()}
    rows = [{"service": service, "since": at, "terms": terms} for service, terms in spelled.items() if known.get(service) != terms]
    if rows:
        connection.execute(insert(service_levels), rows)


def terms_of(connection: Connection, service: str) -> Stated:
    """The terms of *service* from each instant on, ascending."""
    chosen = select(service_levels.c.since, service_levels.c.terms).where(service_levels.c.service == service)
    rows = connection.execute(chosen.order_by(service_levels.c.since, service_levels.c.sequence))
    return tuple((row.since, _understood(row.terms)) for row in rows)


def corrections_of(connection: Connection, service: str, period: Span) -> tuple[Correction, ...]:
    """The corrections that meet *period* and count, each *at* the instant from which it did, in that order."""
    meets = and_(corrections.c.service == service, corrections.c.since < period.until, corrections.c.until > period.since)
    return tuple(_counted(row) for row in connection.execute(_COUNTING.where(meets)))


def corrections_by(connection: Connection, at: datetime) -> Mapping[str, tuple[Correction, ...]]:
    """The corrections of each service that counted *at* an instant, in the order in which they came to."""
    found: dict[str, list[Correction]] = {}
    for row in connection.execute(_COUNTING.where(at >= _COUNTS_FROM)):
        found.setdefault(row.service, []).append(_counted(row))
    return {service: tuple(theirs) for service, theirs in found.items()}


def _counted(row: Row[Any]) -> Correction:
    return Correction(span=Span(row.since, row.until), status=row.status, reason=row.reason, author=row.by, at=row.counts_from)


class CorrectionState(StrEnum):
    """What became of a correction."""

    WAITING = "waiting"
    COUNTS = "counts"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRow:
    """A correction with what a second person made of it; *decision* is the reason where it was dropped."""

    correction: str
    service: str
    since: datetime
    until: datetime
    status: Status
    reason: str
    by: str
    at: datetime
    state: CorrectionState
    decided_by: str | None
    decided_at: datetime | None
    decision: str | None


def newest_corrections(
    connection: Connection, *, service: str | None, after: tuple[datetime, str] | None, limit: int
) -> tuple[CorrectionRow, ...]:
    """The newest corrections of *service* (None: of all), newest first; only those older than *after* (when, and its id)."""
    chosen = _ROWS.order_by(corrections.c.at.desc(), corrections.c.id.desc()).limit(limit)
    if service is not None:
        chosen = chosen.where(corrections.c.service == service)
    if after is not None:
        at, id_ = after
        chosen = chosen.where(or_(corrections.c.at < at, and_(corrections.c.at == at, corrections.c.id < id_)))
    return tuple(_correction(row) for row in connection.execute(chosen))


def read_correction(connection: Connection, id_: str) -> CorrectionRow:
    """The correction of this id. Errors: NoResultFound."""
    return _correction(connection.execute(_ROWS.where(corrections.c.id == id_)).one())


def _correction(row: Row[Any]) -> CorrectionRow:
    state = CorrectionState.WAITING if row.needs_approval else CorrectionState.COUNTS
    if row.is_approved is not None:
        state = CorrectionState.COUNTS if row.is_approved else CorrectionState.DROPPED
    told = {name: getattr(row, name) for name in ("service", "since", "until", "status", "reason", "by", "at")}
    decided = {"decided_by": row.decided_by, "decided_at": row.decided_at, "decision": row.decision or None}
    return CorrectionRow(correction=row.id, state=state, **told, **decided)


def proposals(connection: Connection) -> Mapping[str, str]:
    """The corrections that wait for a second person, each with who made it."""
    return {row.id: row.by for row in connection.execute(select(corrections.c.id, corrections.c.by).select_from(_DECIDED).where(_WAITS))}


def waiting_corrections(connection: Connection) -> tuple[CorrectionRow, ...]:
    """The same with all that is known of each, oldest first."""
    return tuple(_correction(row) for row in connection.execute(_ROWS.where(_WAITS).order_by(corrections.c.at, corrections.c.id)))


def windows_of(connection: Connection, service: str, period: Span) -> tuple[Maintenance, ...]:
    """The windows of planned work declared for *service* that may meet *period*."""
    meets = and_(maintenances.c.starts < period.until, maintenances.c.starts > period.since - LONGEST_AFTER)
    # Asked of each window in the period, so that it does not walk through all that the service ever had.
    theirs = exists().where(maintenance_services.c.maintenance == maintenances.c.id, maintenance_services.c.service == service)
    ids = connection.execute(select(maintenances.c.id).where(meets, theirs)).scalars().all()
    return tuple(read_maintenances(connection, ids).values())


def write_corrections(connection: Connection, events: Sequence[CorrectionEvent]) -> None:
    """Add what people know better, and what became of it; there is no way to change or remove a row."""
    for event in events:
        match event:
            case Corrected():
                row = asdict(event)
                connection.execute(insert(corrections).values(id=row.pop("correction"), **row))
            case CorrectionApproved():
                connection.execute(insert(correction_decisions).values(**asdict(event), is_approved=True, reason=""))
            case CorrectionDropped():
                connection.execute(insert(correction_decisions).values(**asdict(event), is_approved=False))
            case _:
                assert_never(event)


def _spelled(terms: Terms) -> dict[str, Any]:
    return {
        "target": None if terms.target is None else str(terms.target),
        "period": terms.period.value,
        "hours": None if terms.hours is None else _spelled_hours(terms.hours),
        "partial_counts": str(terms.partial_counts),
        "notice": terms.notice.total_seconds(),
        "notice_from": terms.notice_from.total_seconds(),
    }


def _spelled_hours(calendar: Calendar) -> dict[str, Any]:
    return {
        "timezone": calendar.timezone,
        "weekly": {str(day): [list(hours) for hours in spans] for day, spans in calendar.weekly.items()},
        "closed": sorted(day.isoformat() for day in calendar.closed),
    }


def _understood(kept: Mapping[str, Any]) -> Terms:
    return Terms(
        target=None if kept["target"] is None else Fraction(kept["target"]),
        period=Period(kept["period"]),
        hours=None if kept["hours"] is None else _understood_hours(kept["hours"]),
        partial_counts=Fraction(kept["partial_counts"]),
        notice=timedelta(seconds=kept["notice"]),
        notice_from=timedelta(seconds=kept["notice_from"]),
    )


def _understood_hours(kept: Mapping[str, Any]) -> Calendar:
    return Calendar(
        timezone=kept["timezone"],
        weekly={int(day): tuple((opens, closes) for opens, closes in spans) for day, spans in kept["weekly"].items()},
        closed=frozenset(date.fromisoformat(day) for day in kept["closed"]),
    )
