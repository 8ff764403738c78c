"""What agents decide about an incident beside its life. Acts as in ``incidents.act``: pure, giving events or a refusal in words."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from math import isfinite

from incidents import words
from incidents.act import IllegalMove, Invalid, current, demand, update
from incidents.events import Event, Resolved
from incidents.handled import Brief, Briefed, Gated, Linked, Ticket, Unlinked, Weighed
from incidents.model import Incident, Origin, Situation
from incidents.telling import waits_for_words
from incidents.voices import Speech, Texts, Voices, in_each

MOST_TICKETS = 20
"""So many tickets of one incident are a mistake of some program."""


def waits_at_gate(incident: Incident) -> bool:
    """Whether its words are not public, and nobody has said yet what becomes of them."""
    return incident.is_open and waits_for_words(incident) and incident.gated_by is None


def safe_words(situation: Situation, incident: Incident, voices: Voices) -> Texts:
    """What would be said of it in public if nobody wrote anything else: what is hit, what works, that somebody looks."""
    if incident.origin is Origin.MACHINE:
        return in_each(voices, lambda voice: words.noticed(situation, incident.services, voice, incident.planned_until))
    return in_each(voices, partial(words.suspected, situation, incident.services))


def confirm(situation: Situation, now: datetime, *, incident: str, by: str, voices: Voices) -> tuple[Event, ...]:
    """Its safe words go public at once. Errors: NotFound; IllegalMove where they are public, or it recovered before they were."""
    found = _unheard(situation, incident)
    if found.recovered_at is not None:
        raise IllegalMove("It recovered before anything was public, so nothing will be. To tell of it all the same, post an update.")
    gated = Gated(at=now, incident=incident, by=by, publish_at=now)
    if found.origin is Origin.MACHINE:
        return (gated,)  # the machine says its words itself as soon as their time has come
    own, others = safe_words(situation, found, voices)
    speech = Speech(voices=voices, bodies=others)
    return (gated, *update(situation, now, incident=incident, by=by, body=own, speech=speech))


def dismiss(situation: Situation, now: datetime, *, incident: str, by: str, reason: str) -> tuple[Event, ...]:
    """Nothing of it goes public by itself; what no probe watches ends with that. Errors: NotFound, IllegalMove, Invalid."""
    found = _unheard(situation, incident)
    demand(reason, "Say in a few words why customers need not hear of it: the next agent asks.")
    gated = Gated(at=now, incident=incident, by=by, publish_at=None, reason=reason)
    if found.origin is Origin.MACHINE:
        return (gated,)
    return (gated, Resolved(at=now, incident=incident, by=by, reason=f"dismissed: {reason}"))


def weigh(
    situation: Situation, now: datetime, *, incident: str, by: str, affected_share: float | None, cost_to_resolve: float | None
) -> tuple[Event, ...]:
    """Count it as *affected_share* of the customers, from 0 to 1, and mending as that much. None: as before anybody knew better.

    Errors: NotFound; Invalid for what is no share or no cost.
    """
    current(situation, incident)
    if affected_share is not None and not 0.0 <= affected_share <= 1.0:
        raise Invalid("The share of the customers lies between 0 and 100 %.")
    if cost_to_resolve is not None and not (isfinite(cost_to_resolve) and 0.0 <= cost_to_resolve <= 1e12):
        raise Invalid("What mending costs is a number from 0 on.")
    return (Weighed(at=now, incident=incident, by=by, affected_share=affected_share, cost_to_resolve=cost_to_resolve),)


def brief(situation: Situation, now: datetime, *, incident: str, by: str, body: str, bodies: Mapping[str, str]) -> tuple[Event, ...]:
    """Have callers told *body* until the next update; an empty one takes back what there was. Errors: NotFound, Invalid."""
    found = current(situation, incident)
    if not body.strip():
        if found.brief is None:
            raise Invalid("Write what callers should be told.")
        return (Briefed(at=now, incident=incident, by=by, brief=None),)
    return (Briefed(at=now, incident=incident, by=by, brief=Brief(body=body, by=by, at=now, bodies=bodies)),)


def link(situation: Situation, now: datetime, *, incident: str, by: str, ticket: Ticket) -> tuple[Event, ...]:
    """Note the *ticket* under which it is worked on. Errors: NotFound, Invalid."""
    found = current(situation, incident)
    if len(found.tickets) >= MOST_TICKETS and ticket.name not in {one.name for one in found.tickets}:
        raise Invalid(f"An incident has at most {MOST_TICKETS} tickets.")
    return (Linked(at=now, incident=incident, by=by, ticket=ticket),)


def unlink(situation: Situation, now: datetime, *, incident: str, by: str, name: str) -> tuple[Event, ...]:
    """Take the ticket of that *name* away again. Errors: NotFound, Invalid."""
    if all(one.name != name for one in current(situation, incident).tickets):
        raise Invalid("It has no such ticket.")
    return (Unlinked(at=now, incident=incident, by=by, name=name),)


def _unheard(situation: Situation, incident: str) -> Incident:
    """The open incident, of which nothing is public. Errors: NotFound, IllegalMove."""
    found = current(situation, incident)
    if found.published_at is not None:
        raise IllegalMove("Its words are public already: correct them, or post an update.")
    return found
