"""Subscribers choose how often they are written to; what is told once a day or a week is gathered until then."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Whoever is there goes on to be told at once."""
    op.add_column("subscribers", sa.Column("rhythm", sa.Text(), nullable=False, server_default="at_once"))
    op.add_column("notifications", sa.Column("round_up", sa.Text(), nullable=True))
    gathered = sa.text("round_up IS NOT NULL")
    op.create_index(
        "ix_notifications_round_up", "notifications", ["round_up", "recipient"], sqlite_where=gathered, postgresql_where=gathered
    )
    pending = sa.text("delivered_at IS NULL AND dropped_at IS NULL AND round_up IS NULL")
    op.drop_index("ix_notifications_pending", "notifications")
    op.create_index("ix_notifications_pending", "notifications", ["channel", "id"], sqlite_where=pending, postgresql_where=pending)
