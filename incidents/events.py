"""What happened, as decided: the only thing that changes a situation, and the only thing that is written down.

Every event is a frozen value; ``at`` is when it was decided. Public words arrive as ``Updated``; everything else is internal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from incidents.advisory import AdvisoryEvent
from incidents.corrected import CorrectionEvent
from incidents.handled import Handled
from incidents.impairment import SightEvent
from incidents.imported import Imported, MaintenanceImported, MaintenanceQuoted, Quoted
from incidents.maintenance import Maintenance, MaintenanceState, MaintenanceUpdate
from incidents.model import Acknowledgement, Note, Origin, State, Status, Subject, Update
from incidents.reviewed import ReviewEvent
from incidents.rewording import MaintenanceReworded, RewordingEvent, Struck
from incidents.votes import Streak


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A monitor's memory changed: what restart must not forget."""

    monitor: str
    location: str
    streak: Streak


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanged:
    """The keel of history: *subject* *id* went from *old* to *new* at *since*, which may lie before *at*.

    *covered* is what was measured of a service while planned maintenance covers it, so that no window ever hides the truth from the
    record: a ledger needs both. None where nothing covers it; then *new* is what was measured. Where work only began or ended, *since* is
    when: *shown_since* is since when *new* is shown, and *measured_since* since when what is measured is as it is (None: *since*).
    """

    at: datetime
    subject: Subject
    id: str
    since: datetime
    old: Status
    new: Status
    cause: str
    covered: Status | None = None
    shown_since: datetime | None = None
    measured_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An incident began. *publish_at* is when its words go public if nobody acts; None: never, it waits for a person.

    *planned_until* is set where planned work broke it and was to end then. *language* and *names* are as in ``Incident``.
    """

    at: datetime
    incident: str
    name: str
    origin: Origin
    root: str | None
    started_at: datetime
    publish_at: datetime | None
    by: str | None
    reason: str
    planned_until: datetime | None = None
    language: str | None = None
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A component turned out to belong to the incident. Where a person put it there (*by*), the machine leaves it there."""

    at: datetime
    incident: str
    component: str
    reason: str
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """A component left the incident, to be judged by itself. *by* is None for the machine."""

    at: datetime
    incident: str
    component: str
    reason: str
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerooted:
    """The cause turned out to lie deeper: the incident goes on under another component."""

    at: datetime
    incident: str
    root: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """The incident grew, and its public name with it; or a person (*by*) gave it another, which the machine leaves alone."""

    at: datetime
    incident: str
    name: str
    language: str | None = None
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Impacted:
    """The incident's affected services, each with its present status, are now these."""

    at: datetime
    incident: str
    services: Mapping[str, Status]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The incident's words are public from now on."""

    at: datetime
    incident: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged:
    """The incident moved along its life. *by* is None for the machine.

    Where the machine saw it recover, *recovered_at* is since when, by status, and *resolves_at* when it will be resolved by itself.
    Where it saw it fail again, *returned_at* is since when.
    """

    at: datetime
    incident: str
    old: State
    new: State
    by: str | None
    resolves_at: datetime | None = None
    recovered_at: datetime | None = None
    returned_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """Somebody owns it."""

    at: datetime
    incident: str
    acknowledgement: Acknowledgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """A team was called, as the call with this *number* about the incident. *by* is the agent who asked for it; None: the clock did."""

    at: datetime
    incident: str
    number: int
    team: str
    tier: int
    reason: str
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """Public words were added; *told* is what of the outage was known when they were written (``incidents.claims``)."""

    at: datetime
    incident: str
    update: Update
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Internal words were added."""

    at: datetime
    incident: str
    note: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The incident is over. *cause* is what the desk gave, *merged_into* the incident that goes on in its place.

    Until *reopens_until* a failure of its root brings it back instead of opening another; None: never.
    """

    at: datetime
    incident: str
    by: str | None
    cause: str | None = None
    override_reason: str | None = None
    merged_into: str | None = None
    reopens_until: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """Its root failed again soon after the end: it goes on. *since* is when it came back, *publish_at* as in ``Opened``."""

    at: datetime
    incident: str
    since: datetime
    publish_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The incident is over for good: what fails from now on is another."""

    at: datetime
    incident: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What was known as *old* is called *new* from now on: the file says so."""

    at: datetime
    subject: Subject
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """A monitor stands still from now on: it is not probed, and has no say."""

    at: datetime
    monitor: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A paused monitor goes on, with no memory of what it saw before."""

    at: datetime
    monitor: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waived:
    """A component that is still down opens no incident until it recovers: a person has decided so."""

    at: datetime
    component: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclaimed:
    """A waived component recovered: the next failure counts again."""

    at: datetime
    component: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flapped:
    """The incident came and went too often: from now on its turns are not told one by one."""

    at: datetime
    incident: str
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Calmed:
    """Everything that the incident hit has worked for long enough: its turns count again."""

    at: datetime
    incident: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A window was planned, or an occurrence of a series came near; *plan* is the window as it is born."""

    at: datetime
    maintenance: str
    plan: Maintenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A second person agreed: from now on the window is public and may run. *override_reason* where the policy was passed over."""

    at: datetime
    maintenance: str
    by: str
    override_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescheduled:
    """The window moved, became longer or shorter. *by* is None where its series did; *override_reason* where policy was overridden."""

    at: datetime
    maintenance: str
    starts: datetime
    ends: datetime
    by: str | None
    override_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redescribed:
    """The configuration gave the window other words or another scope, or a person (*by*) another name."""

    at: datetime
    maintenance: str
    name: Mapping[str, str]
    description: Mapping[str, str]
    services: tuple[str, ...]
    components: tuple[str, ...]
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceMoved:
    """The window moved along its life at *since*, which may lie before *at*; *by* is None for the machine.

    *overran* where it ended with something still broken after the grace.
    """

    at: datetime
    maintenance: str
    since: datetime
    old: MaintenanceState
    new: MaintenanceState
    by: str | None
    reason: str
    overran: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Spared:
    """These components were broken before the window began: it explains nothing about them."""

    at: datetime
    maintenance: str
    components: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceUpdated:
    """Public words about the window were added."""

    at: datetime
    maintenance: str
    update: MaintenanceUpdate


_OfLife = Opened | Joined | Parted | Rerooted | Renamed | Impacted | Published | StateChanged | Resolved | Reopened | Settled
_AtDesk = Acknowledged | Called | Updated | Noted | Handled
IncidentEvent = _OfLife | _AtDesk | Flapped | Calmed | Imported | Quoted | ReviewEvent
_OfWindow = Planned | Approved | Rescheduled | Redescribed | MaintenanceMoved | Spared | MaintenanceUpdated | MaintenanceReworded
MaintenanceEvent = _OfWindow | MaintenanceImported | MaintenanceQuoted
_Known = CorrectionEvent | SightEvent | AdvisoryEvent | RewordingEvent | Struck
Event = Counted | StatusChanged | Waived | Reclaimed | Moved | Paused | Resumed | _Known | IncidentEvent | MaintenanceEvent


def looks_back(event: IncidentEvent) -> bool:
    """Whether it belongs to a postmortem."""
    match event:
        case StateChanged(new=state) | Updated(update=Update(state=state)):
            return state is State.POSTMORTEM
        case _:
            return False
