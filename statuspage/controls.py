"""Asks the controls of this location whether it can see the world: regularly, and at once where a probe fails by surprise.

Controls are no monitors: they belong to no component, open nothing, and are shown to nobody but the desk. What their answers mean is
for ``incidents.sight``.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from incidents import sight
from incidents.model import Situation
from incidents.sight import Glance, Look
from probes import machine
from probes.catalog import KINDS
from probes.result import Failure, ProbeResult
from statuspage.clock import Now
from statuspage.config.loading import Control

log = logging.getLogger(__name__)

EVERY = 10.0
"""Seconds between two regular rounds, while the location sees."""

BLIND_EVERY = 2.0
"""The same while it is blind: the sooner it sees again, the shorter the gap."""

PATIENCE = 2.0
"""Seconds that a control may take: less than it takes to confirm a failure."""

APART = 0.2
"""Seconds at least between the beginnings of two rounds, however many probes fail meanwhile."""


class Seeing(Protocol):
    """What the rounds need of the rest: ask a control, say what was found, know what is known."""

    async def ask(self, control: Control, timeout: float) -> ProbeResult:
        """Measure once; never raises."""

    async def notice(self, look: Look) -> None:
        """Take the round in."""

    def known(self) -> Situation:
        """Give the situation as it is."""


@dataclass(slots=True, kw_only=True)
class Controls:
    """The rounds of one location. *configured* are its controls by the file; empty: the gateway and the resolvers of this machine."""

    seeing: Seeing
    now: Now
    location: str = "local"
    configured: tuple[Control, ...] = ()
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _next: asyncio.Task[None] | None = None
    _hurrying: set[asyncio.Task[None]] = field(default_factory=set)
    _doubted: list[datetime] = field(default_factory=list)
    _began: float = 0.0
    _clear_at: datetime | None = None

    async def run(self) -> None:
        """Go round for ever; ended by cancelling."""
        while True:
            async with self._lock:
                await self._look(self.now(), is_hurried=False)
            is_blind = sight.blindness(self.seeing.known(), self.location) is not None
            await asyncio.sleep(BLIND_EVERY if is_blind else EVERY)

    async def confirm(self, since: datetime) -> None:
        """Return once a round that began after this call has been taken in: something failed that was measured from *since* on.

        At once while the location is known to be blind: then it is no surprise.
        """
        if sight.blindness(self.seeing.known(), self.location) is not None:
            return
        self._doubted.append(since)
        if self._next is None:
            self._next = asyncio.create_task(self._hurry(), name="controls")
            self._hurrying.add(self._next)
            self._next.add_done_callback(self._ended)
        # Whatever becomes of the round, what waits for it is a result, and goes on its way.
        await asyncio.wait((self._next,))

    async def stop(self) -> None:
        """Give up the rounds that somebody waits for; nobody may ask any more."""
        for task in self._hurrying:
            task.cancel()
        await asyncio.gather(*self._hurrying, return_exceptions=True)

    async def _hurry(self) -> None:
        async with self._lock:
            await asyncio.sleep(self._began + APART - asyncio.get_running_loop().time())
            # Who asks from now on needs a round that begins later.
            self._next, doubted, self._doubted = None, self._doubted, []
            await self._look(min(doubted), is_hurried=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._hurrying.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the controls could not be asked", exc_info=error)

    async def _look(self, since: datetime, *, is_hurried: bool) -> None:
        self._began, at = asyncio.get_running_loop().time(), self.now()
        glances, controls = local_evidence(), self.configured or of_this_machine()
        if not (is_hurried and self._is_settled(glances, [control.name for control in controls])):
            async with aclosing(self._asked(controls)) as answers:
                async for glance, awaited in answers:
                    glances.append(glance)
                    if is_hurried and self._is_settled(glances, awaited):
                        break
        doubtful = since if self._clear_at is None else max(since, self._clear_at)
        look = Look(location=self.location, at=at, since=min(doubtful, at), glances=tuple(glances))
        if sight.why_blind(self.seeing.known(), look) is None:
            self._clear_at = at
        if sight.judge(self.seeing.known(), at, look=look):
            await self.seeing.notice(look)

    def _is_settled(self, found: Sequence[Glance], awaited: Sequence[str]) -> bool:
        return sight.is_settled(self.seeing.known(), self.location, found, awaited)

    async def _asked(self, controls: Sequence[Control]) -> AsyncGenerator[tuple[Glance, Sequence[str]]]:
        """Each control's answer as it comes, with the names of those still awaited. Who is not waited for is given up."""
        asking = {asyncio.create_task(self.seeing.ask(control, PATIENCE)): control.name for control in controls}
        try:
            while asking:
                done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
                answered = [(asking.pop(task), task.result()) for task in done]
                for place, (name, found) in enumerate(answered, start=1):
                    awaited = [*asking.values(), *(later for later, _ in answered[place:])]
                    yield Glance(control=name, failure=found.failure, detail=found.detail), awaited
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)


def local_evidence() -> list[Glance]:
    """What this machine says of itself, as far as it can be known."""
    found = [
        ("descriptors", machine.has_descriptors(), "this process may open no more files"),
        ("route", machine.has_route(), "no route leads out"),
    ]
    return [
        Glance(control=name, failure=None if is_there else Failure.IMPAIRED, detail="" if is_there else lack, is_local=True)
        for name, is_there, lack in found
        if is_there is not None
    ]


def of_this_machine() -> tuple[Control, ...]:
    """The controls where none are configured: the default gateway, and the resolvers beyond this machine. Asked anew: both may change."""
    gateway, icmp, dns = machine.gateway(), KINDS["icmp"], KINDS["dns"]
    pinged = [] if gateway is None else [Control(name=f"gateway {gateway}", kind=icmp, settings=icmp.settings(host=gateway, count=1))]
    asked = [
        Control(name=f"resolver {server}", kind=dns, settings=dns.settings(query=".", type="NS", server=server))
        for server in machine.resolvers()
    ]
    return (*pinged, *asked)
