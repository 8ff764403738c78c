"""The tables of changes: what was altered, when, by whom, and of which services."""

from sqlalchemy import Column, Index, Integer, Table

from statuspage.store.columns import instant, metadata, text

changes = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    instant("at"),  # when it was made, which may be before it was told
    text("by"),  # the agent or program who told it
    text("what"),
    text("url"),  # where it can be read in full; empty where there is nothing
    Index(None, "at"),
)

# None for a change: it may have touched any service.
change_services = Table(
    "change_services",
    metadata,
    Column("change", Integer, primary_key=True, autoincrement=False),
    text("service", primary_key=True),
)
