"""The one road in: results and acts become events, events become rows, and only then the new situation.

Everything that changes goes through ``_turn``, one at a time. A turn that cannot be stored did not happen: its results wait in a
bounded buffer, the situation is read again from the store, and whoever asked is told.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from incidents import pings, sight, streaks, turns
from incidents.events import Event
from incidents.model import Situation, Topology
from incidents.moving import Move, results_moved
from incidents.policy import LEVELS, Policy
from incidents.quorum import is_worse
from incidents.sight import Look
from incidents.situation import fold
from incidents.turns import Change, Circumstances, Stay
from incidents.votes import Streak
from probes.result import Failure, ProbeResult, Result
from statuspage.asking import Asked, Beside, nothing_beside
from statuspage.clock import Now
from statuspage.presence import ABSENT, Presence
from statuspage.store import past, queries
from statuspage.store.carrying import Carried, Carry
from statuspage.store.engine import Store
from statuspage.store.errors import Overtaken, StoreUnavailable
from statuspage.store.recall import known_after, newest_batch
from statuspage.store.record import record
from statuspage.vitals import Figures

log = logging.getLogger(__name__)

FLUSH_AFTER = 0.2
"""Seconds that a result which changes nothing may wait for company."""

FLUSH_AT = 500
"""Results that make a batch full."""

BUFFERED_AT_MOST = 100_000
"""Results that wait while the store is away; past it the oldest are let go, and their time shows as unknown."""

NOTICES_AT_MOST = 1000
"""What is found out about ourselves while the store is away; past it only the newest is kept beside the first ones."""

AGAIN_AT_MOST = 20
"""Times that a turn is taken anew because another writer came first."""


class Waits(StoreUnavailable):
    """What was reported is kept in memory, and is stored once the store is back."""


Command = turns.Command
Audience = Callable[[Sequence[Event], Sequence[Result]], None]
"""Who wants to hear of each committed turn; must not block."""


def nobody(events: Sequence[Event], results: Sequence[Result]) -> None:
    """An audience that does not listen."""


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """Owns the situation in memory; ``await observe(result)``, ``notice(look)`` and ``act(command)`` are the only ways to change it.

    *version* is that of the configuration by which it judges.
    """

    store: Store
    situation: Situation
    policy: Policy
    now: Now
    audience: Audience = nobody
    presence: Presence = field(default_factory=Presence)
    version: int = 0
    latest: dict[tuple[str, str], Result] = field(default_factory=dict)
    figures: Figures = field(default_factory=Figures)
    _pending: list[Result] = field(default_factory=list)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _next: asyncio.Task[Sequence[Event]] | None = None
    _timer: asyncio.TimerHandle | None = None
    _flushing: set[asyncio.Task[None]] = field(default_factory=set)
    _present_since: datetime | None = None
    _ticked: datetime | None = None
    _has_turned: bool = False
    _promised_since: Mapping[str, datetime] = field(default_factory=dict)
    _notices: list[Command] = field(default_factory=list)
    _change: Change | None = None
    _stay: Stay | None = None
    _newest: int | None = None  # the batch that the situation is as of; None: not known, and not asked for

    @property
    def waiting(self) -> int:
        """Results not stored yet."""
        return len(self._pending)

    async def observe(self, result: Result) -> None:
        """Take a result in. One that changes anything is stored before this returns; others wait for company.

        While the store is away all of them wait for the tick that finds it back: judging the whole buffer anew for each would leave no
        time for anything else.
        """
        self.latest[result.monitor, result.location] = result
        self._pending.append(result)
        if self.figures.store_is_away:
            if len(self._pending) > BUFFERED_AT_MOST:
                self._put_back(())
        elif self._is_news(result) or len(self._pending) >= FLUSH_AT:
            await self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER, self._flush_soon)

    async def report(self, monitor: str, measured: ProbeResult) -> None:
        """Take in what a monitor says of itself, and return only after it is stored.

        Errors: Waits while the store is away: to drop what was said would make it overdue at the tick that finds the store again;
        StoreUnavailable where it is lost.
        """
        key = (monitor, pings.LOCATION)
        known = [slot for slot in (self.situation.seen.get(key), self.latest[key].slot if key in self.latest else None) if slot is not None]
        result = pings.heard(self.situation, monitor, measured, pings.slot_after(max(known, default=None), self.now()))
        self.latest[key] = result
        self._pending.append(result)
        if self.figures.store_is_away:
            self._put_back(())
        else:
            await self.flush()
        stored = self.situation.seen.get(key)
        if stored is None or stored < result.slot:
            if self.figures.store_is_away or result in self._pending:
                raise Waits("what was reported waits for the store")
            raise StoreUnavailable("what was reported could not be judged and is left out")

    async def notice(self, look: Look) -> None:
        """Take in what a location's controls say. While the store is away it waits, as results do, and is judged before them."""
        self._note(partial(sight.judge, look=look))
        if not self.figures.store_is_away:
            await self.flush()

    async def act(self, command: Command, beside: Beside = nothing_beside) -> Sequence[Event]:
        """Do what an agent asks, and return after it is stored; *beside* writes more (the audit) in the same transaction.

        Errors: whatever *command* refuses with (nothing is changed); StoreUnavailable where it could not be stored.
        """
        return await asyncio.shield(asyncio.ensure_future(self._turn(command, beside)))

    async def tick(self) -> None:
        """Let time pass: silence is judged, clocks run out, and what waits is stored."""
        now, before = self.now(), self._present_since
        if self._ticked is None or before is None or now - self._ticked > ABSENT:
            self._present_since = now
        self._present_since = min(self._present_since or now, now)
        if self._present_since != before:
            self._stay = Stay(since=self._present_since, until=self._ticked)
        self._ticked, loop = now, asyncio.get_running_loop()
        if (gone := self.presence.absence(now, loop.time())) is not None:
            self._note(gone)
        await self.flush(is_tick=True)
        # After what may have waited for a store that hangs: that is no absence.
        self.presence.here(self.now(), loop.time())

    async def flush(self, *, is_tick: bool = False) -> None:
        """Store what waits and judge it. A store that is away is no error here: the results go on waiting."""
        try:
            if self.figures.store_is_away:
                await self.store.write(queries.knock)
            await asyncio.shield(asyncio.ensure_future(self._turn(None, is_tick=True)) if is_tick else self._next_turn())
        except StoreUnavailable as error:
            if not self.figures.store_is_away:
                log.warning("the store is away, results wait: %s", error)
            self.figures.store_is_away = True

    async def replace(self, topology: Topology, policy: Policy, carry: Carry | None = None) -> None:
        """Judge by another topology from now on; what is known of things that stay is kept, and *carry* brings it under new ids."""
        async with self._lock:
            before, at = self.situation.topology, self.now()
            carried = await carry() if carry is not None else Carried(situation=(await self._known(topology))[0])
            moves = [Move(event.subject, event.old, event.new) for event in carried.moved]
            self._pending = results_moved(self._pending, moves)
            self.latest = {(one.monitor, one.location): one for one in results_moved(list(self.latest.values()), moves)}
            self.situation, self.policy, self.version = carried.situation, policy, carried.version
            self._newest = carried.newest if carry is not None else self._newest
            self._change = Change(version=carried.version, at=at)
            self._promised_since = turns.promised(before, topology, self._promised_since, at)
            watched = {(monitor.id, location) for monitor in topology.monitors.values() for location in monitor.locations}
            self.latest = {place: result for place, result in self.latest.items() if place in watched}
        await asyncio.shield(asyncio.ensure_future(self._turn(None, is_rejudged=True)))

    async def remember(self) -> bool:
        """Keep all that is known, for replays that begin here; false while a change waits to be written. Errors: StoreUnavailable."""
        async with self._lock:
            if self._change is not None:
                return False
            at, version, present, promises = self.now(), self.version, self._present_since, self._promised_since
            await self.store.write(
                lambda connection: past.remember(connection, version=version, at=at, present_since=present, promised_since=promises)
            )
            return True

    async def _known(self, topology: Topology) -> tuple[Situation, tuple[Event, ...]]:
        """What the store holds, and what was said there that we did not know of."""
        before = self._newest
        situation, self._newest, told = await self.store.read(lambda connection: known_after(connection, topology, before))
        return situation, told

    async def close(self) -> None:
        """Store what waits, at the end, and that we were here until now; turns whose callers have gone already come first."""
        self._forget_timer()
        await asyncio.gather(*self._flushing)
        await self.flush()
        at = self.now()
        try:
            await self.store.write(lambda connection: record(connection, events=(), results=(), at=at))
        except StoreUnavailable:
            log.debug("the store cannot be told of the end")

    def is_suspect(self, monitor: str, location: str) -> bool:
        """Whether a quick re-check should confirm what was last seen."""
        streak = self.situation.streaks.get((monitor, location))
        known = self.situation.topology.monitors.get(monitor)
        return streak is not None and known is not None and streaks.is_suspect(streak, known)

    def _note(self, command: Command) -> None:
        if len(self._notices) >= NOTICES_AT_MOST:
            self._notices.pop()
        self._notices.append(command)

    def is_surprising(self, result: Result) -> bool:
        """Whether *result* may turn a verdict for the worse, or says that this machine cannot probe: a reason to ask whether we can see."""
        failure = result.failure
        if failure is None:
            return False
        streak = self.situation.streaks.get((result.monitor, result.location))
        return failure is Failure.IMPAIRED or is_worse(LEVELS[failure], streak.judged if streak is not None else None)

    def _is_news(self, result: Result) -> bool:
        monitor = self.situation.topology.monitors.get(result.monitor)
        if monitor is None or result.failure is Failure.MISSED:
            return False  # a slot that we missed says nothing urgent, and comes when the machine has the least time
        before = self.situation.streaks.get((result.monitor, result.location), Streak())
        return streaks.count(before, result, monitor) is not before

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _flush_soon(self) -> None:
        self._timer = None
        task = asyncio.ensure_future(self.flush())
        self._flushing.add(task)
        task.add_done_callback(self._flushing.discard)

    def _next_turn(self) -> asyncio.Task[Sequence[Event]]:
        """The turn that will take what waits now: one for all who ask before it begins, so that many failures at once pay for one."""
        if self._next is None:
            self._next = asyncio.create_task(self._turn(None))
        return self._next

    async def _turn(
        self, command: Command | None, beside: Beside = nothing_beside, *, is_tick: bool = False, is_rejudged: bool = False
    ) -> Sequence[Event]:
        async with self._lock:
            results, self._pending = self._pending, []
            notices, self._notices = self._notices, []
            self._next = None
            self._forget_timer()
            if not results and not notices and command is None and not is_tick and not is_rejudged:
                return ()  # another turn took what was waiting
            try:
                asked = Asked(results=results, command=command, beside=beside, notices=notices, is_tick=is_tick, is_rejudged=is_rejudged)
                return await self._commit(asked)
            except StoreUnavailable:
                self.figures.failed_writes += 1
                self._put_back(results)
                self._notices = [*notices, *self._notices]
                await self._read_again()
                raise
            except Exception:
                if command is not None or is_rejudged:
                    self._put_back(results)
                    self._notices = [*notices, *self._notices]
                    raise
                self.figures.crashed_turns += 1
                log.exception("a turn crashed; its results are taken one by one")
                await self._one_by_one(results)
                return ()

    async def _commit(self, asked: Asked) -> Sequence[Event]:
        """Decide and store; where another writer came first, decide anew from what it left. Errors: StoreUnavailable; the command's own."""
        if self._newest is None or (asked.must_be_current and await self.store.read(newest_batch) != self._newest):
            asked = await self._caught_up(asked)
        # While nobody was here others may have said something, and the file may have changed.
        asked = asked if self._has_turned else replace(asked, is_rejudged=True)
        for _ in range(AGAIN_AT_MOST):
            try:
                return await self._attempt(asked)
            except Overtaken:
                asked = await self._caught_up(asked)
        raise StoreUnavailable("other writers always come first")

    async def _caught_up(self, asked: Asked) -> Asked:
        """*asked* after other writers' words were read; what they changed is judged by us, in the same turn."""
        return replace(asked, is_rejudged=True) if await self._read_again() else asked

    async def _attempt(self, asked: Asked) -> Sequence[Event]:
        results, now, newest = asked.results, self.now(), self._newest
        noticed, before = turns.noticed(asked.notices, self.situation, now)
        judged = turns.judge(
            before,
            results,
            self.policy,
            now,
            is_tick=asked.is_tick,
            is_rejudged=asked.is_rejudged,
            present_since=self._present_since,
            promised_since=self._promised_since,
        )
        acted = tuple(asked.command(judged.situation, now)) if asked.command is not None else ()
        after = fold(judged.situation, acted)
        settled = turns.settle(after, (*noticed, *acted), self.policy, now)
        events = (*noticed, *judged.events, *acted, *settled)
        circumstances = Circumstances(
            is_tick=asked.is_tick,
            is_rejudged=asked.is_rejudged,
            noticed=tuple(noticed),
            judged=judged.events,
            acted=acted,
            missed=len(judged.results) - len(results),
            timed=turns.timed(before, results),
            change=self._change,
            stay=self._stay,
        )
        if not events and not judged.results and circumstances.change is None and circumstances.stay is None:
            return ()

        def write(connection: Connection) -> int:
            if newest is not None and newest_batch(connection) != newest:
                raise Overtaken
            batch = record(connection, events=events, results=judged.results, at=now, circumstances=circumstances)
            asked.beside(connection, acted)
            return batch

        self._newest = await self.store.write(write)
        self.situation, self._change, self._has_turned = fold(after, settled), None, True
        if self._stay is circumstances.stay:  # or a tick has news again, while this was being written
            self._stay = None
        self._tell(events, judged.results, len(results))
        return acted

    def _tell(self, events: Sequence[Event], heard: Sequence[Result], measured: int) -> None:
        """Take note of a committed turn. Past the first *measured* results come those that judging made."""
        self.figures.turns += 1
        self.figures.store_is_away = False
        for missed in heard[measured:]:
            newest = self.latest.setdefault((missed.monitor, missed.location), missed)
            if newest.slot < missed.slot:
                self.latest[missed.monitor, missed.location] = missed
        self._promised_since = turns.resumed(events, self._promised_since)
        self.audience(events, heard)

    async def _one_by_one(self, results: Sequence[Result]) -> None:
        """Find the result that makes a turn crash, leave it out, and store the others."""
        for result in results:
            try:
                await self._commit(Asked(results=[result]))
            except StoreUnavailable:
                self._put_back([result])
            except Exception:
                self.figures.dropped_results += 1
                log.exception("a result cannot be judged and is left out: monitor %s", result.monitor)

    def _put_back(self, results: Sequence[Result]) -> None:
        waiting = [*results, *self._pending]
        dropped = max(0, len(waiting) - BUFFERED_AT_MOST)
        self.figures.dropped_results += dropped
        self._pending = waiting[dropped:]

    async def _read_again(self) -> bool:
        """Ask the store what it holds, or keep the last situation while it is away; whether others said something there.

        After a failed write nobody knows, and other writers do not ask us. The audience hears of what they said.
        """
        try:
            self.situation, told = await self._known(self.situation.topology)
        except StoreUnavailable:
            log.debug("the store cannot be read either")
            return False
        if told:
            self._promised_since = turns.resumed(told, self._promised_since)
            self.audience(told, ())
        return bool(told)
