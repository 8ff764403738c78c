"""Ports in a process of its own, each rude in one way for ever, over TCP and UDP alike: what probes cost is then measured apart from it.

``python -m tests.rude.hostile`` prints its ports; at the port ``control`` it tells how many connections each has open.
"""

import asyncio
import json
import random
import socket
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import cast

Manner = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
NOISE = random.Random(1).randbytes(64 * 1024).replace(b"\n", b"\r")
DATAGRAMS = 300


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Take everything, say nothing."""
    while await reader.read(65536):
        pass


def drip(octet: bytes) -> Manner:
    async def manner(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(octet)
            await writer.drain()
            await asyncio.sleep(0.1)

    return manner


def flood(octets: bytes, first: bytes = b"") -> Manner:
    block = octets * (65536 // len(octets) + 1)

    async def manner(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(block)
            await writer.drain()

    return manner


async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Cut the connection."""
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def fin(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """End the connection politely, at once."""


async def tls_garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer whatever comes with records that are none."""
    while await reader.read(65536):
        writer.write(b"\x16\x03\x03\x40\x00" + NOISE[:16384])
        await writer.drain()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while octets := await reader.read(65536):
        writer.write(octets)
        await writer.drain()


async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End our half of the connection, and go on listening."""
    writer.write_eof()
    await silent(reader, writer)


MANNERS: Mapping[str, Manner] = {
    "silent": silent,
    "drip": drip(b"2"),
    "drip of empty lines": drip(b"\n"),
    "garbage": flood(NOISE),
    "zeros": flood(b"\0"),
    "empty lines": flood(b"\r\n"),
    "smtp for ever": flood(b"220-still greeting\r\n"),
    "imap for ever": flood(b"* OK more\r\n"),
    "pop3 for ever": flood(b"+OK more\r\n"),
    "interim for ever": flood(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "headers for ever": flood(b"a: b\r\n", b"HTTP/1.1 200 OK\r\n"),
    "body for ever": flood(b"x", b"HTTP/1.1 200 OK\r\n\r\n"),
    "json for ever": flood(b"[", b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"),
    "chunks for ever": flood(b"1\r\nx\r\n", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
    "reset": reset,
    "fin": fin,
    "half": half,
    "tls garbage": tls_garbage,
    "echo": echo,
}


class Datagrams(asyncio.DatagramProtocol):
    """The same manner where there are no connections: a burst of noise for a flood, one octet for a drip, nothing for silence."""

    def __init__(self, name: str) -> None:
        self._name = name

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is one by behaviour only

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        match self._name:
            case "silent" | "reset" | "half":
                return
            case "fin":
                self.transport.sendto(b"", addr)
            case "drip":
                self.transport.sendto(b"\x00", addr)
            case "echo":
                self.transport.sendto(data, addr)
            case _:
                for number in range(DATAGRAMS):
                    self.transport.sendto(data[:2] + NOISE[number : number + 1000], addr)


async def serve() -> None:
    """Listen in every manner until stdin ends."""
    loop = asyncio.get_running_loop()
    opened: Counter[str] = Counter()
    ports: dict[str, int] = {}

    def minded(name: str, manner: Manner) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def mind(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            opened[name] += 1
            try:
                with suppress(OSError, asyncio.CancelledError):  # cancelled at the very end only
                    await manner(reader, writer)
            finally:
                opened[name] -= 1
                writer.close()

        return mind

    async def tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            writer.write(json.dumps(opened).encode() + b"\n")
        writer.close()

    for name, manner in MANNERS.items():
        server = await asyncio.start_server(minded(name, manner), "127.0.0.1", 0)
        ports[name] = server.sockets[0].getsockname()[1]
        await loop.create_datagram_endpoint(lambda name=name: Datagrams(name), local_addr=("127.0.0.1", ports[name]))  # type: ignore[misc]
    control = await asyncio.start_server(tell, "127.0.0.1", 0)
    print(json.dumps({"control": control.sockets[0].getsockname()[1], "ports": ports}), flush=True)
    await asyncio.to_thread(sys.stdin.read)


@dataclass(frozen=True, slots=True)
class Hostile:
    """Where each manner is met."""

    ports: Mapping[str, int]
    control: int

    async def opened(self) -> Mapping[str, int]:
        """How many connections each manner has open, by what the peer sees."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.control)
        writer.write(b"\n")
        told: dict[str, int] = json.loads(await reader.readline())
        writer.close()
        await writer.wait_closed()
        return told


@contextmanager
def hostile() -> Iterator[Hostile]:
    """Run them all."""
    process = subprocess.Popen([sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline())
        yield Hostile(told["ports"], told["control"])
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(10)


if __name__ == "__main__":
    asyncio.run(serve())
