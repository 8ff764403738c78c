"""Bytes made anew after a change: from the commit to the new shelf, with 50 services and 90 days of history.

``python -m tests.bench.making`` prints lists of milliseconds: ``wall`` and ``cpu`` where one service broke or was mended, ``all_wall`` and
``all_cpu`` while all are broken.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import uvloop

from probes.result import Failure, ProbeResult, Result
from statuspage.app import spare_the_collector
from statuspage.assembly import assembled
from statuspage.clock import wall_clock
from statuspage.config.loading import load
from statuspage.hub import Hub
from statuspage.store.engine import Store
from tests.bench import installation
from tests.bench.installation import SERVICES

CHANGES = 20
DEADLINE = 60.0


class Clock:
    """The wall clock, put forward by as much as we like."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return wall_clock() + self.ahead


class Changing:
    """A hub whose monitors say what we want, one slot after the other."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self.hub, self._clock = hub, clock

    async def say(self, failure: Failure | None, monitors: Sequence[str]) -> None:
        """Every one of *monitors* gives two results, which is what it takes; returns after the commit."""
        measured = ProbeResult(took=0.01, failure=failure, stage="connect" if failure else None)
        for _ in range(2):
            self._clock.ahead += timedelta(seconds=1)
            slot = self._clock.now()
            results = [Result(monitor=id, location="local", slot=slot, started=slot, measured=measured) for id in monitors]
            async with asyncio.TaskGroup() as tasks:
                for result in results:
                    tasks.create_task(self.hub.observe(result))
        await self.hub.pipeline.flush()

    async def settle(self) -> None:
        """Let so much time pass that what recovered is resolved."""
        self._clock.ahead += timedelta(seconds=5)
        await self.hub.pipeline.tick()

    async def issue(self) -> tuple[float, float]:
        """Milliseconds, by the clock and of CPU, from here to a new shelf."""
        wall, cpu, before = time.perf_counter(), time.process_time(), self.hub.press.shelf
        shelf = await self.hub.press.issue()
        if before is not None and shelf.files["/"] is before.files["/"]:
            raise RuntimeError("nothing has changed")
        return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000


async def main() -> None:
    """Break and mend, and time each new shelf."""
    monitors = {f"m{n}": {"component": f"c{n}", "probe": "tcp", "host": "127.0.0.1", "port": 9} for n in range(SERVICES)}
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        loaded = load(installation.written(directory, monitors, every="1h", timeout="1s"), {})
        installation.give_history(directory, monitors, installation.now())
        clock = Clock()
        store = await Store.open(loaded.config.store.url, directory)
        try:
            async with asyncio.timeout(DEADLINE):
                # Without the schedule and without the press's own loop: the shelves are ours to time.
                hub = await assembled(loaded, store, directory, clock.now)
                spare_the_collector()  # as the service does once it runs
                await measure(Changing(hub, clock), list(monitors))
        finally:
            await store.close()


async def measure(changing: Changing, monitors: Sequence[str]) -> None:
    """Time single changes, then the same while everything else is broken too."""
    for _ in range(2):
        await changing.say(None, monitors)
    await changing.issue()
    one = await _changes(changing, monitors, (Failure.REFUSED, None))
    await changing.say(Failure.REFUSED, monitors)
    await changing.issue()
    everything = await _changes(changing, monitors, (None, Failure.REFUSED))
    print(json.dumps({"wall": one[0], "cpu": one[1], "all_wall": everything[0], "all_cpu": everything[1]}), flush=True)


async def _changes(
    changing: Changing, monitors: Sequence[str], there_and_back: tuple[Failure | None, Failure | None]
) -> tuple[list[float], list[float]]:
    took: list[tuple[float, float]] = []
    for monitor in monitors[: CHANGES // 2]:
        for failure in there_and_back:
            await changing.say(failure, [monitor])
            took.append(await changing.issue())
        await changing.settle()
        await changing.hub.press.issue()
    return [wall for wall, _ in took], [cpu for _, cpu in took]


if __name__ == "__main__":
    uvloop.run(main())
