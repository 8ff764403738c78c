"""Dependencies fold incidents into one; they never spread a status, and they let go."""

import itertools
from datetime import timedelta

import pytest

from incidents import act, regroup
from incidents.events import Opened, Resolved
from incidents.model import Component, State, Status, Topology
from probes.result import Failure
from tests.incidents.world import World, need, service, topology


def company() -> World:
    """Email and the portal stand on storage, which no service needs by itself."""
    services = [service("email", need("smtp"), need("imap")), service("portal", need("web"))]
    world = World(topology(services, {"smtp": ("storage",), "imap": ("storage",), "web": ("storage",)}))
    world.good("smtp", "imap", "web", "storage")
    return world


def test_a_parent_that_no_service_needs_opens_nothing_by_itself() -> None:
    world = company()
    world.fail("storage")
    assert world.component("storage") is Status.MAJOR
    assert world.service("email") is Status.OPERATIONAL
    assert not world.situation.incidents


def test_children_that_fail_with_their_parent_share_one_incident() -> None:
    world = company()
    world.fail("storage")
    for child in ("smtp", "imap", "web"):
        world.fail(child)
    assert world.incident.root == "storage"
    assert set(world.incident.components) == {"storage", "smtp", "imap", "web"}
    assert world.incident.services == {"email": Status.MAJOR, "portal": Status.MAJOR}


@pytest.mark.parametrize("order", list(itertools.permutations(["storage", "smtp", "web"])))
def test_whatever_fails_first_one_incident_remains_and_its_root_is_the_parent(order: tuple[str, ...]) -> None:
    world = company()
    for component in order:
        world.fail(component)
    assert world.incident.root == "storage"
    assert set(world.incident.components) == {"storage", "smtp", "web"}


def test_merged_incidents_say_where_they_go_on() -> None:
    world = company()
    world.fail("smtp")
    world.fail("web")
    assert len(world.situation.incidents) == 2
    world.fail("storage")
    assert world.incident.root == "storage"
    (ended,) = [event for event in world.events if isinstance(event, Resolved)]
    assert ended.merged_into == world.incident.id
    assert world.incident.name in world.updates(ended.incident)[-1].body


def test_a_child_that_failed_long_before_its_parent_keeps_its_own_incident() -> None:
    world = company()
    world.fail("smtp")
    own = world.incident.id
    for _ in range(10):
        world.wait(40)
        world.bad("smtp")
        world.good("storage", "imap", "web")
    world.fail("storage")
    world.fail("web")
    roots = {incident.root: incident.id for incident in world.situation.incidents.values()}
    assert roots["smtp"] == own
    assert set(roots) == {"smtp", "storage"}


def test_a_child_still_down_when_the_parent_is_back_gets_its_own_incident() -> None:
    world = company()
    world.fail("storage")
    world.fail("smtp")
    world.fail("web")
    shared = world.incident.id
    world.mend("web")
    world.mend("storage")
    assert world.incident.id == shared
    world.wait(60)
    world.bad("smtp")
    world.good("storage", "imap", "web")
    world.tick(50)
    roots = {incident.root: incident for incident in world.situation.incidents.values()}
    assert roots["storage"].id == shared
    assert roots["storage"].state is State.MONITORING
    assert roots["smtp"].services == {"email": Status.PARTIAL}


def test_an_unknown_parent_folds_nothing() -> None:
    services = [service("email", need("smtp")), service("portal", need("web"))]
    world = World(topology(services, {"smtp": ("storage",), "web": ("storage",)}))
    world.good("smtp", "web")
    world.fail("smtp")
    world.fail("web")
    assert {incident.root for incident in world.situation.incidents.values()} == {"smtp", "web"}


def test_everything_recovers_together_into_one_resolved_incident() -> None:
    world = company()
    world.fail("storage")
    for child in ("smtp", "imap", "web"):
        world.fail(child)
    for component in ("storage", "smtp", "imap", "web"):
        world.mend(component)
    assert world.incident.state is State.MONITORING
    assert sum(isinstance(event, Opened) for event in world.events) == 1


def test_a_circle_of_dependencies_is_no_topology() -> None:
    parts = {id: Component(id=id, name=id, depends_on=(other,)) for id, other in (("a", "b"), ("b", "a"))}
    with pytest.raises(ValueError, match="depends on itself"):
        Topology(services={}, components=parts, monitors={})


def test_a_child_waits_for_the_verdict_on_a_parent_that_has_begun_to_fail() -> None:
    world = company()
    world.bad("smtp", "storage")
    world.bad("smtp")
    assert world.service("email") is Status.PARTIAL
    assert not world.situation.incidents
    world.bad("storage")
    assert world.incident.root == "storage"
    assert len(world.updates(world.incident.id)) == 1


def test_a_parent_that_is_cleared_leaves_the_child_its_own_incident() -> None:
    world = company()
    world.bad("smtp", "storage")
    world.bad("smtp")
    world.good("storage")
    assert world.incident.root == "smtp"


def test_a_parent_whose_verdict_never_comes_is_not_waited_for() -> None:
    world = company()
    world.bad("smtp", "storage")
    world.bad("smtp")
    world.tick(20)
    assert world.incident.root == "smtp"


@pytest.mark.parametrize("is_posted", [True, False])
def test_what_a_person_has_taken_in_hand_is_not_merged_away(*, is_posted: bool) -> None:
    world = company()
    world.fail("smtp")
    mine = world.incident.id
    if is_posted:
        world.act(act.update, incident=mine, by="anna", body="We are on it.")
    else:
        world.act(act.acknowledge, incident=mine, by="anna", lasts=timedelta(minutes=30))
    world.fail("web")
    world.fail("storage")
    roots = {incident.id: incident.root for incident in world.situation.incidents.values()}
    assert mine in roots


def slow_long_before(**more: timedelta) -> World:
    """Email and the portal, on one disk, have been impaired for three minutes; then the disk fails, with an incident of its own."""
    services = [service("email", need("smtp"), **more), service("portal", need("web"), **more), service("files", need("disk"))]
    world = World(topology(services, {"smtp": ("disk",)}, stale_after=timedelta(hours=2)))
    world.good("smtp", "web", "disk")
    for _ in range(2):
        world.bad("smtp", "web", failure=Failure.SLOW)
    world.tick(180)
    return world


def root_of(world: World, component: str) -> str | None:
    return next(one.root for one in world.situation.incidents.values() if component in one.components)


def test_what_gets_worse_with_the_disk_joins_its_incident() -> None:
    world = slow_long_before()
    world.fail("disk")
    assert root_of(world, "smtp") == "smtp"
    world.fail("smtp")
    assert root_of(world, "smtp") == "disk"


def test_what_a_person_has_put_together_is_not_merged_away_even_before_it_is_public() -> None:
    world = slow_long_before(publish_after=timedelta(hours=1))
    held = {one.root: one.id for one in world.situation.incidents.values()}
    world.act(regroup.merge, incident=held["web"], into=held["smtp"], by="ada")
    world.fail("disk")
    world.fail("smtp")
    assert (root_of(world, "smtp"), root_of(world, "web"), root_of(world, "disk")) == ("smtp", "smtp", "disk")


def test_what_was_said_to_work_again_goes_on_by_itself() -> None:
    world = company_with_files()
    world.fail("smtp")
    world.mend("smtp")
    world.fail("disk")
    assert root_of(world, "disk") == "disk", "what works again is nobody's victim"
    world.fail("smtp")
    assert root_of(world, "smtp") == "smtp"
    assert world.situation.incidents.keys() == {event.incident for event in world.events if isinstance(event, Opened)}


def company_with_files() -> World:
    services = [service("email", need("smtp")), service("files", need("disk"))]
    world = World(topology(services, {"smtp": ("disk",)}, stale_after=timedelta(hours=2)))
    world.good("smtp", "disk")
    return world


@pytest.mark.parametrize(("seconds", "root"), [(114, "disk"), (115, "smtp")])
def test_two_minutes_before_its_parent_and_no_more_is_together(seconds: int, root: str) -> None:
    world = company_with_files()
    began = world.now
    world.fail("smtp")
    world.tick(seconds)
    assert world.now - began == timedelta(seconds=seconds + 6)
    world.fail("disk")
    assert root_of(world, "smtp") == root
