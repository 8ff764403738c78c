"""The desk's own figures over a period: did we know first, how soon did we act, did we keep our word. docs/reports.md defines each."""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.model import Incident, Origin
from incidents.reviewed import FALSE_ALARM

BOUNDS = (60.0, 300.0, 900.0, 1800.0, 3600.0, 14400.0, 86400.0)
"""Bounds in seconds, each inclusive, by which times are sorted in plots and metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """An incident with what was done about it: when somebody first owned it, customers first read of it, and the first one called.

    None where that never happened. *callers* are all who called about it.
    """

    incident: Incident
    owned_at: datetime | None = None
    told_at: datetime | None = None
    first_called_at: datetime | None = None
    callers: int = 0

    @property
    def is_false(self) -> bool:
        """Whether somebody said that nothing was broken."""
        return self.incident.cause == FALSE_ALARM

    @property
    def is_confirmed(self) -> bool:
        """Whether it was an outage of its own: seen by the probes or published by a person, no false alarm, and not a part of another."""
        is_seen = self.incident.origin is Origin.MACHINE or self.incident.published_at is not None
        return is_seen and not self.is_false and self.incident.merged_into is None

    @property
    def lead(self) -> timedelta | None:
        """How long it was known before the first caller; below zero where they were first, None where nobody called."""
        return None if self.first_called_at is None else self.first_called_at - self.incident.opened_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """That an update was promised *by* an instant, and when the next public words came (None: they have not)."""

    incident: str
    by: datetime
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Spread:
    """Times in seconds, ascending, and of how many incidents there is *none*."""

    seconds: Sequence[float]
    none: int = 0

    @property
    def median(self) -> float | None:
        """Half took no longer; between two, the mean of both."""
        count = len(self.seconds)
        return (self.seconds[(count - 1) // 2] + self.seconds[count // 2]) / 2 if count else None

    @property
    def ninth(self) -> float | None:
        """Nine of ten took no longer: the nearest rank."""
        return self.seconds[math.ceil(0.9 * len(self.seconds)) - 1] if self.seconds else None

    @property
    def longest(self) -> float | None:
        """The longest of all."""
        return self.seconds[-1] if self.seconds else None

    def sorted_by(self, bounds: Sequence[float] = BOUNDS) -> Sequence[int]:
        """How many lie up to each bound and above the one before; the last are those above all."""
        counts = [0] * (len(bounds) + 1)
        for one in self.seconds:
            counts[bisect_left(bounds, one)] += 1
        return counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Promised updates that fell due: in time, late or not at all, and those whose time is not over."""

    kept: int
    missed: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskFigures:
    """The figures of a period.

    *incidents* are the confirmed ones; *alarms* all that the probes raised and that became no part of another, of which *false_alarms*
    were none. *called* are incidents about which anybody called, *known_first* those of them that were known before; *callers* is how many
    called in all, *most_callers* about one. *left_out* are incidents that were not confirmed.
    """

    incidents: int
    left_out: int
    alarms: int
    false_alarms: int
    called: int
    known_first: int
    callers: int
    most_callers: int
    lead: Spread
    acknowledge: Spread
    first_word: Spread
    resolve: Spread
    promises: Kept


def desk_figures(lived: Iterable[Lived], promises: Iterable[Promise], now: datetime) -> DeskFigures:
    """What incidents that were opened in a period, and promises that fell due in it, come to at *now*."""
    every = list(lived)
    confirmed = [one for one in every if one.is_confirmed]
    alarms = [one for one in every if one.incident.origin is Origin.MACHINE and one.incident.merged_into is None]
    leads = [one.lead for one in confirmed if one.lead is not None]
    return DeskFigures(
        incidents=len(confirmed),
        left_out=len(every) - len(confirmed),
        alarms=len(alarms),
        false_alarms=sum(one.is_false for one in alarms),
        called=len(leads),
        known_first=sum(lead > timedelta(0) for lead in leads),
        callers=sum(one.callers for one in confirmed),
        most_callers=max((one.callers for one in confirmed), default=0),
        lead=Spread(sorted(lead.total_seconds() for lead in leads), len(confirmed) - len(leads)),
        acknowledge=_spread(confirmed, lambda one: one.owned_at),
        first_word=_spread(confirmed, lambda one: one.told_at),
        resolve=_spread(confirmed, lambda one: one.incident.resolved_at),
        promises=_kept(promises, now),
    )


def _spread(lived: Sequence[Lived], when: Callable[[Lived], datetime | None]) -> Spread:
    """How long after they were opened something happened to incidents."""
    taken = [(at - one.incident.opened_at).total_seconds() for one in lived if (at := when(one)) is not None]
    return Spread(sorted(taken), len(lived) - len(taken))


def _kept(promises: Iterable[Promise], now: datetime) -> Kept:
    kept = missed = waiting = 0
    for one in promises:
        if one.answered_at is not None:
            kept, missed = (kept + 1, missed) if one.answered_at <= one.by else (kept, missed + 1)
        elif one.by < now:
            missed += 1
        else:
            waiting += 1
    return Kept(kept=kept, missed=missed, waiting=waiting)
