"""How the two databases are reached, so that a transaction means the same on both.

A write transaction holds the only write lock from its first moment (``BEGIN IMMEDIATE`` on SQLite, an advisory lock on PostgreSQL) and
is on the disk when COMMIT returns. A read transaction cannot write and sees one state.
"""

import os
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from statuspage.store.chain import Witness
from statuspage.store.errors import StoreDamaged, StoreError
from statuspage.store.owner import give_to_owner_of

DAMAGED = ".damaged-"
"""Stands behind the name of a store that was found damaged and is kept aside, before the time when it was."""

READERS = 4
PATIENCE = 5.0
"""Seconds that a lock or a server may take before the store counts as away."""

WITNESS = "statuspage_witness"
"""The execution option of writing connections that says where the audit's key and head are kept (``statuspage.store.chain``)."""

AUDIT_HEAD = "audit_head"
"""Where a transaction leaves what it made the audit's head, beside its connection."""

UNFINISHED = "restore-unfinished"
"""Lies in the data directory while a backup is put back, and names it in its first line."""

# One number for all of this product's writers on a PostgreSQL server; any other program's advisory locks are its own.
_WRITERS_LOCK = 7_823_105_664


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """The same database twice: one connection that writes, a few that read. *witness* is to the acts that are written."""

    writing: Engine
    reading: Engine
    witness: Witness


class Driver(Protocol):
    """What is needed of a database driver's own connection."""

    def execute(self, statement: str, /) -> object:
        """Run one statement."""


class Line(Protocol):
    """What is needed of psycopg's connection, which is not installed everywhere."""

    closed: bool

    def fileno(self) -> int:
        """Return the descriptor of its socket."""


def engines(url: str, data_dir: Path, *, checkpoints: bool) -> Engines:
    """Prepare the connections; none is opened yet.

    *data_dir* is made where it is missing, readable by nobody else. Errors: StoreError.
    """
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise StoreError("The store's URL is not one: write sqlite:///NAME or postgresql+psycopg://HOST/DATABASE.") from error
    _make_directory(data_dir)
    _demand_whole(data_dir)
    match address.get_backend_name():
        case "sqlite":
            return _sqlite(_database_file(address, data_dir), Witness(data_dir), checkpoints=checkpoints)
        case "postgresql":
            return _postgresql(address.set(drivername="postgresql+psycopg"), Witness(data_dir))
        case other:
            raise StoreError(f"The store cannot be a {other} database: write sqlite:///NAME or postgresql+psycopg://HOST/DATABASE.")


def database_file(url: str, data_dir: Path) -> Path | None:
    """Where SQLite keeps the store, whether it is there yet or not; None where a server keeps it."""
    address = make_url(url)
    return data_dir / (address.database or "") if address.get_backend_name() == "sqlite" else None


def _make_directory(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"The data directory {data_dir} cannot be made: {error.strerror}.") from error


def _demand_whole(data_dir: Path) -> None:
    """Errors: StoreError where a backup was only half put back."""
    unfinished = data_dir / UNFINISHED
    if unfinished.exists():
        backup = unfinished.read_text(encoding="utf-8").partition("\n")[0]
        raise StoreError(f"{data_dir} is only half restored: run `statuspage restore {backup}` again, to its end.")


def kept_aside(file: Path) -> Path | None:
    """Where the store lies that was at *file* and was damaged, the newest; None where there is none, or another took its place."""
    asides = [path for path in sorted(file.parent.glob(f"{file.name}{DAMAGED}*")) if not path.name.endswith(("-wal", "-shm"))]
    return asides[-1] if asides and not file.exists() else None


def _demand_sound(file: Path, data_dir: Path) -> None:
    """Never begin anew where something was lost. Errors: StoreDamaged."""
    if (aside := kept_aside(file)) is not None:
        raise StoreDamaged(f"The store was damaged, and is kept as {aside.name}: put back a backup by `statuspage restore FILE --replace`.")
    if file.exists() and file.stat().st_size == 0 and (data_dir / "audit.head").exists():
        raise StoreDamaged(f"The store's file {file} is empty, and it was not before: its audit has begun.")


# --- SQLite -------------------------------------------------------------------------------------------------------------------


def _database_file(address: URL, data_dir: Path) -> Path:
    if not address.database or address.database == ":memory:":
        raise StoreError("A store in memory would forget everything: write sqlite:///NAME.")
    file = data_dir / address.database
    _demand_sound(file, data_dir)
    try:
        # Made here and not by SQLite, so that nobody else can ever read it; its -wal and -shm files take over this mode.
        is_new = not file.exists()
        descriptor = os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            if is_new:
                give_to_owner_of(file.parent, descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreError(f"The store's file {file} cannot be written: {error.strerror}.") from error
    return file


def _sqlite(file: Path, witness: Witness, *, checkpoints: bool) -> Engines:
    writing = _sqlite_engine(
        file,
        connections=1,
        begin="BEGIN IMMEDIATE",
        pragmas=(
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",  # what is removed is overwritten: many builds of SQLite do so by themselves, not all
            "journal_size_limit = 67108864",
            f"wal_autocheckpoint = {1000 if checkpoints else 0}",
        ),
    )
    reading = _sqlite_engine(file, connections=READERS, begin="BEGIN", pragmas=("query_only = ON", "wal_autocheckpoint = 0"))
    return _pair(writing, reading, witness)


def _sqlite_engine(file: Path, *, connections: int, begin: str, pragmas: Sequence[str]) -> Engine:
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(file)),
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        # isolation_level None: the driver must not begin transactions by its own rules, ours begin as they say.
        connect_args={"timeout": PATIENCE, "isolation_level": None, "check_same_thread": False},
    )
    event.listen(engine, "connect", _insistent(_on_connect([f"PRAGMA {pragma}" for pragma in pragmas])))
    event.listen(engine, "begin", _on_begin(begin))
    return engine


# --- PostgreSQL ---------------------------------------------------------------------------------------------------------------


def _postgresql(address: URL, witness: Witness) -> Engines:
    writing = _postgresql_engine(address, connections=1, settings=(), isolation="READ COMMITTED")
    event.listen(writing, "begin", _on_begin(f"SELECT pg_advisory_xact_lock({_WRITERS_LOCK})"))
    reading = _postgresql_engine(address, connections=READERS, settings=("default_transaction_read_only=on",), isolation="REPEATABLE READ")
    return _pair(writing, reading, witness)


def _postgresql_engine(address: URL, *, connections: int, settings: Sequence[str], isolation: str) -> Engine:
    milliseconds = int(PATIENCE * 1000)
    given = ("timezone=UTC", f"statement_timeout={milliseconds}", f"lock_timeout={milliseconds}", *settings)
    return create_engine(
        address,
        pool_size=connections,
        max_overflow=0,
        connect_args={"connect_timeout": int(PATIENCE), "options": " ".join(f"-c {one}" for one in given)},
        isolation_level=isolation,
    )


@contextmanager
def patience(connection: Connection) -> Iterator[None]:
    """Cut the line to a PostgreSQL server that has not answered within ``PATIENCE``.

    The server's own time limits are of no use while the server itself hangs, and the driver would wait for ever. SQLite needs none
    of this: it is our own thread that works.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    driver = cast("Line", connection.connection.dbapi_connection)
    # Half a second behind the server's own limit, so that a server that lives can say which statement was too slow.
    timer = threading.Timer(PATIENCE + 0.5, _cut, [driver])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(driver: Line) -> None:
    if driver.closed:
        return
    # Shutting the socket down wakes the thread that waits on it; closing the connection from here would pull it from under that thread.
    with socket.socket(fileno=os.dup(driver.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


# --- both ---------------------------------------------------------------------------------------------------------------------


def _pair(writing: Engine, reading: Engine, witness: Witness) -> Engines:
    writing.update_execution_options(**{WITNESS: witness})
    event.listen(writing, "rollback", _forget)
    event.listen(writing, "rollback_savepoint", _forget)
    return Engines(writing=writing, reading=reading, witness=witness)


def _forget(connection: Connection, *_savepoint: object) -> None:
    # What is remembered beside the connection was read in a transaction; after a rollback it may never have been.
    connection.info.clear()


def _on_connect(statements: Sequence[str]) -> Callable[[Driver, object], None]:
    def prepare(driver: Driver, _record: object) -> None:
        for statement in statements:
            driver.execute(statement)

    return prepare


def _insistent(prepare: Callable[[Driver, object], None]) -> Callable[[Driver, object], None]:
    """Where two processes open a new store at once, SQLite refuses one the change to WAL at once and never waits: ask again."""

    def again(driver: Driver, record: object) -> None:
        for left in reversed(range(_ATTEMPTS)):
            try:
                return prepare(driver, record)
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or left == 0:
                    raise
                threading.Event().wait(_PAUSE)
        return None

    return again


_ATTEMPTS, _PAUSE = 100, 0.05


def _on_begin(statement: str) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return begin
