"""The table of those who stand in for others on call."""

from sqlalchemy import Column, Index, Integer, Table

from statuspage.store.columns import instant, metadata, text

stand_ins = Table(
    "stand_ins",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    text("team"),
    text("person"),
    instant("since"),
    instant("until"),
    text("by"),
    Index(None, "team", "until"),
    sqlite_autoincrement=True,
)
