"""How agents put incidents together and take them apart. What a person decided here, the machine leaves as it is (``Incident.pinned``)."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import MappingProxyType

from incidents import words
from incidents.act import Invalid, current, demand, moved, published, updated
from incidents.events import Event, Impacted, Joined, Noted, Opened, Parted, Rerooted, Resolved
from incidents.model import Incident, Note, Origin, Situation, State, Status, Subject
from incidents.naming import new_id
from incidents.rollup import TROUBLE, hit_services, standing, worst
from incidents.situation import opened
from incidents.voices import PLAIN, Speech, Texts, in_each


def merge(
    situation: Situation, now: datetime, *, incident: str, into: str, by: str, body: str = "", speech: Speech = PLAIN
) -> tuple[Event, ...]:
    """*incident* ends and goes on in *into*, which takes over its components; the public is told on both, with *body* where one is given.

    Errors: NotFound, Invalid where the other could not go on for it.
    """
    source, target = current(situation, incident), current(situation, into)
    _demand_same_kind(source, target)
    events: list[Event] = [
        Joined(at=now, incident=into, component=component, reason=f"merged from “{source.name}”", by=by)
        for component in source.components
        if component not in target.components
    ]
    ids = {**target.services, **source.services}
    both = {id: worst(one.services.get(id, Status.OPERATIONAL) for one in (source, target)) for id in ids}
    events.append(Impacted(at=now, incident=into, services=MappingProxyType(both)))
    if source.published_at is not None:
        # Nobody is sent to an incident that cannot be seen.
        events += published(target, now, by)
        farewell = speech.with_ours(body, lambda voice, theirs: f"{words.merged(target, voice)} {theirs}".strip())
        ended = moved(source, State.RESOLVED)
        events.append(updated(situation, source, now, by=by, state=ended, body=farewell, voices=speech.voices))
    if source.published_at is not None or target.published_at is not None:
        welcome = speech.with_ours(body, lambda voice, theirs: theirs or words.took_over(source, voice))
        events.append(updated(situation, target, now, by=by, state=target.state, body=welcome, voices=speech.voices))
    events.append(Resolved(at=now, incident=incident, by=by, merged_into=into))
    return tuple(events)


def _demand_same_kind(source: Incident, target: Incident) -> None:
    if source.id == target.id:
        raise Invalid("An incident cannot be merged into itself.")
    if source.origin is Origin.MACHINE and target.origin is Origin.AGENT:
        raise Invalid(f"“{target.name}” was opened by hand and no probe watches it. Merge it into “{source.name}” instead.")
    missing = sorted(source.services.keys() - target.services.keys())
    if source.origin is Origin.AGENT and target.origin is Origin.MACHINE and missing:
        raise Invalid(f"“{target.name}” does not hit {', '.join(missing)}, so what was said of it would be lost. Resolve it there first.")


def split(  # noqa: PLR0913 - one for each thing that is asked
    situation: Situation,
    now: datetime,
    *,
    incident: str,
    by: str,
    name: str,
    body: str,
    components: Collection[str] = (),
    services: Collection[str] = (),
    speech: Speech = PLAIN,
) -> tuple[Event, ...]:
    """Take *components*, and those that *services* alone need, into an incident of their own; from one opened by hand, take *services*.

    It is public if the other is; then *body* are its first public words, else a note. Errors: NotFound, Invalid.
    """
    found = current(situation, incident)
    demand(name, "The new incident needs a name.")
    demand(body, "The new incident needs words.")
    _demand_members(found, components, services)
    new = new_id(situation, by, name, now.isoformat())
    if found.origin is Origin.AGENT:
        events = _split_services(now, found, by=by, name=name, new=new, services=services)
    else:
        taken = _taken(situation, found, components, services)
        events = _split_components(situation, now, found, by=by, name=name, new=new, taken=taken)
    named = tuple(replace(event, language=speech.language, names=speech.names) if isinstance(event, Opened) else event for event in events)
    return (*named, *_told(situation, now, found, named, by=by, body=body, speech=speech))


def _demand_members(found: Incident, components: Collection[str], services: Collection[str]) -> None:
    strangers = sorted((set(components) - set(found.components)) | (set(services) - found.services.keys()))
    if strangers:
        raise Invalid(f"{', '.join(strangers)} does not belong to this incident.")
    if not components and not services:
        raise Invalid("Name what goes into an incident of its own.")


def _taken(situation: Situation, found: Incident, components: Collection[str], services: Collection[str]) -> list[str]:
    served = situation.topology.services_of
    alone = {id for id in found.components if (mine := set(served.get(id, ())) & found.services.keys()) and mine <= set(services)}
    taken = [id for id in found.components if id in components or id in alone]
    if not taken:
        raise Invalid("Nothing in this incident is needed by those services alone. Name the components instead.")
    if len(taken) == len(found.components):
        raise Invalid("Something must stay in the incident.")
    return taken


def _split_components(
    situation: Situation, now: datetime, found: Incident, *, by: str, name: str, new: str, taken: Sequence[str]
) -> tuple[Event, ...]:
    stays = [id for id in found.components if id not in taken]
    root = _worst(situation, taken)
    reason = f"taken out of “{found.name}” by {by}"
    hit = {service: standing(situation, Subject.SERVICE, service) for id in taken for service in hit_services(situation, id)}
    if not hit:
        raise Invalid(f"No service is hit by {', '.join(taken)}, so an incident of its own would have nothing to tell.")
    return (
        *(Parted(at=now, incident=found.id, component=id, reason=f"goes on as “{name}”", by=by) for id in taken),
        *([Rerooted(at=now, incident=found.id, root=_worst(situation, stays), reason=reason)] if found.root in taken else []),
        Opened(
            at=now,
            incident=new,
            name=name,
            origin=Origin.MACHINE,
            root=root,
            started_at=_began(situation, found, taken),
            publish_at=found.publish_at if found.published_at is None else now,
            by=by,
            reason=reason,
        ),
        *(Joined(at=now, incident=new, component=id, reason=reason, by=by) for id in taken if id != root),
        Impacted(at=now, incident=new, services=MappingProxyType(hit)),
    )


def _split_services(now: datetime, found: Incident, *, by: str, name: str, new: str, services: Collection[str]) -> tuple[Event, ...]:
    stays = {id: status for id, status in found.services.items() if id not in services}
    if not stays:
        raise Invalid("Something must stay in the incident.")
    goes = {id: status for id, status in found.services.items() if id in services}
    return (
        Impacted(at=now, incident=found.id, services=MappingProxyType(stays)),
        Opened(
            at=now,
            incident=new,
            name=name,
            origin=Origin.AGENT,
            root=None,
            started_at=found.started_at,
            publish_at=found.publish_at if found.published_at is None else now,
            by=by,
            reason=f"taken out of “{found.name}” by {by}",
        ),
        Impacted(at=now, incident=new, services=MappingProxyType(goes)),
    )


def _worst(situation: Situation, components: Sequence[str]) -> str:
    """The one that an incident of *components* is about: the first that is broken, else the first."""
    return next((id for id in components if standing(situation, Subject.COMPONENT, id) in TROUBLE), components[0])


def _began(situation: Situation, found: Incident, taken: Sequence[str]) -> datetime:
    broken = [one for id in taken if (one := situation.standings.get((Subject.COMPONENT, id))) is not None and one.status in TROUBLE]
    return max([found.started_at, *([min(one.since for one in broken)] if broken else [])])


def _told(
    situation: Situation, now: datetime, found: Incident, events: Sequence[Event], *, by: str, body: str, speech: Speech
) -> Iterator[Event]:
    birth = next(event for event in events if isinstance(event, Opened))
    if found.published_at is None:
        yield Noted(at=now, incident=birth.incident, note=Note(number=1, body=body, at=now, by=by))
        return
    impact = next(event for event in events if isinstance(event, Impacted) and event.incident == birth.incident)
    members = tuple(event.component for event in events if isinstance(event, Joined))
    new = replace(opened(birth), services=impact.services)
    new = replace(new, components=(*new.components, *members))
    yield from published(new, now, by)
    yield updated(situation, new, now, by=by, state=new.state, body=Texts(body, speech.bodies), voices=speech.voices)
    left = in_each(speech.voices, partial(words.split_off, new))
    yield updated(situation, found, now, by=by, state=found.state, body=left, voices=speech.voices)
