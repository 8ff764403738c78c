"""Monitors that report by themselves: what their pings mean, and what it means that none comes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents import pings
from incidents.events import Opened, StatusChanged
from incidents.heartbeat import Every, Heartbeat
from incidents.model import Severity, State, Status, Subject
from incidents.rollup import standing
from probes.cron import Cron
from probes.result import Failure
from tests.incidents.world import START, World, need, service, topology

DAY, HOUR, MINUTE, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
NIGHTLY = Heartbeat(rhythm=Every(gap=DAY), grace=HOUR, finish_within=2 * HOUR)
BY_THE_CLOCK = Heartbeat(
    rhythm=Cron(expression="15 2 * * *", timezone="Europe/Berlin"), grace=HOUR, finish_within=HOUR, early=timedelta(minutes=1)
)


def night(heartbeat: Heartbeat = NIGHTLY, fails_after: int = 1, recovers_after: int = 1, **more: object) -> World:
    """A backup that is copied every night, and judged by one ping unless a test says otherwise."""
    numbers = {"fails_after": fails_after, "recovers_after": recovers_after}
    return World(topology([service("backup", need("copy"))], None, heartbeat=heartbeat, **numbers, **more))


def status(world: World) -> Status:
    return standing(world.situation, Subject.MONITOR, "copy")


def at(world: World, instant: datetime) -> None:
    world.now = instant


def missed(world: World) -> list[Failure | None]:
    return [one.failure for one in pings.overdue(world.situation, world.now, world.present_since)]


# --- in time, late, never


def test_what_was_never_pinged_is_unknown_and_never_overdue() -> None:
    world = night()
    world.tick(10 * 365 * 86400)
    assert (status(world), world.service("backup")) == (Status.UNKNOWN, Status.UNKNOWN)
    assert world.events == []


def test_the_first_ping_makes_it_operational() -> None:
    world = night()
    world.ping("copy")
    assert world.service("backup") is Status.OPERATIONAL


def test_a_ping_that_does_not_come_is_overdue_at_due_plus_grace_and_not_before() -> None:
    world = night()
    world.ping("copy")
    at(world, START + DAY + HOUR)
    world.tick()
    assert status(world) is Status.OPERATIONAL
    world.tick(1)
    assert world.incident.started_at == START + DAY + HOUR
    assert world.service("backup") is Status.MAJOR
    assert "overdue at due" in next(e.cause for e in world.events if isinstance(e, StatusChanged) and e.new is Status.MAJOR)


def test_one_miss_opens_one_incident_however_often_time_is_noticed() -> None:
    world = night()
    world.ping("copy")
    for _ in range(50):
        world.tick(3600)
    assert sum(isinstance(event, Opened) for event in world.events) == 1


def test_a_late_ping_within_grace_is_in_time() -> None:
    world = night()
    world.ping("copy")
    at(world, START + DAY + HOUR)
    world.ping("copy")
    world.tick(HOUR.total_seconds())
    assert status(world) is Status.OPERATIONAL
    assert not world.situation.incidents


def test_an_early_ping_moves_the_due_forward() -> None:
    world = night()
    world.ping("copy")
    at(world, START + HOUR)
    world.ping("copy")
    at(world, START + DAY + HOUR + MINUTE)
    world.tick()
    assert status(world) is Status.OPERATIONAL
    at(world, START + DAY + 2 * HOUR + MINUTE)
    world.tick()
    assert status(world) is Status.MAJOR


def test_the_next_ping_recovers_it_and_it_is_resolved_in_the_end() -> None:
    world = night()
    world.ping("copy")
    at(world, START + DAY + 2 * HOUR)
    world.tick()
    world.ping("copy")
    assert world.state() is State.MONITORING
    assert world.service("backup") is Status.OPERATIONAL
    world.tick(301)
    assert not world.situation.incidents


def test_after_a_miss_the_rhythm_goes_on_from_when_it_was_due() -> None:
    world = night(fails_after=3)
    world.ping("copy")
    slots = []
    for _ in range(80):
        world.wait(3600)
        slots += [one.slot for one in pings.overdue(world.situation, world.now, START)]
        world.tick()
    assert slots == [START + n * DAY + HOUR for n in (1, 2, 3)]
    assert status(world) is Status.MAJOR


def test_with_fails_after_two_a_second_miss_is_waited_for() -> None:
    world = night(fails_after=2)
    world.ping("copy")
    at(world, START + DAY + 2 * HOUR)
    world.tick()
    assert status(world) is Status.OPERATIONAL
    at(world, START + 2 * DAY + 2 * HOUR)
    world.tick()
    assert status(world) is Status.MAJOR
    assert world.incident.started_at == START + DAY + HOUR


def test_silence_is_judged_by_the_promise_and_not_by_the_clock_of_other_monitors() -> None:
    world = night(stale_after=timedelta(seconds=100))
    world.ping("copy")
    world.tick(23 * 3600)
    assert status(world) is Status.OPERATIONAL
    world.ping("copy")
    assert not [event for event in world.events if isinstance(event, StatusChanged) and event.new is Status.UNKNOWN]


def test_a_warning_pages_nobody() -> None:
    world = night(severity=Severity.WARNING)
    world.ping("copy")
    world.tick(2 * 86400)
    assert status(world) is Status.MAJOR
    assert not world.situation.incidents


# --- failures, starts, durations


@pytest.mark.parametrize("before", [0, 1])
def test_a_ping_that_says_it_failed_opens_at_once(before: int) -> None:
    world = night()
    for _ in range(before):
        world.ping("copy")
        world.wait(60)
    world.ping("copy", Failure.STATUS)
    assert world.incident.started_at == world.now


def test_after_a_failure_the_next_ping_is_due_as_after_any_other() -> None:
    world = night()
    world.ping("copy", Failure.STATUS)
    at(world, START + DAY + HOUR)
    assert missed(world) == []
    world.wait(1)
    assert missed(world) == [Failure.OVERDUE]


def test_from_start_to_finish_is_what_it_took() -> None:
    world = night()
    world.begin("copy")
    world.wait(1234.5)
    result = world.ping("copy")
    assert (result.measured.took, result.started) == (1234.5, START)
    world.wait(60)
    assert world.ping("copy").measured.took == 0.0


def test_a_start_without_a_finish_is_overdue() -> None:
    world = night()
    world.ping("copy")
    world.wait(60)
    world.begin("copy")
    began = world.now
    world.tick((2 * HOUR).total_seconds())
    assert status(world) is Status.OPERATIONAL
    world.tick(1)
    assert world.incident.started_at == began + 2 * HOUR
    assert world.situation.streaks["copy", "local"].stage == "finish"


def test_the_very_first_start_without_a_finish_is_overdue_too() -> None:
    world = night()
    world.begin("copy")
    assert status(world) is Status.UNKNOWN
    world.tick(2 * 3600 + 1)
    assert status(world) is Status.MAJOR


def test_a_start_in_time_has_the_time_to_finish() -> None:
    world = night()
    world.ping("copy")
    at(world, START + DAY + 59 * MINUTE)
    world.begin("copy")
    world.tick(119 * 60)
    assert status(world) is Status.OPERATIONAL
    world.ping("copy")
    assert missed(world) == []


def test_starting_again_and_again_without_a_finish_is_overdue_after_the_first_start() -> None:
    world = night()
    world.ping("copy")
    world.wait(60)
    began = world.now
    for _ in range(130):
        world.begin("copy")
        world.tick(60)
    assert world.incident.started_at == began + 2 * HOUR


def test_a_start_alone_changes_no_status() -> None:
    world = night()
    world.ping("copy")
    world.ping("copy", Failure.STATUS)
    world.begin("copy")
    assert status(world) is Status.MAJOR


# --- twice, out of order, nobody there


def test_a_ping_sent_twice_counts_once() -> None:
    world = night(fails_after=2, recovers_after=2)
    world.ping("copy")
    world.wait(60)
    world.ping("copy", Failure.STATUS)
    world.wait(2)
    world.ping("copy", Failure.STATUS)
    assert status(world) is Status.OPERATIONAL
    world.wait(60)
    world.ping("copy", Failure.STATUS)
    assert status(world) is Status.MAJOR
    world.wait(60)
    world.ping("copy")
    world.wait(9)
    world.ping("copy")
    assert status(world) is Status.MAJOR
    world.wait(10)
    world.ping("copy")
    assert status(world) is Status.OPERATIONAL


def test_pings_that_never_pause_are_votes_ten_seconds_after_the_one_that_was_counted() -> None:
    world = night(fails_after=3)
    opened = []
    for _ in range(7):
        world.ping("copy", Failure.STATUS)
        opened.append(bool(world.situation.incidents))
        world.wait(4)
    assert opened == [False] * 6 + [True]  # counted after 0, 12 and 24 seconds


def test_a_later_vote_sent_twice_counts_once() -> None:
    world = night(fails_after=3)
    for seconds in (60, 60, 3, 57):
        assert status(world) is Status.UNKNOWN
        world.wait(seconds)
        world.ping("copy", Failure.STATUS)
    assert status(world) is Status.MAJOR
    assert world.now == START + 3 * MINUTE


def test_a_failure_right_after_a_finish_that_did_not_come_is_heard_with_its_reason() -> None:
    world = night(fails_after=2)
    world.begin("copy")
    world.tick((2 * HOUR + 3 * SECOND).total_seconds())
    assert status(world) is Status.UNKNOWN
    world.ping("copy", Failure.STATUS)
    assert (status(world), world.situation.streaks["copy", "local"].failure) == (Status.MAJOR, "status")


def test_the_ping_that_ends_a_miss_counts_once_when_it_is_sent_twice() -> None:
    world = night(recovers_after=2)
    world.ping("copy")
    at(world, START + DAY + 2 * HOUR)
    world.tick()
    for _ in range(2):
        world.ping("copy")
        world.wait(3)
    assert status(world) is Status.MAJOR
    world.wait(60)
    world.ping("copy")
    assert status(world) is Status.OPERATIONAL


def test_a_quick_rhythm_takes_pings_seconds_apart_for_different_ones() -> None:
    world = night(replace(NIGHTLY, rhythm=Every(gap=2 * SECOND), grace=SECOND), recovers_after=3, fails_after=3)
    for _ in range(3):
        world.ping("copy", Failure.STATUS)
        world.wait(2)
    assert status(world) is Status.MAJOR


def test_a_clock_that_steps_back_never_moves_what_was_heard_back() -> None:
    world = night()
    world.ping("copy")
    at(world, START - HOUR)
    result = world.ping("copy")
    assert result.slot == START + pings.TICK
    assert world.situation.seen["copy", "local"] == START + pings.TICK


def test_a_result_older_than_the_newest_changes_nothing() -> None:
    world = night()
    world.ping("copy")
    before = world.situation
    world.hear(replace(world.result("copy", Failure.STATUS), slot=START - SECOND))
    assert (world.situation.seen, status(world)) == (before.seen, Status.OPERATIONAL)


def test_what_fell_due_while_nobody_was_here_is_unknown_and_no_outage() -> None:
    world = night()
    world.ping("copy")
    at(world, START + DAY + 5 * HOUR)
    world.present_since = world.now
    world.tick()
    assert status(world) is Status.UNKNOWN
    assert not world.situation.incidents
    assert not any(isinstance(event, Opened) for event in world.tick(60))
    world.ping("copy")
    assert status(world) is Status.OPERATIONAL


def test_after_an_absence_the_next_miss_is_an_outage_again() -> None:
    world = night()
    world.ping("copy")
    at(world, START + 5 * DAY)
    world.present_since = world.now
    world.tick()
    world.tick(1)
    world.tick(1)
    assert status(world) is Status.UNKNOWN
    at(world, START + 6 * DAY)
    world.tick(1)
    assert status(world) is Status.MAJOR


def test_an_absence_that_ended_before_the_grace_did_excuses_nothing() -> None:
    world = night()
    world.ping("copy")
    world.present_since = START + DAY + HOUR
    at(world, START + DAY + HOUR + SECOND)
    world.tick()
    assert status(world) is Status.MAJOR


# --- by the calendar


def test_a_schedule_is_due_by_the_clock_of_its_zone_in_summer_and_winter() -> None:
    world = night(BY_THE_CLOCK)
    berlin = ZoneInfo("Europe/Berlin")
    at(world, datetime(2026, 3, 28, 2, 16, tzinfo=berlin).astimezone(UTC))
    world.ping("copy")
    # 02:15 does not exist on the 29th: it is due right after the gap.
    at(world, datetime(2026, 3, 29, 2, 0, tzinfo=UTC))
    assert missed(world) == []
    world.wait(1)
    assert missed(world) == [Failure.OVERDUE]
    world.ping("copy")
    at(world, datetime(2026, 3, 30, 3, 15, tzinfo=berlin).astimezone(UTC))
    assert missed(world) == []
    world.wait(1)
    assert missed(world) == [Failure.OVERDUE]


def test_a_schedule_in_the_hour_that_comes_twice_is_due_once() -> None:
    world = night(BY_THE_CLOCK)
    at(world, datetime(2026, 10, 25, 0, 16, tzinfo=UTC))  # 02:16 for the first time
    world.ping("copy")
    at(world, datetime(2026, 10, 25, 12, 0, tzinfo=UTC))
    assert missed(world) == []


def test_a_ping_shortly_before_its_schedule_is_the_one_that_was_due() -> None:
    world = night(BY_THE_CLOCK)
    at(world, datetime(2026, 3, 3, 1, 14, 30, tzinfo=UTC))
    world.ping("copy")
    at(world, datetime(2026, 3, 4, 2, 15, tzinfo=UTC))
    assert missed(world) == []
    world.wait(1)
    assert missed(world) == [Failure.OVERDUE]


def test_each_missed_day_of_a_schedule_is_a_vote() -> None:
    world = night(BY_THE_CLOCK, fails_after=2)
    at(world, datetime(2026, 3, 3, 1, 15, tzinfo=UTC))
    world.ping("copy")
    at(world, datetime(2026, 3, 4, 2, 16, tzinfo=UTC))
    world.tick()
    assert status(world) is Status.OPERATIONAL
    at(world, datetime(2026, 3, 5, 2, 14, tzinfo=UTC))
    world.tick()
    assert status(world) is Status.OPERATIONAL
    at(world, datetime(2026, 3, 5, 2, 16, tzinfo=UTC))
    world.tick()
    assert status(world) is Status.MAJOR


# --- whatever comes


STEPS = st.lists(st.tuples(st.sampled_from(["good", "bad", "start", "tick"]), st.integers(-300, 7200)), max_size=40)


@given(STEPS)
def test_whatever_comes_slots_ascend_and_at_most_one_miss_is_made_for_a_due(steps: list[tuple[str, int]]) -> None:
    world = night(Heartbeat(rhythm=Every(gap=HOUR), grace=10 * MINUTE, finish_within=20 * MINUTE))
    for step, seconds in steps:
        world.wait(seconds)
        before = world.situation.seen.get(("copy", "local"))
        match step:
            case "good":
                world.ping("copy")
            case "bad":
                world.ping("copy", Failure.STATUS)
            case "start":
                world.begin("copy")
            case _:
                made = pings.overdue(world.situation, world.now, world.present_since)
                assert all(one.slot < world.now and (before is None or one.slot > before) for one in made)
                world.tick()
        after = world.situation.seen.get(("copy", "local"))
        assert before is None or (after is not None and after >= before)
        if step == "good":
            assert status(world) is Status.OPERATIONAL
        if step == "bad":
            assert status(world) is Status.MAJOR
