"""Public words are kept in several languages. What an older release wrote stays in the one it has, and says of none which that is."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Make room for them."""
    op.add_column("incidents", sa.Column("language", sa.Text(), nullable=True))
    op.add_column("incidents", sa.Column("names", sa.JSON(), nullable=True))
    for table in ("updates", "maintenance_updates"):
        op.add_column(table, sa.Column("language", sa.Text(), nullable=True))
        op.add_column(table, sa.Column("titles", sa.JSON(), nullable=True))
        op.add_column(table, sa.Column("bodies", sa.JSON(), nullable=True))
