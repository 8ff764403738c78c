"""Who asked to be told, what of, and how they are reached. What is kept about them is here and nowhere else."""

import secrets
import string
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from incidents.model import Status
from statuspage.picture.audience import Rhythm, Wish
from statuspage.store import round_ups
from statuspage.store.acts import forget_answers, write_audit
from statuspage.store.chain import Detail
from statuspage.store.outbox_tables import notifications, subscribers
from statuspage.store.traces import leave_traces

THEMSELVES = "subscriber"
"""Who acts in the audit where a subscriber does."""

DELIVERY = "delivery"
"""Who acts where the other side says for good that nobody is there."""

GONE_AFTER = 3
"""Refusals in a row, each for good, that end a subscription."""

PREFIX = "subscriber:"
"""Before the id, what notifications call them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """Somebody who asked to be told by *channel* at *address*; *added_by* is None where they asked themselves, and confirmed it."""

    id: str
    channel: str
    address: str
    wish: Wish
    language: str
    created_at: datetime
    secret: str | None = None
    added_by: str | None = None
    refusals: int = 0

    @property
    def recipient(self) -> str:
        """What notifications call them: it leads to nobody once they are gone."""
        return PREFIX + self.id


def id_of(recipient: str) -> str | None:
    """The id of the subscriber whom notifications call so; None where it is somebody else."""
    return recipient.removeprefix(PREFIX) if recipient.startswith(PREFIX) else None


def subscriber(connection: Connection, id: str) -> Subscriber | None:
    """One of them; None for somebody who is gone, or never was."""
    return next(iter(subscribers_of(connection, [id]).values()), None)


def subscribers_of(connection: Connection, ids: Collection[str]) -> Mapping[str, Subscriber]:
    """Those that exist, by their ids."""
    found = connection.execute(select(subscribers).where(subscribers.c.id.in_(ids)))
    return {row.id: _subscriber(row) for row in found}


def subscribers_after(connection: Connection, last: str, *, limit: int, channels: Collection[str] | None = None) -> tuple[Subscriber, ...]:
    """Some of them by their ids, past *last*; by those *channels* alone where they are named."""
    chosen = select(subscribers).where(subscribers.c.id > last).order_by(subscribers.c.id).limit(limit)
    if channels is not None:
        chosen = chosen.where(subscribers.c.channel.in_(channels))
    return tuple(_subscriber(row) for row in connection.execute(chosen))


def subscriber_at(connection: Connection, channel: str, address: str) -> Subscriber | None:
    """Who is told at *address*."""
    row = connection.execute(
        select(subscribers).where(subscribers.c.channel == channel, subscribers.c.known_as == known_as(address))
    ).first()
    return None if row is None else _subscriber(row)


def subscribers_at(connection: Connection, address: str) -> tuple[Subscriber, ...]:
    """Whoever is told at *address*, by whatever channel."""
    chosen = select(subscribers).where(subscribers.c.known_as == known_as(address)).order_by(subscribers.c.id)
    return tuple(_subscriber(row) for row in connection.execute(chosen))


def count_subscribers(connection: Connection) -> Mapping[str, int]:
    """How many there are, by channel."""
    counted = select(subscribers.c.channel, func.count()).group_by(subscribers.c.channel).order_by(subscribers.c.channel)
    return {row[0]: row[1] for row in connection.execute(counted)}


def known_as(address: str) -> str:
    """The address as it is compared: few mailboxes tell large letters from small ones, and nobody wants two letters of each kind."""
    return address.casefold()


def _subscriber(row: Row[Any]) -> Subscriber:
    services = None if row.services is None else frozenset(row.services)
    return Subscriber(
        id=row.id,
        channel=row.channel,
        address=row.address,
        wish=Wish(services=services, floor=row.floor, wants_maintenance=row.wants_maintenance, rhythm=row.rhythm),
        language=row.language,
        created_at=row.created_at,
        secret=row.secret,
        added_by=row.added_by,
        refusals=row.refusals,
    )


# --- changes --------------------------------------------------------------------------------------------------------------------


def subscribe(
    connection: Connection,
    *,
    channel: str,
    address: str,
    wish: Wish,
    language: str,
    at: datetime,
    secret: str | None = None,
    added_by: str | None = None,
) -> Subscriber:
    """Have somebody told from now on; who is told at that address already is told what is wished now."""
    before = subscriber_at(connection, channel, address)
    by = added_by or THEMSELVES
    if before is not None:
        rewish(connection, before.id, wish, language=language, at=at, by=by)
        return subscribers_of(connection, [before.id])[before.id]
    id = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(16))
    named = {"id": id, "channel": channel, "address": address, "known_as": known_as(address), "language": language, "created_at": at}
    connection.execute(insert(subscribers).values(**named, **_wished(wish), secret=secret, added_by=added_by, refusals=0))
    _audit(connection, id, "subscribe", {"channel": channel}, at=at, by=by)
    return subscribers_of(connection, [id])[id]


def rewish(connection: Connection, id: str, wish: Wish, *, language: str, at: datetime, by: str = THEMSELVES) -> None:
    """Have a subscriber told something else, or otherwise: what is on its way or gathered keeps to it, and is told once."""
    connection.execute(update(subscribers).where(subscribers.c.id == id).values(**_wished(wish), language=language))
    found = subscriber(connection, id)
    if found is not None and wish.rhythm is Rhythm.AT_ONCE:
        round_ups.send_now(connection, found.recipient, found.channel, at)
    elif found is not None:
        round_ups.gather(connection, found.recipient)
    _audit(connection, id, "change subscription", {}, at=at, by=by)


def _wished(wish: Wish) -> dict[str, Any]:
    services = None if wish.services is None else sorted(wish.services)
    return {"services": services, "floor": Status(wish.floor), "wants_maintenance": wish.wants_maintenance, "rhythm": wish.rhythm}


def erase(connection: Connection, id: str, *, at: datetime, by: str = THEMSELVES) -> bool:
    """Forget a subscriber, and tell them nothing more; whether there was one.

    What stays is that something was told to an id that leads to nobody, and the audit's row, which names no address.
    """
    if not connection.execute(delete(subscribers).where(subscribers.c.id == id)).rowcount:
        return False
    mine = notifications.c.recipient == PREFIX + id
    connection.execute(update(notifications).where(mine).values(reason=""))  # which may quote the address
    pending = (mine, notifications.c.delivered_at.is_(None), notifications.c.dropped_at.is_(None))
    connection.execute(update(notifications).where(*pending).values(dropped_at=at, reason="the subscriber is gone"))
    forget_answers(connection, f'"id":"{id}"')
    leave_traces(connection, at)
    _audit(connection, id, "unsubscribe", {}, at=at, by=by)
    return True


def _audit(connection: Connection, id: str, act: str, detail: Detail, *, at: datetime, by: str) -> None:
    write_audit(connection, at=at, actor=by, act=act, subject=id, detail=detail)


def note_reached(connection: Connection, id: str) -> None:
    """Something arrived there: earlier refusals count no more."""
    connection.execute(update(subscribers).where(subscribers.c.id == id, subscribers.c.refusals > 0).values(refusals=0))


def note_refused(connection: Connection, id: str, at: datetime) -> None:
    """The other side says that nobody is there; after GONE_AFTER times in a row it is believed."""
    connection.execute(update(subscribers).where(subscribers.c.id == id).values(refusals=subscribers.c.refusals + 1))
    found = subscriber(connection, id)
    if found is not None and found.refusals >= GONE_AFTER:
        erase(connection, id, at=at, by=DELIVERY)


def wished_for(connection: Connection, services: Collection[str]) -> Mapping[str, int]:
    """How many subscribers asked for each of *services* by name; those whom nobody asked for are left out."""
    wishes = connection.execute(select(subscribers.c.services).where(subscribers.c.services.is_not(None))).scalars()
    return Counter(service for wish in wishes for service in wish if service in services)
