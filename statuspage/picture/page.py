"""The one picture: a snapshot of what is known, seen at one instant, as the public may see it.

Pure: no clock, no database, no template. Every public surface (HTML, feeds, JSON, badges) is a spelling of the same ``Page``. Nothing that
an agent alone may know (hosts, monitor ids, raw errors, thresholds, component ids) exists in these values.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from types import MappingProxyType

from incidents.maintenance import MaintenanceState
from incidents.model import Incident, Origin, Service, Situation, State, Status, Subject, Update
from incidents.rollup import TROUBLE, worst
from incidents.sight import lasting
from statuspage.picture.advisories import AdvisoryView, Bulletin, warned
from statuspage.picture.capabilities import CapabilityView, capabilities, is_watched
from statuspage.picture.days import Day, as_of_now
from statuspage.picture.figures import LevelView
from statuspage.picture.marking import Reader, localised
from statuspage.picture.news import Tail, Topic
from statuspage.picture.pace import Pace, PaceView, views
from statuspage.picture.planned import MaintenanceView, ServiceTold, Window, newest_end_first, view
from statuspage.picture.site import Site

_OVER = frozenset({MaintenanceState.COMPLETED, MaintenanceState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An incident with its public words, oldest first; *hit* is what it had hit when each was said, by number (missing: not kept)."""

    incident: Incident
    updates: tuple[Update, ...]
    hit: Mapping[int, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything a picture is made from, read at one instant.

    *stories* are the open incidents and the newest closed ones, newest first; *days* the daily strips by service, oldest day first, as of
    the last whole minute; *seen* the newest slot with a result by service; *public_ids* the 12-character public id by service id and by
    group name (``group:NAME``). *authority* and *minted* are the tag-URI authority and date fixed at first start; *born* is the store's
    birth. *page_id* is the public id of the page itself. *created* is since when each service is watched (the store's birth where
    missing), *last_known* what was known of a service before it became unknown (see ``days.last_known``; missing: nothing ever was),
    *levels* what may be told of its availability (missing: nothing yet). *windows* are those that ``planned.shown`` chose. *news* is what
    feeds tell, by topic (missing: nothing was said), *agenda* the windows that calendars do, as ``agenda.agenda`` chose them.
    *bulletins* are the advisories that hold, come, or were over lately.
    """

    site: Site
    situation: Situation
    stories: tuple[Story, ...]
    days: Mapping[str, tuple[Day, ...]]
    seen: Mapping[str, datetime]
    public_ids: Mapping[str, str]
    page_id: str
    authority: str
    minted: date
    born: datetime
    created: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    last_known: Mapping[str, Status] = field(default_factory=lambda: MappingProxyType({}))
    levels: Mapping[str, LevelView] = field(default_factory=lambda: MappingProxyType({}))
    paces: Mapping[str, tuple[Pace, ...]] = field(default_factory=lambda: MappingProxyType({}))
    windows: tuple[Window, ...] = ()
    news: Mapping[Topic, Tail] = field(default_factory=lambda: MappingProxyType({}))
    agenda: tuple[Window, ...] = ()
    bulletins: tuple[Bulletin, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceView:
    """A service as its users see it.

    *unknown_since* is set while nothing is known; *last_known* then is the status before that (unknown: nothing ever was), else the
    status itself. A service that no monitor watches *is_watched* not: it is unknown for ever, and the page's status leaves it out.
    Views that differ in *checked_at* or *paces* alone are equal: those move with every result, and with every hour.
    """

    id: str
    public_id: str
    name: str
    description: str
    group: str | None
    status: Status
    since: datetime | None
    last_known: Status
    unknown_since: datetime | None
    checked_at: datetime | None = field(compare=False)
    capabilities: tuple[CapabilityView, ...]
    days: tuple[Day, ...]
    created_at: datetime
    is_watched: bool = True
    level: LevelView | None = None
    paces: tuple[PaceView, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedView:
    """A service in an incident: its present status and the worst it had."""

    service: str
    public_id: str
    name: str
    status: Status
    worst: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateView:
    """Public words, ready to be spelled. *title* stands alone in a feed reader; *body* is empty once it was removed, at *edited_at*.

    *title_in* and *body_in* are the languages that they are in: that of the page, or another where they were not said in that. Empty for
    words of ours, which are in whatever language the page is.
    """

    number: int
    state: State
    title: str
    body: str
    at: datetime
    automatic: bool
    edited_at: datetime | None
    redacted: bool
    next_update_by: datetime | None
    title_in: str = ""
    body_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentView:
    """A published incident; *updates* newest first. *recovered_at* is set while it is being watched or after.

    *lasted* is how long it hit anybody, once it has recovered: the time in which it was well in between is left out. *name_in* is the
    language of its name, as in ``UpdateView``.
    *imported_from* is the address of the page that told of it before us, *returned_at* when it last came back, if that was told.
    """

    id: str
    name: str
    state: State
    worst: Status
    started_at: datetime
    published_at: datetime
    recovered_at: datetime | None
    resolved_at: datetime | None
    lasted: timedelta | None
    services: tuple[AffectedView, ...]
    updates: tuple[UpdateView, ...]
    imported_from: str | None = None
    name_in: str = ""
    returned_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """Services that stand together; *name* is None for those without a group."""

    name: str | None
    public_id: str | None
    status: Status
    services: tuple[ServiceView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The public picture, for readers of *language*. All that it leads to stands under *root*: empty, or ``/de``.

    *as_of* is the freshness stamp, cut to the minute. *held_back* are the instants of problems whose words are not public yet: one neutral
    line each. *open* are published open incidents, newest first; *recent* the newest closed ones. *feed_updated* is the newest instant
    among published words (the store's birth while there are none), never now. *impaired_since* is set while our own monitoring
    is impaired and hides the state of a service; also where nothing is known of any service though something was. *planned* are the
    windows that run and those to come, by their start, *past* those that are over, newest first; *maintenance_updated* is as
    *feed_updated*, for their words. *advisories* hold or come, by their start; *past_advisories* are over, the last one first.
    """

    site: Site
    page_id: str
    status: Status
    as_of: datetime
    groups: tuple[GroupView, ...]
    open: tuple[IncidentView, ...]
    recent: tuple[IncidentView, ...]
    held_back: tuple[datetime, ...]
    impaired_since: datetime | None
    feed_updated: datetime
    authority: str
    minted: date
    planned: tuple[MaintenanceView, ...]
    past: tuple[MaintenanceView, ...]
    maintenance_updated: datetime
    advisories: tuple[AdvisoryView, ...] = ()
    past_advisories: tuple[AdvisoryView, ...] = ()
    language: str = "en"
    root: str = ""


def build(snapshot: Snapshot, now: datetime, language: str | None = None) -> Page:
    """Draw the public picture of *snapshot* as it stands at *now* (aware, UTC).

    *language* is that of readers who chose one (None: the site's own). Errors: KeyError where a service has no public id.
    The stamp is *now* cut to the minute; beside it only the stage of advisories depends on *now*: a quiet page is drawn the same again.
    """
    tongue = language or snapshot.site.language
    published = sorted((s for s in snapshot.stories if s.incident.published_at is not None), key=_newest_first)
    services = tuple(_service(snapshot, service, tongue) for service in snapshot.situation.topology.services.values())
    by_id = {service.id: service for service in services}
    views = tuple(_incident(snapshot, story, by_id, tongue) for story in published)
    windows = tuple(_window(snapshot, window, by_id, tongue) for window in snapshot.windows)
    advisories, past_advisories = warned(snapshot.bulletins, now, tongue, partial(_named, snapshot, by_id))
    return Page(
        site=snapshot.site,
        page_id=snapshot.page_id,
        status=_page_status(services, published),
        as_of=now.astimezone(UTC).replace(second=0, microsecond=0),
        groups=_groups(snapshot, services),
        open=tuple(view for view in views if view.resolved_at is None),
        recent=tuple(view for view in views if view.resolved_at is not None),
        held_back=_held_back(snapshot.stories),
        impaired_since=_impaired_since(services, snapshot.situation),
        feed_updated=_feed_updated(published, windows, snapshot.born),
        authority=snapshot.authority,
        minted=snapshot.minted,
        planned=tuple(window for window in windows if window.state not in _OVER),
        past=tuple(sorted((window for window in windows if window.state in _OVER), key=newest_end_first)),
        maintenance_updated=_planning_updated(windows, snapshot.born),
        advisories=advisories,
        past_advisories=past_advisories,
        language=tongue,
        root=f"/{language}" if language else "",
    )


def dates(snapshot: Snapshot, page: Page) -> tuple[MaintenanceView, ...]:
    """What calendars tell of planned work, in the words of *page*, which was drawn from the same *snapshot*."""
    services = {service.id: service for group in page.groups for service in group.services}
    return tuple(_window(snapshot, window, services, page.language) for window in snapshot.agenda)


def _newest_first(story: Story) -> tuple[float, str]:
    return (-story.incident.started_at.timestamp(), story.incident.id)


def _is_troubled(incident: Incident) -> bool:
    return incident.is_open and incident.state in (State.INVESTIGATING, State.IDENTIFIED)


def _service(snapshot: Snapshot, service: Service, language: str) -> ServiceView:
    found = snapshot.situation.standings.get((Subject.SERVICE, service.id))
    status, since = (found.status, found.since) if found else (Status.UNKNOWN, None)
    is_unknown = status is Status.UNKNOWN
    return ServiceView(
        id=service.id,
        public_id=snapshot.public_ids[service.id],
        name=localised(service.name, language) or service.id,
        description=localised(service.description, language),
        group=localised(service.group, language) or None,
        status=status,
        since=since,
        last_known=snapshot.last_known.get(service.id, Status.UNKNOWN) if is_unknown else status,
        unknown_since=since if is_unknown else None,
        checked_at=snapshot.seen.get(service.id),
        capabilities=tuple(capabilities(service, snapshot.situation, language)),
        days=as_of_now(snapshot.days.get(service.id, ()), status),
        created_at=snapshot.created.get(service.id, snapshot.born),
        is_watched=is_watched(service, snapshot.situation.topology),
        level=snapshot.levels.get(service.id),
        paces=views(snapshot.paces.get(service.id, ()), [localised(need.label, language) for need in service.needs]),
    )


def _groups(snapshot: Snapshot, services: Sequence[ServiceView]) -> tuple[GroupView, ...]:
    members: dict[str | None, list[ServiceView]] = {}
    for service in services:
        members.setdefault(service.group, []).append(service)
    own = snapshot.site.language  # whatever the reader's: public ids of groups are kept by their names in the site's own
    known = {service.id: localised(service.group, own) for service in snapshot.situation.topology.services.values()}
    return tuple(
        GroupView(
            name=name,
            public_id=snapshot.public_ids.get(f"group:{known[group[0].id]}") if name else None,
            status=_worst_watched(group),
            services=tuple(group),
        )
        for name, group in members.items()
    )


def _worst_watched(services: Iterable[ServiceView]) -> Status:
    """The worst of what is watched; a service that nobody watches counts once an agent has said something about it."""
    telling = [service.status for service in services if service.is_watched or service.status is not Status.UNKNOWN]
    return worst(telling) if telling else Status.UNKNOWN


def _page_status(services: Sequence[ServiceView], published: Iterable[Story]) -> Status:
    status = _worst_watched(services)
    troubled = [story.incident for story in published if _is_troubled(story.incident)]
    if not troubled or status in TROUBLE:
        return status
    # An open incident never leaves the page green: with no service down at this instant it still is a disturbance.
    said = worst(present for incident in troubled for present in incident.services.values())
    return said if said in TROUBLE else Status.DEGRADED


def _impaired_since(services: Sequence[ServiceView], situation: Situation) -> datetime | None:
    """Where other locations still see all that is watched, customers miss nothing, and only the desk is told."""
    watched = [service for service in services if service.is_watched]
    gaps = [service.unknown_since for service in watched if service.unknown_since is not None]
    records = lasting(situation)
    if records and gaps:
        return records[0].since
    was_ever_known = any(service.checked_at is not None or service.last_known is not Status.UNKNOWN for service in watched)
    return max(gaps) if was_ever_known and len(gaps) == len(watched) else None


def _held_back(stories: Iterable[Story]) -> tuple[datetime, ...]:
    """Drafts that wait for a person (no *publish_at*) say nothing; neither does what has recovered before it was published."""
    waiting = (s.incident for s in stories if s.incident.published_at is None and s.incident.publish_at is not None)
    return tuple(sorted((incident.started_at for incident in waiting if _is_troubled(incident)), reverse=True))


def _feed_updated(published: Iterable[Story], windows: Iterable[MaintenanceView], born: datetime) -> datetime:
    ours = (story for story in published if story.incident.imported_from is None)  # what was imported stands in no feed
    words = (update for story in ours for update in story.updates)
    told = [at for update in words for at in (update.at, update.edited_at, update.redacted_at) if at]
    planned = (
        update.edited_at or update.at for window in windows if window.imported_from is None for update in window.updates if update.is_loud
    )
    return max([*told, *planned], default=born)


def _planning_updated(windows: Iterable[MaintenanceView], born: datetime) -> datetime:
    ours = (window for window in windows if window.imported_from is None)
    return max((update.edited_at or update.at for window in ours for update in window.updates), default=born)


def _incident(snapshot: Snapshot, story: Story, services: Mapping[str, ServiceView], language: str) -> IncidentView:
    incident, reader = story.incident, Reader(language, snapshot.site.language)
    is_ours = incident.origin is Origin.MACHINE and incident.imported_from is None
    name, name_in = reader.gets(incident.name, incident.names, incident.language, is_automatic=is_ours)
    ended = incident.recovered_at or incident.resolved_at
    affected = {**dict.fromkeys(incident.worst, Status.OPERATIONAL), **incident.services}
    return IncidentView(
        id=incident.id,
        name=name,
        name_in=name_in,
        state=incident.state,
        worst=worst((*incident.worst.values(), *incident.services.values(), incident.impact or Status.OPERATIONAL)),
        started_at=incident.started_at,
        published_at=incident.published_at or incident.opened_at,
        recovered_at=incident.recovered_at,
        resolved_at=incident.resolved_at,
        lasted=incident.downtime(ended) if ended is not None else None,
        services=tuple(
            AffectedView(
                service=id_,
                public_id=snapshot.public_ids.get(id_, ""),
                name=services[id_].name if id_ in services else id_,
                status=status,
                worst=incident.worst.get(id_, status),
            )
            for id_, status in affected.items()
        ),
        updates=tuple(_update(update, reader) for update in reversed(story.updates)),
        imported_from=incident.imported_from,
        returned_at=back if (back := incident.returned_at) and any(update.at >= back for update in story.updates) else None,
    )


def _update(update: Update, reader: Reader) -> UpdateView:
    redacted = update.redacted_at is not None
    title, title_in = reader.gets(update.title, update.titles, update.language, is_automatic=update.automatic)
    body, body_in = reader.gets(update.body, update.bodies, update.language, is_automatic=update.automatic)
    if redacted:
        body, body_in = "", ""
    return UpdateView(
        number=update.number,
        state=update.state,
        title=title,
        title_in=title_in,
        body=body,
        body_in=body_in,
        at=update.at,
        automatic=update.automatic,
        edited_at=update.redacted_at or update.edited_at,  # so that readers of feeds fetch the entry again
        redacted=redacted,
        next_update_by=update.next_update_by,
    )


def _window(snapshot: Snapshot, window: Window, services: Mapping[str, ServiceView], language: str) -> MaintenanceView:
    named = [_named(snapshot, services, id_) for id_ in window.maintenance.services]
    return view(window, named, snapshot.born, Reader(language, snapshot.site.language))


def _named(snapshot: Snapshot, services: Mapping[str, ServiceView], id_: str) -> ServiceTold:
    return ServiceTold(service=id_, public_id=snapshot.public_ids.get(id_, ""), name=services[id_].name if id_ in services else id_)
