"""What planned work explains: which parts of a service may be broken because of it, and how the service would be without them."""

from collections.abc import Callable

from incidents.maintenance import Maintenance, MaintenanceState
from incidents.model import Service, Situation, Status, Topology

HIDING = frozenset({MaintenanceState.IN_PROGRESS})
"""While it runs, trouble that a window explains is shown as maintenance."""

EXCUSING = frozenset({MaintenanceState.IN_PROGRESS, MaintenanceState.VERIFYING})
"""Until the grace after its end is over, what a window explains opens no incident."""

StatusOf = Callable[[str], Status]


def scope(topology: Topology, window: Maintenance) -> frozenset[str]:
    """The components that the window covers: those that it declares and all that depend on them, or all that its services need."""
    services = (topology.services[id] for id in window.services if id in topology.services)
    declared = window.components or tuple(part for service in services for need in service.needs for part in need.of)
    known = frozenset(declared) & topology.components.keys()
    return known.union(*(topology.dependents[id] for id in known))


def is_covered(situation: Situation, service: str) -> bool:
    """Whether a window that declares the service is running."""
    return any(window.state in HIDING and service in window.services for window in situation.maintenances.values())


def hidden_parts(situation: Situation, service: str) -> frozenset[str]:
    """The components whose trouble is shown as maintenance of *service*."""
    return _parts(situation, service, HIDING)


def excused_parts(situation: Situation, service: str) -> frozenset[str]:
    """The components whose trouble opens no incident because of *service*."""
    return _parts(situation, service, EXCUSING)


def _parts(situation: Situation, service: str, states: frozenset[MaintenanceState]) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for window in situation.maintenances.values():
        if window.state in states and service in window.services:
            found |= scope(situation.topology, window) - window.spared
    return found


def apparent(status_of: StatusOf, parts: frozenset[str]) -> StatusOf:
    """*status_of*, as it would be if all of *parts* worked."""
    return (lambda id: Status.OPERATIONAL if id in parts else status_of(id)) if parts else status_of


def judged_parts(topology: Topology, window: Maintenance) -> list[str]:
    """The components that must be known to work before the window has ended well: those that anybody watches and that it did not spare."""
    watched = (id for id in topology.components if topology.monitors_of[id])
    covered = scope(topology, window) - window.spared
    return [id for id in watched if id in covered]


def declared_services(topology: Topology, window: Maintenance) -> list[Service]:
    """The services that the window is announced for, in the order of the file."""
    return [service for id, service in topology.services.items() if id in window.services]
