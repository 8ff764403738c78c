"""Planned work as values: a window from its plan to its end, what was promised about it and when, and the rule that makes it come again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from incidents.times.recurrence import Recurrence, between


class MaintenanceState(StrEnum):
    """Where a window stands. Every transition lives in ``incidents.lifecycle``."""

    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    VERIFYING = "verifying"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What the public was told at an instant: from when until when the work would last."""

    announced_at: datetime
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceUpdate:
    """Public words about a window, numbered from 1; *by* is None for the machine's. Their languages are as in an incident's ``Update``."""

    number: int
    state: MaintenanceState
    title: str
    body: str
    at: datetime
    by: str | None = None
    automatic: bool = False
    edited_at: datetime | None = None
    language: str | None = None
    titles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    bodies: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A window of planned work, from *starts* to *ends* as it is planned now.

    *description* is what customers are told. Without *components* it covers all that its *services* need. *series* is the
    configuration's key (None: planned by *planned_by* at the desk) and *occurrence* the start that the series gave it, whatever it was
    moved to since; *is_touched* where a person has changed it. *promises* are what was announced, oldest first. *began_at* and *ended_at*
    are when it really ran. *spared* are components that were broken before it began: it explains nothing about them. One that
    *needs_approval* is neither public nor covers anything until another manager gives it. *overran* where something was still broken
    after the grace. One that *is_quiet* comes again and again as its series said, and its ordinary course is told beside the maintenance
    alone. *changes* counts what a calendar must be told (iCalendar's SEQUENCE), *updates* its public words. *imported_from* is the address
    of the page that told of it before us.
    """

    id: str
    name: Mapping[str, str]
    services: tuple[str, ...]
    starts: datetime
    ends: datetime
    planned_at: datetime
    description: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    components: tuple[str, ...] = ()
    planned_by: str | None = None
    series: str | None = None
    occurrence: datetime | None = None
    state: MaintenanceState = MaintenanceState.SCHEDULED
    promises: tuple[Promise, ...] = ()
    began_at: datetime | None = None
    ended_at: datetime | None = None
    spared: frozenset[str] = frozenset()
    override_reason: str | None = None
    override_by: str | None = None
    needs_approval: bool = False
    approved_by: str | None = None
    is_touched: bool = False
    overran: bool = False
    is_quiet: bool = False
    changes: int = 0
    updates: int = 0
    imported_from: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in {MaintenanceState.COMPLETED, MaintenanceState.CANCELLED}

    @property
    def is_public(self) -> bool:
        """Whether anybody outside may know of it."""
        return not self.needs_approval or self.approved_by is not None

    @property
    def is_running(self) -> bool:
        """Whether it covers what it declares."""
        return self.state is MaintenanceState.IN_PROGRESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A window that comes again, as the configuration names it. *lasts* is elapsed time, also across a change of clocks.

    *announce* is how long before its start an occurrence is announced: what the file says, or the longest notice that a service level of
    its services asks for. One that *is_loud* is told of each time as a single window is.
    """

    key: str
    name: Mapping[str, str]
    description: Mapping[str, str]
    services: tuple[str, ...]
    components: tuple[str, ...]
    recurrence: Recurrence
    lasts: timedelta
    announce: timedelta
    is_loud: bool = False

    def spans(self, since: datetime, until: datetime) -> tuple[tuple[datetime, datetime], ...]:
        """Every occurrence that meets [*since*, *until*), as (starts, ends), ascending."""
        return tuple(
            (start, start + self.lasts) for start in between(self.recurrence, since - self.lasts, until) if start + self.lasts > since
        )
