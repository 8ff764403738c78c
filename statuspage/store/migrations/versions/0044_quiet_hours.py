"""Until when calls are held back, since whoever is called keeps quiet hours."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0041"


def upgrade() -> None:
    """Make room for it."""
    op.add_column("notifications", sa.Column("held_until", sa.DateTime(timezone=True), nullable=True))
