"""When the words about windows and advisories were changed after they were public."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    """Make room for it."""
    for table in ("maintenance_updates", "advisory_updates"):
        op.add_column(table, sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True))
