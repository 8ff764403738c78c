"""What a monitor that reports by itself has promised: when it is due, and how late it may be."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


class Rhythm(Protocol):
    """When a ping is due. A frozen value, so that the same promise is equal after a reload."""

    @property
    def gap(self) -> timedelta:
        """The longest time that usually passes between two dues."""

    def due_after(self, at: datetime) -> datetime:
        """The next due after *at*, aware and in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """Due so long after the ping before."""

    gap: timedelta

    def due_after(self, at: datetime) -> datetime:
        """One gap later."""
        return at + self.gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A ping is in time until *grace* after it was due, and a start is to be followed by its finish within *finish_within*.

    A ping up to *early* before a due is the one that was due then: clocks differ, and a rhythm by the calendar would ask for another.
    """

    rhythm: Rhythm
    grace: timedelta
    finish_within: timedelta
    early: timedelta = timedelta(0)
