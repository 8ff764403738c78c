"""Which incidents there are, what belongs to each, and how far each one has come. The second half of every decision.

One incident a root cause: a component that fails with a parent joins the parent's; a parent that fails after its children takes their
incident over; one still broken when its root is back gets its own. Nothing opens while no service is hit: lost redundancy is a matter
for the desk.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from types import MappingProxyType

from incidents import streaks, words
from incidents.draft import Draft
from incidents.events import Impacted, Joined, Opened, Parted, Published, Renamed, Rerooted, Resolved, StateChanged, Updated
from incidents.lifecycle import Trigger, move
from incidents.model import Incident, Origin, Situation, State, Status, Subject, Topology, Update
from incidents.rollup import ORDER, TROUBLE, hit_services, partners, standing


def is_due(situation: Situation, now: datetime) -> bool:
    """Whether some open incident's clock has run out, or has something left to say."""
    return any(
        (_waits_for_words(incident) and incident.publish_at is not None and incident.publish_at <= now)
        or (incident.resolves_at is not None and incident.resolves_at <= now)
        or (incident.published_at is not None and _has_grown(situation, incident))
        or _left_behind(situation, incident, now)
        for incident in situation.incidents.values()
    )


def has_unexplained(situation: Situation) -> bool:
    """Whether a broken component belongs to no incident: one that hits nobody, or one whose cause was still in doubt."""
    return bool(_unexplained(situation))


def _waits_for_words(incident: Incident) -> bool:
    """Not public yet, and not over as far as we see: what recovers before it is published never becomes public."""
    return incident.published_at is None and incident.recovered_at is None


def tend(draft: Draft) -> None:
    """Bring the incidents into line with the standings and the clock."""
    for id in _machines(draft.situation):
        _retire(draft, id)
    for id in _machines(draft.situation):
        _let_go(draft, id)
    for id in _machines(draft.situation):
        _seek_deeper_cause(draft, id)
    for component in _unexplained(draft.situation):
        _explain(draft, component)
    for id in _machines(draft.situation):
        _measure_impact(draft, id)
        _move_along(draft, id)


def new_id(situation: Situation, *grounds: str) -> str:
    """An incident's id: twelve lowercase letters and digits, unguessable, and the same whenever the past is replayed."""
    number = int.from_bytes(hashlib.sha256("\n".join((situation.seed, *grounds)).encode()).digest())
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return "".join(digits[number // 36**place % 36] for place in range(12))


def _machines(situation: Situation) -> tuple[str, ...]:
    """The machine's open incidents, oldest first."""
    mine = (i for i in situation.incidents.values() if i.origin is Origin.MACHINE)
    return tuple(i.id for i in sorted(mine, key=lambda i: (i.opened_at, i.id)))


def _is_broken(situation: Situation, component: str) -> bool:
    return standing(situation, Subject.COMPONENT, component) in TROUBLE


def _holder(situation: Situation, component: str) -> Incident | None:
    """The machine's open incident that the component belongs to."""
    held = (situation.incidents[id] for id in _machines(situation))
    return next((incident for incident in held if component in incident.components), None)


def removals(situation: Situation, topology: Topology) -> tuple[str, ...]:
    """What *topology* would take away that somebody may still need: services, and monitors of an open incident."""
    services = [f"removes service {id}" for id in situation.topology.services if id not in topology.services]
    bound = {part: incident for incident in situation.incidents.values() for part in incident.components}
    monitors = [
        f"removes monitor {monitor.id}, which has the open incident “{bound[monitor.component].name}”"
        for monitor in situation.topology.monitors.values()
        if monitor.id not in topology.monitors and monitor.component in bound
    ]
    return (*services, *monitors)


def _retire(draft: Draft, id: str) -> None:
    """What nobody watches, or no service needs, any more can neither recover nor fail: the incident ends, and says so."""
    incident, topology = draft.situation.incidents[id], draft.situation.topology
    is_watched = any(topology.monitors_of.get(component) for component in incident.components)
    if is_watched and any(service in topology.services for service in incident.services):
        return
    if incident.published_at is not None:
        _say(draft, id, State.RESOLVED, words.UNWATCHED, words.headline(incident, State.RESOLVED))
    draft.say(Resolved(at=draft.now, incident=id, by=None, cause="no longer monitored"))


def _let_go(draft: Draft, id: str) -> None:
    """What is still broken some time after the root is back was not its victim: it is judged by itself from now on."""
    incident = draft.situation.incidents[id]
    for component in _left_behind(draft.situation, incident, draft.now):
        reason = f"{component} is still not working although {incident.root} is back"
        draft.say(Parted(at=draft.now, incident=id, component=component, reason=reason))


def _left_behind(situation: Situation, incident: Incident, now: datetime) -> list[str]:
    """Members still broken although the root has been back for as long as their own monitors may keep silent.

    By then each of them has been probed several times since, so that a slow interval is not mistaken for a failure of its own.
    """
    if incident.root is None or standing(situation, Subject.COMPONENT, incident.root) is not Status.OPERATIONAL:
        return []
    back = situation.standings[Subject.COMPONENT, incident.root].since
    topology = situation.topology

    def is_left(id: str) -> bool:
        patience = max((topology.monitors[monitor].stale_after for monitor in topology.monitors_of[id]), default=timedelta(0))
        return id != incident.root and _is_broken(situation, id) and back + patience <= now

    return [id for id in incident.components if is_left(id)]


def _seek_deeper_cause(draft: Draft, id: str) -> None:
    """A parent that failed together with the root takes the incident over, or joins it to its own."""
    incident = draft.situation.incidents.get(id)
    if incident is None or incident.root is None or not _is_broken(draft.situation, incident.root):
        return
    cause = _cause_of(draft, incident.root)
    if cause is None or cause in incident.components or not _failed_with(draft, incident.root, cause):
        return
    reason = f"{cause}, on which {incident.root} depends, is not working"
    other = _holder(draft.situation, cause)
    if other is not None and (_is_somebodys(incident) or incident.recovered_at is not None):
        return  # what a person has taken in hand or promised goes on by itself
    if other is None:
        draft.say(Rerooted(at=draft.now, incident=id, root=cause, reason=reason))
    elif incident.published_at is not None and other.published_at is None:
        # Nobody is sent to an incident that cannot be seen: the one that the public knows goes on, under the deeper cause.
        _merge(draft, other, incident, reason)
        draft.say(Rerooted(at=draft.now, incident=id, root=cause, reason=reason))
    else:
        _merge(draft, incident, other, reason)


def _is_somebodys(incident: Incident) -> bool:
    """Whether a person has posted on it or owned it."""
    return incident.asks_desk or incident.acknowledgement is not None


def _failed_with(draft: Draft, victim: str, cause: str) -> bool:
    standings = draft.situation.standings
    earliest = standings[Subject.COMPONENT, cause].since - draft.policy.folds_within
    return standings[Subject.COMPONENT, victim].since >= earliest


def _merge(draft: Draft, incident: Incident, other: Incident, reason: str) -> None:
    for component in incident.components:
        if component not in other.components:
            draft.say(Joined(at=draft.now, incident=other.id, component=component, reason=reason))
    if incident.published_at is not None:
        title = words.headline(incident, State.RESOLVED)
        _say(draft, incident.id, State.RESOLVED, words.merged(other.name), title)
    draft.say(Resolved(at=draft.now, incident=incident.id, by=None, merged_into=other.id))


def _cause_of(draft: Draft, component: str) -> str | None:
    """The deepest broken ancestor that is at least as bad as *component*: what explains it; None where it stands for itself."""
    situation = draft.situation
    badness = ORDER[standing(situation, Subject.COMPONENT, component)]
    broken = [
        id
        for id in situation.topology.ancestors[component]
        if _is_broken(situation, id) and id not in situation.waived and ORDER[standing(situation, Subject.COMPONENT, id)] >= badness
    ]
    deepest = [id for id in broken if not set(broken) & set(situation.topology.ancestors[id])]
    return deepest[0] if deepest else None


def _unexplained(situation: Situation) -> list[str]:
    """Broken components that no open incident holds, the newest failure first: it is the one that turned trouble into an outage."""
    held = {id for incident in situation.incidents.values() for id in incident.components}
    known = ((id, situation.standings.get((Subject.COMPONENT, id))) for id in situation.topology.components)
    broken = [(found.since, id) for id, found in known if found is not None and found.status in TROUBLE]
    return [id for _, id in sorted(broken, reverse=True) if id not in held and id not in situation.waived]


def _explain(draft: Draft, component: str) -> None:
    """Put a broken component into the incident of its cause, or open one, if any service is hit."""
    situation = draft.situation
    if not hit_services(situation, component) or _holder(situation, component) is not None:
        return
    if _has_suspect_cause(draft, component):
        return
    cause = _cause_of(draft, component)
    root = cause or component
    held_by = _holder(situation, root)
    id = _open(draft, root, component) if held_by is None else held_by.id
    fallen = [component, *(id for id in partners(situation, component) if id not in situation.waived)]
    for member in fallen:
        if member not in draft.situation.incidents[id].components and _holder(draft.situation, member) is None:
            reason = f"fails with {root}" if member == component else "its redundancy is lost in the same need"
            draft.say(Joined(at=draft.now, incident=id, component=member, reason=reason))


def _has_suspect_cause(draft: Draft, component: str) -> bool:
    """Whether a parent has just begun to fail and is about to be confirmed or cleared: its verdict is worth waiting for."""
    oldest = draft.now - draft.policy.waits_for_cause
    ancestors = draft.situation.topology.ancestors[component]
    return any(run.since > oldest for ancestor in ancestors for run in streaks.doubts(draft.situation, ancestor))


def _open(draft: Draft, root: str, component: str) -> str:
    situation = draft.situation
    hit = hit_services(situation, component)
    began = _began(situation, component, hit)
    id = new_id(situation, root, draft.now.isoformat())
    statuses = {service: standing(situation, Subject.SERVICE, service) for service in hit}
    waits = min(situation.topology.services[service].publish_after for service in hit)
    draft.say(
        Opened(
            at=draft.now,
            incident=id,
            name=words.title(situation, statuses, (component,), draft.policy.language),
            origin=Origin.MACHINE,
            root=root,
            started_at=began,
            publish_at=draft.now + waits,
            by=None,
            reason=f"{root}: {situation.standings[Subject.COMPONENT, root].cause}",
        ),
    )
    return id


def _began(situation: Situation, component: str, hit: Iterable[str]) -> datetime:
    """When customers were first hit: not before the component broke, and not before their service did."""
    services = [situation.standings[Subject.SERVICE, id].since for id in hit]
    return max(situation.standings[Subject.COMPONENT, component].since, min(services))


def _measure_impact(draft: Draft, id: str) -> None:
    incident = draft.situation.incidents[id]
    hit = {service for component in incident.components for service in hit_services(draft.situation, component)}
    order = [service for service in draft.situation.topology.services if service in hit or service in incident.services]
    now_hit = {service: _present(draft.situation, service, is_hit=service in hit) for service in order}
    if now_hit != dict(incident.services):
        draft.say(Impacted(at=draft.now, incident=id, services=MappingProxyType(now_hit)))


def _present(situation: Situation, service: str, *, is_hit: bool) -> Status:
    """How an affected service is now, as far as this incident goes: another's trouble is not its own, not knowing is no health."""
    status = standing(situation, Subject.SERVICE, service)
    return status if is_hit or status is Status.UNKNOWN else Status.OPERATIONAL


def _move_along(draft: Draft, id: str) -> None:
    """Publish, recover, relapse, resolve, or say that it grew: whatever the standings and the clock ask for now."""
    incident = draft.situation.incidents[id]
    is_hit = any(status in TROUBLE for status in incident.services.values())
    if incident.recovered_at is not None and is_hit:
        _turn(draft, incident, Trigger.FAILED, words.returned(draft.situation, incident.services, draft.policy.language))
    elif incident.recovered_at is None and not is_hit and _all_known(draft.situation, incident.services):
        _recover(draft, incident)
    elif incident.resolves_at is not None and incident.resolves_at <= draft.now and not is_hit:
        _resolve(draft, incident)
    _publish_if_due(draft, id)


def _all_known(situation: Situation, services: Iterable[str]) -> bool:
    """Nothing that we cannot see counts as recovered."""
    return all(standing(situation, Subject.SERVICE, id) is not Status.UNKNOWN for id in services)


def _turn(
    draft: Draft,
    incident: Incident,
    trigger: Trigger,
    body: str,
    resolves_at: datetime | None = None,
    recovered_at: datetime | None = None,
) -> None:
    new = move(incident.state, trigger)
    draft.say(
        StateChanged(
            at=draft.now, incident=incident.id, old=incident.state, new=new, by=None, resolves_at=resolves_at, recovered_at=recovered_at
        ),
    )
    if incident.published_at is not None:
        _say(draft, incident.id, new, body, words.headline(incident, new))


def _recover(draft: Draft, incident: Incident) -> None:
    services = draft.situation.topology.services
    waits = max((services[id].resolves_after for id in incident.services if id in services), default=timedelta(minutes=5))
    if incident.asks_desk:
        waits = max(waits, draft.policy.asks_desk_for)
    body = words.recovered(draft.situation, incident.worst, draft.policy.language)
    _turn(draft, incident, Trigger.RECOVERED, body, draft.now + waits, _recovered_since(draft, incident))


def _recovered_since(draft: Draft, incident: Incident) -> datetime:
    """Since when the last of its services works again, by status and not by when it was confirmed."""
    standings = draft.situation.standings
    back = [standings[Subject.SERVICE, id].since for id in incident.services if (Subject.SERVICE, id) in standings]
    return max([incident.started_at, *back])


def _resolve(draft: Draft, incident: Incident) -> None:
    new = move(incident.state, Trigger.WATCHED)
    if incident.published_at is not None:
        lasted = (incident.recovered_at or draft.now) - incident.started_at
        title = words.headline(incident, new, lasted=lasted)
        _say(draft, incident.id, new, words.over(draft.situation, incident, draft.policy.language), title)
    draft.say(Resolved(at=draft.now, incident=incident.id, by=None))


def _publish_if_due(draft: Draft, id: str) -> None:
    incident = draft.situation.incidents.get(id)
    if incident is None:
        return
    language = draft.policy.language
    if _waits_for_words(incident):
        if incident.publish_at is not None and (incident.publish_at <= draft.now or _worsened(draft, incident)):
            draft.say(Published(at=draft.now, incident=id))
            body = words.noticed(draft.situation, incident.services, language)
            _say(draft, id, incident.state, body, words.headline(incident, incident.state))
    elif incident.published_at is not None and _has_grown(draft.situation, incident) and _may_say_more(draft, incident):
        _rename(draft, incident)
        grown = draft.situation.incidents[id]
        body = words.grown(draft.situation, incident.services, language)
        _say(draft, id, incident.state, body, words.headline(grown, grown.state))


def _has_grown(situation: Situation, incident: Incident) -> bool:
    """Whether more is broken than any public words have said."""
    return bool(_extent(situation, incident) - incident.told)


def _extent(situation: Situation, incident: Incident) -> frozenset[str]:
    hit = [service for service, status in incident.services.items() if status in TROUBLE]
    return words.extent(situation, hit, incident.components)


def _worsened(draft: Draft, incident: Incident) -> bool:
    """Whether this decision made it worse than it was when it began: then its words wait no longer."""
    before = draft.before.incidents.get(incident.id)
    if before is None:
        return False
    return bool(_extent(draft.situation, incident) - _extent(draft.before, before))


def _may_say_more(draft: Draft, incident: Incident) -> bool:
    return incident.told_at is None or incident.told_at + draft.policy.says_more_after <= draft.now


def _rename(draft: Draft, incident: Incident) -> None:
    """A name that a person has not used yet follows the extent of the outage."""
    name = words.title(draft.situation, incident.services, incident.components, draft.policy.language)
    if not incident.asks_desk and name != incident.name:
        draft.say(Renamed(at=draft.now, incident=incident.id, name=name))


def _say(draft: Draft, id: str, state: State, body: str, title: str) -> None:
    incident = draft.situation.incidents[id]
    number = incident.updates + 1
    update = Update(number=number, state=state, title=title, body=body, at=draft.now, automatic=True)
    draft.say(Updated(at=draft.now, incident=id, update=update, told=tuple(sorted(_extent(draft.situation, incident)))))
