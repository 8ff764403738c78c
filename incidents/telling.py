"""When the machine speaks in public about an incident: at its publication, and when more is broken than was said."""

from incidents import words
from incidents.draft import Draft
from incidents.events import Published, Renamed, Updated
from incidents.model import Incident, Situation, State, Update
from incidents.rollup import TROUBLE


def waits_for_words(incident: Incident) -> bool:
    """Not public yet, and not over as far as we see: what recovers before it is published never becomes public."""
    return incident.published_at is None and incident.recovered_at is None


def publish_if_due(draft: Draft, id: str) -> None:
    """Publish what has waited long enough or got worse; say more where it grew since."""
    incident = draft.situation.incidents.get(id)
    if incident is None:
        return
    language = draft.policy.language
    if waits_for_words(incident):
        if incident.publish_at is not None and (incident.publish_at <= draft.now or _worsened(draft, incident)):
            draft.say(Published(at=draft.now, incident=id, reason=_why_now(draft, incident)))
            body = words.noticed(draft.situation, incident.services, language, incident.planned_until)
            say(draft, id, incident.state, body, words.headline(incident, incident.state))
    elif incident.published_at is not None and has_grown(draft.situation, incident) and _may_say_more(draft, incident):
        rename(draft, incident)
        grown = draft.situation.incidents[id]
        body = words.grown(draft.situation, incident.services, language)
        say(draft, id, incident.state, body, words.headline(grown, grown.state))


def _why_now(draft: Draft, incident: Incident) -> str:
    if incident.publish_at is not None and draft.now < incident.publish_at:
        return "it got worse, so its words wait no longer"
    is_held_back = incident.publish_at is not None and incident.publish_at > incident.opened_at
    return "its words were held back for as long as publish_after says" if is_held_back else "publish_after holds nothing back"


def has_grown(situation: Situation, incident: Incident) -> bool:
    """Whether more is broken than any public words have said."""
    return bool(extent_of(situation, incident) - incident.told)


def extent_of(situation: Situation, incident: Incident) -> frozenset[str]:
    """How far it reaches at present, as the claims of ``words.extent``."""
    hit = [service for service, status in incident.services.items() if status in TROUBLE]
    return words.extent(situation, hit, incident.components)


def _worsened(draft: Draft, incident: Incident) -> bool:
    """Whether this decision made it worse than it was when it began: then its words wait no longer."""
    before = draft.before.incidents.get(incident.id)
    if before is None:
        return False
    return bool(extent_of(draft.situation, incident) - extent_of(draft.before, before))


def _may_say_more(draft: Draft, incident: Incident) -> bool:
    return incident.told_at is None or incident.told_at + draft.policy.says_more_after <= draft.now


def rename(draft: Draft, incident: Incident) -> None:
    """A name that a person has not used yet follows the extent of the outage, and says whether it comes and goes."""
    if incident.is_flapping:
        name = words.unstable_title(draft.situation, incident.worst, draft.policy.language)
    else:
        name = words.title(draft.situation, incident.services, incident.components, draft.policy.language)
    if not incident.asks_desk and name != incident.name:
        draft.say(Renamed(at=draft.now, incident=incident.id, name=name))


def say(draft: Draft, id: str, state: State, body: str, title: str) -> None:
    """Add public words of the machine's own."""
    incident = draft.situation.incidents[id]
    number = incident.updates + 1
    update = Update(number=number, state=state, title=title, body=body, at=draft.now, automatic=True)
    draft.say(Updated(at=draft.now, incident=id, update=update, told=tuple(sorted(extent_of(draft.situation, incident)))))
