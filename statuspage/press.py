"""Turns what was committed into what the public reads: a new shelf after each change, and once a minute where nothing changed.

While the store is away the last shelf stays, with its age. Bytes are made off the event loop, one shelf at a time.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from incidents.advisory import AdvisoryEvent
from incidents.events import Counted, Event, IncidentEvent, MaintenanceEvent, Renamed
from incidents.model import Situation, Topology
from incidents.planned.windows import horizon
from incidents.rewording import RewordingEvent, Struck
from probes.result import Result
from statuspage.books import Books
from statuspage.clock import Now
from statuspage.diary import Diary
from statuspage.edition import Edition
from statuspage.picture.advisories import Bulletin
from statuspage.picture.agenda import AHEAD, BACK, Far, agenda
from statuspage.picture.days import Day, unwatched
from statuspage.picture.marking import localised
from statuspage.picture.news import Tail, Topic, Untold
from statuspage.picture.pace import Pace
from statuspage.picture.page import Page, Snapshot, Story
from statuspage.picture.planned import Window, shown
from statuspage.picture.scope import Cutter, Scope
from statuspage.picture.site import Site
from statuspage.pipeline import Pipeline
from statuspage.publish import Publisher, Shelf
from statuspage.render.finished import Finished
from statuspage.render.fresh import Fresh
from statuspage.store import feed_rows, queries, recall
from statuspage.store.advisory_rows import newest_bulletins
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable
from statuspage.store.queries import Installation

log = logging.getLogger(__name__)

MOST_STORIES = 100
"""Stories that may pile up before the store is asked again which of them still belong on the page."""

MINUTE = 60.0
RETRY = 5.0


@dataclass(slots=True, kw_only=True)
class Press:
    """Keeps the newest shelf and the exact age of what it shows.

    *stale_after* is the age in seconds past which a page should no longer be believed. Bars and figures come from the *books*, which
    hear what the press hears and are renewed with each shelf, so that both are as of its minute. All of *issued* are called when there is
    a new shelf. *hidden* are the services that the main page does not tell of; *drawn_from* is what it was last drawn from, and all other
    pages can be. *heard* counts the turns that were heard, *drawn* those of them that the shelf knows.
    """

    store: Store
    pipeline: Pipeline
    books: Books
    publisher: Publisher
    site: Site
    installation: Installation
    public_ids: Mapping[str, str]
    now: Now
    stale_after: float
    paces: Callable[[], Mapping[str, tuple[Pace, ...]]] = dict
    issued: list[Callable[[], None]] = field(default_factory=list)
    hidden: frozenset[str] = frozenset()
    own: Edition = field(init=False)
    drawn_from: Snapshot | None = None
    true_at: datetime | None = None
    heard: int = 0
    drawn: int = 0
    _stories: tuple[Story, ...] = ()
    _changes: int = 0
    _known: int = 0
    _told: set[str] = field(default_factory=set)
    _is_untold: bool = True
    _diary: Diary = field(default_factory=Diary)
    _far: Far | None = None
    _is_replanned: bool = True
    _news: dict[Topic, Tail] = field(default_factory=dict)
    _planned_told: set[str] = field(default_factory=set)
    _bulletins: tuple[Bulletin, ...] = ()
    _is_unwarned: bool = True
    _untold: Untold = field(default_factory=Untold)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """The main page is one of several: the one that is drawn at each change."""
        cutter = Cutter(scope=Scope(hidden=self.hidden))
        self.own = Edition(store=self.store, publisher=self.publisher, cutter=cutter, whole=self.whole, now=self.now)

    def hear(self, events: Sequence[Event], results: Sequence[Result]) -> None:
        """Note a committed turn: its time is how true the picture is; anything but counting asks for a new one."""
        self.heard += 1
        if results:
            self.true_at = self.now()
        news = [event for event in events if not isinstance(event, Counted)]
        if news:
            self._changes += 1
            self.books.hear(news)
            self._told |= {e.incident for e in news if isinstance(e, IncidentEvent)}
            self._planned_told |= {e.maintenance for e in news if isinstance(e, MaintenanceEvent)}
            self._is_unwarned |= any(isinstance(event, AdvisoryEvent) for event in news)
            # Which stories are on the page is asked again: the incident may be long over, and none that is shown.
            self._is_untold |= any(
                isinstance(event, RewordingEvent) or (isinstance(event, Renamed) and event.by is not None) for event in news
            )
            if any(isinstance(event, Struck) for event in news):
                self._is_untold = self._is_replanned = self._is_unwarned = True
            self._untold.hear(news)
            self._changed.set()

    def forget(self, site: Site, public_ids: Mapping[str, str], stale_after: float, hidden: frozenset[str] = frozenset()) -> None:
        """Draw everything anew: the configuration changes. A shelf may be in the making, for services that are about to go, too."""
        self.site, self.public_ids, self.stale_after = site, {**self.public_ids, **public_ids}, stale_after
        self.hidden = hidden
        self.own.cutter = Cutter(scope=Scope(hidden=hidden))
        self._is_untold = self._is_replanned = self._is_unwarned = self._untold.is_everything = True
        self._changed.set()

    def redraw(self) -> None:
        """Issue a new shelf soon: something that is shown, and that no turn told of, is another."""
        self._changed.set()

    async def run(self) -> None:
        """Issue shelves for ever; ended by cancelling."""
        while True:
            try:
                await self.issue()
                wait = MINUTE - self.now().second
            except StoreUnavailable as error:
                log.warning("the page stays as it is: %s", error)
                wait = RETRY
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def issue(self) -> Shelf:
        """Make and show a new shelf from what is known now. Errors: StoreUnavailable, and the old shelf stays."""
        self._changed.clear()
        heard = self.heard
        now, situation = self.now(), self.pipeline.situation
        await self.books.renew(now)
        await self._read(situation, now)
        await self._look_ahead(situation, now)
        whole = self._snapshot(situation, now)
        shelf, self.drawn_from = await self.own.publish(whole, now), whole
        self.drawn = heard
        for tell in self.issued:
            tell()
        return shelf

    @property
    def shelf(self) -> Shelf | None:
        """What everybody may read; None before the first."""
        return self.own.shelf

    @property
    def stories(self) -> tuple[Story, ...] | None:
        """Every open incident and the newest closed ones, with their words; None where something was said that was not read yet."""
        return self._stories if self._known == self._changes and not self._is_untold else None

    def of_service(self, path: str) -> Callable[[], Finished] | None:
        """What makes the page, a feed or a badge of a service from the newest picture; None where there is none at this *path*."""
        return self.own.of_service(path)

    def picture(
        self, stories: Sequence[Story], windows: Sequence[Window], language: str | None = None, bulletins: Sequence[Bulletin] = ()
    ) -> Page:
        """The picture of these stories, windows and advisories alone, as everybody may see it: see ``Edition.picture``."""
        return self.own.picture(stories, windows, language, bulletins)

    async def older(self, path: str) -> Finished | None:
        """What the main page had on its shelf once: see ``Edition.older``."""
        return await self.own.older(path)

    def fresh(self) -> Fresh | None:
        """How old the picture is, to the second; None before the first shelf."""
        return self.fresh_of(self.own)

    def fresh_of(self, edition: Edition) -> Fresh | None:
        """The same of any page."""
        situation = self.pipeline.situation
        return edition.fresh(
            as_of=self.true_at or self.installation.born,
            stale_after=self.stale_after,
            services=situation.topology.services,
            seen=lambda: seen_by_service(situation),
        )

    def whole(self, windows: tuple[Window, ...] | None = None) -> Snapshot:
        """All that is known now, cut for nobody; *windows* are those that are shown, where they are chosen already."""
        return self._snapshot(self.pipeline.situation, self.now(), windows)

    def coming(self, until: datetime) -> tuple[Window, ...]:
        """Planned work that is not over and begins before *until*, as everybody may know of it.

        Occurrences that are no windows of their own yet are among it.
        """
        now = self.now()
        met = horizon(self.pipeline.situation, now, until) if until > now else ()
        windows = tuple(Window(maintenance=one, updates=self._diary.words.get(one.id, ())) for one in met if one.is_public)
        return self.own.narrowed((), windows, ())[1]

    async def _read(self, situation: Situation, now: datetime) -> None:
        """Read what changed since the last shelf: stories after an incident's event, what is planned after a window's, and so on."""
        changes = self._changes
        # Each mark is taken down before the reading it asks for: what is heard while that goes on puts it up again.
        told, self._told = self._told, set()
        is_untold, self._is_untold = self._is_untold or len(self._stories) + len(told) > MOST_STORIES, False
        is_replanned, self._is_replanned = self._is_replanned, False
        planned_told, self._planned_told = self._planned_told, set()
        is_unwarned, self._is_unwarned = self._is_unwarned, False
        untold, self._untold = self._untold, Untold(is_everything=False)
        try:
            if told or planned_told or is_untold or is_replanned or is_unwarned or untold:
                asked = _Asked(
                    is_untold=is_untold,
                    told=told,
                    planned=situation.maintenances.keys() if is_replanned else None,
                    planned_told=planned_told,
                    diary=self._diary,
                    now=now,
                    untold=untold,
                    news=self._news,
                    bulletins=None if is_unwarned else self._bulletins,
                )
                self._note(await self.store.read(asked.read), asked)
            self._known = changes
        except BaseException:
            self._told |= told
            self._is_untold |= is_untold
            self._is_replanned |= is_replanned
            self._planned_told |= planned_told
            self._is_unwarned |= is_unwarned
            self._untold.add(untold)
            raise

    def _note(self, found: "_Found", asked: "_Asked") -> None:
        """Take over what was read."""
        others = () if asked.is_untold else (story for story in self._stories if story.incident.id not in asked.told)
        self._stories = tuple(sorted((*others, *found.stories), key=lambda s: (s.incident.opened_at, s.incident.id), reverse=True))
        self._diary, self._bulletins = found.diary, found.bulletins
        self._news = {**({} if asked.untold.is_everything else self._news), **found.news}

    async def _look_ahead(self, situation: Situation, now: datetime) -> None:
        """Work out a year of what comes again, once a day and beside the event loop: with many series it takes a while."""
        day = now.astimezone(UTC).date()
        if self._far is None or not self._far.holds(situation, day):
            since = now - BACK - AHEAD
            in_force = await self.store.read(lambda connection: recall.series_in_force(connection, since))
            self._far = await asyncio.to_thread(Far.of, situation, day, in_force)

    def _snapshot(self, situation: Situation, now: datetime, windows: tuple[Window, ...] | None = None) -> Snapshot:
        pasts, services = self.books.pasts, situation.topology.services
        never = () if services.keys() <= pasts.keys() else self._unwatched(now)
        return Snapshot(
            site=self.site,
            situation=situation,
            stories=self._stories,
            days={id: pasts[id].days if id in pasts else never for id in services},
            seen=seen_by_service(situation),
            public_ids=self.public_ids,
            page_id=self.installation.page_id,
            authority=self.installation.authority,
            minted=self.installation.minted,
            born=self.installation.born,
            created={id: past.created for id, past in pasts.items()},
            last_known={id: past.last_known for id, past in pasts.items()},
            levels=self.books.views,
            paces=self.paces(),
            windows=shown(situation, self._diary.over, self._diary.words, now) if windows is None else windows,
            news=self._news,
            bulletins=self._bulletins,
            agenda=() if self._far is None else agenda(situation, self._diary.over, self._diary.words, self._far, now),
        )

    def _unwatched(self, now: datetime) -> tuple[Day, ...]:
        """The bars of a service that nobody ever watched."""
        zone, as_of = ZoneInfo(self.site.timezone), now.replace(second=0, microsecond=0)
        return unwatched(self.installation.born, as_of.astimezone(zone).date(), as_of, zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What one look into the store is to bring: all stories or those of the incidents *told*.

    *planned* are the windows that are not over, where the *diary* is to be read anew; else it is where *planned_told* says so. *untold* is
    what feeds have not been told yet, beyond the *news*. *bulletins* are what is known of advisories; None: they are read anew.
    """

    is_untold: bool
    told: Collection[str]
    planned: Collection[str] | None
    planned_told: Collection[str]
    diary: Diary
    now: datetime
    untold: Untold
    news: Mapping[Topic, Tail]
    bulletins: tuple[Bulletin, ...] | None

    def read(self, connection: Connection) -> "_Found":
        """Read it all in one transaction, so that what is told and what is drawn agree."""
        return _Found(
            stories=queries.stories(connection) if self.is_untold else queries.stories_of(connection, self.told),
            diary=self._diary(connection),
            news=feed_rows.told(connection, self.news, self.untold),
            bulletins=tuple(newest_bulletins(connection)) if self.bulletins is None else self.bulletins,
        )

    def _diary(self, connection: Connection) -> Diary:
        if self.planned is not None:
            return Diary.read(connection, self.planned, self.now)
        return self.diary.reread(connection, self.planned_told, self.now) if self.planned_told else self.diary


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    stories: tuple[Story, ...]
    diary: Diary
    news: Mapping[Topic, Tail]
    bulletins: tuple[Bulletin, ...]


def seen_by_service(situation: Situation) -> dict[str, datetime]:
    """The newest slot with a result among all that watches each service."""
    by_component: dict[str, datetime] = {}
    for (monitor, _), slot in situation.seen.items():
        known = situation.topology.monitors.get(monitor)
        if known is not None:
            by_component[known.component] = max(slot, by_component.get(known.component, slot))
    seen: dict[str, datetime] = {}
    for id, service in situation.topology.services.items():
        slots = [by_component[part] for need in service.needs for part in need.of if part in by_component]
        if slots:
            seen[id] = max(slots)
    return seen


def public_names(topology: Topology, site: Site) -> list[str]:
    """What has a public id of its own: every service, and every group by its name in the site's language."""
    groups = {f"group:{said}" for s in topology.services.values() if s.group and (said := localised(s.group, site.language))}
    return [*topology.services, *sorted(groups)]
