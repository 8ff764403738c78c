"""What agents do, and what they are refused."""

from datetime import timedelta

import pytest

from incidents import act
from incidents.events import Opened
from incidents.model import State, Status
from tests.incidents.world import World, need, service, topology

LEASE = timedelta(minutes=30)


@pytest.fixture
def world() -> World:
    """Email's sending is down and has an incident."""
    world = World(topology([service("email", need("smtp"), need("imap"))]))
    world.good("smtp", "imap")
    world.fail("smtp")
    return world


def test_acknowledging_names_the_owner_and_changes_no_state(world: World) -> None:
    state = world.incident.state
    world.act(act.acknowledge, incident=world.incident.id, by="anna", lasts=LEASE)
    held = world.incident.acknowledgement
    assert held is not None
    assert (held.by, held.expires_at - held.at) == ("anna", LEASE)
    assert world.incident.state is state


def test_a_second_agent_is_told_who_holds_it_and_since_when(world: World) -> None:
    world.act(act.acknowledge, incident=world.incident.id, by="anna", lasts=LEASE)
    taken = world.now
    with pytest.raises(act.AlreadyHeld) as refused:
        world.act(act.acknowledge, incident=world.incident.id, by="ben", lasts=LEASE)
    assert (refused.value.held.by, refused.value.held.at) == ("anna", taken)
    assert "anna" in refused.value.reason


def test_the_holder_renews(world: World) -> None:
    world.act(act.acknowledge, incident=world.incident.id, by="anna", lasts=LEASE)
    world.wait(600)
    world.act(act.acknowledge, incident=world.incident.id, by="anna", lasts=LEASE)
    assert world.incident.acknowledgement is not None
    assert world.incident.acknowledgement.expires_at == world.now + LEASE


def test_an_expired_acknowledgement_can_be_taken_over(world: World) -> None:
    world.act(act.acknowledge, incident=world.incident.id, by="anna", lasts=LEASE)
    world.wait(LEASE.total_seconds())
    world.act(act.acknowledge, incident=world.incident.id, by="ben", lasts=LEASE)
    assert world.incident.acknowledgement is not None
    assert world.incident.acknowledgement.by == "ben"


def test_an_update_with_a_state_moves_the_incident(world: World) -> None:
    id = world.incident.id
    world.act(act.update, incident=id, by="anna", state=State.IDENTIFIED, body="A disk is full.")
    assert world.incident.state is State.IDENTIFIED
    last = world.updates(id)[-1]
    assert (last.number, last.by, last.automatic, last.state) == (2, "anna", False, State.IDENTIFIED)


def test_an_update_publishes_words_that_were_held_back() -> None:
    world = World(topology([service("email", need("smtp"), publish_after=timedelta(hours=1))]))
    world.good("smtp")
    world.fail("smtp")
    world.act(act.update, incident=world.incident.id, by="anna", body="We know.")
    assert world.incident.published_at == world.now
    assert [update.body for update in world.updates(world.incident.id)] == ["We know."]


def test_an_update_needs_words_and_a_promise_needs_the_future(world: World) -> None:
    with pytest.raises(act.Invalid, match="words"):
        world.act(act.update, incident=world.incident.id, by="anna", body=" \n")
    with pytest.raises(act.Invalid, match="to come"):
        world.act(act.update, incident=world.incident.id, by="anna", body="Soon.", next_update_by=world.now)


def test_an_update_cannot_end_an_incident(world: World) -> None:
    with pytest.raises(act.IllegalMove):
        world.act(act.update, incident=world.incident.id, by="anna", state=State.RESOLVED, body="Done.")


def test_notes_are_numbered_and_stay_inside(world: World) -> None:
    public = len(world.updates(world.incident.id))
    world.act(act.note, incident=world.incident.id, by="anna", body="Called the data centre.")
    world.act(act.note, incident=world.incident.id, by="ben", body="They call back.")
    assert world.incident.notes == 2
    assert len(world.updates(world.incident.id)) == public


def test_resolving_while_probes_fail_needs_a_reason(world: World) -> None:
    with pytest.raises(act.StillFailing) as refused:
        world.act(act.resolve, incident=world.incident.id, by="anna", body="Done.")
    assert refused.value.components == ("smtp",)


def test_an_override_resolves_and_the_same_failure_opens_no_other(world: World) -> None:
    world.act(act.resolve, incident=world.incident.id, by="anna", body="Planned work.", override="known, switched off")
    assert not world.situation.incidents
    world.bad("smtp")
    world.tick(1)
    assert not world.situation.incidents
    assert world.service("email") is Status.PARTIAL
    world.mend("smtp")
    world.good("imap")
    world.fail("smtp")
    assert world.incident.root == "smtp"


def test_after_a_persons_words_a_recovered_incident_waits_for_the_desk(world: World) -> None:
    world.act(act.update, incident=world.incident.id, by="anna", body="We are on it.")
    world.mend("smtp")
    recovered = world.incident.recovered_at
    assert recovered is not None
    confirmed = recovered + timedelta(seconds=3)
    assert world.incident.resolves_at == confirmed + timedelta(minutes=30)


def test_the_machine_does_not_move_an_incident_that_a_person_took_back(world: World) -> None:
    world.mend("smtp")
    world.act(act.update, incident=world.incident.id, by="anna", state=State.INVESTIGATING, body="Mails are still delayed.")
    for _ in range(5):
        world.good("smtp", "imap")
        world.tick(60)
    assert world.incident.state is State.INVESTIGATING
    world.act(act.resolve, incident=world.incident.id, by="anna", body="All delivered.")
    assert not world.situation.incidents


def test_a_person_can_call_it_mended_before_the_probes_do(world: World) -> None:
    world.act(act.update, incident=world.incident.id, by="anna", state=State.MONITORING, body="Restarted.")
    world.bad("smtp")
    assert world.incident.state is State.MONITORING
    world.mend("smtp")
    assert world.incident.recovered_at is not None


def test_an_incident_opened_by_hand_turns_its_services_red_until_it_ends() -> None:
    world = World(topology([service("email", need("smtp"))]))
    world.good("smtp")
    world.act(act.open_incident, by="anna", name="Mail is late", services={"email": Status.DEGRADED}, body="Looking.")
    assert world.service("email") is Status.DEGRADED
    world.tick(10)
    world.act(act.resolve, incident=world.incident.id, by="anna", body="Fine again.")
    assert world.service("email") is Status.OPERATIONAL


def test_an_incident_by_hand_needs_known_services_and_an_outage() -> None:
    world = World(topology([service("email", need("smtp"))]))
    for services, reason in (({}, "at least one"), ({"fax": Status.MAJOR}, "no service"), ({"email": Status.OPERATIONAL}, "no outage")):
        with pytest.raises(act.Invalid, match=reason):
            world.act(act.open_incident, by="anna", name="x", services=services, body="y")
    assert not any(isinstance(event, Opened) for event in world.events)


@pytest.mark.parametrize("name", ["acknowledge", "note", "update", "resolve"])
def test_acts_on_what_is_not_open_are_refused(world: World, name: str) -> None:
    arguments = {"lasts": LEASE} if name == "acknowledge" else {"body": "words"}
    with pytest.raises(act.NotFound):
        world.act(getattr(act, name), incident="nothinghere0", by="anna", **arguments)
