"""Merging and splitting by agents, and that the machine does not undo it."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from incidents import act, regroup
from incidents.events import Event, Opened, Parted, Rerooted
from incidents.model import Incident, Origin, State, Status
from incidents.voices import AT_THE_DESK
from incidents.words import headline
from tests.incidents.world import World, need, service, topology

PATIENT = timedelta(hours=2)


def two_causes(**more: object) -> tuple[World, Incident, Incident]:
    """A world in which smtp and web have failed, each with an incident of its own."""
    services = [service("email", need("smtp"), **more), service("portal", need("web"), **more)]
    world = World(topology(services, stale_after=PATIENT))
    world.good("smtp", "web")
    world.fail("smtp")
    (mail,) = world.situation.incidents.values()
    world.fail("web")
    (web,) = (one for one in world.situation.incidents.values() if one.id != mail.id)
    return world, mail, web


def one_cause() -> World:
    """A world in which disk has failed and smtp and web, which depend on it, with it."""
    services = [service("email", need("smtp")), service("portal", need("web")), service("files", need("disk"))]
    world = World(topology(services, {"smtp": ("disk",), "web": ("disk",)}, stale_after=PATIENT))
    world.good("smtp", "web", "disk")
    world.fail("disk")
    world.fail("smtp")
    world.fail("web")
    assert set(world.incident.components) == {"disk", "smtp", "web"}
    return world


def holders(world: World, component: str) -> list[str]:
    return [one.id for one in world.situation.incidents.values() if component in one.components]


def split(world: World, *components: str, services: Sequence[str] = (), name: str = "Email by itself") -> Incident:
    said = world.act(
        regroup.split,
        incident=world.incident.id,
        by="ada",
        name=name,
        body="It is another cause.",
        components=components,
        services=services,
    )
    return world.situation.incidents[next(event.incident for event in said if isinstance(event, Opened))]


# --- merge


def test_a_merged_incident_ends_and_what_belonged_to_it_goes_on_in_the_other() -> None:
    world, mail, web = two_causes()
    world.act(regroup.merge, incident=web.id, into=mail.id, by="ada")
    assert world.incident.id == mail.id
    assert world.incident.components == ("smtp", "web")
    assert dict(world.incident.services) == {"email": Status.MAJOR, "portal": Status.MAJOR}
    assert web.id not in world.situation.ended


def test_the_public_is_told_on_both() -> None:
    world, mail, web = two_causes()
    world.act(regroup.merge, incident=web.id, into=mail.id, by="ada", body="The power is out.")
    farewell, welcome = world.updates(web.id)[-1], world.updates(mail.id)[-1]
    assert (farewell.state, farewell.title) == (State.RESOLVED, headline(web, State.RESOLVED, AT_THE_DESK))
    assert farewell.body == f"This problem has the same cause as “{mail.name}”. All further updates are posted there. The power is out."
    assert (welcome.state, welcome.body, welcome.by) == (State.INVESTIGATING, "The power is out.", "ada")


def test_without_words_the_other_says_that_it_took_over() -> None:
    world, mail, web = two_causes()
    world.act(regroup.merge, incident=web.id, into=mail.id, by="ada")
    assert world.updates(mail.id)[-1].body.startswith(f"“{web.name}” has the same cause")


def test_nothing_is_said_where_nobody_has_seen_either() -> None:
    world, mail, web = two_causes(publish_after=timedelta(hours=1))
    world.act(regroup.merge, incident=web.id, into=mail.id, by="ada")
    assert world.updates(mail.id) == world.updates(web.id) == []
    assert world.incident.published_at is None


def test_what_takes_over_from_a_public_incident_becomes_public() -> None:
    world, mail, web = two_causes(publish_after=timedelta(hours=1))
    world.act(act.update, incident=web.id, by="ada", body="We know.")
    world.act(regroup.merge, incident=web.id, into=mail.id, by="ada")
    assert world.incident.published_at is not None


def test_the_machine_does_not_take_apart_what_a_person_merged() -> None:
    world, mail, web = two_causes()
    world.act(regroup.merge, incident=web.id, into=mail.id, by="ada")
    world.mend("smtp")
    for _ in range(10):
        world.tick(3600)
        world.good("smtp")
        world.bad("web")
    assert holders(world, "web") == [mail.id]
    assert world.incident.state is State.INVESTIGATING


def test_it_recovers_when_all_of_it_works_again() -> None:
    world, mail, web = two_causes()
    world.act(regroup.merge, incident=web.id, into=mail.id, by="ada")
    world.mend("web")
    assert world.incident.recovered_at is None
    world.mend("smtp")
    assert world.incident.state is State.MONITORING


def test_an_incident_of_the_machine_does_not_go_into_one_opened_by_hand() -> None:
    world, mail, _ = two_causes()
    (opened, *_) = world.act(act.open_incident, by="ada", name="Calls", services={"email": Status.MAJOR}, body="We look.")
    assert isinstance(opened, Opened)
    with pytest.raises(act.Invalid, match="opened by hand and no probe watches it"):
        regroup.merge(world.situation, world.now, incident=mail.id, into=opened.incident, by="ada")
    world.act(regroup.merge, incident=opened.incident, into=mail.id, by="ada")
    assert opened.incident not in world.situation.incidents


def test_what_a_person_said_of_a_service_is_not_lost_in_a_merge() -> None:
    world, mail, _ = two_causes()
    said = {"email": Status.MAJOR, "portal": Status.DEGRADED}
    (opened, *_) = world.act(act.open_incident, by="ada", name="Calls", services=said, body="We look.")
    assert isinstance(opened, Opened)
    with pytest.raises(act.Invalid, match="does not hit portal"):
        regroup.merge(world.situation, world.now, incident=opened.incident, into=mail.id, by="ada")


def test_two_opened_by_hand_become_one_with_the_worst_of_both() -> None:
    world, _, _ = two_causes()
    ids = []
    for name, services in (("One", {"email": Status.MAJOR}), ("Two", {"email": Status.DEGRADED, "portal": Status.PARTIAL})):
        (opened, *_) = world.act(act.open_incident, by="ada", name=name, services=services, body="We look.")
        assert isinstance(opened, Opened)
        ids.append(opened.incident)
    world.act(regroup.merge, incident=ids[1], into=ids[0], by="bob")
    assert dict(world.situation.incidents[ids[0]].services) == {"email": Status.MAJOR, "portal": Status.PARTIAL}


def test_an_incident_is_not_merged_into_itself_nor_into_one_that_is_over() -> None:
    world, mail, web = two_causes()
    with pytest.raises(act.Invalid, match="itself"):
        regroup.merge(world.situation, world.now, incident=mail.id, into=mail.id, by="ada")
    world.act(regroup.merge, incident=web.id, into=mail.id, by="ada")
    with pytest.raises(act.NotFound):
        regroup.merge(world.situation, world.now, incident=mail.id, into=web.id, by="ada")


# --- split


def test_what_is_split_off_goes_on_by_itself_in_public() -> None:
    world = one_cause()
    old = world.incident.id
    new = split(world, "smtp")
    assert (new.root, new.components, new.origin, new.name) == ("smtp", ("smtp",), Origin.MACHINE, "Email by itself")
    assert set(world.situation.incidents[old].components) == {"disk", "web"}
    assert dict(new.services) == {"email": Status.MAJOR}
    (first,) = world.updates(new.id)
    assert (first.body, first.by) == ("It is another cause.", "ada")
    assert "goes on by itself as “Email by itself”" in world.updates(old)[-1].body


def test_split_parts_that_depend_on_one_parent_stay_split() -> None:
    world = one_cause()
    old = world.incident.id
    new = split(world, "smtp")
    for _ in range(10):
        world.bad("disk", "smtp", "web")
        world.tick(60)
    assert (holders(world, "smtp"), holders(world, "disk"), holders(world, "web")) == ([new.id], [old], [old])


def test_it_began_when_its_own_part_did() -> None:
    world = one_cause()
    parent = world.incident.started_at
    new = split(world, "web")
    assert new.started_at > parent


def test_the_incident_gets_another_root_where_its_own_is_split_off() -> None:
    world = one_cause()
    old = world.incident.id
    new = split(world, "disk", name="Storage by itself")
    assert new.root == "disk"
    assert world.situation.incidents[old].root in {"smtp", "web"}
    assert any(isinstance(event, Rerooted) and event.incident == old for event in world.events)
    for _ in range(5):
        world.bad("disk", "smtp", "web")
        world.tick(60)
    assert holders(world, "disk") == [new.id]
    assert holders(world, "smtp") == holders(world, "web") == [old]


def test_services_take_with_them_what_they_alone_need() -> None:
    world = one_cause()
    new = split(world, services=["portal"], name="Portal by itself")
    assert new.components == ("web",)


def test_it_is_not_said_that_a_service_works_again_which_the_other_part_still_hits() -> None:
    world = one_cause()
    old = world.incident.id
    split(world, "smtp")
    world.mend("disk")
    world.mend("web")
    words = world.updates(old)[-1]
    assert words.state is State.MONITORING
    assert words.body.startswith("Our monitoring sees that Portal and Files work again. Another problem still affects Email.")


def test_something_must_be_named_and_something_must_stay() -> None:
    world = one_cause()
    for components, services, why in (
        ((), (), "Name what goes"),
        (("disk", "smtp", "web"), (), "must stay"),
        (("imap",), (), "imap does not belong"),
        ((), ("lists",), "lists does not belong"),
    ):
        with pytest.raises(act.Invalid, match=why):
            regroup.split(
                world.situation,
                world.now,
                incident=world.incident.id,
                by="ada",
                name="x",
                body="y",
                components=components,
                services=services,
            )


def test_a_part_that_hits_nobody_has_nothing_to_tell() -> None:
    world = World(topology([service("email", need("smtp"))], {"smtp": ("disk",)}, stale_after=PATIENT))
    world.good("smtp", "disk")
    world.bad("smtp", "disk")
    world.bad("smtp", "disk")
    with pytest.raises(act.Invalid, match="No service is hit by disk"):
        split(world, "disk")


def test_what_is_left_without_a_service_ends_without_saying_that_anything_works() -> None:
    world = World(topology([service("email", need("smtp"))], {"smtp": ("disk",)}, stale_after=PATIENT))
    world.good("smtp", "disk")
    world.bad("smtp", "disk")
    world.bad("smtp", "disk")
    old = world.incident.id
    new = split(world, "smtp")
    assert world.updates(old)[-1].body.startswith("No service is affected by this problem any more. Another problem still affects Email.")
    world.tick(1800)
    assert world.updates(old)[-1].body.startswith("No service is affected by this problem any more, since ")
    assert world.situation.incidents[new.id].state is State.INVESTIGATING


def test_part_of_an_incident_that_nobody_has_seen_stays_unseen_and_keeps_the_words_for_the_desk() -> None:
    services = [service("email", need("smtp"), need("imap"), publish_after=timedelta(hours=1))]
    world = World(topology(services, {"smtp": ("imap",)}, stale_after=PATIENT))
    world.good("smtp", "imap")
    world.bad("smtp", "imap")
    world.bad("smtp", "imap")
    new = split(world, "smtp")
    assert new.published_at is None
    assert new.publish_at == world.situation.incidents[holders(world, "imap")[0]].publish_at
    assert (new.notes, new.updates) == (1, 0)


def test_services_are_split_off_an_incident_that_was_opened_by_hand() -> None:
    world = World(topology([service("email", need("smtp")), service("portal", need("web"))]))
    said = {"email": Status.MAJOR, "portal": Status.DEGRADED}
    (opened, *_) = world.act(act.open_incident, by="ada", name="Calls", services=said, body="We look.")
    assert isinstance(opened, Opened)
    new = split(world, services=["portal"], name="Portal alone")
    assert (new.origin, dict(new.services)) == (Origin.AGENT, {"portal": Status.DEGRADED})
    assert dict(world.situation.incidents[opened.incident].services) == {"email": Status.MAJOR}
    assert (world.service("email"), world.service("portal")) == (Status.MAJOR, Status.DEGRADED)


def test_a_split_is_told_in_the_journal_of_both() -> None:
    world = one_cause()
    old = world.incident.id
    new = split(world, "smtp")
    told: list[Event] = [event for event in world.events if isinstance(event, Parted) and event.by == "ada"]
    assert [getattr(event, "incident", None) for event in told] == [old]
    assert any(isinstance(event, Opened) and event.incident == new.id and event.by == "ada" for event in world.events)
