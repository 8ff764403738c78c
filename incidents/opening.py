"""How the machine opens an incident, or brings back the last one: when it began, what it is called, when its words go public."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType

from incidents import words
from incidents.coverage import scope
from incidents.draft import Draft
from incidents.events import Impacted, MaintenanceMoved, Opened, Reopened
from incidents.lifecycle import Trigger, move
from incidents.maintenance import Maintenance
from incidents.model import Incident, Origin, Situation, Status, Subject
from incidents.naming import new_id
from incidents.rollup import hit_services, standing
from incidents.voices import in_each


def begin(draft: Draft, root: str, component: str) -> str:
    """Open one for *root*, which makes *component* fail and that a service, or reopen its last; return the id."""
    overrun = _overrun(draft, component)
    if overrun is not None:
        return _open(draft, root, component, overrun)
    theirs = [one for one in draft.situation.ended.values() if one.root == root and draft.now < (one.reopens_until or draft.now)]
    if theirs:
        last = max(theirs, key=lambda one: (one.resolved_at or one.opened_at, one.id))
        _reopen(draft, last, component)
        return last.id
    return _open(draft, root, component)


def _reopen(draft: Draft, incident: Incident, component: str) -> None:
    situation = draft.situation
    hit = hit_services(situation, component)
    back = max(_began(situation, component, hit), incident.recovered_at or incident.started_at)
    move(incident.state, Trigger.RETURNED)  # the table says whether it may come back; its words follow with what belongs to it by then
    reason = f"{incident.root}: {situation.standings[Subject.COMPONENT, incident.root or component].cause}"
    is_dismissed = incident.published_at is None and incident.publish_at is None  # then it waits for a person again
    publish_at = None if is_dismissed else draft.now + _waits(situation, hit)
    draft.say(Reopened(at=draft.now, incident=incident.id, since=back, publish_at=publish_at, reason=reason))
    past = {id: Status.OPERATIONAL for id in incident.services if id in situation.topology.services}
    services = {**past, **{service: standing(situation, Subject.SERVICE, service) for service in hit}}
    draft.say(Impacted(at=draft.now, incident=incident.id, services=MappingProxyType(services)))


def _waits(situation: Situation, services: Iterable[str]) -> timedelta:
    return min(situation.topology.services[service].publish_after for service in services)


def _overrun(draft: Draft, component: str) -> Maintenance | None:
    """The window that has just ended with *component* still broken."""
    for event in draft.events:
        if isinstance(event, MaintenanceMoved) and event.overran:
            window = draft.before.maintenances.get(event.maintenance)
            if window is not None and component in scope(draft.situation.topology, window) - window.spared:
                return window
    return None


def _open(draft: Draft, root: str, component: str, overrun: Maintenance | None = None) -> str:
    """What planned work broke began when it broke, not when the work should have ended."""
    situation = draft.situation
    hit = hit_services(situation, component)
    began = _began(situation, component, hit) if overrun is None else situation.standings[Subject.COMPONENT, component].since
    id = new_id(situation, root, draft.now.isoformat())
    statuses = {service: standing(situation, Subject.SERVICE, service) for service in hit}
    name = in_each(draft.policy.speaks, partial(words.title, situation, statuses, (component,)))
    draft.say(
        Opened(
            at=draft.now,
            incident=id,
            name=name.own,
            origin=Origin.MACHINE,
            root=root,
            started_at=began,
            publish_at=draft.now + _waits(situation, hit),
            by=None,
            reason=f"{root}: {situation.standings[Subject.COMPONENT, root].cause}",
            planned_until=None if overrun is None else overrun.ends,
            language=draft.policy.speaks[0].tag,
            names=name.others,
        ),
    )
    return id


def _began(situation: Situation, component: str, hit: Iterable[str]) -> datetime:
    """When customers were first hit: not before the component broke, and not before their service did."""
    services = [situation.standings[Subject.SERVICE, id].since for id in hit]
    return max(situation.standings[Subject.COMPONENT, component].since, min(services))
