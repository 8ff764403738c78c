"""A batch says what it came from, and a configuration what it means, so that the past can be replayed."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Older batches and configurations stay without; a replay begins at the first that has it."""
    op.add_column("batches", sa.Column("heard", sa.LargeBinary(), nullable=True))
    op.add_column("batches", sa.Column("more", sa.JSON(), nullable=True))
    op.add_column("configurations", sa.Column("compiled", sa.JSON(), nullable=True))
    op.create_table(
        "memories",
        sa.Column("batch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("batch", name="pk_memories"),
    )
