"""The pace of a monitor from its roll-ups, on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from probes.result import Failure, ProbeResult, Result
from statuspage.store.engine import Database
from statuspage.store.trends import place_numbers, trend_of
from tests.statuspage.store.worlds import T0, begin, result, write


def of_each_hour(took: float, first: int, last: int, failure: Failure | None = None) -> Iterator[Result]:
    """One result an hour, from so many hours before T0 to so many."""
    for hours in range(first, last, -1):
        at = T0 - timedelta(hours=hours)
        yield replace(result("smtp-greets"), slot=at, started=at, measured=ProbeResult(took=took, failure=failure))


def test_the_pace_of_the_last_hours_is_compared_with_the_days_before(database: Database) -> None:
    begin(database)
    write(database, results=[*of_each_hour(0.2, 60, 3), *of_each_hour(0.9, 3, 0)])
    ((number, place),) = database.read(place_numbers).items()
    assert place == ("smtp-greets", "local")
    found = database.read(lambda connection: trend_of(connection, number, T0))
    assert found is not None
    assert (found.recent, found.usual, found.is_drift) == (0.9, 0.2, True)


def test_hours_in_which_something_failed_have_no_pace(database: Database) -> None:
    begin(database)
    write(database, results=[*of_each_hour(0.2, 60, 3), *of_each_hour(9.0, 3, 0, Failure.TIMEOUT)])
    (number,) = database.read(place_numbers)
    assert database.read(lambda connection: trend_of(connection, number, T0)) is None
