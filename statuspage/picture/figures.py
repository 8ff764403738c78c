"""What the public may read of a service's availability: figures cut to the places that are shown, ready to be spelled.

Pure. Two views are equal where a reader could not tell them apart, so that a page is drawn again only where it would look otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import ceil
from types import MappingProxyType

from incidents.levels.availability import Ledger, percent
from incidents.levels.service_level import Credit
from incidents.levels.terms import Terms
from statuspage.picture.levels import Level, Month

PLACES = 3
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureView:
    """Two percentages, cut and never rounded up; None where nothing is known.

    *unknown* is rounded up to what is shown of it: whole minutes, or seconds where it is less than one.
    """

    measured: str | None
    contractual: str | None
    unknown: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthView:
    """A calendar month; its ledger is called *word*.

    *down* is the downtime that the measured figure counts. *target* is what was promised for it in percent (None:
    nothing, or over another period).
    """

    first: date
    word: str
    figure: FigureView
    down: timedelta
    target: str | None
    is_over: bool
    is_missed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetView:
    """What is left of the downtime that the promise allows, in percent and cut. *runs_out_on* is a day in UTC."""

    left: str
    is_spent: bool
    runs_out_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelView:
    """What is promised of a service and what was kept. *budget* and *credits* are there only where the file makes them public.

    *figures* are by period: 24h, 7d, 30d, 90d, 365d, month, quarter, year; their ledgers are called by *words*. *watched_since* is set
    where the service is younger than a year, *bars_since* where it is younger than the ninety days that the bars show. *telling* are the
    periods that say something of their own: of those that begin before it was watched, the shortest and the promised one.
    """

    service: str
    terms: Terms
    target: str | None
    figures: Mapping[str, FigureView]
    words: Mapping[str, str]
    months: tuple[MonthView, ...]
    watched_since: datetime | None
    bars_since: datetime | None
    budget: BudgetView | None
    credits: tuple[Credit, ...]
    telling: frozenset[str]


def level_view(told: Level) -> LevelView:
    """What of *told* the public may read."""
    return LevelView(
        service=told.service,
        terms=told.terms,
        target=decimal(told.terms.target),
        figures=MappingProxyType({word: figure(ledger) for word, ledger in told.periods.items()}),
        words=told.words,
        months=tuple(month_view(one) for one in told.months),
        watched_since=_young_since(told, "365d"),
        bars_since=_young_since(told, "90d"),
        budget=_budget(told) if told.offer.is_public else None,
        credits=told.offer.credits if told.offer.is_public else (),
        telling=_telling(told),
    )


def _telling(told: Level) -> frozenset[str]:
    """The periods without those that repeat a shorter one, since both hold all that is known."""
    longer = [word for word in told.periods if _young_since(told, word) is not None]
    promised = {told.terms.period.value} if told.terms.target is not None else set()
    return frozenset(told.periods.keys() - set(longer[1:]) | promised)


def _young_since(told: Level, word: str) -> datetime | None:
    """Since when it is watched, where that is less than the period *word* ago."""
    since = told.periods[word].period.since
    return since if since > told.begins[word] else None


def figure(ledger: Ledger) -> FigureView:
    """The figures of *ledger* as they are shown."""
    return FigureView(
        measured=_spelled(ledger.measured.ratio),
        contractual=_spelled(ledger.contractual.ratio),
        unknown=_rounded_up(ledger.unknown),
    )


def _rounded_up(length: timedelta) -> timedelta:
    unit = MINUTE if length > MINUTE else SECOND
    return -(-length // unit) * unit


def decimal(share: Fraction | None) -> str | None:
    """Spell a share that a person wrote as a percentage, with all of its places: 0.9995 is ``99.95``."""
    if share is None:
        return None
    places = next((places for places in range(12) if (share * 100 * 10**places).denominator == 1), 12)
    return percent(share, places)


def cut_share(share: Fraction) -> str:
    """A share as programs read it: with the places of a percentage as it is shown, and two more; below zero where it is overdrawn."""
    return f"-{percent(-share / 100, PLACES + 2)}" if share < 0 else percent(share / 100, PLACES + 2)


def _spelled(ratio: Fraction | None) -> str | None:
    return None if ratio is None else percent(ratio, PLACES)


def month_view(one: Month) -> MonthView:
    """What of a month the public may read."""
    return MonthView(
        first=one.first,
        word=one.word,
        figure=figure(one.ledger),
        down=timedelta(microseconds=ceil(one.ledger.measured.down)),
        target=decimal(one.terms.target) if one.terms.period == "month" else None,
        is_over=one.is_over,
        is_missed=one.is_missed,
    )


def _budget(told: Level) -> BudgetView | None:
    if told.budget is None or (left := told.budget.remaining_ratio) is None:
        return None
    out = None if told.runs_out_at is None else told.runs_out_at.date()
    return BudgetView(left=percent(max(left, Fraction(0)), 1), is_spent=told.budget.is_spent, runs_out_on=out)
