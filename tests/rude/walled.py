"""Reaches for addresses behind walls: ``python -m tests.rude.walled`` on an island (tests.rude.island), with walls of its own."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from probes import tcp
from probes.egress import Door
from probes.run import run
from tests.rude.turning import TurningServer

FILTERED, UNREACHABLE, DEAD = "198.51.100.7", "203.0.113.7", "2001:db8:dead::7"
LAID = ("ip route add unreachable 203.0.113.0/24 table local", f"ip -6 address add {DEAD}/128 dev lo nodad")
ZONE = {
    "half.example": [[DEAD, "127.0.0.1"]],
    "dead.example": [[DEAD]],
    "worst.example": [[DEAD, FILTERED, "203.0.113.8", "127.0.0.1"]],
}


async def reach() -> dict[str, dict[str, Any]]:
    """Probe each place; gives failure, stage, the version by which it was reached, what was warned of, and how long it took."""
    for each in LAID:
        subprocess.run(each.split(), check=True)  # noqa: ASYNC221 - before anything else runs
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: TurningServer(ZONE), local_addr=("127.0.0.53", 53))
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with ExitStack() as standing:
        for address in (FILTERED, DEAD):
            standing.enter_context(unanswering(address, port))
        found = {host: await reached(host, port) for host in (FILTERED, UNREACHABLE, *ZONE)}
    server.close()
    transport.close()
    return found


@contextmanager
def unanswering(address: str, port: int) -> Iterator[None]:
    """Let nobody's SYN be answered there, as behind a filter: the queue of those who wait to be let in is full."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with ExitStack() as waiting:
        waiting.enter_context(socket.create_server((address, port), family=family, backlog=0))
        for _ in range(3):
            each = waiting.enter_context(socket.socket(family))
            each.setblocking(False)  # noqa: FBT003 - the library's own word
            each.connect_ex((address, port))
        yield


async def reached(host: str, port: int) -> dict[str, Any]:
    result = await run(tcp.KIND, tcp.Settings(host=host, port=port), door=Door(), timeout=1.5)
    return {
        "failure": result.failure,
        "stage": result.stage,
        "version": result.facts.get("ip_version"),
        "warned": [warning.text for warning in result.warnings],
        "took": result.took,
    }


if __name__ == "__main__":
    json.dump(asyncio.run(reach()), sys.stdout)
