"""The tables that a ledger needs beside status changes: what was promised from when on, and what people know better."""

from sqlalchemy import JSON, Boolean, Column, Index, Integer, Table, false

from incidents.model import Status
from statuspage.store.columns import Choice, instant, metadata, text

# One row for each change of what is promised: never altered, so that an old month is judged by what held then.
service_levels = Table(
    "service_levels",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    text("service"),
    instant("since"),
    Column("terms", JSON, nullable=False),
    Index(None, "service", "since"),
)

corrections = Table(
    "corrections",
    metadata,
    text("id", primary_key=True),
    text("service"),
    instant("since"),
    instant("until"),
    Column("status", Choice(Status), nullable=False),
    text("reason"),
    text("by"),
    instant("at"),
    Column("needs_approval", Boolean, nullable=False, server_default=false()),
    Index(None, "service", "since"),
)

# What a second person made of a correction that needs one; until there is a row it waits, and counts for nothing.
correction_decisions = Table(
    "correction_decisions",
    metadata,
    text("correction", primary_key=True),
    Column("is_approved", Boolean, nullable=False),
    text("by"),
    instant("at"),
    text("reason"),
)
