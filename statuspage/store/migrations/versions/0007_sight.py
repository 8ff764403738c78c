"""When we could not see, and which controls tell."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Keep the impairments of our own monitoring, of which one lasts at most, and the controls that have answered once."""
    op.create_table(
        "controls",
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("control", sa.Text(), nullable=False),
        sa.Column("proven_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("location", "control", name="pk_controls"),
    )
    op.create_table(
        "impairments",
        sa.Column("sequence", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_impairments"),
    )
    lasting = sa.text("until IS NULL")
    op.create_index(
        "uq_impairments_open", "impairments", ["location", "reason"], unique=True, sqlite_where=lasting, postgresql_where=lasting
    )
