"""When a day or a week is over, what was gathered for each subscriber leaves in one letter."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from statuspage.picture.audience import Rhythm
from statuspage.picture.roundup import Period, period
from statuspage.store.engine import Store
from statuspage.store.round_ups import close
from statuspage.store.subscribers import PREFIX

SLICE = 200
"""Letters that are written in one transaction: nobody's results wait long for it."""


async def close_periods(store: Store, timezone: str, closed: Mapping[Rhythm, Period], now: datetime) -> Mapping[Rhythm, Period]:
    """Write the round-ups of the periods that are over at *now*, but for those that are *closed* already; return which are then.

    *timezone* is the site's. Errors: StoreUnavailable.
    """
    over = {rhythm: period(rhythm, now, timezone) for rhythm in set(Rhythm) - {Rhythm.AT_ONCE}}
    for rhythm, ended in over.items():
        last: str | None = None if closed.get(rhythm) == ended else ""
        while last is not None:
            last = await store.write(partial(_close_some, rhythm, ended, last, now))
    return over


def _close_some(rhythm: Rhythm, ended: Period, last: str, now: datetime, connection: Connection) -> str | None:
    return close(connection, rhythm, ended, last, prefix=PREFIX, limit=SLICE, at=now)
