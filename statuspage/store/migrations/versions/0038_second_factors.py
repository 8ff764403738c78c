"""Second factors: what an agent's app and the service share, and the recovery codes that are left."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0043"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "second_factors",
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("recovery", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["agent"], ["agents.name"], name="fk_second_factors_agent"),
        sa.PrimaryKeyConstraint("agent", name="pk_second_factors"),
    )
