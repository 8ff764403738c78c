"""The wall clock: the one place that reads it. Everyone else is handed a ``Now``, so that tests can hand in another."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Now: TypeAlias = Callable[[], datetime]


def wall_clock() -> datetime:
    """Return the present instant, aware and in UTC. May step backwards: measure durations with a monotonic clock instead."""
    return datetime.now(UTC)
