"""Two hundred monitors' past, replayed. ``python -m tests.bench.replaying [DAYS]`` prints the seconds that it took for each day, by the
clock and of CPU, and the bytes of the recorded batches for each result.

The past is made by hand, as the store keeps it: every second a tick with what fell due, each monitor once a minute, and each day an
outage of a monitor that lasts an hour.
"""

import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from incidents.model import Component, Monitor, Need, Service, Topology
from incidents.policy import Policy
from incidents.replaying.past import Judging, Memory, Places
from incidents.replaying.replay import Rerun, once_more
from probes.result import Failure, ProbeResult, Result
from statuspage.picture.site import Site
from statuspage.store import past, queries, recall
from statuspage.store.engine import Database, Store
from statuspage.store.record import record
from statuspage.store.spelling import instant, milliseconds
from tests.bench import installation

MONITORS = 200
EVERY = 60
DAY = 86_400
_AT_ONCE = 50_000
_SITE = Site(name="Bench", url="https://status.example.org", support={}, links={})


def main(days: float) -> None:
    """Make the past, then go through it once more."""
    with tempfile.TemporaryDirectory() as name:
        start = installation.now().replace(microsecond=0)
        topology = _topology()
        with Store.blocking("sqlite:///past.db", Path(name)) as database:
            database.write(lambda connection: _begin(connection, topology, start))
            seconds = int(days * DAY)
            size = _write(Path(name) / "past.db", start, seconds)
            began, used = time.perf_counter(), time.process_time()
            results = _replay(database)
            took, cpu = time.perf_counter() - began, time.process_time() - used
        print(json.dumps({"took": took / days, "cpu": cpu / days, "bytes": size / results}), flush=True)


def _topology() -> Topology:
    ids = [f"m{number}" for number in range(MONITORS)]
    return Topology(
        services={f"s{id}": Service(id=f"s{id}", name={"en": id}, needs=(Need(of=(id,)),)) for id in ids},
        components={id: Component(id=id, name=id) for id in ids},
        monitors={id: Monitor(id=id, component=id, stale_after=timedelta(seconds=3 * EVERY + 10)) for id in ids},
    )


def _begin(connection: Connection, topology: Topology, at: datetime) -> None:
    queries.installation(connection, url=_SITE.url, now=at)
    compiled = past.compiled(topology, Policy(), _SITE)
    version = queries.apply_configuration(connection, text="", digest="", at=at, compiled=compiled)
    past.begin(connection, version=version, at=at)
    slot = at - timedelta(days=1)
    good = ProbeResult(took=0.01)
    results = [Result(monitor=id, location="local", slot=slot, started=slot, measured=good) for id in topology.monitors]
    record(connection, events=(), results=results, at=at)


def _write(file: Path, start: datetime, seconds: int) -> float:
    """Write the batches as the store spells them; returns how many bytes they take."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    rows = _rows(milliseconds(start), seconds)
    while some := [row for _, row in zip(range(_AT_ONCE), rows, strict=False)]:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO batches (at, heard, more) VALUES (?, ?, ?)", some)
        connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (size,) = connection.execute("SELECT sum(pgsize) FROM dbstat WHERE name = 'batches'").fetchone()
    connection.close()
    return float(size)


def _rows(start: int, seconds: int) -> Iterator[tuple[int, bytes, str | None]]:
    for second in range(1, seconds + 1):
        at = start + second * 1000 + 7
        numbers = list(range(second % EVERY + 1, MONITORS + 1, EVERY))
        slots = [at - 40 - 3 * number for number in numbers]
        yield at, past.pack(instant(at), numbers, slots, is_tick=True), _more(numbers, second)


def _more(numbers: list[int], second: int) -> str | None:
    """One monitor a day is down for an hour at noon."""
    day, of_day = divmod(second, DAY)
    broken = day % MONITORS + 1
    if broken not in numbers or not DAY / 2 <= of_day < DAY / 2 + 3600:
        return None
    return json.dumps({"bad": [[numbers.index(broken), str(Failure.REFUSED), "connect", "nothing listens"]]})


def _replay(database: Database) -> int:
    found, judgings, places, last = database.read(_recalled)
    first, memory = found
    rerun, results, opened = Rerun(memory, judgings, places), 0, 0
    for turn, events in once_more(rerun, recall.turns(database.read, first + 1, last)):
        results += len(turn.places)
        opened += sum(type(event).__name__ == "Opened" for event in events)
    if not opened:
        raise RuntimeError("nothing happened in this past")
    return results


def _recalled(connection: Connection) -> tuple[tuple[int, Memory], dict[int, Judging], Places, int]:
    found = recall.memory_before(connection, None)
    if found is None:
        raise RuntimeError("nothing is remembered")
    return found, dict(recall.judgings(connection)), recall.place_names(connection, found[0])[0], recall.newest_batch(connection)


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 9)
