"""What the desk decided about an incident beside its life."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0038"


def upgrade() -> None:
    """Make room for it."""
    op.add_column("incidents", sa.Column("gated_by", sa.Text(), nullable=True))
    op.add_column("incidents", sa.Column("affected_share", sa.Double(), nullable=True))
    op.add_column("incidents", sa.Column("cost_to_resolve", sa.Double(), nullable=True))
    op.add_column("incidents", sa.Column("brief", sa.JSON(), nullable=True))
    op.add_column("incidents", sa.Column("tickets", sa.JSON(), nullable=True))
