"""Planned work as the desk reads it, line by line: in the list, and on the queue."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.maintenance import Maintenance, MaintenanceState
from incidents.planned.windows import Rest, early_finish
from incidents.words import said
from statuspage.picture import board
from statuspage.web.desk import Desk

SOON = timedelta(days=1)
"""How long before its start a window stands on the queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRow:
    """A window in the list and on the queue. *may_finish* says why it may end before its time, where that may be said."""

    id: str
    name: str
    state: MaintenanceState
    services: tuple[str, ...]
    starts: datetime
    ends: datetime
    ended_at: datetime | None
    planned_by: str | None
    series: str | None
    is_waiting: bool
    is_announced: bool
    overran: bool
    may_finish: Rest | None


def at_work(desk: Desk) -> list[WindowRow]:
    """What the queue tells of planned work: what runs or is being verified, what begins within a day, and what waits for approval."""
    soon = desk.now() + SOON
    windows = desk.pipeline.situation.maintenances.values()
    return by_start(
        row(desk, one) for one in windows if one.state is not MaintenanceState.SCHEDULED or one.starts <= soon or not one.is_public
    )


def row(desk: Desk, window: Maintenance) -> WindowRow:
    """A window as the desk reads it."""
    situation = desk.pipeline.situation
    return WindowRow(
        id=window.id,
        name=said(window.name, desk.language) or window.series or "Maintenance",
        state=window.state,
        services=tuple(board.service_name(situation, id_, desk.language) for id_ in window.services),
        starts=window.starts,
        ends=window.ends,
        ended_at=window.ended_at,
        planned_by=window.planned_by,
        series=window.series,
        is_waiting=not window.is_public and not window.is_over,
        is_announced=bool(window.promises),
        overran=window.overran,
        may_finish=early_finish(situation, window, desk.pipeline.policy, desk.now()),
    )


def by_start(rows: Iterable[WindowRow]) -> list[WindowRow]:
    """In the order in which they begin."""
    return sorted(rows, key=lambda one: (one.starts, one.id))
