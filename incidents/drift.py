"""Whether a monitor's probes take longer than they used to: a warning before anything fails, for the desk and never a status.

Robust on purpose: medians of whole hours, in which nothing failed, against the same monitor's own past; a share of the time and a length
must both be passed, so that neither the noise of a quick answer nor the habits of a slow one are called drift.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

RECENT = 3
"""Hours that are compared, the one under way left out."""

USUAL = 14 * 24
"""Hours before those that they are compared with."""

USUAL_AT_LEAST = 24
"""Hours of the past that must have been measured: a monitor of yesterday has no habits."""

RATIO = 2.0
"""How many times as long as usual is drift,"""

FLOOR = timedelta(milliseconds=100)
"""and by how much longer it must be at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One hour of a monitor at a location: *hour* counts from 1970, *mean* is what a probe took, in seconds, where none failed."""

    hour: int
    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """What probes take lately and usually, in seconds."""

    recent: float
    usual: float

    @property
    def ratio(self) -> float:
        """How many times as long as usual."""
        return self.recent / self.usual if self.usual > 0 else 1.0

    @property
    def is_drift(self) -> bool:
        """Whether somebody should look before it fails."""
        return self.ratio >= RATIO and self.recent - self.usual >= FLOOR.total_seconds()


def trend(hours: Sequence[Hour], now: int) -> Trend | None:
    """Compare the whole hours before *now* (the hour under way, since 1970) with those before them; None where too few were measured."""
    recent = [one.mean for one in hours if now - RECENT <= one.hour < now]
    usual = [one.mean for one in hours if now - RECENT - USUAL <= one.hour < now - RECENT]
    if not recent or len(usual) < USUAL_AT_LEAST:
        return None
    return Trend(recent=_median(recent), usual=_median(usual))


def _median(values: Sequence[float]) -> float:
    """The one in the middle, or the mean of the two there. The standard library's own draws in chance, which the pure rooms do without."""
    order, half = sorted(values), len(values) // 2
    return order[half] if len(order) % 2 else (order[half - 1] + order[half]) / 2
