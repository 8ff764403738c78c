"""How far an incident has come: what it hits at present, and whether it recovered, came back or is over."""

from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType

from incidents import claims, flapping, telling, words
from incidents.draft import Draft
from incidents.events import Calmed, Flapped, Impacted, Resolved, StateChanged
from incidents.lifecycle import Trigger, move
from incidents.model import Incident, Situation, State, Status, Subject
from incidents.rollup import TROUBLE, hit_services, is_known, is_known_by, standing, well_since


def measure_impact(draft: Draft, id: str) -> None:
    """Say which services it hits at present, and how badly."""
    incident = draft.situation.incidents[id]
    hit = {service for component in incident.components for service in hit_services(draft.situation, component)}
    order = draft.situation.topology.in_order(hit.union(incident.services))
    now_hit = {service: _present(draft.situation, service, is_hit=service in hit) for service in order}
    if now_hit != dict(incident.services):
        draft.say(Impacted(at=draft.now, incident=id, services=MappingProxyType(now_hit)))


def _present(situation: Situation, service: str, *, is_hit: bool) -> Status:
    """How an affected service is now, as far as this incident goes: another's trouble is not its own, not knowing is no health."""
    status = standing(situation, Subject.SERVICE, service)
    return status if is_hit or status is Status.UNKNOWN else Status.OPERATIONAL


def move_along(draft: Draft, id: str) -> None:
    """Publish, recover, relapse, resolve, or say that it grew: whatever the standings and the clock ask for now."""
    incident = draft.situation.incidents[id]
    is_hit = any(status in TROUBLE for status in incident.services.values())
    if incident.recovered_at is not None and is_hit:
        _return(draft, incident)
    elif is_hit and flapping.begins(incident, draft.policy, draft.now):
        _flap(draft, incident)
    elif incident.is_flapping:
        _calm(draft, incident)
    elif incident.recovered_at is None and not is_hit and _all_known(draft.situation, incident):
        _recover(draft, incident)
    elif incident.resolves_at is not None and incident.resolves_at <= draft.now and not is_hit and _all_known(draft.situation, incident):
        _resolve(draft, incident)
    telling.publish_if_due(draft, id)


def _return(draft: Draft, incident: Incident) -> None:
    """It fails again while it was being watched. Where that is one time too many, this is what is said, and for a while the last."""
    returned_at = _returned_at(draft, incident)
    is_too_often = flapping.begins(incident, draft.policy, draft.now, returned_at)
    if is_too_often:
        _say_flapping(draft, incident, returned_at)
    _turn(draft, incident, Trigger.FAILED, returned_at=returned_at)
    after = draft.situation.incidents[incident.id]
    if after.published_at is None:
        return
    if is_too_often:
        telling.say(draft, after.id, after.state, partial(words.unstable, draft.situation, after.services))
    else:
        telling.tell_return(draft, after)


def _flap(draft: Draft, incident: Incident) -> None:
    """It came back under its old number once too often, or grew out of others that did."""
    _say_flapping(draft, incident, incident.returned_at or incident.started_at)
    renamed = draft.situation.incidents[incident.id]
    if renamed.published_at is not None:
        telling.say(draft, renamed.id, renamed.state, partial(words.unstable, draft.situation, renamed.services))


def _say_flapping(draft: Draft, incident: Incident, since: datetime) -> None:
    within = words.spoken(draft.policy.flaps_within)
    reason = f"it failed again for the {len(incident.outages) + 1}. time, {draft.policy.flaps_at} outages within {within} are too many"
    draft.say(Flapped(at=draft.now, incident=incident.id, since=since, reason=reason))
    telling.rename(draft, draft.situation.incidents[incident.id])


def _calm(draft: Draft, incident: Incident) -> None:
    if flapping.is_over(draft.situation, incident, draft.policy, draft.now):
        reason = f"everything that it hit has worked for {words.spoken(draft.policy.calms_after)}"
        draft.say(Calmed(at=draft.now, incident=incident.id, reason=reason))
        _recover(draft, draft.situation.incidents[incident.id])


def _all_known(situation: Situation, incident: Incident) -> bool:
    """Nothing that we cannot see counts as recovered: no service, and no part of this incident behind the known trouble of another."""
    return all(is_known(situation, id) and is_known_by(situation, id, incident.components) for id in incident.services)


def _turn(
    draft: Draft,
    incident: Incident,
    trigger: Trigger,
    resolves_at: datetime | None = None,
    recovered_at: datetime | None = None,
    returned_at: datetime | None = None,
) -> None:
    draft.say(
        StateChanged(
            at=draft.now,
            incident=incident.id,
            old=incident.state,
            new=move(incident.state, trigger),
            by=None,
            resolves_at=resolves_at,
            recovered_at=recovered_at,
            returned_at=returned_at,
            reason=_reason(draft.situation, incident),
        ),
    )


def _reason(situation: Situation, incident: Incident) -> str:
    """How the components that belong to it are now, and by which votes, for the desk."""
    known = ((id, situation.standings.get((Subject.COMPONENT, id))) for id in incident.components)
    return "; ".join(f"{id}: {found.cause}" for id, found in known if found is not None)


def _returned_at(draft: Draft, incident: Incident) -> datetime:
    """Since when the first of its services is hit again, by status and not by when it was confirmed."""
    standings, hit = draft.situation.standings, [id for id, status in incident.services.items() if status in TROUBLE]
    again = min((standings[Subject.SERVICE, id].since for id in hit if (Subject.SERVICE, id) in standings), default=draft.now)
    return max(again, incident.recovered_at or again)


def _recover(draft: Draft, incident: Incident) -> None:
    services = draft.situation.topology.services
    waits = max((services[id].resolves_after for id in incident.services if id in services), default=timedelta(minutes=5))
    if incident.asks_desk:
        waits = max(waits, draft.policy.asks_desk_for)
    _turn(draft, incident, Trigger.RECOVERED, draft.now + waits, _recovered_since(draft, incident))
    if incident.published_at is not None:
        body = partial(words.recovered, draft.situation, incident.worst, incident.told)
        title = partial(words.works_again, draft.situation, draft.situation.incidents[incident.id])
        telling.say(draft, incident.id, State.MONITORING, body, title, works=_working(draft.situation, incident))


def _working(situation: Situation, incident: Incident) -> frozenset[str]:
    """What words of recovery claim: its services that work, and what is mended of those that another problem still affects."""
    status = {id: standing(situation, Subject.SERVICE, id) for id in incident.worst}
    hit = [id for id, found in status.items() if found in TROUBLE]
    works = claims.working(situation, (id for id, found in status.items() if found is Status.OPERATIONAL))
    return works | claims.mended(situation, hit, incident.told)


def _recovered_since(draft: Draft, incident: Incident) -> datetime:
    """Since when none of its services is hit by it, by status: what another hits, since its own parts work."""
    standings = draft.situation.standings
    known = [(id, found) for id in incident.services if (found := standings.get((Subject.SERVICE, id))) is not None]
    back = [well_since(found) for _, found in known if found.status not in TROUBLE]
    for id in (id for id, found in known if found.status in TROUBLE):
        parts = {part for need in draft.situation.topology.services[id].needs for part in need.of} & set(incident.components)
        mine = (standings.get((Subject.COMPONENT, part)) for part in parts)
        back += [found.since for found in mine if found is not None and found.status is Status.OPERATIONAL]
    return max([incident.returned_at or incident.started_at, *back])


def _resolve(draft: Draft, incident: Incident) -> None:
    new = move(incident.state, Trigger.WATCHED)
    if incident.published_at is not None:
        title = partial(words.headline, incident, new, lasted=incident.downtime(draft.now))
        telling.say(draft, incident.id, new, partial(words.over, draft.situation, incident), title)
    reason = f"it stayed well since {incident.recovered_at:%H:%M:%S} UTC" if incident.recovered_at else ""
    reopens_until = draft.now + draft.policy.reopens_within
    draft.say(Resolved(at=draft.now, incident=incident.id, by=None, reopens_until=reopens_until, reason=reason))
