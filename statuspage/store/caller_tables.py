"""The table of callers: customers who called the desk, by a ticket's number and never by a name."""

from sqlalchemy import Column, Index, Integer, Table, Text

from statuspage.store.columns import instant, metadata, text

callers = Table(
    "callers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    instant("at"),
    text("by"),  # the agent or program who took it down
    text("service"),
    text("symptom"),  # what the customer said; empty where nothing was noted
    text("ticket"),  # of the ticket system, to find them again; empty where there is none
    Column("incident", Text),  # which it belongs to; none: whoever opens one for the service gathers it
    Index(None, "service", "at"),
    Index(None, "incident"),
    Index(None, "at"),
)
