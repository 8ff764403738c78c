"""What is gathered for a subscriber becomes one letter: a notification of its own, and those that it tells of name its key.

There is one for each subscriber and period, however often somebody tries.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, literal, select, update

from statuspage.picture.audience import Rhythm
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


def close(connection: Connection, rhythm: Rhythm, period: Period, last: str, *, prefix: str, limit: int, at: datetime) -> str | None:
    """Write the letters of *period*, which is over, to some of the subscribers of *rhythm*, by their ids past *last*.

    *prefix* and id together are what notifications call them. Returns the last one's id, or None where there are no more.
    """
    found = _gatherers(connection, rhythm, period.until, last, prefix=prefix, limit=limit)
    letters = {_key(prefix + id, f"{rhythm}:{period.day}"): (prefix + id, channel) for id, channel in found}
    known = frozenset(connection.execute(select(notifications.c.key).where(notifications.c.key.in_(letters))).scalars())
    new = {key: whom for key, whom in letters.items() if key not in known}  # where the clock was set back, one has gone out already
    told = {"kind": KIND, "since": period.since.isoformat(), "until": period.until.isoformat(), "next": period.next.isoformat()}
    write_letters(connection, new, told, at)
    mine = notifications.c.recipient.in_([recipient for recipient, _ in new.values()])
    key = literal(f"{KIND}:") + notifications.c.recipient + literal(f":{rhythm}:{period.day}")
    connection.execute(update(notifications).where(_gathered_before(period.until), mine).values(round_up=key))
    return found[-1][0] if len(found) == limit else None


def _key(recipient: str, name: str) -> str:
    return f"{KIND}:{recipient}:{name}"


def _gathered_before(at: datetime) -> ColumnElement[bool]:
    return PENDING & _WAITING & (notifications.c.created_at < at)


def _gatherers(
    connection: Connection, rhythm: Rhythm, before: datetime, last: str, *, prefix: str, limit: int
) -> Sequence[tuple[str, str]]:
    """Those for whom something was gathered *before* an instant, each with the channel that leads there."""
    waits = exists().where(_gathered_before(before), notifications.c.recipient == literal(prefix) + subscribers.c.id)
    chosen = select(subscribers.c.id, subscribers.c.channel).where(subscribers.c.rhythm == rhythm, subscribers.c.id > last, waits)
    return [(id, channel) for id, channel in connection.execute(chosen.order_by(subscribers.c.id).limit(limit))]
