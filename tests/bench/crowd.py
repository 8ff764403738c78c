"""Ten thousand readers at once beside a hub that goes on probing: what they meet, and whether its probes start later for it."""

import re
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench import installation, turns
from tests.bench.table import Row, bounded

MONITORS = 100
SECONDS = 75.0
"""For how long they read: each asks again once at least."""

QUIET = 20.0
"""For how long nobody does, before that."""


def rows(_: int) -> Iterator[Row]:
    """Let them come once: it takes long, and there are many of them."""
    with hub() as running:
        port = urlsplit(running.public).port or 0
        _worst_lag(running.internal)
        time.sleep(QUIET)
        alone = _worst_lag(running.internal)
        used, met = turns.cpu_of(running.pid), turns.figure("readers", port, SECONDS)
        used, beside = turns.cpu_of(running.pid) - used, _worst_lag(running.internal)
        yield bounded("10,000 readers of the hub: requests not answered well", [(1 - met["good"]) * 100], unit="%", goal=0.01)
        yield bounded("10,000 readers of the hub: slowest hundredth", [met["p99"] * 1000], unit="ms", goal=2000)
        yield bounded("10,000 readers of the hub: its CPU a request, connections included", [used / met["asked"] * 1e6], unit="µs")
        yield bounded("the hub's loop behind its time at worst, nobody reading", [alone * 1000], unit="ms")
        yield bounded("the hub's loop behind its time at worst, 10,000 reading", [beside * 1000], unit="ms")
        yield bounded("10,000 readers of the hub: resident memory at most", [running.resident("VmHWM")], unit="MB")


@contextmanager
def hub() -> Iterator[installation.Running]:
    """A hub with its history that probes twenty times a second."""
    with tempfile.TemporaryDirectory() as name, turns.targets() as there:
        directory, data_dir, target = Path(name), Path(name) / "data", there.ports["tcp"]
        monitors = {
            f"m{n}": {"component": f"c{n % installation.SERVICES}", "probe": "tcp", "host": "127.0.0.1", "port": target}
            for n in range(MONITORS)
        }
        file = installation.written(directory, monitors, every="5s", timeout="1s")
        installation.give_history(data_dir, monitors, installation.now())
        with installation.served(file, data_dir) as running:
            yield running


def _worst_lag(internal: str) -> float:
    """Seconds that the event loop was late at worst since somebody last asked."""
    with urllib.request.urlopen(f"{internal}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    found = re.search(r"^statuspage_loop_lag_seconds (\S+)", text, re.MULTILINE)
    if found is None:
        raise RuntimeError("the service does not tell how late its loop is")
    return float(found[1])
