"""Groups and further pages have places for words in feeds of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0031"


def upgrade() -> None:
    """Make room for who follows what; the words that were said so far get their places when the configuration is next taken into use."""
    op.create_table(
        "circles",
        sa.Column("circle", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("is_page", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("circle", "service", name="pk_circles"),
    )
    op.create_index("ix_circles_service", "circles", ["service"])
