"""What is taken out of the configuration while it is broken: nobody is told that it works again."""

from incidents.model import State
from tests.incidents.world import World, need, service, topology


def test_an_incident_whose_services_are_gone_ends_without_a_word_of_recovery() -> None:
    world = World(topology([service("email", need("smtp")), service("portal", need("web"))], {"web": ("smtp",)}))
    world.good("smtp", "web")
    world.fail("smtp")
    id = world.incident.id
    world.configure(topology([service("portal", need("web"))], {"web": ("smtp",)}))
    world.tick(1)
    assert not world.situation.incidents
    last = world.updates(id)[-1]
    assert last.state is State.RESOLVED
    assert "no longer monitor" in last.body
    assert not any("again" in update.body for update in world.updates(id))


def test_an_incident_goes_on_for_the_services_that_are_left() -> None:
    world = World(topology([service("email", need("smtp")), service("lists", need("smtp"))]))
    world.good("smtp")
    world.fail("smtp")
    world.configure(topology([service("lists", need("smtp"))]))
    world.tick(1)
    assert set(world.incident.services) == {"lists"}
    assert world.incident.state is State.INVESTIGATING
