"""The outbox and what leaves it: entries that wait for their verdict, and one notification for each recipient, until it is delivered.

A notification is written once for each key, however often somebody tries; what was sent and could not be noted is sent again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from pydantic import JsonValue
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, delete, exists, false, func, literal, or_, select, update

from incidents.events import Event
from statuspage.picture.audience import Verdict
from statuspage.store.outbox_tables import asked, notifications, outbox, spent_links
from statuspage.store.spelling import EPOCH, understand
from statuspage.store.upsert import put_missing

LONGEST_PAUSE = timedelta(hours=1)
"""Between two tries, whoever asks for more."""

KEPT_FOR = timedelta(hours=73)
"""How long it is tried to deliver something: three days, and a while in which whoever was away for so long is tried again."""

ASKED_FOR = timedelta(days=1)
"""How long it is remembered that somebody asked to be subscribed."""

FOLDED = "told together with a later word"
"""Why something was not told by itself: the last word about the same thing speaks for it."""

PENDING = and_(notifications.c.delivered_at.is_(None), notifications.c.dropped_at.is_(None))
"""What is on its way."""
ALONE = notifications.c.round_up.is_(None)
"""What is told by itself: a round-up is, and what it tells of is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that was decided to be told, with the event that it tells."""

    id: int
    key: str
    created_at: datetime
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One thing to be told to one recipient.

    *entry* is what it tells (None: *letter* holds what is said, to an address of its own). *tries* that failed so far; *reason* is why the
    last one did, or why it was dropped. *held_until* is set where quiet hours held it back. *round_up* is the key of the
    letter that tells it among others; empty while it waits for one.
    """

    id: int
    key: str
    thread: str
    channel: str
    recipient: str
    created_at: datetime
    tries: int = 0
    entry: Entry | None = None
    letter: Mapping[str, JsonValue] | None = None
    next_try_at: datetime | None = None
    delivered_at: datetime | None = None
    dropped_at: datetime | None = None
    reason: str = ""
    round_up: str | None = None
    held_until: datetime | None = None


# --- what waits for its verdict -------------------------------------------------------------------------------------------------


def undecided(connection: Connection, now: datetime, *, limit: int, after: int = 0) -> tuple[Entry, ...]:
    """The oldest entries behind the one with the id *after* of which nobody has decided who is told, and that are not held back."""
    is_time = (outbox.c.decided_at.is_(None), outbox.c.held_until <= now)
    chosen = select(outbox).where(*is_time, outbox.c.id > after).order_by(outbox.c.id).limit(limit)
    return tuple(_entry(row) for row in connection.execute(chosen))


def hold(connection: Connection, entries: Collection[int], until: datetime) -> None:
    """Have *entries* looked at again at *until*, unless they are released before."""
    connection.execute(update(outbox).where(outbox.c.id.in_(entries)).values(held_until=until))


def release(connection: Connection, *, incidents: Collection[str] | None = None) -> None:
    """Have what is held back looked at anew: all of it, or what is about those *incidents*."""
    held = (outbox.c.decided_at.is_(None), outbox.c.held_until > EPOCH)
    mine = () if incidents is None else (outbox.c.incident.in_(incidents),)
    connection.execute(update(outbox).where(*held, *mine).values(held_until=EPOCH))


def _entry(row: Row[Any]) -> Entry:
    return Entry(id=row.id, key=row.key, created_at=row.created_at, event=understand(row.kind, row.body))


def decide(connection: Connection, entry: int, verdict: Verdict, at: datetime) -> None:
    """Keep what becomes of an entry."""
    connection.execute(update(outbox).where(outbox.c.id == entry).values(decided_at=at, verdict=verdict.value))


def told_threads(connection: Connection, *, incidents: Collection[str], advisories: Collection[str]) -> frozenset[str]:
    """Those of the incidents and advisories of which anything was told."""
    asked = ((outbox.c.incident, incidents), (outbox.c.advisory, advisories))
    chosen = (select(column).where(column.in_(ids), outbox.c.verdict == Verdict.TOLD.value).distinct() for column, ids in asked if ids)
    return frozenset(id for statement in chosen for id in connection.execute(statement).scalars())


def told_recipients(connection: Connection, thread: str, recipients: Collection[str]) -> frozenset[str]:
    """Those of *recipients* that were, or will be, told anything in *thread*."""
    mine = (notifications.c.thread == thread, notifications.c.recipient.in_(recipients))
    return frozenset(connection.execute(select(notifications.c.recipient).where(*mine).distinct()).scalars())


def called_recipients(connection: Connection, thread: str) -> tuple[tuple[str, str], ...]:
    """Everybody who was called, or will be, in *thread*, each with the line that leads there."""
    chosen = select(notifications.c.recipient, notifications.c.channel).join(outbox, outbox.c.id == notifications.c.outbox)
    rows = connection.execute(chosen.where(notifications.c.thread == thread, outbox.c.verdict == Verdict.CALLED.value).distinct())
    return tuple((row.recipient, row.channel) for row in rows)


def called_already(connection: Connection, lines: Collection[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Those of some recipients and threads where anything has arrived."""
    recipients, threads = {recipient for recipient, _ in lines}, {thread for _, thread in lines}
    named = (notifications.c.recipient, notifications.c.thread)
    mine = (notifications.c.recipient.in_(recipients), notifications.c.thread.in_(threads), notifications.c.delivered_at.is_not(None))
    return frozenset((row.recipient, row.thread) for row in connection.execute(select(*named).where(*mine).distinct()))


def unreached(connection: Connection, incidents: Collection[str], now: datetime) -> Mapping[str, datetime | None]:
    """Those of *incidents* of which nobody who was called is told yet: all keep quiet hours, or do not take what is sent to them.

    Each with when the first quiet hours end (None: nobody keeps any). What was not tried yet is on its way.
    """
    is_held = and_(PENDING, notifications.c.held_until > now)
    has_failed = or_(notifications.c.dropped_at.is_not(None), and_(PENDING, notifications.c.tries > 0))
    counted = (
        func.count().label("all"),
        func.count(case((or_(is_held, has_failed), 1))).label("untold"),
        func.min(case((is_held, notifications.c.held_until))).label("until"),
    )
    calls = (outbox.c.verdict == Verdict.CALLED.value, notifications.c.thread.in_(incidents), notifications.c.reason != FOLDED)
    chosen = select(notifications.c.thread, *counted).join(outbox, outbox.c.id == notifications.c.outbox).where(*calls)
    rows = connection.execute(chosen.group_by(notifications.c.thread)).all()
    return {row.thread: row.until for row in rows if row.all == row.untold}


def held_calls(connection: Connection, now: datetime) -> frozenset[tuple[str, str]]:
    """Whom quiet hours hold back what, as recipients and threads."""
    named = (notifications.c.recipient, notifications.c.thread)
    rows = connection.execute(select(*named).where(PENDING, notifications.c.held_until > now).distinct())
    return frozenset((row.recipient, row.thread) for row in rows)


def let_through(connection: Connection, calls: Collection[tuple[str, str]], now: datetime) -> None:
    """Hold back no longer what quiet hours hold back of those recipients and threads."""
    for recipient, thread in calls:
        mine = (notifications.c.recipient == recipient, notifications.c.thread == thread, notifications.c.held_until > now)
        connection.execute(update(notifications).where(PENDING, *mine).values(held_until=now))


# --- notifications --------------------------------------------------------------------------------------------------------------


def notify(
    connection: Connection,
    entry: Entry,
    thread: str,
    recipients: Iterable[tuple[str, str]],
    at: datetime,
    *,
    gathered: Collection[str] = (),
    not_before: Mapping[str, datetime] = MappingProxyType({}),
    quiet: Mapping[str, datetime] = MappingProxyType({}),
) -> None:
    """Have *entry* told to *recipients*, each with the channel that leads there; those that are to be told already are left alone.

    For those of them that are in *gathered* it waits for their next round-up. *not_before* is when those may be told who are to be left
    alone until then. *quiet* is until when the quiet hours last of those who keep them.
    """
    rows = [
        _row(f"{entry.key}>{recipient}", thread, channel, recipient, at)
        | {"outbox": entry.id, "round_up": "" if recipient in gathered else None, "next_try_at": max(at, not_before.get(recipient, at))}
        | {"held_until": quiet.get(recipient)}
        for recipient, channel in recipients
    ]
    put_missing(connection, notifications, rows)


def write_letter(connection: Connection, *, key: str, channel: str, recipient: str, letter: Mapping[str, JsonValue], at: datetime) -> None:
    """Have something told that has no cause but its recipient; one with the same key is left alone."""
    write_letters(connection, {key: (recipient, channel)}, letter, at)


def write_letters(connection: Connection, recipients: Mapping[str, tuple[str, str]], letter: Mapping[str, JsonValue], at: datetime) -> None:
    """The same letter to several *recipients*, each with the channel that leads there, by the keys of the letters."""
    told = {"letter": dict(letter)}
    put_missing(
        connection, notifications, [_row(key, key, channel, recipient, at) | told for key, (recipient, channel) in recipients.items()]
    )


def _row(key: str, thread: str, channel: str, recipient: str, at: datetime) -> dict[str, Any]:
    named = {"key": key, "thread": thread, "channel": channel, "recipient": recipient}
    return named | {"created_at": at, "next_try_at": at, "tries": 0, "reason": ""}


def parts_of(connection: Connection, keys: Collection[str]) -> Mapping[str, tuple[Notification, ...]]:
    """What each of some round-ups is to tell of, by their keys, oldest first."""
    found: dict[str, list[Notification]] = {key: [] for key in keys}
    for row in connection.execute(_with_entries().where(PENDING, notifications.c.round_up.in_(keys)).order_by(notifications.c.id)):
        found[row.round_up].append(_notification(row))
    return {key: tuple(parts) for key, parts in found.items()}


def due(connection: Connection, channel: str, now: datetime, *, limit: int, without: Collection[str] = ()) -> tuple[Notification, ...]:
    """What is to be tried now: of each recipient and thread the oldest alone, so that nothing overtakes; *without* some recipients.

    Letters come first: somebody waits for each. A clock that was set back makes nobody wait for longer than a pause may last.
    """
    earlier = notifications.alias("earlier")
    waits_for = exists().where(
        earlier.c.recipient == notifications.c.recipient,
        earlier.c.thread == notifications.c.thread,
        earlier.c.id < notifications.c.id,
        earlier.c.delivered_at.is_(None),
        earlier.c.dropped_at.is_(None),
    )
    is_time = or_(notifications.c.next_try_at <= now, notifications.c.next_try_at > now + LONGEST_PAUSE)
    is_loud = or_(notifications.c.held_until.is_(None), notifications.c.held_until <= now)
    chosen = _with_entries().where(PENDING, ALONE, notifications.c.channel == channel, is_time, is_loud, ~waits_for)
    if without:
        chosen = chosen.where(notifications.c.recipient.not_in(without))
    ordered = chosen.order_by(notifications.c.outbox.is_not(None), notifications.c.id).limit(limit)
    return tuple(_notification(row) for row in connection.execute(ordered))


def _with_entries() -> Select[Any]:
    entries = (outbox.c.key.label("cause"), outbox.c.created_at.label("caused_at"), outbox.c.kind, outbox.c.body)
    return select(notifications, *entries).outerjoin(outbox, outbox.c.id == notifications.c.outbox)


def _notification(row: Row[Any]) -> Notification:
    entry = None
    if row.cause is not None:
        entry = Entry(id=row.outbox, key=row.cause, created_at=row.caused_at, event=understand(row.kind, row.body))
    plain = (
        "id",
        "key",
        "thread",
        "channel",
        "recipient",
        "created_at",
        "tries",
        "letter",
        "next_try_at",
        "delivered_at",
        "dropped_at",
        "held_until",
    )
    return Notification(**{name: getattr(row, name) for name in plain}, entry=entry, reason=row.reason, round_up=row.round_up)


def note_delivered(connection: Connection, id: int, at: datetime) -> None:
    """It arrived, as far as the other side says, and so did all that it tells of. A letter's words and address are forgotten."""
    for mine in _with_parts(id):
        connection.execute(update(notifications).where(mine).values(delivered_at=at, letter=None, reason=""))


def note_failed(connection: Connection, id: int, reason: str, next_try_at: datetime) -> None:
    """It did not arrive, and is tried again."""
    failed = {"tries": notifications.c.tries + 1, "reason": reason, "next_try_at": next_try_at}
    connection.execute(update(notifications).where(notifications.c.id == id).values(**failed))


def note_dropped(connection: Connection, id: int, reason: str, at: datetime) -> None:
    """It did not arrive and never will, and neither does what it tells of."""
    for mine in _with_parts(id):
        connection.execute(update(notifications).where(mine).values(dropped_at=at, letter=None, reason=reason))


def _with_parts(id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The notification, and those that it tells of, if it is a round-up."""
    whole = notifications.alias("whole")
    key = select(whole.c.key).where(whole.c.id == id).scalar_subquery()
    return notifications.c.id == id, and_(PENDING, notifications.c.round_up == key)


# --- the record -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of one entry: its verdict (None: it is held back), and how far its notifications are; some are *gathered* for later."""

    entry: Entry
    verdict: Verdict | None
    decided_at: datetime | None
    delivered: int
    waiting: int
    gathered: int
    dropped: int
    last_at: datetime | None


def told(
    connection: Connection, *, incident: str | None = None, maintenance: str | None = None, advisory: str | None = None
) -> tuple[Told, ...]:
    """What was, or is to be, told of an incident, a window or an advisory, oldest first; what never was for subscribers is left out."""
    (mine,) = (
        column == id
        for column, id in ((outbox.c.incident, incident), (outbox.c.maintenance, maintenance), (outbox.c.advisory, advisory))
        if id is not None
    )
    counted = (
        func.count(notifications.c.delivered_at).label("delivered"),
        func.count(notifications.c.dropped_at).label("dropped"),
        func.count(notifications.c.id).label("all"),
        func.count(case((and_(PENDING, ~ALONE), notifications.c.id))).label("gathered"),
        func.max(notifications.c.delivered_at).label("last_at"),
    )
    joined = select(outbox, *counted).outerjoin(notifications, notifications.c.outbox == outbox.c.id)
    chosen = joined.where(mine, outbox.c.kind.in_(_PUBLIC)).group_by(outbox.c.id).order_by(outbox.c.id)
    return tuple(_told(row) for row in connection.execute(chosen))


_PUBLIC = ("updated", "maintenance_updated", "advisory_updated")


def _told(row: Row[Any]) -> Told:
    return Told(
        entry=_entry(row),
        verdict=None if row.verdict is None else Verdict(row.verdict),
        decided_at=row.decided_at,
        delivered=row.delivered,
        dropped=row.dropped,
        waiting=row.all - row.delivered - row.dropped - row.gathered,
        gathered=row.gathered,
        last_at=row.last_at,
    )


def notifications_of(connection: Connection, thread: str, *, limit: int) -> tuple[Notification, ...]:
    """The newest notifications of an incident or window, newest first."""
    chosen = _with_entries().where(notifications.c.thread == thread).order_by(notifications.c.id.desc()).limit(limit)
    return tuple(_notification(row) for row in connection.execute(chosen))


def of_recipient(connection: Connection, recipient: str) -> Sequence[Notification]:
    """All that one recipient was told, or is to be told, oldest first."""
    chosen = _with_entries().where(notifications.c.recipient == recipient).order_by(notifications.c.id)
    return [_notification(row) for row in connection.execute(chosen)]


def waiting(connection: Connection, now: datetime | None = None) -> int:
    """How many notifications are on their way; what is gathered for a round-up is not, nor what quiet hours hold back *now*."""
    is_held = notifications.c.held_until > now if now else false()
    not_held = or_(notifications.c.held_until.is_(None), ~is_held)
    return connection.execute(select(func.count()).select_from(notifications).where(PENDING, ALONE, not_held)).scalar_one()


def withdraw_letters(connection: Connection, recipient: str, reason: str, at: datetime) -> None:
    """Send a *recipient* nothing that waits, and keep neither its words nor their address."""
    mine = notifications.c.recipient == recipient
    connection.execute(update(notifications).where(mine, PENDING).values(dropped_at=at))
    connection.execute(update(notifications).where(mine).values(letter=None, reason=reason))


def prune_told(connection: Connection, now: datetime, before: datetime, limit: int) -> int:
    """Forget what ended *before*, at most *limit* of each kind; return how many are gone. So are links and askers that count no more.

    What has waited for too long, since its channel is not configured any more, is dropped.
    """
    ended = func.coalesce(notifications.c.delivered_at, notifications.c.dropped_at)
    old = select(notifications.c.id).where(ended < before).limit(limit)
    gone = connection.execute(delete(notifications).where(notifications.c.id.in_(old))).rowcount
    still = exists().where(notifications.c.outbox == outbox.c.id)
    causes = select(outbox.c.id).where(outbox.c.decided_at < before, ~still).limit(limit)
    gone += connection.execute(delete(outbox).where(outbox.c.id.in_(causes))).rowcount
    tried = literal("given up after three days: ") + notifications.c.reason
    why = case((notifications.c.reason == "", "given up after three days"), else_=tried)
    late = {"dropped_at": now, "letter": None, "reason": why}
    for waited in _waits_since(now - KEPT_FOR):
        connection.execute(update(notifications).where(PENDING, waited).values(**late))
    connection.execute(delete(spent_links).where(spent_links.c.until < now))
    connection.execute(delete(asked).where(asked.c.at < now - ASKED_FOR))
    return gone


def _waits_since(at: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """What has been waiting since *at*: what is told in a round-up waits for as long as that does, and comes before it."""
    whole = notifications.alias("whole")
    is_pending = (whole.c.delivered_at.is_(None), whole.c.dropped_at.is_(None))
    letters = select(whole.c.key).where(*is_pending, whole.c.outbox.is_(None), whole.c.created_at <= at)
    return notifications.c.round_up.in_(letters), and_(ALONE, notifications.c.created_at <= at)
