"""The table of reports: what customers said through the page that is broken for them."""

from sqlalchemy import Column, Index, Integer, Table, Text

from statuspage.store.columns import Instant, instant, metadata, text

reports = Table(
    "reports",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    instant("at"),
    text("service"),
    text("symptom"),  # what they chose, in the site's own language; empty where nothing
    text("words"),  # what they wrote
    text("language"),
    text("client"),  # a digest: who reports again is counted once
    Column("contact", Text),  # where they want to be told that they were right; forgotten once they were
    Column("incident", Text),  # which they were told about
    Column("confirmed_at", Instant),
    Index(None, "service", "at"),
    Index(None, "at"),
)
