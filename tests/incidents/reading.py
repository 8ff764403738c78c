"""Public words as a customer reads them: which service and which capability they say works, limps or is down. By their text alone."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from incidents.model import Service, Situation, Status, Subject
from incidents.rollup import TROUBLE, need_status, standing, worst

SAID = {"is impaired": Status.DEGRADED, "is partly not working": Status.PARTIAL, "is not working": Status.MAJOR}
LISTED = {"not working": Status.MAJOR, "impaired": Status.DEGRADED, "working": Status.OPERATIONAL}

_EXTENT = re.compile(rf"(?P<name>[A-Z][^.()]*?) (?P<said>{'|'.join(SAID)})(?: \((?P<listed>[^)]*)\))?\.")
_AGAIN = re.compile(r"(?:Our monitoring sees that |^)(?P<who>[^.]*?) works? again(?:\.| since)")
_HIT = re.compile(r"Another problem (?:still )?affects (?P<who>[^.]*?)(?: too| now)?\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """What is *said* of a service, or of its *capability*; None: only that it is in trouble."""

    service: str
    said: Status | None
    capability: str = ""

    def agrees(self, situation: Situation) -> bool:
        """Whether that is what the page shows."""
        shown = self.shown(situation)
        return shown in TROUBLE if self.said is None else shown is self.said

    def shown(self, situation: Situation) -> Status:
        """How it is at present, as the page shows it."""
        if not self.capability:
            return standing(situation, Subject.SERVICE, self.service)
        needs = (need for need in situation.topology.services[self.service].needs if need.label.get("en") == self.capability)
        return worst(need_status(need, lambda id: standing(situation, Subject.COMPONENT, id)) for need in needs)


def sentences(situation: Situation, body: str) -> Iterator[Sentence]:
    """All that the words say of anything."""
    named = {service.name["en"]: service for service in situation.topology.services.values()}
    for found in _EXTENT.finditer(body):
        if (service := named.get(found["name"])) is not None:
            yield Sentence(service=service.id, said=SAID[found["said"]])
            yield from _capabilities(service, found["listed"] or "")
    yield from _each(named, _AGAIN, body, lambda id, label: Sentence(service=id, said=Status.OPERATIONAL, capability=label))
    yield from _each(named, _HIT, body, lambda id, label: Sentence(service=id, said=None, capability=label))


def _capabilities(service: Service, listed: str) -> Iterator[Sentence]:
    for part in filter(None, listed.split("; ")):
        head, _, labels = part.partition(": ")
        for label in _names(labels):
            yield Sentence(service=service.id, said=LISTED[head], capability=label)


def _each(named: dict[str, Service], pattern: re.Pattern[str], body: str, made: Callable[[str, str], Sentence]) -> Iterator[Sentence]:
    for found in pattern.finditer(body):
        for name in _names(found["who"]):
            label, _, owner = name.rpartition(" of ")
            if (service := named.get(owner)) is not None:
                yield made(service.id, label)


def _names(listed: str) -> list[str]:
    return re.split(", | and ", listed)
