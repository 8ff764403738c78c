"""Walks through every hostile place and tells what became of each: ``python -m tests.rude.walk`` where all addresses lead home."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from ipaddress import ip_network

from pydantic import ValidationError

from probes import http, tcp
from probes.egress import Door
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.rude.peer import Peer, rude
from tests.rude.places import LOCATIONS, LOOPBACK, METADATA, NAMED, NAMED_FAR, NEVER, ZONE
from tests.rude.turning import TurningServer

TIMEOUT = 5.0
MISREAD = {"http://127｡0｡0｡1:{p}/"}
"""Where the bytes on the wire name a host that does not exist, as any other name would."""
REFUSED = "refused at load"
ARRIVED = "arrived"
RAW = (METADATA, "100.100.100.200", "10.1.2.3", "127.0.0.1", "::1", "fd00:ec2::254", "64:ff9b::a9fe:a9fe")
"""Addresses at which the trap must be heard to work, reached without the door."""


@dataclass(slots=True)
class Found:
    """What became of each place: a failure, ``refused at load`` or ``arrived``; *caught* is every address at which the trap was met."""

    redirected: dict[str, str] = field(default_factory=dict)
    typed_host: dict[str, str] = field(default_factory=dict)
    typed_url: dict[str, str] = field(default_factory=dict)
    caught: list[str] = field(default_factory=list)
    named: dict[str, str] = field(default_factory=dict)
    allowed: dict[str, str] = field(default_factory=dict)
    rebound: list[str] = field(default_factory=list)
    rebound_to: list[str] = field(default_factory=list)
    rebound_asked: int = 0
    resolvers: dict[str, str] = field(default_factory=dict)
    raw: list[str] = field(default_factory=list)


class Trap:
    """Answers as a web server would, at every address it was given, and keeps at which it was met."""

    def __init__(self) -> None:
        self.met: list[str] = []
        self.port = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.met.append(str(writer.get_extra_info("sockname")[0]))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\ncaught")
        await reader.read(1)
        writer.close()

    def taken(self) -> list[str]:
        """Give what was met, and begin anew."""
        met, self.met = self.met, []
        return met


@asynccontextmanager
async def laid(*addresses: str) -> AsyncIterator[Trap]:
    """A trap behind all *addresses*, at one port."""
    trap = Trap()
    servers: list[asyncio.Server] = []
    try:
        for address in addresses:
            servers.append(await asyncio.start_server(trap, address, trap.port))
            trap.port = servers[0].sockets[0].getsockname()[1]
        yield trap
    finally:
        for server in servers:
            server.close()


async def through_the_forbidden(trap: Trap, door: Door) -> Found:
    """Go to every place to which nobody may be led, and to those that nobody may name."""
    found = Found()
    ways = [*(f"http://{host}:{{p}}/" for host in (*LOOPBACK, *NEVER)), *LOCATIONS]
    for way in ways:
        found.redirected[way] = await led_to(way.replace("{p}", str(trap.port)), door)
    for host in NEVER:
        found.typed_host[host] = await typed_host(host, trap.port, door)
        found.typed_url[host] = await typed_url(f"http://{host}:{trap.port}/", door)
    found.caught = trap.taken()
    return found


async def led_to(location: str, door: Door) -> str:
    """Ask a named server that leads on to *location*."""

    async def script(peer: Peer) -> None:
        await peer.hear_head()
        await peer.say(f"HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n".encode())

    async with rude(script) as server:
        return said(await run(http.KIND, http.Settings(url=server.url()), door=door, timeout=TIMEOUT))


async def typed_host(host: str, port: int, door: Door) -> str:
    try:
        settings = tcp.Settings(host=host, port=port)
    except ValidationError:
        return REFUSED
    return said(await run(tcp.KIND, settings, door=door, timeout=TIMEOUT))


async def typed_url(url: str, door: Door) -> str:
    try:
        settings = http.Settings(url=url)
    except ValidationError:
        return REFUSED
    return said(await run(http.KIND, settings, door=door, timeout=TIMEOUT))


def said(result: ProbeResult) -> str:
    return ARRIVED if result.failure is None else result.failure.value


async def on_the_island() -> Found:
    """Go everywhere, with a real resolver, where every address would be reached if it were let."""
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: TurningServer(ZONE), local_addr=("127.0.0.53", 53)
    )
    async with laid("0.0.0.0", "::") as trap:
        found = await through_the_forbidden(trap, Door())
        for host in (*NAMED, *NAMED_FAR):
            found.named[host] = await typed_url(f"http://{host}:{trap.port}/", Door())
        await through_allowed(found, trap)
        await through_rebinding(found, trap, server)
        await through_dead_resolvers(found, server)
        trap.taken()
        await knocked(RAW, trap.port)
        found.raw = trap.taken()
    transport.close()
    return found


async def through_allowed(found: Found, trap: Trap) -> None:
    door = Door(allow=[ip_network("10.0.0.0/8"), ip_network("169.254.0.0/16")])
    for host in ("10.1.2.3", "private.example", "192.168.1.1", "[::ffff:10.1.2.3]", METADATA, "8.8.8.8"):
        found.allowed[host] = await led_to(f"http://{host}:{trap.port}/", door)


async def through_rebinding(found: Found, trap: Trap, server: TurningServer) -> None:
    """Be led twice to a name that answers with a public address the first time, and with our own the second."""
    trap.taken()
    for _ in range(2):
        found.rebound.append(await led_to(f"http://rebinding.example:{trap.port}/", Door()))
    found.rebound_to, found.rebound_asked = trap.taken(), server.asked["rebinding.example"]


async def through_dead_resolvers(found: Found, server: TurningServer) -> None:
    """See what the C library makes of a name whose servers fail, and of a resolver that says nothing."""
    server.failing.add("broken.example")
    found.resolvers["fails"] = await typed_host("broken.example", 1, Door())
    found.resolvers["does not exist"] = await typed_host("none.example", 1, Door())
    server.is_silent = True
    found.resolvers["silent"] = await typed_host("loop.example", 1, Door())
    server.transport.close()
    found.resolvers["gone"] = await typed_host("loop.example", 1, Door())


async def knocked(addresses: Sequence[str], port: int) -> None:
    """Show that the trap works: reach it without the door."""
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        reader, writer = await asyncio.open_connection(address, port, family=family)
        await reader.readexactly(5)
        writer.close()


def nobody_was_led_astray(found: Found) -> None:
    assert len(found.redirected) == len(LOOPBACK) + len(NEVER) + len(LOCATIONS)
    blocked = {Failure.BLOCKED.value, Failure.REDIRECT.value}
    assert {way: end for way, end in found.redirected.items() if end not in blocked} == dict.fromkeys(MISREAD, Failure.DNS.value)
    for typed in (found.typed_host, found.typed_url):
        assert len(typed) == len(NEVER)
        assert {host: end for host, end in typed.items() if end not in {Failure.BLOCKED.value, REFUSED}} == {}
    for ways in (found.redirected, found.typed_host, found.typed_url):  # neither guard does it alone
        assert list(ways.values()).count(Failure.BLOCKED.value) >= 25
    assert found.caught == []


if __name__ == "__main__":
    json.dump(asdict(asyncio.run(on_the_island())), sys.stdout)
