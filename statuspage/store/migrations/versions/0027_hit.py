"""What an incident had hit when a word of it was said is looked for word by word."""

from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Find the places of a word without looking through those of the whole incident."""
    op.drop_index("ix_feed_entries_incident", "feed_entries")
    op.create_index("ix_feed_entries_incident_word", "feed_entries", ["incident", "word"])
