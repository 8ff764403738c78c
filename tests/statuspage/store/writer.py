"""A second process at the store. Arguments: the URL, the data directory, what to do, and a name.

``write`` writes forty batches; ``hold`` writes an incident and results, says so, and waits inside the transaction to be killed;
``commit`` does the same and says so after the commit.
"""

import sys
from pathlib import Path

from sqlalchemy import Connection

from statuspage.store.engine import Store
from statuspage.store.record import record
from tests.statuspage.store.worlds import T0, opened, result


def write(connection: Connection) -> None:
    record(connection, events=[opened("killedinside")], results=[result(), result("imap-logs-in")], at=T0)


def hold(connection: Connection) -> None:
    write(connection)
    tell("inside")
    sys.stdin.read()


def tell(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main(url: str, data_dir: str, act: str, name: str) -> None:
    with Store.blocking(url, Path(data_dir)) as database:
        match act:
            case "write":
                for number in range(40):
                    results = [result(f"{name}-{number}"), result("shared", number, location=name)]
                    database.write(lambda connection, results=results: record(connection, events=(), results=results, at=T0))  # type: ignore[misc]
            case "hold":
                database.write(hold)
            case "commit":
                database.write(write)
                tell("committed")
                sys.stdin.read()
            case _:
                raise SystemExit(f"{act}: no such act")


if __name__ == "__main__":
    main(*sys.argv[1:])
