"""What agents do: each act is a pure function of the situation, giving events, or a refusal in words for people."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType

from incidents import claims, words
from incidents.events import Acknowledged, Event, Impacted, Noted, Opened, Published, Resolved, StateChanged, Updated, Waived
from incidents.lifecycle import SAID, IllegalTransition, move
from incidents.model import Acknowledgement, Incident, Note, Origin, Situation, State, Status, Subject, Update
from incidents.naming import new_id
from incidents.policy import REOPENS_WITHIN
from incidents.rollup import TROUBLE, standing
from incidents.situation import opened as born
from incidents.voices import IN_ENGLISH, PLAIN, Speech, Texts, Voices, in_each

LONGEST_PROMISE = timedelta(days=366)
"""How far ahead the next update may be promised: what lies beyond is a slip of the pen, and the calendar has an end."""


class Refused(Exception):
    """The act cannot be done; *reason* is a sentence for the person who asked."""

    def __init__(self, reason: str) -> None:
        """Refuse for *reason*."""
        super().__init__(reason)
        self.reason = reason


class NotFound(Refused):
    """There is no such open incident."""


class AlreadyHeld(Refused):
    """Somebody else owns the incident."""

    def __init__(self, held: Acknowledgement) -> None:
        """Name the holder."""
        super().__init__(f"{held.by} has acknowledged this at {held.at:%H:%M:%S} UTC and holds it until {held.expires_at:%H:%M} UTC.")
        self.held = held


class StillFailing(Refused):
    """The probes still fail; ending the incident needs a reason."""

    def __init__(self, components: Sequence[str]) -> None:
        """Name what is still broken."""
        listed = ", ".join(components)
        super().__init__(f"Probes still fail for {listed}. To resolve all the same, give a reason for the override.")
        self.components = tuple(components)


class IllegalMove(Refused):
    """The incident's life has no such step."""


class Invalid(Refused):
    """What was asked for makes no sense; nothing was changed."""


class Unfit(Invalid):
    """What was asked for makes no sense; *faults* are all that is wrong, each with the field that it concerns."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        """Name every fault."""
        super().__init__(" ".join(sentence for _, sentence in faults))
        self.faults = tuple(faults)


def acknowledge(situation: Situation, now: datetime, *, incident: str, by: str, lasts: timedelta) -> tuple[Event, ...]:
    """*by* owns the incident for *lasts*. The holder renews; anybody else is refused while it holds (AlreadyHeld)."""
    held = current(situation, incident).acknowledgement
    if held is not None and held.by != by and held.holds(now):
        raise AlreadyHeld(held)
    return (Acknowledged(at=now, incident=incident, acknowledgement=Acknowledgement(by=by, at=now, expires_at=now + lasts)),)


def assign(
    situation: Situation,
    now: datetime,
    *,
    incident: str,
    by: str,
    to: str,
    summary: str,
    lasts: timedelta,
    may_take: bool,
) -> tuple[Event, ...]:
    """*by* has *to* own the incident for *lasts* from now on, and a *summary* says what they need to know.

    What somebody else holds only they hand on, unless *by* *may_take* it (AlreadyHeld). Errors: NotFound, Invalid without a summary.
    """
    found = current(situation, incident)
    demand(summary, "Say in a few words how things stand: whoever takes over reads that first.")
    held = found.acknowledgement
    if held is not None and held.holds(now) and held.by != by and not may_take:
        raise AlreadyHeld(held)
    words = f"{summary}\n\n({'Taken over' if to == by else f'Handed to {to}'} by {by}.)"
    return (
        Noted(at=now, incident=incident, note=Note(number=found.notes + 1, body=words, at=now, by=by)),
        Acknowledged(at=now, incident=incident, acknowledgement=Acknowledgement(by=to, at=now, expires_at=now + lasts)),
    )


def update(
    situation: Situation,
    now: datetime,
    *,
    incident: str,
    by: str,
    body: str,
    state: State | None = None,
    next_update_by: datetime | None = None,
    speech: Speech = PLAIN,
) -> tuple[Event, ...]:
    """Public words, with or without a new state. What was not public yet becomes so. Errors: NotFound, IllegalMove, Invalid."""
    found = current(situation, incident)
    demand(body, "An update needs words.")
    if next_update_by is not None and next_update_by <= now:
        raise Invalid("The next update must be promised for a time to come.")
    if next_update_by is not None and next_update_by - now > LONGEST_PROMISE:
        raise Invalid("The next update must be promised within a year.")
    wanted = state or found.state
    if wanted in {State.RESOLVED, State.POSTMORTEM}:
        raise IllegalMove("An update cannot end an incident: resolve it instead.")
    events: list[Event] = [*published(found, now, by)]
    if wanted is not found.state:
        events.append(StateChanged(at=now, incident=incident, old=found.state, new=moved(found, wanted), by=by))
    said = Texts(body, speech.bodies)
    events.append(updated(situation, found, now, by=by, state=wanted, body=said, next_update_by=next_update_by, voices=speech.voices))
    return tuple(events)


def note(situation: Situation, now: datetime, *, incident: str, by: str, body: str) -> tuple[Event, ...]:
    """Internal words. Errors: NotFound, Invalid."""
    found = current(situation, incident)
    demand(body, "A note needs words.")
    return (Noted(at=now, incident=incident, note=Note(number=found.notes + 1, body=body, at=now, by=by)),)


def resolve(  # noqa: PLR0913 - one for each thing that is asked
    situation: Situation,
    now: datetime,
    *,
    incident: str,
    by: str,
    body: str,
    cause: str | None = None,
    override: str | None = None,
    reopens_within: timedelta = REOPENS_WITHIN,
    speech: Speech = PLAIN,
) -> tuple[Event, ...]:
    """End the incident with public words. While probes still fail, only with an *override* reason (StillFailing).

    What the machine opened comes back where its root fails again within *reopens_within*, unless it was overridden: then a person has
    decided that it is over.
    """
    found = current(situation, incident)
    demand(body, "Resolving needs words for the public.")
    broken = [id for id in found.components if standing(situation, Subject.COMPONENT, id) in TROUBLE]
    if broken and not (override or "").strip():
        raise StillFailing(broken)
    if found.published_at is None:
        # What nobody has seen ends unseen: its words stay at the desk, and bars and record keep what was measured.
        last: tuple[Event, ...] = (Noted(at=now, incident=incident, note=Note(number=found.notes + 1, body=body, at=now, by=by)),)
        moved(found, State.RESOLVED)
    else:
        said = Texts(body, speech.bodies)
        last = (updated(situation, found, now, by=by, state=moved(found, State.RESOLVED), body=said, voices=speech.voices),)
    return (
        *(Waived(at=now, component=id, by=by, reason=override or "") for id in broken),
        *last,
        Resolved(
            at=now,
            incident=incident,
            by=by,
            cause=cause,
            override_reason=override if broken else None,
            reopens_until=now + reopens_within if found.root is not None and not broken else None,
        ),
    )


def open_incident(
    situation: Situation,
    now: datetime,
    *,
    by: str,
    name: str,
    services: Mapping[str, Status],
    body: str,
    is_draft: bool = False,
    speech: Speech = PLAIN,
) -> tuple[Event, ...]:
    """An incident that a person opens, public at once. Errors: Invalid names what is wrong.

    A draft is for the desk alone: it changes no status, its words are a note, and it is published by its first update. *speech* holds the
    name and the words in other languages than the site's.
    """
    demand(name, "An incident needs a name.")
    demand(body, "An incident needs words for the public.")
    if not services:
        raise Invalid("Name at least one service that is affected.")
    for id, status in services.items():
        if id not in situation.topology.services:
            raise Invalid(f"There is no service {id!r}.")
        if status not in TROUBLE:
            raise Invalid(f"{status} is no outage; use degraded_performance, partial_outage or major_outage for {id}.")
    incident = new_id(situation, by, name, now.isoformat())
    opened = Opened(
        at=now,
        incident=incident,
        name=name,
        origin=Origin.AGENT,
        root=None,
        started_at=now,
        publish_at=None if is_draft else now,
        by=by,
        reason=f"opened by {by}{' as a draft' if is_draft else ''}",
        language=speech.language,
        names=speech.names,
    )
    impacted = Impacted(at=now, incident=incident, services=MappingProxyType(dict(services)))
    if is_draft:
        return (opened, impacted, Noted(at=now, incident=incident, note=Note(number=1, body=body, at=now, by=by)))
    first = _said(born(opened), State.INVESTIGATING, Texts(body, speech.bodies), now, by, speech.voices)
    return (
        opened,
        impacted,
        Published(at=now, incident=incident, reason=f"{by} opened it in public"),
        Updated(at=now, incident=incident, update=first),
    )


def current(situation: Situation, incident: str) -> Incident:
    """The open incident with this id. Errors: NotFound."""
    found = situation.incidents.get(incident)
    if found is None:
        raise NotFound("There is no open incident with this id; it may have been resolved meanwhile.")
    return found


def demand(text: str, reason: str) -> None:
    """Refuse an empty *text*. Errors: Invalid with *reason*."""
    if not text.strip():
        raise Invalid(reason)


def moved(incident: Incident, state: State) -> State:
    """The state after an agent asked for *state*. Errors: IllegalMove."""
    try:
        return move(incident.state, SAID[state])
    except IllegalTransition as error:
        raise IllegalMove(f"An incident that is {incident.state} cannot become {state}.") from error


def published(incident: Incident, now: datetime, by: str) -> tuple[Event, ...]:
    """What makes it public, unless it is."""
    return () if incident.published_at is not None else (Published(at=now, incident=incident.id, reason=f"{by} posted on it"),)


def updated(
    situation: Situation,
    incident: Incident,
    now: datetime,
    *,
    by: str,
    state: State,
    body: Texts,
    next_update_by: datetime | None = None,
    voices: Voices = IN_ENGLISH,
) -> Updated:
    """The next public words of *incident*."""
    known = claims.extent(situation, incident.services)
    said = replace(_said(incident, state, body, now, by, voices), next_update_by=next_update_by)
    return Updated(at=now, incident=incident.id, told=tuple(sorted(known)), update=said)


def _said(incident: Incident, state: State, body: Texts, now: datetime, by: str, voices: Voices) -> Update:
    title = in_each(voices, partial(words.headline, incident, state))
    return Update(
        number=incident.updates + 1,
        state=state,
        title=title.own,
        body=body.own,
        at=now,
        by=by,
        language=voices[0].language,
        titles=title.others,
        bodies=body.others,
    )
