"""Which status of a service each recipient was told last, and what of it still waits.

A service's statuses are told in a thread of their own, called by its public id, which stays when the service is renamed. What nobody can
have been handed yet is folded into what comes after it: who was away hears where the service stands, and not each turn that it took.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, func, select, update

from incidents.events import StatusChanged
from incidents.model import Status, Subject
from statuspage.store.outbox import LONGEST_PAUSE, PENDING, Notification
from statuspage.store.outbox_tables import notifications, outbox
from statuspage.store.tables import public_ids, status_changes

LIVELY = 6
"""So many statuses of one service are told to one recipient within ``LATELY`` as they come; further ones wait and are folded."""

LATELY = timedelta(minutes=30)
BREATH = timedelta(minutes=5)
"""How long it is then quiet between two of them."""

FOLDED = "told with what came after it"


def thread_of(connection: Connection, service: str) -> str | None:
    """The thread in which statuses of *service* are told; None where nobody outside knows it."""
    return connection.execute(select(public_ids.c.public).where(public_ids.c.name == service)).scalar_one_or_none()


def known_before(connection: Connection, change: StatusChanged) -> Status:
    """What the page told before *change*: while nothing is known the last that was, and before anything was that it works."""
    if change.old is not Status.UNKNOWN:
        return change.old
    mine = (status_changes.c.subject == Subject.SERVICE, status_changes.c.id == change.id, status_changes.c.since < change.since)
    newest = select(status_changes.c.new).where(*mine, status_changes.c.new != Status.UNKNOWN).order_by(status_changes.c.sequence.desc())
    return connection.execute(newest.limit(1)).scalar_one_or_none() or Status.OPERATIONAL


def fold(connection: Connection, entry: int, thread: str, recipients: Collection[str], now: datetime) -> frozenset[str]:
    """Drop what waits for *recipients* in *thread* and has reached nobody, since *entry* follows.

    What may have been handed over stays; return whom that is for.
    """
    mine = (notifications.c.thread == thread, notifications.c.recipient.in_(recipients), PENDING)
    seen: set[str] = set()
    out: set[str] = set()
    late = []
    for row in connection.execute(select(notifications).where(*mine).order_by(notifications.c.id)):
        if row.recipient not in seen and not _waits(row, now):
            out.add(row.recipient)
        elif row.outbox != entry:
            late.append(row.id)
        seen.add(row.recipient)
    connection.execute(update(notifications).where(notifications.c.id.in_(late)).values(dropped_at=now, reason=FOLDED))
    return frozenset(out)


def _waits(row: Row[tuple[object, ...]], now: datetime) -> bool:
    """Whether its time never came: it was not tried, and only the oldest in its thread ever is."""
    return bool(row.tries == 0 and now < row.next_try_at <= now + LONGEST_PAUSE)


def last_told(connection: Connection, thread: str, recipients: Collection[str]) -> Mapping[str, Status]:
    """What each of *recipients* was, or will be, told last in *thread*; missing where nothing was."""
    kept = (notifications.c.thread == thread, notifications.c.recipient.in_(recipients), notifications.c.dropped_at.is_(None))
    newest = select(func.max(notifications.c.id)).where(*kept).group_by(notifications.c.recipient)
    chosen = select(notifications.c.recipient, outbox.c.body).join(outbox, outbox.c.id == notifications.c.outbox)
    return {row.recipient: Status(row.body["new"]) for row in connection.execute(chosen.where(notifications.c.id.in_(newest)))}


def heard_before(connection: Connection, asked: Sequence[Notification]) -> Mapping[int, Status]:
    """What each of *asked*, which tell of statuses, follows: the last that was delivered in its thread, else what the page told before."""
    known = _delivered(connection, {one.recipient for one in asked}, {one.thread for one in asked})
    found = {}
    for one in asked:
        if one.entry is not None and isinstance(one.entry.event, StatusChanged):
            found[one.id] = known.get((one.recipient, one.thread)) or known_before(connection, one.entry.event)
    return found


def _delivered(connection: Connection, recipients: Collection[str], threads: Collection[str]) -> Mapping[tuple[str, str], Status]:
    named = (notifications.c.recipient, notifications.c.thread)
    kept = (named[0].in_(recipients), named[1].in_(threads), notifications.c.delivered_at.is_not(None))
    newest = select(func.max(notifications.c.id)).where(*kept).group_by(*named)
    chosen = select(*named, outbox.c.body).join(outbox, outbox.c.id == notifications.c.outbox).where(notifications.c.id.in_(newest))
    return {(row.recipient, row.thread): Status(row.body["new"]) for row in connection.execute(chosen)}


def breaths(
    connection: Connection, thread: str, recipients: Collection[str], out: Collection[str], now: datetime
) -> Mapping[str, datetime]:
    """Until when those of *recipients* are left alone who lately heard much in *thread*; to those of *out* something is on its way."""
    lately = (notifications.c.thread == thread, notifications.c.recipient.in_(recipients), notifications.c.delivered_at > now - LATELY)
    counted = select(notifications.c.recipient, func.max(notifications.c.delivered_at).label("last"))
    many = counted.where(*lately).group_by(notifications.c.recipient).having(func.count() >= LIVELY)
    return {row.recipient: (now if row.recipient in out else row.last) + BREATH for row in connection.execute(many)}
