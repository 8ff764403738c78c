"""Planned work: its windows, their words, and what the journal and the outbox tell of them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

INSTANT = sa.DateTime(timezone=True)
PENDING = sa.text("(state NOT IN ('completed', 'cancelled'))")
UNDELIVERED = sa.text("delivered_at IS NULL")


def upgrade() -> None:
    """Make the tables, and let journal and outbox speak of windows too."""
    _windows()
    _parts()
    _words()
    op.add_column("incidents", sa.Column("planned_until", INSTANT, nullable=True))
    op.add_column("journal", sa.Column("maintenance", sa.Text(), nullable=True))
    op.create_index("ix_journal_maintenance_sequence", "journal", ["maintenance", "sequence"])
    op.drop_index("ix_outbox_due", "outbox")
    with op.batch_alter_table("outbox") as outbox:
        outbox.alter_column("incident", existing_type=sa.Text(), nullable=True)
        outbox.add_column(sa.Column("maintenance", sa.Text(), nullable=True))
    op.create_index("ix_outbox_due", "outbox", ["next_try_at"], sqlite_where=UNDELIVERED, postgresql_where=UNDELIVERED)


def _windows() -> None:
    op.create_table(
        "maintenances",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("description", sa.JSON(), nullable=False),
        sa.Column("starts", INSTANT, nullable=False),
        sa.Column("ends", INSTANT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("planned_at", INSTANT, nullable=False),
        sa.Column("planned_by", sa.Text(), nullable=True),
        sa.Column("series", sa.Text(), nullable=True),
        sa.Column("occurrence", INSTANT, nullable=True),
        sa.Column("promises", sa.JSON(), nullable=False),
        sa.Column("began_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("spared", sa.JSON(), nullable=False),
        sa.Column("override_reason", sa.Text(), nullable=True),
        sa.Column("override_by", sa.Text(), nullable=True),
        sa.Column("needs_approval", sa.Boolean(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("is_touched", sa.Boolean(), nullable=False),
        sa.Column("overran", sa.Boolean(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("updates", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_maintenances"),
    )
    op.create_index("ix_maintenances_starts", "maintenances", ["starts"])
    op.create_index("ix_maintenances_ended_at", "maintenances", ["ended_at"])
    op.create_index("ix_maintenances_pending", "maintenances", ["id"], sqlite_where=PENDING, postgresql_where=PENDING)


def _parts() -> None:
    for table, part in (("maintenance_services", "service"), ("maintenance_components", "component")):
        op.create_table(
            table,
            sa.Column("maintenance", sa.Text(), nullable=False),
            sa.Column(part, sa.Text(), nullable=False),
            sa.Column("position", sa.Integer(), nullable=False),
            sa.PrimaryKeyConstraint("maintenance", part, name=f"pk_{table}"),
            sa.ForeignKeyConstraint(["maintenance"], ["maintenances.id"], name=f"fk_{table}_maintenance"),
        )
    op.create_index("ix_maintenance_services_service", "maintenance_services", ["service"])


def _words() -> None:
    op.create_table(
        "maintenance_updates",
        sa.Column("maintenance", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("maintenance", "number", name="pk_maintenance_updates"),
        sa.ForeignKeyConstraint(["maintenance"], ["maintenances.id"], name="fk_maintenance_updates_maintenance"),
    )
    op.create_index("ix_maintenance_updates_at", "maintenance_updates", ["at"])
