"""The store as files, taken beside whoever uses it, and put back into an empty place.

SQLite copies its own file. From PostgreSQL comes what COPY gives of our tables, all as of one instant: it needs neither a program of the
server's version nor more rights than we have, and it can be put into any later server.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol, Self, cast

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Connection, Engine, create_engine, inspect, make_url, select, text
from sqlalchemy import literal_column as column_of
from sqlalchemy.exc import DBAPIError

from statuspage.store.connect import PATIENCE, database_file
from statuspage.store.errors import DAMAGE, StoreDamaged, StoreError, StoreUnavailable, away
from statuspage.store.migrations.steps import build, version_of
from statuspage.store.tables import metadata

LOOKED_THROUGH_AT_MOST = 256 << 20
"""Bytes of a database that are looked through at each start: some tenths of a second. Each backup looks through more."""

STRIDE = 1024
"""Pages that are copied between two words about how far it is."""

Told = Callable[[int, int], None]
"""Is told how much is done, of how much; zero where nobody knows."""

_VERSION = "alembic_version"


class TableCopy(BaseModel):
    """The rows of a table: which *columns* each has, and by column how far a sequence had come (and whether that number was taken)."""

    model_config = ConfigDict(frozen=True)

    name: str
    columns: tuple[str, ...]
    sequences: dict[str, tuple[int, bool]] = {}


class Copying(Protocol):
    """What is needed of psycopg's cursor, which is not installed everywhere."""

    def copy(self, statement: str, /) -> "_Copy": ...


class _Copy(Protocol):
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def __iter__(self) -> Iterator[bytes]: ...
    def write(self, piece: bytes, /) -> None: ...


# --- SQLite ----------------------------------------------------------------------------------------------------------------------


def copy_sqlite(file: Path, into: Path, told: Told) -> str:
    """Copy the database *file* as it is at this instant to *into*, whoever writes meanwhile; returns its schema.

    Errors: StoreUnavailable, also where the copy is found to be damaged.
    """
    try:
        with closing(sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)) as source, closing(sqlite3.connect(into)) as copy:
            # A transaction that has read something sees one state to its end: without, each write of others would begin the copy anew.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            source.backup(copy, pages=STRIDE, progress=lambda _, left, total: told(total - left, total))
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, wherever it is opened
            return _sound(copy)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"The store {file} cannot be copied: {error}.") from error


def look_through(url: str, data_dir: Path) -> None:
    """Look whether a database file is sound, unless it is so large that this takes long. Errors: StoreDamaged."""
    file = database_file(url, data_dir)
    if file is None or not file.exists() or file.stat().st_size > LOOKED_THROUGH_AT_MOST:
        return
    try:
        with closing(sqlite3.connect(file, timeout=PATIENCE)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGE:
            raise StoreDamaged(f"The store {file.name} cannot be read: {error}.") from error
        return  # busy or away: whoever opens it says so
    if found != ["ok"]:
        raise StoreDamaged(f"The store {file.name} is damaged: {'; '.join(' '.join(found).split())[:300]}.")


def schema_of_file(file: Path) -> str:
    """Look through the whole database *file*; returns its schema. Errors: StoreUnavailable where it is damaged."""
    try:
        with closing(sqlite3.connect(file, timeout=PATIENCE)) as connection:
            return _sound(connection)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"The store {file} cannot be read: {error}.") from error


def _sound(connection: sqlite3.Connection) -> str:
    found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
    if found != ["ok"]:
        raise StoreUnavailable(f"The store is damaged: {'; '.join(' '.join(found).split())[:300]}.")
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None:
        raise StoreUnavailable("The store is empty: nothing was ever kept in it.")
    return str(row[0])


# --- PostgreSQL ------------------------------------------------------------------------------------------------------------------


def copy_postgresql(url: str, into: Path, told: Told) -> tuple[str, Sequence[TableCopy]]:
    """Write each of our tables to the directory *into*, all as of one instant; returns the schema and what was written.

    Errors: StoreUnavailable; StoreError where there is no store yet.
    """
    with _patient(url, isolation="REPEATABLE READ") as engine, engine.connect() as connection, connection.begin():
        schema = version_of(connection)
        if schema is None:
            raise StoreError("There is no store in this database yet: start the service once.")
        found = inspect(connection)
        names = sorted({*metadata.tables, _VERSION} & set(found.get_table_names()))
        copies = []
        for done, name in enumerate(names):
            told(done, len(names))
            copies.append(_copy_table(connection, name, [one["name"] for one in found.get_columns(name)], into / name))
        return schema, copies


def _copy_table(connection: Connection, name: str, columns: Sequence[str], into: Path) -> TableCopy:
    with into.open("wb") as file, _cursor(connection).copy(f"COPY {_named(name, columns)} TO STDOUT") as rows:
        for piece in rows:
            file.write(piece)
    sequences: dict[str, tuple[int, bool]] = {}
    for column in columns:
        sequence = connection.execute(text("SELECT pg_get_serial_sequence(:name, :column)"), {"name": name, "column": column}).scalar()
        if sequence is not None:
            state: tuple[ColumnElement[int], ColumnElement[bool]] = (column_of("last_value"), column_of("is_called"))
            reached = connection.execute(select(*state).select_from(text(sequence))).one()
            sequences[column] = (int(reached[0]), bool(reached[1]))
    return TableCopy(name=name, columns=tuple(columns), sequences=sequences)


def put_into_postgresql(url: str, schema: str, copies: Sequence[TableCopy], rows: Callable[[str], Iterable[bytes]], told: Told) -> None:
    """Make the tables as they were in *schema*, and fill them with the *rows* of each; all of it or nothing.

    Errors: StoreError where there are tables of ours already; StoreUnavailable.
    """
    with _patient(url, isolation="READ COMMITTED") as engine, engine.begin() as connection:
        known = set(inspect(connection).get_table_names())
        if known & {*metadata.tables, _VERSION}:
            raise StoreError("The database that store.url names is not empty: name one without tables of this service.")
        build(connection, schema)
        made = {name: set(_columns(connection, name)) for name in inspect(connection).get_table_names() if name not in known}
        wanted = {one.name: one for one in copies if one.name != _VERSION}
        if any(not set(one.columns) <= made.get(name, set()) for name, one in wanted.items()):
            raise StoreError("The tables of the backup are not those of its schema.")
        order = [name for name, _ in inspect(connection).get_sorted_table_and_fkc_names() if name in wanted]
        for done, name in enumerate(order):
            told(done, len(order))
            _fill(connection, wanted[name], rows(name))


def _columns(connection: Connection, name: str) -> list[str]:
    return [one["name"] for one in inspect(connection).get_columns(name)]


def _fill(connection: Connection, copy: TableCopy, rows: Iterable[bytes]) -> None:
    with _cursor(connection).copy(f"COPY {_named(copy.name, copy.columns)} FROM STDIN") as sink:
        for piece in rows:
            sink.write(piece)
    for column, (last, is_taken) in copy.sequences.items():
        asked = text("SELECT setval(pg_get_serial_sequence(:name, :column), :last, :taken)")
        connection.execute(asked, {"name": copy.name, "column": column, "last": last, "taken": is_taken})


def _named(table: str, columns: Sequence[str]) -> str:
    listed = ", ".join(f'"{one}"' for one in columns)
    return f'"{table}" ({listed})'


def _cursor(connection: Connection) -> Copying:
    return cast("Copying", connection.connection.cursor())


@contextmanager
def _patient(url: str, *, isolation: str) -> Iterator[Engine]:
    """Connections that may take as long as a large table takes."""
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        isolation_level=isolation,
        connect_args={"connect_timeout": int(PATIENCE), "options": "-c timezone=UTC -c statement_timeout=0"},
    )
    try:
        yield engine
    except DBAPIError as error:
        raise (away(error) or StoreUnavailable(f"The store cannot be copied: {error.orig}.")) from error
    finally:
        engine.dispose()
