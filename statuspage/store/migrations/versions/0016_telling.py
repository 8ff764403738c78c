"""Who is told what: the outbox decides, notifications are delivered, subscribers have asked for it."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

INSTANT = sa.DateTime(timezone=True)
UNDECIDED = sa.text("decided_at IS NULL")
PENDING = sa.text("delivered_at IS NULL AND dropped_at IS NULL")


def upgrade() -> None:
    """Make the tables. What the outbox holds is of a time when nobody could ask to be told: it is told to nobody now."""
    op.drop_index("ix_outbox_due", "outbox")
    with op.batch_alter_table("outbox") as outbox:
        outbox.add_column(sa.Column("decided_at", INSTANT, nullable=True))
        outbox.add_column(sa.Column("verdict", sa.Text(), nullable=True))
        for column in ("next_try_at", "tries", "delivered_at", "last_error"):
            outbox.drop_column(column)
    op.execute("UPDATE outbox SET decided_at = created_at, verdict = 'earlier'")
    op.create_index("ix_outbox_undecided", "outbox", ["id"], sqlite_where=UNDECIDED, postgresql_where=UNDECIDED)
    op.create_index("ix_outbox_incident", "outbox", ["incident", "id"])
    _notifications()
    _subscribers()


def _notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("outbox", sa.Integer(), nullable=True),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("letter", sa.JSON(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("next_try_at", INSTANT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("delivered_at", INSTANT, nullable=True),
        sa.Column("dropped_at", INSTANT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notifications"),
        sa.UniqueConstraint("key", name="uq_notifications_key"),
    )
    op.create_index("ix_notifications_recipient_thread_id", "notifications", ["recipient", "thread", "id"])
    op.create_index("ix_notifications_thread_id", "notifications", ["thread", "id"])
    op.create_index("ix_notifications_outbox", "notifications", ["outbox"])
    op.create_index("ix_notifications_pending", "notifications", ["channel", "id"], sqlite_where=PENDING, postgresql_where=PENDING)


def _subscribers() -> None:
    op.create_table(
        "subscribers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("known_as", sa.Text(), nullable=False),
        sa.Column("services", sa.JSON(), nullable=True),
        sa.Column("floor", sa.Text(), nullable=False),
        sa.Column("wants_maintenance", sa.Boolean(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("added_by", sa.Text(), nullable=True),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subscribers"),
        sa.UniqueConstraint("channel", "known_as", name="uq_subscribers_channel_known_as"),
    )
    op.create_table(
        "asked",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_asked"),
    )
    op.create_index("ix_asked_at", "asked", ["at"])
    op.create_table(
        "spent_links",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_spent_links"),
    )
