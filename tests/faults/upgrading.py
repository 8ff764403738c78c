"""Brings a store up to date and dies on the way: ``python -m tests.faults.upgrading URL DATA_DIR STATEMENT...``.

For each STATEMENT a child process takes all the steps and is killed after its so-manieth statement, before anything is committed. Then the
store must be as it was. Prints how many statements there were in all, once nobody was killed any more.
"""

import os
import signal
import sys
from pathlib import Path

from sqlalchemy import Connection, event

from statuspage.store.connect import engines
from statuspage.store.engine import Database
from statuspage.store.migrations.steps import bring_up_to_date, version_of
from tests.statuspage.store.filling import counted


def main(url: str, data_dir: str, *fatal: str) -> None:
    before = state(url, Path(data_dir))
    for number in map(int, fatal):
        child = os.fork()
        if child == 0:
            upgrade(url, Path(data_dir), number)
            os._exit(0)  # it had less to do than that
        _, status = os.waitpid(child, 0)
        assert status == signal.SIGKILL, f"not killed at statement {number}: {status}"
        assert state(url, Path(data_dir)) == before, f"killed at statement {number}, it left something"
    print(upgrade(url, Path(data_dir), None))


def state(url: str, data_dir: Path) -> tuple[str | None, dict[str, int]]:
    database = Database(engines(url, data_dir, checkpoints=True))
    try:
        return database.read(lambda connection: (version_of(connection), counted(connection)))
    finally:
        database.close()


def upgrade(url: str, data_dir: Path, fatal: int | None) -> int:
    database, done = Database(engines(url, data_dir, checkpoints=True)), 0

    def count(*_: object) -> None:
        nonlocal done
        done += 1
        if done == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def take(connection: Connection) -> None:
        event.listen(connection, "after_cursor_execute", count)
        bring_up_to_date(connection)

    database.write(take)
    database.close()
    return done


if __name__ == "__main__":
    main(*sys.argv[1:])
