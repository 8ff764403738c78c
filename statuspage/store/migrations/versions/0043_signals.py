"""What other monitoring systems said is wrong."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0037"


def upgrade() -> None:
    """Make room for signals."""
    op.create_table(
        "signals",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("incident", sa.Text(), nullable=True),
        sa.Column("has_opened", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_signals"),
    )
    op.create_index("ix_signals_incident", "signals", ["incident"])
