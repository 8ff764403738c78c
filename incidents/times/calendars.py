"""When it is open: hours of the week by the clock on the wall of a zone, without the days on which it is closed.

It is open at an instant if the zone's clock then shows an hour that is open. So an hour that the clock skips is no hour, and one that it
shows twice is open twice.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from incidents.times.spans import Span, united, within

_LOOK_EVERY = timedelta(hours=3)
"""How far apart a zone's offset is looked at: no zone has ever changed it and changed it back in so short a time."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Weekly hours in *timezone* (an IANA name) as minutes since midnight by weekday, Monday 0: ``{0: ((480, 1080),)}``.

    A day ends at minute 1440. On the dates in *closed* (public holidays among them) it is not open at all.
    """

    timezone: str
    weekly: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=lambda: MappingProxyType({}))
    closed: frozenset[date] = frozenset()

    def open_spans(self, period: Span) -> tuple[Span, ...]:
        """When it is open within *period*: disjoint, ascending, in UTC.

        Errors: OverflowError where *period* touches an end of the calendar.
        """
        return united(span for stretch, offset in _steady(ZoneInfo(self.timezone), period) for span in self._open(stretch, offset))

    def _open(self, stretch: Span, offset: timedelta) -> Iterator[Span]:
        """What is open in a *stretch* during which the clock on the wall is *offset* ahead of UTC."""
        day = (stretch.since + offset).date()
        last = (stretch.until + offset).date()
        while day <= last:
            midnight = datetime.combine(day, time.min, tzinfo=UTC) - offset
            if day not in self.closed:
                yield from within((_hours(midnight, *hours) for hours in self.weekly.get(day.weekday(), ())), stretch)
            day += _DAY


def _hours(midnight: datetime, opens: int, closes: int) -> Span:
    return Span(midnight + timedelta(minutes=opens), midnight + timedelta(minutes=closes))


def _steady(zone: ZoneInfo, period: Span) -> Iterator[tuple[Span, timedelta]]:
    """Cut *period* where the zone's clock is put forward or back: each stretch with its offset from UTC."""
    since, at = period.since.astimezone(UTC), period.since.astimezone(UTC)
    until = period.until.astimezone(UTC)
    offset = _offset(zone, since)
    while at < until:
        ahead = min(at + _LOOK_EVERY, until)
        if (then := _offset(zone, ahead)) != offset:
            turn = _turn(zone, at, ahead)
            yield Span(since, turn), offset
            since, offset = turn, then
        at = ahead
    yield Span(since, until), offset


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


def _turn(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first instant in (*before*, *after*] at which the offset is another than at *before*; zones turn at whole seconds."""
    offset = _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if _offset(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
