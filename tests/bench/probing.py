"""CPU per http probe: the whole engine, due to stored, against a bare loop of aiohttp requests on new connections.

Each side runs in a process of its own and counts its own CPU, threads included: ``python -m tests.bench.probing bare|engine|paced PORT``.
"""

import asyncio
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import aiohttp
import uvloop

from probes.result import ProbeResult, Result
from statuspage.clock import wall_clock
from statuspage.config.loading import load, plans
from statuspage.hub import Hub, running
from tests.bench.installation import SERVICES, written
from tests.deadline import until

AT_ONCE = 100
PROBES = 8_000
MONITORS = 1_000
WARM_UP = 1_000
ROUNDS = 3
"""After two rounds of good results every monitor is judged, and one more is no news any more."""

DEADLINE = 100.0
PACED_FOR = 10.0


async def bare(port: int) -> float:
    """Seconds of CPU a request of the yardstick: one shared session, a new connection each time."""
    url = f"http://127.0.0.1:{port}/"
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def request() -> None:
            async with session.get(url) as answer:
                await answer.read()

        await _many(WARM_UP, request)
        began = time.process_time()
        await _many(PROBES, request)
        return (time.process_time() - began) / PROBES


async def engine(port: int) -> float:
    """Seconds of CPU a probe of ours at the same concurrency: probe, judge, store in batches, commit. The last commit counts too."""
    with tempfile.TemporaryDirectory() as directory:
        loaded = load(_configuration(Path(directory), port, every="1h"), {})
        async with running(loaded, Path(directory), wall_clock) as hub:
            await hub.schedule.stop()
            await _settle(hub)
            due = itertools.cycle(plans(loaded.config))
            slots = itertools.count()
            start = wall_clock()

            async def probe() -> None:
                plan, slot = next(due), start + timedelta(milliseconds=next(slots))
                measured = await hub.probe(plan)
                if measured.failure is not None:
                    raise RuntimeError(f"the target did not answer: {measured.failure} {measured.detail}")
                await hub.observe(Result(monitor=plan.monitor, location=plan.location, slot=slot, started=slot, measured=measured))

            await _many(WARM_UP, probe)
            await hub.pipeline.flush()
            began = time.process_time()
            await _many(PROBES, probe)
            await hub.pipeline.flush()
            return (time.process_time() - began) / PROBES


async def paced(port: int) -> float:
    """Seconds of CPU a probe where the schedule itself starts a thousand monitors, each once a second.

    Everything that the service does beside is in it: ticks, the watchdog, the page.
    """
    with tempfile.TemporaryDirectory() as directory:
        async with running(load(_configuration(Path(directory), port, every="1s"), {}), Path(directory), wall_clock) as hub:
            await _settle(hub)
            pace = hub.schedule.pace
            await until(lambda: pace.started >= 2 * MONITORS, within=DEADLINE)
            before, cpu = pace.started, time.process_time()
            await asyncio.sleep(PACED_FOR)
            return (time.process_time() - cpu) / (pace.started - before)


async def _settle(hub: Hub) -> None:
    """Let every monitor be known to work, as it is nearly all the time."""
    measured = ProbeResult(took=0.001)
    for _ in range(ROUNDS):
        slot = wall_clock()
        async with asyncio.TaskGroup() as tasks:
            for id in hub.pipeline.situation.topology.monitors:
                tasks.create_task(hub.observe(Result(monitor=id, location="local", slot=slot, started=slot, measured=measured)))
    await hub.pipeline.flush()
    await hub.press.issue()


def _configuration(directory: Path, port: int, *, every: str) -> Path:
    url = f"http://127.0.0.1:{port}/"
    monitors = {f"m{n}": {"component": f"c{n % SERVICES}", "probe": "http", "url": url} for n in range(MONITORS)}
    return written(directory, monitors, every=every, timeout="1s", recheck="500ms")


async def _many(count: int, work: Callable[[], Awaitable[None]]) -> None:
    left = iter(range(count))

    async def worker() -> None:
        for _ in left:
            await work()

    async with asyncio.TaskGroup() as workers:
        for _ in range(AT_ONCE):
            workers.create_task(worker())


async def main(side: str, port: int) -> None:
    """Measure one side, under a deadline, and print its figure."""
    async with asyncio.timeout(DEADLINE):
        print(json.dumps(await {"bare": bare, "engine": engine, "paced": paced}[side](port)), flush=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
