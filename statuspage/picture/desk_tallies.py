"""How the desk did, counted as it happens: what Prometheus asks for. Pure."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from statuspage.picture.desk_report import BOUNDS


class Tallied(StrEnum):
    """What is told of incidents; times run from the opening."""

    ACKNOWLEDGE = "acknowledge_seconds"
    """Until the first acknowledgement."""
    FIRST_WORD = "first_word_seconds"
    """Until the first public word."""
    RESOLVE = "resolve_seconds"
    """Until an end."""
    LEAD = "lead_seconds"
    """Until the first caller; below zero where they were faster."""
    CALLERS = "callers"
    """How many called."""

    @property
    def bounds(self) -> Sequence[float]:
        """Bounds, each inclusive, by which it is sorted."""
        match self:
            case Tallied.LEAD:
                return (0.0, *BOUNDS)
            case Tallied.CALLERS:
                return (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
            case _:
                return BOUNDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many *lie* up to each bound and above the one before, the last above all; *total* is their sum."""

    lie: Sequence[int]
    total: float


@dataclass(slots=True)
class Tallies:
    """All that was counted since it was made."""

    _lie: dict[Tallied, list[int]] = field(default_factory=lambda: {one: [0] * (len(one.bounds) + 1) for one in Tallied})
    _total: dict[Tallied, float] = field(default_factory=lambda: dict.fromkeys(Tallied, 0.0))

    def hear(self, found: Iterable[tuple[Tallied, float]]) -> None:
        """Take in what came to how much."""
        for tallied, value in found:
            self._lie[tallied][bisect_left(tallied.bounds, value)] += 1
            self._total[tallied] += value

    def figures(self) -> Mapping[Tallied, Tally]:
        """All of it, as it is now."""
        return {one: Tally(lie=tuple(self._lie[one]), total=self._total[one]) for one in Tallied}
