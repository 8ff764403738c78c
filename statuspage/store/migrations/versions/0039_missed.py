"""What customers saw before the probes did, who called about incidents that are over, and what a month's review is read by."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0036"


def upgrade() -> None:
    """Make room for both."""
    op.create_table(
        "incident_callers",
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("callers", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("incident", name="pk_incident_callers"),
    )
    op.create_table(
        "missed",
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_called_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("callers", sa.Integer(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("monitor", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("incident", name="pk_missed"),
    )
    op.create_index("ix_incidents_opened_at", "incidents", ["opened_at"])
    promised = sa.text("next_update_by IS NOT NULL")
    op.create_index("ix_updates_promised", "updates", ["next_update_by"], sqlite_where=promised, postgresql_where=promised)
    of_monitors = sa.text("subject = 'monitor'")
    op.create_index("ix_status_changes_monitors", "status_changes", ["at"], sqlite_where=of_monitors, postgresql_where=of_monitors)
