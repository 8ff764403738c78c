"""The yardsticks of a probe's cost: for http and https a bare loop of aiohttp requests, for the others the same dialogue by hand.

``python -m tests.bench.floors KIND PORT [CA]`` prints seconds of CPU a probe. Every probe opens a connection of its own, a hundred at once.
"""

import asyncio
import json
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from typing import cast

import aiohttp
import uvloop

AT_ONCE = 100
WARM_UP = 500
DEADLINE = 100.0
PROBES = {"https": 2_000}
USUAL = 8_000
QUESTION = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\x03www\x07example\x03net\0\0\1\0\1"

Dialogue = tuple[tuple[bytes, bytes], ...]
"""What the peer's turn must hold before it is over, and what is said then; at the end nothing."""

DIALOGUES: dict[str, Dialogue] = {
    "tcp": (),
    "smtp": ((b"220 ", b"EHLO bench.example.net\r\n"), (b"\n250 ", b"QUIT\r\n"), (b"221 ", b"")),
    "imap": ((b"* OK", b"a1 CAPABILITY\r\n"), (b"a1 OK", b"a2 LOGOUT\r\n"), (b"a2 OK", b"")),
}


class Caller(asyncio.Protocol):
    """One connection that leads a dialogue to its end."""

    def __init__(self, dialogue: Dialogue, done: "asyncio.Future[None]") -> None:
        self._left, self._done, self._heard = list(dialogue), done, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if not self._left:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._heard += data
        if self._left and self._left[0][0] in self._heard:
            _, said = self._left.pop(0)
            self._heard = b""
            if said:
                self._transport.write(said)
            else:
                self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None and not self._left:
            self._done.set_result(None)
        else:
            self._done.set_exception(exc or RuntimeError("hung up on"))


class Asker(asyncio.DatagramProtocol):
    """One question to a name server."""

    def __init__(self, done: "asyncio.Future[None]") -> None:
        self._done = done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.DatagramTransport", transport).sendto(QUESTION)

    def datagram_received(self, data: bytes, _: object) -> None:
        if data[:2] == QUESTION[:2] and not self._done.done():
            self._done.set_result(None)


async def calling(kind: str, port: int) -> float:
    """Seconds of CPU a dialogue led by hand."""
    loop = asyncio.get_running_loop()

    async def call() -> None:
        done: asyncio.Future[None] = loop.create_future()
        if kind == "dns":
            transport, _ = await loop.create_datagram_endpoint(lambda: Asker(done), remote_addr=("127.0.0.1", port))
            await done
            transport.close()
        else:
            await loop.create_connection(lambda: Caller(DIALOGUES[kind], done), "127.0.0.1", port)
            await done

    return await cost(call, USUAL)


async def requesting(kind: str, port: int, ca: str) -> float:
    """Seconds of CPU a request of aiohttp's: one shared session, a new connection each time."""
    context = ssl.create_default_context(cafile=ca) if kind == "https" else None
    connector = aiohttp.TCPConnector(limit=0, force_close=True, ssl=context or True)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def request() -> None:
            async with session.get(f"{kind}://127.0.0.1:{port}/") as answer:
                await answer.read()

        return await cost(request, PROBES.get(kind, USUAL))


async def cost(work: Callable[[], Awaitable[None]], count: int) -> float:
    """Seconds of CPU each time that *work* is done, a hundred at once, after a warm-up."""
    await many(WARM_UP, work)
    began = time.process_time()
    await many(count, work)
    return (time.process_time() - began) / count


async def many(count: int, work: Callable[[], Awaitable[None]]) -> None:
    """Do *work* so many times, a hundred at once."""
    left = iter(range(count))

    async def worker() -> None:
        for _ in left:
            await work()

    async with asyncio.TaskGroup() as workers:
        for _ in range(AT_ONCE):
            workers.create_task(worker())


async def main(kind: str, port: int, ca: str) -> None:
    """Measure one kind, under a deadline, and print its figure."""
    async with asyncio.timeout(DEADLINE):
        figure = await (requesting(kind, port, ca) if kind.startswith("http") else calling(kind, port))
        print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
