"""Runs http probes one after the other, many at once, and looks at its own memory: ``python -m tests.rude.mill COUNT``, as JSON."""

import asyncio
import gc
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

import uvloop

from probes import http
from probes.egress import Door
from probes.run import run
from tests.bench import turns

AT_ONCE = 50
LOOKS = 20


@dataclass(slots=True)
class Ground:
    """*resident* is looked at in kilobytes, twenty times, evenly spread over the second half; *took* is in seconds."""

    probes: int = 0
    failed: int = 0
    took: float = 0.0
    resident: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)


async def grind(count: int, port: int) -> Ground:
    """Probe *count* times, whether or not it goes well."""
    ground, door, loop = Ground(), Door(), asyncio.get_running_loop()
    settings = http.Settings(url=f"http://127.0.0.1:{port}/")
    began = loop.time()
    turn = count // 2 // LOOKS

    async def worker() -> None:
        while ground.probes < count:
            ground.probes += 1
            look = ground.probes - count // 2
            if look > 0 and look % turn == 0:
                ground.resident.append(_resident())
                ground.descriptors.append(_descriptors())
            result = await run(http.KIND, settings, door=door, timeout=10)
            ground.failed += result.failure is not None

    async with asyncio.TaskGroup() as workers:
        for _ in range(AT_ONCE):
            workers.create_task(worker())
    ground.took = loop.time() - began
    return ground


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _resident() -> int:
    gc.collect()
    line = next(line for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1])


def ground(count: int) -> Ground:
    """Probe a target in a process of its own."""
    with turns.targets() as there:
        return uvloop.run(grind(count, there.ports["http"]))


if __name__ == "__main__":
    json.dump(asdict(ground(int(sys.argv[1]))), sys.stdout)
