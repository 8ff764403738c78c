"""Whose teams agents and tokens are, whence sessions were begun, and invitations to choose a password."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0039"


def upgrade() -> None:
    """Make room; no release ever wrote an agent's single team."""
    op.drop_column("agents", "team")
    op.add_column("agents", sa.Column("teams", sa.JSON(), nullable=True))
    op.add_column("tokens", sa.Column("teams", sa.JSON(), nullable=True))
    op.add_column("sessions", sa.Column("address", sa.Text(), nullable=True))
    op.create_table(
        "invitations",
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agent"], ["agents.name"], name="fk_invitations_agent"),
        sa.PrimaryKeyConstraint("code_hash", name="pk_invitations"),
    )
    op.create_index("ix_invitations_agent", "invitations", ["agent"])
