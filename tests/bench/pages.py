"""The public page under load: ``statuspage serve`` against a bare handler that returns the same bytes."""

import http.client
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench import installation, turns
from tests.bench.installation import SERVICES
from tests.bench.table import Row, compared

REQUESTS = 4_000
TURNS = 2
"""Short turns, and more of them: what else the machine does then hits both sides alike."""
LAST_START = 54.0
KINDS = {"plain": "identity", "gzip": "gzip", "kept": "not modified (304)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One turn of load: requests a second, microseconds of the server's CPU a request, milliseconds of the slowest hundredth."""

    rate: float
    cpu: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server under measurement and the requests that it is sent, by kind. One whose tags change is asked for them before each turn."""

    port: int
    pid: int
    requests: dict[str, Path]
    asks_anew: bool = False

    def take(self, kind: str) -> Taken:
        """Warm up, then load it once, in the middle of a minute: at its start the service publishes anew."""
        _await_room()
        if kind == "kept" and self.asks_anew:
            self.requests[kind].write_bytes(_request("/", f"If-None-Match: {_fetch(self.port, 'identity')[0]}\r\n"))
        status = 304 if kind == "kept" else 200
        return Taken(**turns.figure("loading", self.port, self.pid, REQUESTS, self.requests[kind], status))


def rows(pairs: int) -> Iterator[Row]:
    """Load both in turn, a few times for each of *pairs*, in each of the kinds of answer."""
    with tempfile.TemporaryDirectory() as name, both(Path(name)) as (ours, theirs, sizes):
        for kind, told in KINDS.items():
            taken = [(ours.take(kind), theirs.take(kind)) for _ in range(pairs * TURNS)]
            yield from _rows(f"page, {told}" + (f", {sizes[kind] // 1000} kB" if sizes[kind] else ""), taken)


def _rows(figure: str, taken: Sequence[tuple[Taken, Taken]]) -> Iterator[Row]:
    yield compared(f"{figure}: requests", [(a.rate, b.rate) for a, b in taken], unit="/s", goal=0.85, more_is_better=True)
    yield compared(f"{figure}: CPU of the server a request", [(a.cpu, b.cpu) for a, b in taken], unit="µs")
    yield compared(f"{figure}: slowest hundredth", [(a.p99, b.p99) for a, b in taken], unit="ms")


@contextmanager
def both(directory: Path) -> Iterator[tuple[Served, Served, dict[str, int]]]:
    """Run product and yardstick side by side; nobody loads both at once. Yields also the answers' sizes in bytes."""
    with turns.targets() as there:
        target = there.ports["tcp"]
        monitors = {f"m{n}": {"component": f"c{n}", "probe": "tcp", "host": "127.0.0.1", "port": target} for n in range(SERVICES)}
        file = installation.written(directory, monitors, every="1h", timeout="1s")
        data_dir = directory / "data"
        installation.give_history(data_dir, monitors, installation.now())
        with installation.served(file, data_dir) as product:
            port = urlsplit(product.public).port or 0
            sizes = _keep_page(directory, port)
            ours = Served(port=port, pid=product.pid, requests=_requests(directory, "ours", dict.fromkeys(KINDS, "/")), asks_anew=True)
            with turns.server("bare", directory) as (bare_port, pid):
                paths = {kind: f"/{kind}" for kind in KINDS}
                yield ours, Served(port=bare_port, pid=pid, requests=_requests(directory, "theirs", paths)), sizes


def _keep_page(directory: Path, port: int) -> dict[str, int]:
    """Keep the product's own bytes for the yardstick to serve; return how many there are of each kind."""
    etag, plain = _fetch(port, "identity")
    _, gzipped = _fetch(port, "gzip")
    for name, content in (("plain", plain), ("gzip", gzipped), ("etag", etag.encode())):
        (directory / name).write_bytes(content)
    return {"plain": len(plain), "gzip": len(gzipped), "kept": 0}


def _fetch(port: int, encoding: str) -> tuple[str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/", headers={"Accept-Encoding": encoding})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.headers["ETag"], body


def _requests(directory: Path, name: str, paths: dict[str, str]) -> dict[str, Path]:
    etag = (directory / "etag").read_text(encoding="ascii")
    more = {"plain": "", "gzip": "Accept-Encoding: gzip\r\n", "kept": f"If-None-Match: {etag}\r\n"}
    files: dict[str, Path] = {}
    for kind, path in paths.items():
        files[kind] = directory / f"{name}-{kind}"
        files[kind].write_bytes(_request(path, more[kind]))
    return files


def _request(path: str, more: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n{more}\r\n".encode()


def _await_room() -> None:
    """Wait until the minute is young enough for a whole turn."""
    second = time.time() % 60
    if second > LAST_START:
        time.sleep(61 - second)
