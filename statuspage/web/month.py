"""The calendar at the desk: a month of planned work, advisories, business hours and who is on call, day by day."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web
from sqlalchemy import Connection

from incidents.advisory import AdvisoryStage
from incidents.maintenance import Maintenance, MaintenanceState
from incidents.planned.windows import horizon
from incidents.rota import StandIn
from incidents.times.calendars import Calendar
from incidents.times.spans import Span
from statuspage.config.types import ALWAYS
from statuspage.picture.advisories import Bulletin
from statuspage.store import stand_ins
from statuspage.store.advisory_rows import bulletins_in
from statuspage.store.maintenance_rows import maintenances_between
from statuspage.store.stand_ins import Arranged
from statuspage.web import warned, window_rows
from statuspage.web.desk import DESK, Desk
from statuspage.web.problems import Rejected
from statuspage.web.screens import screen

_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])", re.ASCII)
_DAY = timedelta(days=1)
_HOURS_LOOKED_AT = (0, 6, 12, 18)
"""When a day is looked at for who is on call: nobody hands over more often than it is worth to see in a month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What stands on days: its *name* and page, its *services*, and a *mark* that says how it is. *until* is None where it stays."""

    kind: str
    name: str
    href: str
    mark: str
    services: tuple[str, ...]
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day: *entries* with the part of the day that each takes, business *hours* by calendar, and people *on_call* by team."""

    date: date
    is_today: bool
    is_inside: bool
    entries: tuple[tuple[str, Entry], ...]
    hours: tuple[tuple[str, str], ...]
    on_call: tuple[tuple[str, str], ...]


async def show_calendar(request: web.Request) -> web.Response:
    """Draw a month, the present one by default. Errors: Rejected 422."""
    desk = request.app[DESK]
    zone = ZoneInfo(desk.timezone)
    today = desk.now().astimezone(zone).date()
    first = _asked(request.query.get("month", ""), today)
    days = _weeks(first)
    span = Span(_midnight(days[0], zone), _midnight(days[-1] + _DAY, zone))

    def read(connection: Connection) -> tuple[Sequence[Maintenance], Sequence[Bulletin], Sequence[Arranged]]:
        windows = maintenances_between(connection, span.since, span.until)
        return windows, bulletins_in(connection, span), stand_ins.arranged_from(connection, span.since)

    windows, bulletins, arranged = await desk.store.read(read)
    ahead = horizon(desk.pipeline.situation, span.since, span.until)
    entries = [*_works(desk, (*windows, *ahead)), *_warnings(desk, bulletins)]
    watches = _watches(desk, days, arranged, zone)
    drawn = [
        Day(
            date=day,
            is_today=day == today,
            is_inside=day.month == first.month,
            entries=tuple(_on(day, entries, zone)),
            hours=tuple(_hours(desk, day, zone)),
            on_call=watches[day],
        )
        for day in days
    ]
    weeks = [drawn[place : place + 7] for place in range(0, len(drawn), 7)]
    return screen(request, "calendar.html", month=first, weeks=weeks, before=first - _DAY, after=days[0] + timedelta(days=40))


def _asked(text: str, today: date) -> date:
    """The first of the month that is asked for. Errors: Rejected 422."""
    if not text:
        return today.replace(day=1)
    found = _MONTH.fullmatch(text)
    if found is None:
        raise Rejected(422, "Say the month as 2026-01.")
    return date(int(found[1]), int(found[2]), 1)


def _weeks(first: date) -> list[date]:
    """The days of the whole weeks that a month touches."""
    start = first - timedelta(days=first.weekday())
    last = (first + timedelta(days=31)).replace(day=1) - _DAY
    count = ((last - start).days // 7 + 1) * 7
    return [start + timedelta(days=place) for place in range(count)]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


# --- what stands on a day -------------------------------------------------------------------------------------------------------


def _works(desk: Desk, windows: Iterable[Maintenance]) -> Iterator[Entry]:
    for window in {window.id: window for window in windows}.values():
        row = window_rows.row(desk, window)
        if row.state is MaintenanceState.CANCELLED:
            continue
        yield Entry(
            kind="maintenance",
            name=row.name,
            href=f"/maintenance/{row.id}",
            mark="waits for approval" if row.is_waiting else "",
            services=row.services,
            since=row.starts,
            until=row.ended_at or row.ends,
        )


def _warnings(desk: Desk, bulletins: Iterable[Bulletin]) -> Iterator[Entry]:
    for row in warned.rows(desk, bulletins):
        yield Entry(
            kind="advisory",
            name=row.name,
            href=f"/advisories/{row.id}",
            mark="withdrawn" if row.stage is AdvisoryStage.WITHDRAWN else "",
            services=row.services,
            since=row.starts,
            until=row.ended_at or row.ends,
        )


def _on(day: date, entries: Iterable[Entry], zone: ZoneInfo) -> Iterator[tuple[str, Entry]]:
    """Those that take any of *day*, by their start, each with the part of the day that it takes."""
    whole = Span(_midnight(day, zone), _midnight(day + _DAY, zone))
    for entry in sorted(entries, key=lambda one: (one.since, one.href)):
        until = entry.until or whole.until
        if entry.since < whole.until and (until > whole.since or entry.since >= whole.since):
            yield _part(entry, whole, zone), entry


def _part(entry: Entry, day: Span, zone: ZoneInfo) -> str:
    begins = f"{entry.since.astimezone(zone):%H:%M}" if entry.since >= day.since else ""
    ends = f"{entry.until.astimezone(zone):%H:%M}" if entry.until is not None and entry.until < day.until else ""
    if begins and ends:
        return f"{begins}–{ends}"
    return f"from {begins}" if begins else f"until {ends}" if ends else "all day"


def _hours(desk: Desk, day: date, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """When each calendar of business hours is open."""
    whole = Span(_midnight(day, zone), _midnight(day + _DAY, zone))
    for name, hours in _calendars(desk).items():
        spans = hours.open_spans(whole)
        told = ", ".join(f"{one.since.astimezone(zone):%H:%M}–{one.until.astimezone(zone):%H:%M}" for one in spans)
        yield name, told or "closed"


def _calendars(desk: Desk) -> Mapping[str, Calendar]:
    """The calendars that services name as their business hours."""
    conducts = desk.planning_policy().conducts
    found = {charter.hours: conducts[id_].hours for id_, charter in desk.charters().items() if id_ in conducts}
    return {name: hours for name, hours in found.items() if name != ALWAYS and hours is not None}


def _watches(desk: Desk, days: Sequence[date], arranged: Sequence[Arranged], zone: ZoneInfo) -> Mapping[date, tuple[tuple[str, str], ...]]:
    """Who of each team is on call: told on Mondays, and on a day on which somebody takes over, or nobody does."""
    roster = desk.roster()
    found: dict[date, list[tuple[str, str]]] = {day: [] for day in days}
    for crew in roster.crews.values():
        covers = [StandIn(person=one.person, span=one.span) for one in arranged if one.team == crew.id]
        before: tuple[str, ...] | None = None
        for day in days if crew.rota is not None else ():
            looked = (_midnight(day, zone) + timedelta(hours=hour) for hour in _HOURS_LOOKED_AT)
            people = tuple(dict.fromkeys(id_ for at in looked for id_ in roster.on_call(crew.id, at, covers)))
            if day.weekday() == 0 or before is None or not set(people) <= set(before) or (before and not people):
                found[day].append((crew.name, ", ".join(roster.names.get(id_, id_) for id_ in people) or "nobody"))
            before = people
    return {day: tuple(told) for day, told in found.items()}
