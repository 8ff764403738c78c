"""The pace of a monitor from its roll-ups, on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from probes.result import Failure, ProbeResult, Result
from statuspage.store.engine import Database, Store
from statuspage.store.trends import place_numbers, trends, trends_of
from tests.statuspage.store.worlds import T0, begin, result, write


def of_each_hour(took: float, first: int, last: int, failure: Failure | None = None, *, monitor: str = "smtp-greets") -> Iterator[Result]:
    """One result an hour, from so many hours before T0 to so many."""
    for hours in range(first, last, -1):
        at = T0 - timedelta(hours=hours)
        yield replace(result(monitor), slot=at, started=at, measured=ProbeResult(took=took, failure=failure))


def test_the_pace_of_the_last_hours_is_compared_with_the_days_before(database: Database) -> None:
    begin(database)
    write(database, results=[*of_each_hour(0.2, 60, 3), *of_each_hour(0.9, 3, 0)])
    ((number, place),) = database.read(place_numbers).items()
    assert place == ("smtp-greets", "local")
    found = database.read(lambda connection: trends_of(connection, [number], T0))
    assert (found[number].recent, found[number].usual, found[number].is_drift) == (0.9, 0.2, True)


def test_hours_in_which_something_failed_have_no_pace(database: Database) -> None:
    begin(database)
    write(database, results=[*of_each_hour(0.2, 60, 3), *of_each_hour(9.0, 3, 0, Failure.TIMEOUT)])
    numbers = list(database.read(place_numbers))
    assert database.read(lambda connection: trends_of(connection, numbers, T0)) == {}


async def test_every_watched_place_has_its_own_pace_however_many_there_are(database: Database) -> None:
    begin(database)
    monitors = [f"m{number:02}" for number in range(45)]
    write(database, results=[one for place, id in enumerate(monitors, 1) for one in of_each_hour(place / 100, 30, 0, monitor=id)])
    watched = {(id, "local") for id in monitors if id != "m07"}
    store = Store(database)
    try:
        found = await trends(store, watched, T0)
    finally:
        await store.close()
    assert found.keys() == watched
    assert {place: round(found[monitors[place - 1], "local"].recent, 6) for place in (1, 20, 21, 45)} == {
        1: 0.01,
        20: 0.2,
        21: 0.21,
        45: 0.45,
    }
