"""How the road in and the mirror are doing, counted for the metrics."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True, kw_only=True)
class Figures:
    """The road's own health, for the metrics."""

    turns: int = 0
    crashed_turns: int = 0
    failed_writes: int = 0
    dropped_results: int = 0
    store_is_away: bool = False


@dataclass(slots=True, kw_only=True)
class MirrorFigures:
    """How the mirror is doing. *done_at* is when it last held all that was public; *trouble* is what keeps it from that now."""

    done_at: datetime | None = None
    failures: int = 0
    trouble: str = ""
    since: datetime | None = None
