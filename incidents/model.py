"""The one model with its two views: services as customers see them, components as we do.

Frozen values only. What is *configured* is the Topology; what is *known* is the Situation; what was *said* hangs on the Incident.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from incidents.advisory import Advisory
from incidents.climb import Climb
from incidents.handled import Brief, Ticket
from incidents.heartbeat import Heartbeat
from incidents.impairment import Hindrance, Impairment
from incidents.maintenance import Maintenance, Series
from incidents.votes import Streak


class Status(StrEnum):
    """How well a monitor, component, need, service or the page works. Order of badness: see ``incidents.rollup.worst``."""

    OPERATIONAL = "operational"
    DEGRADED = "degraded_performance"
    PARTIAL = "partial_outage"
    MAJOR = "major_outage"
    MAINTENANCE = "under_maintenance"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """How far a monitor's trouble may spread to its component."""

    OUTAGE = "outage"
    DEGRADED = "degraded"
    WARNING = "warning"


class State(StrEnum):
    """Where an incident stands. Every transition lives in ``incidents.lifecycle``."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    POSTMORTEM = "postmortem"


class Origin(StrEnum):
    """Who opened an incident."""

    MACHINE = "machine"
    AGENT = "agent"
    IMPORTED = "imported"
    """Another page told of it before."""


class Subject(StrEnum):
    """What a status change is about."""

    MONITOR = "monitor"
    COMPONENT = "component"
    SERVICE = "service"


# --- what is configured -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """What watches a component, and by which numbers its results are judged.

    *stale_after* is how long silence counts as health; after it the monitor is unknown. *heartbeat* is the promise of one that reports
    by itself: its silence is judged by that alone. *quorum* is how many of *locations* must agree on trouble; None: all that have a vote.
    """

    id: str
    component: str
    fails_after: int = 2
    recovers_after: int = 2
    stale_after: timedelta = timedelta(seconds=100)
    severity: Severity = Severity.OUTAGE
    locations: tuple[str, ...] = ("local",)
    quorum: int | None = None
    heartbeat: Heartbeat | None = None
    is_enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A technical part, watched by monitors. *depends_on* names components; it folds incidents and never spreads a status."""

    id: str
    name: str
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing that a service requires: at least *at_least* of *of* must work.

    A plain component is ``at_least=1`` of itself; ``any`` is 1 of several. *label* is the capability in customers' words by
    language (empty where the file names none); *critical* makes its loss a major outage of the service.
    """

    of: tuple[str, ...]
    at_least: int = 1
    label: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    critical: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What customers use, named by language. *publish_after* holds back words, *notify_after* pushes, *resolves_after* a recovery's end."""

    id: str
    name: Mapping[str, str]
    description: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    group: Mapping[str, str] | None = None
    needs: tuple[Need, ...] = ()
    publish_after: timedelta = timedelta(0)
    notify_after: timedelta = timedelta(minutes=2)
    resolves_after: timedelta = timedelta(minutes=5)
    owner: str | None = None
    tiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Everything configured that judging needs, in the file's order, keyed by stable ids.

    *series* are windows of planned work that come again. Derived once: *monitors_of* and *services_of* by component, *ancestors* of each
    component (itself excluded, nearest first), its *dependents* by whatever way, and the *heartbeats* of the monitors that report by
    themselves.
    Errors: ValueError where ``depends_on`` runs in a circle, KeyError where it names nothing.
    """

    services: Mapping[str, Service]
    components: Mapping[str, Component]
    monitors: Mapping[str, Monitor]
    series: Mapping[str, Series] = field(default_factory=lambda: MappingProxyType({}))
    monitors_of: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    services_of: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    ancestors: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    dependents: Mapping[str, frozenset[str]] = field(init=False, repr=False, compare=False)
    heartbeats: tuple[tuple[str, Heartbeat], ...] = field(init=False, repr=False, compare=False)
    _ranks: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Derive the look-ups that every decision needs."""
        watched: dict[str, list[str]] = {id: [] for id in self.components}
        for monitor in self.monitors.values():
            watched[monitor.component].append(monitor.id)
        object.__setattr__(self, "monitors_of", MappingProxyType({id: tuple(ids) for id, ids in watched.items()}))
        object.__setattr__(self, "services_of", MappingProxyType(self._services_of()))
        object.__setattr__(self, "ancestors", MappingProxyType({id: self._ancestors(id) for id in self.components}))
        object.__setattr__(self, "dependents", MappingProxyType(self._dependents()))
        beating = tuple((monitor.id, monitor.heartbeat) for monitor in self.monitors.values() if monitor.heartbeat is not None)
        object.__setattr__(self, "heartbeats", beating)
        object.__setattr__(self, "_ranks", MappingProxyType({id: rank for rank, id in enumerate(self.services)}))

    def in_order(self, services: Iterable[str]) -> list[str]:
        """Those of *services* that there are, each once, in the file's order: a few among many cost no walk through all of them."""
        return sorted({id for id in services if id in self._ranks}, key=self._ranks.__getitem__)

    def _services_of(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {id: [] for id in self.components}
        for service in self.services.values():
            for component in dict.fromkeys(id for need in service.needs for id in need.of):
                found[component].append(service.id)
        return {id: tuple(services) for id, services in found.items()}

    def _dependents(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {id: set() for id in self.components}
        for id, ancestors in self.ancestors.items():
            for ancestor in ancestors:
                found[ancestor].add(id)
        return {id: frozenset(ids) for id, ids in found.items()}

    def _ancestors(self, component: str) -> tuple[str, ...]:
        found: dict[str, None] = {}
        waiting = list(self.components[component].depends_on)
        while waiting:
            parent = waiting.pop(0)
            if parent == component:
                raise ValueError(f"component {component} depends on itself")
            if parent not in found:
                found[parent] = None
                waiting.extend(self.components[parent].depends_on)
        return tuple(found)


# --- what is known ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A subject's status, since when, and why in words for the desk (never public).

    *covered* is what would be shown of a service if no planned maintenance covered it; None where none does. *measured_since* is since when
    what is measured is as it is (None: *since*). *old* is the status before: while nothing is known, what was known last.
    """

    status: Status = Status.UNKNOWN
    since: datetime
    cause: str = ""
    covered: Status | None = None
    measured_since: datetime | None = None
    old: Status = Status.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Public words in an incident, numbered from 1. *automatic* ones are the machine's; *by* is None for those.

    *title* stands alone in a feed reader. Both are fixed when the words are written, so that an entry never changes afterwards: they are
    in *language* (None: an older release wrote them, see ``incidents.voices.written_in``), *titles* and *bodies* the same in others.
    """

    number: int
    state: State
    title: str
    body: str
    at: datetime
    by: str | None = None
    automatic: bool = False
    next_update_by: datetime | None = None
    edited_at: datetime | None = None
    redacted_at: datetime | None = None
    language: str | None = None
    titles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    bodies: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Internal words in an incident, numbered from 1."""

    number: int
    body: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Who owns an incident, from when, and until when unless renewed."""

    by: str
    at: datetime
    expires_at: datetime

    def holds(self, now: datetime) -> bool:
        """Whether it still halts the clocks at *now*."""
        return now < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A span in which an incident hit a service, over before the incident was."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Who has a monitor stand still, since when and why."""

    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that went wrong, from its true start to its end.

    *started_at* is the first failure, *opened_at* when it was confirmed, *published_at* when its words became public (None: not
    yet; it becomes so at *publish_at* unless it is over by then). *services* maps each affected service to its present status,
    *worst* to the worst it had. *told* is what public words (the newest at *told_at*) have named so far, as
    ``incidents.claims`` spells it. *root* is the component at fault (None where an agent opened it), *components* all that
    belong to it. *recovered_at* is when the machine saw it recover, *resolves_at* when it will then be resolved by itself.
    *asks_desk* marks one on which a person has posted, so that the desk is asked first. *planned_until* is when the planned work that
    broke it was to end (None: it was none). *flapping_since* is when it came and went too often, *calmed_at* when that was over.
    *imported_from* is the address of the page that told of it before us, *impact* what that page said of it as a whole.
    *name* is in *language* (None: as in ``Update``), *names* the same in others. *climb* is how far it was carried up the tiers.
    *gated_by* decided when words that waited go out (*publish_at*; None: never by themselves). *affected_share* and *cost_to_resolve*
    are what a person knows better than status and services, *brief* is what callers are told, *tickets* where it is worked on elsewhere.
    """

    id: str
    name: str
    origin: Origin
    state: State
    started_at: datetime
    opened_at: datetime
    root: str | None = None
    components: tuple[str, ...] = ()
    services: Mapping[str, Status] = field(default_factory=lambda: MappingProxyType({}))
    worst: Mapping[str, Status] = field(default_factory=lambda: MappingProxyType({}))
    publish_at: datetime | None = None
    published_at: datetime | None = None
    recovered_at: datetime | None = None
    resolves_at: datetime | None = None
    resolved_at: datetime | None = None
    acknowledgement: Acknowledgement | None = None
    updates: int = 0
    notes: int = 0
    asks_desk: bool = False
    cause: str | None = None
    merged_into: str | None = None
    told: frozenset[str] = frozenset()
    told_at: datetime | None = None
    reopens_until: datetime | None = None
    returned_at: datetime | None = None
    outages: tuple[Outage, ...] = ()
    pinned: frozenset[str] = frozenset()
    planned_until: datetime | None = None
    flapping_since: datetime | None = None
    calmed_at: datetime | None = None
    imported_from: str | None = None
    impact: Status | None = None
    language: str | None = None
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    climb: Climb | None = None
    gated_by: str | None = None
    affected_share: float | None = None
    cost_to_resolve: float | None = None
    brief: Brief | None = None
    tickets: tuple[Ticket, ...] = ()

    @property
    def is_flapping(self) -> bool:
        """Whether it comes and goes too often to be told turn by turn."""
        return self.flapping_since is not None and self.calmed_at is None

    @property
    def is_open(self) -> bool:
        """Whether it still needs anybody."""
        return self.resolved_at is None

    def downtime(self, now: datetime) -> timedelta:
        """How long it has hit anybody, as seen at *now*: the time in which it had recovered is left out."""
        ended = self.recovered_at or self.resolved_at or now
        present = ended - (self.returned_at or self.started_at)
        return sum((one.until - one.since for one in self.outages), max(present, timedelta(0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that a decision needs to know. Never changed in place: ``incidents.situation.fold`` gives the next one.

    *streaks* and *seen* (the newest slot of any result) are keyed by (monitor, location). *standings* are keyed by
    (subject, id). *incidents* holds the open ones by id, *ended* those of the machine that are over and come back if their root fails
    again soon. *paused* are monitors that stand still because a person wants it. *waived* are components whose incident an agent
    resolved while they were still down: they open no other until they recover. *maintenances* are the planned windows that are not over,
    by id; *known_series* are those of which any was ever planned, *spent* their occurrences that are over, with the ends that were first
    announced: they never come back. *proven*
    are the controls, by (location, control), that have answered once and count from then on; *impairments* holds the newest of each
    location and reason, whether it lasts or not. *proposals* are corrections that wait for a second person, each with who made it.
    *advisories* are those that are not over, by id: no judgement reads them.
    """

    topology: Topology
    seed: str  # this installation's secret from which ids are made
    streaks: Mapping[tuple[str, str], Streak] = field(default_factory=lambda: MappingProxyType({}))
    seen: Mapping[tuple[str, str], datetime] = field(default_factory=lambda: MappingProxyType({}))
    standings: Mapping[tuple[Subject, str], Standing] = field(default_factory=lambda: MappingProxyType({}))
    incidents: Mapping[str, Incident] = field(default_factory=lambda: MappingProxyType({}))
    ended: Mapping[str, Incident] = field(default_factory=lambda: MappingProxyType({}))
    paused: Mapping[str, Pause] = field(default_factory=lambda: MappingProxyType({}))
    waived: frozenset[str] = frozenset()

    def stands_still(self, monitor: str) -> bool:
        """Whether it is not probed and has no say, because somebody paused or the file disabled it."""
        return monitor in self.paused or not self.topology.monitors[monitor].is_enabled

    maintenances: Mapping[str, Maintenance] = field(default_factory=lambda: MappingProxyType({}))
    spent: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    known_series: frozenset[str] = frozenset()
    proven: frozenset[tuple[str, str]] = frozenset()
    impairments: Mapping[tuple[str, Hindrance], Impairment] = field(default_factory=lambda: MappingProxyType({}))
    proposals: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    advisories: Mapping[str, Advisory] = field(default_factory=lambda: MappingProxyType({}))
