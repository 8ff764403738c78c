"""What was remembered gives, through the same judgement, what happened; and through another what that would have led to."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from incidents import act, pausing, sight
from incidents.events import Acknowledged, Event, Opened, Published, Resolved, StatusChanged
from incidents.heartbeat import Every, Heartbeat
from incidents.model import Component, Monitor, Topology
from incidents.policy import Policy
from incidents.replaying.differences import differences
from incidents.replaying.past import EPOCH, MICROSECOND, Judging, Turn
from incidents.replaying.replay import Rerun, once_more
from incidents.sight import Glance, Look
from probes.result import Failure
from tests.incidents.remembered import Remembered, journal, rerun_of, under
from tests.incidents.world import need, service, topology

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MAIL = topology([service("mail", need("smtp"), need("imap")), service("files", need("disk"))], stale_after=timedelta(seconds=100))


def ticking(world: Remembered, seconds: int, every: int = 20) -> None:
    """All works, with a tick each second and results now and then."""
    for second in range(seconds):
        if second % every == 0:
            for monitor in world.situation.topology.monitors.values():
                if monitor.heartbeat is None and not world.situation.stands_still(monitor.id):
                    world.hear(replace(world.result(monitor.id, None), location=monitor.locations[0]))
                    world.wait(-3)
        world.tick(1)


def an_outage() -> Remembered:
    """Smtp fails for a minute, somebody owns it and notes why; it is mended, and resolved."""
    world = Remembered(MAIL)
    ticking(world, 60)
    for turn in range(4):
        world.bad("smtp")
        for _ in range(10):
            world.tick(1)
        if turn == 2:
            world.act(act.acknowledge, incident=world.incident.id, by="anna", lasts=HOUR)
            world.act(act.note, incident=world.incident.id, by="anna", body="The queue is full.")
    ticking(world, 700)
    return world


def a_silence() -> Remembered:
    """Nobody looks for a while; then everything is heard again, and one part is not."""
    world = Remembered(MAIL)
    ticking(world, 60)
    world.leave(500)
    ticking(world, 45)
    for _ in range(150):
        world.tick(1)
    world.good("smtp", "imap")
    ticking(world, 30)
    return world


def another_file() -> Remembered:
    """One service is taken away and comes back while a part of it is broken, and a monitor is paused meanwhile."""
    world = Remembered(MAIL)
    ticking(world, 40)
    for _ in range(2):
        world.bad("disk")
    world.configure(replace(topology([service("mail", need("smtp"), need("imap"))], stale_after=timedelta(seconds=100))))
    ticking(world, 60)
    world.act(pausing.pause, monitor="imap", by="ada", reason="The vendor works on it.")
    ticking(world, 150)
    world.act(pausing.resume, monitor="imap", by="ada")
    world.configure(MAIL)
    ticking(world, 400)
    return world


def a_job() -> Remembered:
    """A job reports, begins, fails, forgets, and reports again, beside what is probed."""
    pulse = Heartbeat(rhythm=Every(gap=MINUTE), grace=timedelta(seconds=20), finish_within=MINUTE)
    job = Monitor(id="job", component="nightly", heartbeat=pulse, fails_after=1, recovers_after=1)
    shape = Topology(
        services={**MAIL.services, "backup": service("backup", need("nightly"))},
        components={**MAIL.components, "nightly": Component(id="nightly", name="Nightly")},
        monitors={**MAIL.monitors, "job": job},
    )
    world = Remembered(shape)
    ticking(world, 30)
    for failure in (None, Failure.REJECTED, None, None):
        world.ping("job", failure)
        ticking(world, 45)
    world.begin("job")
    ticking(world, 200)
    world.ping("job")
    ticking(world, 60)
    return world


def blindness() -> Remembered:
    """The location cannot see for a while, and measures all the same."""
    world = Remembered(MAIL)

    def look(failure: Failure | None) -> None:
        glances = tuple(Glance(control=one, failure=failure) for one in ("gateway", "resolver"))
        seen = Look(location="local", at=world.now, since=world.now, glances=glances)
        world.notice(lambda situation, now: sight.judge(situation, now, look=seen))

    look(None)
    ticking(world, 40)
    look(Failure.TIMEOUT)
    ticking(world, 40)
    world.bad("smtp")
    world.bad("smtp")
    look(None)
    ticking(world, 60)
    return world


LIVES = (an_outage, a_silence, another_file, a_job, blindness)


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.__name__)
def test_a_life_is_gone_through_to_the_letter(life: Callable[[], Remembered]) -> None:
    world = life()
    rerun = rerun_of(world)
    for turn, events in once_more(rerun, world.turns):
        assert journal(events) == turn.events
    rerun.wakes()
    assert rerun.situation == world.situation


@pytest.mark.parametrize("life", [one for one in LIVES if one is not another_file], ids=lambda life: life.__name__)
def test_the_same_configuration_changes_nothing(life: Callable[[], Remembered]) -> None:
    world = life()
    rerun, events = under(world, world.judgings[1])
    assert journal(events) == journal(world.events)
    assert rerun.lost_acts == 0


class Counting(Rerun):
    judged = 0

    def _judge(self, turn: Turn) -> tuple[Event, ...]:
        self.judged += 1
        return super()._judge(turn)


def test_most_of_the_past_is_stepped_over() -> None:
    world = an_outage()
    rerun = Counting(world.memory, world.judgings, dict(enumerate(world.names)))
    for _ in once_more(rerun, world.turns):
        pass
    assert rerun.judged < len(world.turns) / 10


def watching(**more: object) -> Judging:
    monitors = {id: replace(monitor, **more) for id, monitor in MAIL.monitors.items()}  # type: ignore[arg-type]  # fields by name
    return Judging(topology=replace(MAIL, monitors=monitors), policy=Policy())


def test_a_third_failure_asked_for_is_a_later_detection_of_the_same_outage() -> None:
    world = an_outage()
    rerun, events = under(world, watching(fails_after=3))
    (pair,) = differences(world.events, events).both
    assert pair.gained == timedelta(seconds=-13)
    assert pair.otherwise.started_at == pair.recorded.started_at
    assert pair.otherwise.ended_at is not None
    assert [event.incident for event in events if isinstance(event, Acknowledged)] == [pair.otherwise.id]
    assert rerun.lost_acts == 0


def test_an_outage_too_short_for_the_other_configuration_is_one_fewer_and_its_acts_are_lost() -> None:
    world = an_outage()
    rerun, events = under(world, watching(fails_after=5))
    found = differences(world.events, events)
    assert ([one.root for one in found.fewer], found.both, found.more) == (["smtp"], (), ())
    assert rerun.lost_acts == 2


def held_back(seconds: int) -> Judging:
    services = {id: replace(one, publish_after=timedelta(seconds=seconds)) for id, one in MAIL.services.items()}
    return Judging(topology=replace(MAIL, services=services), policy=Policy())


def test_words_held_back_go_out_at_a_second_that_said_nothing_then() -> None:
    _, events = under(an_outage(), held_back(25))
    (opened,) = (event for event in events if isinstance(event, Opened))
    (published,) = (event for event in events if isinstance(event, Published))
    assert published.at - opened.at == timedelta(seconds=25)


def without_quiet_ticks(world: Remembered) -> Remembered:
    """As a journal has it: a tick that said nothing is not recorded."""
    world.turns = [turn for turn in world.turns if turn.events or turn.places or not turn.circumstances.is_tick]
    return world


def test_seconds_that_nobody_recorded_are_made_up_where_something_was_due() -> None:
    world = without_quiet_ticks(an_outage())
    _, events = under(world, held_back(25))
    (opened,) = (event for event in events if isinstance(event, Opened))
    (published,) = (event for event in events if isinstance(event, Published))
    assert timedelta(seconds=25) <= published.at - opened.at <= timedelta(seconds=26)
    _, same = under(without_quiet_ticks(an_outage()), world.judgings[1])
    assert journal(same) == journal(world.events)


def test_a_shorter_patience_notices_silence_that_was_none() -> None:
    world = without_quiet_ticks(an_outage())
    _, events = under(world, watching(stale_after=timedelta(seconds=12)))
    silent = [event for event in events if isinstance(event, StatusChanged) and event.cause == "no result arrived in time"]
    assert silent
    assert all((event.at - event.since) < timedelta(seconds=2) for event in silent)


def test_another_one_goes_on_from_any_moment() -> None:
    world = an_outage()
    rerun = rerun_of(world)
    half = len(world.turns) // 2
    for turn in world.turns[:half]:
        rerun.take(turn)
    at = world.turns[half].at
    fork = rerun.fork(at, world.judgings[1])
    assert (journal(fork.begin_instead(at)), fork.situation) == ([], rerun.situation)
    assert any(isinstance(event, Resolved) for turn in world.turns[half:] for event in fork.take(turn))
    assert not any(isinstance(event, Opened) for turn in world.turns[half:] for event in turn.events)


def test_a_replay_begins_anywhere_that_is_remembered() -> None:
    world = an_outage()
    rerun = rerun_of(world)
    place = next(number for number, turn in enumerate(world.turns) if any(isinstance(event, Opened) for event in turn.events)) + 1
    for turn in world.turns[:place]:
        rerun.take(turn)
    rerun.wakes()
    memory = replace(world.memory, at=world.turns[place].at, known=rerun.situation)
    again = Rerun(memory, world.judgings, dict(enumerate(world.names)))
    for turn in world.turns[place:]:
        assert journal(again.take(turn)) == turn.events
    again.wakes()
    assert again.situation == world.situation


def test_the_clock_may_wake_no_earlier_than_it_has_something_to_say() -> None:
    world = an_outage()
    rerun = rerun_of(world)
    for turn in world.turns:
        if turn.circumstances.is_tick and turn.events:
            assert rerun.may_wake(turn.micros)
        rerun.take(turn)
    heard = max(world.situation.seen.values())
    wakes = EPOCH + rerun.wakes() * MICROSECOND
    assert heard < wakes <= heard + timedelta(seconds=101)
    assert not rerun.may_wake(rerun.wakes() - 1)
    assert rerun.may_wake(rerun.wakes())
