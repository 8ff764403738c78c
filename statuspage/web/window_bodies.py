"""What the API takes and gives of planned work."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from incidents.maintenance import Maintenance, MaintenanceState, MaintenanceUpdate
from incidents.rewording import whole_digest
from statuspage.web.bodies import Given, Instant, Override, Taken
from statuspage.web.typed import Line, NameSaid, WordsSaid

Ids = Annotated[list[Line], Field(max_length=500)]


class PlanBody(Taken):
    """A window of planned work; *override* is a manager's reason to pass over the policy."""

    name: NameSaid
    services: Annotated[Ids, Field(min_length=1)]
    components: Ids = Field(default_factory=list)
    starts: Instant
    ends: Instant
    body: WordsSaid
    override: Override | None = None


class RescheduleBody(Taken):
    """Other times; what is left out stays, and a window that is moved keeps its length."""

    starts: Instant | None = None
    ends: Instant | None = None
    body: WordsSaid | None = None
    override: Override | None = None


class ExtendBody(Taken):
    """A later end."""

    ends: Instant
    body: WordsSaid | None = None
    override: Override | None = None


class EndBody(Taken):
    """The last words, where there are any."""

    body: WordsSaid | None = None


class ApproveBody(Taken):
    """Nothing need be said to agree, unless the notice is not kept any more: then *override*."""

    override: Override | None = None


class PromiseShown(Given):
    """What was announced, and when."""

    announced_at: datetime
    starts: datetime
    ends: datetime


class MaintenanceShown(Given):
    """A window of planned work.

    *series* is the configuration's key for one that comes again; one without promises has been announced to nobody yet. *is_public* is
    false while another person must approve it.
    """

    id: str
    series: str | None
    name: dict[str, str]
    description: dict[str, str]
    services: list[str]
    components: list[str]
    starts: datetime
    ends: datetime
    status: MaintenanceState
    began_at: datetime | None
    ended_at: datetime | None
    overran: bool
    planned_by: str | None
    approved_by: str | None
    is_public: bool
    override_reason: str | None
    override_by: str | None
    promises: list[PromiseShown]

    @classmethod
    def of(cls, window: Maintenance) -> Self:
        """Show *window*."""
        return cls(
            id=window.id,
            series=window.series,
            name=dict(window.name),
            description=dict(window.description),
            services=list(window.services),
            components=list(window.components),
            starts=window.starts,
            ends=window.ends,
            status=window.state,
            began_at=window.began_at,
            ended_at=window.ended_at,
            overran=window.overran,
            planned_by=window.planned_by,
            approved_by=window.approved_by,
            is_public=window.is_public,
            override_reason=window.override_reason,
            override_by=window.override_by,
            promises=[PromiseShown.model_validate(promise, from_attributes=True) for promise in window.promises],
        )


class MaintenanceUpdateShown(Given):
    """Public words about a window; *language* is that of *body*, *bodies* are the same words in others."""

    number: int
    state: MaintenanceState
    language: str | None
    title: str
    body: str
    bodies: dict[str, str]
    at: datetime
    by: str | None
    automatic: bool
    edited_at: datetime | None
    digest: str

    @classmethod
    def of(cls, said: MaintenanceUpdate) -> Self:
        """Show what was *said*."""
        return cls(
            number=said.number,
            state=said.state,
            language=said.language,
            title=said.title,
            body=said.body,
            bodies=dict(said.bodies),
            at=said.at,
            by=said.by,
            automatic=said.automatic,
            edited_at=said.edited_at,
            digest=whole_digest(said.body, said.bodies),
        )


class MaintenanceWords(Given):
    """All public words about a window, oldest first."""

    items: list[MaintenanceUpdateShown]
    next: str | None = None


class MaintenanceList(Given):
    """Windows that meet a span, by their start; occurrences that are still far ahead among them."""

    items: list[MaintenanceShown]
    next: str | None
