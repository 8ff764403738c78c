"""A standing knows the status before it: while nothing is known, what was known last."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_NEWEST = """
    UPDATE standings SET old = (
        SELECT c.old FROM status_changes AS c
        WHERE c.subject = standings.subject AND c.id = standings.id ORDER BY c.sequence DESC LIMIT 1
    )
"""


def upgrade() -> None:
    """Take it from the history, which has always had it."""
    op.add_column("standings", sa.Column("old", sa.Text(), nullable=True))
    op.execute(_NEWEST)
