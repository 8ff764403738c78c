"""Places and times at which clocks are odd: nights on which they change, offsets of half and quarter hours, leap days."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",  # UTC-3:30, and summer time
    "Asia/Kathmandu",  # UTC+5:45
    "Asia/Kolkata",  # UTC+5:30
    "Australia/Lord_Howe",  # half an hour of summer time
    "Pacific/Chatham",  # UTC+12:45, and summer time
    "America/Sao_Paulo",  # midnight was skipped until 2018
    "Africa/Casablanca",  # winter time in Ramadan
    "Pacific/Apia",  # 30 December 2011 never was
)
_YEARS = (2011, 2018, 2024, 2026)
_ORDINARY = (datetime(2026, 6, 10, tzinfo=UTC), datetime(2025, 12, 31, tzinfo=UTC))
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)

HALF, QUARTER = "an offset of :30", "an offset of :45"
FORWARD, BACK = "clocks put forward", "clocks put back"
LEAP = "a leap day"
ALL = (HALF, QUARTER, FORWARD, BACK, LEAP)


@cache
def moments(zone: str) -> tuple[datetime, ...]:
    """Instants worth being near: each change of the zone's clock in some years, both ends of leap days there, and two ordinary ones."""
    place = ZoneInfo(zone)
    turns = [
        turn for year in _YEARS for turn, _, _ in _turns(place, datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC))
    ]
    days = [date(2024, 2, 29), date(2024, 3, 1), date(2028, 2, 29)]
    midnights = [datetime(day.year, day.month, day.day, tzinfo=place).astimezone(UTC) for day in days]
    return (*turns, *midnights, *_ORDINARY)


@st.composite
def near(draw: st.DrawFn, before: timedelta, after: timedelta, unit: timedelta) -> tuple[str, datetime]:
    """A zone, and an instant from *before* one of its moments to *after* it, a whole number of units away."""
    zone = draw(st.sampled_from(ZONES))
    moment = draw(st.sampled_from(moments(zone)))
    return zone, moment + draw(st.integers(-(before // unit), after // unit)) * unit


def met(zone: str, since: datetime, until: datetime) -> Iterator[str]:
    """What there is of ALL in [*since*, *until*]."""
    place = ZoneInfo(zone)
    offsets = {_offset(place, since), _offset(place, until)}
    minutes = {int(offset.total_seconds()) // 60 % 60 for offset in offsets}
    yield from (HALF,) if 30 in minutes else ()
    yield from (QUARTER,) if minutes & {15, 45} else ()
    for _, old, new in _turns(place, since, until):
        yield FORWARD if new > old else BACK
    first, last = since.astimezone(place).date(), until.astimezone(place).date()
    days = (first + number * _DAY for number in range((last - first).days + 1))
    yield from (LEAP for day in days if (day.month, day.day) == (2, 29))


def _turns(place: ZoneInfo, since: datetime, until: datetime) -> Iterator[tuple[datetime, timedelta, timedelta]]:
    """Each change of the clock in (*since*, *until*], with the offsets before and after it. Changes fall on whole minutes here."""
    at = since
    while at < until:
        ahead = min(at + _HOUR, until)
        old, new = _offset(place, at), _offset(place, ahead)
        if old != new:
            turn = ahead.replace(second=0, microsecond=0)
            while _offset(place, turn - timedelta(minutes=1)) == new:
                turn -= timedelta(minutes=1)
            yield turn, old, new
        at = ahead


def _offset(place: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(place).utcoffset() or timedelta(0)
