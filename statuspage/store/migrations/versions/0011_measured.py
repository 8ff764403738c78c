"""What each monitor measures is remembered, so that an edit is noticed."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Keep a digest for each monitor."""
    op.create_table(
        "measured",
        sa.Column("monitor", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("monitor", name="pk_measured"),
    )
