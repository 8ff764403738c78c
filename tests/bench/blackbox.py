"""The peer: Debian's prometheus-blackbox-exporter, driven over HTTP on the same targets, a hundred probes at once."""

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import uvloop

from tests.bench.floors import AT_ONCE, DEADLINE, PROBES
from tests.bench.turns import cpu_of, ended

PROGRAM = "prometheus-blackbox-exporter"
STARTS_WITHIN = 10.0
USUAL, WARM_UP = 3_000, 300


def modules(ca: str) -> dict[str, object]:
    """What the exporter is told to do in each kind: what our probes do."""
    smtp = [{"expect": "^220 "}, {"send": "EHLO bench.example.net"}, {"expect": "^250 "}, {"send": "QUIT"}, {"expect": "^221"}]
    imap = [{"expect": "OK"}, {"send": "a1 CAPABILITY"}, {"expect": "^a1 OK"}, {"send": "a2 LOGOUT"}, {"expect": "^a2 OK"}]
    said: dict[str, dict[str, object]] = {
        "http": {"prober": "http", "http": {"preferred_ip_protocol": "ip4"}},
        "https": {"prober": "http", "http": {"preferred_ip_protocol": "ip4", "tls_config": {"ca_file": ca}}},
        "tcp": {"prober": "tcp"},
        "smtp": {"prober": "tcp", "tcp": {"query_response": smtp}},
        "imap": {"prober": "tcp", "tcp": {"query_response": imap}},
        "dns": {"prober": "dns", "dns": {"query_name": "www.example.net", "query_type": "A", "preferred_ip_protocol": "ip4"}},
    }
    return {name: {"timeout": "5s", **module} for name, module in said.items()}


def target(kind: str, port: int) -> str:
    """How the exporter is told where to go."""
    return f"{kind}://127.0.0.1:{port}/" if kind.startswith("http") else f"127.0.0.1:{port}"


@contextmanager
def exporter(directory: Path, ca: str) -> Iterator[tuple[int, int]]:
    """Run the exporter beside us; yields its port and its process's id. Errors: RuntimeError where it is not installed."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise RuntimeError(f"{PROGRAM} is not installed: apt-get install {PROGRAM} (make bench does, where it may)")
    file = directory / "blackbox.yml"
    file.write_text(json.dumps({"modules": modules(ca)}), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [program, f"--config.file={file}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            _await(port)
            yield port, process.pid
        finally:
            ended(process)


def _await(port: int) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{PROGRAM} did not start")


async def main(kind: str, port: int, pid: int, where: str) -> None:
    """Print seconds of the exporter's CPU a probe. Our own part in it, asking and reading, is not counted."""
    left = iter(range(WARM_UP + PROBES.get(kind, USUAL)))
    count, began, ended_at = 0, 0.0, 0.0
    connector = aiohttp.TCPConnector(limit=0)
    async with asyncio.timeout(DEADLINE), aiohttp.ClientSession(connector=connector) as session:

        async def worker() -> None:
            nonlocal count, began
            for place in left:
                if place == WARM_UP:
                    began, count = cpu_of(pid), 0
                async with session.get(f"http://127.0.0.1:{port}/probe", params={"module": kind, "target": where}) as answer:
                    if "probe_success 1" not in await answer.text():
                        raise RuntimeError(f"the exporter could not probe {where}")
                count += 1

        async with asyncio.TaskGroup() as workers:
            for _ in range(AT_ONCE):
                workers.create_task(worker())
        ended_at = cpu_of(pid)
    print(json.dumps((ended_at - began) / count), flush=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
