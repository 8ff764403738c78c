"""History as calendar days: what a service's ledger says of each day in the zone where people live.

Pure, like the picture that shows them. Bars and percentages are cut from one ledger as of one instant, so that they cannot disagree: what
the days of a period say in all is what its figure counts. All sums are made in UTC; the zone only says where a day begins.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from fractions import Fraction
from functools import lru_cache

from incidents.levels.availability import Change, Interval, Kind, Ledger, availability
from incidents.levels.service_level import midnight
from incidents.model import Status
from incidents.rollup import TROUBLE, worst
from incidents.times.spans import Span, outside, within

BARS = 90
"""Days that the page has a bar for, today being the last."""

SHOWN = {
    Kind.UP: Status.OPERATIONAL,
    Kind.DEGRADED: Status.DEGRADED,
    Kind.PARTIAL: Status.PARTIAL,
    Kind.DOWN: Status.MAJOR,
    Kind.UNKNOWN: Status.UNKNOWN,
}
"""What the page calls that which was measured."""

_TICK = timedelta(microseconds=1)
_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One calendar day of one service in the site's zone.

    *worst* is the worst that the page showed; None for a day before the service was first watched. *downtime* and *unknown* are seconds
    of that day as the measured figure counts them: *planned* of *downtime* lie in planned work, and *lessened* is how long a partial
    outage lasted of which the service level counts less than all. *is_mostly_unknown* tells a day without verdicts from one with a gap.
    """

    day: date
    worst: Status | None
    downtime: float
    unknown: float
    is_mostly_unknown: bool = False
    planned: float = 0.0
    lessened: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the page tells of a service's past: its *days*, the oldest first, since when it is watched, and what was *last_known*."""

    days: tuple[Day, ...]
    created: datetime
    last_known: Status


def last_known(changes: Sequence[Change]) -> Status:
    """Say what was known before the present gap: the newest status that is not unknown, or unknown where there never was one."""
    return next((change.new for change in reversed(changes) if change.new is not Status.UNKNOWN), Status.UNKNOWN)


def bars_of(today: date) -> tuple[date, date]:
    """The first and the last day of the bars."""
    return today - timedelta(days=BARS - 1), today


def strip(ledger: Ledger, planned: Sequence[Span], *, first: date, last: date, until: datetime, zone: tzinfo) -> tuple[Day, ...]:
    """Cut *ledger* into calendar days of *zone*, *first* to *last* inclusive, as of *until*, which lies in the ledger or ends it.

    *planned* are the disjoint spans that the page showed as maintenance, ascending. Time outside the ledger and from *until* on is no
    time at all; a day without any has no *worst*. The sums are exact over days of 23 and 25 hours.
    """
    starts = [_midnight(first + timedelta(days=offset), zone) for offset in range((last - first).days + 2)]
    place = bisect_right(ledger.intervals, starts[0], key=lambda one: one.until)
    days = []
    for offset, since in enumerate(starts[:-1]):
        end = min(starts[offset + 1], until)
        held: list[Interval] = []
        while since < end and place < len(ledger.intervals) and ledger.intervals[place].since < end:
            held.append(ledger.intervals[place])
            place += 1
        if held and held[-1].until > end:
            place -= 1  # it goes on, on the next day
        days.append(_day(first + timedelta(days=offset), since, end, held, planned))
    return tuple(days)


def continued(days: tuple[Day, ...], again: Sequence[Day]) -> tuple[Day, ...]:
    """The strip that ends with the days *again*, as long as *days*, from which it takes those before."""
    kept = [day for day in days if day.day < again[0].day]
    return (*kept, *again)[-len(days) :]


def as_of_now(days: tuple[Day, ...], status: Status) -> tuple[Day, ...]:
    """*days*, whose sums end with the last whole minute, with today as bad as the *status* that is in force now.

    So trouble is seen at once, and never as "no outage" in its first minute; what it adds up to is told by the minute.
    """
    if not days:
        return days
    today = days[-1]
    if today.worst is None:
        return (*days[:-1], replace(today, worst=status, is_mostly_unknown=status is Status.UNKNOWN))
    is_worse = status in TROUBLE | {Status.MAINTENANCE} and worst((today.worst, status)) is not today.worst
    return (*days[:-1], replace(today, worst=status)) if is_worse else days


def unwatched(born: datetime, today: date, until: datetime, zone: tzinfo) -> tuple[Day, ...]:
    """The bars of a service that nobody ever watched: nothing is known of it since *born*."""
    first, last = bars_of(today)
    ledger = availability((), Span(_midnight(first, zone), until), born=born)
    return strip(ledger, (), first=first, last=last, until=until, zone=zone)


@lru_cache(maxsize=512)
def _midnight(day: date, zone: tzinfo) -> datetime:
    return midnight(day, zone)


def _day(day: date, since: datetime, until: datetime, held: Sequence[Interval], planned: Sequence[Span]) -> Day:
    during = tuple(within(planned, Span(max(since, held[0].since), min(until, held[-1].until)))) if held else ()
    if len(held) == 1 and not during and held[0].measured is not Kind.PARTIAL:
        return _unbroken(day, held[0].measured, min(held[0].until, until) - max(held[0].since, since))
    pieces = [(one, Span(max(one.since, since), min(one.until, until))) for one in held]
    unknown = _total(span for one, span in pieces if one.measured is Kind.UNKNOWN)
    known = _total(span for one, span in pieces if one.measured is not Kind.UNKNOWN)
    return Day(
        day=day,
        worst=worst(_shown(pieces, during)) if pieces else None,
        downtime=_downtime(pieces),
        unknown=unknown.total_seconds(),
        is_mostly_unknown=unknown > known,
        planned=_downtime((one, part) for one, span in pieces for part in within(during, span)),
        lessened=_total(span for one, span in pieces if one.measured is Kind.PARTIAL and one.partial_counts != 1).total_seconds(),
    )


def _unbroken(day: date, measured: Kind, length: timedelta) -> Day:
    """A day of one kind from end to end, as nearly all are."""
    seconds = length.total_seconds()
    return Day(
        day=day,
        worst=SHOWN[measured],
        downtime=seconds if measured is Kind.DOWN else 0.0,
        unknown=seconds if measured is Kind.UNKNOWN else 0.0,
        is_mostly_unknown=measured is Kind.UNKNOWN,
    )


def _shown(pieces: Sequence[tuple[Interval, Span]], during: Sequence[Span]) -> Iterator[Status]:
    """What the page showed: maintenance while it was planned, else what was measured."""
    if during:
        yield Status.MAINTENANCE
    yield from (SHOWN[one.measured] for one, span in pieces if not during or outside([span], during))


def _downtime(pieces: Iterable[tuple[Interval, Span]]) -> float:
    """Seconds of downtime; of a partial outage as much as counts."""
    down = sum((_share(one) * (span.length // _TICK) for one, span in pieces if one.measured in (Kind.DOWN, Kind.PARTIAL)), Fraction(0))
    return float(down / 1_000_000)


def _share(one: Interval) -> Fraction:
    return one.partial_counts if one.measured is Kind.PARTIAL else Fraction(1)


def _total(spans: Iterable[Span]) -> timedelta:
    return sum((span.length for span in spans), _NOTHING)
