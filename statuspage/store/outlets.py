"""Outlets, to which the operator has public words announced: the file names them, the outbox keeps what each is to be told."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, update
from sqlalchemy.sql.selectable import NamedFromClause

from incidents.events import Event
from statuspage.picture.audience import Wish
from statuspage.store.outbox import FOLDED
from statuspage.store.outbox_tables import notifications, outbox
from statuspage.store.spelling import understand

STALE_AFTER = timedelta(minutes=5)
"""How long a word may wait before it is told together with what was said after it."""

GONE = "the outlet is not in the configuration any more"

_PREFIX = "outlet:"
_LINE = "apprise:"
_PENDING = and_(notifications.c.delivered_at.is_(None), notifications.c.dropped_at.is_(None), notifications.c.round_up.is_(None))
_MOST = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """A place where the operator has public words announced, under an *id* of the file; each has a line of its own."""

    id: str
    wish: Wish
    language: str

    @property
    def recipient(self) -> str:
        """What notifications call it."""
        return _PREFIX + self.id

    @property
    def channel(self) -> str:
        """The line that leads there."""
        return channel_of(self.id)


def channel_of(outlet: str) -> str:
    """The line of its own that an outlet has."""
    return _LINE + outlet


def outlet_of(recipient: str) -> str | None:
    """The id of the outlet that notifications call so; None where it is somebody else."""
    return recipient.removeprefix(_PREFIX) if recipient.startswith(_PREFIX) else None


def end_others(connection: Connection, outlets: Collection[Outlet], at: datetime) -> None:
    """Drop what was to be told by outlets that are not among *outlets* any more."""
    strange = notifications.c.channel.startswith(_LINE) & notifications.c.channel.not_in([one.channel for one in outlets])
    connection.execute(update(notifications).where(_PENDING, strange).values(dropped_at=at, reason=GONE))


def waiting_for(connection: Connection, outlets: Collection[Outlet]) -> Mapping[str, int]:
    """How many announcements are on their way to each of *outlets*, by their ids."""
    counted = select(notifications.c.channel, func.count()).where(_PENDING, notifications.c.channel.in_([one.channel for one in outlets]))
    found: dict[str, int] = {row[0]: row[1] for row in connection.execute(counted.group_by(notifications.c.channel))}
    return {one.id: found.get(one.channel, 0) for one in outlets}


def stale(
    connection: Connection, channel: str, now: datetime, *, without: Collection[str] = (), is_of_incidents: bool = False
) -> tuple[int, ...]:
    """Notifications of a line that have waited for so long that the last word about the same thing speaks for them.

    They are *without* some recipients'; of a line that many share, only those of words about incidents (*is_of_incidents*), and a try that
    failed is no reason yet: who was away for a moment is told piece by piece.
    """
    older, later = notifications.alias("older"), notifications.alias("later")
    is_late = older.c.created_at <= now - STALE_AFTER
    has_waited = is_late if is_of_incidents else or_(older.c.tries > 0, is_late)
    is_old = exists().where(*_same(older), older.c.id <= notifications.c.id, has_waited)
    is_followed = exists().where(*_same(later), later.c.id > notifications.c.id)
    chosen = select(notifications.c.id).where(_PENDING, notifications.c.channel == channel, is_followed, is_old)
    if is_of_incidents:
        chosen = chosen.join(outbox, outbox.c.id == notifications.c.outbox).where(outbox.c.kind == "updated")
    if without:
        chosen = chosen.where(notifications.c.recipient.not_in(without))
    return tuple(connection.execute(chosen.limit(_MOST)).scalars())


def _same(other: NamedFromClause[Any]) -> tuple[ColumnElement[bool], ...]:
    """Whether *other* is for the same recipient about the same thing, and on its way."""
    return (
        other.c.recipient == notifications.c.recipient,
        other.c.thread == notifications.c.thread,
        other.c.delivered_at.is_(None),
        other.c.dropped_at.is_(None),
        other.c.round_up.is_(None),
    )


def fold(connection: Connection, ids: Collection[int], at: datetime) -> None:
    """Have the last word about the same thing speak for these."""
    connection.execute(update(notifications).where(_PENDING, notifications.c.id.in_(ids)).values(dropped_at=at, reason=FOLDED))


def fold_held(connection: Connection, recipients: Collection[str], thread: str, at: datetime) -> None:
    """Have what is said now speak for all that quiet hours hold back of *thread* for *recipients*."""
    mine = (notifications.c.recipient.in_(recipients), notifications.c.thread == thread, notifications.c.held_until > at)
    connection.execute(update(notifications).where(_PENDING, *mine).values(dropped_at=at, reason=FOLDED))


def folded_into(connection: Connection, ids: Collection[int]) -> Mapping[int, tuple[Event, ...]]:
    """What each of these notifications speaks for beside itself, oldest first: all that was folded since anything arrived there.

    Those that speak for themselves alone are left out.
    """
    folded = notifications.alias("folded")
    theirs = exists().where(
        folded.c.recipient == notifications.c.recipient, folded.c.thread == notifications.c.thread, folded.c.reason == FOLDED
    )
    speaking = connection.execute(select(notifications.c.id).where(notifications.c.id.in_(ids), theirs)).scalars().all()
    return {id_: tuple(_before(connection, id_)) for id_ in speaking}


def _before(connection: Connection, id_: int) -> Iterator[Event]:
    own, arrived = notifications.alias("own"), notifications.alias("arrived")
    thread = (own.c.id == id_, notifications.c.recipient == own.c.recipient, notifications.c.thread == own.c.thread)
    last = (
        select(func.coalesce(func.max(arrived.c.id), 0))
        .where(arrived.c.recipient == own.c.recipient, arrived.c.thread == own.c.thread, arrived.c.id < own.c.id)
        .where(arrived.c.delivered_at.is_not(None))
        .correlate(own)
        .scalar_subquery()
    )
    chosen = select(outbox.c.kind, outbox.c.body).join(notifications, notifications.c.outbox == outbox.c.id).join(own, own.c.id == id_)
    mine = (*thread, notifications.c.id < id_, notifications.c.id > last, notifications.c.reason == FOLDED)
    for row in connection.execute(chosen.where(*mine).order_by(notifications.c.id)):
        yield understand(row.kind, row.body)
