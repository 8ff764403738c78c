"""A server on loopback that answers datagrams exactly as its script says."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Script = Callable[[bytes], Iterable[bytes]]
"""Given what was heard, what is said: nothing, one datagram, or many."""


@dataclass(slots=True)
class Ear(asyncio.DatagramProtocol):
    """Where it listens and what it heard, oldest first; *came* holds how many datagrams that is, one entry each."""

    script: Script
    port: int = 0
    heard: list[bytes] = field(default_factory=list)
    senders: list[tuple[str, int]] = field(default_factory=list)
    came: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.append(data)
        self.senders.append(addr)
        self.came.put_nowait(len(self.heard))
        for said in self.script(data):
            self.say(said, addr)

    def say(self, octets: bytes, to: tuple[str, int]) -> None:
        assert self.transport is not None
        self.transport.sendto(octets, to)


@asynccontextmanager
async def ear(script: Script, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Ear]:
    """Answer every datagram as *script* says."""
    loop = asyncio.get_running_loop()
    listening = Ear(script)
    transport, _ = await loop.create_datagram_endpoint(lambda: listening, local_addr=(host, port))
    listening.port = transport.get_extra_info("sockname")[1]
    try:
        yield listening
    finally:
        transport.close()


def silence(_: bytes) -> Iterable[bytes]:
    """Hear, and say nothing."""
    return ()


def closed_datagram_port() -> int:
    """A port at which nobody takes datagrams."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def free_datagram_port() -> int:
    """A port that a server of others may be told to listen at."""
    return closed_datagram_port()
