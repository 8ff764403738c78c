"""A span of the past, read at a cost that the years around it do not set."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection as Driver
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, event, text

from incidents.model import Status
from incidents.times.spans import Span
from statuspage.ledgers import ledger_of
from statuspage.picture.scope import Scope
from statuspage.store.engine import Database
from statuspage.store.months import changes_in, first_told, stories_in, windows_in
from statuspage.store.queries import changes
from statuspage.store.tables import standings, status_changes
from tests.statuspage.store.worlds import T0, begin
from tests.statuspage.years import DAY, HOUR, changed, lived, outage, work, write
from tests.stores import Place

MARCH = Span(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))


def told(database: Database, span: Span = MARCH, service: str | None = None) -> set[str]:
    return {story.incident.id for story in database.read(lambda connection: stories_in(connection, span, service))}


@pytest.mark.parametrize(
    ("began", "lasted", "is_told"),
    [
        (MARCH.since - HOUR, HOUR, False),  # over when the month began, though it was resolved in it
        (MARCH.since - HOUR, HOUR + timedelta(seconds=1), True),
        (MARCH.since - 200 * DAY, 300 * DAY, True),
        (MARCH.since, HOUR, True),
        (MARCH.until - timedelta(seconds=1), HOUR, True),
        (MARCH.until, HOUR, False),
    ],
)
def test_an_incident_stands_in_each_month_that_its_outage_meets(
    database: Database, began: datetime, lasted: timedelta, *, is_told: bool
) -> None:
    write(database, *outage("incident0001", began, lasted))
    assert told(database) == ({"incident0001"} if is_told else set())


def test_in_the_month_of_a_service_stands_what_hit_it(database: Database) -> None:
    write(database, *outage("incident0001", MARCH.since + HOUR, HOUR), *outage("incident0002", MARCH.since + DAY, HOUR, service="portal"))
    write(database, *outage("incident0003", MARCH.since - 800 * DAY, HOUR, service="portal", is_over=False))
    assert told(database) == {"incident0001", "incident0002", "incident0003"}
    assert told(database, service="email") == {"incident0001"}
    assert told(database, service="portal") == {"incident0002", "incident0003"}


def test_one_that_goes_on_stands_in_every_month_since_it_began(database: Database) -> None:
    write(database, *outage("incident0001", MARCH.since - 800 * DAY, HOUR, is_over=False))
    assert told(database) == {"incident0001"}
    assert told(database, Span(MARCH.since - 900 * DAY, MARCH.since - 870 * DAY)) == set()


def test_what_is_not_published_stands_in_no_month(database: Database) -> None:
    write(database, *outage("incident0001", MARCH.since + HOUR, HOUR, is_published=False))
    write(database, *outage("incident0002", MARCH.since + 3 * HOUR, HOUR, is_published=False, is_over=False))
    write(database, *work("window000001", MARCH.since + HOUR, HOUR, needs_approval=True))
    assert told(database) == set()
    assert database.read(lambda connection: windows_in(connection, MARCH)) == ()
    assert database.read(first_told) is None


def test_the_oldest_incident_is_the_oldest_that_the_public_knows(database: Database) -> None:
    write(database, *outage("incident0001", T0, HOUR, is_published=False), *outage("incident0002", T0 + DAY, HOUR))
    assert database.read(first_told) == T0 + DAY


def test_the_first_is_found_behind_many_that_readers_know_nothing_of(database: Database) -> None:
    born = datetime(2024, 1, 1, tzinfo=UTC)
    for number in range(50):
        write(database, *outage(f"incident{number:04}", born + number * DAY, HOUR, service="payroll"))
    write(database, *outage("incidentmine", born + 60 * DAY, HOUR))
    hidden, mine = Scope(hidden=frozenset({"payroll"})), Scope(only=frozenset({"email"}))
    assert database.read(first_told) == born
    assert database.read(lambda connection: first_told(connection, mine)) == born + 60 * DAY
    assert database.read(lambda connection: first_told(connection, hidden)) == born + 60 * DAY
    assert database.read(lambda connection: first_told(connection, hidden, lambda _: ())) is None
    assert database.read(lambda connection: first_told(connection, Scope(only=frozenset({"portal"})))) is None


def test_windows_stand_by_their_start_with_their_words(database: Database) -> None:
    write(database, *work("window000002", MARCH.since + 5 * DAY, HOUR), *work("window000001", MARCH.since - HOUR, 2 * HOUR))
    write(database, *work("window000003", MARCH.until, HOUR), *work("window000000", MARCH.since - 2 * HOUR, HOUR))
    found = database.read(lambda connection: windows_in(connection, MARCH))
    assert [one.maintenance.id for one in found] == ["window000001", "window000002"]
    assert [update.body for update in found[0].updates] == ["Patches: we patch."]


# --- the past of a service


def test_turns_of_a_span_are_those_that_the_whole_history_gives(place: Place) -> None:
    with place.opened() as database:

        @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(
            told=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6), st.sampled_from(list(Status))), max_size=12),
            since=st.integers(-5, 50),
            length=st.integers(1, 30),
        )
        def agree(told: list[tuple[int, int, Status]], since: int, length: int) -> None:
            database.write(lambda connection: [connection.execute(delete(table)) for table in (status_changes, standings)])
            decided = sorted(told, key=lambda one: one[0])
            write(database, *(changed("mail", T0 + (at - back) * HOUR, new, decided=T0 + at * HOUR) for at, back, new in decided))
            span = Span(T0 + since * HOUR, T0 + (since + length) * HOUR)
            whole = database.read(lambda connection: changes(connection, ["mail"], span.since))["mail"]
            part = database.read(lambda connection: changes_in(connection, ["mail"], span))["mail"]
            assert part == tuple(change for change in whole if change.since < span.until)

        agree()


# --- what it costs


@contextmanager
def counted(connection: Connection) -> Iterator[Callable[[], int]]:
    """Count the steps of SQLite's own machine: what a query costs, whatever else the computer does."""
    driver: Driver = connection.connection.dbapi_connection  # type: ignore[assignment]  # as SQLAlchemy keeps it
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    driver.set_progress_handler(step, 10)
    try:
        yield lambda: steps * 10
    finally:
        driver.set_progress_handler(None, 0)


def cost_of_a_month(directory: Path, years: int) -> tuple[int, int]:
    """Steps that a month in the middle of *years* takes, and how many incidents it holds."""
    born = datetime(2024, 1, 1, tzinfo=UTC)
    span = Span(born + years * 365 // 2 * DAY, born + (years * 365 // 2 + 30) * DAY)
    with Place(url=f"sqlite:///{years}.db", data_dir=directory).opened() as database:
        begin(database)
        write(database, *lived(born, born + years * 365 * DAY, incidents_a_month=20))

        def read(connection: Connection) -> tuple[int, int]:
            with counted(connection) as steps:
                found = stories_in(connection, span)
                windows_in(connection, span)
                ledger_of(connection, "email", span)
                return steps(), len(found)

        return database.read(read)


def test_a_month_costs_as_much_in_nine_years_as_in_three(tmp_path: Path) -> None:
    few, of_few = cost_of_a_month(tmp_path, 3)
    many, of_many = cost_of_a_month(tmp_path, 9)
    assert of_few == of_many == 20
    assert many < few * 1.1


def plans(connection: Connection) -> list[str]:
    """How the database finds what a month holds."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    stories_in(connection, MARCH)
    windows_in(connection, MARCH)
    changes_in(connection, ["email"], MARCH)
    event.remove(connection, "before_cursor_execute", note)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL enable_seqscan = off"))  # of a small table, to go through it is the shortest way
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    return [" ".join(map(str, connection.exec_driver_sql(explain + one, given))) for one, given in asked if one.startswith("SELECT")]


def test_a_month_is_sought_and_no_table_is_gone_through(database: Database) -> None:
    seen = "\n".join(database.read(plans))
    for table in ("incidents", "status_changes", "updates"):
        assert f"SCAN {table}" not in seen
        assert f"Seq Scan on {table} " not in seen
