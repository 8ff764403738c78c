"""What a result costs the store: CPU a row through its writer in batches of a hundred, and bytes on disk.
``python -m tests.bench.keeping`` prints seconds of CPU a row, bytes a raw result, and as a yardstick the seconds of CPU a row of the
standard library's bare ``executemany`` into the same table in the same batches, without roll-ups and without a question asked.
"""

import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import uvloop

from incidents.turns import Circumstances
from probes.result import ProbeResult, Result
from statuspage.store.engine import Store
from statuspage.store.record import record
from tests.bench import installation

BATCH = 100
MONITORS = 1_000
ROUNDS = 40
WARM_UP = 2
DEADLINE = 100.0
YEAR = 365 * 86_400_000


async def main() -> None:
    """Let a thousand monitors report in turn, every half minute."""
    with tempfile.TemporaryDirectory() as name:
        store = await Store.open("sqlite:///statuspage.db", Path(name))
        async with asyncio.timeout(DEADLINE):
            cpu = await _cpu_a_row(store)
        await store.close()
        file = Path(name) / "statuspage.db"
        print(json.dumps({"cpu": cpu, "bytes": _bytes_a_result(file), "raw": _raw_cpu_a_row(file)}), flush=True)


async def _cpu_a_row(store: Store) -> float:
    start = installation.now()
    batches = [batch for number in range(WARM_UP + ROUNDS) for batch in _round(start + timedelta(seconds=30 * number))]
    began, measured = 0.0, batches[WARM_UP * MONITORS // BATCH :]
    for number, batch in enumerate(batches):
        if number == len(batches) - len(measured):
            began = time.process_time()
        await _write(store, batch, start)
    return (time.process_time() - began) / (len(measured) * BATCH)


def _round(slot: datetime) -> list[list[Result]]:
    measured = ProbeResult(took=0.0123)
    results = [
        Result(monitor=f"m{n}", location="local", slot=slot + timedelta(milliseconds=30 * n), started=slot, measured=measured)
        for n in range(MONITORS)
    ]
    return [results[at : at + BATCH] for at in range(0, MONITORS, BATCH)]


async def _write(store: Store, batch: Sequence[Result], at: datetime) -> None:
    await store.write(lambda connection: record(connection, events=(), results=batch, at=at, circumstances=Circumstances()))


def _raw_cpu_a_row(database: Path) -> float:
    """The same rows once more, a year later."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    columns = connection.execute("SELECT count(*) FROM pragma_table_info('results')").fetchone()[0]
    insert = f"INSERT INTO results VALUES ({','.join('?' * columns)})"
    rows = [(*row[:1], row[1] + YEAR, *row[2:]) for row in connection.execute("SELECT * FROM results ORDER BY slot").fetchall()]
    began = time.process_time()
    for at in range(0, len(rows), BATCH):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(insert, rows[at : at + BATCH])
        connection.execute("COMMIT")
    used = time.process_time() - began
    connection.close()
    return used / len(rows)


def _bytes_a_result(database: Path) -> float:
    """The pages of the table of raw results, by its rows; what lies in the log is on its way to them."""
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (size,) = connection.execute("SELECT sum(pgsize) FROM dbstat WHERE name = 'results'").fetchone()
    (rows,) = connection.execute("SELECT count(*) FROM results").fetchone()
    connection.close()
    return float(size / rows)


if __name__ == "__main__":
    uvloop.run(main())
