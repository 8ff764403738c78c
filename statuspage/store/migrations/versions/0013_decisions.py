"""A correction may need a second person, who agrees or drops it."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Keep which do, and what was decided of each; those that are there already count."""
    op.add_column("corrections", sa.Column("needs_approval", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "correction_decisions",
        sa.Column("correction", sa.Text(), nullable=False),
        sa.Column("is_approved", sa.Boolean(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("correction", name="pk_correction_decisions"),
    )
