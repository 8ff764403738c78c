"""How the road in, the mirror and telling are doing, counted for the metrics."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(slots=True, kw_only=True)
class BackupFigures:
    """How the backups are doing: when the last good one was made, how many failed since the start; *trouble* is what keeps them from it."""

    done_at: datetime | None = None
    failures: int = 0
    trouble: str = ""
    since: datetime | None = None


@dataclass(slots=True, kw_only=True)
class DeliveryFigures:
    """How telling is doing: how many notifications are on their way, and the tries since the start, by channel and outcome.

    *unannounced* and *announced* are the same for each outlet, by its id.
    """

    waiting: int = 0
    tries: Counter[tuple[str, str]] = field(default_factory=Counter)
    unannounced: Mapping[str, int] = field(default_factory=dict)
    announced: Counter[tuple[str, str]] = field(default_factory=Counter)

    def count(self, channel: str, outlet: str | None, outcome: str) -> None:
        """Note how a try by *channel* went; to *outlet* where it was an announcement."""
        self.tries[channel, outcome] += 1
        if outlet is not None:
            self.announced[outlet, outcome] += 1
