"""The service as the kill tests run it: ``python -m tests.faults.hub CONFIG DATA_DIR``.

With ANSWERS_FIRST set, acknowledgements are answered before they are stored. The product knows nothing of this: the fault is planted
here, to show that the tests would notice one like it.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, func, select

from statuspage import app, log
from statuspage.app import Service
from statuspage.store.engine import Store
from statuspage.store.tables import journal

T = TypeVar("T")

ANSWERS_FIRST = "FAULTS_ANSWER_BEFORE_COMMIT"
LATE = 0.3
"""Seconds between answer and COMMIT: most of a busy desk's time, so that few kills miss it."""


async def _write_late(store: Store, fn: Callable[[Connection], T]) -> T:
    """In place of ``Store.write``: what *fn* gives is handed over while its transaction is still open."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def run(connection: Connection) -> None:
        before = connection.scalar(select(func.max(journal.c.sequence))) or 0
        given = fn(connection)
        fresh = select(journal.c.sequence).where(journal.c.sequence > before, journal.c.kind == "acknowledged")
        if connection.scalar(fresh.limit(1)) is not None:
            loop.call_soon_threadsafe(answer.set_result, given)
            time.sleep(LATE)
        else:
            honest.append(given)

    honest: list[T] = []
    writing = loop.run_in_executor(store._writer, store._database.write, run)
    writing.add_done_callback(lambda done: _settle(answer, done, honest))
    return await answer


def _settle(answer: "asyncio.Future[T]", done: "asyncio.Future[None]", honest: list[T]) -> None:
    """Answer what was not answered too early."""
    if (error := done.exception()) is not None and not answer.done():
        answer.set_exception(error)
    elif honest:
        answer.set_result(honest[0])


def _plant(_: Service) -> None:
    if os.environ.get(ANSWERS_FIRST):
        Store.write = _write_late  # type: ignore[method-assign,assignment]  # the fault


def main(config: str, data_dir: str) -> None:
    log.set_up()
    app.run(app.serve(Path(config), Path(data_dir), started=_plant))


if __name__ == "__main__":
    main(*sys.argv[1:])
