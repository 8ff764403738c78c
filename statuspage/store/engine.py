"""Where everything is kept: one writer, a few readers, each call one transaction.

Queries are plain functions of a ``Connection`` (``queries``, ``record``); here stands only how they are run. The shell awaits a
``Store``; the command line uses a ``Database`` in its own thread, also beside a running hub.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from statuspage.store.clearing import cleared
from statuspage.store.connect import AUDIT_HEAD, READERS, Engines, engines, patience
from statuspage.store.errors import StoreError, StoreUnavailable, away
from statuspage.store.migrations.steps import HEAD, bring_up_to_date, is_behind, version_of
from statuspage.store.traces import no_traces_left, traces_left

__all__ = ["Database", "Store", "StoreError", "StoreUnavailable"]

T = TypeVar("T")

log = logging.getLogger(__name__)


BeforeSteps = Callable[[str, str], None]


def leave_to_the_service(*_: str) -> None:
    """Take no step. Errors: StoreError."""
    raise StoreError("the store was written by an earlier release, and is not changed here: start the service once, first")


def go_on(*_: str) -> None:
    """Keep nobody from anything."""


class Database:
    """The store for one thread at a time: the calls block."""

    def __init__(self, pair: Engines) -> None:
        """Take over *pair*, and its closing."""
        self._engines = pair

    @classmethod
    def open(cls, url: str, data_dir: Path, *, checkpoints: bool = True, upgrades: bool = True, before_steps: BeforeSteps = go_on) -> Self:
        """Make what is missing, bring the schema up to date, and return the open store.

        *url* is ``sqlite:///NAME`` (relative to *data_dir*) or ``postgresql+psycopg://…``. Only one process *checkpoints*.
        *before_steps* is called with two schemas before a store goes from the one to the other; what it raises keeps it from that.
        Errors: StoreError for a directory that cannot be written, a schema of a newer release, or one of an older release where it is
        not to be brought up to date (no *upgrades*); StoreUnavailable.
        """
        database = cls(engines(url, data_dir, checkpoints=checkpoints))
        try:
            if database.read(is_behind):
                _demand_consent(is_given=upgrades)
                if (found := database.read(version_of)) is not None:
                    before_steps(found, HEAD)
                database.write(bring_up_to_date)
        except BaseException:
            database.close()
            raise
        return database

    def read(self, fn: Callable[[Connection], T]) -> T:
        """Run *fn* in a read-only transaction that sees one state of the store."""
        return self._transact(self._engines.reading, fn)

    def write(self, fn: Callable[[Connection], T]) -> T:
        """Run *fn* alone among all writers; return after COMMIT. Whatever it raises rolls everything back."""
        told, head = self._transact(self._engines.writing, lambda connection: (fn(connection), connection.info.pop(AUDIT_HEAD, None)))
        if head is not None:
            self._engines.witness.keep(head)
        return told

    def purge(self) -> str:
        """Have what was removed leave the files, too; what stands in the way, as a sentence, and nothing where nothing does."""
        return cleared(self._engines.writing)

    def close(self) -> None:
        """Give up all connections."""
        self._engines.reading.dispose()
        self._engines.writing.dispose()

    def _transact(self, engine: Engine, fn: Callable[[Connection], T]) -> T:
        try:
            with engine.connect() as connection, patience(connection), connection.begin():
                return fn(connection)
        except DBAPIError as error:
            reason = away(error)
            if reason is None:
                raise
            # A connection that met a full disk, an I/O error or a lost server is not trusted again: the next call opens another.
            engine.dispose()
            raise reason from error


class Store:
    """The store for the event loop: calls run on threads of their own, one for writes and a few for reads."""

    def __init__(self, database: Database) -> None:
        """Take over *database*, and its closing."""
        self._database = database
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")

    @classmethod
    async def open(cls, url: str, data_dir: Path, *, before_steps: BeforeSteps = go_on) -> Self:
        """As ``Database.open``, off the event loop."""
        return cls(await asyncio.to_thread(partial(Database.open, url, data_dir, before_steps=before_steps)))

    @staticmethod
    @contextmanager
    def blocking(
        url: str, data_dir: Path, *, upgrades: bool = True, before_steps: BeforeSteps = leave_to_the_service
    ) -> Iterator[Database]:
        """Open the store for the command line, alone or beside a running hub. *upgrades* and errors as for ``Database.open``.

        One that an earlier release wrote is left to the service, which backs it up first.
        """
        database = Database.open(url, data_dir, checkpoints=False, upgrades=upgrades, before_steps=before_steps)
        try:
            yield database
        finally:
            database.close()

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """As ``Database.read``, on a reader's thread. Errors: StoreUnavailable; whatever *fn* raises."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._database.read, fn)

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """As ``Database.write``, on the writer's thread, in the order of the calls.

        A cancelled wait does not undo a transaction that has begun: it is still committed.
        """
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._database.write, fn)

    async def purge(self) -> None:
        """As ``Database.purge``, on the writer's thread, where words were removed since the last time; what stands in the way is told."""
        if trouble := await asyncio.get_running_loop().run_in_executor(self._writer, self._purge):
            log.warning("traces of what was removed may be left in the store: %s", trouble)

    def _purge(self) -> str:
        since = self._database.read(traces_left)
        if since is None:
            return ""
        trouble = self._database.purge()
        self._database.write(lambda connection: no_traces_left(connection, since))
        return trouble

    async def close(self) -> None:
        """Finish what was begun, then give up all connections."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        self._database.close()


def _demand_consent(*, is_given: bool) -> None:
    if not is_given:
        leave_to_the_service()
