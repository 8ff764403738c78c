"""What a review says of an incident: what it came from, and why the probes did not see it first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

FALSE_ALARM = "false-alarm"
"""The cause that says that nothing was broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What incidents come from, by the company's own list. *supplier* is the company outside that it lies with (empty: it is ours)."""

    id: str
    name: str
    supplier: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Causes:
    """What may be chosen. Where the company wrote no list of its own (*is_open*), any other words are taken, too."""

    listed: Sequence[Cause]
    is_open: bool = True

    def takes(self, cause: str) -> bool:
        """Whether an incident may be said to come from *cause*."""
        return self.is_open or any(one.id == cause for one in self.listed)

    def named(self, cause: str) -> str:
        """What people call *cause*: the name in the list, or the words that were given."""
        return next((one.name for one in self.listed if one.id == cause), cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributed:
    """*by* says what the incident came from, in the place of what was said before."""

    at: datetime
    incident: str
    cause: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """*by* says why customers saw the incident before the probes did: *monitor* was changed for it, or *words* explain why none was."""

    at: datetime
    incident: str
    by: str
    words: str
    monitor: str | None = None


ReviewEvent = Attributed | Explained
