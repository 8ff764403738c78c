"""The table of postmortems that somebody is writing; what is published is an update like any other."""

from sqlalchemy import Column, Table

from statuspage.store.columns import Texts, instant, metadata, text

postmortems = Table(
    "postmortems",
    metadata,
    text("incident", primary_key=True),
    text("body"),
    Column("bodies", Texts),
    text("by"),  # who wrote it last
    instant("at"),
)
