"""What a scrape of ten thousand monitors costs, against text that is only joined, and how long it holds up the event loop.

``python -m tests.bench.scraping`` prints milliseconds: ``text`` as ``/metrics`` is spelled, ``joined`` for as many lines whose label
blocks are ready, ``stall`` for how late the loop ran at worst while it was spelled on a thread beside it.
"""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import uvloop

from incidents.model import Component, Monitor, Need, Service, Situation, Topology
from probes.result import ProbeResult, Result
from statuspage.render.metrics import Health, Metrics

MONITORS = 10_000
ROUNDS = 7
SCRAPES = 5
TICK = 0.001
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
HEALTH = Health(loop_lag=0.001, queue_depth=0, crashed_turns=0, failed_writes=0, is_reload_good=True, reloaded_at=NOW)


def topology() -> Topology:
    """Ten thousand monitors, twenty to a component, each component a service."""
    components = [f"c{n}" for n in range(MONITORS // 20)]
    return Topology(
        services={f"s-{id}": Service(id=f"s-{id}", name={"en": id}, needs=(Need(of=(id,)),)) for id in components},
        components={id: Component(id=id, name=id) for id in components},
        monitors={f"m{n}": Monitor(id=f"m{n}", component=components[n % len(components)]) for n in range(MONITORS)},
    )


def main() -> None:
    """Spell and join in turn, then spell beside a loop that ticks; print the best of some rounds, and the worst tick."""
    situation, metrics, measured = Situation(topology=topology(), seed="seed"), Metrics(), ProbeResult(took=0.0123)
    latest = {
        (id, "local"): Result(monitor=id, location="local", slot=NOW - timedelta(seconds=n % 30), started=NOW, measured=measured)
        for n, id in enumerate(situation.topology.monitors)
    }

    def spell() -> bytes:
        return metrics.text(situation, latest, HEALTH, NOW)

    count = spell().count(b"\n")
    labels = [f'{{monitor="m{n}",location="local"}}' for n in range(MONITORS)]
    values = [one.measured.took for one in latest.values()]

    def join() -> bytes:
        rounds, rest = divmod(count, MONITORS)
        lines = [f"statuspage_some_name{label} {value}\n" for _ in range(rounds) for label, value in zip(labels, values, strict=True)]
        lines += lines[:rest]
        return "".join(lines).encode()

    taken = [(timed(spell), timed(join)) for _ in range(ROUNDS)]
    stall = uvloop.run(_stalled(spell))
    print(json.dumps({"text": min(one for one, _ in taken), "joined": min(one for _, one in taken), "stall": stall}))


def timed(turn: Callable[[], object]) -> float:
    """Milliseconds by the clock."""
    began = time.perf_counter()
    turn()
    return (time.perf_counter() - began) * 1000


async def _stalled(spell: Callable[[], bytes]) -> float:
    """How late a tick came at worst, in milliseconds, while a few scrapes were spelled on a thread, as the hub does."""
    worst, scrapes = 0.0, asyncio.create_task(_scraped(spell))
    while not scrapes.done():
        due = time.perf_counter() + TICK
        await asyncio.sleep(TICK)
        worst = max(worst, time.perf_counter() - due)
    await scrapes
    return worst * 1000


async def _scraped(spell: Callable[[], bytes]) -> None:
    for _ in range(SCRAPES):
        await asyncio.to_thread(spell)


if __name__ == "__main__":
    main()
