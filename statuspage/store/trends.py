"""What probes took, hour by hour, from the roll-ups: how a monitor's pace is today against its own past."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, select

from incidents.drift import RECENT, USUAL, Hour, Trend, trend
from statuspage.store.engine import Store
from statuspage.store.spelling import milliseconds
from statuspage.store.tables import places, rollups_hourly

_HOUR = 3_600_000


async def trends(store: Store, watched: Collection[tuple[str, str]], now: datetime) -> Mapping[tuple[str, str], Trend]:
    """How the pace of each place among *watched* is, one by one so that nobody waits for long. Errors: StoreUnavailable."""
    found: dict[tuple[str, str], Trend] = {}
    for number, place in (await store.read(place_numbers)).items():
        if place in watched and (trend := await store.read(partial(trend_of, place=number, now=now))) is not None:
            found[place] = trend
    return found


def place_numbers(connection: Connection) -> Mapping[int, tuple[str, str]]:
    """Every (monitor, location) that was ever measured, by its number."""
    return {row.num: (row.monitor, row.location) for row in connection.execute(select(places))}


def trend_of(connection: Connection, place: int, now: datetime) -> Trend | None:
    """How the pace of *place* is at *now*; hours in which anything failed are left out, since a failure has a pace of its own."""
    hour = milliseconds(now) // _HOUR
    table = rollups_hourly.c
    chosen = select(table.hour, table.results, table.took_sum).where(
        table.place == place, table.hour >= hour - RECENT - USUAL, table.hour < hour, table.failed == 0, table.results > 0
    )
    hours = [Hour(hour=row.hour, mean=row.took_sum / row.results / 1_000_000) for row in connection.execute(chosen)]
    return trend(hours, hour)
