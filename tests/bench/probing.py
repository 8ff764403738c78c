"""CPU per http probe: the whole engine, due to stored, against a bare loop of aiohttp requests on new connections.

Each side runs in a process of its own and counts its own CPU, threads included: ``python -m tests.bench.probing bare|engine PORT``.
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

from probes.result import Result
from statuspage.hub import running
from statuspage.clock import wall_clock
from statuspage.config import load, plans
from statuspage.hub import running

AT_ONCE = 100
PROBES = 12_000
MONITORS = 1_000
WARM_UP = 3 * MONITORS  # after two rounds every monitor is judged, and a good result is no news any more


async def bare(port: int) -> float:
    """Seconds of CPU a request of the yardstick: one shared session, a new connection each time."""
    url = f"http://127.0.0.1:{port}/"
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def request() -> None:
            async with session.get(url) as answer:
                await answer.read()

        await _many(WARM_UP, request)
        return await _timed(PROBES, request)


async def engine(port: int) -> float:
    """Seconds of CPU a probe of ours at the same concurrency: probe, judge, store in batches, commit."""
    with tempfile.TemporaryDirectory() as directory:
        loaded = load(_configuration(Path(directory), port, every=3600), {})
        async with running(loaded, Path(directory), wall_clock) as hub:
            await hub.schedule.stop()
            due = itertools.cycle(plans(loaded.config))
            slots = itertools.count()
            start = wall_clock()

            async def probe() -> None:
                plan, slot = next(due), start + timedelta(milliseconds=next(slots))
                measured = await hub.probe(plan)
                await hub.observe(Result(monitor=plan.monitor, location=plan.location, slot=slot, started=slot, measured=measured))

            await _many(WARM_UP, probe)
            began = time.process_time()
            await _many(PROBES, probe)
            await hub.pipeline.flush()
            used = (time.process_time() - began) / PROBES
            if any(result.failure for result in hub.pipeline.latest.values()):
                raise RuntimeError("the target did not answer every probe")
            return used


async def paced(port: int) -> float:
    """Seconds of CPU a probe where the schedule itself starts a thousand monitors a second."""
    with tempfile.TemporaryDirectory() as directory:
        async with running(load(_configuration(Path(directory), port, every=1), {}), Path(directory), wall_clock) as hub:
            await asyncio.sleep(MONITORS / 50 + 3)
            before, cpu = hub.schedule.pace.started, time.process_time()
            await asyncio.sleep(10)
            return (time.process_time() - cpu) / (hub.schedule.pace.started - before)


def _configuration(directory: Path, port: int, *, every: int) -> Path:
    file = directory / "statuspage.yaml"
    monitors = {f"m{n}": {"component": f"c{n % 50}", "probe": "http", "url": f"http://127.0.0.1:{port}/"} for n in range(MONITORS)}
    written = {
        "site": {"name": "Bench", "url": "http://127.0.0.1:8080"},
        "listen": {"public": "127.0.0.1:1", "internal": "127.0.0.1:2"},
        "services": {f"s{n}": {"needs": [f"c{n}"]} for n in range(50)},
        "components": {f"c{n}": {} for n in range(50)},
        "defaults": {"monitor": {"every": f"{every}s", "timeout": "1s"}},
        "monitors": monitors,
    }
    file.write_text(json.dumps(written), encoding="utf-8")
    return file


async def _many(count: int, work: Callable[[], Awaitable[None]]) -> None:
    left = iter(range(count))

    async def worker() -> None:
        for _ in left:
            await work()

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


async def _timed(count: int, work: Callable[[], Awaitable[None]]) -> float:
    began = time.process_time()
    await _many(count, work)
    return (time.process_time() - began) / count


if __name__ == "__main__":
    side = {"bare": bare, "engine": engine, "paced": paced}[sys.argv[1]]
    print(json.dumps(uvloop.run(side(int(sys.argv[2])))), flush=True)
