"""The review gate, and what else the desk decides about an incident beside its life."""

from datetime import timedelta

import pytest

from incidents import act, callers, handling, striking
from incidents.callers import Calling
from incidents.events import Opened, Published
from incidents.handled import Briefed, Ticket
from incidents.handling import waits_at_gate
from incidents.model import Incident, Status
from tests.incidents.world import World, need, service, topology

TEN_MINUTES = 600


def world_of(**more: object) -> World:
    kept = {"publish_after": timedelta(seconds=TEN_MINUTES), **more}
    world = World(topology([service("email", need("smtp"), need("imap"), **kept)], stale_after=timedelta(hours=99)))
    world.good("smtp", "imap")
    return world


def called(world: World) -> Incident:
    said = world.act(callers.suspected, service="email", count=3, calling=Calling())
    (opened,) = (event for event in said if isinstance(event, Opened))
    return world.situation.incidents[opened.incident]


def test_unattended_what_probes_saw_publishes_its_safe_words_and_what_callers_said_waits_for_ever() -> None:
    world = world_of()
    draft = called(world)
    world.fail("smtp")
    (probed,) = (one for one in world.situation.incidents.values() if one.id != draft.id)
    assert waits_at_gate(probed)
    assert waits_at_gate(draft)
    safe = handling.safe_words(world.situation, probed, world.policy.speaks).own
    world.tick(TEN_MINUTES - 30)
    assert world.updates(probed.id) == []
    world.tick(60)
    assert [(one.body, one.automatic) for one in world.updates(probed.id)] == [(safe, True)]
    world.tick(30 * 86400)
    assert world.updates(draft.id) == []
    assert [one for one in world.situation.incidents.values() if waits_at_gate(one)] == [draft]


def test_confirmed_words_of_a_probe_are_said_at_once_by_the_machine() -> None:
    world = world_of()
    world.fail("smtp")
    id = world.incident.id
    world.act(handling.confirm, incident=id, by="ada", voices=world.policy.speaks)
    (said,) = world.updates(id)
    assert (said.automatic, said.at) == (True, world.incident.published_at)
    (published,) = (event for event in world.events if isinstance(event, Published))
    assert published.reason == "ada confirmed its words"
    with pytest.raises(act.IllegalMove, match="public already"):
        handling.confirm(world.situation, world.now, incident=id, by="bob", voices=world.policy.speaks)


def test_a_confirmed_draft_claims_only_that_something_may_be_wrong() -> None:
    world = world_of()
    draft = called(world)
    world.act(handling.confirm, incident=draft.id, by="ada", voices=world.policy.speaks)
    (said,) = world.updates(draft.id)
    assert (said.body, said.by) == ("There may be a problem with Email. We are looking into it.", "ada")
    assert world.service("email") is Status.PARTIAL


def test_dismissed_words_never_go_out_by_themselves_until_it_gets_worse_and_waits_again() -> None:
    world = world_of()
    world.fail("smtp")
    id = world.incident.id
    with pytest.raises(act.Invalid):
        handling.dismiss(world.situation, world.now, incident=id, by="ada", reason=" ")
    world.act(handling.dismiss, incident=id, by="ada", reason="A test of ours.")
    assert not waits_at_gate(world.incident)
    world.tick(3600)
    assert world.updates(id) == []
    world.fail("imap")
    assert world.situation.incidents[id].worst == {"email": Status.MAJOR}
    assert waits_at_gate(world.situation.incidents[id])
    world.tick(3600)
    assert world.updates(id) == []
    world.act(handling.confirm, incident=id, by="ada", voices=world.policy.speaks)
    assert len(world.updates(id)) == 1


def test_what_was_dismissed_waits_for_a_person_when_it_comes_back_after_its_end() -> None:
    world = world_of()
    world.fail("smtp")
    id = world.incident.id
    world.act(handling.dismiss, incident=id, by="ada", reason="A test of ours.")
    world.mend("smtp")
    world.tick(300)
    assert not world.situation.incidents
    world.fail("smtp")
    assert world.incident.id == id
    assert waits_at_gate(world.incident)
    world.tick(3600)
    assert world.updates(id) == []


def test_a_dismissed_draft_ends_unseen() -> None:
    world = world_of()
    draft = called(world)
    world.act(handling.dismiss, incident=draft.id, by="ada", reason="It was their own line.")
    assert draft.id not in world.situation.incidents
    assert world.updates(draft.id) == []


def test_what_recovered_before_it_was_public_is_not_confirmed() -> None:
    world = world_of()
    world.fail("smtp")
    id = world.incident.id
    world.mend("smtp")
    assert not waits_at_gate(world.incident)
    with pytest.raises(act.IllegalMove, match="recovered"):
        handling.confirm(world.situation, world.now, incident=id, by="ada", voices=world.policy.speaks)


def test_words_for_callers_hold_until_the_next_update_and_lose_what_is_struck_out() -> None:
    world = world_of(publish_after=timedelta(0))
    world.fail("smtp")
    id = world.incident.id
    world.act(handling.brief, incident=id, by="ada", body="Ask Bob Smith, or use webmail.", bodies={"de": "Bob Smith fragen."})
    spoken = ["Ask Bob Smith, or use webmail."]
    struck = {"phrase": "Bob Smith", "instead": "a colleague", "reason": "A name.", "own": "en", "spoken": spoken}
    said = striking.strike(world.situation, world.now, named=world.incident, by="eve", **struck)  # type: ignore[arg-type]  # as above
    (cleared,) = (event.brief for event in said if isinstance(event, Briefed))
    assert cleared is not None
    assert (cleared.body, cleared.bodies) == ("Ask a colleague, or use webmail.", {"de": "a colleague fragen."})
    world.act(act.update, incident=id, by="bob", body="A disk is full.")
    assert world.incident.brief is None
    with pytest.raises(act.Invalid, match="what callers should be told"):
        handling.brief(world.situation, world.now, incident=id, by="ada", body="", bodies={})


def test_tickets_are_linked_once_each_changed_and_unlinked() -> None:
    world = world_of()
    world.fail("smtp")
    id = world.incident.id
    for ticket in (Ticket(name="OPS-7"), Ticket(name="NET-1"), Ticket(name="OPS-7", url="https://t.example.net/7")):
        world.act(handling.link, incident=id, by="ada", ticket=ticket)
    assert world.incident.tickets == (Ticket(name="NET-1"), Ticket(name="OPS-7", url="https://t.example.net/7"))
    world.act(handling.unlink, incident=id, by="ada", name="NET-1")
    with pytest.raises(act.Invalid, match="no such ticket"):
        handling.unlink(world.situation, world.now, incident=id, by="ada", name="NET-1")


def test_what_was_weighed_ends_when_the_incident_comes_back_after_its_end() -> None:
    world = world_of()
    world.fail("smtp")
    world.act(handling.weigh, incident=world.incident.id, by="ada", affected_share=0.25, cost_to_resolve=100.0)
    world.mend("smtp")
    world.tick(300)
    world.fail("smtp")
    assert (world.incident.affected_share, world.incident.cost_to_resolve) == (None, None)


@pytest.mark.parametrize("weights", [(1.01, None), (-0.01, None), (float("nan"), None), (None, -1.0), (None, float("inf"))])
def test_what_is_no_share_and_no_cost_is_refused(weights: tuple[float | None, float | None]) -> None:
    world = world_of()
    world.fail("smtp")
    with pytest.raises(act.Invalid):
        handling.weigh(
            world.situation, world.now, incident=world.incident.id, by="ada", affected_share=weights[0], cost_to_resolve=weights[1]
        )
