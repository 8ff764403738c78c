"""When a cron expression is due next, by the clock of its zone.

What falls into the hour that a spring skips is due right after it, and what falls into the hour that an autumn repeats is due once: as
Debian's cron does it. What is due every hour or more often goes on as if no clock had been changed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from typing import Annotated
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field

_ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)
_LOOKED_AT = 8


def _expression(text: str) -> str:
    try:
        next(CronSim(text, _ANCHOR), None)
    except (CronSimError, ValueError) as error:
        raise ValueError(f"not a cron expression ({error}); write five fields, such as '15 2 * * *' for 02:15 every day") from None
    if len(text.split()) != 5:
        raise ValueError("write five fields: minute, hour, day of the month, month, day of the week")
    if next(CronSim(text, _ANCHOR), None) is None:
        raise ValueError("it is never due; write a day that exists")
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError("no such time zone; write one such as Europe/Berlin") from None
    return text


CronText = Annotated[str, Field(min_length=9, max_length=200), AfterValidator(_expression)]
Zone = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_zone)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """The rhythm of a cron *expression* in a named *timezone*; both are valid already."""

    expression: str
    timezone: str

    @property
    def gap(self) -> timedelta:
        """The longest stretch between two of the first few dues of a year."""
        return _gap(self.expression, self.timezone)

    def due_after(self, at: datetime) -> datetime:
        """The first due later than *at*."""
        return _due_after(self.expression, self.timezone, at)


@lru_cache(maxsize=8192)
def _gap(expression: str, timezone: str) -> timedelta:
    dues = islice(CronSim(expression, _ANCHOR.astimezone(ZoneInfo(timezone))), _LOOKED_AT)
    return max((after - before for before, after in pairwise(due.astimezone(UTC) for due in dues)), default=timedelta(days=366))


# Asked each second for every monitor, and the answer changes only with a ping.
@lru_cache(maxsize=8192)
def _due_after(expression: str, timezone: str, at: datetime) -> datetime:
    return next(CronSim(expression, at.astimezone(ZoneInfo(timezone)))).astimezone(UTC)
