"""What another process writes beside the running service: heard at the next tick, told to the audience, judged."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from incidents import pausing
from incidents.events import Event, Paused, Resumed
from probes.result import Result
from statuspage.store import queries
from statuspage.store.engine import Store
from statuspage.store.record import record
from tests.statuspage.desks import TOPOLOGY, House, housed


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        await opened.all_good()
        yield opened


def pause_elsewhere(house: House) -> None:
    with Store.blocking("sqlite:///desk.db", house.data_dir) as database:
        situation = database.read(lambda connection: queries.situation(connection, TOPOLOGY))
        events = pausing.pause(situation, house.now, monitor="outgoing-port", by="ada", reason="its disk is changed")
        database.write(lambda connection: record(connection, events=events, results=(), at=house.now))


def listen(house: House) -> list[Event]:
    told: list[Event] = []

    def hear(events: Sequence[Event], _: Sequence[Result]) -> None:
        told.extend(events)

    house.pipeline.audience = hear
    return told


async def test_the_next_tick_knows_what_another_process_wrote(house: House) -> None:
    told = listen(house)
    pause_elsewhere(house)
    assert not house.pipeline.situation.paused
    await house.pipeline.tick()
    assert house.pipeline.situation.paused.keys() == {"outgoing-port"}
    assert [event.monitor for event in told if isinstance(event, Paused)] == ["outgoing-port"]


async def test_what_another_process_wrote_is_told_once(house: House) -> None:
    told = listen(house)
    pause_elsewhere(house)
    for _ in range(3):
        await house.pipeline.tick()
        house.wait(seconds=1)
    assert len([event for event in told if isinstance(event, Paused)]) == 1


async def test_an_act_is_judged_by_what_another_process_wrote_before_any_tick(house: House) -> None:
    told = listen(house)
    pause_elsewhere(house)
    await house.pipeline.act(partial(pausing.resume, monitor="outgoing-port", by="bob"))
    assert [(type(event), event.by) for event in told if isinstance(event, Paused | Resumed)] == [(Paused, "ada"), (Resumed, "bob")]
    assert not house.pipeline.situation.paused
