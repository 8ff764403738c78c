"""How far incidents were carried up the tiers, and who stands in for others on call."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    """Make room for calls."""
    op.add_column("incidents", sa.Column("climb", sa.JSON(), nullable=True))
    op.create_table(
        "stand_ins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_stand_ins"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_stand_ins_team_until", "stand_ins", ["team", "until"])
