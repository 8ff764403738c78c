"""The very instant at which the clock alone next changes something, for each clock there is."""

from datetime import datetime, timedelta

import pytest

from incidents import act, waking
from incidents.events import Event
from incidents.heartbeat import Every, Heartbeat
from incidents.model import Component, Monitor, State, Topology
from incidents.policy import Policy
from incidents.waking import NEVER, clocks_wake_at, wakes_at
from probes.result import Failure
from tests.incidents import works
from tests.incidents.world import World, need, service, topology

MINUTE, HOUR, SECOND = timedelta(minutes=1), timedelta(hours=1), timedelta(seconds=1)
POLICY = Policy()


def mail(**more: object) -> World:
    world = World(topology([service("email", need("smtp"), need("imap"), **more)], stale_after=HOUR))
    for _ in range(2):
        world.good("smtp", "imap")
    return world


def clock(world: World) -> datetime:
    return clocks_wake_at(world.situation, world.policy, world.now)


def says_nothing_before_but_then(world: World, at: datetime) -> list[Event]:
    """What is said *at* that instant, and that a moment before it nothing is."""
    world.wait((at - world.now).total_seconds() - 0.001)
    assert not world.tick()
    world.wait(0.001)
    said = list(world.tick())
    assert said
    return said


def test_where_all_is_well_only_silence_is_waited_for() -> None:
    world = mail()
    heard = world.situation.seen["smtp", "local"]
    world.wait(60)
    world.good("imap")
    assert clock(world) == NEVER
    assert wakes_at(world.situation, POLICY, world.now) == heard + HOUR
    says_nothing_before_but_then(world, heard + HOUR)
    assert wakes_at(world.situation, POLICY, world.now) == world.situation.seen["imap", "local"] + HOUR


def test_where_nothing_is_watched_nothing_is_waited_for() -> None:
    empty = World(Topology(services={}, components={}, monitors={}))
    assert wakes_at(empty.situation, POLICY, empty.now) == clock(empty) == NEVER


def test_words_that_are_held_back_are_waited_for() -> None:
    world = mail(publish_after=MINUTE)
    world.fail("smtp")
    assert clock(world) == world.incident.opened_at + MINUTE
    says_nothing_before_but_then(world, clock(world))
    assert clock(world) == NEVER


def test_an_incident_that_has_recovered_is_waited_for_and_then_its_return() -> None:
    world = mail(resolves_after=MINUTE)
    world.fail("smtp")
    world.mend("smtp")
    assert world.incident.state is State.MONITORING
    assert clock(world) == world.incident.resolves_at == world.now - 3 * SECOND + MINUTE
    says_nothing_before_but_then(world, clock(world))
    resolved = world.now
    assert clock(world) == resolved + POLICY.reopens_within
    says_nothing_before_but_then(world, clock(world))
    assert clock(world) == NEVER


def test_what_recovers_before_its_words_are_due_waits_for_its_end_alone() -> None:
    world = mail(publish_after=MINUTE, resolves_after=2 * MINUTE)
    world.fail("smtp")
    world.mend("smtp")
    assert clock(world) == world.incident.resolves_at


def test_more_words_wait_until_the_last_ones_are_old_enough() -> None:
    services = [service("email", need("smtp")), service("portal", need("web"))]
    world = World(topology(services, {"smtp": ("disk",), "web": ("disk",)}, stale_after=HOUR))
    world.good("smtp", "web", "disk")
    world.fail("disk")
    world.fail("smtp")
    told = world.incident.told_at
    assert told is not None
    assert clock(world) == NEVER
    world.fail("web")
    assert world.now < told + POLICY.says_more_after
    assert clock(world) == told + POLICY.says_more_after
    says_nothing_before_but_then(world, clock(world))


def test_what_comes_and_goes_is_waited_for_until_it_has_been_calm() -> None:
    world = mail()
    for _ in range(POLICY.flaps_at):
        world.fail("smtp")
        world.mend("smtp")
    well = world.now - 6 * SECOND
    assert clock(world) == well + POLICY.calms_after
    said = says_nothing_before_but_then(world, clock(world))
    assert type(said[0]).__name__ == "Calmed"


def test_a_victim_that_stays_broken_is_waited_for_from_when_its_root_is_back() -> None:
    services = [service("email", need("smtp")), service("files", need("disk"))]
    world = World(topology(services, {"smtp": ("disk",)}, stale_after=10 * MINUTE))
    world.good("smtp", "disk")
    world.bad("disk", "smtp")
    world.bad("disk", "smtp")
    back = world.now
    world.mend("disk")
    assert clock(world) == back + 10 * MINUTE
    for _ in range(90):
        world.bad("smtp")
        world.good("disk")
    says_nothing_before_but_then(world, back + 10 * MINUTE)


def test_a_verdict_on_a_cause_is_waited_for_no_longer_than_its_patience() -> None:
    world = World(topology([service("email", need("smtp"))], {"smtp": ("disk",)}, stale_after=HOUR))
    world.good("smtp", "disk")
    world.bad("smtp")
    began = world.now
    world.bad("smtp", "disk")
    assert not world.situation.incidents
    assert clock(world) == began + POLICY.waits_for_cause
    says_nothing_before_but_then(world, clock(world))
    assert world.incident.root == "smtp"


def test_what_broken_parts_hit_nobody_are_not_waited_for() -> None:
    world = World(topology([service("email", need("smtp", "spare"))], stale_after=HOUR))
    world.good("smtp", "spare")
    world.fail("spare")
    assert clock(world) == NEVER


def test_a_ping_is_waited_for_until_its_grace_is_over() -> None:
    pulse = Heartbeat(rhythm=Every(gap=HOUR), grace=10 * MINUTE, finish_within=20 * MINUTE)
    job = Monitor(id="job", component="nightly", heartbeat=pulse, fails_after=1, recovers_after=1)
    shape = Topology(
        services={"backup": service("backup", need("nightly"))},
        components={"nightly": Component(id="nightly", name="Nightly")},
        monitors={"job": job},
    )
    world = World(shape)
    assert wakes_at(world.situation, POLICY, world.now) == NEVER
    world.ping("job")
    assert wakes_at(world.situation, POLICY, world.now) == world.now + HOUR + 10 * MINUTE
    began = world.now
    world.begin("job")
    assert clock(world) == began + 20 * MINUTE


def test_a_window_is_waited_for_from_its_start_to_its_end() -> None:
    world = mail()
    id = works.planned(world, 600, 600)
    window = world.situation.maintenances[id]
    assert clock(world) == window.starts
    world.tick((window.starts - world.now).total_seconds())
    assert clock(world) == window.ends
    world.fail("imap")
    world.tick((window.ends - world.now).total_seconds())
    assert clock(world) == window.ends + POLICY.verifies_for


def test_what_needs_no_more_words_is_asked_for_none() -> None:
    world = mail()
    world.bad("smtp", failure=Failure.SLOW)
    world.bad("smtp", failure=Failure.SLOW)
    world.act(act.acknowledge, incident=world.incident.id, by="anna", lasts=HOUR)
    assert clock(world) == NEVER


@pytest.mark.parametrize("known", [True, False])
def test_what_was_never_heard_of_is_looked_at_at_once_if_it_is_known_all_the_same(known: bool) -> None:  # noqa: FBT001 - given by name
    world = mail()
    forgotten = {key: at for key, at in world.situation.seen.items() if key[0] != "smtp"}
    standings = world.situation.standings if known else {}
    found = wakes_at(
        type(world.situation)(topology=world.situation.topology, seed="s", seen=forgotten, standings=standings), POLICY, world.now
    )
    assert found == (waking.AT_ONCE if known else NEVER)
