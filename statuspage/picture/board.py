"""The desk's picture: what is open, who owns it, what the probes say about it, and the words for a caller.

Internal: hosts, monitor ids and raw failure texts stand in these values, so they go to the console and to nothing public.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from incidents.drift import Trend
from incidents.handled import Brief
from incidents.handling import waits_at_gate
from incidents.impairment import Impairment
from incidents.model import Acknowledgement, Incident, Need, Service, Situation, State, Status, Subject
from incidents.priority import Priority, Scale
from incidents.rollup import ORDER, TROUBLE, standing, worst
from incidents.sight import lasting
from incidents.words import said as words_in
from probes.result import Failure, Result
from statuspage.picture.components import ComponentRow, MonitorRow, component_rows
from statuspage.picture.page import Story
from statuspage.picture.spending import Spending
from statuspage.picture.urgency import NO_CALLERS, ORDINARY, holder, priority_of

RECENT = timedelta(days=1)
"""How long the desk is told of an impairment that is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A service that an incident affects: in the customers' words, with its present status and the worst it had."""

    service: str
    name: str
    status: Status
    worst: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """An incident as the desk needs it at a glance.

    *owner* is the acknowledgement in force, *lapsed* one that ran out unrenewed. *say* is what may be told to a caller: the newest public
    words, of *said_at* (None: there are none, and *say* is a neutral sentence). *is_public* says that customers read them already,
    *publish_at* when they will. *next_update_by* is the promise made in public. *is_failing* says that a component of the incident does
    not work at present. *tone* is the worst status among the services: the present one, or of a closed incident the worst it had.
    *brief* is what the desk would rather have callers told, and then is *say*. *waits_at_gate* marks words of which nobody has said yet
    whether they go public, *gated_by* who did.
    """

    id: str
    name: str
    state: State
    tone: Status
    started_at: datetime
    opened_at: datetime
    resolved_at: datetime | None
    hits: tuple[Hit, ...]
    owner: Acknowledgement | None
    lapsed: Acknowledgement | None
    say: str
    said_at: datetime | None
    is_public: bool
    publish_at: datetime | None
    next_update_by: datetime | None
    is_promise_overdue: bool
    is_failing: bool
    asks_desk: bool
    components: tuple[ComponentRow, ...]
    priority: Priority
    callers: int
    brief: Brief | None
    waits_at_gate: bool
    gated_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRow:
    """A service as customers see it, with the open incidents that hit it."""

    id: str
    name: str
    status: Status
    since: datetime | None
    incidents: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """A component in trouble that no open incident covers: redundancy is lost, or a person has waived it."""

    component: str
    name: str
    status: Status
    since: datetime | None
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something that a probe of *monitor* found to work today and maybe not tomorrow; never a status."""

    monitor: str
    location: str
    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The desk's whole picture: *queue* has what needs a person first, *closed* the newest first.

    *rejected* monitors know nothing because our login is not taken, *impaired* ones for other reasons; *still* ones need not.
    *impairments* are those of our own monitoring that last, and the newest ones that ended within a day.
    """

    as_of: datetime
    queue: tuple[QueueRow, ...]
    closed: tuple[QueueRow, ...]
    services: tuple[ServiceRow, ...]
    components: tuple[ComponentRow, ...]
    cautions: tuple[Caution, ...]
    rejected: tuple[MonitorRow, ...]
    impaired: tuple[MonitorRow, ...]
    still: tuple[MonitorRow, ...]
    impairments: tuple[Impairment, ...] = ()
    warnings: tuple[Warned, ...] = ()
    spending: tuple[Spending, ...] = ()


def build(
    situation: Situation,
    stories: Sequence[Story],
    now: datetime,
    warnings: Iterable[Warned] = (),
    spending: Iterable[Spending] = (),
    *,
    language: str = "en",
    scale: Scale = ORDINARY,
    callers: Mapping[str, int] = NO_CALLERS,
) -> Board:
    """Draw the board. *stories* are the open incidents and the newest closed ones; an open one without a story is shown without words.

    What matters most by *scale* stands first; *callers* are how many called, by incident.
    """
    rows = component_rows(situation)
    told = {story.incident.id: story for story in stories}
    current = [told.get(one.id, Story(incident=one, updates=())) for one in situation.incidents.values() if one.is_open]
    queue = [queue_row(situation, rows, story, now, language=language, scale=scale, callers=callers) for story in current]
    closed = [queue_row(situation, rows, story, now, language=language, scale=scale) for story in stories if not story.incident.is_open]
    blind = [one for row in rows.values() for one in row.monitors if one.status is Status.UNKNOWN and not one.is_still]
    return Board(
        as_of=now,
        queue=tuple(sorted(queue, key=_rank)),
        closed=tuple(closed),
        services=service_rows(situation, language),
        components=tuple(rows.values()),
        cautions=tuple(_caution(situation, row, language) for row in rows.values() if row.status in TROUBLE and row.incident is None),
        rejected=tuple(one for one in blind if one.failure == Failure.AUTH_REJECTED),
        impaired=tuple(one for one in blind if one.failure != Failure.AUTH_REJECTED),
        still=tuple(one for row in rows.values() for one in row.monitors if one.is_still),
        impairments=tuple(_impairments(situation, now)),
        warnings=tuple(warnings),
        spending=tuple(replace(one, name=service_name(situation, one.service, language)) for one in spending),
    )


def warned(situation: Situation, latest: Mapping[tuple[str, str], Result], trends: Mapping[tuple[str, str], Trend]) -> Iterator[Warned]:
    """What the newest result of each monitor warns of, and what takes longer than it used to, in the configuration's order."""
    for monitor in situation.topology.monitors.values():
        for place in monitor.locations:
            newest, pace = latest.get((monitor.id, place)), trends.get((monitor.id, place))
            for warning in newest.measured.warnings if newest is not None else ():
                yield Warned(monitor=monitor.id, location=place, name=warning.name, text=warning.text)
            if pace is not None and pace.is_drift:
                text = f"takes {pace.recent:.2f} s lately, {pace.usual:.2f} s usually"
                yield Warned(monitor=monitor.id, location=place, name="slower", text=text)


def service_rows(situation: Situation, language: str) -> tuple[ServiceRow, ...]:
    """Say how every service is, in the configuration's order."""
    hit: dict[str, list[str]] = {}
    for incident in situation.incidents.values():
        for service in incident.services if incident.is_open else ():
            hit.setdefault(service, []).append(incident.id)
    return tuple(_service_row(situation, one, language, tuple(hit.get(one.id, ()))) for one in situation.topology.services.values())


def queue_row(
    situation: Situation,
    rows: Mapping[str, ComponentRow],
    story: Story,
    now: datetime,
    *,
    language: str = "en",
    scale: Scale = ORDINARY,
    callers: Mapping[str, int] = NO_CALLERS,
) -> QueueRow:
    """Draw one incident, open or closed. *rows* are those of ``component_rows``; a component configured no more is left out."""
    incident = story.incident
    said = next((update for update in reversed(story.updates) if update.redacted_at is None), None)
    promise = story.updates[-1].next_update_by if story.updates and incident.is_open else None  # also where the words were removed
    components = tuple(rows[key] for key in incident.components if key in rows)
    hits = _hits(situation, incident, language)
    owner = holder(incident, now)
    return QueueRow(
        id=incident.id,
        name=incident.name,
        state=incident.state,
        tone=worst(hit.status if incident.is_open else hit.worst for hit in hits),
        started_at=incident.started_at,
        opened_at=incident.opened_at,
        resolved_at=incident.resolved_at,
        hits=hits,
        owner=owner,
        lapsed=incident.acknowledgement if incident.is_open and owner is None else None,
        say=incident.brief.body if incident.brief else said.body if said else _neutral(hits),
        said_at=said.at if said else None,
        is_public=incident.published_at is not None,
        publish_at=incident.publish_at,
        next_update_by=promise,
        is_promise_overdue=promise is not None and promise <= now,
        is_failing=incident.is_open and any(row.status in TROUBLE for row in components),
        asks_desk=incident.asks_desk and incident.state is State.MONITORING,
        components=components,
        priority=priority_of(story, scale, now, callers.get(incident.id, 0)),
        callers=callers.get(incident.id, 0),
        brief=incident.brief,
        waits_at_gate=waits_at_gate(incident),
        gated_by=incident.gated_by,
    )


def _impairments(situation: Situation, now: datetime) -> Iterator[Impairment]:
    yield from lasting(situation)
    ended = [one for one in situation.impairments.values() if one.until is not None and now - one.until < RECENT]
    yield from sorted(ended, key=lambda one: (one.since, one.location), reverse=True)


def _hits(situation: Situation, incident: Incident, language: str) -> tuple[Hit, ...]:
    """Give every service that the incident affects or affected."""
    return tuple(
        Hit(
            service=key,
            name=service_name(situation, key, language),
            status=_present(situation, incident, key),
            worst=worst_had,
        )
        for key, worst_had in {**incident.services, **incident.worst}.items()
    )


def _present(situation: Situation, incident: Incident, service: str) -> Status:
    """How badly the incident hits *service* now; where nothing is known of it any more, that, and not that it works."""
    status = incident.services.get(service, Status.OPERATIONAL)
    is_blind = status is Status.OPERATIONAL and standing(situation, Subject.SERVICE, service) is Status.UNKNOWN
    return Status.UNKNOWN if is_blind else status


def service_name(situation: Situation, key: str, language: str) -> str:
    """Return the service's name in *language*, else in any it has, else its id."""
    service = situation.topology.services.get(key)
    return words_in(service.name, language) or key if service else key


def _service_row(situation: Situation, service: Service, language: str, incidents: tuple[str, ...]) -> ServiceRow:
    found = situation.standings.get((Subject.SERVICE, service.id))
    return ServiceRow(
        id=service.id,
        name=service_name(situation, service.id, language),
        status=found.status if found else Status.UNKNOWN,
        since=found.since if found else None,
        incidents=incidents,
    )


def _rank(row: QueueRow) -> tuple[float, bool, int, datetime]:
    """What matters most comes first; where two matter alike, the one that nobody holds, that hit harder, that began earlier."""
    had = worst(hit.worst for hit in row.hits)
    return (-row.priority.score, row.owner is not None, -ORDER[had], row.started_at)


def _neutral(hits: Sequence[Hit]) -> str:
    names = " and ".join(hit.name for hit in hits) or "a service"
    return f"We see a problem with {names} and are looking into it."


def _caution(situation: Situation, row: ComponentRow, language: str) -> Caution:
    words = _why_no_incident(situation, row.id, language)
    return Caution(component=row.id, name=row.name, status=row.status, since=row.since, words=words)


def _why_no_incident(situation: Situation, key: str, language: str) -> str:
    if key in situation.waived:
        return "Resolved by hand while it was failing; it opens no incident until it has recovered."
    spared = [
        _margin(situation, service, need, language)
        for service in situation.topology.services.values()
        for need in service.needs
        if key in need.of and len(need.of) > 1
    ]
    if spared:
        return "Redundancy lost. " + " ".join(spared)
    return "No open incident covers it."


def _margin(situation: Situation, service: Service, need: Need, language: str) -> str:
    working = sum(standing(situation, Subject.COMPONENT, key) is Status.OPERATIONAL for key in need.of)
    name = service_name(situation, service.id, language)
    label = words_in(need.label, language)
    what = f"{name} ({label})" if label else name
    return f"{what}: {working} of {len(need.of)} work, {need.at_least} must."
