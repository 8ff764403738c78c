"""What a service level makes of a ledger: the downtime that it still allows, how fast that goes, what a miss costs. All of it pure sums.

Downtime is in microseconds where nothing else is said, exact as the ledger is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from fractions import Fraction
from zoneinfo import ZoneInfo

from incidents.levels.availability import Ledger
from incidents.levels.terms import Period, Terms
from incidents.times.spans import Span, total

_TICK = timedelta(microseconds=1)


_MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}

DAYS: Mapping[str, int] = {"7d": 7, "30d": 30, "90d": 90, "365d": 365}
"""So many days of a zone's calendar, by the word that people write for them: today as far as it has come, and those before it."""

ROLLING = ("24h", *DAYS)
"""Periods that end now, by the words that people write for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """What customers get back, in percent of what they paid, where the availability is below a share of time."""

    below: Fraction
    percent: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the file says of a service beside its terms: credits, what downtime costs, and whether the public may read of either."""

    credits: tuple[Credit, ...] = ()
    is_public: bool = False
    customers: float = 0.0
    cost_of_quality: float = 0.0


NO_OFFER = Offer()


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The downtime that a promise allows in its period. *used* may exceed *allowed*."""

    allowed: Fraction
    used: Fraction

    @property
    def remaining_ratio(self) -> Fraction | None:
        """What is left, as a share of what is allowed; below zero once it is overdrawn, None where no downtime is allowed at all."""
        return 1 - self.used / self.allowed if self.allowed else None

    @property
    def is_spent(self) -> bool:
        """Whether the promise can no longer be kept."""
        return self.used > self.allowed


def calendar_period(kind: Period, day: date, zone: str) -> Span:
    """The month, quarter or year of *zone* in which *day* lies. Errors: OverflowError at the end of the calendar."""
    length = _MONTHS[kind]
    first = date(day.year, (day.month - 1) // length * length + 1, 1)
    month = first.month - 1 + length
    after = date(first.year + month // 12, month % 12 + 1, 1)
    return Span(midnight(first, ZoneInfo(zone)), midnight(after, ZoneInfo(zone)))


def rolling_period(word: str, now: datetime, zone: str) -> Span:
    """The period of ``ROLLING`` that *word* names, up to *now*: the last 24 hours, or whole days of *zone* with today at their end.

    Days and not hours, so that a figure and the bars beside it speak of the same time. Errors: KeyError for another word.
    """
    if word == "24h":
        return Span(now - timedelta(hours=24), now)
    here = ZoneInfo(zone)
    return Span(midnight(now.astimezone(here).date() - timedelta(days=DAYS[word] - 1), here), now)


def midnight(day: date, zone: tzinfo) -> datetime:
    """When *day* begins in *zone*; where the clock skips midnight, at the skip."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def budget(ledger: Ledger, terms: Terms, period: Span) -> Budget | None:
    """What *terms* allow over the whole *period*, and what *ledger*, which covers what of it has passed, used; None without a target."""
    if terms.target is None:
        return None
    hours = period.length if terms.hours is None else total(terms.hours.open_spans(period))
    return Budget(allowed=(1 - terms.target) * (hours // _TICK), used=ledger.contractual.down)


def burn_rate(ledger: Ledger, terms: Terms) -> Fraction | None:
    """How many times faster than allowed downtime came over the ledger's period: at 1 the budget lasts exactly.

    None without a target, without any allowance, or where nothing is known.
    """
    ratio = ledger.contractual.ratio
    if terms.target in (None, 1) or ratio is None:
        return None
    return (1 - ratio) / (1 - terms.target)


def burns_fast(long: Fraction | None, short: Fraction | None, limit: Fraction) -> bool:
    """Whether the budget burns at *limit* or faster, lastingly and still: over a long window, and over a short one at its end.

    Source: the multi-window, multi-burn-rate form of Google's Site Reliability Workbook, chapter 5.
    """
    return long is not None and short is not None and long >= limit and short >= limit


def runs_out(left: Budget, recent: Ledger, now: datetime, until: datetime) -> datetime | None:
    """When the budget is spent if downtime goes on as in *recent*; None where it lasts until *until*, and *now* where it is spent."""
    if left.is_spent:
        return now
    ahead = max(until - now, timedelta(0)) // _TICK
    pace = recent.contractual.down / (recent.period.length // _TICK) if recent.period.length else Fraction(0)
    lasts = (left.allowed - left.used) / pace if pace else None
    return None if lasts is None or lasts >= ahead else now + timedelta(microseconds=int(lasts))


def credit(ratio: Fraction | None, table: Iterable[Credit]) -> Fraction:
    """Percent that customers get back for an availability of *ratio*: that of the lowest step it is below; none where nothing is known."""
    below = sorted((step for step in table if ratio is not None and ratio < step.below), key=lambda step: step.below)
    return below[0].percent if below else Fraction(0)


def cost(ledger: Ledger, *, customers: float, cost_of_quality: float) -> float:
    """What the measured downtime cost: hours down times customers times what an hour costs each of them, in the operator's currency."""
    hours = ledger.measured.down / (timedelta(hours=1) // _TICK)
    return float(hours) * customers * cost_of_quality
