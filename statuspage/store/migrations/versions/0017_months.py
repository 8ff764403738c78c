"""A month of the past is found without walking through all the others."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Find incidents by their start, and a service's turns by the time from which they hold."""
    op.create_index("ix_incidents_started_at", "incidents", ["started_at"])
    of_service = sa.text("subject = 'service'")
    op.create_index("ix_status_changes_services", "status_changes", ["id", "since"], sqlite_where=of_service, postgresql_where=of_service)
