"""What is held back is not looked at before its time has come."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0029"

INSTANT = sa.DateTime(timezone=True)
UNDECIDED = sa.text("decided_at IS NULL")


def upgrade() -> None:
    """Make room for the instant, and find what is due by it: for now all of it is looked at."""
    op.add_column("outbox", sa.Column("held_until", INSTANT, nullable=True))
    op.execute(sa.table("outbox", sa.column("held_until", INSTANT)).update().values(held_until=datetime(1970, 1, 1, tzinfo=UTC)))
    with op.batch_alter_table("outbox") as outbox:
        outbox.alter_column("held_until", existing_type=INSTANT, nullable=False)
    op.drop_index("ix_outbox_undecided", "outbox")
    op.create_index("ix_outbox_undecided", "outbox", ["held_until", "id"], sqlite_where=UNDECIDED, postgresql_where=UNDECIDED)
