"""Whether we were here all the time: what two clocks say, one after the other, of a process that should look each second."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from incidents import sight
from incidents.events import Event
from incidents.impairment import Hindrance
from incidents.model import Situation
from incidents.pings import LOCATION
from incidents.words import spoken

ABSENT = timedelta(seconds=10)
"""Two looks further apart mean that nobody was here in between: a start, a stopped process, a clock that was set forward."""

STEP = timedelta(seconds=2)
"""By how much the wall clock and the monotonic one may drift apart between two looks before it counts as set."""


@dataclass(slots=True, kw_only=True)
class Presence:
    """When we last looked, by the wall clock and the monotonic one. *lived_until*: when something was last written before this start."""

    lived_until: datetime | None = None
    _looked: tuple[datetime, float] | None = None

    def here(self, now: datetime, steady: float) -> None:
        """Remember that we looked."""
        self._looked = now, steady

    def absence(self, now: datetime, steady: float) -> Callable[[Situation, datetime], Sequence[Event]] | None:
        """What to record of the time since we last looked, or last lived: nobody was here, or the clock was set."""
        if self._looked is None:
            if self.lived_until is None or now - self.lived_until <= ABSENT:
                return None
            return _told(Hindrance.DOWN, self.lived_until, now, f"the service was not running for {spoken(now - self.lived_until)}")
        wall, before = self._looked
        passed = timedelta(seconds=steady - before)
        moved = timedelta(seconds=round((now - wall - passed).total_seconds()))
        if abs(moved) > STEP:
            way = "forward, or the machine slept," if moved > timedelta(0) else "back"
            return _told(Hindrance.CLOCK, min(wall, now), now, f"the clock was set {way} by {spoken(abs(moved))}")
        if passed > ABSENT:
            return _told(Hindrance.ABSENT, wall, now, f"this process stood still for {spoken(passed)}")
        return None


def _told(reason: Hindrance, since: datetime, until: datetime, detail: str) -> Callable[[Situation, datetime], Sequence[Event]]:
    return partial(sight.absence, location=LOCATION, reason=reason, since=since, until=until, detail=detail)
