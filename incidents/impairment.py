"""When our own monitoring was impaired, and by what; and the events that say so."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Hindrance(StrEnum):
    """Why nothing that a location says, or said, can be believed."""

    BLIND = "blind"
    """It cannot see the world: its controls fail, or the machine itself lacks what probing needs."""
    ABSENT = "absent"
    """Nobody was here to look: a stopped process, a stalled loop."""
    DOWN = "down"
    """The service was not running."""
    CLOCK = "clock"
    """The wall clock was set, or the machine slept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Impairment:
    """A span in which our own monitoring was impaired at a location, and why; *until* is None while it lasts."""

    location: str
    since: datetime
    until: datetime | None = None
    reason: Hindrance
    detail: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it lasts."""
        return self.until is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A control answered for the first time: it counts from now on."""

    at: datetime
    location: str
    control: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Impaired:
    """What *location* says cannot be believed from *since* on. *detail* is for the desk."""

    at: datetime
    location: str
    since: datetime
    reason: Hindrance
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unimpaired:
    """What hindered the location is over since *until*."""

    at: datetime
    location: str
    reason: Hindrance
    until: datetime


SightEvent = Proven | Impaired | Unimpaired
