"""Imported incidents keep how bad the page called them that told of them first, also where it named no service."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Make room for it."""
    op.add_column("incidents", sa.Column("impact", sa.Text(), nullable=True))
