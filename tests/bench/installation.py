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

from sqlalchemy import Connection, update

from incidents.events import Event, Impacted, Opened, Published, Resolved, StatusChanged, Updated
from incidents.model import Origin, State, Status, Subject, Update
from statuspage.clock import wall_clock
from statuspage.picture.audience import Verdict
from statuspage.store import queries
from statuspage.store.engine import Store
from statuspage.store.outbox_tables import outbox
from statuspage.store.record import record
from statuspage.store.words import bring_words_up_to_date
from tests.bench.turns import ended

SERVICES = 50
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much there is: services, and days of history, with each service out of order *every* so many of them."""

    services: int = SERVICES
    days: int = 90
    every: int = 9


USUAL = Size()


def give_history(data_dir: Path, monitors: Mapping[str, Mapping[str, object]], now: datetime, size: Size = USUAL) -> None:
    """Let everything have worked since so many days before *now*, but for the outages, each of which had an incident with three updates."""
    born = now - timedelta(days=size.days)

    def write(connection: Connection) -> None:
        queries.installation(connection, url=URL, now=born)
        known = [_change(subject, id, born, Status.UNKNOWN, Status.OPERATIONAL) for subject, id in _subjects(monitors, size)]
        record(connection, events=known, results=(), at=born)
        for at, number in sorted(_outages(born, size)):
            record(connection, events=_outage(number, at), results=(), at=at + LASTED)
        # All of it was told and can be searched, as it would be by now: what is measured is no service that catches up.
        connection.execute(update(outbox).values(decided_at=now, verdict=Verdict.OVER.value))
        while bring_words_up_to_date(connection):
            pass

    with Store.blocking("sqlite:///statuspage.db", data_dir) as database:
        database.write(write)


LASTED = timedelta(minutes=41)


def _outages(born: datetime, size: Size) -> Iterator[tuple[datetime, int]]:
    for number in range(size.services):
        for day in range(number % size.every, size.days - 1, size.every):
            yield born + timedelta(days=day, minutes=1 + 37 * number % 1300), number


def _outage(number: int, since: datetime) -> list[Event]:
    """What is recorded of one that is over."""
    id, incident, until = f"s{number}", f"{int(since.timestamp()):010d}{number:03d}"[-12:], since + LASTED
    name = f"Service number {number} is not working"
    opened = Opened(
        at=since,
        incident=incident,
        name=name,
        origin=Origin.MACHINE,
        root=f"c{number}",
        started_at=since,
        publish_at=since,
        by=None,
        reason="",
    )
    words = ((State.INVESTIGATING, since), (State.MONITORING, until), (State.RESOLVED, until))
    return [
        _change(Subject.SERVICE, id, since, Status.OPERATIONAL, Status.PARTIAL),
        opened,
        Impacted(at=since, incident=incident, services={id: Status.PARTIAL}),
        Published(at=since, incident=incident),
        *(Updated(at=at, incident=incident, update=_update(place, state, name, at)) for place, (state, at) in enumerate(words, 1)),
        _change(Subject.SERVICE, id, until, Status.PARTIAL, Status.OPERATIONAL),
        Resolved(at=until, incident=incident, by=None),
    ]


def _update(number: int, state: State, name: str, at: datetime) -> Update:
    body = "Our monitoring sees it, and we are looking into it. What else it hits, and what still works, stands on the page."
    return Update(number=number, state=state, title=f"{name} – {state}", body=body, at=at, automatic=True)


def _subjects(monitors: Mapping[str, Mapping[str, object]], size: Size) -> list[tuple[Subject, str]]:
    services = [(Subject.SERVICE, f"s{n}") for n in range(size.services)]
    components = [(Subject.COMPONENT, f"c{n}") for n in range(size.services)]
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
