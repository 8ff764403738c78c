"""What fails again soon after its incident was resolved: the old one comes back, where no person has said otherwise."""

from datetime import timedelta

import pytest

from incidents import act
from incidents.events import Impacted, Opened, Reopened, Settled
from incidents.model import Outage, Service, State, Status
from incidents.policy import Policy
from tests.incidents.world import World, need, service, topology


def mail(**more: object) -> World:
    services = [service("email", need("smtp", label="Sending"), need("imap", label="Receiving"), **more)]
    world = World(topology(services, stale_after=timedelta(hours=2)))
    world.good("smtp", "imap")
    return world


def ended(world: World) -> str:
    """An outage of smtp from 3 s on, mended, watched and resolved; returns its incident."""
    world.fail("smtp")
    id = world.incident.id
    world.mend("smtp")
    world.tick(300)
    assert not world.situation.incidents
    return id


def test_the_same_root_failing_again_brings_the_old_incident_back() -> None:
    world = mail()
    id = ended(world)
    world.tick(600)
    world.fail("smtp")
    assert (world.incident.id, world.incident.state) == (id, State.INVESTIGATING)
    assert world.incident.resolved_at is None
    assert not world.situation.ended


def test_it_is_said_in_public_that_it_has_come_back() -> None:
    world = mail()
    id = ended(world)
    said = len(world.updates(id))
    world.tick(600)
    world.fail("smtp")
    (update,) = world.updates(id)[said:]
    assert update.state is State.INVESTIGATING
    assert update.body.startswith("The problem has come back. Email is partly not working")
    assert update.automatic


def test_after_the_window_a_failure_is_another_incident() -> None:
    world = mail()
    id = ended(world)
    world.tick(1800)
    world.fail("smtp")
    assert world.incident.id != id
    assert any(isinstance(event, Settled) and event.incident == id for event in world.events)


def test_the_last_instant_of_the_window_is_outside() -> None:
    world = mail()
    id = ended(world)
    end = world.situation.ended[id].reopens_until
    assert end is not None
    world.bad("smtp")
    world.now = end
    world.bad("smtp")
    assert world.incident.id != id


def test_another_root_opens_another_incident() -> None:
    world = mail()
    id = ended(world)
    world.fail("imap")
    assert world.incident.id != id
    assert set(world.situation.ended) == {id}


def test_how_long_it_lasted_leaves_out_the_time_in_which_it_was_well() -> None:
    world = mail()
    id = ended(world)
    first = world.situation.ended[id]
    assert first.recovered_at is not None
    world.tick(600)
    again = world.now
    world.fail("smtp")
    world.mend("smtp")
    incident = world.incident
    assert incident.started_at == first.started_at
    assert incident.outages == (Outage(since=first.started_at, until=first.recovered_at),)
    assert incident.returned_at == again
    assert incident.downtime(world.now) == timedelta(seconds=6) + timedelta(seconds=6)
    world.tick(300)
    assert "after 12 s in all." in world.updates(id)[-1].body


def test_a_relapse_while_it_is_watched_is_two_outages_as_well() -> None:
    world = mail()
    world.fail("smtp")
    world.mend("smtp")
    world.wait(100)
    world.fail("smtp")
    assert len(world.incident.outages) == 1
    assert world.incident.downtime(world.now) == timedelta(seconds=6) + timedelta(seconds=6)


def test_nobody_owns_what_has_come_back() -> None:
    world = mail()
    world.fail("smtp")
    world.act(act.acknowledge, incident=world.incident.id, by="ada", lasts=timedelta(hours=5))
    world.mend("smtp")
    world.tick(300)
    world.fail("smtp")
    assert world.incident.acknowledgement is None


def test_what_a_person_resolved_comes_back_too() -> None:
    world = mail()
    world.fail("smtp")
    id = world.incident.id
    world.mend("smtp")
    world.act(act.resolve, incident=id, by="ada", body="It works again.", cause="disk")
    world.fail("smtp")
    assert world.incident.id == id
    assert world.incident.cause == "disk"


def test_what_a_person_ended_while_it_failed_does_not_come_back() -> None:
    world = mail()
    world.fail("smtp")
    id = world.incident.id
    world.act(act.resolve, incident=id, by="ada", body="We live with it.", override="it is replaced tomorrow")
    world.bad("smtp")
    assert not world.situation.incidents
    world.mend("smtp")
    world.fail("smtp")
    assert world.incident.id != id


def test_an_incident_that_nobody_saw_comes_back_unseen_and_waits_for_its_words_anew() -> None:
    world = mail(publish_after=timedelta(minutes=10))
    id = ended(world)
    world.tick(60)
    world.fail("smtp")
    assert world.incident.id == id
    assert world.updates(id) == []
    assert world.incident.publish_at is not None
    assert world.incident.publish_at > world.now + timedelta(minutes=9)
    world.tick(600)
    assert len(world.updates(id)) == 1


def test_what_else_had_belonged_to_it_is_found_out_anew() -> None:
    world = World(topology([service("email", need("smtp"), need("disk"))], {"smtp": ("disk",)}, stale_after=timedelta(hours=2)))
    world.good("smtp", "disk")
    world.fail("disk")
    world.fail("smtp")
    before = world.incident.components
    world.mend("disk")
    world.mend("smtp")
    world.tick(300)
    world.fail("disk")
    assert (before, world.incident.components) == (("disk", "smtp"), ("disk",))


def test_it_comes_back_with_its_services_as_they_are_now() -> None:
    world = World(topology([service("email", need("smtp")), service("lists", need("smtp"))], stale_after=timedelta(hours=2)))
    world.good("smtp")
    world.fail("smtp")
    world.mend("smtp")
    world.tick(300)
    world.fail("smtp")
    assert dict(world.incident.services) == {"email": Status.MAJOR, "lists": Status.MAJOR}


@pytest.mark.parametrize("minutes", [0, 5])
def test_the_window_is_a_number_of_the_policy(minutes: int) -> None:
    services: list[Service] = [service("email", need("smtp"))]
    world = World(topology(services, stale_after=timedelta(hours=2)), Policy(reopens_within=timedelta(minutes=minutes)))
    world.good("smtp")
    world.fail("smtp")
    world.mend("smtp")
    world.tick(300)
    world.tick(240)
    world.fail("smtp")
    kinds = [type(event) for event in world.events]
    assert kinds.count(Reopened) == (1 if minutes else 0)
    assert kinds.count(Opened) == (1 if minutes else 2)


def test_what_is_spared_this_time_is_told_as_working() -> None:
    services = [service("email", need("disk"), need("smtp")), service("portal", need("disk", "spare"))]
    world = World(topology(services, stale_after=timedelta(hours=2)))
    world.good("disk", "smtp", "spare")
    world.fail("spare")
    world.fail("disk")
    world.mend("spare")
    world.mend("disk")
    world.tick(301)
    (ended,) = world.situation.ended.values()
    assert set(ended.services) == {"email", "portal"}
    said = [*world.bad("disk"), *world.bad("disk")]
    (first, *_) = (event for event in said if isinstance(event, Impacted))
    assert first.services == {"email": Status.PARTIAL, "portal": Status.OPERATIONAL}
