"""What is told of a service's availability: one value with every figure that a surface shows, as of one instant.

Pure. All of it is cut from one ledger that reaches back far enough; page, metrics and reports spell these values and reckon nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from types import MappingProxyType
from zoneinfo import ZoneInfo

from incidents.levels.availability import Ledger, cut
from incidents.levels.periods import written
from incidents.levels.service_level import (
    NO_OFFER,
    ROLLING,
    Budget,
    Offer,
    budget,
    burn_rate,
    burns_fast,
    calendar_period,
    rolling_period,
    runs_out,
)
from incidents.levels.terms import NO_LEVEL, Period, Terms, in_force
from incidents.times.spans import Span

RECENT = timedelta(days=7)
"""How far back the pace of downtime is looked at, to say when a budget runs out."""

MONTHS = 18
"""Closed months that are told beside the present one."""

BURNS = (
    ("1h", timedelta(hours=1), timedelta(minutes=5), Fraction(72, 5)),
    ("6h", timedelta(hours=6), timedelta(minutes=30), Fraction(6)),
    ("3d", timedelta(days=3), timedelta(hours=6), Fraction(1)),
)
"""Windows over which a budget may burn too fast: a long one, the short one at its end that says that it still does, and the limit.

Source: the table of multi-window, multi-burn-rate alerts in Google's Site Reliability Workbook, chapter 5.
"""

Stated = Sequence[tuple[datetime, Terms]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """How many times faster than allowed the budget went over a *window* and over the short one at its end."""

    window: str
    long: Fraction | None
    short: Fraction | None
    is_fast: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A calendar month of the site's zone: *ledger* has what passed of it, *terms* are those in force at its end."""

    first: date
    ledger: Ledger
    terms: Terms
    is_over: bool

    @property
    def word(self) -> str:
        """How people write it: ``2026-10``."""
        return written(Period.MONTH, self.first)

    @property
    def is_missed(self) -> bool:
        """Whether less was kept than was promised for a month; never where nothing is promised, or for another period."""
        ratio, target = self.ledger.contractual.ratio, self.terms.target
        return self.is_over and self.terms.period is Period.MONTH and None not in (ratio, target) and ratio < target  # type: ignore[operator]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A service's availability as of a whole minute.

    *periods* are the ledgers of ``24h``, ``7d``, ``30d``, ``90d``, ``365d`` and of the present ``month``, ``quarter`` and ``year``,
    which people call by *words*; each *begins* then for a service that is old enough. *months* begin with the present one. *budget* is
    that of the period which the terms speak of; None where no level is stated. *runs_out_at* is when it is spent if downtime goes on as
    in the last week; None where it is not.
    """

    service: str
    as_of: datetime
    terms: Terms
    offer: Offer
    periods: Mapping[str, Ledger]
    begins: Mapping[str, datetime]
    words: Mapping[str, str]
    months: tuple[Month, ...]
    budget: Budget | None
    runs_out_at: datetime | None
    burns: tuple[Burn, ...]
    whole: Ledger

    @property
    def is_spent(self) -> bool:
        """Whether the promise can no longer be kept; never where nothing is promised."""
        return self.budget is not None and self.budget.is_spent

    @property
    def ledgers(self) -> Mapping[str, Ledger]:
        """Every ledger that a figure of its follows from, by the word that people write for the period."""
        return {self.words[period]: ledger for period, ledger in self.periods.items()} | {one.word: one.ledger for one in self.months}


def level(
    service: str,
    ledger: Ledger,
    stated: Stated,
    *,
    zone: str,
    as_of: datetime,
    offer: Offer = NO_OFFER,
    closed: tuple[Month, ...] | None = None,
) -> Level:
    """Tell of *service* as of *as_of*. *ledger* reaches from ``earliest`` to *as_of* or beyond, *stated* are the terms over that time.

    *closed* are the ``closed_months`` where they are known already.
    """
    # The newest terms: a file that was taken up a moment ago holds, though the last whole minute lies before it.
    today, terms = as_of.astimezone(ZoneInfo(zone)).date(), _newest(stated)
    present = {period: calendar_period(period, today, zone) for period in Period}
    passed = {period.value: Span(span.since, as_of) for period, span in present.items()}
    periods = {**{word: rolling_period(word, as_of, zone) for word in ROLLING}, **passed}
    ledgers = {word: cut(ledger, span) for word, span in periods.items() if span.length}
    used = ledgers.get(terms.period.value)
    left = budget(used, terms, present[terms.period]) if used is not None else None
    recent = cut(ledger, Span(as_of - RECENT, as_of))
    return Level(
        service=service,
        as_of=as_of,
        terms=terms,
        offer=offer,
        periods=MappingProxyType(ledgers),
        begins=MappingProxyType({word: span.since for word, span in periods.items()}),
        words=MappingProxyType({word: word for word in ROLLING} | {period.value: written(period, today) for period in Period}),
        months=(*_months(ledger, stated, zone, as_of, back=0), *(closed_months(ledger, stated, zone, as_of) if closed is None else closed)),
        budget=left,
        runs_out_at=None if left is None else runs_out(left, recent, as_of, present[terms.period].until),
        burns=burns(ledger, terms, as_of),
        whole=cut(ledger, Span(min(ledger.period.since, as_of - RECENT), as_of)),
    )


def burns(ledger: Ledger, terms: Terms, as_of: datetime) -> tuple[Burn, ...]:
    """How fast the budget went over each window of ``BURNS`` up to *as_of*; *ledger* reaches back as far as the longest does."""
    return tuple(_burn(ledger, terms, as_of, *window) for window in BURNS)


def earliest(as_of: datetime, zone: str) -> datetime:
    """From when on a ledger must reach, so that everything can be cut from it: the first of the oldest month that is told."""
    today = as_of.astimezone(ZoneInfo(zone)).date()
    return calendar_period(Period.MONTH, _month_before(today, MONTHS), zone).since


def closed_months(ledger: Ledger, stated: Stated, zone: str, as_of: datetime) -> tuple[Month, ...]:
    """The months that were over at *as_of*, the newest first, back to ``earliest``: they stay the same for as long as *ledger* does."""
    return tuple(month for back in range(1, MONTHS + 1) for month in _months(ledger, stated, zone, as_of, back=back))


def _months(ledger: Ledger, stated: Stated, zone: str, as_of: datetime, *, back: int) -> Iterator[Month]:
    """The month that lies *back* months before the present one, where the service lived in it."""
    first = _month_before(as_of.astimezone(ZoneInfo(zone)).date(), back)
    span = calendar_period(Period.MONTH, first, zone)
    until = min(span.until, as_of)
    if span.since < until and until > ledger.period.since:
        is_over = span.until <= as_of
        terms = in_force(stated, until - timedelta(microseconds=1)) if is_over else _newest(stated)
        yield Month(first=first, ledger=cut(ledger, Span(span.since, until)), terms=terms, is_over=is_over)


def _month_before(day: date, back: int) -> date:
    """The first of the month that lies *back* months before that of *day*."""
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)


def _newest(stated: Stated) -> Terms:
    return stated[-1][1] if stated else NO_LEVEL


def _burn(ledger: Ledger, terms: Terms, as_of: datetime, word: str, long: timedelta, short: timedelta, limit: Fraction) -> Burn:
    if terms.target in (None, 1):
        return Burn(window=word, long=None, short=None, is_fast=False)  # nothing that could burn: looking would be for nothing
    lasting, still = (burn_rate(cut(ledger, Span(as_of - length, as_of)), terms) for length in (long, short))
    return Burn(window=word, long=lasting, short=still, is_fast=burns_fast(lasting, still, limit))
