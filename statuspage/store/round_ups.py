"""What is gathered for a subscriber becomes one letter: a notification of its own, and those that it tells of name its key.

There is one for each subscriber and period, however often somebody tries.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, exists, literal, or_, select, update

from statuspage.picture.audience import Rhythm, Wish, wants_work
from statuspage.picture.roundup import Period
from statuspage.store.outbox import ALONE, PENDING, write_letters
from statuspage.store.outbox_tables import notifications, subscribers

KIND = "round-up"
"""What its letter is called among those that have no cause of their own."""

_WAITING = notifications.c.round_up == ""


def gather(connection: Connection, recipient: str) -> None:
    """Have all that is on its way to *recipient* wait for the next round-up."""
    mine = (notifications.c.recipient == recipient, notifications.c.outbox.is_not(None))
    connection.execute(update(notifications).where(PENDING, ALONE, *mine).values(round_up=""))


def send_now(connection: Connection, recipient: str, channel: str, at: datetime) -> None:
    """Have all that was gathered for *recipient* told at once, in one last letter."""
    mine = (PENDING, _WAITING, notifications.c.recipient == recipient)
    if connection.execute(select(notifications.c.id).where(*mine).limit(1)).first() is None:
        return
    key = _key(recipient, at.isoformat())
    write_letters(connection, {key: (recipient, channel)}, {"kind": KIND, "until": at.isoformat()}, at)
    connection.execute(update(notifications).where(*mine).values(round_up=key))


def close(
    connection: Connection,
    rhythm: Rhythm,
    period: Period,
    last: str,
    *,
    prefix: str,
    limit: int,
    at: datetime,
    near: Sequence[Collection[str]] = (),
) -> str | None:
    """Write the letters of *period*, which is over, to some of the subscribers of *rhythm*, by their ids past *last*.

    *prefix* and id together are what notifications call them; *near* are the services of each piece of work that some want to hear of
    by itself. Returns the last one's id, or None where there are no more.
    """
    found = _readers(connection, rhythm, period.until, last, prefix=prefix, limit=limit, has_work=bool(near))
    told_of = [one for one in found if one.waits or _wants(one, near)]
    letters = {_key(prefix + one.id, f"{rhythm}:{period.day}"): (prefix + one.id, one.channel) for one in told_of}
    known = frozenset(connection.execute(select(notifications.c.key).where(notifications.c.key.in_(letters))).scalars())
    new = {key: whom for key, whom in letters.items() if key not in known}  # where the clock was set back, one has gone out already
    told = {"kind": KIND, "since": period.since.isoformat(), "until": period.until.isoformat(), "next": period.next.isoformat()}
    write_letters(connection, new, told, at)
    mine = notifications.c.recipient.in_([recipient for recipient, _ in new.values()])
    key = literal(f"{KIND}:") + notifications.c.recipient + literal(f":{rhythm}:{period.day}")
    connection.execute(update(notifications).where(_gathered_before(period.until), mine).values(round_up=key))
    return found[-1].id if len(found) == limit else None


def _key(recipient: str, name: str) -> str:
    return f"{KIND}:{recipient}:{name}"


def _gathered_before(at: datetime) -> ColumnElement[bool]:
    return PENDING & _WAITING & (notifications.c.created_at < at)


def _readers(
    connection: Connection, rhythm: Rhythm, before: datetime, last: str, *, prefix: str, limit: int, has_work: bool
) -> Sequence[Row[Any]]:
    """Those for whom something *waits*, gathered *before* an instant; where there is work that is near, also who wants to hear of work."""
    waits = exists().where(_gathered_before(before), notifications.c.recipient == literal(prefix) + subscribers.c.id)
    asks = or_(waits, subscribers.c.wants_maintenance) if has_work else waits
    named = (subscribers.c.id, subscribers.c.channel, subscribers.c.services, subscribers.c.wants_maintenance)
    chosen = select(*named, waits.label("waits")).where(subscribers.c.rhythm == rhythm, subscribers.c.id > last, asks)
    return connection.execute(chosen.order_by(subscribers.c.id).limit(limit)).all()


def _wants(reader: Row[Any], near: Sequence[Collection[str]]) -> bool:
    services = None if reader.services is None else frozenset(reader.services)
    wish = Wish(services=services, wants_maintenance=reader.wants_maintenance)
    return any(wants_work(wish, work) for work in near)
