"""How long the desk took, counted as it happens: what Prometheus asks for. Pure."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from statuspage.picture.desk_report import BOUNDS


class Took(StrEnum):
    """What took its time since an incident was opened."""

    ACKNOWLEDGE = "acknowledge"
    """Until the first acknowledgement."""
    FIRST_WORD = "first_word"
    """Until the first public word."""
    RESOLVE = "resolve"
    """Until an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How many *lie* up to each of ``BOUNDS`` and above the one before, the last above all; *total* sums their seconds."""

    lie: Sequence[int]
    total: float


@dataclass(slots=True)
class DeskTimes:
    """All times since it was made."""

    _lie: dict[Took, list[int]] = field(default_factory=lambda: {took: [0] * (len(BOUNDS) + 1) for took in Took})
    _total: dict[Took, float] = field(default_factory=lambda: dict.fromkeys(Took, 0.0))

    def hear(self, taken: Iterable[tuple[Took, float]]) -> None:
        """Take in what took how many seconds."""
        for took, seconds in taken:
            self._lie[took][bisect_left(BOUNDS, seconds)] += 1
            self._total[took] += seconds

    def figures(self) -> Mapping[Took, Times]:
        """All of it, as it is now."""
        return {took: Times(lie=tuple(self._lie[took]), total=self._total[took]) for took in Took}
