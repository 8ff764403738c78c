"""Who had a configuration taken into use, and on what occasion."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0042"


def upgrade() -> None:
    """Make room for both; of versions that are there already neither is known."""
    op.add_column("configurations", sa.Column("applied_by", sa.Text(), nullable=True))
    op.add_column("configurations", sa.Column("occasion", sa.Text(), nullable=True))
