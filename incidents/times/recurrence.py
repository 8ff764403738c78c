"""When a window comes again: RFC 5545 rules of days, weeks, months and years, by the wall clock of a named zone.

The arithmetic is our own because work must be bounded: dateutil's iterator walks on to the year 9999 where a rule yields nothing, and the
hub would stand still meanwhile. Here the cost depends on the days that are asked about alone (and on COUNTED_FOR where a rule counts).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import product
from zoneinfo import ZoneInfo

from incidents.times.rule import Frequency, Rule

COUNTED_FOR = timedelta(days=36525)
"""How far a rule with COUNT is followed: what has not come a hundred years after the first start comes no more."""

_DAY = timedelta(days=1)
_BLOCK = 32
"""Days that are worked out, and kept, together: the hub asks about the same few weeks every second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """The starts of a window. *starts* is the first, by the wall clock of *timezone*; without a *rule* it is the only one.

    A start on one of the *skips* is left out. One that the clocks skip is at the instant that the offset before the change gives, as
    02:30 becomes 03:30; one that comes twice is the first of the two. A month without the day has none (RFC 5545, 3.3.10).
    """

    starts: datetime
    timezone: str
    rule: Rule | None = None
    skips: frozenset[date] = frozenset()


def between(recurrence: Recurrence, since: datetime, until: datetime) -> tuple[datetime, ...]:
    """Every start in [*since*, *until*), ascending and in UTC."""
    blocks = range(since.toordinal() // _BLOCK, until.toordinal() // _BLOCK + 1) if since < until else ()
    return tuple(start for block in blocks for start in _in_block(recurrence, block) if since <= start < until)


@lru_cache(maxsize=4096)
def _in_block(recurrence: Recurrence, block: int) -> tuple[datetime, ...]:
    """The starts within one block of UTC days."""
    since = datetime.combine(date.fromordinal(max(block * _BLOCK, 1)), time.min, tzinfo=UTC)
    until = since + _BLOCK * _DAY
    zone = ZoneInfo(recurrence.timezone)
    # No zone is further than a day from UTC.
    first, last = since.date() - _DAY, until.date() + _DAY
    instants = {_instant(local, zone) for local in _local_starts(recurrence, first, last) if local.date() not in recurrence.skips}
    return tuple(sorted(start for start in instants if since <= start < until and not _is_past_end(recurrence.rule, start)))


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    """``fold=0`` is the first of two, and in a gap the offset before it."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _is_past_end(rule: Rule | None, start: datetime) -> bool:
    return rule is not None and rule.until is not None and rule.until.tzinfo is not None and start > rule.until


def _local_starts(recurrence: Recurrence, first: date, last: date) -> Iterator[datetime]:
    """The wall-clock starts on the days *first* to *last*."""
    rule = recurrence.rule
    if rule is None:
        if first <= recurrence.starts.date() <= last:
            yield recurrence.starts
        return
    end = _end(recurrence) if rule.count is not None else datetime.max  # noqa: DTZ901 - by the wall clock
    if rule.until is not None and rule.until.tzinfo is None:
        end = min(end, rule.until)
    yield from (start for start in _walk(recurrence, rule, first, last) if start <= end)


@lru_cache(maxsize=1024)
def _end(recurrence: Recurrence) -> datetime:
    """The last start of a rule that counts."""
    rule, first = recurrence.rule, recurrence.starts.date()
    newest = datetime.min  # noqa: DTZ901 - by the wall clock
    left = 0 if rule is None else rule.count or 0
    if rule is not None:
        for start in _walk(recurrence, rule, first, first + COUNTED_FOR):
            if not left:
                break
            newest, left = start, left - 1
    return newest


def _walk(recurrence: Recurrence, rule: Rule, first: date, last: date) -> Iterator[datetime]:
    """The rule's starts on the days *first* to *last*, ascending, without regard to COUNT and UNTIL."""
    starts = recurrence.starts
    times = [
        time(*parts) for parts in product(rule.hours or (starts.hour,), rule.minutes or (starts.minute,), rule.seconds or (starts.second,))
    ]
    filled = rule.filled(starts.date())
    for days in _periods(filled, starts.date(), max(first, starts.date()), last):
        # Positions are counted over the whole period; without them only the days that are asked about need a look.
        near = days if rule.positions else [day for day in days if first <= day <= last]
        candidates = [datetime.combine(day, at) for day in near if filled.takes(day) for at in times]
        for start in _chosen(candidates, rule.positions):
            if start >= starts and first <= start.date() <= last:
                yield start


def _chosen(candidates: list[datetime], positions: tuple[int, ...]) -> list[datetime]:
    if not positions:
        return candidates
    size = len(candidates)
    places = {position - 1 if position > 0 else size + position for position in positions}
    return [candidates[place] for place in sorted(places) if 0 <= place < size]


def _periods(rule: Rule, starts: date, first: date, last: date) -> Iterator[list[date]]:
    """The days of each period of the rule that has any from *first* to *last*."""
    number = max(0, (_period_of(rule, first) - _period_of(rule, starts)) // rule.interval) * rule.interval + _period_of(rule, starts)
    while (begins := _begin_of(rule, number)) is not None and begins <= last:
        ends = _begin_of(rule, number + 1) or date.max
        yield [date.fromordinal(day) for day in range(begins.toordinal(), ends.toordinal())]
        number += rule.interval


def _period_of(rule: Rule, day: date) -> int:
    """The number of the day, week, month or year that *day* is in."""
    match rule.frequency:
        case Frequency.DAILY:
            return day.toordinal()
        case Frequency.WEEKLY:
            return (day.toordinal() - 1 - rule.week_start) // 7
        case Frequency.MONTHLY:
            return day.year * 12 + day.month - 1
        case Frequency.YEARLY:
            return day.year


def _begin_of(rule: Rule, number: int) -> date | None:
    """The first day of a period; None beyond the calendar."""
    try:
        match rule.frequency:
            case Frequency.DAILY:
                return date.fromordinal(number)
            case Frequency.WEEKLY:
                return date.fromordinal(number * 7 + 1 + rule.week_start)
            case Frequency.MONTHLY:
                return date(number // 12, number % 12 + 1, 1)
            case Frequency.YEARLY:
                return date(number, 1, 1)
    except (ValueError, OverflowError):
        return None
