"""Known errors that the desk has written down."""

import sqlalchemy as sa
from alembic import op

revision = "0047b"
down_revision = "0046"


def upgrade() -> None:
    """Make room for them."""
    op.create_table(
        "known_errors",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "symptom", "workaround", "say", "by")),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_known_errors"),
    )
    op.create_table(
        "known_error_services",
        sa.Column("known_error", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("known_error", "service", name="pk_known_error_services"),
        sa.ForeignKeyConstraint(["known_error"], ["known_errors.id"], name="fk_known_error_services_known_error"),
    )
    op.create_index("ix_known_error_services_service", "known_error_services", ["service"])
