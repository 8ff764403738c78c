"""What a probe may cost, for every kind there is and every way there is of being rude: time, memory, the loop, sockets, tasks."""

import asyncio
import gc
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from probes.catalog import KINDS
from probes.egress import Door
from probes.kind import ProbeKind
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.deadline import until
from tests.rude.examples import EXAMPLES
from tests.rude.hostile import MANNERS, Hostile, hostile

TIMEOUT = 0.4
FLOODED = 0.2
"""The timeout in a flood: several megabytes come in a tenth of it."""
LATEST = 0.25
"""Seconds after its timeout within which a probe must have ended."""
MOST_MEMORY = 8 * 1024
"""Kilobytes that a probe may add."""
LONGEST_TURN = 0.05
"""Seconds of CPU for which a probe may keep the loop from everybody else."""
PASSIVE = {"heartbeat"}
LONGEST_WAIT = 3 * LONGEST_TURN
"""Seconds by the clock: what blocks uses no CPU. Three times as much, for a machine that is busy with other things."""
TRIES = 5
"""Such a machine disturbs a measurement now and then, and not five times in a row."""
FLOODS = [name for name in MANNERS if "for ever" in name or name in {"garbage", "zeros", "empty lines", "tls garbage", "echo"}]
SHARE = 5
"""One in so many floods is met by each kind, each of them by others; `make soak` has every kind meet all."""


@pytest.fixture(scope="module")
def places() -> Iterator[Hostile]:
    with hostile() as places:
        yield places


def active() -> list[str]:
    return [name for name, kind in KINDS.items() if kind.measure is not None]


def settings(kind: str, port: int) -> list[Any]:
    return [KINDS[kind].settings.model_validate(example) for example in EXAMPLES[kind](port)]


def test_every_kind_has_an_example_that_points_at_a_rude_port() -> None:
    assert set(KINDS) - EXAMPLES.keys() == PASSIVE
    assert {name for name, kind in KINDS.items() if kind.measure is None} == PASSIVE


@dataclass(slots=True)
class Loop:
    """What was seen of the loop meanwhile: the longest turn by its own CPU time, and the longest by the clock."""

    turn: float = 0.0
    lag: float = 0.0


@asynccontextmanager
async def watched() -> AsyncIterator[Loop]:
    """Look every five milliseconds. CPU time tells a probe that keeps the loop from a machine that gives us no turn."""
    seen, loop = Loop(), asyncio.get_running_loop()

    async def watch() -> None:
        while True:
            cpu, due = time.thread_time(), loop.time() + 0.005
            await asyncio.sleep(0.005)
            seen.turn = max(seen.turn, time.thread_time() - cpu)
            seen.lag = max(seen.lag, loop.time() - due)

    watching = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        watching.cancel()
        await asyncio.wait((watching,))


async def probed(kind: ProbeKind[Any], given: Any, door: Door, timeout: float = TIMEOUT) -> ProbeResult:  # noqa: ANN401 - any kind's settings
    return await run(kind, given, door=door, timeout=timeout, started=datetime.now(UTC))


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - one listing, as it is at this moment


def open_door() -> Door:
    return Door(programs=[Path("/usr/bin")])


@pytest.mark.parametrize("name", active())
async def test_whatever_a_target_does_a_probe_ends_in_time_and_leaves_nothing_behind(name: str, places: Hostile) -> None:
    door, kind = open_door(), KINDS[name]
    for given in settings(name, places.ports["fin"]):  # what is made once, such as a TLS context, is made here
        await probed(kind, given, door)
    await until(lambda: len(asyncio.all_tasks()) == 1)
    gc.collect()
    before = descriptors()
    manners = [(manner, given) for manner, port in places.ports.items() for given in settings(name, port)]
    async with watched() as loop:
        results = await asyncio.gather(*(probed(kind, given, door) for _, given in manners))
        await until(lambda: len(asyncio.all_tasks()) == 2)  # the test and the watch
    for (manner, given), result in zip(manners, results, strict=True):
        assert result.took <= TIMEOUT + LATEST + loop.lag, (manner, given, result)
        had_turns = loop.lag < LONGEST_TURN  # without them nobody can let go in time; who takes them is told below
        assert result.failure is not Failure.CRASHED or not had_turns, (manner, given, result)
    await until(lambda: descriptors() <= before)
    async with asyncio.timeout(60):
        while any((await places.opened()).values()):  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", active())
def test_no_flood_costs_more_than_a_little_memory_or_keeps_the_loop_from_others(
    name: str,
    places: Hostile,
    is_soak: bool,  # noqa: FBT001 - a fixture
) -> None:
    floods = FLOODS if is_soak else FLOODS[active().index(name) % SHARE :: SHARE]
    assert asyncio.run(too_costly(name, floods, places)) == {}, "kilobytes, seconds of CPU, seconds by the clock"


async def too_costly(name: str, floods: Sequence[str], places: Hostile) -> dict[str, tuple[int, float, float]]:
    """Meet *floods*; gives those that cost more than is allowed each time, and what the last one cost."""
    door, found = open_door(), {}
    for manner in ("fin", "garbage"):  # what is made once, such as a TLS context, is made here
        for given in settings(name, places.ports[manner]):
            await probed(KINDS[name], given, door, FLOODED)
    for manner in floods:
        for given in settings(name, places.ports[manner]):
            tried = [await cost(KINDS[name], given, door)]
            while is_too_much(tried[-1]) and len(tried) < TRIES:
                tried.append(await cost(KINDS[name], given, door))
            if is_too_much(tried[-1]):
                found[f"{manner}: {given}"] = tried[-1]
    return found


def is_too_much(cost: tuple[int, float, float]) -> bool:
    memory, turn, lag = cost
    return memory > MOST_MEMORY or turn > LONGEST_TURN or lag > LONGEST_WAIT


async def cost(kind: ProbeKind[Any], given: Any, door: Door) -> tuple[int, float, float]:  # noqa: ANN401 - any kind's settings
    """Give the kilobytes that one probe adds at most, the CPU seconds of its longest turn, and for how long the loop stood still."""
    gc.collect()
    before = resident_from_here()
    async with watched() as loop:
        await probed(kind, given, door, FLOODED)
    return resident("VmHWM") - before, loop.turn, loop.lag


def resident_from_here() -> int:
    """Kilobytes now; the peak begins anew (proc(5))."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return resident("VmRSS")


def resident(field: str) -> int:
    """Kilobytes."""
    line = next(line for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if line.startswith(field))
    return int(line.split()[1])
