"""The table of signals: what other monitoring systems said is wrong."""

from sqlalchemy import Boolean, Column, Index, Table, Text

from statuspage.store.columns import Instant, instant, metadata, text

signals = Table(
    "signals",
    metadata,
    text("fingerprint", primary_key=True),  # its service, and the teller's own name for it
    text("service"),
    text("status"),
    instant("since"),
    Column("until", Instant),  # none: it goes on
    Column("incident", Text),  # the one that it belongs to
    Column("has_opened", Boolean, nullable=False),  # whether it opened that
    Column("heard_at", Instant),  # when it was last told, to the day; none: by an older release
    Index(None, "incident"),
    Index(None, "service"),
)
