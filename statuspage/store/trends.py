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

_AT_ONCE = 20
"""Places that one read looks at. Each alone would cost more for being asked than for its rows; all at once would keep others waiting."""


async def trends(store: Store, watched: Collection[tuple[str, str]], now: datetime) -> Mapping[tuple[str, str], Trend]:
    """How the pace of each place among *watched* is, a few at a time so that nobody waits for long. Errors: StoreUnavailable."""
    found: dict[tuple[str, str], Trend] = {}
    known = await store.read(place_numbers)
    numbers = [number for number, place in known.items() if place in watched]
    for start in range(0, len(numbers), _AT_ONCE):
        some = await store.read(partial(trends_of, numbers=numbers[start : start + _AT_ONCE], now=now))
        found.update({known[number]: trend for number, trend in some.items()})
    return found


def place_numbers(connection: Connection) -> Mapping[int, tuple[str, str]]:
    """Every (monitor, location) that was ever measured, by its number."""
    return {row.num: (row.monitor, row.location) for row in connection.execute(select(places))}


def trends_of(connection: Connection, numbers: Collection[int], now: datetime) -> Mapping[int, Trend]:
    """How the pace of the places with these *numbers* is at *now*, as far as it is known.

    Hours in which anything failed are left out, since a failure has a pace of its own.
    """
    hour = milliseconds(now) // _HOUR
    table = rollups_hourly.c
    chosen = select(table.place, table.hour, table.results, table.took_sum).where(
        table.place.in_(numbers), table.hour >= hour - RECENT - USUAL, table.hour < hour, table.failed == 0, table.results > 0
    )
    hours: dict[int, list[Hour]] = {}
    for row in connection.execute(chosen):
        hours.setdefault(row.place, []).append(Hour(hour=row.hour, mean=row.took_sum / row.results / 1_000_000))
    return {place: pace for place, some in hours.items() if (pace := trend(some, hour)) is not None}
