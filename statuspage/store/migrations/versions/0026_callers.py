"""Customers who call are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Make room for them."""
    op.create_table(
        "callers",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("symptom", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_callers"),
    )
    op.create_index("ix_callers_service_at", "callers", ["service", "at"])
    op.create_index("ix_callers_incident", "callers", ["incident"])
    op.create_index("ix_callers_at", "callers", ["at"])
