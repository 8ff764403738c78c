"""kill -9 while incidents open and agents act: nothing that was answered is lost, nothing is there twice, nothing is half written."""

import asyncio
import random
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from statuspage.demo.ports import Address, Conversation, free_address
from statuspage.store import people
from statuspage.store.engine import Store
from statuspage.store.people import Role
from tests.faults import hub as driver
from tests.faults.desk import Agent, Answered
from tests.faults.oracle import broken, came_back
from tests.stories.programs import Hub

COMPONENTS = ("storage", "mail", "web", "side")
AGENTS = 6
LONGEST_LIFE = 1.0
"""Seconds; a hub is killed at a random moment of them, its first probes and rechecks included."""

FILE = """
site: {{name: Example, url: "http://{public}"}}
console: {{url: "http://{internal}"}}
listen: {{public: "{public}", internal: "{internal}"}}
store: {{url: "sqlite:///kept.db"}}
services:
  email: {{resolves_after: 1s, needs: [mail, side]}}
  portal: {{resolves_after: 1s, needs: [web]}}
  files: {{resolves_after: 1s, needs: [storage]}}
components: {{storage: {{}}, mail: {{depends_on: [storage]}}, web: {{depends_on: [storage]}}, side: {{}}}}
defaults: {{monitor: {{every: 1s, timeout: 500ms, recheck: 50ms, fails_after: 2, recovers_after: 1, stale_after: 30s}}}}
monitors:
"""


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@dataclass(slots=True)
class Target:
    """A TCP port that is open or not."""

    address: Address = field(default_factory=free_address)
    port: Conversation = field(init=False)
    is_open: bool = False

    def __post_init__(self) -> None:
        self.port = Conversation(self.address)

    async def turn(self, *, is_open: bool) -> None:
        if is_open is not self.is_open:
            await (self.port.open(_hang_up) if is_open else self.port.close())
            self.is_open = is_open


@dataclass(slots=True, kw_only=True)
class Trial:
    """A hub that is killed over and over, with the world around it. *luck* decides everything that is random."""

    directory: Path
    hub: Hub
    targets: Sequence[Target]
    luck: random.Random
    answered: Answered = field(default_factory=Answered)
    is_up: asyncio.Event = field(default_factory=asyncio.Event)
    incidents: int = 0

    async def lives(self, kills: int, tokens: Sequence[str]) -> AsyncIterator[list[str]]:
        """After each kill and restart, what is wrong; the hub is up meanwhile. More kills where a slow machine let nobody act before."""
        await self._live_on()
        agents = [asyncio.create_task(self._agent(number, token).work()) for number, token in enumerate(tokens)]
        try:
            for number in range(5 * kills):
                if number >= kills and self.answered.is_of_every_kind:
                    break
                self.is_up.set()
                await self._live_until(asyncio.get_running_loop().time() + self.luck.uniform(0.05, LONGEST_LIFE))
                await self.hub.kill()
                self.is_up.clear()
                await self._toggle()
                await self._live_on()
                yield await self._wrong()
        finally:
            for agent in agents:
                agent.cancel()
            ended = await asyncio.gather(*agents, return_exceptions=True)
            self.answered.faults += [f"an agent broke: {error!r}" for error in ended if not isinstance(error, asyncio.CancelledError)]

    def _agent(self, number: int, token: str) -> Agent:
        luck = random.Random(self.luck.random())
        return Agent(name=f"agent-{number}", token=token, internal=self.hub.internal, luck=luck, answered=self.answered, is_up=self.is_up)

    async def _live_on(self) -> None:
        await self.hub.start()

    async def _live_until(self, end: float) -> None:
        """Let the world go on, ports opening and closing, until the moment of the kill."""
        loop = asyncio.get_running_loop()
        while (left := end - loop.time()) > 0:
            await asyncio.sleep(min(left, self.luck.uniform(0.05, 0.3)))
            await self._toggle()

    async def _toggle(self) -> None:
        await self.luck.choice(self.targets).turn(is_open=self.luck.random() < 0.5)

    async def _wrong(self) -> list[str]:
        database = self.directory / "data" / "kept.db"
        found = await asyncio.to_thread(broken, database, self.answered)
        returned = await asyncio.to_thread(came_back, database)
        given = [
            f"acknowledgement: {incident} was given to {first} and to {agent}"
            for incident, first, agent in sorted(self.answered.given_again)
            if incident not in returned
        ]
        return [*found, *self.answered.faults, *given, *await self._unlike_in_public(returned)]

    async def _unlike_in_public(self, returned: Collection[str]) -> list[str]:
        """Those that read the API see the same owners as the store holds. What was *returned* has belonged to nobody since."""
        headers = {"Authorization": f"Bearer {self.reading}"}
        async with ClientSession(self.hub.internal, headers=headers) as session, session.get("/api/v1/incidents?open=true") as response:
            opened: list[dict[str, Any]] = (await response.json())["items"]
        self.incidents += len(opened)
        returned = {*returned, *await asyncio.to_thread(came_back, self.directory / "data" / "kept.db")}  # while it was asked, too
        return [
            f"acknowledgement lost: {shown['id']} belongs to {owner}, and the API says {shown['acknowledged_by']}"
            for shown in opened
            if (owner := self.answered.owners.get(shown["id"])) is not None
            and shown["acknowledged_by"] != owner
            and shown["id"] not in returned
        ]

    reading: str = ""


@asynccontextmanager
async def tried(directory: Path, seed: int, environ: dict[str, str]) -> AsyncIterator[tuple[Trial, list[str]]]:
    """A trial with its agents' tokens; whatever comes of it, the hub and the ports are gone in the end."""
    print(f"\nseed {seed}")
    targets = [Target() for _ in COMPONENTS]
    public, internal = free_address(), free_address()
    monitors = [
        f"  {name}-port: {{component: {name}, probe: tcp, host: {target.address.host}, port: {target.address.port}}}\n"
        for name, target in zip(COMPONENTS, targets, strict=True)
    ]
    config = directory / "statuspage.yaml"
    config.write_text(FILE.format(public=public, internal=internal) + "".join(monitors), encoding="utf-8")
    hub = Hub(
        public=f"http://{public}",
        internal=f"http://{internal}",
        log=directory / "hub.log",
        module="tests.faults.hub",
        arguments=(str(config), str(directory / "data")),
        environ=environ,
    )
    tokens = await asyncio.to_thread(_tokens, directory / "data")
    trial = Trial(directory=directory, hub=hub, targets=targets, luck=random.Random(seed), reading=tokens[-1])
    try:
        yield trial, tokens[:-1]
    finally:
        await hub.kill()
        for target in targets:
            await target.turn(is_open=False)


def _tokens(data_dir: Path) -> list[str]:
    at = datetime.now(UTC)
    with Store.blocking("sqlite:///kept.db", data_dir) as store:
        return [
            store.write(lambda connection, name=name: people.add_token(connection, name=name, roles=[Role.LEVEL_ONE], at=at))  # type: ignore[misc]
            for name in (*(f"agent-{number}" for number in range(AGENTS)), "reader")
        ]


@pytest.mark.parametrize("seed", [11, 23])
async def test_nothing_answered_is_lost_and_nothing_is_there_twice(seed: int, tmp_path: Path, is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    kills = 100 if is_soak else 7
    async with tried(tmp_path, seed, {}) as (trial, tokens):
        async for wrong in trial.lives(kills, tokens):
            assert wrong == []
        await trial.hub.stop()
        answered = trial.answered
        assert answered.faults == []
        print(f"{kills} kills, {answered.count} answers, {trial.incidents} incidents seen open")
        assert answered.is_of_every_kind
        assert trial.incidents, "nothing was open at any restart: the trial tried nothing"


async def test_an_answer_before_the_commit_is_found_out(tmp_path: Path) -> None:
    found: list[str] = []
    async with tried(tmp_path, 5, {driver.ANSWERS_FIRST: "1"}) as (trial, tokens):
        async for wrong in trial.lives(10, tokens):
            found = [words for words in wrong if words.startswith("acknowledgement lost")]
            if found:
                break
    assert found, "an acknowledgement was answered, never stored, and nobody noticed"
