"""Postmortems that somebody is writing."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0048"


def upgrade() -> None:
    """Make room for them."""
    op.create_table(
        "postmortems",
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("bodies", sa.JSON(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("incident", name="pk_postmortems"),
    )
