"""The table of what feeds tell: a row for each topic that public words were told about."""

from sqlalchemy import Column, Index, Integer, Table, Text

from statuspage.picture.news import About
from statuspage.store.columns import Choice, metadata, number, text

feed_entries = Table(
    "feed_entries",
    metadata,
    Column("about", Choice(About), primary_key=True),
    text("service", primary_key=True),  # empty where the feed is of no single one
    Column("place", Integer, primary_key=True, autoincrement=False),  # from 0 on, without a gap, in the order in which it was said
    Column("incident", Text),
    Column("maintenance", Text),
    number("word"),  # of the incident's updates, the window's or the advisory's
    Index(None, "incident", "word"),
    Column("advisory", Text),
    Index(None, "maintenance"),
    Index(None, "advisory"),
)
