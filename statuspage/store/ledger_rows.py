"""What a ledger is made from, as rows and back: promises, corrections, and the windows of planned work that meet a period."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select

from incidents.events import Corrected
from incidents.levels.availability import Correction
from incidents.levels.terms import Period, Terms
from incidents.maintenance import Maintenance
from incidents.times.calendars import Calendar
from incidents.times.spans import Span
from statuspage.store.ledger_tables import corrections, service_levels
from statuspage.store.maintenance_rows import read_maintenances
from statuspage.store.maintenance_tables import maintenance_services, maintenances

LONGEST_AFTER = timedelta(days=366)
"""How long before a period a window may have begun that still meets it."""

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
    """The corrections that meet *period*, in the order in which they were made."""
    meets = and_(corrections.c.service == service, corrections.c.since < period.until, corrections.c.until > period.since)
    return tuple(
        Correction(span=Span(row.since, row.until), status=row.status, reason=row.reason, author=row.by, at=row.at)
        for row in connection.execute(select(corrections).where(meets).order_by(corrections.c.at, corrections.c.id))
    )


def windows_of(connection: Connection, service: str, period: Span) -> tuple[Maintenance, ...]:
    """The windows of planned work declared for *service* that may meet *period*."""
    meets = and_(maintenances.c.starts < period.until, maintenances.c.starts > period.since - LONGEST_AFTER)
    theirs = select(maintenance_services.c.maintenance).where(maintenance_services.c.service == service)
    ids = connection.execute(select(maintenances.c.id).where(meets, maintenances.c.id.in_(theirs))).scalars().all()
    return tuple(read_maintenances(connection, ids).values())


def write_corrections(connection: Connection, events: Sequence[Corrected]) -> None:
    """Add what people know better; there is no way to change or remove a row."""
    rows = [asdict(event) for event in events]
    if rows:
        connection.execute(insert(corrections), [{"id": row.pop("correction"), **row} for row in rows])


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
