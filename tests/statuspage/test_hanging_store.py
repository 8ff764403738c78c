"""A store that hangs, is locked or is gone costs the probes nothing."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from incidents.policy import Policy
from probes.result import Failure, ProbeResult, Result
from probes.tcp import KIND, Settings
from statuspage import pipeline as road
from statuspage.clock import wall_clock
from statuspage.config.loading import Plan
from statuspage.pipeline import Pipeline
from statuspage.schedule import Schedule
from statuspage.store import connect, queries
from statuspage.store.engine import Store
from tests.deadline import until
from tests.incidents.world import World, need, service, topology


class Stuck:
    """Probes succeed at once; the house never comes to the end of its second."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.ticks = 0

    async def probe(self, _: Plan) -> ProbeResult:
        return ProbeResult(took=0.0)

    async def observe(self, result: Result) -> None:
        self.results.append(result)

    def is_suspect(self, _: str, __: str) -> bool:
        return False

    async def tick(self) -> None:
        self.ticks += 1
        await asyncio.Event().wait()


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another program holds the store's lock."""
    held = sqlite3.connect(file, isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        held.execute("ROLLBACK")
        held.close()


@pytest.fixture
async def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pipeline]:
    monkeypatch.setattr(connect, "PATIENCE", 0.2)
    known = topology([service("email", need("smtp"), need("imap"))])
    store = await Store.open("sqlite:///road.db", tmp_path)
    await store.write(lambda connection: queries.installation(connection, url="http://status.example.net", now=World(known).now))
    situation = await store.read(lambda connection: queries.situation(connection, known))
    opened = Pipeline(store=store, situation=situation, policy=Policy(), now=lambda: World(known).now + timedelta(minutes=1))
    yield opened
    await opened.close()
    await store.close()


async def test_the_cadence_goes_on_while_the_house_waits_for_its_store() -> None:
    stuck = Stuck()
    schedule = Schedule(probing=stuck, now=wall_clock)
    plan = Plan(monitor="a", location="local", kind=KIND, settings=Settings(host="127.0.0.1", port=9), every=0.4, timeout=0.3, recheck=0.1)
    schedule.start([plan], {})
    try:
        await until(lambda: len(stuck.results) >= 12)
    finally:
        await schedule.stop()
    assert {result.failure for result in stuck.results} == {None}
    assert stuck.ticks == 1


async def test_while_the_store_is_away_only_the_tick_asks_for_it(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(road, "FLUSH_AT", 5)
    world = World(pipeline.situation.topology)
    with locked(tmp_path / "road.db"):
        for _ in range(10):
            await pipeline.observe(world.result("smtp", Failure.REFUSED))
            world.wait(1)
        assert pipeline.figures.failed_writes == 1
        await pipeline.tick()
        assert pipeline.waiting == 10
    await pipeline.tick()
    assert pipeline.waiting == 0
    assert len(pipeline.situation.incidents) == 1


async def test_what_waits_is_bounded_between_two_ticks_too(pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(road, "BUFFERED_AT_MOST", 3)
    world = World(pipeline.situation.topology)
    with locked(tmp_path / "road.db"):
        for _ in range(8):
            await pipeline.observe(world.result("smtp", Failure.REFUSED))
            world.wait(1)
            assert pipeline.waiting <= 3
    assert pipeline.figures.dropped_results == 5


async def test_what_is_no_longer_watched_is_forgotten(pipeline: Pipeline) -> None:
    world = World(pipeline.situation.topology)
    for monitor in ("smtp", "imap"):
        await pipeline.observe(world.result(monitor, None))
    await pipeline.replace(topology([service("email", need("smtp"))]), Policy())
    assert set(pipeline.latest) == {("smtp", "local")}
