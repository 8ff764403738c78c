"""Incidents come back, hold what a person put there, and monitors can be paused."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Keep until when an incident may come back, its past outages, what is pinned to it, and which monitors stand still."""
    op.add_column("incidents", sa.Column("reopens_until", INSTANT, nullable=True))
    op.add_column("incidents", sa.Column("returned_at", INSTANT, nullable=True))
    op.add_column("incidents", sa.Column("outages", sa.JSON(), nullable=True))
    may_return = sa.text("reopens_until IS NOT NULL")
    op.create_index("ix_incidents_ended", "incidents", ["reopens_until"], sqlite_where=may_return, postgresql_where=may_return)
    op.add_column("incident_components", sa.Column("pinned", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "paused",
        sa.Column("monitor", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("monitor", name="pk_paused"),
    )
