"""What the public reads under load: ``statuspage serve`` against a bare handler that returns the same bytes."""

import http.client
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from tests.bench import installation, nginx, turns
from tests.bench.table import Row, bounded, compared
from tests.bench.turns import cpu_of

REQUESTS = 4_000
TURNS = 2
"""Short turns, and more of them: what else the machine does then hits both sides alike."""
FIRST_START, LAST_START = 5.0, 54.0
"""Seconds of a minute between which a turn begins."""
AT_REST = 0.08
"""Seconds of CPU that a service takes in a second once it has done what a start brings with it, at most."""
ATTEMPTS = 4

PATHS: Mapping[str, str] = MappingProxyType(
    {"page": "/", "feed": "/history.atom", "v2 summary": "/api/v2/summary.json", "badge": "/badges/s0.svg"}
)
"""What is read, by what it is called in the table."""

KINDS: Mapping[str, str] = MappingProxyType({"plain": "identity", "gzip": "gzip", "kept": "not modified (304)"})
"""The ways in which it is answered."""

USUAL = installation.Size(services=50, days=90)
"""The size at which everything is loaded in all three ways; at the others what most readers ask for: gzip, and what they have already."""

SIZES: Mapping[str, installation.Size] = MappingProxyType(
    {
        "": USUAL,
        ", 500 services": installation.Size(services=500, days=90),
        ", 1 day of history": installation.Size(services=50, days=1),
        ", 3 years of history": installation.Size(services=50, days=1095),
    }
)

UPTIME_KUMA = 920.0
"""Microseconds of CPU that a page view costs Uptime Kuma 2.5.3 with warm caches: three requests, measured on such a machine before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One turn of load: requests a second, microseconds of the server's CPU a request, milliseconds of the slowest hundredth."""

    rate: float
    cpu: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What the product answers at a path, as it came: *content* by kind, its tag and its type."""

    content: Mapping[str, bytes]
    etag: str
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server under measurement. One that does not negotiate has each kind of answer at a path of its own, below the kind's name."""

    port: int
    pid: int
    directory: Path
    negotiates: bool = True

    def take(self, path: str, kind: str) -> Taken:
        """Warm up, then load it once, in the middle of a minute: at its start the service publishes anew, and tags may change."""
        for left in reversed(range(ATTEMPTS)):
            try:
                return self._once(path if self.negotiates else f"/{kind}{path}", kind)
            except RuntimeError:
                if kind != "kept" or left == 0:
                    raise  # else what was published meanwhile has another tag, and is no longer what we have
        raise AssertionError("unreachable")

    def _once(self, path: str, kind: str) -> Taken:
        _await_room()
        request = self.directory / "request"
        etag = fetched(self.port, path).etag if kind == "kept" and self.negotiates else ""
        more = {"plain": "", "gzip": "Accept-Encoding: gzip\r\n", "kept": f"If-None-Match: {etag}\r\n"}
        request.write_bytes(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n{more[kind]}\r\n".encode())
        return Taken(**turns.figure("loading", self.port, self.pid, REQUESTS, request, 304 if kind == "kept" else 200))


def rows(pairs: int) -> Iterator[Row]:
    """Load both in turn, a few times for each of *pairs*, at each size, path and kind of answer."""
    for told, size in SIZES.items():
        kinds = KINDS if size is USUAL else [kind for kind in KINDS if kind != "plain"]
        with tempfile.TemporaryDirectory() as name, product(Path(name), size) as ours:
            for what, path in PATHS.items():
                body = fetched(ours.port, path)
                with bare(Path(name), {path: body}) as theirs:
                    for kind in kinds:
                        taken = [(ours.take(path, kind), theirs.take(path, kind)) for _ in range(pairs * TURNS)]
                        length = f", {len(body.content[kind]) / 1000:.3g} kB" if kind in body.content else ""
                        yield from _rows(f"{what}, {KINDS[kind]}{length}{told}", taken)
            if size is USUAL:
                yield from _beside(Path(name), ours, pairs)


def _rows(figure: str, taken: Sequence[tuple[Taken, Taken]]) -> Iterator[Row]:
    yield compared(f"{figure}: requests", [(a.rate, b.rate) for a, b in taken], unit="/s", goal=0.85, more_is_better=True)
    yield compared(f"{figure}: CPU of the server a request", [(a.cpu, b.cpu) for a, b in taken], unit="µs")
    yield compared(f"{figure}: slowest hundredth", [(a.p99, b.p99) for a, b in taken], unit="ms")


def _beside(directory: Path, ours: Served, pairs: int) -> Iterator[Row]:
    """Others that show a page: nginx sending the same file, and what a view costs Uptime Kuma."""
    page = fetched(ours.port, "/")
    with nginx.serving(directory / "nginx", page.content["plain"]) as (port, pid):
        theirs = Served(port=port, pid=pid, directory=directory)
        taken = [(ours.take("/", "gzip"), theirs.take("/", "gzip")) for _ in range(pairs * TURNS)]
    yield compared("page, gzip, against nginx sending the same file: requests", [(a.rate, b.rate) for a, b in taken], unit="/s")
    cpu = [(a.cpu, b.cpu) for a, b in taken]
    yield compared("page, gzip, against nginx: CPU of the server a request", cpu, unit="µs")
    view = [(mine.cpu, UPTIME_KUMA) for mine, _ in taken]
    yield compared("page view, against the three requests of Uptime Kuma's: CPU of the server", view, unit="µs", goal=0.1)
    parts = [path for path in _linked(page) if path.startswith("/assets/")]
    first = [sum(ours.take(path, "gzip").cpu for path in ("/", *parts)) for _ in range(pairs)]
    yield bounded(f"first view, with {len(parts)} assets that browsers keep for a year: CPU of the server", first, unit="µs")


def _linked(page: Body) -> Sequence[str]:
    """The assets that the page asks for."""
    text = page.content["plain"].decode()
    starts = (place for place, _ in enumerate(text) if text.startswith('="/assets/', place))
    return sorted({text[place + 2 :].split('"', 1)[0] for place in starts})


@contextmanager
def product(directory: Path, size: installation.Size) -> Iterator[Served]:
    """Run the product with its history."""
    with turns.targets() as there:
        target = there.ports["tcp"]
        monitors = {f"m{n}": {"component": f"c{n}", "probe": "tcp", "host": "127.0.0.1", "port": target} for n in range(size.services)}
        file = installation.written(directory, monitors, services=size.services, every="1h", timeout="1s")
        data_dir = directory / "data"
        installation.give_history(data_dir, monitors, installation.now(), size)
        with installation.served(file, data_dir) as running:
            _await_rest(running.pid)
            yield Served(port=urlsplit(running.public).port or 0, pid=running.pid, directory=directory)


@contextmanager
def bare(directory: Path, bodies: Mapping[str, Body]) -> Iterator[Served]:
    """Run the yardstick with the product's own bytes."""
    kept = directory / "bare"
    kept.mkdir(exist_ok=True)
    for number, (path, body) in enumerate(bodies.items()):
        for name, content in (("path", path.encode()), ("etag", body.etag.encode()), ("type", body.content_type.encode())):
            (kept / f"{number}.{name}").write_bytes(content)
        for kind, content in body.content.items():
            (kept / f"{number}.{kind}").write_bytes(content)
    with turns.server("bare", kept) as (port, pid):
        yield Served(port=port, pid=pid, directory=directory, negotiates=False)


def fetched(port: int, path: str) -> Body:
    """Ask a server for what is at *path*, both ways. Errors: RuntimeError where it is not there."""
    answers = {kind: _answer(port, path, KINDS[kind]) for kind in ("plain", "gzip")}
    headers, _ = answers["plain"]
    return Body(content={kind: body for kind, (_, body) in answers.items()}, etag=headers["ETag"], content_type=headers["Content-Type"])


def _answer(port: int, path: str, encoding: str) -> tuple[Message, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={"Accept-Encoding": encoding})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path} was answered with {answer.status}")
    return answer.headers, body


def _await_room() -> None:
    """Wait until what is published at the start of a minute is out, and the minute is young enough for a whole turn."""
    second = time.time() % 60
    if second > LAST_START:
        time.sleep(60 + FIRST_START - second)
    elif second < FIRST_START:
        time.sleep(FIRST_START - second)


def _await_rest(pid: int) -> None:
    """Wait until the service *pid* has done what a start brings with it. Errors: RuntimeError where it goes on working."""
    for _ in range(60):
        before = cpu_of(pid)
        time.sleep(1)
        if cpu_of(pid) - before < AT_REST:
            return
    raise RuntimeError("the service does not come to rest")
