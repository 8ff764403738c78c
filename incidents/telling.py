"""When the machine speaks in public about an incident: at its publication, and when more is broken than was said."""

from collections.abc import Collection, Iterable, Sequence
from functools import partial

from incidents import claims, words
from incidents.draft import Draft
from incidents.events import Published, Renamed, Reopened, Updated
from incidents.model import Incident, Situation, State, Subject, Update
from incidents.rollup import TROUBLE, standing
from incidents.voices import Say, Voice, in_each


def waits_for_words(incident: Incident) -> bool:
    """Not public yet, and not over as far as we see: what recovers before it is published never becomes public."""
    return incident.published_at is None and incident.recovered_at is None


def publish_if_due(draft: Draft, id: str) -> None:
    """Publish what has waited long enough or got worse; say more where more is wrong than was said, through whatever cause."""
    incident = draft.situation.incidents.get(id)
    if incident is None:
        return
    if waits_for_words(incident):
        if incident.publish_at is not None and (incident.publish_at <= draft.now or _worsened(draft, incident)):
            draft.say(Published(at=draft.now, incident=id, reason=_why_now(draft, incident)))
            rename(draft, incident)
            works = claims.working_needs(draft.situation, _hit(incident))
            say(draft, id, incident.state, partial(_noticed, draft.situation, incident), works=works)
    elif incident.published_at is not None and _is_back(draft, id):
        tell_return(draft, incident)
    elif incident.published_at is not None and has_grown(draft.situation, incident) and _may_say_more(draft, incident):
        _say_more(draft, incident)


def _is_back(draft: Draft, id: str) -> bool:
    """Whether it came back after its end in this decision, and nothing was said of that yet."""
    mine = [event for event in draft.events if isinstance(event, Reopened | Updated) and event.incident == id]
    return bool(mine) and isinstance(mine[-1], Reopened)


def tell_return(draft: Draft, incident: Incident) -> None:
    """It failed again: it is named for what fails now, and that is told anew."""
    rename(draft, incident)
    body = partial(words.returned, draft.situation, incident.services)
    say(draft, incident.id, incident.state, body, works=claims.working_needs(draft.situation, _hit(incident)))


def _noticed(situation: Situation, incident: Incident, voice: Voice) -> str:
    return words.noticed(situation, incident.services, voice, incident.planned_until)


def _why_now(draft: Draft, incident: Incident) -> str:
    if incident.gated_by is not None:
        return f"{incident.gated_by} confirmed its words"
    if incident.publish_at is not None and draft.now < incident.publish_at:
        return "it got worse, so its words wait no longer"
    is_held_back = incident.publish_at is not None and incident.publish_at > incident.opened_at
    return "its words were held back for as long as publish_after says" if is_held_back else "publish_after holds nothing back"


def _say_more(draft: Draft, incident: Incident) -> None:
    """What turned out wrong is taken back at once; then it spreads, and what may follow any moment is not said to work."""
    situation = draft.situation
    news, spreads = _unsaid(situation, incident), bool(_disproved(situation, incident))
    rename(draft, incident)
    has_grown_itself = bool(news & claims.share(situation, _hit(incident), incident.components))
    mine = _hit(incident) if has_grown_itself else []
    others = [id for id in situation.topology.in_order(claims.services_of(news)) if id not in mine]
    says: list[Say] = [partial(words.grown, situation, incident.services, spreads=spreads)] if mine else []
    says += [_beside(draft, incident, others, spreads=spreads)] if others else []
    works = frozenset[str]() if spreads else claims.working_needs(situation, [*mine, *others])
    body = partial(_together, says)
    say(draft, incident.id, incident.state, body, works=works, about=[*mine, *others])


def _together(says: Sequence[Say], voice: Voice) -> str:
    return " ".join(say(voice) for say in says)


def _beside(draft: Draft, incident: Incident, services: Collection[str], *, spreads: bool) -> Say:
    situation, has_recovered = draft.situation, incident.recovered_at is not None
    found = {id: standing(situation, Subject.SERVICE, id) for id in services}
    by_another = _is_anothers(situation, incident, services)
    return partial(words.worse, situation, found, by_another=by_another, has_recovered=has_recovered, spreads=spreads)


def _is_anothers(situation: Situation, incident: Incident, services: Collection[str]) -> bool:
    """Whether what is wrong with *services* beside *incident* has an incident of its own, or an agent's word that it may stay."""
    others = [one for one in situation.incidents.values() if one.id != incident.id]
    held = {part for one in others for part in one.components} | situation.waived
    needed = {part for id in services for need in situation.topology.services[id].needs for part in need.of}
    broken = {part for part in needed if standing(situation, Subject.COMPONENT, part) in TROUBLE} - set(incident.components)
    return broken <= held if broken else any(id in one.services for one in others for id in services)


def has_grown(situation: Situation, incident: Incident) -> bool:
    """Whether more is wrong than public words have said, or something of which they said that it works."""
    return bool(_unsaid(situation, incident))


def _unsaid(situation: Situation, incident: Incident) -> frozenset[str]:
    """Of what comes and goes only what it hits beside: its words say that the page tells how it is at present."""
    if incident.is_flapping:
        return claims.share(situation, _hit(incident), incident.components) - incident.told
    return claims.unsaid(situation, incident.services, incident.told) | _disproved(situation, incident)


def _disproved(situation: Situation, incident: Incident) -> frozenset[str]:
    return claims.disproved(situation, incident.told)


def _hit(incident: Incident) -> list[str]:
    return [service for service, status in incident.services.items() if status in TROUBLE]


def _worsened(draft: Draft, incident: Incident) -> bool:
    """Whether this decision made it worse than it was when it began: then its words wait no longer."""
    before = draft.before.incidents.get(incident.id)
    if before is None:
        return False
    now_hit = claims.share(draft.situation, _hit(incident), incident.components)
    return bool(now_hit - claims.share(draft.before, _hit(before), before.components))


def _may_say_more(draft: Draft, incident: Incident) -> bool:
    """A while after the last words, so that one cause becomes few updates; what those said to work and does not is corrected at once."""
    if _disproved(draft.situation, incident):
        return True
    return incident.told_at is None or incident.told_at + draft.policy.says_more_after <= draft.now


def rename(draft: Draft, incident: Incident) -> None:
    """A name that a person has not used yet follows the extent of the outage, and says whether it comes and goes."""
    name = in_each(draft.policy.speaks, partial(_name, draft.situation, incident))
    if not incident.asks_desk and name != (incident.name, incident.names):
        language = draft.policy.speaks[0].tag
        draft.say(Renamed(at=draft.now, incident=incident.id, name=name.own, language=language, names=name.others))


def _name(situation: Situation, incident: Incident, voice: Voice) -> str:
    if incident.is_flapping:
        return words.unstable_title(situation, incident.worst, voice)
    return words.title(situation, incident.services, incident.components, voice)


def say(
    draft: Draft,
    id: str,
    state: State,
    body: Say,
    title: Say | None = None,
    *,
    works: frozenset[str] = frozenset(),
    about: Iterable[str] | None = None,
) -> None:
    """Add public words of the machine's own *about* services (None: all it hits), with what they claim to work."""
    incident = draft.situation.incidents[id]
    voices = draft.policy.speaks
    headline = in_each(voices, title or partial(words.headline, incident, state))
    told_of = in_each(voices, body)
    update = Update(
        number=incident.updates + 1,
        state=state,
        title=headline.own,
        body=told_of.own,
        at=draft.now,
        automatic=True,
        language=voices[0].tag,
        titles=headline.others,
        bodies=told_of.others,
    )
    told = claims.extent(draft.situation, _hit(incident) if about is None else about) | works
    draft.say(Updated(at=draft.now, incident=id, update=update, told=tuple(sorted(told))))
