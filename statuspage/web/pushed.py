"""Who was told what, and when: the record as the desk sees it beside an incident or a window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from urllib.parse import urlsplit

from sqlalchemy import Connection

from incidents.advisory import Advisory, AdvisoryUpdated
from incidents.events import MaintenanceUpdated, Updated
from incidents.model import Incident, Service
from statuspage.config.calls import owner_of
from statuspage.picture.audience import Verdict, advisory_held_until, held_until
from statuspage.render.words import ADVISORY_TURN
from statuspage.store import outbox
from statuspage.store.outbox import Notification, Told
from statuspage.store.outlets import outlet_of
from statuspage.store.subscribers import id_of, subscribers_of

NEWEST = 30
"""Single notifications that are listed; the sums have all of them."""

_VERDICTS: Mapping[Verdict, str] = MappingProxyType(
    {
        Verdict.TOLD: "",
        Verdict.CALLED: "a team was called",
        Verdict.OVER: "told to nobody: it was over before",
        Verdict.INSIDE: "nothing for subscribers",
        Verdict.QUIET: "told to nobody: the ordinary course of what comes again, or a notice",
        Verdict.WITHDRAWN: "told to nobody: withdrawn, or not public",
        Verdict.EARLIER: "told to nobody: written before anybody could ask",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Public words, and what became of them: *words* where they were told to nobody, else how far their letters are.

    *held_until* is set while they are held back; *gathered* are told in the next round-ups.
    """

    title: str
    words: str
    held_until: datetime | None
    delivered: int
    waiting: int
    gathered: int
    dropped: int
    last_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One notification. *to* is an address but for most of its name, or an outlet's id.

    *state* is delivered, dropped, waiting, gathered, which waits for a round-up, or held back by quiet hours.
    """

    title: str
    channel: str
    to: str
    state: str
    at: datetime
    tries: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """The record of an incident or a window, texts oldest first, notifications newest first."""

    texts: Sequence[Text]
    sent: Sequence[Sent]


def pushed_of_incident(connection: Connection, incident: Incident, services: Mapping[str, Service]) -> Pushed:
    """What was, or is to be, told of an incident."""
    told = outbox.told(connection, incident=incident.id)
    is_told = any(one.verdict is Verdict.TOLD for one in told)
    until = held_until(incident, services) if incident.is_open or is_told else None
    return _pushed(connection, told, incident.id, until, waits_for_nothing=until is None)


def pushed_of_window(connection: Connection, maintenance: str) -> Pushed:
    """What was, or is to be, told of a window of planned work."""
    return _pushed(connection, outbox.told(connection, maintenance=maintenance), maintenance, None)


def pushed_of_advisory(connection: Connection, advisory: Advisory, services: Mapping[str, Service]) -> Pushed:
    """What was, or is to be, told of an advisory."""
    until = advisory_held_until(advisory, services)
    return _pushed(connection, outbox.told(connection, advisory=advisory.id), advisory.id, until)


def _pushed(
    connection: Connection, told: Sequence[Told], thread: str, until: datetime | None, *, waits_for_nothing: bool = False
) -> Pushed:
    single = outbox.notifications_of(connection, thread, limit=NEWEST)
    ids = {id for one in single if (id := id_of(one.recipient)) is not None}
    addresses = {id: masked(one.address) for id, one in subscribers_of(connection, ids).items()}
    return Pushed(
        texts=[_text(replace(one, verdict=Verdict.OVER) if waits_for_nothing and one.verdict is None else one, until) for one in told],
        sent=[_sent(one, _named(one.recipient, addresses)) for one in single],
    )


def _named(recipient: str, addresses: Mapping[str, str]) -> str:
    if (outlet := outlet_of(recipient)) is not None:
        return f"the outlet {outlet}"
    if (called := owner_of(recipient)) is not None:
        return " ".join(called)
    return addresses.get(id_of(recipient) or "", "somebody who is gone")


def _text(one: Told, until: datetime | None) -> Text:
    return Text(
        title=_title(one.entry.event),
        words="" if one.verdict is None else _VERDICTS[one.verdict],
        held_until=(until or one.entry.created_at) if one.verdict is None else None,
        delivered=one.delivered,
        waiting=one.waiting,
        gathered=one.gathered,
        dropped=one.dropped,
        last_at=one.last_at,
    )


def _sent(one: Notification, to: str) -> Sent:
    is_held = one.held_until is not None and not one.tries
    on_its_way = "held back by quiet hours" if is_held else "waiting" if one.round_up is None else "gathered"
    state = "delivered" if one.delivered_at else "dropped" if one.dropped_at else on_its_way
    return Sent(
        title=_title(one.entry.event) if one.entry else "",
        channel=one.channel.partition(":")[0],  # an outlet has a line of its own
        to=to,
        state=state,
        at=one.delivered_at or one.dropped_at or (one.held_until if is_held else None) or one.next_try_at or one.created_at,
        tries=one.tries,
        reason=one.reason,
    )


def _title(event: object) -> str:
    if isinstance(event, AdvisoryUpdated):
        return f"Public words {event.update.number}: {ADVISORY_TURN[event.update.turn].lower()}"
    return event.update.title if isinstance(event, Updated | MaintenanceUpdated) else ""


def masked(address: str) -> str:
    """An address of which a viewer sees enough to know it again: the first letter of the name, and the domain; of a URL the host."""
    if "://" in address:
        return urlsplit(address).hostname or "…"
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"
