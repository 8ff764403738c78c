"""The cadence: slots that ascend, small groups, quick re-checks, nothing made up in a burst."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from probes.result import Failure, ProbeResult, Result
from probes.tcp import KIND, Settings
from statuspage import schedule as cadence
from statuspage.clock import wall_clock
from statuspage.config.loading import Plan
from statuspage.schedule import Schedule, Slots
from tests.deadline import until


def plan(monitor: str, *, every: float = 0.4, recheck: float = 0.1, hosts: frozenset[str] = frozenset()) -> Plan:
    """A plan whose probe is played by the test."""
    settings = Settings(host="127.0.0.1", port=9)
    return Plan(monitor=monitor, location="local", kind=KIND, settings=settings, every=every, timeout=0.3, recheck=recheck, hosts=hosts)


class Played:
    """Plays the probes: what each monitor answers, how long it takes, and what was observed."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.began: dict[str, list[float]] = {}
        self.running: dict[str, int] = {}
        self.most_at_once: dict[str, int] = {}
        self.takes: dict[str, asyncio.Event] = {}
        self.fails: dict[str, int] = {}
        self.rejects: dict[str, int] = {}
        self.ticks = 0

    async def probe(self, plan: Plan) -> ProbeResult:
        id = plan.monitor
        self.began.setdefault(id, []).append(asyncio.get_running_loop().time())
        self.running[id] = self.running.get(id, 0) + 1
        self.most_at_once[id] = max(self.running[id], self.most_at_once.get(id, 0))
        if id in self.takes:
            await self.takes[id].wait()
        self.running[id] -= 1
        if self.rejects.get(id, 0) > 0:
            self.rejects[id] -= 1
            return ProbeResult(took=0.0, failure=Failure.AUTH_REJECTED)
        if self.fails.get(id, 0) > 0:
            self.fails[id] -= 1
            return ProbeResult(took=0.0, failure=Failure.REFUSED)
        return ProbeResult(took=0.0)

    async def observe(self, result: Result) -> None:
        self.results.append(result)

    def is_suspect(self, monitor: str, _: str) -> bool:
        return self.of(monitor)[-1].failure is not None and self.fails.get(monitor, 0) > 0

    async def tick(self) -> None:
        self.ticks += 1

    def of(self, monitor: str) -> list[Result]:
        return [result for result in self.results if result.monitor == monitor]

    def has_probed(self, monitor: str, times: int) -> bool:
        return len(self.of(monitor)) == times


@asynccontextmanager
async def running(
    *plans: Plan, now: Callable[[], datetime] = wall_clock, last: dict[tuple[str, str], datetime] | None = None
) -> AsyncIterator[tuple[Schedule, Played]]:
    played = Played()
    schedule = Schedule(probing=played, now=now)
    schedule.start(plans, last or {})
    try:
        yield schedule, played
    finally:
        await schedule.stop()


async def test_slots_keep_to_the_interval_whatever_the_probe_takes() -> None:
    async with running(plan("a")) as (_, played):
        await until(lambda: len(played.of("a")) >= 5)
    gaps = [later.slot - earlier.slot for earlier, later in itertools.pairwise(played.of("a"))][1:]
    assert set(gaps) <= {timedelta(milliseconds=400), timedelta(milliseconds=399), timedelta(milliseconds=401)}


async def test_a_slow_probe_is_never_started_twice_and_delays_nobody() -> None:
    async with running(plan("slow"), plan("quick")) as (schedule, played):
        played.takes["slow"] = asyncio.Event()
        await until(lambda: len(played.of("quick")) >= 5)
        assert played.of("slow") == []
        assert schedule.pace.skipped >= 2
        played.takes.pop("slow").set()
        await until(lambda: len(played.of("slow")) >= 2)
    assert played.most_at_once["slow"] == 1
    assert {result.failure for result in played.of("slow")} == {None}


async def test_a_failure_is_confirmed_sooner_than_the_interval_by_a_result_of_its_own() -> None:
    async with running(plan("a", every=60, recheck=0.1)) as (_, played):
        played.fails["a"] = 2
        await until(lambda: len(played.of("a")) >= 2)
    first, second = played.of("a")[:2]
    assert first.slot < second.slot
    assert played.began["a"][1] - played.began["a"][0] < 30


async def test_slots_ascend_when_the_wall_clock_steps_back() -> None:
    behind = timedelta(0)

    def stepping() -> datetime:
        return wall_clock() - behind

    async with running(plan("a", every=0.2), now=stepping) as (schedule, played):
        await until(lambda: len(played.of("a")) >= 2)
        behind = timedelta(hours=1)
        await until(lambda: schedule.pace.clock_steps == 1)
        stepped = len(played.of("a"))
        await until(lambda: len(played.of("a")) >= stepped + 3)
    slots = [result.slot for result in played.of("a")]
    assert slots == sorted(set(slots))


async def test_the_cadence_goes_on_when_the_wall_clock_steps_forward() -> None:
    ahead = timedelta(0)

    def stepping() -> datetime:
        return wall_clock() + ahead

    async with running(plan("a", every=0.2), now=stepping) as (schedule, played):
        await until(lambda: len(played.of("a")) >= 2)
        ahead = timedelta(days=30)
        await until(lambda: schedule.pace.clock_steps == 1)
        ticks, results = played.ticks, len(played.of("a"))
        await until(lambda: played.ticks >= ticks + 2 and len(played.of("a")) >= results + 3)
    last = [result.slot for result in played.of("a")][-1]
    assert last - wall_clock() > timedelta(days=29)


async def test_after_a_stall_one_slot_is_missed_and_none_is_made_up() -> None:
    async with running(plan("a", every=0.5)) as (schedule, played):
        await until(lambda: len(played.of("a")) >= 2)
        time.sleep(3)  # noqa: ASYNC251 - the loop itself is what must stall here
        stalled = len(played.of("a"))
        await until(lambda: len(played.of("a")) >= stalled + 3)
    failures = [result.failure for result in played.of("a")]
    assert failures.count(Failure.MISSED) == schedule.pace.missed == 1
    assert schedule.pace.worst_lag > 1
    began = played.began["a"]
    assert min(later - earlier for earlier, later in itertools.pairwise(began[1:])) > 0.15


async def test_new_monitors_are_spread_and_untouched_ones_keep_their_cadence() -> None:
    async with running(plan("a", every=5)) as (schedule, played):
        await until(lambda: played.of("a"))
        due = schedule.next_due("a", "local")
        new = [plan(f"n{n}", every=5) for n in range(100)]
        schedule.replace([plan("a", every=5), *new], {})
        assert schedule.next_due("a", "local") == due
        await until(lambda: all(played.of(one.monitor) for one in new))
    starts = sorted(played.began[one.monitor][0] for one in new)
    assert starts[-1] - starts[0] > 1
    assert max(sum(start <= other < start + 0.01 for other in starts) for start in starts) <= 3 * cadence.GROUP


async def test_two_thousand_monitors_added_at_once_come_one_after_the_other() -> None:
    async with running(plan("a", every=60)) as (schedule, _):
        kept = schedule.next_due("a", "local")
        new = [plan(f"n{n}", every=60) for n in range(2_000)]
        schedule.replace([plan("a", every=60), *new], {})
        assert schedule.next_due("a", "local") == kept
        dues = sorted(schedule.next_due(one.monitor, "local") for one in new)
    assert dues[-1] - dues[0] > 30
    assert all(later - earlier > 0.1 for earlier, later in zip(dues, dues[cadence.GROUP + 1 :], strict=False))


async def test_one_host_is_called_on_by_so_many_probes_at_once_and_others_do_not_wait_for_it() -> None:
    crowd = [plan(f"n{n}", every=0.4, hosts=frozenset({"mail.example.net"})) for n in range(2 * cadence.AT_ONE_HOST)]
    async with running(*crowd, plan("other", hosts=frozenset({"www.example.net"}))) as (schedule, played):
        door = asyncio.Event()
        played.takes |= dict.fromkeys((one.monitor for one in crowd), door)
        await until(lambda: sum(played.running.values()) >= cadence.AT_ONE_HOST and schedule.pace.skipped >= len(crowd))
        assert sum(played.running[one.monitor] for one in crowd if one.monitor in played.running) == cadence.AT_ONE_HOST
        seen = len(played.of("other"))
        await until(lambda: len(played.of("other")) >= seen + 2)
        played.takes.clear()
        door.set()
        await until(lambda: all(any(result.failure is None for result in played.of(one.monitor)) for one in crowd))
    assert {result.failure for result in played.of("other")} == {None}
    assert {result.failure for result in played.results} <= {None, Failure.MISSED}


async def test_a_probe_that_is_given_up_gives_back_the_seats_that_it_had() -> None:
    seats = cadence.Seats()
    for _ in range(cadence.AT_ONE_HOST - 1):
        await seats.take(frozenset({"a"}))
    for _ in range(cadence.AT_ONE_HOST):
        await seats.take(frozenset({"b"}))
    waiting = asyncio.create_task(seats.take(frozenset({"a", "b"})))
    await asyncio.sleep(0)  # one turn of the loop: it has the last seat at a, and waits for one at b
    next_one = asyncio.create_task(seats.take(frozenset({"a"})))
    await asyncio.sleep(0)
    assert not next_one.done()
    waiting.cancel()
    await asyncio.wait_for(next_one, 5)


async def test_a_dropped_monitor_says_nothing_more() -> None:
    async with running(plan("a"), plan("b")) as (schedule, played):
        played.takes["a"] = asyncio.Event()
        await until(lambda: "a" in played.began and played.of("b"))
        schedule.replace([plan("b")], {})
        played.takes["a"].set()
        seen = len(played.of("b"))
        await until(lambda: len(played.of("b")) >= seen + 2)
    assert played.of("a") == []


async def test_slots_go_on_after_those_that_were_stored_before() -> None:
    ahead = wall_clock() + timedelta(hours=1)
    async with running(plan("a"), last={("a", "local"): ahead}) as (_, played):
        await until(lambda: played.of("a"))
    assert played.of("a")[0].slot == ahead + timedelta(milliseconds=1)


def test_slots_are_cut_to_milliseconds_and_follow_the_monotonic_clock() -> None:
    wall, mono = datetime(2026, 3, 2, 8, 0, 0, 123_999, tzinfo=UTC), 1000.0
    slots = Slots(lambda: wall, lambda: mono)
    assert slots.at(1000.0) == datetime(2026, 3, 2, 8, 0, 0, 123_000, tzinfo=UTC)
    assert slots.at(1002.5) == datetime(2026, 3, 2, 8, 0, 2, 623_000, tzinfo=UTC)


@pytest.mark.parametrize("step", [-3600.0, -3.0, 3.0, 3600.0, 30 * 86400.0])
def test_a_step_of_the_wall_clock_is_noticed_once(step: float) -> None:
    moved = timedelta(0)
    start = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    slots = Slots(lambda: start + moved, lambda: 1000.0)
    assert not slots.watch()
    moved = timedelta(seconds=step)
    assert slots.watch()
    assert not slots.watch()
    assert slots.steps == 1


async def test_a_rejected_login_is_tried_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cadence, "REJECTED_REST", 0.3)
    async with running() as (schedule, played):
        played.rejects["imap"] = 99
        schedule.replace([plan("imap", every=0.05)], {})
        for number, rest in ((1, 0.1), (2, 0.2), (3, 0.3), (4, 0.3)):
            await until(partial(played.has_probed, "imap", number))
            assert schedule.next_due("imap", "local") >= played.began["imap"][-1] + rest


async def test_what_is_asked_for_is_probed_at_once_and_keeps_its_cadence_after() -> None:
    async with running(plan("a", every=60), plan("b", every=60), plan("slow", every=60)) as (schedule, played):
        played.takes["slow"] = asyncio.Event()
        await until(lambda: len(played.of("a")) == len(played.of("b")) == len(played.began.get("slow", ())) == 1)
        for _ in range(3):
            schedule.probe_now({"a", "slow"})
        await until(lambda: len(played.of("a")) >= 2)
        assert played.began["a"][1] - played.began["a"][0] < 30
        assert schedule.next_due("a", "local") > asyncio.get_running_loop().time()
        assert len(played.began["slow"]) == 1  # it is being measured
        assert len(played.of("b")) == 1
    assert len(played.of("a")) == 2


async def test_a_rejected_login_is_not_knocked_on_because_somebody_asks() -> None:
    async with running(plan("imap", every=60)) as (schedule, played):
        played.rejects["imap"] = 99
        await until(lambda: len(played.of("imap")) == 1)
        due = schedule.next_due("imap", "local")
        schedule.probe_now({"imap"})
        assert schedule.next_due("imap", "local") == due


async def test_a_login_that_is_taken_again_brings_the_cadence_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cadence, "REJECTED_REST", 0.3)
    async with running() as (schedule, played):
        played.rejects["imap"] = 2
        schedule.replace([plan("imap", every=0.05)], {})
        await until(lambda: len(played.of("imap")) == 3)
        assert played.of("imap")[-1].failure is None
        assert schedule.next_due("imap", "local") < played.began["imap"][-1] + 0.1
