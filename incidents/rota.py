"""Who of a team is on call: turns of a week, or shifts out of a calendar, and those who stand in for others. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.times.recurrence import Recurrence, between
from incidents.times.rule import Frequency, Rule
from incidents.times.spans import Span

WEEK = timedelta(days=7)
_INSTANT = timedelta(microseconds=1)
_BACK = 2000
"""How many weeks before its first turn a rota can be asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Everybody in *order* has a week. The first begins at *starts* by the wall clock of *timezone*, each other at that hour of that day.

    Errors: ValueError where nobody is in order.
    """

    order: tuple[str, ...]
    starts: datetime
    timezone: str

    def __post_init__(self) -> None:
        """Refuse what would have nobody."""
        if not self.order:
            raise ValueError("turns need somebody whose turn it is")

    def at(self, now: datetime) -> str:
        """Whose week it is; before the first one the turns are counted backwards."""
        return self.order[self._number(now) % len(self.order)]

    def _number(self, now: datetime) -> int:
        # From long before the first turn on: a rule has no start before its own first one.
        weekly = Recurrence(starts=self.starts - _BACK * WEEK, timezone=self.timezone, rule=Rule(frequency=Frequency.WEEKLY))
        last = between(weekly, now - 2 * WEEK, now + _INSTANT)[-1]
        return round((last.replace(tzinfo=None) - self.starts) / WEEK)  # the zone's offset, and an hour that the clocks skip, are less


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """*person* is on call for *lasts* from each start of *begins* on."""

    person: str
    begins: Recurrence
    lasts: timedelta

    def covers(self, now: datetime) -> bool:
        """Whether one of its times holds *now*."""
        return any(start <= now < start + self.lasts for start in between(self.begins, now - self.lasts, now + _INSTANT))


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """*person* is on call in *span*, whoever else would be."""

    person: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Rota:
    """A team's turns or shifts; where it has both, shifts hold, and turns fill what they leave."""

    turns: Turns | None = None
    shifts: tuple[Shift, ...] = ()

    def on_call(self, now: datetime, stand_ins: Sequence[StandIn] = ()) -> tuple[str, ...]:
        """Everybody who is on call, each once: who stands in, else whose shift it is, else whose week. Nobody: an empty tuple."""
        for found in (self._standing_in(now, stand_ins), self._on_shift(now)):
            if found:
                return found
        return (self.turns.at(now),) if self.turns is not None else ()

    def _standing_in(self, now: datetime, stand_ins: Sequence[StandIn]) -> tuple[str, ...]:
        return _once(one.person for one in stand_ins if one.span.holds(now))

    def _on_shift(self, now: datetime) -> tuple[str, ...]:
        return _once(shift.person for shift in self.shifts if shift.covers(now))


def _once(people: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(people))
