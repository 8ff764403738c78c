"""What belongs to which incident.

One incident a root cause: a component that fails with a parent joins the parent's; a parent that fails after its children takes their
incident over; one still broken when its root is back gets its own. Nothing opens while no service is hit: lost redundancy is a matter
for the desk.
"""

from datetime import datetime, timedelta
from functools import partial

from incidents import opening, streaks, telling, words
from incidents.coverage import excused_parts
from incidents.draft import Draft
from incidents.events import Joined, Parted, Rerooted, Resolved
from incidents.model import Incident, Origin, Situation, State, Status, Subject
from incidents.rollup import ORDER, TROUBLE, hit_services, partners, standing


def machines(situation: Situation) -> tuple[str, ...]:
    """The machine's open incidents, oldest first."""
    mine = (i for i in situation.incidents.values() if i.origin is Origin.MACHINE)
    return tuple(i.id for i in sorted(mine, key=lambda i: (i.opened_at, i.id)))


def is_broken(situation: Situation, component: str) -> bool:
    """Whether it is known not to work."""
    return standing(situation, Subject.COMPONENT, component) in TROUBLE


def holder(situation: Situation, component: str) -> Incident | None:
    """The machine's open incident that the component belongs to."""
    held = (situation.incidents[id] for id in machines(situation))
    return next((incident for incident in held if component in incident.components), None)


def let_go(draft: Draft, id: str) -> None:
    """What is still broken some time after the root is back was not its victim: it is judged by itself from now on."""
    incident = draft.situation.incidents[id]
    for component in left_behind(draft.situation, incident, draft.now):
        reason = f"{component} is still not working although {incident.root} is back"
        draft.say(Parted(at=draft.now, incident=id, component=component, reason=reason))


def left_behind(situation: Situation, incident: Incident, now: datetime) -> list[str]:
    """Members still broken although the root has been back for as long as their own monitors may keep silent; never what a person put here.

    By then each of them has been probed several times since, so that a slow interval is not mistaken for a failure of its own.
    """
    if incident.root is None or standing(situation, Subject.COMPONENT, incident.root) is not Status.OPERATIONAL:
        return []
    back = situation.standings[Subject.COMPONENT, incident.root].since
    topology = situation.topology

    def is_left(id: str) -> bool:
        patience = max((topology.monitors[monitor].stale_after for monitor in topology.monitors_of[id]), default=timedelta(0))
        return id != incident.root and id not in incident.pinned and is_broken(situation, id) and back + patience <= now

    return [id for id in incident.components if is_left(id)]


def seek_deeper_cause(draft: Draft, id: str) -> None:
    """A parent that failed together with the root takes the incident over, or joins it to its own."""
    incident = draft.situation.incidents.get(id)
    if incident is None or incident.root is None or not is_broken(draft.situation, incident.root):
        return
    if incident.root in incident.pinned:
        return  # a person took it out of another incident
    cause = _cause_of(draft, incident.root)
    if cause is None or cause in incident.components or not _failed_with(draft, incident.root, cause):
        return
    why = draft.situation.standings[Subject.COMPONENT, cause].cause
    reason = f"{cause}, on which {incident.root} depends, is not working: {why}"
    other = holder(draft.situation, cause)
    has_recovered = incident.recovered_at is not None or incident.returned_at is not None
    if other is not None and (_is_somebodys(incident) or has_recovered):
        return  # what a person has taken in hand, or was said to work again, goes on by itself
    if other is None:
        draft.say(Rerooted(at=draft.now, incident=id, root=cause, reason=reason))
    elif incident.published_at is not None and other.published_at is None:
        if _is_somebodys(other):
            return
        # Nobody is sent to an incident that cannot be seen: the one that the public knows goes on, under the deeper cause.
        _merge(draft, other, incident, reason)
        draft.say(Rerooted(at=draft.now, incident=id, root=cause, reason=reason))
    else:
        _merge(draft, incident, other, reason)


def _is_somebodys(incident: Incident) -> bool:
    """Whether a person has posted on it, owned it, or put it together."""
    return incident.asks_desk or incident.acknowledgement is not None or bool(incident.pinned)


def _failed_with(draft: Draft, victim: str, cause: str) -> bool:
    standings = draft.situation.standings
    earliest = standings[Subject.COMPONENT, cause].since - draft.policy.folds_within
    return standings[Subject.COMPONENT, victim].since >= earliest


def _merge(draft: Draft, incident: Incident, other: Incident, reason: str) -> None:
    for component in incident.components:
        if component not in other.components:
            draft.say(Joined(at=draft.now, incident=other.id, component=component, reason=reason))
    if incident.published_at is not None:
        telling.say(draft, incident.id, State.RESOLVED, partial(words.merged, other))
    draft.say(Resolved(at=draft.now, incident=incident.id, by=None, merged_into=other.id))


def _cause_of(draft: Draft, component: str) -> str | None:
    """The deepest broken ancestor that is at least as bad as *component*: what explains it; None where it stands for itself."""
    situation = draft.situation
    badness = ORDER[standing(situation, Subject.COMPONENT, component)]
    # Planned work that excuses a parent towards all who are hit is nobody's incident, and takes none over.
    hit = [excused_parts(situation, service) for service in hit_services(situation, component)]
    excused = frozenset.intersection(*hit) if hit else frozenset[str]()
    broken = [
        id
        for id in situation.topology.ancestors[component]
        if is_broken(situation, id)
        and id not in situation.waived
        and id not in excused
        and ORDER[standing(situation, Subject.COMPONENT, id)] >= badness
    ]
    deepest = [id for id in broken if not set(broken) & set(situation.topology.ancestors[id])]
    return deepest[0] if deepest else None


def unexplained(situation: Situation) -> list[str]:
    """Broken components that no open incident holds, the newest failure first: it is the one that turned trouble into an outage."""
    held = {id for incident in situation.incidents.values() for id in incident.components}
    known = ((id, situation.standings.get((Subject.COMPONENT, id))) for id in situation.topology.components)
    broken = [(found.since, id) for id, found in known if found is not None and found.status in TROUBLE]
    return [id for _, id in sorted(broken, reverse=True) if id not in held and id not in situation.waived]


def explain(draft: Draft, component: str) -> None:
    """Put a broken component into the incident of its cause, or open one, if any service is hit."""
    situation = draft.situation
    if not hit_services(situation, component) or holder(situation, component) is not None:
        return
    if _has_suspect_cause(draft, component):
        return
    cause = _cause_of(draft, component)
    root = cause or component
    held_by = holder(situation, root)
    id = opening.begin(draft, root, component) if held_by is None else held_by.id
    fallen = [component, *(id for id in partners(situation, component) if id not in situation.waived)]
    for member in fallen:
        if member not in draft.situation.incidents[id].components and holder(draft.situation, member) is None:
            why = f"fails with {root}" if member == component else "its redundancy is lost in the same need"
            cause = draft.situation.standings[Subject.COMPONENT, member].cause
            draft.say(Joined(at=draft.now, incident=id, component=member, reason=f"{why}: {cause}"))


def _has_suspect_cause(draft: Draft, component: str) -> bool:
    """Whether a parent has just begun to fail and is about to be confirmed or cleared: its verdict is worth waiting for."""
    oldest = draft.now - draft.policy.waits_for_cause
    ancestors = draft.situation.topology.ancestors[component]
    return any(run.since > oldest for ancestor in ancestors for run in streaks.doubts(draft.situation, ancestor))
