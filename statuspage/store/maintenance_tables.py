"""The tables of planned work."""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, Table, Text, false

from incidents.maintenance import MaintenanceState
from statuspage.store.columns import Choice, Instant, in_languages, instant, metadata, number, text

maintenances = Table(
    "maintenances",
    metadata,
    text("id", primary_key=True),
    Column("name", JSON, nullable=False),  # by language
    Column("description", JSON, nullable=False),  # by language
    instant("starts"),
    instant("ends"),
    Column("state", Choice(MaintenanceState), nullable=False),
    instant("planned_at"),
    Column("planned_by", Text),
    Column("series", Text),
    Column("occurrence", Instant),
    Column("promises", JSON, nullable=False),  # triples of instants: announced at, starts, ends
    Column("began_at", Instant),
    Column("ended_at", Instant),
    Column("spared", JSON, nullable=False),
    Column("override_reason", Text),
    Column("override_by", Text),
    Column("needs_approval", Boolean, nullable=False),
    Column("approved_by", Text),
    Column("is_touched", Boolean, nullable=False),
    Column("overran", Boolean, nullable=False),
    Column("is_quiet", Boolean, nullable=False, server_default=false()),
    number("changes"),
    number("updates"),
    Column("imported_from", Text),  # the address of the page that told of it before
    Index(None, "starts"),
    Index(None, "ended_at"),
)

_pending = maintenances.c.state.not_in(("completed", "cancelled"))
Index("ix_maintenances_pending", maintenances.c.id, sqlite_where=_pending, postgresql_where=_pending)


def _of_maintenance() -> Column[str]:
    return Column("maintenance", Text, ForeignKey("maintenances.id"), primary_key=True)


maintenance_services = Table(
    "maintenance_services", metadata, _of_maintenance(), text("service", primary_key=True), number("position"), Index(None, "service")
)
maintenance_components = Table(
    "maintenance_components", metadata, _of_maintenance(), text("component", primary_key=True), number("position")
)

maintenance_updates = Table(
    "maintenance_updates",
    metadata,
    _of_maintenance(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", Choice(MaintenanceState), nullable=False),
    text("title"),
    text("body"),
    instant("at"),
    Column("by", Text),
    Column("automatic", Boolean, nullable=False),
    *in_languages(),
    Column("edited_at", Instant),
    Index(None, "at"),
)
