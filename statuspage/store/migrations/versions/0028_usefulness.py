"""Readers say whether an update was useful."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Make room for what they say."""
    op.create_table(
        "usefulness",
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("is_useful", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("incident", "number", "client", name="pk_usefulness"),
    )
    op.create_index("ix_usefulness_at", "usefulness", ["at"])
