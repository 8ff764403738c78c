"""When each monitor is probed: slots on a monotonic clock, started in small groups, never made up in a burst.

One APScheduler job ticks each second and hands what falls due before the next tick to ``loop.call_at``. APScheduler follows the wall
clock, so a watchdog compares it with the monotonic one and sets the job going again after a step.
"""

import asyncio
import heapq
import itertools
import logging
import zlib
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from probes.result import Failure, ProbeResult, Result
from statuspage.clock import Now
from statuspage.config.loading import Plan

log = logging.getLogger(__name__)

TICK = 1.0
GRID = 0.1
"""Starts are gathered on this grid of seconds: waking up for several probes costs little more than for one."""

GROUP = 5
"""Starts at once at most; larger groups falsify each other's measurements."""

AT_ONE_HOST = 20
"""Probes at most that call on one host at the same time, however many monitors watch it: the rest wait, and their time is not counted."""

FIRST_STARTS_PER_SECOND = 50
"""How fast a new set of monitors is started for the first time."""

REJECTED_REST = 300.0
"""Seconds between two probes at most while our login is rejected: each more is one towards a locked account."""

TOO_LATE = 1.0
"""Seconds after which a slot that could not start is missed."""

STALLED = 10.0
"""Seconds without a tick after which nothing is probed any more, whatever else still turns."""

STEP = 2.0
"""Seconds by which wall and monotonic clock may drift apart before it counts as a step of the wall clock."""


class Probing(Protocol):
    """What the schedule needs of the rest: run a probe, take its result in, say whether it should be confirmed, let time pass."""

    async def probe(self, plan: Plan) -> ProbeResult:
        """Measure once; never raises."""

    async def observe(self, result: Result) -> None:
        """Take the result in."""

    def is_suspect(self, monitor: str, location: str) -> bool:
        """Whether the newest result wants a quick re-check."""

    async def tick(self) -> None:
        """A second has passed."""


class EachTick(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """Fires once a tick. Unlike an interval it counts no ticks that the wall clock jumped over: after a month those are millions."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """One tick after the last one, or after *now* where that has gone by."""
        due = (previous_fire_time or now) + timedelta(seconds=TICK)
        return due if due > now else now + timedelta(seconds=TICK)


class Slots:
    """Turns monotonic seconds into slots: UTC instants that never step back for one monitor, whatever the wall clock does."""

    def __init__(self, now: Now, monotonic: Callable[[], float]) -> None:
        """Anchor the two clocks to each other."""
        self._now = now
        self._monotonic = monotonic
        self.steps = 0
        self._anchor()

    def _anchor(self) -> None:
        self._wall, self._mono = self._now(), self._monotonic()

    def at(self, due: float) -> datetime:
        """The UTC instant of the monotonic *due*, cut to milliseconds as it is stored."""
        instant = self._wall + timedelta(seconds=due - self._mono)
        return instant.replace(microsecond=instant.microsecond // 1000 * 1000)

    def watch(self) -> bool:
        """Compare the clocks; after a step of the wall clock anchor anew and say so."""
        stepped = abs((self._now() - self.at(self._monotonic())).total_seconds()) > STEP
        if stepped:
            self.steps += 1
            self._anchor()
        return stepped


@dataclass(slots=True, kw_only=True)
class Watch:
    """One plan under way. *due* is monotonic; *last* the newest slot it was given; *mark* tells stale heap entries apart.

    *rejections* are how often in a row our login was rejected.
    """

    plan: Plan
    due: float
    last: datetime | None = None
    mark: int = 0
    rejections: int = 0
    is_running: bool = False
    is_dropped: bool = False


class Seats:
    """Room at each host for so many probes at once."""

    def __init__(self) -> None:
        self._rooms: dict[str, asyncio.Semaphore] = {}

    async def take(self, hosts: frozenset[str]) -> None:
        """Wait for a seat at each of *hosts*, always in the same order: no two probes wait for each other."""
        taken: list[str] = []
        try:
            for host in sorted(hosts):
                await self._rooms.setdefault(host, asyncio.Semaphore(AT_ONE_HOST)).acquire()
                taken.append(host)
        except BaseException:
            self.leave(taken)
            raise

    def leave(self, hosts: Iterable[str]) -> None:
        """Give the seats back."""
        for host in hosts:
            self._rooms[host].release()


@dataclass(slots=True, kw_only=True)
class Pace:
    """How well the cadence holds, for the metrics: counts, and the worst lateness in seconds since the last scrape."""

    started: int = 0
    missed: int = 0
    skipped: int = 0
    worst_lateness: float = 0.0
    worst_lag: float = 0.0
    clock_steps: int = 0


@dataclass(slots=True)
class Schedule:
    """Keeps every plan's cadence. *last* gives the newest slot of each (monitor, location) that was stored before."""

    probing: Probing
    now: Now
    pace: Pace = field(default_factory=Pace)
    _seats: Seats = field(default_factory=Seats)
    _watches: dict[tuple[str, str], Watch] = field(default_factory=dict)
    _heap: list[tuple[float, int, Watch]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=itertools.count)
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    _handles: set[asyncio.TimerHandle] = field(default_factory=set)
    _scheduler: AsyncIOScheduler | None = None
    _watchdog: asyncio.Task[None] | None = None
    _slots: Slots | None = None
    _horizon: float = 0.0
    _passing: asyncio.Task[None] | None = None

    def start(self, plans: Iterable[Plan], last: Mapping[tuple[str, str], datetime]) -> None:
        """Begin probing *plans*; must be called on the running loop."""
        loop = asyncio.get_running_loop()
        self._slots = Slots(self.now, loop.time)
        self._horizon = loop.time() + TICK + GRID
        self.replace(plans, last)
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.add_job(
            self._tick,
            EachTick(),
            id="tick",
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )
        scheduler.start()
        self._scheduler = scheduler
        self._watchdog = asyncio.create_task(self._keep_watch(), name="watchdog")

    def is_at_work(self) -> bool:
        """Whether ticks come: the loop turns, and the cadence with it."""
        return asyncio.get_running_loop().time() < self._horizon + STALLED

    async def stop(self) -> None:
        """Start nothing more, give up what is under way, and wait until it is gone."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
        for handle in self._handles:
            handle.cancel()
        tasks = [*self._running, *([self._watchdog] if self._watchdog else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def replace(self, plans: Iterable[Plan], last: Mapping[tuple[str, str], datetime]) -> None:
        """Go on with *plans*. Those that are the same as before keep their cadence; new ones are spread out."""
        wanted = {(plan.monitor, plan.location): plan for plan in plans}
        for key in [key for key, watch in self._watches.items() if wanted.get(key) != watch.plan]:
            self._watches.pop(key).is_dropped = True
        loop_time = asyncio.get_running_loop().time()
        new = [key for key in wanted if key not in self._watches]
        for place, key in enumerate(new):
            first = loop_time + (place / FIRST_STARTS_PER_SECOND) % wanted[key].every
            watch = Watch(plan=wanted[key], due=first, last=last.get(key))
            self._watches[key] = watch
            self._push(watch, first)

    def probe_now(self, monitors: Collection[str]) -> None:
        """Let *monitors* be probed at once, from everywhere; what is under way or rests because our login is rejected is left alone."""
        now = asyncio.get_running_loop().time()
        for watch in self._watches.values():
            if watch.plan.monitor in monitors and not watch.is_running and not watch.rejections:
                self._recheck(watch, now)

    def next_due(self, monitor: str, location: str) -> float:
        """When the monitor's next regular slot is due, monotonic. Errors: KeyError for one that is not probed."""
        return self._watches[monitor, location].due

    def _push(self, watch: Watch, due: float) -> None:
        """Remember when *watch* is due; what falls due before the next tick is handed over at once."""
        watch.due = due
        watch.mark = next(self._order)
        if due < self._horizon:
            self._call_at(due, [watch])
        else:
            heapq.heappush(self._heap, (due, watch.mark, watch))

    async def _tick(self) -> None:
        """Hand over what falls due before the next tick, and let the rest of the house know that a second has passed."""
        loop = asyncio.get_running_loop()
        self._horizon = loop.time() + TICK + GRID
        cells: dict[int, list[Watch]] = {}
        while self._heap and self._heap[0][0] < self._horizon:
            due, mark, watch = heapq.heappop(self._heap)
            if not watch.is_dropped and mark == watch.mark:
                cells.setdefault(int(due / GRID), []).append(watch)
        for cell, watches in cells.items():
            groups = [watches[i : i + GROUP] for i in range(0, len(watches), GROUP)]
            for place, group in enumerate(groups):
                self._call_at((cell + place / len(groups)) * GRID, group)
        # Not awaited: what the house does with its second may wait for a store that hangs, and the cadence must not.
        if self._passing is None or self._passing.done():
            self._passing = self._spawn(self.probing.tick(), "a tick")

    def _call_at(self, when: float, group: list[Watch]) -> None:
        """Begin *group* at *when*, but for those that meanwhile got another due time."""
        loop = asyncio.get_running_loop()
        marked = [(watch, watch.mark) for watch in group]
        handle: asyncio.TimerHandle

        def start() -> None:
            self._handles.discard(handle)
            for watch, mark in marked:
                if mark == watch.mark:
                    self._begin(watch)

        handle = loop.call_at(max(when, loop.time()), start)
        self._handles.add(handle)

    def _begin(self, watch: Watch) -> None:
        """Start a due slot, or say that it was missed or skipped; the next regular one is set either way."""
        if watch.is_dropped:
            return
        mono = asyncio.get_running_loop().time()
        late = mono - watch.due
        self.pace.worst_lateness = max(self.pace.worst_lateness, late)
        slot = self._next_slot(watch)
        is_missed = late > TOO_LATE
        was_running = watch.is_running
        self._push(watch, self._following(watch, mono))
        if was_running:
            self.pace.skipped += 1
        elif is_missed:
            self.pace.missed += 1
            lateness = ProbeResult(took=0.0, failure=Failure.MISSED, detail=f"could not start within {late:.1f} s")
            self._spawn(self._miss(watch, slot, lateness), "a probe")
        else:
            self.pace.started += 1
            watch.is_running = True
            self._spawn(self._measure(watch, slot), "a probe")

    def _following(self, watch: Watch, mono: float) -> float:
        """The next instant of the monitor's own phase that leaves at least half an interval of rest."""
        every = watch.plan.every
        name = f"{watch.plan.monitor}\n{watch.plan.location}"
        phase = zlib.crc32(name.encode()) / 2**32 * every
        earliest = max(watch.due + every / 2, mono)
        return phase + (int((earliest - phase) / every) + 1) * every

    def _next_slot(self, watch: Watch) -> datetime:
        slot = self._required_slots().at(watch.due)
        if watch.last is not None and slot <= watch.last:
            slot = watch.last + timedelta(milliseconds=1)
        watch.last = slot
        return slot

    def _required_slots(self) -> Slots:
        if self._slots is None:
            raise RuntimeError("the schedule was not started")
        return self._slots

    async def _miss(self, watch: Watch, slot: datetime, lateness: ProbeResult) -> None:
        await self._deliver(watch, slot, self.now(), lateness)

    async def _measure(self, watch: Watch, slot: datetime) -> None:
        try:
            started, measured = await self._seated(watch)
        finally:
            watch.is_running = False
        ended = asyncio.get_running_loop().time()
        await self._deliver(watch, slot, started, measured)
        if measured.failure is Failure.AUTH_REJECTED:
            self._rest(watch, ended)
            return
        watch.rejections = 0
        if not watch.is_dropped and self.probing.is_suspect(watch.plan.monitor, watch.plan.location):
            self._recheck(watch, ended + watch.plan.recheck)

    async def _seated(self, watch: Watch) -> tuple[datetime, ProbeResult]:
        """Measure once there is room at the hosts. What has to wait too long is missed, as what starts too late is."""
        loop, hosts = asyncio.get_running_loop(), watch.plan.hosts
        asked = loop.time()
        await self._seats.take(hosts)
        try:
            started, waited = self._required_slots().at(loop.time()), loop.time() - asked
            self.pace.worst_lateness = max(self.pace.worst_lateness, waited)
            if waited > TOO_LATE or watch.is_dropped:
                self.pace.missed += 1
                detail = f"{AT_ONE_HOST} probes were calling on its host, and it waited {waited:.1f} s"
                return started, ProbeResult(took=0.0, failure=Failure.MISSED, detail=detail)
            return started, await self.probing.probe(watch.plan)
        finally:
            self._seats.leave(hosts)

    def _rest(self, watch: Watch, ended: float) -> None:
        """Knock less and less often with a password that is not taken; what mends it, a new configuration, begins anew at once."""
        watch.rejections += 1
        longest = max(REJECTED_REST, watch.plan.every)
        rest = min(watch.plan.every * 2 ** min(watch.rejections, 16), longest)
        if not watch.is_dropped and ended + rest > watch.due:
            self._push(watch, ended + rest)

    def _recheck(self, watch: Watch, due: float) -> None:
        """Confirm sooner than the interval would; the regular slot that follows is found again from there."""
        if due >= watch.due:
            return
        watch.due, watch.mark = due, next(self._order)
        self._call_at(due, [watch])

    async def _deliver(self, watch: Watch, slot: datetime, started: datetime, measured: ProbeResult) -> None:
        plan = watch.plan
        if watch.is_dropped:
            return
        await self.probing.observe(
            Result(monitor=plan.monitor, location=plan.location, slot=slot, started=started, measured=measured),
        )

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s could not be brought to its end", task.get_name(), exc_info=error)

    async def _keep_watch(self) -> None:
        """Each second: how late is the loop, and has the wall clock been moved?"""
        loop = asyncio.get_running_loop()
        while True:
            asked = loop.time() + TICK
            await asyncio.sleep(TICK)
            self.pace.worst_lag = max(self.pace.worst_lag, loop.time() - asked)
            if self._required_slots().watch() and self._scheduler is not None:
                self.pace.clock_steps += 1
                log.warning("the wall clock was moved; the cadence goes on by the monotonic clock")
                self._scheduler.reschedule_job("tick", trigger=EachTick())
            if loop.time() > self._horizon:
                await self._tick()
