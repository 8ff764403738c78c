"""The tables of known errors that the desk has written down; those of the file stand in the file alone."""

from sqlalchemy import Column, ForeignKey, Index, Table, Text

from statuspage.store.columns import instant, metadata, text

known_errors = Table(
    "known_errors",
    metadata,
    text("id", primary_key=True),
    text("symptom"),
    text("workaround"),
    text("say"),  # empty: nothing
    text("by"),  # who wrote it last
    instant("at"),
)

known_error_services = Table(
    "known_error_services",
    metadata,
    Column("known_error", Text, ForeignKey("known_errors.id"), primary_key=True),
    text("service", primary_key=True),
    Index(None, "service"),
)
