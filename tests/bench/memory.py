"""Resident memory of ``statuspage serve`` with a hundred http monitors, each every ten seconds, after all have been probed twice."""

import tempfile
import time
from pathlib import Path

from sqlalchemy import Connection, func, select

from statuspage.store.engine import Store
from statuspage.store.tables import results
from tests.bench import installation, turns

MONITORS = 100
WITHIN = 60.0


def resident() -> tuple[float, float]:
    """Megabytes now, and at most so far."""
    with tempfile.TemporaryDirectory() as name, turns.targets() as there:
        directory, data_dir = Path(name), Path(name) / "data"
        url = f"http://127.0.0.1:{there.ports['http']}/"
        monitors = {f"m{n}": {"component": f"c{n % installation.SERVICES}", "probe": "http", "url": url} for n in range(MONITORS)}
        file = installation.written(directory, monitors, every="10s", timeout="2s")
        with installation.served(file, data_dir) as service:
            _await_two_each(data_dir)
            return service.resident(), service.resident("VmHWM")


def _await_two_each(data_dir: Path) -> None:
    deadline = time.monotonic() + WITHIN
    with Store.blocking("sqlite:///statuspage.db", data_dir) as database:
        while database.read(_probed_twice) < MONITORS:
            if time.monotonic() > deadline:
                raise RuntimeError(f"not all monitors were probed twice within {WITHIN} s")
            time.sleep(0.5)


def _probed_twice(connection: Connection) -> int:
    twice = select(results.c.place).group_by(results.c.place).having(func.count() >= 2).subquery()
    return connection.execute(select(func.count()).select_from(twice)).scalar_one()
