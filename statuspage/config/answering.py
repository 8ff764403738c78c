"""Whose pace a customer would feel: the monitors that do what a customer does, by service and by need."""

from collections.abc import Mapping, Sequence

from incidents.model import Need, Severity, Topology
from statuspage.config.models import Config

ANSWERS = ("webmail", "http", "websocket", "imap", "pop3", "smtp")
"""Kinds that ask as a customer's own program does and wait for the answer; of several the first one is told.

Others measure something else: how long a message travels, what a certificate says, whether a machine is there.
"""


def answering(config: Config, topology: Topology) -> Mapping[str, Mapping[int, Sequence[tuple[str, str]]]]:
    """The monitors and locations whose pace is told of each service, by the place of the need that they watch.

    A need is told of by the name that it has for customers. One without a name is told of only where the service has no other.
    """
    found = {}
    for service in topology.services.values():
        needs = {place: places for place, need in enumerate(service.needs) if (places := _places(config, topology, need))}
        named = {place: places for place, places in needs.items() if service.needs[place].label}
        told = named or (needs if len(service.needs) == 1 else {})
        if told:
            found[service.id] = told
    return found


def _places(config: Config, topology: Topology, need: Need) -> Sequence[tuple[str, str]]:
    monitors = [topology.monitors[id] for part in need.of for id in topology.monitors_of[part]]
    telling = [one for one in monitors if one.severity is not Severity.WARNING and one.is_enabled]
    kind = next((kind for kind in ANSWERS if any(config.monitors[one.id].probe == kind for one in telling)), None)
    return [(one.id, location) for one in telling if config.monitors[one.id].probe == kind for location in one.locations]
