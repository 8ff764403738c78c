"""A service that cannot see the world says so, once, and nothing of others; real processes, real sockets that fall silent."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, func, select

from incidents.impairment import Hindrance, Impairment
from incidents.model import Status
from statuspage.store.engine import Store
from statuspage.store.listing import impairments_of_ours
from statuspage.store.tables import controls, incidents
from tests.deadline import until
from tests.faults.test_stopped import serving, statuses
from tests.rude.peer import Peer, rude


@dataclass(slots=True)
class World:
    """Three controls and a target, each a mail server; *silent* ones take the connection and say nothing."""

    config: Path
    data_dir: Path
    silent: set[str] = field(default_factory=set)
    asked: int = 0

    async def control(self, peer: Peer) -> None:
        await self._greet(peer, "controls")

    async def target(self, peer: Peer) -> None:
        self.asked += 1
        await self._greet(peer, "target")

    async def _greet(self, peer: Peer, name: str) -> None:
        if name in self.silent:
            await peer.hang()
            return
        await peer.say(b"220 here\r\n")
        while await peer.hear():
            await peer.say(b"250 yes\r\n")

    def read(self) -> tuple[Sequence[str], Sequence[Impairment]]:
        """The incidents there ever were, and every record of impairment."""

        def look(connection: Connection) -> tuple[Sequence[str], Sequence[Impairment]]:
            found = impairments_of_ours(connection, before=None, limit=99)
            return connection.execute(select(incidents.c.id)).scalars().all(), [one for _, one in found]

        with Store.blocking("sqlite:///statuspage.db", self.data_dir) as database:
            return database.read(look)

    def has_found_all_well(self) -> bool:
        """Whether the target works, and every control has answered once."""
        with Store.blocking("sqlite:///statuspage.db", self.data_dir) as database:
            proven = database.read(lambda connection: connection.scalar(select(func.count()).select_from(controls))) or 0
        return statuses(self.data_dir) == [Status.OPERATIONAL] and proven >= 3

    def is_blind(self) -> bool:
        return any(one.is_open for one in self.read()[1])


@asynccontextmanager
async def world_of(tmp_path: Path) -> AsyncIterator[World]:
    """The servers, and a configuration by which the first failure opens an incident."""
    world = World(config=tmp_path / "statuspage.yaml", data_dir=tmp_path / "data")
    async with AsyncExitStack() as stack:
        asked = [await stack.enter_async_context(rude(world.control)) for _ in range(3)]
        target = await stack.enter_async_context(rude(world.target))
        monitor = {"probe": "smtp", "host": "127.0.0.1", "port": target.port, "every": "1s", "timeout": "900ms", "recheck": "100ms"}
        said = {
            "site": {"name": "Example", "url": "http://127.0.0.1"},
            "listen": {"public": "127.0.0.1:0", "internal": "127.0.0.1:0"},
            "locations": {"local": {"controls": [{"probe": "smtp", "host": "127.0.0.1", "port": one.port} for one in asked]}},
            "services": {"mail": {"monitors": [{**monitor, "fails_after": 1, "recovers_after": 1}]}},
        }
        world.config.write_text(json.dumps(said), encoding="utf-8")
        yield world


async def test_a_hub_whose_controls_fall_silent_opens_nothing_and_keeps_one_record(tmp_path: Path) -> None:
    async with world_of(tmp_path) as world:
        with serving(world.config, world.data_dir):
            await until(lambda: world.asked > 2 and world.has_found_all_well())
            world.silent = {"controls", "target"}
            await until(lambda: statuses(world.data_dir)[-1] is Status.UNKNOWN)
            before = world.asked
            await until(lambda: world.asked > before + 10)
            assert world.is_blind()
            world.silent = set()
            await until(lambda: not world.is_blind() and statuses(world.data_dir)[-1] is Status.OPERATIONAL)
        opened, records = world.read()
    assert opened == []
    assert [(one.location, one.reason, one.is_open) for one in records] == [("local", Hindrance.BLIND, False)]
    assert "3 of 3 controls fail" in records[0].detail
    assert statuses(world.data_dir) == [Status.OPERATIONAL, Status.UNKNOWN, Status.OPERATIONAL]


async def test_the_same_failure_is_an_outage_where_the_controls_answer(tmp_path: Path) -> None:
    async with world_of(tmp_path) as world:
        with serving(world.config, world.data_dir):
            await until(lambda: world.asked > 2 and world.has_found_all_well())
            world.silent = {"target"}
            await until(lambda: statuses(world.data_dir)[-1] is Status.MAJOR)
        opened, records = world.read()
    assert (len(opened), records) == (1, [])


async def test_blindness_outlasts_the_process_that_found_it(tmp_path: Path) -> None:
    async with world_of(tmp_path) as world:
        with serving(world.config, world.data_dir):
            await until(lambda: world.asked > 2 and world.has_found_all_well())
            world.silent = {"controls", "target"}
            await until(world.is_blind)
        before = world.asked
        with serving(world.config, world.data_dir):
            await until(lambda: world.asked > before + 5)
            assert world.is_blind()
            world.silent = set()
            await until(lambda: not world.is_blind() and statuses(world.data_dir)[-1] is Status.OPERATIONAL)
        opened, records = world.read()
    assert (opened, len(records)) == ([], 1)
