"""Raw results: written once each, rolled up as they arrive, forgotten in slices."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, Table, func, select, text

from probes.result import Failure, ProbeResult
from statuspage.store.engine import Database
from statuspage.store.results import FAILURE_CODES, prune, prune_hours
from statuspage.store.tables import places, results, rollups_daily, rollups_hourly
from tests.statuspage.store.worlds import after, begin, known, result, write
from tests.stores import Place

HOUR = 3_600_000


def raw(connection: Connection) -> list[tuple[str, str, int, int, int]]:
    joined = select(places.c.monitor, places.c.location, results.c.slot, results.c.failure, results.c.took).join(
        results, results.c.place == places.c.num
    )
    return sorted((row[0], row[1], row[2], row[3], row[4]) for row in connection.execute(joined))


def rolled(connection: Connection, table: Table, span: str) -> list[tuple[str, str, int, int, int, int, int]]:
    joined = select(places.c.monitor, places.c.location, table.c[span], table.c.results, table.c.failed, table.c.took_sum, table.c.took_max)
    rows = connection.execute(joined.join(table, table.c.place == places.c.num))
    return sorted((row[0], row[1], row[2], row[3], row[4], row[5], row[6]) for row in rows)


def reckoned(rows: Sequence[tuple[str, str, int, int, int]], span: int) -> list[tuple[str, str, int, int, int, int, int]]:
    """The roll-ups that the raw rows ask for, by brute force."""
    keys = sorted({(monitor, location, slot // span) for monitor, location, slot, _, _ in rows})
    found = []
    for monitor, location, number in keys:
        theirs = [(failure, took) for m, p, slot, failure, took in rows if (m, p, slot // span) == (monitor, location, number)]
        failed = sum(failure != 0 for failure, _ in theirs)
        tooks = [took for _, took in theirs]
        found.append((monitor, location, number, len(theirs), failed, sum(tooks), max(tooks)))
    return found


def test_a_result_is_kept_in_narrow_numbers(database: Database) -> None:
    write(database, results=[result(failure=Failure.REFUSED, took=0.0125)])
    slot = int(after(0).timestamp() * 1000)
    assert database.read(raw) == [("smtp-greets", "local", slot, 3, 12500)]


@pytest.mark.parametrize("seed", range(3))
def test_roll_ups_are_what_the_raw_results_add_up_to(database: Database, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(6):
        batch = [
            result(
                chance.choice(("smtp-greets", "imap-logs-in")),
                chance.randrange(0, 4 * 86_400, 600),
                location=chance.choice(("local", "far")),
                failure=chance.choice((None, None, Failure.TIMEOUT)),
                took=chance.random(),
            )
            for _ in range(200)
        ]
        write(database, results=batch)
    rows = database.read(raw)
    assert database.read(lambda connection: rolled(connection, rollups_hourly, "hour")) == reckoned(rows, HOUR)
    assert database.read(lambda connection: rolled(connection, rollups_daily, "day")) == reckoned(rows, 24 * HOUR)


def test_a_result_that_comes_twice_counts_once(database: Database) -> None:
    first = [result(seconds=s) for s in range(5)]
    write(database, results=first)
    again = replace(result(seconds=3), measured=ProbeResult(took=9.0, failure=Failure.TIMEOUT))
    write(database, results=[again, result(seconds=60), again])
    rows = database.read(raw)
    assert len(rows) == 6
    assert {row[3] for row in rows} == {0}
    assert database.read(lambda connection: rolled(connection, rollups_hourly, "hour")) == reckoned(rows, HOUR)


def test_a_large_batch_that_comes_twice_counts_once(database: Database) -> None:
    many = [result(seconds=s) for s in range(2500)]
    write(database, results=many)
    write(database, results=[*many, result(seconds=2500)])
    [day] = database.read(lambda connection: rolled(connection, rollups_daily, "day"))
    assert day[3] == 2501


def test_the_same_slot_of_another_place_is_another_result(database: Database) -> None:
    write(database, results=[result(), result("imap-logs-in"), result("imap-logs-in", location="far")])
    assert len(database.read(raw)) == 3


def test_every_failure_has_a_code_of_its_own() -> None:
    assert set(FAILURE_CODES) == {None, *Failure}
    assert len(set(FAILURE_CODES.values())) == len(FAILURE_CODES)


def test_codes_once_given_stay() -> None:
    assert {str(failure): code for failure, code in FAILURE_CODES.items()} == {
        "None": 0,
        "timeout": 1,
        "dns": 2,
        "refused": 3,
        "unreachable": 4,
        "reset": 5,
        "closed": 6,
        "tls": 7,
        "tls_expired": 8,
        "tls_wrong_host": 9,
        "tls_untrusted": 10,
        "tls_missing": 11,
        "protocol": 12,
        "too_large": 13,
        "status": 14,
        "content": 15,
        "redirect": 16,
        "rejected": 17,
        "deferred": 18,
        "auth_rejected": 19,
        "auth_unavailable": 20,
        "lost": 21,
        "junked": 22,
        "delayed": 23,
        "slow": 24,
        "overdue": 25,
        "blocked": 26,
        "impaired": 27,
        "crashed": 28,
        "missed": 29,
        "tls_weak": 30,
        "degraded": 31,
        "source_failed": 32,
    }


def test_the_newest_slot_is_found_whatever_the_order_of_arrival(database: Database) -> None:
    begin(database)
    write(database, results=[result(seconds=s) for s in (9, 3, 6)])
    assert known(database).seen == {("smtp-greets", "local"): after(9)}


def test_pruning_goes_in_slices_and_leaves_roll_ups(database: Database) -> None:
    write(
        database,
        results=[result(seconds=s) for s in range(10)] + [result("imap-logs-in", s, location="far") for s in range(10)],
        at=after(9),
    )
    before = database.read(lambda connection: rolled(connection, rollups_hourly, "hour"))
    gone = [database.write(lambda connection: prune(connection, after(8), limit=7)) for _ in range(3)]
    assert gone == [7, 7, 2]
    assert [row[2] for row in database.read(raw)] == [int(after(s).timestamp() * 1000) for s in (8, 9)] * 2
    assert database.read(lambda connection: rolled(connection, rollups_hourly, "hour")) == before


def test_the_newest_result_of_every_place_outlives_its_retention(place: Place) -> None:
    with place.opened() as opened:
        begin(opened)
        write(opened, results=[result(seconds=s) for s in range(3)] + [result("imap-logs-in", 7, location="far")], at=after(9))
        gone = [opened.write(lambda connection: prune(connection, after(86_400), limit=2)) for _ in range(3)]
    assert gone == [2, 1, 0]
    with place.opened() as opened:
        assert known(opened).seen == {("smtp-greets", "local"): after(2), ("imap-logs-in", "far"): after(7)}


def test_hours_past_their_retention_are_forgotten_and_days_stay(database: Database) -> None:
    write(database, results=[result(seconds=s) for s in (0, 3600, 7200)], at=after(7200))
    hours = database.read(lambda connection: rolled(connection, rollups_hourly, "hour"))
    days = database.read(lambda connection: rolled(connection, rollups_daily, "day"))
    assert database.write(lambda connection: prune_hours(connection, after(7200))) == 2
    assert database.read(lambda connection: rolled(connection, rollups_hourly, "hour")) == hours[2:]
    assert database.read(lambda connection: rolled(connection, rollups_daily, "day")) == days


def test_numbers_of_batches_are_pruned_and_never_given_out_again(database: Database) -> None:
    numbers = [write(database, at=after(s)) for s in range(4)]
    assert [database.write(lambda connection: prune(connection, after(60), limit=3)) for _ in range(3)] == [3, 1, 0]
    assert write(database) == numbers[-1] + 1


def plan(connection: Connection) -> str:
    newest = select(func.max(results.c.slot)).where(results.c.place == places.c.num).scalar_subquery()
    query = select(places.c.num, newest).compile(dialect=connection.dialect)
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    return "\n".join(str(row) for row in connection.execute(text(f"{explain}{query}")))


def test_the_newest_slots_are_sought_and_not_scanned(database: Database) -> None:
    write(database, results=[result(seconds=s) for s in range(3000)])
    if database.read(lambda connection: connection.dialect.name) == "postgresql":
        database.write(lambda connection: connection.execute(text("ANALYZE")))
    seen = database.read(plan)
    assert "results" in seen
    assert "SCAN results" not in seen
    assert "Seq Scan on results" not in seen


def filled(database: Database, monitors: int, slots: int) -> int:
    """Write *slots* results for each of *monitors* in batches of a hundred, as they would come, and return how many that is."""
    chance = random.Random(1)
    rounds = 100 // monitors
    for first in range(0, slots, rounds):
        batch = [
            result(f"monitor-{monitor}", 30 * slot, took=chance.lognormvariate(-3.5, 0.8))  # 30 ms, give or take
            for slot in range(first, first + rounds)
            for monitor in range(monitors)
        ]
        write(database, results=batch)
    return monitors * slots


def test_a_raw_result_takes_at_most_twenty_bytes_on_sqlite(tmp_path: Path) -> None:
    # Two days of a monitor every 30 s: fewer rows a monitor measure how full its newest page happens to be.
    with Place(url="sqlite:///statuspage.db", data_dir=tmp_path).opened() as database:
        rows = filled(database, monitors=20, slots=5000)
        size = database.read(
            lambda connection: connection.execute(text("SELECT SUM(pgsize) FROM dbstat WHERE name = 'results'")).scalar_one()
        )
    assert rows == 100_000
    assert size / rows <= 20
