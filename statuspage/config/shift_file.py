"""Shifts of people on call as an iCalendar file holds them: each event is a shift of whomever its summary names."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import icalendar as ical

from incidents.rota import Shift
from incidents.times.recurrence import Recurrence
from incidents.times.rule import BadRule, Rule, parse
from statuspage.config.problems import shown
from statuspage.config.types import meant

MOST_BYTES = 1024 * 1024
_LONGEST = timedelta(days=366)


class BadShifts(ValueError):
    """The file holds no shifts that can be used; the message says why and how to mend it."""


def shifts_of(body: bytes, names: Mapping[str, str], timezone: str) -> Iterator[Shift]:
    """Read *body*, an iCalendar file; *names* gives ids by names in lower case, *timezone* holds where an event names none.

    Errors: BadShifts.
    """
    if len(body) > MOST_BYTES:
        raise BadShifts(f"is larger than {MOST_BYTES // 1024} kB; leave out what is past")
    try:
        events = list(ical.Calendar.from_ical(body).walk("VEVENT"))
    except (ValueError, KeyError, IndexError) as error:
        raise BadShifts("is no iCalendar file; export it from the calendar again") from error
    moved = _moved(events)
    for event in events:
        if str(event.get("STATUS", "")).upper() != "CANCELLED":
            yield _shift(event, names, timezone, moved)


def _moved(events: list[ical.Component]) -> Mapping[str, frozenset[date]]:
    """The days of a series whose occurrence was changed by itself, by the series."""
    found: dict[str, set[date]] = {}
    for event in events:
        if "RECURRENCE-ID" in event:
            found.setdefault(str(event.get("UID")), set()).add(_day(event.decoded("RECURRENCE-ID")))
    return {uid: frozenset(days) for uid, days in found.items()}


def _shift(event: ical.Component, names: Mapping[str, str], timezone: str, moved: Mapping[str, frozenset[date]]) -> Shift:
    summary = " ".join(str(event.get("SUMMARY", "")).split())
    person = names.get(summary.casefold())
    if person is None:
        raise BadShifts(f"names {shown(summary)}, who is not in people; {meant(summary, list(names))}")
    starts, lasts = _times(event, summary)
    zone = getattr(getattr(starts, "tzinfo", None), "key", None) if isinstance(starts, datetime) else None
    if isinstance(starts, datetime) and starts.tzinfo is not None:
        zone = zone or "UTC"
        starts = starts.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    elif not isinstance(starts, datetime):
        starts = datetime.combine(starts, time.min)
    is_series = "RECURRENCE-ID" not in event
    skips = _exceptions(event) | (moved.get(str(event.get("UID")), frozenset()) if is_series else frozenset())
    rule = _rule(event, summary) if is_series else None
    return Shift(person=person, begins=Recurrence(starts=starts, timezone=zone or timezone, rule=rule, skips=skips), lasts=lasts)


def _times(event: ical.Component, summary: str) -> tuple[date, timedelta]:
    """When it begins, and for how long."""
    try:
        starts = event.decoded("DTSTART")
        ends = event.decoded("DTEND") if "DTEND" in event else None
        lasts = ends - starts if ends is not None else event.decoded("DURATION")
    except (KeyError, ValueError, TypeError) as error:
        raise BadShifts(f"says not when the shift of {shown(summary)} begins and ends") from error
    if not timedelta(0) < lasts <= _LONGEST:
        raise BadShifts(f"has a shift of {shown(summary)} that lasts {lasts}; a shift lasts up to a year")
    return starts, lasts


def _rule(event: ical.Component, summary: str) -> Rule | None:
    if "RRULE" not in event:
        return None
    try:
        return parse(ical.vRecur(event["RRULE"]).to_ical().decode())  # type: ignore[no-untyped-call]  # the library's own
    except BadRule as error:
        raise BadShifts(f"has a rule for {shown(summary)} that cannot be used: {error}") from error


def _exceptions(event: ical.Component) -> frozenset[date]:
    written = event.get("EXDATE", [])
    lists = written if isinstance(written, list) else [written]
    return frozenset(_day(each.dt) for one in lists for each in one.dts)


def _day(instant: date) -> date:
    return instant.date() if isinstance(instant, datetime) else instant
