"""The hub dies at any await between the outbox and a room: everything is announced, in order, and one announcement at most twice."""

import asyncio
from pathlib import Path

import pytest

from probes.egress import Door
from statuspage.config.loading import load
from statuspage.config.models import Config
from statuspage.store.engine import Store
from statuspage.telling import deliverer, rewire
from tests.statuspage.outlets import Room, listening, written
from tests.statuspage.tellings import House, known, telling
from tests.statuspage.test_deliver_crashes import Crash, Fuse, fuses

EVERY = 8
"""Awaits from one death to the next, but for `make soak`, which takes them all: each costs two processes or three."""


async def crashed(house: House, fuse: Fuse, config: Config) -> None:
    """Deliver until the hub dies, or all is delivered; then again with what the store knows."""
    store = house.store
    mortal = Store(store._database)
    mortal.read, mortal.write = fuse.around(store.read), fuse.around(store.write)  # type: ignore[method-assign,assignment]
    rewire(house.deliverer, config, Door())
    house.deliverer.store = house.deliverer.letters.store = mortal
    try:
        for _ in range(6):
            await house.deliverer.look()
            await house.deliverer.idle()
    except Crash:
        await house.deliverer.idle()
    house.deliverer = deliverer(house.press)
    rewire(house.deliverer, config, Door())
    for _ in range(4):
        await house.pass_by(60)
        await house.deliver()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_death_at_any_await_loses_nothing_and_repeats_one_announcement_at_most(tmp_path: Path, is_soak: bool) -> None:  # noqa: FBT001
    async with listening(Room()) as room:
        path, environ = written(tmp_path, {"ops": room.url()})
        config = (await asyncio.to_thread(load, path, environ)).config
        for at, fuse in fuses(every=1 if is_soak else EVERY, at_least=20):
            room.heard.clear()
            (directory := tmp_path / str(at)).mkdir()
            async with telling(directory, known()) as house:
                incident = await house.outage()
                await house.pass_by(120)
                await house.say(incident.id, "A disk is full.")
                await crashed(house, fuse, config)
                told = [one["message"].partition("\n")[0] for one in room.heard]
                assert len(told) <= 3, f"at {at}: {told}"
                assert (told[0].startswith("Our monitoring"), told[-1]) == (True, "A disk is full."), f"at {at}: {told}"
                assert len(set(told)) == 2, f"at {at}: {told}"
                assert all(one.delivered_at for one in await house.sent(incident.id)), f"at {at}"
