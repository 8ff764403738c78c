"""TCP ports of the demo company: found free, kept for a server's whole life, cut when it breaks."""

import asyncio
import errno
import secrets
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"

_LOWEST, _COUNT = 20_000, 12_000  # below what systems hand to clients, so that a stopped server's port stays free for its return
_PATIENCE = 3.0  # seconds until a port that somebody else holds is given up

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a server listens."""

    port: int
    host: str = LOOPBACK

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def free_address() -> Address:
    """Find a loopback port on which nothing listens. Errors: OSError where there is none."""
    for _ in range(200):
        address = Address(port=_LOWEST + secrets.randbelow(_COUNT))
        with socket.socket() as attempt, suppress(OSError):
            attempt.bind((address.host, address.port))
            return address
    raise OSError(errno.EADDRINUSE, f"no free port between {_LOWEST} and {_LOWEST + _COUNT}")


async def bind(address: Address) -> socket.socket:
    """Take *address* for listening; waits a moment for a former owner to let go. Errors: OSError where somebody keeps it."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE
    while True:
        taken = socket.socket()
        taken.settimeout(0)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((address.host, address.port))
            return taken
        except OSError:
            taken.close()
            if loop.time() > deadline:
                raise
        await asyncio.sleep(0.05)


class Conversation:
    """A port where each connection is one call of a coroutine; closing it cuts whoever is connected."""

    def __init__(self, address: Address) -> None:
        """Only remember *address*; ``open`` takes it."""
        self._address = address
        self._server: asyncio.Server | None = None
        self._talking: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def open(self, talk: Talk) -> None:
        """Listen, and hold *talk* with everyone who connects."""

        async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - a coroutine of start_server always runs in a task
            self._talking[task] = writer
            try:
                with suppress(ConnectionError):  # the other side may leave whenever it likes
                    await talk(reader, writer)
            finally:
                self._talking.pop(task)
                writer.close()

        self._server = await asyncio.start_server(hold, sock=await bind(self._address))

    async def close(self) -> None:
        """Stop listening and cut every connection. Closing twice does no harm."""
        if self._server is None:
            return
        self._server.close()
        talking = dict(self._talking)
        for writer in talking.values():
            writer.transport.abort()
        if talking:
            await asyncio.wait(talking)
        await self._server.wait_closed()
        self._server = None


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hear everything and answer nothing, until the other side leaves."""
    del writer
    while await reader.read(65_536):
        pass
