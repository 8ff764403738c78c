"""How promised updates were kept: words said in time, or late, or not at all. Pure.

A promise is public words that say by when the next come; whatever is said next about the incident answers it.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

LATENESS = (0.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
"""Bounds in seconds, each inclusive, of how late words came; whatever came in time is not late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """That something was said in public about an incident, and by when it promised the next words (None: it promised none)."""

    incident: str
    at: datetime
    next_by: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseFigures:
    """Promises at an instant: how many had which outcome, and how late answers came, as in ``Promises``."""

    outcomes: Mapping[str, int]
    answered: Sequence[int]
    late_by: float


@dataclass(slots=True)
class Promises:
    """All promises so far. *answered* counts them by how late the answer was: up to each bound of ``LATENESS``, and later.

    *late_by* sums the seconds; *waiting* are those that nothing answered yet, by their incident.
    """

    answered: list[int] = field(default_factory=lambda: [0] * (len(LATENESS) + 1))
    late_by: float = 0.0
    waiting: dict[str, datetime] = field(default_factory=dict)

    def hear(self, words: Iterable[Word]) -> None:
        """Take in what was said, in the order in which it was said of each incident."""
        for word in words:
            promised = self.waiting.pop(word.incident, None)
            if promised is not None:
                late = max(0.0, (word.at - promised).total_seconds())
                self.answered[bisect_left(LATENESS, late)] += 1
                self.late_by += late
            if word.next_by is not None:
                self.waiting[word.incident] = word.next_by

    def figures(self, now: datetime) -> PromiseFigures:
        """How many were kept, and how many missed: answered late, or not yet though their time is over."""
        overdue = sum(promised < now for promised in self.waiting.values())
        outcomes = {"kept": self.answered[0], "missed": sum(self.answered[1:]) + overdue}
        return PromiseFigures(outcomes=outcomes, answered=tuple(self.answered), late_by=self.late_by)
