"""A decision in the making: what has been said so far, and the situation that it already leads to."""

from collections.abc import Iterable
from datetime import datetime

from incidents.events import Event
from incidents.model import Situation
from incidents.policy import Policy
from incidents.situation import fold
from probes.result import Result


class Draft:
    """Collects the events of one decision; *situation* always includes them, *before* never does. Lives for the length of one call."""

    __slots__ = ("_events", "before", "now", "policy", "situation")

    def __init__(self, situation: Situation, policy: Policy, now: datetime) -> None:
        """Begin from *situation*."""
        self.before = situation
        self.situation = situation
        self.policy = policy
        self.now = now
        self._events: list[Event] = []

    @property
    def events(self) -> tuple[Event, ...]:
        """Everything said so far, in order."""
        return tuple(self._events)

    def hear(self, results: Iterable[Result]) -> None:
        """Count *results* as seen."""
        self.situation = fold(self.situation, (), results)

    def say(self, *events: Event) -> None:
        """Add *events*; what follows is decided on what they lead to."""
        self._events.extend(events)
        self.situation = fold(self.situation, events)
