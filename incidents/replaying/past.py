"""What was recorded of the past: the turns as they were taken, what was known at times, and what the configurations meant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from incidents.events import Event, Moved
from incidents.model import Situation, Topology
from incidents.policy import Policy
from incidents.turns import Circumstances
from probes.result import ProbeResult

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MILLISECOND = timedelta(milliseconds=1)

Places = Mapping[int, tuple[str, str]]
"""The monitor and the location that each number stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """An id that changed in the time to be replayed, and the numbers of the *places* whose monitor it was."""

    event: Moved
    places: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What a configuration means to judgement."""

    topology: Topology
    policy: Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """All that was known *at* an instant, under version *version* of the configuration: a replay can begin here.

    *known* is by no topology. *is_start* says that a process began then; otherwise *present_since* and *promised_since* are as in
    ``incidents.turns``.
    """

    version: int
    at: datetime
    known: Situation
    is_start: bool = False
    present_since: datetime | None = None
    promised_since: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))


ORDINARY = Circumstances()
TICK = Circumstances(is_tick=True)


@dataclass(slots=True, kw_only=True)
class Turn:
    """One recorded turn: its results as parallel numbers, and what else it came from.

    *micros* are since 1970, *slots* in milliseconds since 1970; *bad* is what was measured where that was not good, by position.
    *events* are what the journal says of it. One that *is_foreign* was no turn of the service's own: its events are taken as they stand.
    """

    sequence: int
    micros: int
    places: Sequence[int] = ()
    slots: Sequence[int] = ()
    bad: Mapping[int, ProbeResult] = field(default_factory=lambda: MappingProxyType({}))
    circumstances: Circumstances = ORDINARY
    memory: Memory | None = None
    events: Sequence[Event] = ()
    is_foreign: bool = False

    @property
    def at(self) -> datetime:
        """When it was taken."""
        return EPOCH + self.micros * MICROSECOND

    @property
    def is_plain(self) -> bool:
        """Whether it came from results and the clock alone."""
        told = self.circumstances
        return (told is ORDINARY or told is TICK) and not self.is_foreign and self.memory is None
