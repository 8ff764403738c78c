"""The tables of telling: what was decided to be told, to whom it is told by which channel, and who asked for it."""

from sqlalchemy import JSON, Boolean, Column, Index, Integer, Table, Text, UniqueConstraint, and_

from incidents.model import Status
from statuspage.picture.audience import Rhythm
from statuspage.store.columns import Choice, Instant, instant, metadata, number, text

# One row for each cause, written with it. Who is told is decided when its time has come, and is then in ``notifications``.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    text("key", unique=True),
    instant("created_at"),
    Column("incident", Text),
    text("kind"),
    Column("body", JSON, nullable=False),
    Column("maintenance", Text),  # what it tells of: an incident, a window, or an advisory
    Column("decided_at", Instant),
    Column("verdict", Text),  # of ``audience.Verdict``; none: its time has not come
    Column("advisory", Text),
    instant("held_until"),  # it is not looked at before; whatever may bring it forward sets it back to the EPOCH
)

_undecided = outbox.c.decided_at.is_(None)
Index("ix_outbox_undecided", outbox.c.held_until, outbox.c.id, sqlite_where=_undecided, postgresql_where=_undecided)
Index("ix_outbox_incident", outbox.c.incident, outbox.c.id)

# One row for each recipient of each cause, and for each letter that has no cause but its recipient.
notifications = Table(
    "notifications",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    text("key", unique=True),
    Column("outbox", Integer),  # no foreign key: both are pruned
    text("thread"),  # what is told in order: the id of an incident or window, the public id of a service
    text("channel"),
    text("recipient"),  # an id that tells nobody who it is
    Column("letter", JSON(none_as_null=True)),  # what is said, and to which address, where there is no cause
    instant("created_at"),
    instant("next_try_at"),
    Column("held_until", Instant),  # quiet hours of the recipient; none: it is told at once
    number("tries"),
    Column("delivered_at", Instant),
    Column("dropped_at", Instant),
    text("reason"),  # of the last try that failed, or why it was dropped
    Column("round_up", Text),  # the key of the letter that it is told in; empty: it waits for one; none: it is told by itself
    Index(None, "recipient", "thread", "id"),
    Index(None, "thread", "id"),
    Index(None, "outbox"),
)

# Without what is gathered: else PostgreSQL goes through all of it to find what is older in a thread.
_pending = and_(notifications.c.delivered_at.is_(None), notifications.c.dropped_at.is_(None), notifications.c.round_up.is_(None))
Index("ix_notifications_pending", notifications.c.channel, notifications.c.id, sqlite_where=_pending, postgresql_where=_pending)
_gathered = notifications.c.round_up.is_not(None)
Index("ix_notifications_round_up", notifications.c.round_up, notifications.c.recipient, sqlite_where=_gathered, postgresql_where=_gathered)

subscribers = Table(
    "subscribers",
    metadata,
    text("id", primary_key=True),
    text("channel"),
    text("address"),
    text("known_as"),  # the address as it is compared
    Column("services", JSON(none_as_null=True)),  # ids; none: all services
    Column("floor", Choice(Status), nullable=False),  # the mildest trouble that is told
    Column("wants_maintenance", Boolean, nullable=False),
    text("language"),
    Column("secret", Text),  # that signs what a webhook is sent
    instant("created_at"),
    Column("added_by", Text),  # the agent; none: they asked themselves, and confirmed
    number("refusals"),  # in a row, of which the other side says that they are for good
    Column("rhythm", Choice(Rhythm), nullable=False, server_default=Rhythm.AT_ONCE.value),  # how often they are written to
    UniqueConstraint("channel", "known_as"),
)

# Who asked to be subscribed, lately: digests only, to count by.
asked = Table(
    "asked",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    instant("at"),
    text("address"),
    text("client"),
    Index(None, "at"),
)

# Links that may be used once and were.
spent_links = Table("spent_links", metadata, text("digest", primary_key=True), instant("until"))
