"""Planned work may begin or end over an outage, which goes on as it was."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Keep since when what is measured, and what is shown, is as it is, where that is not since the last change."""
    op.add_column("standings", sa.Column("measured_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("status_changes", sa.Column("shown_since", sa.DateTime(timezone=True), nullable=True))
