"""How quickly a service answered, hour by hour and day by day, as the public may read it: no monitor, no limit. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

HOURS = 24
DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How quickly a need of a service was met, in seconds; *need* is its place among the service's needs.

    *hours* and *days* are the last ones, oldest first: hours that are over, and days of the site's zone up to now. None where nothing is
    known, or where something failed all through. *until* is the end of the last hour, *today* the last day.
    """

    need: int
    hours: tuple[float | None, ...]
    days: tuple[float | None, ...]
    until: datetime
    today: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceView:
    """The same, with what the need is called; empty where it has no name of its own."""

    label: str
    pace: Pace


Amount = tuple[int, int]
"""So many results, and the microseconds that they took together."""


def total(amounts: Iterable[Amount]) -> Amount:
    """All of them together."""
    results, took = 0, 0
    for more, longer in amounts:
        results, took = results + more, took + longer
    return results, took


def mean(amount: Amount) -> float | None:
    """Seconds that one result took; None where there is none."""
    results, took = amount
    return took / results / 1_000_000 if results else None


def known(values: Sequence[float | None]) -> Sequence[float]:
    """Those that are known."""
    return [value for value in values if value is not None]


def views(paces: Iterable[Pace], labels: Sequence[str]) -> tuple[PaceView, ...]:
    """The same with the names of the needs, *labels*; one whose need has just gone is left out."""
    return tuple(PaceView(label=labels[pace.need], pace=pace) for pace in paces if pace.need < len(labels))
