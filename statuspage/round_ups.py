"""When a day or a week is over, what was gathered for each subscriber leaves in one letter, and so does planned work that is near."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from statuspage.picture.audience import Rhythm
from statuspage.picture.roundup import Coming, Period, near, period
from statuspage.store.engine import Store
from statuspage.store.round_ups import close
from statuspage.store.subscribers import PREFIX

SLICE = 200
"""Letters that are written in one transaction: nobody's results wait long for it."""


async def close_periods(
    store: Store, timezone: str, closed: Mapping[Rhythm, Period], now: datetime, coming: Coming
) -> Mapping[Rhythm, Period]:
    """Write the round-ups of the periods that are over at *now*, but for those that are *closed* already; return which are then.

    *timezone* is the site's. Errors: StoreUnavailable.
    """
    over = {rhythm: period(rhythm, now, timezone) for rhythm in set(Rhythm) - {Rhythm.AT_ONCE}}
    for rhythm, ended in over.items():
        if closed.get(rhythm) == ended:
            continue
        last: str | None = ""
        ahead = near(coming, ended)
        while last is not None:
            last = await store.write(partial(_close_some, rhythm, ended, ahead, last, now))
    return over


def _close_some(
    rhythm: Rhythm, ended: Period, ahead: Sequence[Collection[str]], last: str, now: datetime, connection: Connection
) -> str | None:
    return close(connection, rhythm, ended, last, near=ahead, prefix=PREFIX, limit=SLICE, at=now)
