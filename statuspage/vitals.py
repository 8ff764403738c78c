"""How the road in is doing, counted for the metrics."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Figures:
    """The road's own health, for the metrics."""

    turns: int = 0
    crashed_turns: int = 0
    failed_writes: int = 0
    dropped_results: int = 0
    store_is_away: bool = False
