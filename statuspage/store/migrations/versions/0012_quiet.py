"""Windows that come again and again are told of where maintenance alone is told."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """What is there was told of everywhere, and goes on to be."""
    op.add_column("maintenances", sa.Column("is_quiet", sa.Boolean(), nullable=False, server_default=sa.false()))
