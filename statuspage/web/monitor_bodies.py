"""What the API takes and gives of monitors: how each one is, and who has it stand still."""

from datetime import datetime
from typing import Self

from incidents.model import Status
from statuspage.picture.components import MonitorRow
from statuspage.web.bodies import Given, Taken
from statuspage.web.typed import Line


class PauseBody(Taken):
    """Why a monitor is to stand still."""

    reason: Line


class ResumeBody(Taken):
    """Nothing need be said to have a monitor go on."""


class PauseShown(Given):
    """Who has a monitor stand still, since when and why."""

    by: str
    at: datetime
    reason: str


class MonitorShown(Given):
    """A monitor and what it found last; *paused* while somebody has it stand still."""

    id: str
    component: str
    status: Status
    since: datetime | None
    cause: str
    seen: datetime | None
    is_still: bool
    paused: PauseShown | None

    @classmethod
    def of(cls, row: MonitorRow, component: str) -> Self:
        """Show *row*, which watches *component*."""
        names = ("id", "status", "since", "cause", "seen", "is_still")
        held = PauseShown.model_validate(row.paused, from_attributes=True) if row.paused else None
        return cls(component=component, paused=held, **{name: getattr(row, name) for name in names})


class MonitorList(Given):
    """All monitors, in the configuration's order."""

    items: list[MonitorShown]
    next: str | None
