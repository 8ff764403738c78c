"""The picture made into finished bytes, each under its path, so that a request needs nothing but a look-up."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from itertools import chain
from types import MappingProxyType
from typing import TypeVar

from statuspage import page as picture
from statuspage.news import About, Said, Tail, Topic
from statuspage.page import CapabilityView, IncidentView, Page, ServiceView, Site, Snapshot
from statuspage.planned import MaintenanceView, Window
from statuspage.render import badges, feeds
from statuspage.render.addresses import Document, Format, document_at, path_of
from statuspage.render.banner import banner
from statuspage.render.calendar import Calendar, Calendars, spell_calendar
from statuspage.render.compat import Compat
from statuspage.render.finished import Finished, finish
from statuspage.render.html import Html
from statuspage.render.jsonfeed import KIND, json_feed
from statuspage.render.kept import Kept
from statuspage.render.subscription import Subscription, Typed

Source = TypeVar("Source")

HTML = "text/html; charset=utf-8"
JSON = "application/json; charset=utf-8"
RSS = "application/rss+xml; charset=utf-8"
ATOM = "application/atom+xml; charset=utf-8"
SCRIPT = "text/javascript; charset=utf-8"
ICALENDAR = "text/calendar; charset=utf-8"
MISSING = "missing"
"""Stands among the paths for what is answered where there is nothing; no path begins like it."""


_ON_SHELF = (Topic(About.EVERYTHING), Topic(About.MAINTENANCE))
"""The feeds that are made at each change; the others when somebody asks."""

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class News:
    """What feeds are made from: the newest words by topic, and since when there could be any."""

    tails: Mapping[Topic, Tail]
    born: datetime

    def newest(self, page: Page, topic: Topic) -> feeds.Feed:
        """What the newest document about *topic* says. Until there are words about a service it is as old as the service."""
        created = {service.id: service.created_at for group in page.groups for service in group.services}
        return feeds.Feed.newest(page, topic, self.tails.get(topic, Tail()), created.get(topic.service, self.born))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One publication: everything the public may read, finished, by path. *missing* is the body of a 404, *publication* its name."""

    page: Page
    files: Mapping[str, Finished]
    missing: Finished
    publication: str


class Publisher:
    """Makes shelves, and keeps of the last one what has not changed: equal inputs give the very same ``Finished``.

    Not safe for two threads at once; whoever calls it sees to that.
    """

    def __init__(self, html: Html) -> None:
        self._html = html
        self._compat = Compat()
        self._spellers = {topic: feeds.Feeds() for topic in _ON_SHELF}
        self._news = News({}, _NEVER)
        self._kept = Kept[Finished]()
        self._calendars = Calendars()
        self._dates: _Dates | None = None
        self._calendar = Calendar("", ())

    def publish(self, snapshot: Snapshot, now: datetime) -> Shelf:
        """Draw *snapshot* as it stands at *now* and make every public byte. Pure of I/O; takes milliseconds of one core."""
        page = picture.build(snapshot, now)
        self._news = News(snapshot.news, snapshot.born)
        self._note_dates(snapshot, page)
        self._kept.turn()
        missing = self._drawn(MISSING, (page.site, page.as_of), lambda _: self._html.not_found(page), HTML)
        files = dict(chain(self._pages(page), self._spelled(page)))
        return Shelf(page=page, missing=missing, files=files, publication=publication_name(files))

    def _pages(self, page: Page) -> Iterable[tuple[str, Finished]]:
        yield "/", self._finished("/", self._html.page(page), HTML)
        services = tuple((one.id, one.name, one.level) for group in page.groups for one in group.services)
        path = "/service-levels"
        yield path, self._drawn(path, (page.site, page.as_of, services), lambda _: self._html.service_levels(page), HTML)
        path, today = "/subscribe", replace(page, as_of=page.as_of.replace(hour=0, minute=0))
        asked = (page.site, today.as_of, tuple((one.id, one.name) for group in page.groups for one in group.services))
        yield path, self._drawn(path, asked, lambda _: Subscription(self._html).form(today, Typed()), HTML)
        yield from self._windows(page)
        capabilities = {service.id: service.capabilities for group in page.groups for service in group.services}
        for view in page.open:
            affected = tuple(capabilities.get(one.service, ()) for one in view.services)
            path, opened = f"/incidents/{view.id}", _Open(page.site, view, page.as_of, affected)
            yield path, self._drawn(path, opened, partial(self._opened, page), HTML)
        for view in page.recent:
            path = f"/incidents/{view.id}"
            yield path, self._drawn(path, _Closed(page.site, view), partial(self._closed, page), HTML)

    def _windows(self, page: Page) -> Iterable[tuple[str, Finished]]:
        """The pages of planned work. They hold as of their last word, or of the day, so that a quiet hour keeps them."""
        today = page.as_of.replace(hour=0, minute=0)
        source = _Windows(page.site, page.planned, page.past, max(today, page.maintenance_updated))
        yield "/maintenance", self._drawn("/maintenance", source, partial(self._listed, page), HTML)
        for view in (*page.planned, *page.past):
            path, as_of = f"/maintenance/{view.id}", max(view.told_at, view.ended_at or today)
            yield path, self._drawn(path, _Window(page.site, view, as_of), partial(self._window, page), HTML)

    def _spelled(self, page: Page) -> Iterable[tuple[str, Finished]]:
        for topic, speller in self._spellers.items():
            feed = self._news.newest(page, topic)
            for form, (spell, kind) in _spellings(speller).items():
                path = path_of(Document(topic, form))
                yield path, self._drawn(path, feed, spell, kind)
        yield "/maintenance.ics", self._drawn("/maintenance.ics", self._calendar, spell_calendar, ICALENDAR)
        for path, body in self._compat.bodies(page).items():
            yield path, self._finished(path, body, JSON)
        yield "/banner.json", self._finished("/banner.json", banner(page), JSON)
        yield "/banner.js", self._finished("/banner.js", self._html.banner_script, SCRIPT)
        for path, (body, content_type) in self._html.assets().items():
            yield path, self._finished(path, body, content_type)

    def _note_dates(self, snapshot: Snapshot, page: Page) -> None:
        """Spell anew what calendars tell, where it is another than it was."""
        names = tuple((service.id, service.name) for group in page.groups for service in group.services)
        source = _Dates(page.site, page.authority, names, snapshot.agenda)
        if source != self._dates:
            events = self._calendars.events(picture.dates(snapshot, page), page.site.url, page.authority)
            self._dates, self._calendar = source, Calendar(page.site.name, events)

    def _finished(self, path: str, body: bytes, content_type: str) -> Finished:
        """Finish *body*, unless the last round's was the same."""
        return self._kept.made(path, body, partial(finish, content_type=content_type))

    def _drawn(self, path: str, source: Source, draw: Callable[[Source], bytes], content_type: str) -> Finished:
        """Draw *source* and finish it, unless the last round's was made from an equal one."""
        return self._kept.made(path, source, lambda source: finish(draw(source), content_type))

    def incident(self, page: Page, view: IncidentView) -> Finished:
        """Make the page of an incident that is no longer on the shelf; *page* gives the surroundings."""
        return finish(self._closed(page, _Closed(page.site, view)), HTML)

    def of_service(self, page: Page, path: str) -> Callable[[], Finished] | None:
        """What makes the page or a badge of a service, or a feed, by its *path*; None where there is none. It may run on any thread.

        They are made when somebody asks: to make all of them at each change would cost more than everything else.
        """
        services = {service.id: service for group in page.groups for service in group.services}
        document = document_at(path)
        if document is not None and document.number is None and document.topic.service in {"", *services}:
            return partial(_feed, self._news.newest(page, document.topic), document.format)
        id_ = path.removeprefix("/services/").removesuffix("/maintenance.ics")
        if id_ in services and path == f"/services/{id_}/maintenance.ics":
            return partial(_calendar, self._calendar.of_service(id_, services[id_].name))
        for face, make in _OF_SERVICE.items():
            start, _, end = face.partition("{id}")
            found = services.get(path.removeprefix(start).removesuffix(end)) if path.startswith(start) and path.endswith(end) else None
            if found is not None:
                return partial(make, self._html, page, found)
        return None

    def archive(self, page: Page, document: Document, said: Sequence[Said]) -> Finished:
        """Make the archive *document* from what is *said* in it; *page* gives the surroundings. It may run on any thread."""
        return _feed(feeds.Feed.archived(page, document.topic, said, document.number or 1), document.format)

    def paths_of_services(self, page: Page) -> tuple[str, ...]:
        """The path of everything that a service has, and that ``of_service`` makes."""
        ids = [service.id for group in page.groups for service in group.services]
        faces = (face.replace("{id}", id) for id in ids for face in _OF_SERVICE)
        topics = (Topic(about, id) for id in ids for about in (About.SERVICE, About.SERVICE_MAINTENANCE))
        return (*faces, *(path_of(Document(topic, form)) for topic in topics for form in Format))

    def maintenance(self, page: Page, view: MaintenanceView) -> Finished:
        """Make the page of a window that is no longer on the shelf; *page* gives the surroundings."""
        return finish(self._window(page, _Window(page.site, view, view.told_at)), HTML)

    def _listed(self, page: Page, source: "_Windows") -> bytes:
        return self._html.maintenances(replace(page, as_of=source.as_of))

    def _window(self, page: Page, source: "_Window") -> bytes:
        return self._html.maintenance(replace(page, as_of=source.as_of), source.view)

    def _opened(self, page: Page, opened: "_Open") -> bytes:
        return self._html.incident(page, opened.view)

    def _closed(self, page: Page, closed: "_Closed") -> bytes:
        return self._html.incident(replace(page, as_of=closed.as_of), closed.view)


def publication_name(files: Mapping[str, Finished]) -> str:
    """Name a publication by its content alone, so that a restart keeps the name."""
    return sha256("".join(f"{path} {finished.etag}\n" for path, finished in sorted(files.items())).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Open:
    """What the page of an incident that goes on is made from; *affected* is what its services can still do, in their order."""

    site: Site
    view: IncidentView
    as_of: datetime
    affected: tuple[tuple[CapabilityView, ...], ...]


@dataclass(frozen=True, slots=True)
class _Closed:
    """What the page of an incident that is over is made from. It holds as of its last word, so nothing later makes it anew."""

    site: Site
    view: IncidentView

    @property
    def as_of(self) -> datetime:
        view = self.view
        told = [at for update in view.updates for at in (update.at, update.edited_at) if at is not None]
        return max([view.published_at, *told, *([view.resolved_at] if view.resolved_at else [])])


@dataclass(frozen=True, slots=True)
class _Windows:
    """What the list of planned work is made from."""

    site: Site
    planned: tuple[MaintenanceView, ...]
    past: tuple[MaintenanceView, ...]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class _Window:
    """What the page of a window is made from."""

    site: Site
    view: MaintenanceView
    as_of: datetime


@dataclass(frozen=True, slots=True)
class _Dates:
    """What calendars are made from; *names* are those of services, by id."""

    site: Site
    authority: str
    names: tuple[tuple[str, str], ...]
    windows: tuple[Window, ...]


def _calendar(calendar: Calendar) -> Finished:
    return finish(spell_calendar(calendar), ICALENDAR)


def _service_page(html: Html, page: Page, service: ServiceView) -> Finished:
    return finish(html.service(page, service), HTML)


def _feed(feed: feeds.Feed, form: Format) -> Finished:
    spell, kind = _spellings(feeds.Feeds())[form]
    return finish(spell(feed), kind)


def _spellings(speller: feeds.Feeds) -> Mapping[Format, tuple[Callable[[feeds.Feed], bytes], str]]:
    return {Format.RSS: (speller.rss, RSS), Format.ATOM: (speller.atom, ATOM), Format.JSON: (json_feed, KIND)}


def _badge(spell: Callable[[ServiceView], bytes], kind: str, _: Html, __: Page, service: ServiceView) -> Finished:
    return finish(spell(service), kind)


_OF_SERVICE: Mapping[str, Callable[[Html, Page, ServiceView], Finished]] = MappingProxyType(
    {
        "/services/{id}": _service_page,
        "/badges/{id}.svg": partial(_badge, badges.svg, badges.SVG),
        "/badges/{id}.json": partial(_badge, badges.shields, JSON),
    }
)
"""What each service has, by its path."""
