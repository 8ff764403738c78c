"""What waits for a person, and what ends unseen."""

from datetime import timedelta

from incidents import act
from incidents.events import Opened, Published
from incidents.model import Incident, Status
from probes.result import Failure
from tests.incidents.world import World, need, service, topology


def world_of(**more: object) -> World:
    world = World(topology([service("email", need("smtp"), need("imap"), **more)], stale_after=timedelta(hours=9)))
    world.good("smtp", "imap")
    return world


def draft(world: World) -> Incident:
    said = world.act(act.open_incident, by="ada", name="Calls", services={"email": Status.MAJOR}, body="Three calls.", is_draft=True)
    (opened,) = (event for event in said if isinstance(event, Opened))
    return world.situation.incidents[opened.incident]


def test_a_draft_changes_no_status_and_says_nothing() -> None:
    world = world_of()
    incident = draft(world)
    assert world.service("email") is Status.OPERATIONAL
    assert (incident.published_at, incident.publish_at, incident.updates, incident.notes) == (None, None, 0, 1)


def test_no_time_publishes_a_draft() -> None:
    world = world_of()
    id = draft(world).id
    world.tick(30000)
    assert world.situation.incidents[id].published_at is None


def test_its_first_update_publishes_it() -> None:
    world = world_of()
    id = draft(world).id
    world.act(act.update, incident=id, by="bob", body="Sending fails for some.")
    assert [update.body for update in world.updates(id)] == ["Sending fails for some."]
    assert world.service("email") is Status.MAJOR
    (event,) = (event for event in world.events if isinstance(event, Published))
    assert event.reason == "bob posted on it"


def test_a_draft_that_is_resolved_leaves_no_public_word() -> None:
    world = world_of()
    id = draft(world).id
    world.act(act.resolve, incident=id, by="bob", body="It was their own line.")
    assert id not in world.situation.incidents
    assert world.updates(id) == []
    assert not any(isinstance(event, Published) for event in world.events)


def test_an_outage_resolved_by_hand_before_it_was_public_stays_unseen() -> None:
    world = world_of(publish_after=timedelta(minutes=10))
    world.fail("smtp")
    id = world.incident.id
    world.act(act.resolve, incident=id, by="ada", body="A planned test.", override="we pulled the plug")
    assert world.updates(id) == []
    assert world.service("email") is Status.PARTIAL


def test_a_rejected_login_never_goes_public_by_itself() -> None:
    world = world_of()
    for _ in range(100):
        world.bad("smtp", failure=Failure.AUTH_REJECTED)
        world.tick(30)
        world.good("imap")
    assert world.component("smtp") is Status.UNKNOWN
    assert not any(isinstance(event, Opened) for event in world.events)


def test_an_unavailable_login_is_a_failure_like_any_other() -> None:
    world = world_of()
    for _ in range(2):
        world.bad("smtp", failure=Failure.AUTH_UNAVAILABLE)
    assert world.component("smtp") is Status.MAJOR
    assert world.situation.incidents
