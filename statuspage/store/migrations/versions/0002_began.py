"""A monitor that reports by itself may say when its work began."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Remember it beside the votes."""
    op.add_column("streaks", sa.Column("began", sa.DateTime(timezone=True), nullable=True))
