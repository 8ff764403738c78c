"""An incident may come and go too often to be told turn by turn."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Keep since when it does, and when that was over."""
    for name in ("flapping_since", "calmed_at"):
        op.add_column("incidents", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
