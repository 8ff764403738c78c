"""An id that changes takes with it what people decided about it."""

from dataclasses import replace
from datetime import timedelta

from incidents import act, regroup
from incidents.decide import rejudge
from incidents.model import Subject
from incidents.moving import Move, moved
from incidents.planned import planning
from tests.incidents import files
from tests.incidents.world import World, need, service, topology

SMTP = Move(Subject.COMPONENT, "smtp", "post")


def renamed(world: World, move: Move) -> World:
    """The world in which the file calls it otherwise, and nothing else has happened."""
    world.tick()
    world.situation = replace(moved(world.situation, move), topology=files.renamed(world.situation.topology, move))
    assert rejudge(world.situation, world.policy, world.now) == ()
    return world


def test_what_was_accepted_as_broken_stays_accepted_under_another_name() -> None:
    world = World(topology([service("mail", need("smtp"))]))
    world.good("smtp")
    world.fail("smtp")
    world.act(act.resolve, incident=world.incident.id, by="ada", body="It is known.", override="replaced tomorrow")
    renamed(world, SMTP).fail("smtp")
    assert world.situation.waived == {"post"}
    assert not world.situation.incidents


def test_what_was_taken_apart_by_hand_stays_apart_under_another_name() -> None:
    world = World(topology([service("mail", need("smtp")), service("files", need("storage"))], {"smtp": ("storage",)}))
    world.good("smtp", "storage")
    for _ in range(2):
        world.bad("smtp", "storage")
    assert set(world.incident.components) == {"smtp", "storage"}
    world.act(regroup.split, incident=world.incident.id, by="ada", name="Mail by itself", body="It is another.", components=["smtp"])
    renamed(world, SMTP).tick(1)
    assert sorted((one.components, sorted(one.pinned)) for one in world.situation.incidents.values()) == [
        (("post",), ["post"]),
        (("storage",), []),
    ]


def test_planned_work_goes_on_for_what_it_was_planned_for() -> None:
    world = World(topology([service("mail", need("smtp"), need("imap"))]))
    world.good("smtp", "imap")
    world.fail("imap")
    begins = world.now + timedelta(seconds=5)
    ends = begins + timedelta(seconds=60)
    wish = planning.Wish(name="Patches", services=("mail",), components=("smtp", "imap"), starts=begins, ends=ends, body="We patch.")
    world.act(planning.plan, by="ada", wish=wish)
    world.tick(10)
    renamed(renamed(renamed(world, SMTP), Move(Subject.COMPONENT, "imap", "boxes")), Move(Subject.SERVICE, "mail", "letters"))
    (window,) = world.situation.maintenances.values()
    assert (window.services, window.components) == (("letters",), ("post", "boxes"))
    assert window.spared == {"boxes"}
    (incident,) = world.situation.incidents.values()
    assert (incident.root, set(incident.services)) == ("boxes", {"letters"})
