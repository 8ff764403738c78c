"""Public words as a customer reads them: which service and which capability they say works, limps or is down. By their text alone."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from incidents.model import Service, Situation, Status, Subject
from incidents.rollup import TROUBLE, need_status, standing, worst


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """How a language says it: *extent* how a service is, *again* what works again, *hit* what another problem affects.

    *part* is a capability in its group, *service* of which service; *listed* and *said* what their words mean.
    """

    said: Mapping[str, Status]
    listed: Mapping[str, Status]
    extent: re.Pattern[str]
    again: re.Pattern[str]
    hit: re.Pattern[str]
    part: re.Pattern[str]
    last: str


_SAID = {"is impaired": Status.DEGRADED, "is partly not working": Status.PARTIAL, "is not working": Status.MAJOR}
_GERMAN_SAID = {"eingeschränkt": Status.DEGRADED, "Teilausfall": Status.PARTIAL, "Ausfall": Status.MAJOR}
ENGLISH = Grammar(
    said=_SAID,
    listed={"not working": Status.MAJOR, "impaired": Status.DEGRADED, "working": Status.OPERATIONAL},
    extent=re.compile(rf"(?P<name>[A-Z][^.()]*?) (?P<said>{'|'.join(_SAID)})(?: \((?P<listed>[^)]*)\))?\."),
    again=re.compile(r"(?:Our monitoring sees that |^)(?P<who>[^.]*?) works? again(?:\.| since)"),
    hit=re.compile(r"Another problem (?:still )?affects (?P<who>[^.]*?)(?: too| now)?\."),
    part=re.compile(r"(?P<label>.*) of (?P<owner>.*)"),
    last=" and ",
)
GERMAN = Grammar(
    said=_GERMAN_SAID,
    listed={"ausgefallen": Status.MAJOR, "eingeschränkt": Status.DEGRADED, "in Ordnung": Status.OPERATIONAL},
    extent=re.compile(rf"(?P<name>[A-Z][^.():]*?): (?P<said>{'|'.join(_GERMAN_SAID)})(?: \((?P<listed>[^)]*)\))?\."),
    again=re.compile(r"(?:Laut unserer Überwachung wieder in Ordnung: (?P<who>[^.]*)\.|^(?P<since>[^.:]*): seit [^.]* wieder in Ordnung)"),
    hit=re.compile(r"(?:Auch ein|Ein) anderes Problem betrifft (?:jetzt |weiterhin )?(?P<who>[^.]*)\."),
    part=re.compile(r"(?P<label>.*) \((?P<owner>.*)\)"),
    last=" und ",
)


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


def sentences(situation: Situation, body: str, grammar: Grammar = ENGLISH) -> Iterator[Sentence]:
    """All that the words say of anything."""
    named = {service.name["en"]: service for service in situation.topology.services.values()}
    for found in grammar.extent.finditer(body):
        if (service := named.get(found["name"])) is not None:
            yield Sentence(service=service.id, said=grammar.said[found["said"]])
            yield from _capabilities(service, found["listed"] or "", grammar)
    for found in grammar.again.finditer(body):
        listed = next(text for text in found.groups() if text is not None)
        yield from _each(named, listed, grammar, lambda id, label: Sentence(service=id, said=Status.OPERATIONAL, capability=label))
    for found in grammar.hit.finditer(body):
        yield from _each(named, found["who"], grammar, lambda id, label: Sentence(service=id, said=None, capability=label))


def _capabilities(service: Service, listed: str, grammar: Grammar) -> Iterator[Sentence]:
    for part in filter(None, listed.split("; ")):
        head, _, labels = part.partition(": ")
        for label in _names(labels, grammar):
            yield Sentence(service=service.id, said=grammar.listed[head], capability=label)


def _each(named: dict[str, Service], listed: str, grammar: Grammar, made: Callable[[str, str], Sentence]) -> Iterator[Sentence]:
    for name in _names(listed, grammar):
        found = grammar.part.fullmatch(name)
        label, owner = (found["label"], found["owner"]) if found else ("", name)
        if (service := named.get(owner)) is not None:
            yield made(service.id, label)


def _names(listed: str, grammar: Grammar) -> list[str]:
    return re.split(f", |{grammar.last}", listed)
