"""Who is told what, and from when on: the rules between what was said and the notifications that go out. Pure, like ``page``."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from incidents.advisory import Advisory
from incidents.model import Incident, Service, State, Status, Update
from incidents.rollup import ORDER, TROUBLE, worst

GOOD_NEWS = frozenset({State.MONITORING, State.RESOLVED, State.POSTMORTEM})
"""States whose words mean something only to those who have heard that it broke."""


class Verdict(StrEnum):
    """What became of something that was written into the outbox."""

    TOLD = "told"
    """To everybody who asked for it, if there is anybody."""
    OVER = "over"
    """It was over before it was to be told."""
    INSIDE = "inside"
    """Nothing for subscribers."""
    CALLED = "called"
    """To the team that it calls, and to whoever is on call in it."""
    QUIET = "quiet"
    """The ordinary course of work that comes again and again."""
    WITHDRAWN = "withdrawn"
    """Its words were taken back before they were told, or nobody knows any more what they were about."""
    EARLIER = "earlier"
    """Written before anybody could ask to be told."""


class Rhythm(StrEnum):
    """How often a subscriber is written to."""

    AT_ONCE = "at_once"
    """Whenever there is something to tell."""
    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a subscriber asked for: which *services* (None: all), trouble from *floor* on, whether planned work too, and how often."""

    services: frozenset[str] | None = None
    floor: Status = Status.DEGRADED
    wants_maintenance: bool = True
    rhythm: Rhythm = Rhythm.AT_ONCE


def verdict(incident: Incident, update: Update, services: Mapping[str, Service], now: datetime, *, was_told: bool) -> Verdict | None:
    """What becomes of public words about an incident; None while they are held back.

    Pushes wait for ``notify_after``, counted from when it opened or came back: what is over by then is told to nobody. Once anything of
    an incident *was_told*, the rest follows at once.
    """
    if incident.published_at is None or update.redacted_at is not None:
        return Verdict.WITHDRAWN
    if was_told:
        return Verdict.TOLD
    if update.state in GOOD_NEWS:
        return Verdict.OVER
    if now < held_until(incident, services):
        return None
    return Verdict.OVER if incident.recovered_at is not None or not incident.is_open else Verdict.TOLD


def held_until(incident: Incident, services: Mapping[str, Service]) -> datetime:
    """Until when nobody is written to. With several services the shortest patience applies; where none is known, there is none."""
    hit = (services[id] for id in {*incident.services, *incident.worst} if id in services)
    patience = min((service.notify_after for service in hit), default=timedelta(0))
    return max(incident.opened_at, incident.returned_at or incident.opened_at) + patience


def verdict_on_advisory(advisory: Advisory, services: Mapping[str, Service], now: datetime, *, was_told: bool) -> Verdict | None:
    """What becomes of words about an advisory; None while they are held back for the shortest ``notify_after`` of its services.

    What was withdrawn or over by then is told to nobody. A notice is for readers of the page and of feeds: nobody asked for mail about it.
    """
    if advisory.is_notice:
        return Verdict.QUIET
    if was_told:
        return Verdict.TOLD
    if now < advisory_held_until(advisory, services):
        return None
    return Verdict.OVER if advisory.ended_at is not None else Verdict.TOLD


def advisory_held_until(advisory: Advisory, services: Mapping[str, Service]) -> datetime:
    """Until when nobody is written to of an advisory: a slip of the pen can be withdrawn."""
    patience = min((services[id].notify_after for id in advisory.services if id in services), default=timedelta(0))
    return advisory.published_at + patience


def wants_advisory(wish: Wish, services: Collection[str], *, was_told: bool) -> bool:
    """Whether the subscriber is told of an advisory for *services*: who wants the mildest trouble, too, for nothing is broken yet.

    Whoever *was_told* of it hears how it goes on.
    """
    is_theirs = wish.services is None or not wish.services.isdisjoint(services)
    return was_told or (wish.floor is Status.DEGRADED and is_theirs)


def wants(wish: Wish, incident: Incident, update: Update, *, was_told: bool) -> bool:
    """Whether the subscriber is told *update*. Whoever *was_told* of the incident hears how it goes on; only they hear good news."""
    if was_told:
        return True
    if update.state in GOOD_NEWS:
        return False
    hit = [status for id, status in {**incident.services, **incident.worst}.items() if wish.services is None or id in wish.services]
    return bool(hit) and ORDER[worst(hit)] >= ORDER[wish.floor]


def wants_work(wish: Wish, services: Collection[str]) -> bool:
    """Whether the subscriber is told of planned work on *services*."""
    return wish.wants_maintenance and (wish.services is None or not wish.services.isdisjoint(services))


def wants_status(wish: Wish, service: str, last: Status, new: Status) -> bool:
    """Whether the subscriber, who was told *last* where *service* stands, is told that it is *new* now.

    Trouble milder than asked for is told to those who heard of worse alone, and so is work to those who did not ask for it: nobody is left
    with trouble that is over.
    """
    if last is new or not (wish.services is None or service in wish.services):
        return False
    if last in TROUBLE or new is Status.OPERATIONAL:
        return True
    return wish.wants_maintenance if new is Status.MAINTENANCE else ORDER[new] >= ORDER[wish.floor]
