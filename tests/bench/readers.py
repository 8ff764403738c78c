"""Ten thousand readers at once, each of whom looks at the page, then asks again and again as the page's own script does.

``python -m tests.bench.readers PORT SECONDS`` lets them come, over a few seconds, and prints how many of their requests were
answered well, and how long the slowest hundredth took. A reader asks for the page, then every so often for ``/fresh.json`` and for the page
again with the tag that it has; the connection stays open as long as the server lets it. An answer counts as good if it is whole, comes
within ten seconds, and is 200 or 304.
"""

import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass, field

import uvloop

READERS = 10_000
EVERY = 30.0
COMING = 15.0
"""Seconds over which they come: a link that was passed on, not a starter's pistol."""

GIVES_UP_AFTER = 10.0


@dataclass(slots=True)
class Tally:
    """What all readers have met."""

    took: list[float] = field(default_factory=list)
    good: int = 0
    bad: int = 0
    why: dict[str, int] = field(default_factory=dict)


class Reader:
    """One reader, with at most one connection."""

    def __init__(self, port: int, tally: Tally) -> None:
        self._port, self._tally = port, tally
        self._wire: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._etag = ""

    async def live(self, until: float) -> None:
        """Come, look, and ask again until then."""
        await asyncio.sleep(random.uniform(0, COMING))
        await self._ask("/")
        while time.monotonic() + EVERY < until:
            await asyncio.sleep(random.uniform(0.9, 1.1) * EVERY)
            await self._ask("/fresh.json")
            await self._ask("/")
        if self._wire is not None:
            self._wire[1].close()

    async def _ask(self, path: str) -> None:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(GIVES_UP_AFTER):
                status = await self._answered(path)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError) as error:
            self._wire, status = None, type(error).__name__
        if status in ("200", "304"):
            self._tally.good += 1
            self._tally.took.append(time.perf_counter() - began)
        else:
            self._tally.bad += 1
            self._tally.why[status] = self._tally.why.get(status, 0) + 1

    async def _answered(self, path: str) -> str:
        if self._wire is not None and self._wire[0].at_eof():
            self._wire[1].close()
            self._wire = None
        if self._wire is None:
            self._wire = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
        incoming, outgoing = self._wire
        known = f"If-None-Match: {self._etag}\r\n" if path == "/" and self._etag else ""
        outgoing.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n{known}\r\n".encode())
        head = (await incoming.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, headers = head.split(" ", 2)[1], dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        if status == "200":
            await incoming.readexactly(int(headers["content-length"]))
            self._etag = headers.get("etag", "") if path == "/" else self._etag
        return status


async def main(port: int, seconds: float) -> None:
    """Let all of them live for so long; print what they met."""
    tally, until = Tally(), time.monotonic() + seconds
    async with asyncio.TaskGroup() as tasks:
        for _ in range(READERS):
            tasks.create_task(Reader(port, tally).live(until))
    took = sorted(tally.took)
    asked = tally.good + tally.bad
    said = {"good": tally.good / asked, "p99": took[int(len(took) * 0.99)], "asked": asked, "why": tally.why}
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2])))
