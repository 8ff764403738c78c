"""An installation to measure: its configuration, ninety days of history, and ``statuspage serve`` as a process of its own."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from incidents.events import StatusChanged
from incidents.model import Status, Subject
from statuspage.clock import wall_clock
from statuspage.store import queries
from statuspage.store.engine import Store
from statuspage.store.record import record
from tests.bench.turns import ended

SERVICES = 50
DAYS = 90
URL = "http://127.0.0.1:8080"
STARTS_WITHIN = 30.0
COMMAND = (sys.executable, "-m", "statuspage")


def written(directory: Path, monitors: Mapping[str, Mapping[str, object]], *, services: int = SERVICES, **every_monitor: object) -> Path:
    """Write a configuration of *services*, each of one component, in which *monitors* watch the components ``c0``, ``c1``…"""
    file = directory / "statuspage.yaml"
    public, internal = _free_ports(2)
    said = {
        "site": {"name": "Bench", "url": URL},
        "listen": {"public": f"127.0.0.1:{public}", "internal": f"127.0.0.1:{internal}"},
        "services": {
            f"s{n}": {"name": f"Service number {n}", "group": f"Group {n // 10}", "needs": [f"c{n}"], "resolves_after": "1s"}
            for n in range(services)
        },
        "components": {f"c{n}": {} for n in range(services)},
        "defaults": {"monitor": every_monitor},
        "monitors": monitors,
    }
    file.write_text(json.dumps(said), encoding="utf-8")
    return file


def give_history(data_dir: Path, monitors: Mapping[str, Mapping[str, object]], now: datetime) -> None:
    """Let everything have worked since ninety days before *now*, but for an outage of each service every nine days."""
    born = now - timedelta(days=DAYS)
    changes = [_change(subject, id, born, Status.UNKNOWN, Status.OPERATIONAL) for subject, id in _subjects(monitors)]
    for number in range(SERVICES):
        for day in range(number % 9 + 1, DAYS - 1, 9):
            since = born + timedelta(days=day, minutes=37 * number)
            changes.append(_change(Subject.SERVICE, f"s{number}", since, Status.OPERATIONAL, Status.PARTIAL))
            until = since + timedelta(minutes=41)
            changes.append(_change(Subject.SERVICE, f"s{number}", until, Status.PARTIAL, Status.OPERATIONAL))

    def write(connection: Connection) -> None:
        queries.installation(connection, url=URL, now=born)
        record(connection, events=changes, results=(), at=now)

    with Store.blocking("sqlite:///statuspage.db", data_dir) as database:
        database.write(write)


def _subjects(monitors: Mapping[str, Mapping[str, object]]) -> list[tuple[Subject, str]]:
    services = [(Subject.SERVICE, f"s{n}") for n in range(SERVICES)]
    components = [(Subject.COMPONENT, f"c{n}") for n in range(SERVICES)]
    return [*services, *components, *((Subject.MONITOR, id) for id in monitors)]


def _change(subject: Subject, id: str, since: datetime, old: Status, new: Status) -> StatusChanged:
    return StatusChanged(at=since, subject=subject, id=id, since=since, old=old, new=new, cause="as measured")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A service under way: its process's id (0: this one) and where it answers."""

    pid: int
    public: str
    internal: str

    def resident(self, which: str = "VmRSS") -> float:
        """Megabytes of memory that it holds now, or has held at most (``VmHWM``)."""
        status = Path(f"/proc/{self.pid or 'self'}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(f"{which}:"))


@contextmanager
def served(file: Path, data_dir: Path) -> Iterator[Running]:
    """Run ``statuspage serve`` on *file*; yields once it answers. Errors: RuntimeError where it does not start."""
    command = [*COMMAND, "serve", "--config", str(file), "--data-dir", str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield _started(process, data_dir / "hub.json")
        finally:
            ended(process)


def _started(process: "subprocess.Popen[str]", announced: Path) -> Running:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        if announced.exists() and (text := announced.read_text(encoding="utf-8")):
            said = json.loads(text)
            return Running(pid=process.pid, public=said["public"], internal=said["internal"])
        time.sleep(0.05)
    raise RuntimeError("the service did not start")


def token(file: Path, data_dir: Path) -> str:
    """A viewer's token, made by the command line."""
    command = [*COMMAND, "tokens", "create", "bench", "--role", "viewer", "--config", str(file), "--data-dir", str(data_dir)]
    return subprocess.run(command, capture_output=True, text=True, timeout=STARTS_WITHIN, check=True).stdout.strip()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def now() -> datetime:
    """This moment, whole seconds."""
    return wall_clock().replace(microsecond=0)
