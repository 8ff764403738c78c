"""When each signal of another monitoring system was last heard of."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0047"


def upgrade() -> None:
    """Make room for it; nothing is known of what was kept so far."""
    op.add_column("signals", sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_signals_service", "signals", ["service"])
