"""How far an incident reaches: from the part at fault over what depends on it to what customers use, as a tree."""

from collections.abc import Iterator
from dataclasses import dataclass

from incidents.model import Incident, Need, Situation, Status, Subject
from incidents.rollup import need_status, standing
from incidents.words import said


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A component of the incident, or a service that needs one (*is_service*), and what it reaches in turn.

    *needs* are the service's capabilities that hang on the component, in the customers' words.
    """

    id: str
    name: str
    status: Status
    is_service: bool = False
    needs: tuple[str, ...] = ()
    reaches: tuple["Node", ...] = ()


def extent(situation: Situation, incident: Incident, language: str) -> tuple[Node, ...]:
    """The tree of *incident*: its parts that depend on no other part of it, each with all that hangs on it."""
    known = situation.topology.components
    parts = [id for id in incident.components if id in known]
    firsts = [id for id in parts if not set(situation.topology.ancestors[id]) & set(parts)]
    return tuple(_component(situation, id, parts, language) for id in firsts)


def _component(situation: Situation, id: str, parts: list[str], language: str) -> Node:
    component = situation.topology.components[id]
    below = [one for one in parts if id in situation.topology.components[one].depends_on]
    inside = tuple(_component(situation, one, parts, language) for one in below)
    status = standing(situation, Subject.COMPONENT, id)
    return Node(id=id, name=component.name, status=status, reaches=(*inside, *_services(situation, id, language)))


def _services(situation: Situation, component: str, language: str) -> Iterator[Node]:
    """The services that need *component*; of one that does well without it, it is said that it works."""
    for id in situation.topology.services_of[component]:
        service = situation.topology.services[id]
        needs = [need for need in service.needs if component in need.of]
        yield Node(
            id=id,
            name=said(service.name, language) or id,
            status=standing(situation, Subject.SERVICE, id),
            is_service=True,
            needs=tuple(label for need in needs if (label := _label(situation, need, language))),
        )


def _label(situation: Situation, need: Need, language: str) -> str:
    """What a need is called where it does not work, or nobody knows."""
    found = need_status(need, lambda id: standing(situation, Subject.COMPONENT, id))
    return "" if found is Status.OPERATIONAL else said(need.label, language)
