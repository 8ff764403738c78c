"""Agents who act all at once against a hub that keeps dying, and the memory of what they were told had been done."""

import asyncio
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from aiohttp import ClientError, ClientSession

EXPECTED = {200, 201, 404, 409}
"""Done; or refused since somebody else was quicker or the incident is over. Anything else is a fault."""


@dataclass(slots=True)
class Answered:
    """Everything to which the hub said yes: it must be there for ever."""

    opened: dict[str, str] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    updates: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    resolved: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    given_again: set[tuple[str, str, str]] = field(default_factory=set)

    def owned(self, incident: str, agent: str) -> None:
        """The first to be told yes stays the owner, for an acknowledgement outlasts the test: unless the incident came back."""
        first = self.owners.setdefault(incident, agent)
        if first != agent:
            self.given_again.add((incident, first, agent))

    @property
    def is_of_every_kind(self) -> bool:
        return all((self.owners, self.updates, self.notes))

    @property
    def count(self) -> int:
        return sum(map(len, (self.opened, self.owners, self.updates, self.notes, self.resolved)))


@dataclass(slots=True, kw_only=True)
class Agent:
    """One at the desk: opens incidents, owns them, writes, ends its own; goes on wherever the hub comes back."""

    name: str
    token: str
    internal: str
    luck: random.Random
    answered: Answered
    is_up: asyncio.Event
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def work(self) -> None:
        """Act until cancelled."""
        async with ClientSession(self.internal, headers={"Authorization": f"Bearer {self.token}"}) as session:
            while True:
                await self.is_up.wait()
                try:
                    await self._turn(session)
                except ClientError:
                    # The hub was killed: no answer, no claim. What was asked for may have been done or not.
                    self.is_up.clear()

    async def _turn(self, session: ClientSession) -> None:
        """Half of the turns care for what the machine found, half run through a whole life of an incident of the agent's own."""
        opened = await self._open_ones(session)
        if opened and self.luck.random() < 0.5:
            await self._care(session, self.luck.choice(opened))
            return
        words = self._words("opened")
        status, made = await self._ask(session, "", name=words, services={"portal": "degraded_performance"}, body=words)
        if status == 201:
            self.answered.opened[made["id"]] = words
            await self._care(session, made["id"])
            if (await self._ask(session, f"/{made['id']}/resolve", body=self._words("over")))[0] == 200:
                self.answered.resolved.add(made["id"])

    async def _open_ones(self, session: ClientSession) -> list[str]:
        async with session.get("/api/v1/incidents?open=true") as response:
            self._expect(response.status, "the list of incidents")
            return [shown["id"] for shown in (await response.json())["items"] if shown["origin"] == "machine"]

    async def _care(self, session: ClientSession, incident: str) -> None:
        status, _ = await self._ask(session, f"/{incident}/acknowledge")
        if status == 200:
            self.answered.owned(incident, self.name)
        words = self._words("note")
        status, _ = await self._ask(session, f"/{incident}/notes", body=words)
        if status == 201:
            self.answered.notes[words] = incident
        words = self._words("update")
        status, _ = await self._ask(session, f"/{incident}/updates", body=words)
        if status == 201:
            self.answered.updates[words] = incident

    async def _ask(self, session: ClientSession, path: str, **body: object) -> tuple[int, dict[str, str]]:
        async with session.post(f"/api/v1/incidents{path}", json=body) as response:
            self._expect(response.status, path)
            return response.status, await response.json(content_type=None)

    def _expect(self, status: int, what: str) -> None:
        if status not in EXPECTED:
            self.answered.faults.append(f"{what}: {self.name} was answered {status}")

    def _words(self, kind: str) -> str:
        """Words that nobody else ever writes."""
        return f"{kind} {next(self._numbers)} by {self.name}"
