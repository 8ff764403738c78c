"""Feeds have archives: every public word gets a place in each feed that tells it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_FLOORS = {
    "degraded_performance": ("degraded",),
    "partial_outage": ("degraded", "partial"),
    "major_outage": ("degraded", "partial", "major"),
}


def upgrade() -> None:
    """Give places to what was said so far, in the order in which it was said, by what each incident and window came to be about."""
    entries = op.create_table(
        "feed_entries",
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("incident", sa.Text(), nullable=True),
        sa.Column("maintenance", sa.Text(), nullable=True),
        sa.Column("word", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("about", "service", "place", name="pk_feed_entries"),
    )
    op.create_index("ix_feed_entries_incident", "feed_entries", ["incident"])
    op.create_index("ix_feed_entries_maintenance", "feed_entries", ["maintenance"])
    words = sorted((*_of_incidents(), *_of_windows()), key=lambda word: word[:3])
    places: Counter[tuple[str, str]] = Counter()
    rows = []
    for _, subject, number, is_planned, topics in words:
        for about, service in topics:
            row = {"about": about, "service": service, "place": places[about, service], "word": number}
            rows.append(row | {"incident": None if is_planned else subject, "maintenance": subject if is_planned else None})
            places[about, service] += 1
    if rows:
        op.bulk_insert(entries, rows)


def _of_incidents() -> Iterator[tuple[Any, ...]]:
    services: dict[str, dict[str, str]] = {}
    for incident, service, worst in _rows("SELECT incident, service, worst FROM incident_services ORDER BY service"):
        services.setdefault(incident, {})[service] = worst
    for at, incident, number in _rows("SELECT at, incident, number FROM updates"):
        hit = services.get(incident, {})
        floors = max((_FLOORS.get(worst, ()) for worst in hit.values()), key=len, default=()) or ("degraded",)
        yield at, incident, number, False, [("everything", ""), *((floor, "") for floor in floors), *(("service", one) for one in hit)]


def _of_windows() -> Iterator[tuple[Any, ...]]:
    services: dict[str, list[str]] = {}
    for window, service in _rows("SELECT maintenance, service FROM maintenance_services ORDER BY position"):
        services.setdefault(window, []).append(service)
    quiet = {window for window, is_quiet in _rows("SELECT id, is_quiet FROM maintenances") if is_quiet}
    chosen = 'SELECT at, maintenance, number, state, "by" FROM maintenance_updates'
    for at, window, number, state, by in _rows(chosen):
        told = services.get(window, [])
        is_loud = window not in quiet or by is not None or state == "cancelled" or (state == "scheduled" and number > 1)
        topics = [("maintenance", ""), *(("service_maintenance", one) for one in told)]
        yield at, window, number, True, [*topics, ("everything", ""), *(("service", one) for one in told)] if is_loud else topics


def _rows(statement: str) -> Iterator[Any]:
    yield from op.get_bind().execute(sa.text(statement))
