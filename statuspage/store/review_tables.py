"""The tables of the review: who called about an incident, kept longer than the calls; which ones customers saw before the probes did."""

from sqlalchemy import Column, Integer, Table, Text

from statuspage.store.columns import Instant, instant, metadata, text

# Written when an incident is resolved: calls are forgotten sooner than incidents.
incident_callers = Table(
    "incident_callers",
    metadata,
    text("incident", primary_key=True),
    Column("callers", Integer, nullable=False),
    Column("first_at", Instant),  # none: nobody called
)

missed = Table(
    "missed",
    metadata,
    text("incident", primary_key=True),
    instant("at"),  # when it was confirmed
    instant("first_called_at"),
    Column("callers", Integer, nullable=False),  # before it was detected
    Column("answered_at", Instant),  # none: nobody has said yet why the probes missed it
    Column("answered_by", Text),
    Column("monitor", Text),  # that was changed for it; none: the words explain why none was
    Column("words", Text),
)
