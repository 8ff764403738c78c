"""A PostgreSQL server that goes away, or that hangs."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from statuspage.store import connect
from statuspage.store.engine import Database, StoreUnavailable
from tests.statuspage.store.worlds import begin, known, opened, write
from tests.stores import Place, Postgresql


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch, postgresql: Postgresql, tmp_path: Path) -> Iterator[Database]:
    """A store that loses patience after a second."""
    monkeypatch.setattr(connect, "PATIENCE", 1.0)
    with Place(url=postgresql.migrated(), data_dir=tmp_path).opened() as database:
        begin(database)
        yield database


def backend(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def test_a_lost_connection_is_an_absence_and_the_next_call_opens_another(patient: Database) -> None:
    pid = patient.write(backend)
    patient.read(lambda connection: connection.execute(text(f"SELECT pg_terminate_backend({pid}, 5000)")).scalar_one())
    with pytest.raises(StoreUnavailable):
        write(patient, opened())
    write(patient, opened())
    assert len(known(patient).incidents) == 1


def test_a_slow_statement_is_cut_off_by_the_server(patient: Database) -> None:
    with pytest.raises(StoreUnavailable, match="did not answer in time"):
        patient.read(lambda connection: connection.execute(text("SELECT pg_sleep(30)")))


def test_a_hung_server_is_noticed_and_the_next_call_goes_through(patient: Database) -> None:
    pid = patient.write(backend)
    os.kill(pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as thread:
        trying = thread.submit(write, patient, opened())
        has_ended, _ = wait([trying], timeout=4)
        os.kill(pid, signal.SIGCONT)
    assert has_ended
    with pytest.raises(StoreUnavailable):
        trying.result()
    write(patient, opened("mnopqrstuvwx", root="imap"))
    assert "mnopqrstuvwx" in known(patient).incidents


def test_a_server_that_refuses_is_an_absence_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable) as refusal:
        Database.open("postgresql+psycopg://nobody:hunter2@127.0.0.1:1/none", tmp_path)
    assert str(refusal.value) == "The store is not available: the connection is lost."


def waiting(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")).scalar_one())


def test_a_writer_waits_for_the_writer_of_another_process(monkeypatch: pytest.MonkeyPatch, postgresql: Postgresql, tmp_path: Path) -> None:
    monkeypatch.setattr(connect, "PATIENCE", 4.0)
    place = Place(url=postgresql.migrated(), data_dir=tmp_path)
    inside, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def first(_: Connection) -> None:
        inside.set()
        go_on.wait(3)
        order.append("first")

    with place.opened() as one, place.opened() as other, ThreadPoolExecutor(2) as threads:
        holding = threads.submit(one.write, first)
        assert inside.wait(3)
        queued = threads.submit(other.write, lambda _: order.append("second"))
        until = time.monotonic() + 3
        while one.read(waiting) == 0 and time.monotonic() < until:
            pass
        go_on.set()
        holding.result(), queued.result()
    assert order == ["first", "second"]
