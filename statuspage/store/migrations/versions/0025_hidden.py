"""Some services are not on the main page."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Make room for which."""
    op.create_table(
        "hidden_services",
        sa.Column("service", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("service", name="pk_hidden_services"),
    )
