"""How far an incident has been carried up the tiers: values that hang on it, folded from its events."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """*team*, on *tier* (the first is 1), was called *at* that instant; *by* is the agent who asked for it, None for the clock."""

    at: datetime
    team: str
    tier: int
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """The clock of one way up the tiers: it runs from *since*, and did not run for the time *held* by acknowledgements that are over.

    *calls* are those of this way up, oldest first; *earlier* is how many were made on ways before it.
    """

    since: datetime
    held: timedelta = timedelta(0)
    calls: tuple[Call, ...] = ()
    earlier: int = 0

    @property
    def called(self) -> int:
        """How many calls were made in all."""
        return self.earlier + len(self.calls)

    @property
    def tier(self) -> int:
        """The highest tier that was called; 1 before anybody was."""
        return max((call.tier for call in self.calls), default=1)

    def again(self, at: datetime) -> "Climb":
        """The way up begun anew *at* its foot."""
        return Climb(since=at, earlier=self.called)

    def after(self, call: Call) -> "Climb":
        """The way up with one more call."""
        return replace(self, calls=(*self.calls, call))

    def without(self, since: datetime, until: datetime) -> "Climb":
        """The clock after somebody owned the incident from *since* to *until*: what lies before its start is none of its time."""
        return replace(self, held=self.held + max(until - max(since, self.since), timedelta(0)))
