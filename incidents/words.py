"""What the machine says in public: safe words, made of names and capabilities that the operator wrote for customers.

No host, monitor, component, threshold or error text can reach these functions; and the machine makes no promises.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from incidents.claims import capable, mended, needs_of
from incidents.model import Incident, Need, Service, Situation, State, Status, Subject
from incidents.rollup import TROUBLE, measured_since, need_status, standing

_STATE_WORDS = {
    State.INVESTIGATING: "investigating",
    State.IDENTIFIED: "cause identified",
    State.MONITORING: "recovered, being watched",
    State.RESOLVED: "resolved",
    State.POSTMORTEM: "postmortem",
}


_HITS_NOBODY = "No service is affected by this problem any more"
"""What can be said where each service that it hit is hit by another incident now, or is gone."""

PAUSED = "We have paused the monitoring of what this incident was about, and close it here."
"""The end of an incident of which nobody sees any more how it goes on, because somebody wanted it so."""

UNWATCHED = "We no longer monitor what this incident was about, and close it here."
"""The end of an incident whose subject was taken out of the configuration."""


def said(texts: Mapping[str, str], language: str) -> str:
    """The text in *language* (``de`` serves ``de-AT``), else in English, else in the first there is; empty where there is none."""
    wanted = (texts.get(one) for one in (language, language.partition("-")[0], "en"))
    return next((text for text in wanted if text), "") or next(iter(texts.values()), "")


def title(situation: Situation, services: Mapping[str, Status], components: Collection[str], language: str) -> str:
    """A name that stands alone: which service, and what of it does not work because of *components*."""
    known = _in_order(situation, services)
    if len(known) != 1:
        names = [said(service.name, language) for service in known]
        return f"Problem with {_listed(names)}" if names else "Problem detected"
    service = known[0]
    name = said(service.name, language)
    down = _caused(_needs(situation, service, {Status.MAJOR}), components)
    limping = _caused(_needs(situation, service, {Status.DEGRADED}), components)
    if len(down) == len(service.needs) or any(need.critical for need in down):
        return f"{name} is not working"
    if labels := _labels(down, language):
        return f"{name}: {_listed(labels)} not working"
    if down:
        return f"{name} is partly not working"
    labels = _labels(limping, language)
    return f"{name}: {_listed(labels)} impaired" if labels else f"{name} is impaired"


def _caused(needs: Iterable[Need], components: Collection[str]) -> list[Need]:
    return [need for need in needs if set(need.of) & set(components)]


def noticed(situation: Situation, services: Mapping[str, Status], language: str, planned_until: datetime | None = None) -> str:
    """The first words: what is hit, what still works, that somebody is looking."""
    before = f"It follows maintenance that was planned until {clock(planned_until)}." if planned_until else ""
    return _joined("Our monitoring has noticed a problem.", before, _extent(situation, services, language), "We are looking into it.")


def grown(situation: Situation, services: Mapping[str, Status], language: str, *, spreads: bool = False) -> str:
    """More is hit than was said before. What still works is left unsaid of what *spreads*."""
    return _joined("The problem affects more than we said before.", _extent(situation, services, language, spreads=spreads))


def worse(
    situation: Situation, services: Mapping[str, Status], language: str, *, by_another: bool, has_recovered: bool, spreads: bool = False
) -> str:
    """More is wrong with *services* than was said: *by_another* problem, whatever this one does, or for a cause that is not known yet."""
    told = _extent(situation, services, language, spreads=spreads)
    if not by_another:
        return _joined("More is affected than we said before.", told)
    subject, _ = _subject(situation, services, language)
    if has_recovered:
        return _joined(f"Another problem affects {subject} now.", told, "What this incident is about has not come back.")
    return _joined(f"Another problem affects {subject} too.", told)


def recovered(situation: Situation, services: Iterable[str], told: Collection[str], language: str) -> str:
    """What works again of *services*, and is being watched; what another problem still affects. *told* is what was claimed of them."""
    known = _in_order(situation, services)
    working = [said(service.name, language) for service in known if _status(situation, service) is Status.OPERATIONAL]
    hit = [service for service in known if _status(situation, service) in TROUBLE]
    back = mended(situation, (service.id for service in hit), told)
    again = working + [f"{one} of {said(service.name, language)}" for service in hit for one in _labels(needs_of(service, back), language)]
    seen = f"Our monitoring sees that {_listed(again)} {'work' if len(again) > 1 else 'works'} again." if again else f"{_HITS_NOBODY}."
    return _joined(seen, _still_hit(hit, language), "We keep watching before we call it resolved.")


def works_again(situation: Situation, incident: Incident, language: str) -> str:
    """A title that stands alone: what works again, and how long it did not, by status. Where not all of it does, only that it recovered."""
    known = _in_order(situation, incident.worst)
    is_all_well = all(_status(situation, service) is Status.OPERATIONAL for service in known)
    if not known or not is_all_well or incident.flapping_since is not None or incident.recovered_at is None:
        return headline(incident, State.MONITORING)
    length = spoken(incident.downtime(incident.recovered_at)) + (" in all" if incident.outages else "")
    return f"{_again(known, incident.told, language)} again, after {length}"


def _again(known: list[Service], told: Collection[str], language: str) -> str:
    names = [said(service.name, language) for service in known]
    if len(known) > 1:
        return f"{_listed(names)} work"
    service = known[0]
    broken = [need for place, need in enumerate(service.needs) if f"{service.id}/{place}={Status.DEGRADED}" in told]
    labels = _labels(broken, language)
    if not labels or len(broken) == len(service.needs):
        return f"{names[0]} works"
    return f"{names[0]}: {_listed(labels)} {'work' if len(labels) > 1 else 'works'}"


def returned(situation: Situation, services: Mapping[str, Status], language: str) -> str:
    """It failed again while it was being watched."""
    return _joined("The problem has come back.", _extent(situation, services, language), "We are looking into it.")


def unstable_title(situation: Situation, services: Iterable[str], language: str) -> str:
    """The name of an incident that comes and goes."""
    names = [said(service.name, language) for service in _in_order(situation, services)]
    return f"{_listed(names) or 'A service'} {'are' if len(names) > 1 else 'is'} unstable"


def unstable(situation: Situation, services: Iterable[str], language: str) -> str:
    """It comes and goes: said once instead of each time."""
    names = [said(service.name, language) for service in _in_order(situation, services)]
    verb = "keep failing and recovering" if len(names) > 1 else "keeps failing and recovering"
    return f"{_listed(names) or 'A service'} {verb}. We treat this as one problem; the status page shows how it is at present."


def over(situation: Situation, incident: Incident, language: str) -> str:
    """The end, with the length measured by status and not by when somebody typed; and what another problem still affects."""
    ended = incident.recovered_at or incident.started_at
    known = _in_order(situation, incident.worst)
    working = [service.id for service in known if _has_worked_since(situation, service, ended)]
    subject, verb = _subject(situation, working, language)
    length = spoken(incident.downtime(ended)) + (" in all" if incident.outages else "")
    seen = f"{subject[0].upper()}{subject[1:]} {verb} again since" if subject else f"{_HITS_NOBODY}, since"
    if incident.flapping_since is not None and (incident.returned_at or incident.started_at) <= (incident.calmed_at or ended):
        length = f"{spoken(ended - incident.flapping_since)} in which it was unstable"
    hit = [service for service in known if _status(situation, service) in TROUBLE]
    return _joined(f"{seen} {clock(ended)}, after {length}.", _still_hit(hit, language), "This incident is resolved.")


def _has_worked_since(situation: Situation, service: Service, at: datetime) -> bool:
    """Not where another problem came and went meanwhile: then it works again since later."""
    found = situation.standings.get((Subject.SERVICE, service.id))
    return found is not None and found.status is Status.OPERATIONAL and measured_since(found) <= at


def _still_hit(services: Iterable[Service], language: str) -> str:
    names = [said(service.name, language) for service in services]
    return f"Another problem still affects {_listed(names)}." if names else ""


def merged(name: str) -> str:
    """The incident goes on under another one."""
    return f"This problem has the same cause as “{name}”. All further updates are posted there."


def took_over(name: str) -> str:
    """Another incident goes on under this one."""
    return f"“{name}” has the same cause as this problem. All further updates are posted here."


def split_off(name: str) -> str:
    """Part of the incident goes on by itself."""
    return f"A part of this problem goes on by itself as “{name}”. Updates on that part are posted there."


def headline(incident: Incident, state: State, *, lasted: timedelta | None = None) -> str:
    """The title of an update: the incident's name and where it stands, readable without anything around it."""
    if state is State.RESOLVED and lasted is not None:
        return f"{incident.name} – resolved after {spoken(lasted)}"
    return f"{incident.name} – {_STATE_WORDS[state]}"


def spoken(length: timedelta) -> str:
    """A length for people: ``42 s``, ``42 min``, ``3 h 5 min``, ``2 d 4 h``; cut, never rounded up."""
    seconds = max(0, int(length.total_seconds()))
    days, hours, minutes = seconds // 86400, seconds % 86400 // 3600, seconds % 3600 // 60
    if seconds < 60:
        return f"{seconds} s"
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min"


def clock(at: datetime) -> str:
    """An instant inside a sentence, always with its zone."""
    return f"{at:%H:%M} UTC"


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _extent(situation: Situation, services: Mapping[str, Status], language: str, *, spreads: bool = False) -> str:
    hit = [service for service in _in_order(situation, services) if services[service.id] in TROUBLE]
    return " ".join(_extent_of(situation, service, services[service.id], language, spreads=spreads) for service in hit)


def _extent_of(situation: Situation, service: Service, status: Status, language: str, *, spreads: bool) -> str:
    name = said(service.name, language)
    down = _labels(_needs(situation, service, {Status.MAJOR}), language)
    limping = [one for one in _labels(_needs(situation, service, {Status.DEGRADED}), language) if one not in down]
    works = [] if spreads else _labels(capable(situation, service), language)
    parts = [
        f"not working: {_listed(down)}" if down else "",
        f"impaired: {_listed(limping)}" if limping else "",
        f"working: {_listed(works)}" if works and (down or limping) else "",
    ]
    told = "; ".join(part for part in parts if part)
    whole = {Status.DEGRADED: "is impaired", Status.PARTIAL: "is partly not working"}.get(status, "is not working")
    return f"{name} {whole} ({told})." if told else f"{name} {whole}."


def _in_order(situation: Situation, services: Iterable[str]) -> list[Service]:
    """The services in the order of the file, so that the same outage is always told in the same words."""
    topology = situation.topology
    return [topology.services[id] for id in topology.in_order(services)]


def _status(situation: Situation, service: Service) -> Status:
    return standing(situation, Subject.SERVICE, service.id)


def _needs(situation: Situation, service: Service, statuses: set[Status]) -> list[Need]:
    return [need for need in service.needs if need_status(need, lambda id: standing(situation, Subject.COMPONENT, id)) in statuses]


def _labels(needs: Iterable[Need], language: str) -> list[str]:
    """Each once: two needs may be one capability to customers."""
    return list(dict.fromkeys(label for need in needs if (label := said(need.label, language))))


def _subject(situation: Situation, services: Iterable[str], language: str) -> tuple[str, str]:
    names = [said(service.name, language) for service in _in_order(situation, services)]
    return (_listed(names), "work" if len(names) > 1 else "works")


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" and {words[-1]}" if words else ""
