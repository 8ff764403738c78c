"""One writer, a few readers, each call one transaction, on both databases."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from statuspage.store import connect
from statuspage.store.engine import Database, Store, StoreError, StoreUnavailable
from statuspage.store.queries import installation
from statuspage.store.tables import batches, public_ids, results
from tests.statuspage.store.worlds import T0, after, begin, known, opened, result, write
from tests.stores import Place


def add(connection: Connection, name: str) -> None:
    connection.execute(insert(public_ids).values(name=name, public=name))


def names(connection: Connection) -> list[str]:
    return sorted(connection.execute(select(public_ids.c.name)).scalars())


def add_and_fail(connection: Connection) -> None:
    add(connection, "half")
    raise ArithmeticError("in the middle")


@contextmanager
def process(place: Place, act: str, name: str = "a") -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.statuspage.store.writer", place.url, str(place.data_dir), act, name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def said(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    return running.stdout.readline().strip()


async def test_what_was_written_is_there_when_write_returns(place: Place) -> None:
    store = await Store.open(place.url, place.data_dir)
    await store.write(lambda connection: add(connection, "mail"))
    with place.opened() as another:
        assert another.read(names) == ["mail"]
    assert await store.read(names) == ["mail"]
    await store.close()


async def test_writes_happen_one_after_the_other_in_the_order_of_the_calls(place: Place) -> None:
    store = await Store.open(place.url, place.data_dir)
    running: list[int] = []
    order: list[int] = []

    def append(number: int, connection: Connection) -> None:
        running.append(number)
        order.append(number)
        connection.execute(select(1))
        assert running == [number]
        running.clear()

    await asyncio.gather(*(store.write(partial(append, number)) for number in range(20)))
    await store.close()
    assert order == list(range(20))


async def test_the_event_loop_runs_on_while_the_store_works(place: Place) -> None:
    store = await Store.open(place.url, place.data_dir)
    go_on = threading.Event()
    writing = asyncio.create_task(store.write(lambda _: go_on.wait(10)))
    reading = await store.read(names)  # a reader needs no writer
    go_on.set()
    assert (reading, await writing) == ([], True)
    await store.close()


async def test_closing_waits_for_what_was_begun(place: Place) -> None:
    store = await Store.open(place.url, place.data_dir)
    writing = asyncio.create_task(store.write(lambda connection: add(connection, "last")))
    await asyncio.sleep(0)
    await store.close()
    await writing
    with place.opened() as database:
        assert database.read(names) == ["last"]


def test_an_exception_rolls_back_and_is_raised(database: Database) -> None:
    with pytest.raises(ArithmeticError, match="in the middle"):
        database.write(add_and_fail)
    assert database.read(names) == []


def test_a_broken_rule_is_the_callers_error_and_not_an_absence(database: Database) -> None:
    database.write(lambda connection: add(connection, "mail"))
    with pytest.raises(IntegrityError):
        database.write(lambda connection: add(connection, "mail"))
    assert database.read(names) == ["mail"]


def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(IntegrityError):
        database.write(lambda connection: connection.execute(text("INSERT INTO incident_components VALUES ('nowhere', 'smtp', 0, FALSE)")))


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(StoreError, match="read-only"):
        database.read(lambda connection: add(connection, "mail"))
    assert database.read(names) == []


def test_a_reader_sees_one_state_for_the_whole_call(database: Database) -> None:
    def twice(connection: Connection) -> tuple[list[str], list[str]]:
        before = names(connection)
        database.write(lambda writing: add(writing, "meanwhile"))
        return before, names(connection)

    assert database.read(twice) == ([], [])
    assert database.read(names) == ["meanwhile"]


def test_a_killed_process_leaves_nothing_of_its_transaction(place: Place) -> None:
    with place.opened() as database:
        begin(database)
    with process(place, "hold") as running:
        assert said(running) == "inside"
        running.kill()
    with place.opened() as database:
        assert database.read(lambda connection: connection.execute(select(func.count()).select_from(results)).scalar()) == 0
        write(database, opened("thenextone12"))
        assert set(known(database).incidents) == {"thenextone12"}


def test_a_process_killed_after_its_commit_loses_nothing(place: Place) -> None:
    with place.opened() as database:
        begin(database)
    with process(place, "commit") as running:
        assert said(running) == "committed"
        running.kill()
    with place.opened() as database:
        assert set(known(database).incidents) == {"killedinside"}
        assert known(database).seen == {("smtp-greets", "local"): T0, ("imap-logs-in", "local"): T0}


def test_two_processes_write_at_once_and_nothing_is_lost(place: Place) -> None:
    with process(place, "write", "a") as one, process(place, "write", "b") as other:
        assert (one.wait(60), other.wait(60)) == (0, 0)
    with place.opened() as database:
        rows = database.read(lambda connection: connection.execute(select(func.count()).select_from(results)).scalar())
        numbers = database.read(lambda connection: list(connection.execute(select(batches.c.sequence)).scalars()))
    assert rows == 160
    assert len(set(numbers)) == 80


async def test_the_command_line_writes_beside_a_running_hub(place: Place) -> None:
    store = await Store.open(place.url, place.data_dir)
    await store.write(lambda connection: add(connection, "hub"))
    with Store.blocking(place.url, place.data_dir) as database:
        database.write(lambda connection: add(connection, "command line"))
    await store.write(lambda connection: add(connection, "hub again"))
    assert await store.read(names) == ["command line", "hub", "hub again"]
    await store.close()


def test_a_new_store_is_nobody_elses_to_read(tmp_path: Path) -> None:
    place = Place(url="sqlite:///statuspage.db", data_dir=tmp_path / "deep" / "store")
    with place.opened() as database:
        database.write(lambda connection: add(connection, "mail"))
        modes = {file.name: file.stat().st_mode & 0o777 for file in place.data_dir.iterdir()}
    assert place.data_dir.stat().st_mode & 0o777 == 0o700
    assert modes == {"statuspage.db": 0o600, "statuspage.db-wal": 0o600, "statuspage.db-shm": 0o600}


def pragma(connection: Connection, name: str) -> object:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_sqlite_is_told_to_keep_what_it_promised(tmp_path: Path) -> None:
    with Place(url="sqlite:///statuspage.db", data_dir=tmp_path).opened() as database:
        kept = {
            name: database.write(lambda connection, name=name: pragma(connection, name))  # type: ignore[misc]
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "wal_autocheckpoint")
        }
        assert database.read(lambda connection: pragma(connection, "wal_autocheckpoint")) == 0
    assert kept == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000, "wal_autocheckpoint": 1000}


def test_only_the_hub_moves_the_write_ahead_log(tmp_path: Path) -> None:
    with Store.blocking("sqlite:///statuspage.db", tmp_path) as database:
        assert database.write(lambda connection: pragma(connection, "wal_autocheckpoint")) == 0


def test_a_full_disk_is_an_absence_and_passes(tmp_path: Path) -> None:
    with Place(url="sqlite:///statuspage.db", data_dir=tmp_path).opened() as database:
        database.write(lambda connection: pragma(connection, "max_page_count = 90"))
        many = [result(f"monitor-{n}", n) for n in range(20_000)]
        with pytest.raises(StoreUnavailable, match="the disk is full"):
            write(database, results=many)
        # The limit goes with the connection; on a disk, space comes back.
        write(database, results=many)
        rows = database.read(lambda connection: connection.execute(select(func.count()).select_from(results)).scalar())
        assert rows == 20_000
        assert database.write(lambda connection: pragma(connection, "integrity_check")) == "ok"


def test_a_lock_held_too_long_is_an_absence_and_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "PATIENCE", 0.2)
    with Place(url="sqlite:///statuspage.db", data_dir=tmp_path).opened() as database:
        other = sqlite3.connect(tmp_path / "statuspage.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="another program holds its lock"):
            database.write(lambda connection: add(connection, "mail"))
        assert database.read(names) == []
        other.execute("ROLLBACK")
        other.close()
        database.write(lambda connection: add(connection, "mail"))
        assert database.read(names) == ["mail"]


def test_a_damaged_file_is_refused_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "statuspage.db"
    file.write_bytes(b"not a database, but somebody's file " * 200)
    with pytest.raises(StoreUnavailable, match="the file is not a database"):
        Database.open("sqlite:///statuspage.db", tmp_path)
    assert file.read_bytes().startswith(b"not a database")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "The store's URL is not one"),
        ("mysql://localhost/x", "The store cannot be a mysql database"),
        ("sqlite://", "A store in memory would forget everything"),
    ],
)
def test_a_url_that_is_no_store_is_refused_in_one_line(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as refusal:
        Database.open(url, tmp_path)
    assert "\n" not in str(refusal.value)


def test_a_directory_that_cannot_be_made_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError) as refusal:
        Database.open("sqlite:///statuspage.db", tmp_path / "file" / "store")
    assert str(refusal.value) == f"The data directory {tmp_path}/file/store cannot be made: Not a directory."


def test_a_file_that_cannot_be_made_is_named_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as refusal:
        Database.open("sqlite:///missing/statuspage.db", tmp_path)
    assert str(refusal.value) == f"The store's file {tmp_path}/missing/statuspage.db cannot be written: No such file or directory."


def test_an_absolute_path_leaves_the_data_directory(tmp_path: Path) -> None:
    with Store.blocking(f"sqlite:///{tmp_path}/elsewhere.db", tmp_path / "data") as database:
        database.write(lambda connection: installation(connection, url="https://status.example.org", now=after(0)))
    assert (tmp_path / "elsewhere.db").exists()
