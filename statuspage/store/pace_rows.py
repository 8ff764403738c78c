"""What probes took, hour by hour, for the charts of the public face."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from statuspage.store.spelling import milliseconds
from statuspage.store.tables import rollups_hourly

HOUR = 3_600_000


def hour_of(at: datetime) -> int:
    """The number of the hour in which *at* lies, as roll-ups count them."""
    return milliseconds(at) // HOUR


def good_hours(connection: Connection, places: Collection[int], since: int, until: int) -> Mapping[int, Mapping[int, tuple[int, int]]]:
    """How many results each of *places* had in each hour of [*since*, *until*), and how many microseconds they took together.

    Hours in which anything failed are left out: a failure has a pace of its own.
    """
    table = rollups_hourly.c
    chosen = select(table.place, table.hour, table.results, table.took_sum).where(
        table.place.in_(places), table.hour >= since, table.hour < until, table.failed == 0, table.results > 0
    )
    found: dict[int, dict[int, tuple[int, int]]] = {}
    for row in connection.execute(chosen):
        found.setdefault(row.place, {})[row.hour] = (row.results, row.took_sum)
    return found
