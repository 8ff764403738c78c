"""The tables of advisories."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text

from incidents.advisory import AdvisoryTurn
from statuspage.store.columns import Choice, Instant, Texts, instant, metadata, number, text

advisories = Table(
    "advisories",
    metadata,
    text("id", primary_key=True),
    Column("name", Texts, nullable=False),
    instant("starts"),
    Column("ends", Instant),  # none: nobody knows
    instant("published_at"),
    text("published_by"),
    Column("ended_at", Instant),
    Column("withdrawn_by", Text),
    number("updates"),
    Index(None, "starts"),
    Index(None, "ended_at"),
)

_lasting = advisories.c.ended_at.is_(None)
Index("ix_advisories_lasting", advisories.c.id, sqlite_where=_lasting, postgresql_where=_lasting)


def _of_advisory() -> Column[str]:
    return Column("advisory", Text, ForeignKey("advisories.id"), primary_key=True)


advisory_services = Table(
    "advisory_services", metadata, _of_advisory(), text("service", primary_key=True), number("position"), Index(None, "service")
)

advisory_updates = Table(
    "advisory_updates",
    metadata,
    _of_advisory(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("turn", Choice(AdvisoryTurn), nullable=False),
    Column("body", Texts),
    instant("at"),
    text("by"),
    instant("starts"),
    Column("ends", Instant),
    Column("edited_at", Instant),
    Index(None, "at"),
)
