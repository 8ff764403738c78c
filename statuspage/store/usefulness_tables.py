"""The table of answers to "Was this update useful?": one for each client and update, and nothing that leads to anybody."""

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text

from statuspage.store.columns import instant, metadata

usefulness = Table(
    "usefulness",
    metadata,
    Column("incident", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("client", Text, primary_key=True),  # a digest: who answers again is counted once
    Column("is_useful", Boolean, nullable=False),
    instant("at"),
    Index(None, "at"),
)
