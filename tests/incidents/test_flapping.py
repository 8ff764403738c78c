"""What comes and goes too often is one incident that says so once, however long it goes on."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from incidents import act, flapping
from incidents.events import Calmed, Flapped, Opened, StatusChanged
from incidents.model import State, Status, Subject
from incidents.policy import Policy
from tests.incidents.chance import often
from tests.incidents.world import World, need, service, topology

POLICY = Policy()


def steady() -> World:
    world = World(topology([service("email", need("smtp", label="Sending"))], stale_after=timedelta(days=1)))
    world.good("smtp")
    return world


def comes_and_goes(world: World, times: int, apart: int = 60) -> None:
    """So many outages, one every *apart* seconds and as long as that; it works between them."""
    for _ in range(times):
        world.fail("smtp")
        world.tick(apart)
        world.mend("smtp")
        world.tick(apart)


def told(world: World) -> list[str]:
    (id,) = {e.incident for e in world.events if isinstance(e, Opened)}
    return [update.body for update in world.updates(id)]


def count(world: World, kind: type) -> int:
    return sum(isinstance(event, kind) for event in world.events)


def test_a_trace_of_turns_is_one_incident_with_few_updates() -> None:
    world = steady()
    comes_and_goes(world, 20)
    assert count(world, Opened) == 1
    assert count(world, Flapped) == 1
    assert len(told(world)) == 5
    assert told(world)[-1] == (
        "Email keeps failing and recovering. We treat this as one problem; the status page shows how it is at present."
    )
    assert world.incident.name == "Email is unstable"
    assert world.state() is State.INVESTIGATING


def test_statuses_show_each_turn_all_the_same() -> None:
    world = steady()
    comes_and_goes(world, 20)
    turns = [e.new for e in world.events if isinstance(e, StatusChanged) and e.subject is Subject.SERVICE]
    assert turns == [Status.OPERATIONAL, *[Status.MAJOR, Status.OPERATIONAL] * 20]


def test_two_outages_are_no_flapping() -> None:
    world = steady()
    comes_and_goes(world, 2)
    assert count(world, Flapped) == 0
    assert world.state() is State.MONITORING


def test_outages_that_are_far_apart_are_no_flapping() -> None:
    world = steady()
    comes_and_goes(world, 3, apart=16 * 60)
    assert count(world, Flapped) == 0


def test_slow_flapping_is_one_incident_too() -> None:
    """Each time it is over before it comes back: it is brought back, and the third time it stays."""
    world = steady()
    for _ in range(12):
        comes_and_goes(world, 1, apart=200)
        world.tick(250)
    assert (count(world, Opened), count(world, Flapped)) == (1, 1)
    assert len(told(world)) < 12


def test_it_calms_after_a_quiet_while_and_is_then_resolved_as_ever() -> None:
    world = steady()
    comes_and_goes(world, 5)
    world.tick(POLICY.calms_after.total_seconds() - 120)
    assert count(world, Calmed) == 0
    world.tick(120)
    assert (count(world, Calmed), world.state()) == (1, State.MONITORING)
    id = world.incident.id
    world.tick(5 * 60)
    assert not world.situation.incidents
    assert "in which it was unstable" in world.updates(id)[-1].body


def test_one_more_outage_after_the_calm_is_enough_to_flap_again() -> None:
    world = steady()
    comes_and_goes(world, 20)
    world.tick(POLICY.calms_after.total_seconds())
    world.fail("smtp")
    assert (count(world, Flapped), world.state()) == (2, State.INVESTIGATING)


def test_what_is_not_known_is_not_quiet() -> None:
    world = World(topology([service("email", need("smtp"))]))
    world.good("smtp")
    comes_and_goes(world, 4)
    world.tick(3600)
    assert count(world, Calmed) == 0


def test_a_name_that_a_person_has_used_stays() -> None:
    world = steady()
    world.fail("smtp")
    world.act(act.update, incident=world.incident.id, by="anna", body="A disk is full.")
    name = world.incident.name
    world.mend("smtp")
    comes_and_goes(world, 4)
    assert (world.incident.name, count(world, Flapped)) == (name, 1)


def test_however_it_comes_and_goes_updates_are_bounded(is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    """It stays one incident; and in any half hour there are at most two rounds before it flaps, and one after it calmed."""

    @often(is_soak=is_soak, few=100, most=1_000)
    @given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), min_size=5, max_size=25))
    def holds(spans: list[tuple[int, int]]) -> None:
        world = steady()
        for bad, good in spans:
            world.fail("smtp")
            for _ in range(bad // 60):
                world.tick(60)
            world.mend("smtp")
            for _ in range(good // 60):
                world.tick(60)
        ids = {e.incident for e in world.events if isinstance(e, Opened)}
        assert len(ids) == 1, "what comes back within half an hour is the same incident"
        said = sorted(update.at for id in ids for update in world.updates(id))
        for at in said:
            assert sum(at <= later < at + POLICY.flaps_within for later in said) <= 12

    holds()


def test_it_has_calmed_from_that_very_instant_on() -> None:
    world = steady()
    comes_and_goes(world, 3)
    calms_at = flapping.calms_at(world.situation, world.incident, POLICY)
    assert calms_at == world.situation.standings[Subject.SERVICE, "email"].since + POLICY.calms_after
    assert flapping.is_over(world.situation, world.incident, POLICY, calms_at)
    assert not flapping.is_over(world.situation, world.incident, POLICY, calms_at - timedelta(microseconds=1))
