"""The service at its real pace: what many monitors cost it, what latency it reports, how late its probes start.

``python -m tests.bench.pacing bare PORT`` prints what a bare loop of aiohttp requests sees at the same pace; ``… late PORT HANG-PORT
HANGING`` how late the probes of ten thousand monitors start, a share of whose targets hangs.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import aiohttp
import uvloop
from sqlalchemy import Connection, func, select

from probes.result import Result
from statuspage.app import spare_the_collector
from statuspage.assembly import running
from statuspage.clock import wall_clock
from statuspage.config.loading import load
from statuspage.hub import Hub
from statuspage.store.engine import Store
from statuspage.store.tables import results
from tests.bench import installation, turns
from tests.bench.table import Row, bounded, compared

MANY, EVERY = 1_000, 20.0
HOSTS = 100
CROWD, CROWD_EVERY, TIMEOUT = 10_000, 30.0, 5.0
WITHIN = 140.0
AFTER_START = 2.0
"""Rounds that the cadence has to settle: the first one is spread in its own way."""

BEFORE_JUDGED = 4.0
"""Rounds until every one of a crowd is known to work, and a good result is no news any more."""


def rows(pairs: int) -> Iterator[Row]:
    """A thousand http monitors every twenty seconds, beside a bare loop; then ten thousand, with and without targets that hang."""
    with turns.targets() as there:
        taken = [(_served(there.ports["http"]), turns.figure("pacing", "bare", there.ports["http"])) for _ in range((pairs + 1) // 2)]
        told = f"{MANY:,} http monitors every {EVERY:g} s"
        yield bounded(f"{told}: CPU of the whole service", [100 * ours["cpu"] for ours, _ in taken], unit="% of a core", goal=10)
        yield bounded(f"{told}: resident memory", [ours["resident"] for ours, _ in taken], unit="MB", goal=150)
        for name, words in (("p50", "median"), ("p99", "slowest hundredth")):
            both = [(ours[name] * 1000, bare[name] * 1000) for ours, bare in taken]
            yield compared(f"{told}: latency reported, {words}", both, unit="ms", goal=2)
        for hanging, goal in ((0.0, 50), (0.2, 250)):
            late = [turns.figure("pacing", "late", there.ports["http"], there.ports["hang"], hanging) for _ in range((pairs + 2) // 3)]
            yield from _late_rows(hanging, goal, late)


def _late_rows(hanging: float, goal: float, late: Sequence[Mapping[str, float]]) -> Iterator[Row]:
    told = f"{CROWD:,} monitors every {CROWD_EVERY:g} s" + (f", {hanging:.0%} of them hanging" if hanging else "")
    yield bounded(f"{told}: start lateness, slowest hundredth", [run["p99"] * 1000 for run in late], unit="ms", goal=goal)
    yield bounded(f"{told}: CPU for each 1,000", [run["cpu"] * 100 * 1_000 / CROWD for run in late], unit="% of a core")
    yield bounded(f"{told}: memory for each 1,000", [run["resident"] * 1_000 / CROWD for run in late], unit="MB")


def hosts(count: int) -> list[str]:
    """So many addresses of this machine."""
    return [f"127.0.{n // 250}.{n % 250 + 1}" for n in range(count)]


def _monitors(count: int, port: int, hang: int = 0, hanging: float = 0.0) -> dict[str, dict[str, object]]:
    places = hosts(HOSTS)
    step = round(1 / hanging) if hanging else 0
    return {
        f"m{n}": {
            "component": f"c{n % installation.SERVICES}",
            "probe": "http",
            "url": f"http://{places[n // (step or 1) % HOSTS]}:{hang if step and n % step == 0 else port}/",
        }
        for n in range(count)
    }


def _served(port: int) -> dict[str, float]:
    """Run the service as a process of its own; look at it for two rounds, after two."""
    with tempfile.TemporaryDirectory() as name:
        directory, data_dir = Path(name), Path(name) / "data"
        file = installation.written(directory, _monitors(MANY, port), every=f"{EVERY:g}s", timeout="5s")
        with installation.served(file, data_dir) as service:
            time.sleep(AFTER_START * EVERY)
            cpu, began, since = turns.cpu_of(service.pid), time.monotonic(), wall_clock()
            time.sleep(2 * EVERY)
            cpu = (turns.cpu_of(service.pid) - cpu) / (time.monotonic() - began)
            resident = service.resident()
        with Store.blocking("sqlite:///statuspage.db", data_dir) as database:
            took = database.read(lambda connection: _took(connection, int(since.timestamp() * 1000)))
    return {"cpu": cpu, "resident": resident, **_quantiles(took)}


def _took(connection: Connection, since: int) -> list[float]:
    """Seconds that each good probe since then took, as it was reported."""
    chosen = select(results.c.took, results.c.failure).where(results.c.slot >= since)
    found = connection.execute(chosen).all()
    failed = connection.scalar(select(func.count()).where(results.c.slot >= since, results.c.failure != 0)) or 0
    if failed or len(found) < MANY:
        raise RuntimeError(f"{failed} of {len(found)} probes failed: the figures would say nothing")
    return [took / 1e6 for took, _ in found]


def _quantiles(took: Sequence[float]) -> dict[str, float]:
    ordered = sorted(took)
    return {"p50": ordered[len(ordered) // 2], "p99": ordered[int(len(ordered) * 0.99)]}


async def bare(port: int) -> dict[str, float]:
    """Latencies of a loop of aiohttp requests at the same pace, evenly, each on a new connection."""
    url, took = f"http://127.0.0.1:{port}/", list[float]()
    loop = asyncio.get_running_loop()
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session, asyncio.TaskGroup() as requests:

        async def request() -> None:
            began = loop.time()
            async with session.get(url) as answer:
                await answer.read()
            took.append(loop.time() - began)

        began = loop.time()
        for n in range(round(MANY * 2)):
            await asyncio.sleep(max(0.0, began + n * EVERY / MANY - loop.time()))
            requests.create_task(request())
    return _quantiles(took)


async def late(port: int, hang: int, hanging: float) -> dict[str, float]:
    """Seconds from slot to start, over one round after the cadence has settled; the service's CPU as a share of a core, its megabytes."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        file = installation.written(
            directory, _monitors(CROWD, port, hang, hanging), every=f"{CROWD_EVERY:g}s", timeout=f"{TIMEOUT:g}s", recheck="2s"
        )
        async with running(load(file, {}), directory, wall_clock) as hub:
            spare_the_collector()  # as the service does once it runs
            await asyncio.sleep(BEFORE_JUDGED * CROWD_EVERY)
            noting = hub.schedule.probing = Noting(hub)
            cpu, began = time.process_time(), time.monotonic()
            await asyncio.sleep(CROWD_EVERY)
            cpu = (time.process_time() - cpu) / (time.monotonic() - began)
            resident = installation.Running(pid=0, public="", internal="").resident()
    waited = noting.waited
    if len(waited) < 0.8 * CROWD:
        raise RuntimeError(f"{len(waited)} probes of {CROWD} were made: the figures would say nothing")
    return {**_quantiles(waited), "cpu": cpu, "resident": resident}


class Noting:
    """What the schedule talks to, and beside it a list of how late each probe started, in seconds."""

    def __init__(self, hub: Hub) -> None:
        self.waited: list[float] = []
        self.probe, self.is_suspect, self.tick = hub.probe, hub.is_suspect, hub.tick
        self._hub = hub

    async def observe(self, result: Result) -> None:
        self.waited.append((result.started - result.slot).total_seconds())
        await self._hub.observe(result)


async def main(side: str, port: int, hang: int = 0, hanging: float = 0.0) -> None:
    """Measure one side and print its figures."""
    async with asyncio.timeout(2 * WITHIN):
        print(json.dumps(await (bare(port) if side == "bare" else late(port, hang, hanging))), flush=True)


if __name__ == "__main__":
    said = sys.argv[1:]
    uvloop.run(main(said[0], int(said[1]), *map(int, said[2:3]), *map(float, said[3:])))
