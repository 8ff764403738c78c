"""A server on 127.0.0.1 that says exactly what its script says, when it says it, however rude that is."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

TURNS = 6
"""Turns of the loop after which whatever was being accepted has been; asyncio leaves open what it accepts while its server closes."""

Script = Callable[["Peer"], Awaitable[None]]


@dataclass(slots=True)
class Peer:
    """One accepted connection, from the server's side."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: list[str]

    async def say(self, octets: bytes) -> None:
        self.writer.write(octets)
        await self.writer.drain()

    async def hear(self) -> str:
        """Read one line; an empty text is the end."""
        line = (await self.reader.readline()).decode("utf-8", "replace").rstrip("\r\n")
        self.heard.append(line)
        return line

    async def hear_head(self) -> list[str]:
        """Read up to an empty line, as a request's head ends."""
        lines: list[str] = []
        while line := await self.hear():
            lines.append(line)
        return lines

    async def drip(self, octets: bytes, pause: float = 0.0) -> None:
        """Say *octets* one by one."""
        for octet in octets:
            await self.say(bytes([octet]))
            await asyncio.sleep(pause)

    async def flood(self, octets: bytes) -> None:
        """Say *octets* for as long as anybody listens."""
        while True:
            await self.say(octets)

    async def hang(self) -> None:
        """Say nothing until the other side goes away."""
        while await self.reader.read(4096):
            pass

    async def start_tls(self, context: ssl.SSLContext) -> None:
        await self.writer.start_tls(context)

    def reset(self) -> None:
        """Cut the connection with an RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@dataclass(slots=True)
class Rude:
    """A running server: where it listens, what it heard (all connections), how many connections it had."""

    port: int = 0
    heard: list[str] = field(default_factory=list)
    connections: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str = "/", scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


@asynccontextmanager
async def rude(script: Script, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Rude]:
    """Run *script* for every connection; *closed* of the result is set whenever one of them has ended."""
    place = Rude()
    served: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, asyncio.CancelledError):
                await script(Peer(reader, writer, place.heard))
        finally:
            writer.close()
            place.closed.set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Note it at once: a task that is cancelled before its first step closes nothing."""
        place.connections += 1
        task = asyncio.ensure_future(serve(reader, writer))
        served[task] = writer
        task.add_done_callback(lambda ended: served.pop(ended).close())

    server = await asyncio.start_server(accept, host, 0, ssl=tls, ssl_shutdown_timeout=0.2 if tls else None)
    place.port = server.sockets[0].getsockname()[1]
    try:
        yield place
    finally:
        for _ in range(TURNS):
            await asyncio.sleep(0)
        server.close()
        tasks = tuple(served)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def answers(greeting: bytes, replies: dict[str, bytes]) -> Script:
    """Greet, then answer each line by its longest matching beginning in *replies*; a line that none matches ends the connection.

    For IMAP, ``%`` in a reply stands for the tag of the line, and beginnings are compared after the tag.
    """

    async def script(peer: Peer) -> None:
        await peer.say(greeting)
        while line := await peer.hear():
            tag, _, rest = line.partition(" ")
            known = [key for key in replies if line.upper().startswith(key.upper()) or rest.upper().startswith(key.upper())]
            if not known:
                return
            await peer.say(replies[max(known, key=len)].replace(b"%", tag.encode()))

    return script


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
