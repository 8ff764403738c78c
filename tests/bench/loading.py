"""A load of readers: so many connections that stay open, each asking again as soon as it was answered, so many times in all.

``python -m tests.bench.loading PORT PID COUNT REQUEST-IN-A-FILE STATUS`` warms the server up, whose process is PID. Then it prints requests
a second, microseconds of the server's CPU a request, and milliseconds of the slowest hundredth.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import cast

import uvloop

from tests.bench.turns import cpu_of

CONNECTIONS = 64
DEADLINE = 100.0


class Load:
    """What the readers share: the request, how many are still to be made, how long each took."""

    def __init__(self, request: bytes, status: int, count: int) -> None:
        self.request, self.status, self.left = request, b"HTTP/1.1 %d " % status, count
        self.took: list[float] = []
        self.open = CONNECTIONS
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(why))

    def end(self) -> None:
        self.open -= 1
        if not self.open and not self.done.done():
            self.done.set_result(None)


class Reader(asyncio.Protocol):
    """One reader: knows an answer's end by its Content-Length, and that it is the answer that was expected."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._answer = b""
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def _ask(self) -> None:
        if not self._load.left:
            self._load.end()
            self._transport.close()
            return
        self._load.left -= 1
        self._asked = time.perf_counter()
        self._transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._size:
            self._size = self._measured()
        if self._size and len(self._answer) >= self._size:
            self._load.took.append(time.perf_counter() - self._asked)
            self._answer, self._size = b"", 0
            self._ask()

    def _measured(self) -> int:
        end = self._answer.find(b"\r\n\r\n")
        if end < 0:
            return 0
        if not self._answer.startswith(self._load.status):
            self._load.fail(f"unexpected: {self._answer[:200]!r}")
        head = self._answer[:end].lower()
        at = head.find(b"content-length:")
        body = 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])
        return end + 4 + body

    def connection_lost(self, exc: Exception | None) -> None:
        if self._load.left:
            self._load.fail(f"a connection was lost: {exc}")


async def main(port: int, pid: int, count: int, request: bytes, status: int) -> None:
    """Make all requests; print what they took."""
    async with asyncio.timeout(DEADLINE):
        await loaded(port, Load(request, status, count // 5))
        load = Load(request, status, count)
        cpu, began = cpu_of(pid), time.perf_counter()
        await loaded(port, load)
        seconds, cpu = time.perf_counter() - began, cpu_of(pid) - cpu
    took = sorted(load.took)
    said = {"rate": len(took) / seconds, "cpu": cpu / len(took) * 1e6, "p99": took[int(len(took) * 0.99)] * 1000}
    print(json.dumps(said), flush=True)


async def loaded(port: int, load: Load) -> None:
    """Open the connections and return when every request was answered."""
    loop = asyncio.get_running_loop()
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: Reader(load), "127.0.0.1", port)
    await load.done


if __name__ == "__main__":
    port, pid, count, request, status = sys.argv[1:]
    uvloop.run(main(int(port), int(pid), int(count), Path(request).read_bytes(), int(status)))
