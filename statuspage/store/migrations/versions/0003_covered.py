"""A status change says what was measured while planned maintenance covers the service."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Keep it beside what was shown, in history and at present."""
    for table in ("standings", "status_changes"):
        op.add_column(table, sa.Column("covered", sa.Text(), nullable=True))
