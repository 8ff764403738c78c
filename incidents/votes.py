"""What results say of a monitor, as values: votes, equal ones in a row, one location's memory. ``incidents.streaks`` counts them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Level(StrEnum):
    """What one vote says about the target, from good to bad."""

    GOOD = "good"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A stretch of equal votes in a row: *count* is cut at what any threshold can ask for. Bad ones keep the newest one's reason.

    *since* is the first one's slot, *last* that of the newest that was counted; None where it is the first.
    """

    level: Level
    since: datetime
    count: int = 1
    last: datetime | None = None
    failure: str | None = None
    stage: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """The memory of one monitor at one location: what was last judged, and the votes since.

    *judged* is None until the first verdict. *runs* are newest last and only as long as the thresholds need. *unknown* counts
    results in a row that say nothing about the target (our bug, our password), *unknown_since* the first one's slot. *failure*,
    *stage* and *detail* are those of the newest bad result, vote or not. *began* is when work that has not finished said that it began.
    """

    judged: Level | None = None
    runs: tuple[Run, ...] = ()
    unknown: int = 0
    unknown_since: datetime | None = None
    failure: str | None = None
    stage: str | None = None
    detail: str = ""
    began: datetime | None = None
