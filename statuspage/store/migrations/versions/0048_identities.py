"""Whom a provider of identities knows an agent as, by which one somebody logged in, and what a token is for beside its roles."""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0044"


def upgrade() -> None:
    """Make the table, and room for the rest."""
    op.create_table(
        "identities",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agent"], ["agents.name"], name="fk_identities_agent"),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_identities"),
    )
    op.create_index("ix_identities_agent", "identities", ["agent"])
    op.add_column("sessions", sa.Column("issuer", sa.Text(), nullable=True))
    op.add_column("tokens", sa.Column("scopes", sa.JSON(), nullable=True))
