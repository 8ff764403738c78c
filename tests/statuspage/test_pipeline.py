"""The one road in: what is stored is what is known, and what cannot be stored waits."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from incidents import act
from incidents.events import (
    Acknowledged,
    Event,
    Opened,
)
from incidents.impairment import Hindrance, Impaired
from incidents.model import Situation, Status, Subject
from incidents.policy import Policy
from incidents.sight import Glance, Look
from incidents.situation import fold
from probes.result import Failure, Result
from statuspage import pipeline as road
from statuspage.pipeline import Pipeline
from statuspage.store import connect, queries
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable
from tests.deadline import until
from tests.incidents.world import World, need, service, topology

LEASE = timedelta(minutes=30)


class Road:
    """A pipeline over a real store, and a world whose clock and results feed it."""

    def __init__(self, store: Store, pipeline: Pipeline, world: World) -> None:
        self.store, self.pipeline, self.world = store, pipeline, world
        self.heard: list[Event] = []
        pipeline.audience = self._hear

    def _hear(self, events: Sequence[Event], _: Sequence[Result]) -> None:
        self.heard.extend(events)

    async def good(self, *monitors: str) -> None:
        await self._observe(monitors, None)

    async def bad(self, *monitors: str) -> None:
        await self._observe(monitors, Failure.REFUSED)

    async def _observe(self, monitors: Sequence[str], failure: Failure | None) -> None:
        for monitor in monitors:
            await self.pipeline.observe(self.world.result(monitor, failure))
        self.world.wait(3)

    def is_away(self) -> bool:
        return self.pipeline.figures.store_is_away

    async def settled(self) -> None:
        """Everything works, and nothing waits."""
        for _ in range(3):
            await self.good("smtp", "imap")
        await self.pipeline.flush()

    async def stored(self) -> Situation:
        known = self.pipeline.situation.topology
        return await self.store.read(lambda connection: queries.situation(connection, known))


@pytest.fixture
async def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Road]:
    monkeypatch.setattr(connect, "PATIENCE", 0.3)
    world = World(topology([service("email", need("smtp"), need("imap"))]))
    store = await Store.open("sqlite:///road.db", tmp_path)
    await store.write(lambda connection: queries.installation(connection, url="http://status.example.net", now=world.now))
    situation = await store.read(lambda connection: queries.situation(connection, world.situation.topology))
    pipeline = Pipeline(store=store, situation=situation, policy=Policy(), now=lambda: world.now)
    yield Road(store, pipeline, world)
    await pipeline.close()
    await store.close()


async def test_what_is_known_is_what_is_stored(opened: Road) -> None:
    await opened.good("smtp", "imap")
    await opened.bad("smtp")
    await opened.bad("smtp")
    assert len(opened.pipeline.situation.incidents) == 1
    assert await opened.stored() == opened.pipeline.situation


async def test_results_that_change_nothing_wait_for_company(opened: Road) -> None:
    await opened.settled()
    turns = opened.pipeline.figures.turns
    await opened.good("smtp", "imap")
    assert opened.pipeline.waiting == 2
    assert opened.pipeline.figures.turns == turns
    await until(lambda: not opened.pipeline.waiting and opened.pipeline.figures.turns > turns)
    assert opened.pipeline.figures.turns == turns + 1
    assert (await opened.stored()).seen == opened.pipeline.situation.seen


async def test_a_failure_is_stored_before_anything_else_happens(opened: Road) -> None:
    await opened.good("smtp", "imap")
    await opened.bad("smtp")
    assert opened.pipeline.waiting == 0
    assert (await opened.stored()).streaks == opened.pipeline.situation.streaks


async def test_failures_that_come_while_others_are_stored_share_the_turn_after_it(opened: Road) -> None:
    await opened.good("smtp", "imap")
    turns, stored = opened.pipeline.figures.turns, 0

    async def failing() -> None:
        nonlocal stored
        for _ in range(3):
            opened.world.wait(1)
            result = opened.world.result("smtp", Failure.REFUSED)
            await opened.pipeline.observe(result)
            assert opened.pipeline.situation.seen["smtp", "local"] >= result.slot
            stored += 1

    await asyncio.gather(*(failing() for _ in range(20)))
    assert stored == 60
    assert opened.pipeline.figures.turns - turns == 3


async def test_failures_that_come_while_a_turn_is_written_share_the_next_one(opened: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many steady results go on arriving: each failure that paid a turn for those would let the others wait longer."""
    monkeypatch.setattr(road, "FLUSH_AFTER", 60)
    await opened.settled()
    turns, steady, free = opened.pipeline.figures.turns, list[asyncio.Future[None]](), threading.Event()

    def arrive(_: Sequence[Event], __: Sequence[Result]) -> None:
        steady.append(asyncio.ensure_future(opened.pipeline.observe(opened.world.result("imap", None))))
        opened.world.wait(3)

    opened.pipeline.audience = arrive
    held = asyncio.ensure_future(opened.store.write(lambda _: free.wait()))
    failing = []
    for _ in range(10):
        failing.append(asyncio.ensure_future(opened.bad("smtp")))
        await asyncio.sleep(0)
    await until(lambda: opened.pipeline.waiting == 9)
    free.set()
    await asyncio.gather(held, *failing)
    assert opened.pipeline.figures.turns == turns + 2
    assert (await opened.stored()).streaks == opened.pipeline.situation.streaks
    await asyncio.gather(*steady)
    assert opened.pipeline.waiting == 1


async def test_an_act_is_stored_when_it_returns(opened: Road) -> None:
    await opened.good("smtp", "imap")
    await opened.bad("smtp")
    await opened.bad("smtp")
    (incident,) = opened.pipeline.situation.incidents
    events = await opened.pipeline.act(partial(act.acknowledge, incident=incident, by="anna", lasts=LEASE))
    assert [type(event) for event in events] == [Acknowledged]
    held = (await opened.stored()).incidents[incident].acknowledgement
    assert held is not None
    assert held.by == "anna"


async def test_of_many_agents_at_once_exactly_one_wins(opened: Road) -> None:
    await opened.good("smtp", "imap")
    await opened.bad("smtp")
    await opened.bad("smtp")
    (incident,) = opened.pipeline.situation.incidents
    acts = [opened.pipeline.act(partial(act.acknowledge, incident=incident, by=f"agent{n}", lasts=LEASE)) for n in range(50)]
    answers = await asyncio.gather(*acts, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, act.AlreadyHeld)]
    assert len(refused) == 49
    holder = opened.pipeline.situation.incidents[incident].acknowledgement
    assert holder is not None
    assert {refusal.held.by for refusal in refused} == {holder.by}


async def test_a_refused_act_loses_no_result(opened: Road) -> None:
    await opened.settled()
    await opened.good("smtp", "imap")
    assert opened.pipeline.waiting == 2
    with pytest.raises(act.NotFound):
        await opened.pipeline.act(partial(act.acknowledge, incident="nothinghere0", by="anna", lasts=LEASE))
    assert opened.pipeline.waiting == 2


async def test_an_act_that_cannot_be_stored_did_not_happen(opened: Road, tmp_path: Path) -> None:
    await opened.good("smtp", "imap")
    await opened.bad("smtp")
    await opened.bad("smtp")
    (incident,) = opened.pipeline.situation.incidents
    held = sqlite3.connect(tmp_path / "road.db", isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable):
        await opened.pipeline.act(partial(act.acknowledge, incident=incident, by="anna", lasts=LEASE))
    assert opened.pipeline.situation.incidents[incident].acknowledgement is None
    held.execute("ROLLBACK")
    held.close()
    await opened.pipeline.act(partial(act.acknowledge, incident=incident, by="ben", lasts=LEASE))
    assert (await opened.stored()).incidents[incident].acknowledgement is not None


async def test_results_wait_while_the_store_is_away_and_are_judged_in_order_when_it_is_back(opened: Road, tmp_path: Path) -> None:
    await opened.good("smtp", "imap")
    held = sqlite3.connect(tmp_path / "road.db", isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    first = opened.world.now
    await opened.bad("smtp")
    await opened.bad("smtp")
    assert opened.is_away()
    assert opened.pipeline.waiting == 2
    assert not opened.pipeline.situation.incidents
    held.execute("ROLLBACK")
    held.close()
    await opened.pipeline.tick()
    assert not opened.is_away()
    (incident,) = opened.pipeline.situation.incidents.values()
    assert incident.started_at == first
    assert await opened.stored() == opened.pipeline.situation


async def test_the_buffer_is_bounded_and_lets_the_oldest_go(opened: Road, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(road, "BUFFERED_AT_MOST", 3)
    await opened.good("smtp", "imap")
    held = sqlite3.connect(tmp_path / "road.db", isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    for _ in range(5):
        await opened.bad("smtp")
    assert opened.pipeline.waiting == 3
    assert opened.pipeline.figures.dropped_results == 2
    held.execute("ROLLBACK")
    held.close()


async def test_a_result_that_breaks_a_turn_is_left_out_and_the_others_are_kept(opened: Road) -> None:
    await opened.good("smtp", "imap")
    broken = opened.world.result("smtp", Failure.REFUSED)
    object.__setattr__(broken.measured, "detail", object())
    for result in (broken, opened.world.result("imap", Failure.REFUSED)):
        await opened.pipeline.observe(result)
    assert opened.pipeline.figures.dropped_results == 1
    assert ("imap", "local") in (await opened.stored()).streaks
    assert (await opened.stored()).streaks["imap", "local"].failure == "refused"


async def test_counters_survive_a_restart_in_the_middle_of_a_failure(opened: Road) -> None:
    await opened.good("smtp", "imap")
    await opened.bad("smtp")
    again = Pipeline(store=opened.store, situation=await opened.stored(), policy=Policy(), now=lambda: opened.world.now)
    await again.observe(opened.world.result("smtp", Failure.REFUSED))
    assert len(again.situation.incidents) == 1


async def test_the_audience_hears_what_was_committed_and_can_follow_by_folding(opened: Road) -> None:
    before = opened.pipeline.situation
    await opened.good("smtp", "imap")
    await opened.bad("smtp")
    await opened.bad("smtp")
    followed = fold(before, opened.heard)
    assert followed.incidents == opened.pipeline.situation.incidents
    assert followed.standings == opened.pipeline.situation.standings
    assert sum(isinstance(event, Opened) for event in opened.heard) == 1


async def test_another_topology_keeps_what_is_known_of_what_stays(opened: Road) -> None:
    await opened.good("smtp", "imap")
    await opened.bad("smtp")
    await opened.pipeline.replace(topology([service("email", need("smtp"), need("pop"))]), Policy())
    assert ("smtp", "local") in opened.pipeline.situation.streaks
    assert ("imap", "local") not in opened.pipeline.situation.streaks
    assert opened.pipeline.situation.standings
    await opened.bad("smtp")
    assert [incident.services for incident in opened.pipeline.situation.incidents.values()] == [{"email": Status.PARTIAL}]


# --- whether we could see -------------------------------------------------------------------------------------------------------

GATEWAY = "gateway 10.0.0.1"


def look(road_: Road, failure: Failure | None) -> Look:
    at = road_.world.now
    return Look(location="local", at=at, since=at, glances=(Glance(control=GATEWAY, failure=failure),))


def records(situation: Situation) -> list[tuple[Hindrance, bool]]:
    return [(one.reason, one.is_open) for one in situation.impairments.values()]


async def test_what_the_controls_say_is_stored_and_judged_at_once(opened: Road) -> None:
    await opened.settled()
    await opened.pipeline.notice(look(opened, None))
    await opened.pipeline.notice(look(opened, Failure.TIMEOUT))
    assert records(opened.pipeline.situation) == [(Hindrance.BLIND, True)]
    assert opened.pipeline.situation.standings[Subject.SERVICE, "email"].status is Status.UNKNOWN
    assert await opened.stored() == opened.pipeline.situation


async def test_controls_that_failed_while_the_store_was_away_are_judged_before_the_results(opened: Road, tmp_path: Path) -> None:
    await opened.settled()
    await opened.pipeline.notice(look(opened, None))
    with sqlite3.connect(tmp_path / "road.db", isolation_level=None) as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        await opened.pipeline.notice(look(opened, Failure.TIMEOUT))
        assert opened.is_away()
        for _ in range(3):
            await opened.bad("smtp", "imap")
        blocker.execute("ROLLBACK")
    blocker.close()
    await opened.pipeline.tick()
    assert not opened.is_away()
    assert not [event for event in opened.heard if isinstance(event, Opened)]
    assert records(await opened.stored()) == [(Hindrance.BLIND, True)]


async def test_a_clock_that_is_set_is_one_record_and_no_incident(opened: Road) -> None:
    await opened.settled()
    await opened.pipeline.tick()
    for step in (timedelta(hours=1), timedelta(hours=-1)):
        opened.world.now += step
        await opened.pipeline.tick()
        await opened.pipeline.tick()
    begun = [event for event in opened.heard if isinstance(event, Impaired)]
    assert [event.reason for event in begun] == [Hindrance.CLOCK, Hindrance.CLOCK]
    assert begun[0].detail == "the clock was set forward, or the machine slept, by 1 h"
    assert begun[1].detail == "the clock was set back by 1 h"
    assert not [event for event in opened.heard if isinstance(event, Opened)]


async def test_the_time_in_which_the_service_was_not_running_is_one_record(opened: Road) -> None:
    await opened.settled()
    await opened.pipeline.close()
    ended = opened.world.now
    opened.world.wait(600)
    lived = await opened.store.read(queries.last_sign_of_life)
    assert lived == ended
    opened.pipeline.presence.lived_until = lived
    await opened.pipeline.tick()
    await opened.pipeline.tick()
    (record,) = (await opened.stored()).impairments.values()
    assert (record.reason, record.since, record.until) == (Hindrance.DOWN, ended, ended + timedelta(seconds=600))
