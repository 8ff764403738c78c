"""What happened month by month: a closed month is a value that stays the same, drawn once. Pure, like the picture beside it.

A month is one of the site's zone. An incident stands in each month in which it hit anybody, and its length is that of the outage.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from incidents.levels.periods import written
from incidents.levels.service_level import calendar_period
from incidents.levels.terms import Period
from incidents.times.spans import Span
from statuspage.picture.advisories import AdvisoryView
from statuspage.picture.figures import MonthView
from statuspage.picture.page import IncidentView, Page
from statuspage.picture.planned import MaintenanceView

NEWEST = 3
"""Months that are shown where none is asked for."""

_PATH = re.compile(r"(?:/services/(?P<service>[^/]+))?/history(?:/(?P<year>[1-9]\d{3})-(?P<month>0[1-9]|1[0-2]))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which history an address means: of *service* or of all (None), in the month that begins on *first* or in the newest ones (None)."""

    service: str | None
    first: date | None


def addressed(path: str) -> Asked | None:
    """Read the address of a history: ``/history/2026-10``, ``/services/email/history``; None for any other."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    return Asked(service=found["service"], first=date(int(found["year"]), int(found["month"]), 1) if found["year"] else None)


def address(first: date | None, service: str | None = None) -> str:
    """The address of a month, or of the newest ones: what ``addressed`` reads."""
    whose = "" if service is None else f"/services/{service}"
    return f"{whose}/history" if first is None else f"{whose}/history/{written(Period.MONTH, first)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceMonth:
    """How a service was in a month; *told* is None where it was not watched yet."""

    service: str
    name: str
    told: MonthView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A month as the public may read of it: *incidents*, *windows* and *advisories* newest first, *services* in the order of the page.

    *service* is set where it tells of one service alone. It holds as of *as_of*: for a month that is over, its end or the last word
    about anything in it. *older* and *newer* are the months beside it; None where there is none.
    """

    first: date
    service: str | None
    is_over: bool
    as_of: datetime
    incidents: tuple[IncidentView, ...]
    windows: tuple[MaintenanceView, ...]
    advisories: tuple[AdvisoryView, ...]
    services: tuple[ServiceMonth, ...]
    older: date | None
    newer: date | None


def archive(page: Page, months: Mapping[str, MonthView], asked: Asked, *, first: date, born: date) -> Archive:
    """The month that begins on *first*, from a picture of its own: *page* holds the incidents and windows that meet it and no others.

    *months* is how each service was in it, by id; *born* begins the oldest month there is.
    """
    span = span_of(first, page.site.timezone)
    is_over = span.until <= page.as_of
    incidents = tuple(view for view in (*page.open, *page.recent) if _concerns(asked.service, view))
    windows = tuple(view for view in (*page.planned, *page.past) if _concerns(asked.service, view))
    advisories = tuple(view for view in (*page.advisories, *page.past_advisories) if asked.service is None or view.concerns(asked.service))
    told = [at for view in incidents for at in _told(view)] + [view.told_at for view in windows] + [view.told_at for view in advisories]
    present = month_of(page.as_of, page.site.timezone)
    return Archive(
        first=first,
        service=asked.service,
        is_over=is_over,
        as_of=max([span.until, *told]) if is_over else page.as_of,
        incidents=tuple(sorted(incidents, key=lambda view: (view.started_at, view.id), reverse=True)),
        windows=tuple(sorted(windows, key=lambda view: (view.starts, view.id), reverse=True)),
        advisories=tuple(sorted(advisories, key=lambda view: (view.starts, view.id), reverse=True)),
        services=tuple(
            ServiceMonth(service=one.id, name=one.name, told=months.get(one.id))
            for group in page.groups
            for one in group.services
            if one.is_watched and asked.service in {None, one.id}
        ),
        older=month_before(first) if first > born else None,
        newer=month_after(first) if first < present else None,
    )


def _concerns(service: str | None, view: IncidentView | MaintenanceView) -> bool:
    return service is None or any(one.service == service for one in view.services)


def _told(view: IncidentView) -> list[datetime]:
    words = [at for update in view.updates for at in (update.at, update.edited_at) if at is not None]
    return [view.published_at, *words, *([view.resolved_at] if view.resolved_at else [])]


def span_of(first: date, zone: str) -> Span:
    """The month of *zone* that begins on *first*."""
    return calendar_period(Period.MONTH, first, zone)


def month_of(at: datetime, zone: str) -> date:
    """The first day of the month of *zone* in which *at* lies."""
    return at.astimezone(ZoneInfo(zone)).date().replace(day=1)


def month_before(first: date) -> date:
    """The month before."""
    return (first - timedelta(days=1)).replace(day=1)


def month_after(first: date) -> date:
    """The month after."""
    return (first + timedelta(days=31)).replace(day=1)


def all_months(born: date, present: date) -> Sequence[date]:
    """Every month from the oldest to the present one, the newest first."""
    found = [present]
    while found[-1] > born:
        found.append(month_before(found[-1]))
    return tuple(found)


def by_year(months: Sequence[date]) -> Mapping[int, Sequence[date]]:
    """The same by year, in their order."""
    return {year: [one for one in months if one.year == year] for year in dict.fromkeys(one.year for one in months)}


def paths(born: datetime, now: datetime, zone: str, services: Sequence[str]) -> tuple[str, ...]:
    """The path of every history there is: of all services and of each, the newest months and each month since the oldest."""
    months = all_months(min(month_of(born, zone), month_of(now, zone)), month_of(now, zone))
    return tuple(address(first, service) for service in (None, *services) for first in (None, *months))
