"""What the API takes and gives, as models: they validate, and the OpenAPI document is made from them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from incidents.impairment import Hindrance
from incidents.model import Origin, State, Status, Update
from incidents.priority import Priority
from incidents.rewording import whole_digest
from statuspage.picture.page import Story
from statuspage.picture.urgency import holder
from statuspage.store.usefulness import Useful
from statuspage.web.incident_parts import PriorityShown, SayShown, TicketShown, UsefulShown
from statuspage.web.typed import Line, NameSaid, Words, WordsSaid


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside the calendar") from None


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Trouble = Literal[Status.DEGRADED, Status.PARTIAL, Status.MAJOR]


class Taken(BaseModel):
    """What a request may say: nothing that is not named here."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OpenBody(Taken):
    """A new incident, public at once; a *draft* stays at the desk until its first update."""

    name: NameSaid
    services: Annotated[Mapping[str, Trouble], Field(min_length=1, max_length=500)]
    body: WordsSaid
    draft: bool = False


class AcknowledgeBody(Taken):
    """Nothing need be said to own an incident."""


class UpdateBody(Taken):
    """Public words; *state* stays as it is where it is left out."""

    body: WordsSaid
    state: Literal[State.INVESTIGATING, State.IDENTIFIED, State.MONITORING] | None = None
    next_update_by: Instant | None = None


class NoteBody(Taken):
    """Internal words."""

    body: Words


class Override(Taken):
    """Why an incident is resolved although probes still fail."""

    reason: Line


class ResolveBody(Taken):
    """The last public words, and what it came from: a cause of the company's list, where there is one."""

    body: WordsSaid
    cause: Line | None = None
    override: Override | None = None


class PostmortemBody(Taken):
    """What was learned of an incident that is over."""

    body: WordsSaid


class CauseBody(Taken):
    """What an incident came from."""

    cause: Line


class MissedBody(Taken):
    """Why customers saw an incident before the probes did: the *monitor* that was changed for it, and how, or why none was."""

    words: Words
    monitor: Line | None = None


class MergeBody(Taken):
    """The open incident that goes on for this one, and words for the public in place of the usual ones."""

    into: Line
    body: WordsSaid | None = None


class SplitBody(Taken):
    """What goes into an incident of its own: components, or services of one that was opened by hand; its name and first words."""

    name: NameSaid
    body: WordsSaid
    components: Annotated[tuple[Line, ...], Field(max_length=500)] = ()
    services: Annotated[tuple[Line, ...], Field(max_length=500)] = ()


class Given(BaseModel):
    """What an answer says."""

    model_config = ConfigDict(frozen=True)


class UpdateShown(Given):
    """Public words in an incident: *body* in *language* (null: an older release kept none), *bodies* the same in others.

    *digest* proves which words these are; a correction may name it as ``was``.
    """

    number: int
    state: State
    language: str | None
    body: str
    bodies: dict[str, str]
    digest: str | None
    at: datetime
    by: str | None
    automatic: bool
    next_update_by: datetime | None
    edited_at: datetime | None
    redacted_at: datetime | None

    @classmethod
    def of(cls, update: Update) -> Self:
        """Show *update*; a redacted one without its words."""
        return cls(
            number=update.number,
            state=update.state,
            language=update.language,
            body="" if update.redacted_at else update.body,
            bodies={} if update.redacted_at else dict(update.bodies),
            digest=None if update.redacted_at else whole_digest(update.body, update.bodies),
            at=update.at,
            by=update.by,
            automatic=update.automatic,
            next_update_by=update.next_update_by,
            edited_at=update.edited_at,
            redacted_at=update.redacted_at,
        )


class NoteShown(Given):
    """Internal words in an incident."""

    number: int
    body: str
    at: datetime
    by: str


class IncidentShown(Given):
    """An incident with its public words, oldest first, its name in other languages, and the acknowledgement while it is in force.

    Words that wait go public at *publish_at* (null: never by themselves); *gated_by* is who decided so. *affected_share* and
    *cost_to_resolve* are null where status and services say it.
    """

    id: str
    name: str
    names: dict[str, str]
    state: State
    origin: Origin
    services: dict[str, Status]
    worst: dict[str, Status]
    components: list[str]
    started_at: datetime
    opened_at: datetime
    published_at: datetime | None
    recovered_at: datetime | None
    resolves_at: datetime | None
    resolved_at: datetime | None
    cause: str | None
    merged_into: str | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    acknowledgement_expires_at: datetime | None
    publish_at: datetime | None
    gated_by: str | None
    affected_share: float | None
    cost_to_resolve: float | None
    say: SayShown | None
    tickets: list[TicketShown]
    priority: PriorityShown
    updates: list[UpdateShown]
    useful: list[UsefulShown]

    @classmethod
    def of(cls, story: Story, now: datetime, priority: Priority, useful: Sequence[Useful]) -> Self:
        """Show *story* as it stands at *now*."""
        incident = story.incident
        held = holder(incident, now)
        return cls(
            id=incident.id,
            name=incident.name,
            names=dict(incident.names),
            state=incident.state,
            origin=incident.origin,
            services=dict(incident.services),
            worst=dict(incident.worst),
            components=list(incident.components),
            started_at=incident.started_at,
            opened_at=incident.opened_at,
            published_at=incident.published_at,
            recovered_at=incident.recovered_at,
            resolves_at=incident.resolves_at,
            resolved_at=incident.resolved_at,
            cause=incident.cause,
            merged_into=incident.merged_into,
            acknowledged_by=held.by if held else None,
            acknowledged_at=held.at if held else None,
            acknowledgement_expires_at=held.expires_at if held else None,
            publish_at=incident.publish_at,
            gated_by=incident.gated_by,
            affected_share=incident.affected_share,
            cost_to_resolve=incident.cost_to_resolve,
            say=None if incident.brief is None else SayShown.of(incident.brief),
            tickets=[TicketShown(name=one.name, url=one.url) for one in incident.tickets],
            priority=PriorityShown.of(priority),
            updates=[UpdateShown.of(update) for update in story.updates],
            useful=[UsefulShown(number=one.number, yes=one.yes, no=one.no) for one in useful],
        )


class IncidentList(Given):
    """Incidents, newest first; *next* is the cursor of those that follow."""

    items: list[IncidentShown]
    next: str | None


class MissedShown(Given):
    """An incident about which so many *callers* called before it was detected, and why: *answered_at* is null while nobody has said.

    *monitor* was changed for it; null: none was, and *words* say why.
    """

    incident: str
    at: datetime
    first_called_at: datetime
    callers: int
    answered_at: datetime | None
    answered_by: str | None
    monitor: str | None
    words: str | None


class ServiceShown(Given):
    """A service as customers see it, with the open incidents that hit it."""

    id: str
    name: str
    status: Status
    since: datetime | None
    incidents: list[str]


class ServiceList(Given):
    """All services, in the configuration's order."""

    items: list[ServiceShown]
    next: str | None


class KnownErrorShown(Given):
    """A symptom as customers describe it, the way round it, and what to say to a caller (empty: nothing is prescribed)."""

    id: str
    services: list[str]
    symptom: str
    workaround: str
    say: str


class KnownErrorList(Given):
    """Known errors, in the configuration's order."""

    items: list[KnownErrorShown]
    next: str | None


class ReportShown(Given):
    """What a customer said is broken for them, with the incident that proved them right (null: none so far)."""

    id: int
    at: datetime
    service: str
    symptom: str
    words: str
    has_contact: bool
    incident: str | None


class ReportList(Given):
    """Reports, newest first; *next* is the cursor of those that follow."""

    items: list[ReportShown]
    next: str | None


class ReportErased(Given):
    """A report of which nothing is kept."""

    id: int


class ImpairmentShown(Given):
    """When our own monitoring was impaired at a location, and by what; *until* is null while it lasts."""

    location: str
    reason: Hindrance
    since: datetime
    until: datetime | None
    detail: str


class ImpairmentList(Given):
    """Impairments, newest first; *next* is the cursor of those that follow."""

    items: list[ImpairmentShown]
    next: str | None


class AuditShown(Given):
    """Who did, or tried to do, what to what. *digest* vouches for the row and for all before it; null in rows that are older than that."""

    sequence: int
    at: datetime
    actor: str
    act: str
    subject: str
    detail: dict[str, str | None]
    digest: str | None


class AuditList(Given):
    """Audit rows, newest first."""

    items: list[AuditShown]
    next: str | None


class Problem(Given):
    """What is wrong (RFC 9457). *errors* names each field that does not fit."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str
    title: str
    status: int
    detail: str
