"""Which services which readers follow.

One that the main page does not tell of stays in the table of those when it is gone, for as long as its history is kept.
"""

from sqlalchemy import Boolean, Column, Index, Table

from statuspage.store.columns import metadata, text

hidden_services = Table("hidden_services", metadata, text("service", primary_key=True))

circles = Table(
    "circles",
    metadata,
    text("circle", primary_key=True),
    text("service", primary_key=True),
    Column("is_page", Boolean, nullable=False),
    Index(None, "service"),
)
