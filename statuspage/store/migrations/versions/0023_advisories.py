"""Advisories: warnings without an outage, and notices about no service."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

INSTANT = sa.DateTime(timezone=True)
LASTING = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Make the tables, and room for them in what tells of incidents and of planned work."""
    op.create_table(
        "advisories",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("starts", INSTANT, nullable=False),
        sa.Column("ends", INSTANT, nullable=True),
        sa.Column("published_at", INSTANT, nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("updates", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_advisories"),
    )
    op.create_index("ix_advisories_starts", "advisories", ["starts"])
    op.create_index("ix_advisories_ended_at", "advisories", ["ended_at"])
    op.create_index("ix_advisories_lasting", "advisories", ["id"], sqlite_where=LASTING, postgresql_where=LASTING)
    _services()
    _updates()
    for table in ("journal", "feed_entries", "outbox", "public_words"):
        op.add_column(table, sa.Column("advisory", sa.Text(), nullable=True))
    op.create_index("ix_journal_advisory_sequence", "journal", ["advisory", "sequence"])
    op.create_index("ix_feed_entries_advisory", "feed_entries", ["advisory"])
    op.create_index("ix_public_words_advisory", "public_words", ["advisory"], unique=True)


def _services() -> None:
    op.create_table(
        "advisory_services",
        sa.Column("advisory", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["advisory"], ["advisories.id"], name="fk_advisory_services_advisory"),
        sa.PrimaryKeyConstraint("advisory", "service", name="pk_advisory_services"),
    )
    op.create_index("ix_advisory_services_service", "advisory_services", ["service"])


def _updates() -> None:
    op.create_table(
        "advisory_updates",
        sa.Column("advisory", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("turn", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("starts", INSTANT, nullable=False),
        sa.Column("ends", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["advisory"], ["advisories.id"], name="fk_advisory_updates_advisory"),
        sa.PrimaryKeyConstraint("advisory", "number", name="pk_advisory_updates"),
    )
    op.create_index("ix_advisory_updates_at", "advisory_updates", ["at"])
