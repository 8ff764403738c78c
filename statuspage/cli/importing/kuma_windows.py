"""Uptime Kuma's planned work as ours: what comes again is written, what comes once is planned by a command in the report."""

import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from statuspage.cli.importing.documents import Row, is_set, listed, number, text
from statuspage.cli.importing.drafting import Drafting, Unfit
from statuspage.cli.importing.drafts import Entry
from statuspage.cli.importing.kuma_files import Kuma, jsonish
from statuspage.cli.importing.texts import line, words
from statuspage.cli.importing.windows import recurring

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d)?")
_SERVER = {"", "SAME_AS_SERVER"}


def take_windows(drafting: Drafting, found: Kuma, ids: Mapping[str, str], today: date) -> None:
    """Take over the windows of *found*; *ids* are ours by the ids of their monitors."""
    for row in found.rows("maintenance"):
        name = line(text(row.get("title"))) or "Maintenance"
        what = f"maintenance {line(text(row.get('id')), 20)} “{name}”"
        mine = [ids.get(text(one.get("monitor_id"))) for one in found.rows("monitor_maintenance") if _is_of(one, row)]
        services = [id for id in dict.fromkeys(mine) if id is not None and id in drafting.services]
        try:
            entry = _window(drafting, row, name, what, services, today)
        except Unfit as unfit:
            drafting.leave(what, str(unfit), unfit.mend)
            continue
        about = words(row.get("description"), 2000)
        values = {"name": name, **({"description": about} if about else {}), **entry.values}
        drafting.maintenance[drafting.ids.new(name, "maintenance")] = Entry(values=values)


def _is_of(one: Row, row: Row) -> bool:
    return text(one.get("maintenance_id")) == text(row.get("id"))


def _window(drafting: Drafting, row: Row, name: str, what: str, services: Sequence[str], today: date) -> Entry:
    strategy, zone = text(row.get("strategy")), text(row.get("timezone"))
    if not is_set(row.get("active", True)):
        raise Unfit("it is switched off")
    if not services:
        raise Unfit("it is for no service that was imported")
    if strategy == "single":
        raise Unfit("a single window is planned, and not written into the file", _command(row, name, services, today))
    if strategy not in {"recurring-weekday", "recurring-day-of-month", "recurring-interval"}:
        raise Unfit(
            f"the strategy {line(strategy, 40) or 'that it does not name'} has no equal here", "write it by hand: docs/maintenance.md"
        )
    starts, ends = (_TIME.fullmatch(text(row.get(key)).strip()) for key in ("start_time", "end_time"))
    if starts is None or ends is None:
        raise Unfit("it does not say at what time it begins and ends")
    lasts = ((int(ends[1]) * 60 + int(ends[2])) - (int(starts[1]) * 60 + int(starts[2]))) % 1440
    if zone in _SERVER:
        drafting.leave(what, "it is in the zone of their server; here it is in that of the site", "set its timezone where they differ")
    each = int(max(1, min(number(row.get("interval_day")) or 1, 366))) if strategy == "recurring-interval" else 1
    until = _day(row.get("end_date"))
    if until is not None and until < today:
        raise Unfit("it is over")
    return recurring(
        _next(row, each, today),
        f"{int(starts[1]):02d}:{starts[2]}",
        (lasts or 1440) * 60.0,
        services=services,
        days=_weekdays(row) if strategy == "recurring-weekday" else (),
        of_month=_days_of_month(row) if strategy == "recurring-day-of-month" else (),
        each=each,
        zone="" if zone in _SERVER else zone,
        until=until,
    )


def _next(row: Row, each: int, today: date) -> date:
    """The first day from *today* on that is a whole number of intervals after the last that there was, or after the first of all."""
    known = (_day(row.get("last_start_date")) if each > 1 else None) or _day(row.get("start_date")) or today
    return known if known >= today else today + timedelta(days=(known - today).days % each)


def _weekdays(row: Row) -> list[int]:
    """Theirs count from Sunday, 0; ours from Monday, 0."""
    found = {int(day - 1) % 7 for one in listed(jsonish(row.get("weekdays"))) if (day := number(one)) is not None and 0 <= day <= 7}
    if not found:
        raise Unfit("it names no day of the week")
    return sorted(found)


def _days_of_month(row: Row) -> list[int]:
    found = set[int]()
    for one in listed(jsonish(row.get("days_of_month"))):
        if isinstance(one, str) and re.fullmatch(r"lastDay[1-4]", one):
            found.add(-int(one[-1]))
        elif (day := number(one)) is not None and 1 <= day <= 31:
            found.add(int(day))
    if not found:
        raise Unfit("it names no day of the month")
    return sorted(found)


def _day(value: object) -> date | None:
    """The day of a date and time of the database, or of its milliseconds."""
    at = _local(value)
    return None if at is None else at.date()


def _local(value: object) -> datetime | None:
    """The time that *value* tells, in a year in which somebody may plan."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            at = datetime.fromtimestamp(value / 1000, UTC).replace(tzinfo=None)
        else:
            at = datetime.fromisoformat(text(value).strip()).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        return None
    return at if 1990 <= at.year <= 2200 else None


def _command(row: Row, name: str, services: Sequence[str], today: date) -> str:
    starts, ends = _local(row.get("start_date")), _local(row.get("end_date"))
    if starts is None or ends is None:
        return "plan it by hand: it does not say from when until when"
    if ends.date() < today:
        return "it is over"
    zone = text(row.get("timezone"))
    try:
        known = UTC if zone in _SERVER else ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        known = UTC
    times = [f"{at.replace(tzinfo=known).astimezone(UTC):%Y-%m-%dT%H:%MZ}" for at in (starts, ends)]
    parts = ["statuspage", "maintenance", "plan", name, *(word for id in services for word in ("--service", id))]
    body = line(words(row.get("description"))) or name
    return "plan it: " + shlex.join([*parts, "--starts", times[0], "--ends", times[1], "--body", body])
