"""Incidents and planned work that another page told of say which."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Make room for the page's address; so far nothing was imported."""
    op.add_column("incidents", sa.Column("imported_from", sa.Text(), nullable=True))
    op.add_column("maintenances", sa.Column("imported_from", sa.Text(), nullable=True))
