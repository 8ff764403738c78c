"""What the machine says in public: safe words, made of names and capabilities that the operator wrote for customers.

No host, monitor, component, threshold or error text can reach these functions; and the machine makes no promises.
Each sentence is said by a ``Voice`` and stands whole in its catalogue: where one name and several ask for another verb, they are two.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import assert_never

from incidents.claims import capable, mended, needs_of
from incidents.model import Incident, Need, Service, Situation, State, Status, Subject
from incidents.rollup import TROUBLE, measured_since, need_status, standing
from incidents.voices import AT_THE_DESK, Voice, as_read


def said(texts: Mapping[str, str], language: str) -> str:
    """The text in *language* (``de`` serves ``de-AT``), else in English, else in the first there is; empty where there is none."""
    if own := texts.get(language):
        return own
    return texts.get(language.partition("-")[0]) or texts.get("en") or next(iter(texts.values()), "")


def title(situation: Situation, services: Mapping[str, Status], components: Collection[str], voice: Voice) -> str:
    """A name that stands alone: which service, and what of it does not work because of *components*."""
    known = _in_order(situation, services)
    if not known:
        return voice.says("Problem detected")
    if len(known) > 1:
        return voice.says("Problem with %(services)s", services=_named(known, voice))
    service, name = known[0], said(known[0].name, voice.language)
    down = _caused(_needs(situation, service, {Status.MAJOR}), components)
    limping = _caused(_needs(situation, service, {Status.DEGRADED}), components)
    if len(down) == len(service.needs) or any(need.critical for need in down):
        return voice.says("%(service)s is not working", service=name)
    if labels := _labels(down, voice):
        return voice.says("%(service)s: %(needs)s not working", service=name, needs=voice.listed(labels))
    if down:
        return voice.says("%(service)s is partly not working", service=name)
    if labels := _labels(limping, voice):
        return voice.says("%(service)s: %(needs)s impaired", service=name, needs=voice.listed(labels))
    return voice.says("%(service)s is impaired", service=name)


def trouble(situation: Situation, service: str, voice: Voice) -> str:
    """A name where nobody knows what of *service* does not work."""
    return voice.says("Problem with %(services)s", services=said(situation.topology.services[service].name, voice.language))


def problem_with(names: Iterable[Mapping[str, str]], voice: Voice) -> str:
    """A name that tells of services called *names* and of nothing that does not work there; of a problem where there are none."""
    known = [said(name, voice.language) for name in names]
    return voice.says("Problem with %(services)s", services=voice.listed(known)) if known else voice.says("Problem detected")


def stage(state: State, voice: Voice) -> str:
    """How far an incident is, and not a word of what it is about."""
    match state:
        case State.INVESTIGATING:
            return _joined(voice.says("Our monitoring has noticed a problem."), voice.says("We are looking into it."))
        case State.IDENTIFIED:
            return voice.says("We know the cause of this problem and are working on it.")
        case State.MONITORING:
            again = voice.says("Our monitoring sees that it works again.")
            return _joined(again, voice.says("We keep watching before we call it resolved."))
        case State.RESOLVED | State.POSTMORTEM:
            return voice.says("This incident is resolved.")
        case _:
            assert_never(state)


def _caused(needs: Iterable[Need], components: Collection[str]) -> list[Need]:
    return [need for need in needs if set(need.of) & set(components)]


def noticed(situation: Situation, services: Mapping[str, Status], voice: Voice, planned_until: datetime | None = None) -> str:
    """The first words: what is hit, what still works, that somebody is looking."""
    end = clock(planned_until) if planned_until else ""
    return _joined(
        voice.says("Our monitoring has noticed a problem."),
        voice.says("It follows maintenance that was planned until %(time)s.", time=end) if end else "",
        _extent(situation, services, voice),
        voice.says("We are looking into it."),
    )


def suspected(situation: Situation, services: Mapping[str, Status], voice: Voice) -> str:
    """The first words where no probe saw anything: they claim nothing of what works, and nothing of what does not."""
    names = _named(_in_order(situation, services), voice)
    return _joined(voice.says("There may be a problem with %(services)s.", services=names), voice.says("We are looking into it."))


def grown(situation: Situation, services: Mapping[str, Status], voice: Voice, *, spreads: bool = False) -> str:
    """More is hit than was said before. What still works is left unsaid of what *spreads*."""
    more = voice.says("The problem affects more than we said before.")
    return _joined(more, _extent(situation, services, voice, spreads=spreads))


def worse(
    situation: Situation, services: Mapping[str, Status], voice: Voice, *, by_another: bool, has_recovered: bool, spreads: bool = False
) -> str:
    """More is wrong with *services* than was said: *by_another* problem, whatever this one does, or for a cause that is not known yet."""
    told = _extent(situation, services, voice, spreads=spreads)
    if not by_another:
        return _joined(voice.says("More is affected than we said before."), told)
    names = _named(_in_order(situation, services), voice)
    if has_recovered:
        now = voice.says("Another problem affects %(services)s now.", services=names)
        return _joined(now, told, voice.says("What this incident is about has not come back."))
    return _joined(voice.says("Another problem affects %(services)s too.", services=names), told)


def recovered(situation: Situation, services: Iterable[str], told: Collection[str], voice: Voice) -> str:
    """What works again of *services*, and is being watched; what another problem still affects. *told* is what was claimed of them."""
    known = _in_order(situation, services)
    working = [said(service.name, voice.language) for service in known if _status(situation, service) is Status.OPERATIONAL]
    hit = [service for service in known if _status(situation, service) in TROUBLE]
    back = mended(situation, (service.id for service in hit), told)
    again = working + [
        voice.says("%(need)s of %(service)s", need=one, service=said(service.name, voice.language))
        for service in hit
        for one in _labels(needs_of(service, back), voice)
    ]
    return _joined(_seen(again, voice), _still_hit(hit, voice), voice.says("We keep watching before we call it resolved."))


def _seen(again: list[str], voice: Voice) -> str:
    """What can be said where each service that it hit is hit by another incident now, or is gone, is only that."""
    if not again:
        return voice.says("No service is affected by this problem any more.")
    if len(again) == 1:
        return voice.says("Our monitoring sees that %(name)s works again.", name=again[0])
    return voice.says("Our monitoring sees that %(names)s work again.", names=voice.listed(again))


def works_again(situation: Situation, incident: Incident, voice: Voice) -> str:
    """A title that stands alone: what works again, and how long it did not, by status. Where not all of it does, only that it recovered."""
    known = _in_order(situation, incident.worst)
    is_all_well = all(_status(situation, service) is Status.OPERATIONAL for service in known)
    if not known or not is_all_well or incident.flapping_since is not None or incident.recovered_at is None:
        return headline(incident, State.MONITORING, voice)
    return _again(known, incident.told, _lasted(incident, incident.recovered_at, voice), voice)


def _lasted(incident: Incident, until: datetime, voice: Voice) -> str:
    length = spoken(incident.downtime(until), voice)
    return voice.says("%(length)s in all", length=length) if incident.outages else length


def _again(known: list[Service], told: Collection[str], length: str, voice: Voice) -> str:
    if len(known) > 1:
        return voice.says("%(services)s work again, after %(length)s", services=_named(known, voice), length=length)
    service, name = known[0], said(known[0].name, voice.language)
    broken = [need for place, need in enumerate(service.needs) if f"{service.id}/{place}={Status.DEGRADED}" in told]
    labels = _labels(broken, voice)
    if not labels or len(broken) == len(service.needs):
        return voice.says("%(service)s works again, after %(length)s", service=name, length=length)
    if len(labels) == 1:
        return voice.says("%(service)s: %(need)s works again, after %(length)s", service=name, need=labels[0], length=length)
    return voice.says("%(service)s: %(needs)s work again, after %(length)s", service=name, needs=voice.listed(labels), length=length)


def returned(situation: Situation, services: Mapping[str, Status], voice: Voice) -> str:
    """It failed again while it was being watched."""
    back, looking = voice.says("The problem has come back."), voice.says("We are looking into it.")
    return _joined(back, _extent(situation, services, voice), looking)


def unstable_title(situation: Situation, services: Iterable[str], voice: Voice) -> str:
    """The name of an incident that comes and goes."""
    known = _in_order(situation, services)
    match len(known):
        case 0:
            return voice.says("A service is unstable")
        case 1:
            return voice.says("%(service)s is unstable", service=_named(known, voice))
        case _:
            return voice.says("%(services)s are unstable", services=_named(known, voice))


def unstable(situation: Situation, services: Iterable[str], voice: Voice) -> str:
    """It comes and goes: said once instead of each time."""
    known = _in_order(situation, services)
    match len(known):
        case 0:
            fails = voice.says("A service keeps failing and recovering.")
        case 1:
            fails = voice.says("%(service)s keeps failing and recovering.", service=_named(known, voice))
        case _:
            fails = voice.says("%(services)s keep failing and recovering.", services=_named(known, voice))
    return _joined(fails, voice.says("We treat this as one problem; the status page shows how it is at present."))


def over(situation: Situation, incident: Incident, voice: Voice) -> str:
    """The end, with the length measured by status and not by when somebody typed; and what another problem still affects."""
    ended = incident.recovered_at or incident.started_at
    known = _in_order(situation, incident.worst)
    length = _lasted(incident, ended, voice)
    if incident.flapping_since is not None and (incident.returned_at or incident.started_at) <= (incident.calmed_at or ended):
        unsteady = spoken(ended - incident.flapping_since, voice)
        length = voice.says("%(length)s in which it was unstable", length=unsteady)
    working = [service for service in known if _has_worked_since(situation, service, ended)]
    hit = [service for service in known if _status(situation, service) in TROUBLE]
    return _joined(_well(working, clock(ended), length, voice), _still_hit(hit, voice), voice.says("This incident is resolved."))


def _well(working: list[Service], time: str, length: str, voice: Voice) -> str:
    """What works again, since when, and after how long."""
    names = _named(working, voice)
    match len(working):
        case 0:
            return voice.says(
                "No service is affected by this problem any more, since %(time)s, after %(length)s.", time=time, length=length
            )
        case 1:
            again = voice.says("%(service)s works again since %(time)s, after %(length)s.", service=names, time=time, length=length)
        case _:
            again = voice.says("%(services)s work again since %(time)s, after %(length)s.", services=names, time=time, length=length)
    return f"{again[0].upper()}{again[1:]}"


def _has_worked_since(situation: Situation, service: Service, at: datetime) -> bool:
    """Not where another problem came and went meanwhile: then it works again since later."""
    found = situation.standings.get((Subject.SERVICE, service.id))
    return found is not None and found.status is Status.OPERATIONAL and measured_since(found) <= at


def _still_hit(services: list[Service], voice: Voice) -> str:
    return voice.says("Another problem still affects %(services)s.", services=_named(services, voice)) if services else ""


def paused(voice: Voice) -> str:
    """The end of an incident of which nobody sees any more how it goes on, because somebody wanted it so."""
    return voice.says("We have paused the monitoring of what this incident was about, and close it here.")


def unwatched(voice: Voice) -> str:
    """The end of an incident whose subject was taken out of the configuration."""
    return voice.says("We no longer monitor what this incident was about, and close it here.")


QUOTING = (
    "This problem has the same cause as “%(name)s”. All further updates are posted there.",
    "“%(name)s” has the same cause as this problem. All further updates are posted here.",
    "A part of this problem goes on by itself as “%(name)s”. Updates on that part are posted there.",
)
"""What is said of another incident by its name, before a person's own words: who may not know of the other must not read it."""


def merged(into: Incident, voice: Voice) -> str:
    """The incident goes on under another one."""
    name = called(into, voice)
    return voice.says("This problem has the same cause as “%(name)s”. All further updates are posted there.", name=name)


def took_over(other: Incident, voice: Voice) -> str:
    """Another incident goes on under this one."""
    name = called(other, voice)
    return voice.says("“%(name)s” has the same cause as this problem. All further updates are posted here.", name=name)


def split_off(part: Incident, voice: Voice) -> str:
    """Part of the incident goes on by itself."""
    name = called(part, voice)
    return voice.says("A part of this problem goes on by itself as “%(name)s”. Updates on that part are posted there.", name=name)


def called(incident: Incident, voice: Voice) -> str:
    """What the incident is called in the language of *voice*, else in the one in which it was named."""
    return as_read(incident.name, incident.names, written=incident.language or "", wanted=voice.language)[0]


def headline(incident: Incident, state: State, voice: Voice, *, lasted: timedelta | None = None) -> str:
    """The title of an update: the incident's name and where it stands, readable without anything around it."""
    return headed(called(incident, voice), state, voice, lasted=lasted)


def headed(name: str, state: State, voice: Voice, *, lasted: timedelta | None = None) -> str:
    """The same of an incident that is called *name*."""
    match state:
        case State.INVESTIGATING:
            return voice.says("%(name)s – investigating", name=name)
        case State.IDENTIFIED:
            return voice.says("%(name)s – cause identified", name=name)
        case State.MONITORING:
            return voice.says("%(name)s – recovered, being watched", name=name)
        case State.RESOLVED if lasted is not None:
            return voice.says("%(name)s – resolved after %(length)s", name=name, length=spoken(lasted, voice))
        case State.RESOLVED:
            return voice.says("%(name)s – resolved", name=name)
        case State.POSTMORTEM:
            return voice.says("%(name)s – postmortem", name=name)
        case _:
            assert_never(state)


def spoken(length: timedelta, voice: Voice = AT_THE_DESK) -> str:
    """A length for people: ``42 s``, ``42 min``, ``3 h 5 min``, ``2 d 4 h``; cut, never rounded up."""
    seconds = max(0, int(length.total_seconds()))
    days, hours, minutes = seconds // 86400, seconds % 86400 // 3600, seconds % 3600 // 60
    if seconds < 60:
        return voice.says("%(seconds)s s", seconds=seconds)
    if days:
        return voice.says("%(days)s d %(hours)s h", days=days, hours=hours) if hours else voice.says("%(days)s d", days=days)
    if hours:
        return (
            voice.says("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes) if minutes else voice.says("%(hours)s h", hours=hours)
        )
    return voice.says("%(minutes)s min", minutes=minutes)


def clock(at: datetime) -> str:
    """An instant inside a sentence, always with its zone."""
    return f"{at:%H:%M} UTC"


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _extent(situation: Situation, services: Mapping[str, Status], voice: Voice, *, spreads: bool = False) -> str:
    hit = [service for service in _in_order(situation, services) if services[service.id] in TROUBLE]
    return " ".join(_extent_of(situation, service, services[service.id], voice, spreads=spreads) for service in hit)


def _extent_of(situation: Situation, service: Service, status: Status, voice: Voice, *, spreads: bool) -> str:
    down = _labels(_needs(situation, service, {Status.MAJOR}), voice)
    limping = [one for one in _labels(_needs(situation, service, {Status.DEGRADED}), voice) if one not in down]
    works = [] if spreads else _labels(capable(situation, service), voice)
    parts = [
        voice.says("not working: %(needs)s", needs=voice.listed(down)) if down else "",
        voice.says("impaired: %(needs)s", needs=voice.listed(limping)) if limping else "",
        voice.says("working: %(needs)s", needs=voice.listed(works)) if works and (down or limping) else "",
    ]
    return _whole(said(service.name, voice.language), status, "; ".join(part for part in parts if part), voice)


def _whole(name: str, status: Status, told: str, voice: Voice) -> str:
    """How the service is, and in brackets what is *told* of its capabilities."""
    match status, bool(told):
        case Status.DEGRADED, False:
            return voice.says("%(service)s is impaired.", service=name)
        case Status.DEGRADED, True:
            return voice.says("%(service)s is impaired (%(told)s).", service=name, told=told)
        case Status.PARTIAL, False:
            return voice.says("%(service)s is partly not working.", service=name)
        case Status.PARTIAL, True:
            return voice.says("%(service)s is partly not working (%(told)s).", service=name, told=told)
        case _, False:
            return voice.says("%(service)s is not working.", service=name)
        case _:
            return voice.says("%(service)s is not working (%(told)s).", service=name, told=told)


def _in_order(situation: Situation, services: Iterable[str]) -> list[Service]:
    """The services in the order of the file, so that the same outage is always told in the same words."""
    topology = situation.topology
    return [topology.services[id] for id in topology.in_order(services)]


def _status(situation: Situation, service: Service) -> Status:
    return standing(situation, Subject.SERVICE, service.id)


def _needs(situation: Situation, service: Service, statuses: set[Status]) -> list[Need]:
    return [need for need in service.needs if need_status(need, lambda id: standing(situation, Subject.COMPONENT, id)) in statuses]


def _labels(needs: Iterable[Need], voice: Voice) -> list[str]:
    """Each once: two needs may be one capability to customers."""
    return list(dict.fromkeys(label for need in needs if (label := said(need.label, voice.language))))


def _named(services: Iterable[Service], voice: Voice) -> str:
    return voice.listed([said(service.name, voice.language) for service in services])
