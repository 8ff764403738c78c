"""What it costs to have it run: the way from a start to the first page with a year behind it, rest, and the place that a year takes."""

import http.client
import json
import os
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, select

from incidents.turns import Circumstances
from probes.result import ProbeResult, Result
from statuspage.store.engine import Database, Store
from statuspage.store.record import record
from statuspage.store.tables import places, rollups_daily, rollups_hourly
from statuspage.store.upsert import put_many
from tests.bench import installation, turns
from tests.bench.table import Row, bounded

MONITORS = 100
YEAR, MINUTE = 365, timedelta(minutes=1)
RAW_DAYS = 14
"""Days of which single results are kept."""

FIRST_PAGE_WITHIN, SETTLES_FOR, RESTS_FOR = 30.0, 150.0, 120.0
_TABLES = ("results", "batches", "rollups_hourly", "rollups_daily")
_GOOD = ProbeResult(took=0.0123)


def rows(pairs: int) -> Iterator[Row]:
    """Start on a year's history, measure what that takes on the disk, then let it run at rest. A shorter look has a day of raw results."""
    is_quick = pairs == 1
    with tempfile.TemporaryDirectory() as name, turns.targets() as there:
        directory, data_dir = Path(name), Path(name) / "data"
        file = _written(directory, there.ports["http"])
        _live_through_a_year(data_dir, raw_days=1 if is_quick else RAW_DAYS)
        if not is_quick:
            yield from _sizes(data_dir / "statuspage.db")
        _first_page(file, data_dir)  # which compiles what an installed package has compiled already
        yield bounded(
            f"start to the first page, {installation.SERVICES} services and {MONITORS} monitors with a year of history",
            [_first_page(file, data_dir) for _ in range(pairs)],
            unit="s",
            goal=2,
        )
        yield from _at_rest(file, data_dir, 10.0 if is_quick else SETTLES_FOR, 10.0 if is_quick else RESTS_FOR)


def _written(directory: Path, port: int) -> Path:
    return installation.written(directory, _monitors(f"http://127.0.0.1:{port}/"), every="60s", timeout="2s")


def _monitors(url: str) -> dict[str, dict[str, object]]:
    return {f"m{n}": {"component": f"c{n % installation.SERVICES}", "probe": "http", "url": url} for n in range(MONITORS)}


def _live_through_a_year(data_dir: Path, raw_days: int) -> None:
    """What a year leaves: incidents and status changes, roll-ups, and the single results of the last *raw_days*, one a minute."""
    now = installation.now()
    data_dir.mkdir()
    installation.give_history(data_dir, _monitors(""), now, installation.Size(days=YEAR))
    with Store.blocking("sqlite:///statuspage.db", data_dir) as database:
        at = now - timedelta(days=raw_days)
        while at < now:
            _report(database, at)
            at += MINUTE
        database.write(lambda connection: _roll_up(connection, now - timedelta(days=raw_days)))


def _report(database: Database, at: datetime) -> None:
    """All monitors find what they expect."""
    some = [Result(monitor=f"m{n}", location="local", slot=at, started=at, measured=_GOOD) for n in range(MONITORS)]
    database.write(lambda connection: record(connection, events=(), results=some, at=at, circumstances=Circumstances()))


def _roll_up(connection: Connection, until: datetime) -> None:
    """The roll-ups of the time before *until*, whose single results are forgotten."""
    numbers = connection.execute(select(places.c.num)).scalars().all()
    last = int(until.timestamp())
    for table, span, count in ((rollups_hourly, 3600, YEAR * 24), (rollups_daily, 86400, YEAR)):
        each = span // 60
        total = (each, 0, each * 12_300, 12_300)
        for number in numbers:
            put_many(connection, table, [(number, last // span - back, *total) for back in range(1, count)])


def _sizes(file: Path) -> Iterator[Row]:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        taken: Mapping[str, int] = dict(connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall())
    of_monitors = sum(taken[table] for table in _TABLES) / MONITORS
    yield bounded("on disk, a monitor that is probed each minute, with a year of history", [of_monitors / 1e6], unit="MB")
    yield bounded("on disk, each year more of it", [taken["rollups_daily"] / MONITORS / 1e3], unit="kB")
    told = f"on disk, all of it: {MONITORS} monitors, {installation.SERVICES} services with some 2,000 incidents"
    yield bounded(told, [sum(taken.values()) / 1e6], unit="MB")


def _first_page(file: Path, data_dir: Path) -> float:
    """Seconds from the start of the process to the first whole page."""
    public = json.loads(file.read_text(encoding="utf-8"))["listen"]["public"]
    began = time.perf_counter()
    command = [*installation.COMMAND, "serve", "--config", str(file), "--data-dir", str(data_dir)]
    environ = {**os.environ, "PYTHONPYCACHEPREFIX": str(data_dir.parent / "compiled"), "PYTHONDONTWRITEBYTECODE": ""}
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            while not _has_page(public):
                if time.perf_counter() - began > FIRST_PAGE_WITHIN or process.poll() is not None:
                    raise RuntimeError("the service shows no page")
                time.sleep(0.01)
            return time.perf_counter() - began
        finally:
            turns.ended(process)


def _has_page(public: str) -> bool:
    with closing(http.client.HTTPConnection(public, timeout=5)) as connection:
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            return answer.status == 200 and len(answer.read()) > 0
        except ConnectionError:
            return False


def _at_rest(file: Path, data_dir: Path, settles: float, rests: float) -> Iterator[Row]:
    """The whole service as it runs by itself, once all monitors have been probed and what a start leaves is done."""
    with installation.served(file, data_dir) as service:
        time.sleep(settles)
        began, used = time.monotonic(), turns.cpu_of(service.pid)
        time.sleep(rests)
        share = (turns.cpu_of(service.pid) - used) / (time.monotonic() - began)
        told = f"at rest, {MONITORS} http monitors every 60 s, a year of history"
        yield bounded(f"{told}: CPU", [100 * share], unit="% of a core", goal=2)
        yield bounded(f"{told}: resident memory", [service.resident()], unit="MB", goal=150)
