"""Ten thousand readers at once beside a hub that goes on probing: what they meet, and whether its probes start later for it.

Once they read from the hub itself, and once from the mirror that it keeps, behind nginx, as docs/mirror.md says.
"""

import json
import re
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from statuspage.mirror.versions import CURRENT
from tests.bench import installation, nginx, turns
from tests.bench.table import Row, bounded

MONITORS = 100
SECONDS = 75.0
"""For how long they read: each asks again once at least."""

QUIET = 20.0
"""For how long nobody does, before that."""

WRITES_WITHIN = 60.0


def rows(pairs: int) -> Iterator[Row]:
    """Let them come once to each, the hub and the mirror that it keeps behind nginx: it takes long, and there are many of them."""
    yield from _at_the_hub(pairs)
    yield from _behind_nginx(pairs)


def _at_the_hub(_: int) -> Iterator[Row]:
    with hub() as running:
        met = _met(running, urlsplit(running.public).port or 0, running.pid)
        yield from _read("10,000 readers of the hub", "its", met)
        yield bounded("the hub's loop behind its time at worst, nobody reading", [met.alone * 1000], unit="ms")
        yield bounded("the hub's loop behind its time at worst, 10,000 reading", [met.beside * 1000], unit="ms")
        yield bounded("10,000 readers of the hub: resident memory at most", [running.resident("VmHWM")], unit="MB")


def _behind_nginx(_: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name, hub(mirror=Path(name) / "mirror") as running:
        directory, current = Path(name), Path(name) / "mirror" / CURRENT
        _await(current / "index.html")
        with nginx.sending(directory, current) as (port, pid):
            met = _met(running, port, pid)
            yield from _read("10,000 readers of the mirror behind nginx", "nginx's", met)
            yield bounded("the hub's loop behind its time at worst, keeping a mirror, nobody reading", [met.alone * 1000], unit="ms")
            yield bounded("the hub's loop behind its time at worst, keeping a mirror, 10,000 reading it", [met.beside * 1000], unit="ms")
            of_nginx = replace(running, pid=pid)
            yield bounded("10,000 readers of the mirror behind nginx: its resident memory at most", [of_nginx.resident("VmHWM")], unit="MB")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Met:
    """What they met, *used* seconds of whose CPU they took, and how late the hub's loop was before that and *beside* it."""

    good: float
    p99: float
    asked: int
    used: float
    alone: float
    beside: float


def _met(running: installation.Running, port: int, pid: int) -> _Met:
    """Let them come to *port*, where the process *pid* answers."""
    _worst_lag(running.internal)
    time.sleep(QUIET)
    alone = _worst_lag(running.internal)
    used, met = turns.cpu_of(pid), turns.figure("readers", port, SECONDS)
    used, beside = turns.cpu_of(pid) - used, _worst_lag(running.internal)
    return _Met(good=met["good"], p99=met["p99"], asked=met["asked"], used=used, alone=alone, beside=beside)


def _read(told: str, whose: str, met: _Met) -> Iterator[Row]:
    yield bounded(f"{told}: requests not answered well", [(1 - met.good) * 100], unit="%", goal=0.01)
    yield bounded(f"{told}: slowest hundredth", [met.p99 * 1000], unit="ms", goal=2000)
    yield bounded(f"{told}: {whose} CPU a request, connections included", [met.used / met.asked * 1e6], unit="µs")


def _await(path: Path) -> None:
    deadline = time.monotonic() + WRITES_WITHIN
    while not path.exists():
        if time.monotonic() > deadline:
            raise RuntimeError(f"the mirror was not written: {path}")
        time.sleep(0.1)


@contextmanager
def hub(mirror: Path | None = None) -> Iterator[installation.Running]:
    """A hub with its history that probes twenty times a second, and keeps a *mirror* where one is named."""
    with tempfile.TemporaryDirectory() as name, turns.targets() as there:
        directory, data_dir, target = Path(name), Path(name) / "data", there.ports["tcp"]
        monitors = {
            f"m{n}": {"component": f"c{n % installation.SERVICES}", "probe": "tcp", "host": "127.0.0.1", "port": target}
            for n in range(MONITORS)
        }
        file = installation.written(directory, monitors, every="5s", timeout="1s")
        if mirror is not None:
            file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), "mirror": {"to": str(mirror)}}), encoding="utf-8")
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
