"""What planned work explains: which parts of a service may be broken because of it, and how the service would be without them."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

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


def is_covered(situation: Situation, service: str, at: datetime) -> bool:
    """Whether a window that declares the service ran *at* a recent instant."""
    return any(_ran(window, at) for window in _declaring(situation, service))


def turns(situation: Situation, service: str, since: datetime) -> list[datetime]:
    """The instants after *since*, ascending, at which a window that declares the service began or ended."""
    edges = (edge for window in _declaring(situation, service) for edge in (window.began_at, _ended_at(window)))
    return sorted({edge for edge in edges if edge is not None and edge > since})


def hidden_parts(situation: Situation, service: str, at: datetime) -> frozenset[str]:
    """The components whose trouble *at* a recent instant is shown as maintenance of *service*."""
    return _parts(situation, (window for window in _declaring(situation, service) if _ran(window, at)))


def excused_parts(situation: Situation, service: str) -> frozenset[str]:
    """The components whose trouble opens no incident because of *service*."""
    return _parts(situation, (window for window in _declaring(situation, service) if window.state in EXCUSING))


def _declaring(situation: Situation, service: str) -> Iterator[Maintenance]:
    return (window for window in situation.maintenances.values() if service in window.services)


def _ran(window: Maintenance, at: datetime) -> bool:
    ended = _ended_at(window)
    return window.began_at is not None and window.began_at <= at and (window.state in HIDING if ended is None else at < ended)


def _ended_at(window: Maintenance) -> datetime | None:
    """When it stopped hiding what it breaks; None where it never began, or goes on."""
    return None if window.began_at is None or window.state in HIDING else window.ended_at or window.ends


def _parts(situation: Situation, windows: Iterable[Maintenance]) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for window in windows:
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
