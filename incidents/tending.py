"""Which incidents there are, what belongs to each, and how far each one has come. The second half of every decision."""

from collections.abc import Collection
from datetime import datetime

from incidents import flapping, folding, progress, telling, words
from incidents.draft import Draft
from incidents.events import Resolved, Settled
from incidents.model import Incident, Situation, State, Subject, Topology
from incidents.policy import Policy
from incidents.verdicts import why_still


def is_due(situation: Situation, policy: Policy, now: datetime) -> bool:
    """Whether some open incident's clock has run out, or has something left to say."""
    return any(
        (telling.waits_for_words(incident) and incident.publish_at is not None and incident.publish_at <= now)
        or (incident.resolves_at is not None and incident.resolves_at <= now)
        or (incident.published_at is not None and telling.has_grown(situation, incident))
        or folding.left_behind(situation, incident, now)
        or flapping.is_over(situation, incident, policy, now)
        for incident in situation.incidents.values()
    ) or bool(_past_return(situation, now))


def _past_return(situation: Situation, now: datetime) -> list[Incident]:
    """What is over and can no longer come back, by id: what was read back is held in another order than what was folded."""
    over = (one for one in situation.ended.values() if one.reopens_until is None or one.reopens_until <= now)
    return sorted(over, key=lambda one: one.id)


def has_unexplained(situation: Situation) -> bool:
    """Whether a broken component belongs to no incident: one that hits nobody, or one whose cause was still in doubt."""
    return bool(folding.unexplained(situation))


def tend(draft: Draft) -> None:
    """Bring the incidents into line with the standings and the clock."""
    for incident in _past_return(draft.situation, draft.now):
        draft.say(Settled(at=draft.now, incident=incident.id))
    for id in folding.machines(draft.situation):
        _retire(draft, id)
    for id in folding.machines(draft.situation):
        folding.let_go(draft, id)
    for id in folding.machines(draft.situation):
        folding.seek_deeper_cause(draft, id)
    for component in folding.unexplained(draft.situation):
        folding.explain(draft, component)
    for id in folding.machines(draft.situation):
        progress.measure_impact(draft, id)
        progress.move_along(draft, id)


def removals(situation: Situation, topology: Topology, moved: Collection[tuple[Subject, str]] = ()) -> tuple[str, ...]:
    """What *topology* would take away that somebody may still need: services, and monitors of an open incident; never what *moved*."""
    gone = [id for id in situation.topology.services if id not in topology.services and (Subject.SERVICE, id) not in moved]
    bound = {part: incident for incident in situation.incidents.values() for part in incident.components}
    monitors = [
        f"removes monitor {monitor.id}, which has the open incident “{bound[monitor.component].name}”"
        for monitor in situation.topology.monitors.values()
        if monitor.id not in topology.monitors and (Subject.MONITOR, monitor.id) not in moved and monitor.component in bound
    ]
    return (*(f"removes service {id}" for id in gone), *monitors)


def _retire(draft: Draft, id: str) -> None:
    """What nobody watches, or no service needs, any more can neither recover nor fail: the incident ends, and says so."""
    incident, topology = draft.situation.incidents[id], draft.situation.topology
    monitors = [monitor for component in incident.components for monitor in topology.monitors_of.get(component, ())]
    is_needed = any(service in topology.services for service in incident.services)
    if is_needed and not all(draft.situation.stands_still(monitor) for monitor in monitors):
        return
    is_paused = bool(monitors) and is_needed
    if incident.published_at is not None:
        telling.say(draft, id, State.RESOLVED, words.paused if is_paused else words.unwatched)
    reason = "; ".join(f"{monitor} {why_still(draft.situation, monitor)}" for monitor in monitors) if is_paused else ""
    cause = "monitoring is paused" if is_paused else "no longer monitored"
    draft.say(Resolved(at=draft.now, incident=id, by=None, cause=cause, reason=reason))
