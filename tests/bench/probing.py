"""CPU per probe of the whole engine, due to stored, on new connections: ``python -m tests.bench.probing engine|paced KIND PORT [CA]``."""

import asyncio
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import uvloop

from probes.result import ProbeResult, Result
from statuspage.app import spare_the_collector
from statuspage.assembly import running
from statuspage.clock import wall_clock
from statuspage.config.loading import load, plans
from statuspage.hub import Hub
from tests.bench.floors import PROBES, USUAL, many
from tests.bench.installation import SERVICES, written
from tests.deadline import until

MONITORS = 1_000
WARM_UP = 1_000
ROUNDS = 3
"""After two rounds of good results every monitor is judged, and one more is no news any more."""

DEADLINE = 100.0
PACED_FOR = 10.0


async def engine(target: Mapping[str, object]) -> float:
    """Seconds of CPU a probe of ours: probe, judge, store in batches, commit. The last commit counts too."""
    count = PROBES.get(str(target["url"])[:5] if "url" in target else "", USUAL)
    with tempfile.TemporaryDirectory() as directory:
        loaded = load(_configuration(Path(directory), target, every="1h", timeout="10s"), {})
        async with running(loaded, Path(directory), wall_clock) as hub:
            await hub.schedule.stop()
            await _settle(hub)
            spare_the_collector()  # as the service does once it runs
            due = itertools.cycle(plans(loaded.config))
            slots = itertools.count()
            start = wall_clock()

            async def probe() -> None:
                plan, slot = next(due), start + timedelta(milliseconds=next(slots))
                measured = await hub.probe(plan)
                if measured.failure is not None:
                    raise RuntimeError(f"the target did not answer: {measured.failure} {measured.detail}")
                await hub.observe(Result(monitor=plan.monitor, location=plan.location, slot=slot, started=slot, measured=measured))

            await many(WARM_UP, probe)
            await hub.pipeline.flush()
            began = time.process_time()
            await many(count, probe)
            await hub.pipeline.flush()
            return (time.process_time() - began) / count


async def paced(target: Mapping[str, object]) -> float:
    """Seconds of CPU a probe where the schedule itself starts a thousand monitors, each once a second.

    Everything that the service does beside is in it: ticks, the watchdog, the page.
    """
    with tempfile.TemporaryDirectory() as directory:
        async with running(load(_configuration(Path(directory), target, every="1s", timeout="1s"), {}), Path(directory), wall_clock) as hub:
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


def target(kind: str, port: int, ca: str) -> dict[str, object]:
    """What a monitor of *kind* says, to do what the yardsticks do."""
    match kind:
        case "http":
            return {"probe": "http", "url": f"http://127.0.0.1:{port}/"}
        case "https":
            return {"probe": "http", "url": f"https://127.0.0.1:{port}/", "ca": ca}
        case "dns":
            return {"probe": "dns", "query": "www.example.net", "server": "127.0.0.1", "port": port}
        case "smtp":
            return {"probe": "smtp", "host": "127.0.0.1", "port": port, "helo": "bench.example.net"}
        case _:
            return {"probe": kind, "host": "127.0.0.1", "port": port}


def _configuration(directory: Path, target: Mapping[str, object], *, every: str, timeout: str) -> Path:
    monitors = {f"m{n}": {"component": f"c{n % SERVICES}", **target} for n in range(MONITORS)}
    return written(directory, monitors, every=every, timeout=timeout, recheck="500ms")


async def main(side: str, kind: str, port: int, ca: str = "") -> None:
    """Measure one side, under a deadline, and print its figure."""
    async with asyncio.timeout(DEADLINE):
        print(json.dumps(await {"engine": engine, "paced": paced}[side](target(kind, port, ca))), flush=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:]))
