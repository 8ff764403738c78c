"""What an incident reaches, as a tree from its root to what customers use."""

from dataclasses import replace

from incidents.model import Status
from statuspage.picture.extent import Node, extent
from tests.incidents.world import World, need, service, topology


def test_a_root_reaches_what_depends_on_it_and_the_services_that_need_either() -> None:
    services = [
        service("files", need("disk")),
        service("email", need("smtp", label="Sending"), need("imap", label="Receiving")),
        service("calendar", need("disk", "spare", at_least=1, label="Reading")),
    ]
    world = World(topology(services, {"smtp": ("disk",)}))
    world.good("disk", "smtp", "imap", "spare")
    world.good("disk", "smtp", "imap", "spare")
    for _ in range(2):
        world.bad("disk", "smtp")
    tree = extent(world.situation, replace(world.incident, components=("smtp", "disk")), "en")
    email = Node(id="email", name="Email", status=Status.PARTIAL, is_service=True, needs=("Sending",))
    files = Node(id="files", name="Files", status=Status.MAJOR, is_service=True)
    spared = Node(id="calendar", name="Calendar", status=Status.OPERATIONAL, is_service=True)
    smtp = Node(id="smtp", name="Smtp", status=Status.MAJOR, reaches=(email,))
    assert tree == (Node(id="disk", name="Disk", status=Status.MAJOR, reaches=(smtp, files, spared)),)
