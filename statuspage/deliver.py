"""What the outbox holds goes out: at least once, in order within a thread, each recipient at their own pace.

A message that was taken and could not be noted before a crash is sent again with the same key; nothing else is sent twice. What fails
is tried for three days, ever less often. Who was told what, and when, stays in the store.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from zlib import crc32

from sqlalchemy import Connection

from incidents.events import Called, Event, StatusChanged
from incidents.model import Service
from incidents.replaying.differences import Notice
from probes.egress import Door
from probes.result import Result
from statuspage.channels.channel import Channel, Delivered, Failed, Folding, Message, Outcome, Refused
from statuspage.clock import Now
from statuspage.letters import Dropped, Letters
from statuspage.month_end import mail_reports
from statuspage.picture.audience import Rhythm
from statuspage.picture.roundup import Period
from statuspage.round_ups import close_periods
from statuspage.spread import Places, Quiet, never_quiet, nowhere, spread
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable
from statuspage.store.outbox import KEPT_FOR, LONGEST_PAUSE, Notification, due, note_delivered, note_dropped, note_failed, release, waiting
from statuspage.store.outlets import Outlet, end_others, fold, outlet_of, stale, waiting_for
from statuspage.store.subscribers import id_of, note_reached, note_refused
from statuspage.vitals import DeliveryFigures, Figures

log = logging.getLogger(__name__)

T = TypeVar("T")

LOOK_EVERY = 1.0
"""Seconds between two looks into the outbox: what is held back comes due, and other processes write there too."""

FIRST_PAUSE = timedelta(seconds=10)
USUAL_PAUSE = timedelta(minutes=5)
"""The longest pause between two tries where nobody asks for more."""

RETRY = 2.0
"""Seconds after which a store that was away is asked again."""

PARTING = 5.0
"""Seconds that what is under way has to come to its end when the service stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A channel that is configured: *settings* are of its own model."""

    channel: Channel[Any]
    settings: Any


@dataclass(slots=True, kw_only=True)
class Deliverer:
    """Takes the outbox to those who asked. *lines* are the configured channels by name, *services* those of the configuration.

    *outlets* are where the operator has everything announced, each by a line of its own.
    """

    store: Store
    now: Now
    services: Callable[[], Mapping[str, Service]]
    letters: Letters
    door: Door = field(default_factory=Door)
    lines: Mapping[str, Line] = field(default_factory=dict)
    outlets: Sequence[Outlet] = ()
    places: Places = nowhere
    quiet: Quiet = never_quiet
    reports_to: Sequence[str] = ()
    figures: Figures = field(default_factory=Figures)
    tally: DeliveryFigures = field(default_factory=DeliveryFigures)
    _is_tidy: bool = False
    _held_for: Mapping[str, Service] | None = None
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _under_way: dict[asyncio.Task[None], tuple[str, frozenset[str]]] = field(default_factory=dict)
    _closed: Mapping[Rhythm, Period] = field(default_factory=dict)
    _mailed: str = ""
    _is_stopping: bool = False

    def hear(self, events: Sequence[Event], results: Sequence[Result]) -> None:  # noqa: ARG002 - an audience of the pipeline
        """Look at once where a turn said something that somebody is told of."""
        if any(isinstance(event, Notice | Called | StatusChanged) for event in events):
            self.wake()

    def rewire(self, lines: Mapping[str, Line], outlets: Sequence[Outlet]) -> None:
        """Tell by these lines and outlets from now on; what outlets that are gone were still to tell is dropped at the next look."""
        self.lines, self.outlets, self._is_tidy = lines, outlets, False

    def wake(self) -> None:
        """Look at once."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver for ever; ended by cancelling, after which what is under way has a moment to end."""
        self._is_stopping = False
        try:
            while True:
                await self._round()
        finally:
            self._is_stopping = True
            await self._part()

    async def _round(self) -> None:
        self._woken.clear()
        wait = LOOK_EVERY
        try:
            await self.look()
        except StoreUnavailable as error:
            log.debug("nothing is delivered while the store is away: %s", error)
            wait = RETRY
        try:
            async with asyncio.timeout(wait):
                await self._woken.wait()
        except TimeoutError:
            return

    async def look(self) -> None:
        """Decide what can be decided, and begin to send what is due. Errors: StoreUnavailable."""
        lines, outlets, now = self.lines, self.outlets, self.now()
        if not self._is_tidy:
            self._is_tidy = True  # before the write: a change of lines meanwhile has it done again
            await self._end_others(outlets, now)
        services = self.services()
        if services is not self._held_for:  # another configuration, or the first look: words may be held back for less time than before
            await self.store.write(release)
            self._held_for = services
        await spread(self.store, services, lines.keys(), now, outlets, self.places, self.quiet)
        self._closed = await close_periods(self.store, self.letters.site.timezone, self._closed, now, self.letters.coming)
        self._mailed = await mail_reports(self.store, self.letters.site.timezone, self.reports_to, self._mailed, now)
        self.tally.unannounced = await self.store.read(lambda connection: waiting_for(connection, outlets)) if outlets else {}
        idle = {one.channel for one in outlets if not self.tally.unannounced[one.id]}  # most of them, nearly always: not asked one by one
        for name, line in lines.items():
            if name not in idle:
                await self._begin(name, line, now)
        self.tally.waiting = await self.store.read(partial(waiting, now=now))

    async def _end_others(self, outlets: Sequence[Outlet], now: datetime) -> None:
        try:
            await self.store.write(partial(_end_others, outlets, now))
        except StoreUnavailable:
            self._is_tidy = False
            raise

    async def idle(self) -> None:
        """Return once nothing is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def _begin(self, name: str, line: Line, now: datetime) -> None:
        mine = [recipients for channel, recipients in self._under_way.values() if channel == name]
        free = line.channel.at_once - len(mine)
        if free <= 0:
            return
        busy, limit = frozenset().union(*mine), free * line.channel.batch
        if line.channel.folds is not Folding.NOTHING:
            await self._fold(name, line.channel.folds, busy, now)
        found = await self.store.read(lambda connection: due(connection, name, now, limit=limit, without=busy))
        for batch in _batches(found, line.channel.batch):
            task = asyncio.create_task(self._deliver(line, batch), name=f"delivery by {name}")
            self._under_way[task] = (name, frozenset(one.recipient for one in batch))
            task.add_done_callback(self._ended)

    async def _fold(self, name: str, folds: Folding, busy: Collection[str], now: datetime) -> None:
        """Have the last word speak for those that have waited for long; what is under way to *busy* recipients is left alone."""
        is_of_incidents = folds is Folding.INCIDENTS
        ids = await self.store.read(lambda connection: stale(connection, name, now, without=busy, is_of_incidents=is_of_incidents))
        if ids:
            await self.store.write(lambda connection: fold(connection, ids, now))

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            self.figures.crashed_turns += 1
            log.error("%s broke", task.get_name(), exc_info=error)
        self._woken.set()

    async def _part(self) -> None:
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=PARTING)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    # --- one batch

    async def _deliver(self, line: Line, batch: Sequence[Notification]) -> None:
        try:
            composed = await self.letters.compose(batch)
        except StoreUnavailable:
            return  # all of it is still there
        ready: dict[str, tuple[Notification, Message]] = {}
        for one in batch:
            match composed[one.id]:
                case Message() if self.now() - one.created_at >= KEPT_FOR:
                    await self._note(partial(_drop, one, f"given up after three days: {one.reason}".rstrip(": "), self.now()))
                case Message() as message:
                    ready[message.key] = (one, message)
                case Dropped(reason=reason):
                    await self._note(partial(_drop, one, reason, self.now()))
                case Failed() as failed:
                    self.figures.crashed_turns += 1
                    await self._note(partial(self._failed, one, failed))
        if ready:
            await self._send(line, ready)

    async def _send(self, line: Line, ready: Mapping[str, tuple[Notification, Message]]) -> None:
        """Send, and note each outcome at once. Where the channel itself breaks, the message that it broke at has failed."""
        left = dict(ready)
        try:
            sending = line.channel.send(line.settings, self.door, [message for _, message in ready.values()])
            async with aclosing(sending) as outcomes:  # type: ignore[type-var]  # channels are async generators
                async for message, outcome in outcomes:
                    one, _ = left.pop(message.key)
                    self.tally.count(line.channel.name, outlet_of(one.recipient), type(outcome).__name__.lower())
                    await self._note(partial(self._noted, one, nameless(outcome, message.to)))
                    if self._is_stopping:
                        return
        except Exception as error:
            for one, _ in list(left.values())[:1]:
                await self._note(partial(self._failed, one, Failed(reason=f"a bug of ours: {type(error).__name__}")))
            raise

    async def _note(self, write: Callable[[Connection], None]) -> None:
        """Write down what became of a message, however long the store is away: what is not noted would be sent again."""
        while True:
            try:
                await self.store.write(write)
                return
            except StoreUnavailable as error:
                log.debug("what was delivered is noted later: %s", error)
                await asyncio.sleep(RETRY)

    def _noted(self, one: Notification, outcome: Outcome, connection: Connection) -> None:
        now, subscriber = self.now(), id_of(one.recipient)
        match outcome:
            case Delivered():
                note_delivered(connection, one.id, now)
                if subscriber is not None:
                    note_reached(connection, subscriber)
            case Failed():
                self._failed(one, outcome, connection)
            case Refused():
                note_dropped(connection, one.id, f"refused: {outcome.reason}", now)
                if outcome.is_gone and subscriber is not None:
                    note_refused(connection, subscriber, now)

    def _failed(self, one: Notification, failed: Failed, connection: Connection) -> None:
        note_failed(connection, one.id, failed.reason, self.now() + pause(one, failed.wait))


def nameless(outcome: Outcome, address: str) -> Outcome:
    """The outcome with a reason that does not name the recipient, whom the other side likes to quote: it is shown, and outlives them."""
    if isinstance(outcome, Delivered):
        return outcome
    name = address.rpartition("@")[0]
    named = "|".join(re.escape(one) for one in (address, name) if len(one) > 2)
    return replace(
        outcome, reason=re.sub(rf"(?<!\w)(?:{named})(?!\w)", "…", outcome.reason, flags=re.IGNORECASE) if named else outcome.reason
    )


def _end_others(outlets: Sequence[Outlet], now: datetime, connection: Connection) -> None:
    end_others(connection, outlets, now)


def _drop(one: Notification, reason: str, now: datetime, connection: Connection) -> None:
    note_dropped(connection, one.id, reason, now)


def _batches(found: Sequence[Notification], size: int) -> Sequence[Sequence[Notification]]:
    """Cut *found* into batches; all that one recipient gets is in one of them, so that they are called upon once."""
    by_recipient: dict[str, list[Notification]] = {}
    for one in found:
        by_recipient.setdefault(one.recipient, []).append(one)
    if size == 1:
        return list(by_recipient.values())
    ordered = [one for theirs in by_recipient.values() for one in theirs]
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]


def pause(one: Notification, wished: timedelta | None) -> timedelta:
    """How long to leave a recipient alone after a try that failed: twice as long each time, up to five minutes, and not all at once.

    What the other side wishes is kept where it is longer, up to an hour.
    """
    usual = min(FIRST_PAUSE * float(2 ** min(one.tries, 10)), USUAL_PAUSE)
    spreading = 0.75 + 0.25 * crc32(f"{one.key} {one.tries}".encode()) / 2**32
    return max(usual * spreading, min(wished or timedelta(0), LONGEST_PAUSE))
