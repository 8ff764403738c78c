"""The clock that calls teams while nobody owns an incident: looks each second, and at once where something happened.

What is called is decided by ``incidents.escalation``; here it is only asked at the right moments, and its calls take the one road in.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from incidents import escalation
from incidents.escalation import Rules
from incidents.events import Called, Event
from incidents.priority import Scale, priority
from incidents.rota import StandIn
from statuspage.clock import Now
from statuspage.config.calls import Roster, owner_of, roster, rules
from statuspage.config.loading import Loaded
from statuspage.pipeline import Pipeline
from statuspage.store import callers
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable
from statuspage.store.outbox import held_calls, let_through
from statuspage.store.stand_ins import stand_ins_at

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0
"""Seconds between two looks."""

REWEIGH_EVERY = timedelta(minutes=1)
"""How often what quiet hours hold back is weighed anew: a score is as of the last whole minute."""


@dataclass(slots=True, kw_only=True)
class Escalation:
    """Calls teams. *loaded* gives the configuration in use, *scale* what priority is reckoned by."""

    pipeline: Pipeline
    store: Store
    now: Now
    loaded: Callable[[], Loaded]
    scale: Callable[[], Scale]
    _reweighed_at: datetime | None = None
    _roster: tuple[Loaded, int, Roster] | None = None
    _stand_ins: Mapping[str, Sequence[StandIn]] = field(default_factory=dict)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, events: Sequence[Event]) -> None:
        """Look at once where an incident began, or anything about one changed."""
        if any(getattr(event, "incident", None) and not isinstance(event, Called) for event in events):
            self._woken.set()

    async def run(self) -> None:
        """Call for ever."""
        while True:
            self._woken.clear()
            try:
                await self.look()
            except StoreUnavailable as error:
                log.debug("nobody is called while the store is away: %s", error)
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Make the calls that are due. Errors: StoreUnavailable."""
        now = self.now()
        if any(crew.rota is not None for crew in self.roster().crews.values()):
            self._stand_ins = await self.store.read(lambda connection: stand_ins_at(connection, now))
        called: Sequence[Event] = ()
        if escalation.call(self.pipeline.situation, now, self.rules()):
            called = await self.pipeline.act(partial(escalation.call, rules=self.rules()))
        if self._reweighed_at is None or not timedelta(0) <= now - self._reweighed_at < REWEIGH_EVERY:
            self._reweighed_at = now
            await self._let_through(now, {event.incident for event in called if isinstance(event, Called)})

    async def _let_through(self, now: datetime, called: Collection[str]) -> None:
        """Have told at once what quiet hours hold back, where it matters enough by now or nobody keeps them any more.

        What was *called* just now speaks for itself.
        """

        def loud(connection: Connection) -> frozenset[tuple[str, str]]:
            held = ((line, incident) for line, incident in held_calls(connection, now) if incident not in called)
            return frozenset(one for one in held if self.quiet(connection, *one, now) is None)

        if calls := await self.store.read(loud):
            await self.store.write(partial(let_through, calls=calls, now=now))

    def rules(self) -> Rules:
        """How calls are made, by the configuration in use and those who stand in for others now."""
        return rules(self.loaded().config, self.roster(), self._standing_in)

    def roster(self) -> Roster:
        """All teams and people, by the configuration in use; made once for each and each year."""
        loaded, year = self.loaded(), self.now().year
        if self._roster is None or self._roster[:2] != (loaded, year):
            self._roster = (loaded, year, roster(loaded.config, loaded.shifts, year))
        return self._roster[2]

    def lines(self, team: str, at: datetime) -> Sequence[str]:
        """The lines by which a call of *team* goes out."""
        return [place.line for place in self.roster().told(team, at, self._standing_in(team))]

    def quiet(self, connection: Connection, line: str, incident: str, at: datetime) -> datetime | None:
        """Until when a line is left alone about an incident; None where it is told at once. What is over wakes nobody."""
        hours = self.roster().quiet.get(owner_of(line) or ("", ""))
        until = None if hours is None else hours.until(at)
        if hours is None or until is None:
            return None
        found, scale = self.pipeline.situation.incidents.get(incident), self.scale()
        if found is None:
            return until
        called = callers.count_by_incident(connection, [found]).get(incident, 0)
        level = priority(found, scale, at, callers=called).level
        return None if hours.passes(level.name if level else None, [one.name for one in scale.levels]) else until

    def manned(self, at: datetime) -> Mapping[str, int]:
        """How many people are on call of each team that has turns."""
        known = self.roster()
        crews = [id for id, crew in known.crews.items() if crew.rota is not None]
        return {id: len(known.on_call(id, at, self._standing_in(id))) for id in crews}

    def _standing_in(self, team: str) -> Sequence[StandIn]:
        return self._stand_ins.get(team, ())
