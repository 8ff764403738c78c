"""The picture made into finished bytes, each under its path, so that a request needs nothing but a look-up."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from types import MappingProxyType

from statuspage.picture import archive
from statuspage.picture import page as picture
from statuspage.picture.advisories import AdvisoryView, in_force
from statuspage.picture.news import FLOORS, About, Said, Tail, Topic
from statuspage.picture.page import IncidentView, Page, ServiceView, Snapshot
from statuspage.picture.planned import MaintenanceView
from statuspage.render import badges, feeds
from statuspage.render.addresses import Document, Format, document_at, path_of
from statuspage.render.banner import banner
from statuspage.render.calendar import Calendar, spell_calendar
from statuspage.render.compat import Compat
from statuspage.render.finished import Finished, finish
from statuspage.render.html import Html
from statuspage.render.jsonfeed import KIND, json_feed
from statuspage.render.sitemap import PLAIN, XML, robots, sitemap
from statuspage.render.subscription import Subscription, Typed
from statuspage.render.tongue import Tongue
from statuspage.sheets import ClosedSource, DatesSource, OpenSource, SpelledSource, WarnedSource, WindowSource, WindowsSource
from statuspage.translation import Bench, Sheet, Translation, split

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

    def newest(self, page: Page, tongue: Tongue, topic: Topic, speller: feeds.Feeds) -> feeds.Feed:
        """What the newest document about *topic* says. Until there are words about a service it is as old as the service."""
        created = {service.id: service.created_at for group in page.groups for service in group.services}
        return speller.newest(page, tongue, topic, self.tails.get(topic, Tail()), created.get(topic.of, self.born))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One publication: everything the public may read, finished, by path. *missing* is the body of a 404, *publication* its name.

    *translations* are the languages in which it stands under paths of their own (``/de/…``), by their codes.
    """

    page: Page
    files: Mapping[str, Finished]
    missing: Finished
    publication: str
    translations: Mapping[str, Translation] = field(default_factory=lambda: MappingProxyType({}))


class Publisher:
    """Makes shelves, and keeps of the last one what has not changed: equal inputs give the very same ``Finished``.

    Not safe for two threads at once; whoever calls it sees to that. *logo* is the path, bytes and kind of a sign for the head of each page.
    """

    def __init__(self, html: Html, logo: tuple[str, bytes, str] | None = None) -> None:
        self._html, self.logo = html, logo
        self._compat = Compat()
        self._benches: dict[str, Bench] = {}
        self._spellers: dict[tuple[str, Topic], feeds.Feeds] = {}
        self._news = News({}, _NEVER)
        self._dates: dict[str, SpelledSource] = {}

    def publish(self, snapshot: Snapshot, now: datetime) -> Shelf:
        """Draw *snapshot* as it stands at *now* and make every public byte of the site's language.

        Pure of I/O; takes milliseconds of one core.
        """
        page, bench = picture.build(snapshot, now), self._benches.setdefault("", Bench())
        self._news = News(snapshot.news, snapshot.born)
        bench.turn()
        told = {sheet.path: bench.finished(sheet) for sheet in self._told(snapshot, page)}
        files = {path: finished for path, finished in told.items() if path != MISSING}
        files |= {sheet.path: bench.finished(sheet) for sheet in self._plain(page)}
        translations = {code: self._translation(snapshot, now, page, told.keys(), code) for code in snapshot.site.languages}
        return Shelf(page=page, missing=told[MISSING], files=files, publication=publication_name(files), translations=translations)

    def paths(self, shelf: Shelf) -> Iterator[str]:
        """Every path that there is in *shelf*, in all languages, also of what is made only when somebody asks; but of nothing older."""
        topics = (*map(Topic, FLOORS), *(Topic(About.GROUP, group.public_id) for group in shelf.page.groups if group.public_id))
        fed = (path_of(Document(topic, form)) for topic in topics for form in Format)
        calendars = (f"/services/{service.id}/maintenance.ics" for group in shelf.page.groups for service in group.services)
        aside = (*self.paths_of_services(shelf.page), *fed, *calendars)
        yield from dict.fromkeys((*shelf.files, *aside))
        for code, translation in shelf.translations.items():
            yield from (f"/{code}{path}" for path in dict.fromkeys((*translation.paths, *aside)) if path != MISSING)

    def made(self, shelf: Shelf, path: str) -> Finished | None:
        """What stands at *path* in *shelf*, from wherever it comes; None where there is nothing. It may be called on any thread."""
        if path in shelf.files:
            return shelf.files[path]
        code, rest = split(path, shelf.translations)
        make = self.of_service(shelf.page, path) if code is None else shelf.translations[code].maker(rest)
        return None if make is None else make()

    def _translation(self, snapshot: Snapshot, now: datetime, own: Page, paths: Collection[str], code: str) -> Translation:
        return Translation(
            draw=partial(picture.build, snapshot, now, code),
            sheets=partial(self._told, snapshot),
            aside=self.of_service,
            bench=self._benches.setdefault(code, Bench()),
            own=own,
            paths=frozenset(paths),
        )

    def _told(self, snapshot: Snapshot, page: Page) -> Iterator[Sheet]:
        """All that is told in the language of *page*; what there is does not depend on it."""
        self._note_dates(snapshot, page)
        yield Sheet(MISSING, partial(self._html.not_found, page), HTML, (page.site, page.as_of))
        yield from self._pages(page)
        yield from self._fed(page)
        calendar = self._dates[page.root].calendar
        if not page.site.is_private:
            yield Sheet("/banner.json", partial(banner, page, self._html.tongue(page)), JSON)
        yield Sheet("/maintenance.ics", partial(spell_calendar, calendar, self._html.tongue(page)), ICALENDAR, calendar)

    def _plain(self, page: Page) -> Iterator[Sheet]:
        """What is the same for all readers."""
        for path, body in self._compat.bodies(page).items():
            yield Sheet(path, partial(bytes, body), JSON)
        for path, (body, content_type) in self._html.assets().items():
            yield Sheet(path, partial(bytes, body), content_type)
        if self.logo is not None:
            path, body, content_type = self.logo
            yield Sheet(path, partial(bytes, body), content_type)
        if not page.site.is_private:
            yield from self._for_others(page)

    def _for_others(self, page: Page) -> Iterator[Sheet]:
        """What other people's sites and search engines ask for."""
        yield Sheet("/banner.js", partial(bytes, self._html.banner_script), SCRIPT)
        yield Sheet("/robots.txt", partial(robots, page.site.url, page.site.languages), PLAIN, page.site)
        paths = tuple(self._found(page))
        yield Sheet("/sitemap.xml", partial(sitemap, page.site.url, paths), XML, (page.site.url, paths))

    def _found(self, page: Page) -> Iterator[str]:
        """The pages that a search may lead to; those of older incidents and windows are reached by their months."""
        ids = [service.id for group in page.groups for service in group.services]
        yield from ("/", *(f"/services/{id}" for id in ids), "/maintenance", "/service-levels")
        yield from (f"/incidents/{view.id}" for view in (*page.open, *page.recent))
        yield from (f"/maintenance/{view.id}" for view in (*page.planned, *page.past) if view.is_announced)
        yield from (f"/advisories/{view.id}" for view in (*page.advisories, *page.past_advisories))
        yield from archive.paths(self._news.born, page.as_of, page.site.timezone, ())

    def _pages(self, page: Page) -> Iterator[Sheet]:
        yield Sheet("/", partial(self._html.page, page), HTML)
        services = tuple((one.id, one.name, one.level) for group in page.groups for one in group.services)
        yield Sheet("/service-levels", partial(self._html.service_levels, page), HTML, (page.site, page.as_of, services))
        yield from self._forms(page)
        yield from self._windows(page)
        capabilities = {service.id: service.capabilities for group in page.groups for service in group.services}
        for view in page.open:
            hit = [one.service for one in view.services]
            affected = tuple(capabilities.get(id, ()) for id in hit)
            yield Sheet(
                f"/incidents/{view.id}",
                partial(self._html.incident, page, view),
                HTML,
                OpenSource(page.site, view, page.as_of, affected, in_force(page.advisories, hit)),
            )
        for advisory in (*page.advisories, *page.past_advisories):
            warned = WarnedSource.of(page, advisory)
            yield Sheet(f"/advisories/{advisory.id}", partial(self._advisory, page, warned), HTML, warned)
        for view in page.recent:
            closed = ClosedSource(page.site, view)
            yield Sheet(f"/incidents/{view.id}", partial(self._closed, page, closed), HTML, closed)

    def _forms(self, page: Page) -> Iterator[Sheet]:
        """Where readers subscribe, and say what is broken for them; as far as the page takes it."""
        today = replace(page, as_of=page.as_of.replace(hour=0, minute=0))
        asked = (page.site, today.as_of, tuple((one.id, one.name) for group in page.groups for one in group.services))
        if page.site.is_main:
            yield Sheet("/subscribe", partial(Subscription(self._html).form, today, Typed()), HTML, asked)
        if page.site.takes_answers:
            yield Sheet("/report", partial(self._html.reports, today), HTML, asked)

    def _windows(self, page: Page) -> Iterator[Sheet]:
        """The pages of planned work. They hold as of their last word, or of the day, so that a quiet hour keeps them."""
        today = page.as_of.replace(hour=0, minute=0)
        source = WindowsSource(page.site, page.planned, page.past, max(today, page.maintenance_updated))
        yield Sheet("/maintenance", partial(self._html.maintenances, replace(page, as_of=source.as_of)), HTML, source)
        for view in (*page.planned, *page.past):
            window = WindowSource(page.site, view, max(view.told_at, view.ended_at or today))
            yield Sheet(f"/maintenance/{view.id}", partial(self._window, page, window), HTML, window)

    def _fed(self, page: Page) -> Iterator[Sheet]:
        for topic in _ON_SHELF:
            speller = self._spellers.setdefault((page.root, topic), feeds.Feeds())
            feed = self._news.newest(page, self._html.tongue(page), topic, speller)
            for form, (spell, kind) in _spellings(speller).items():
                yield Sheet(path_of(Document(topic, form)), partial(spell, feed), kind, feed)

    def _note_dates(self, snapshot: Snapshot, page: Page) -> None:
        """Spell anew what calendars tell in the language of *page*, where it is another than it was."""
        names = tuple((service.id, service.name) for group in page.groups for service in group.services)
        source, kept = DatesSource(page.site, page.authority, names, snapshot.agenda), self._dates.setdefault(page.root, SpelledSource())
        if source != kept.source:
            stem, tongue = f"{page.site.url}{page.root}", self._html.tongue(page)
            events = kept.calendars.events(picture.dates(snapshot, page), stem, page.authority, tongue)
            kept.source, kept.calendar = source, Calendar(page.site.name, events)

    def incident(self, page: Page, view: IncidentView) -> Finished:
        """Make the page of an incident that is no longer on the shelf; *page* gives the surroundings."""
        return finish(self._closed(page, ClosedSource(page.site, view)), HTML)

    def of_service(self, page: Page, path: str) -> Callable[[], Finished] | None:
        """What makes the page or a badge of a service, or a feed, by its *path*; None where there is none. It may run on any thread.

        They are made when somebody asks: to make all of them at each change would cost more than everything else.
        """
        services = {service.id: service for group in page.groups for service in group.services}
        document = document_at(path)
        if document is not None and document.number is None and tells(page, document.topic):
            return partial(self._newest, page, document)
        id_ = path.removeprefix("/services/").removesuffix("/maintenance.ics")
        if id_ in services and path == f"/services/{id_}/maintenance.ics":
            return partial(self._calendar, page, services[id_])
        for face, make in _faces(page).items():
            start, _, end = face.partition("{id}")
            found = services.get(path.removeprefix(start).removesuffix(end)) if path.startswith(start) and path.endswith(end) else None
            if found is not None:
                return partial(make, self._html, page, found)
        return None

    def _newest(self, page: Page, document: Document) -> Finished:
        return _feed(self._news.newest(page, self._html.tongue(page), document.topic, feeds.Feeds()), document.format)

    def _calendar(self, page: Page, service: ServiceView) -> Finished:
        calendar = self._dates[page.root].calendar.of_service(service.id, service.name)
        return finish(spell_calendar(calendar, self._html.tongue(page)), ICALENDAR)

    def archive(self, shelf: Shelf, document: Document, said: Sequence[Said], language: str | None = None) -> Finished:
        """Make the archive *document* from what is *said* in it, as it stands under the path of *language*. It may run on any thread."""
        page = shelf.page if language is None else shelf.translations[language].page()
        topic, number, born = document.topic, document.number or 1, self._news.born
        return _feed(feeds.Feed.archived(page, self._html.tongue(page), topic, said, number, since=born), document.format)

    def paths_of_services(self, page: Page) -> tuple[str, ...]:
        """The path of everything that a service has, and that ``of_service`` makes."""
        ids = [service.id for group in page.groups for service in group.services]
        faces = (face.replace("{id}", id) for id in ids for face in _faces(page))
        topics = (Topic(about, id) for id in ids for about in (About.SERVICE, About.SERVICE_MAINTENANCE))
        return (*faces, *(path_of(Document(topic, form)) for topic in topics for form in Format))

    def maintenance(self, page: Page, view: MaintenanceView) -> Finished:
        """Make the page of a window that is no longer on the shelf; *page* gives the surroundings."""
        return finish(self._window(page, WindowSource(page.site, view, view.told_at)), HTML)

    def advisory(self, page: Page, view: AdvisoryView) -> Finished:
        """Make the page of an advisory that is no longer on the shelf; *page* gives the surroundings."""
        return finish(self._advisory(page, WarnedSource.of(page, view)), HTML)

    def _advisory(self, page: Page, source: "WarnedSource") -> bytes:
        return self._html.advisory(replace(page, as_of=source.as_of), source.view)

    def _window(self, page: Page, source: "WindowSource") -> bytes:
        return self._html.maintenance(replace(page, as_of=source.as_of), source.view)

    def _closed(self, page: Page, closed: "ClosedSource") -> bytes:
        return self._html.incident(replace(page, as_of=closed.as_of), closed.view)


def publication_name(files: Mapping[str, Finished]) -> str:
    """Name a publication by its content alone, so that a restart keeps the name."""
    return sha256("".join(f"{path} {finished.etag}\n" for path, finished in sorted(files.items())).encode()).hexdigest()[:16]


def tells(page: Page, topic: Topic) -> bool:
    """Whether *page* has a feed about *topic*."""
    return topic.of in _subjects(page, topic)


def _subjects(page: Page, topic: Topic) -> Collection[str]:
    """Of what there is a feed like that about *topic*."""
    match topic.about:
        case About.GROUP:
            return {group.public_id for group in page.groups if group.public_id}
        case About.SERVICE | About.SERVICE_MAINTENANCE:
            return {service.id for group in page.groups for service in group.services}
        case _:
            return ("",)


def _faces(page: Page) -> Mapping[str, Callable[[Html, Page, ServiceView], Finished]]:
    """What each service of *page* has."""
    return _OF_SERVICE if page.site.takes_answers else _WITHOUT_FORMS


def _service_page(html: Html, page: Page, service: ServiceView) -> Finished:
    return finish(html.service(page, service), HTML)


def _report_page(html: Html, page: Page, service: ServiceView) -> Finished:
    return finish(html.report(page, service), HTML)


def _feed(feed: feeds.Feed, form: Format) -> Finished:
    spell, kind = _spellings(feeds.Feeds())[form]
    return finish(spell(feed), kind)


def _spellings(speller: feeds.Feeds) -> Mapping[Format, tuple[Callable[[feeds.Feed], bytes], str]]:
    return {Format.RSS: (speller.rss, RSS), Format.ATOM: (speller.atom, ATOM), Format.JSON: (json_feed, KIND)}


def _badge(spell: Callable[[ServiceView, Tongue], bytes], kind: str, html: Html, page: Page, service: ServiceView) -> Finished:
    return finish(spell(service, html.tongue(page)), kind)


_OF_SERVICE: Mapping[str, Callable[[Html, Page, ServiceView], Finished]] = MappingProxyType(
    {
        "/services/{id}": _service_page,
        "/report/{id}": _report_page,
        "/badges/{id}.svg": partial(_badge, badges.svg, badges.SVG),
        "/badges/{id}.json": partial(_badge, badges.shields, JSON),
    }
)
"""What each service has, by its path."""

_WITHOUT_FORMS = MappingProxyType({face: make for face, make in _OF_SERVICE.items() if make is not _report_page})
