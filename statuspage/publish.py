"""The picture made into finished bytes, each under its path, so that a request needs nothing but a look-up."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import chain
from typing import TypeVar

from statuspage import page as picture
from statuspage.page import CapabilityView, IncidentView, Page, Site, Snapshot
from statuspage.render import feeds
from statuspage.render.compat import Compat
from statuspage.render.finished import Finished, finish
from statuspage.render.html import Html
from statuspage.render.kept import Kept

Source = TypeVar("Source")

HTML = "text/html; charset=utf-8"
JSON = "application/json; charset=utf-8"
RSS = "application/rss+xml; charset=utf-8"
ATOM = "application/atom+xml; charset=utf-8"
MISSING = "missing"
"""Stands among the paths for what is answered where there is nothing; no path begins like it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One publication: everything the public may read, finished, by path. *missing* is the body of a 404."""

    page: Page
    files: Mapping[str, Finished]
    missing: Finished


class Publisher:
    """Makes shelves, and keeps of the last one what has not changed: equal inputs give the very same ``Finished``.

    Not safe for two threads at once; whoever calls it sees to that.
    """

    def __init__(self, html: Html) -> None:
        self._html = html
        self._compat = Compat()
        self._feeds = feeds.Feeds()
        self._kept = Kept[Finished]()

    def publish(self, snapshot: Snapshot, now: datetime) -> Shelf:
        """Draw *snapshot* as it stands at *now* and make every public byte. Pure of I/O; takes milliseconds of one core."""
        page = picture.build(snapshot, now)
        self._kept.turn()
        missing = self._drawn(MISSING, (page.site, page.as_of), lambda _: self._html.not_found(page), HTML)
        return Shelf(page=page, missing=missing, files=dict(chain(self._pages(page), self._spelled(page))))

    def _pages(self, page: Page) -> Iterable[tuple[str, Finished]]:
        yield "/", self._finished("/", self._html.page(page), HTML)
        services = tuple((one.id, one.name, one.level) for group in page.groups for one in group.services)
        path = "/service-levels"
        yield path, self._drawn(path, (page.site, page.as_of, services), lambda _: self._html.service_levels(page), HTML)
        capabilities = {service.id: service.capabilities for group in page.groups for service in group.services}
        for view in page.open:
            affected = tuple(capabilities.get(one.service, ()) for one in view.services)
            path, opened = f"/incidents/{view.id}", _Open(page.site, view, page.as_of, affected)
            yield path, self._drawn(path, opened, partial(self._opened, page), HTML)
        for view in page.recent:
            path = f"/incidents/{view.id}"
            yield path, self._drawn(path, _Closed(page.site, view), partial(self._closed, page), HTML)

    def _spelled(self, page: Page) -> Iterable[tuple[str, Finished]]:
        feed = feeds.Feed.of(page)
        yield "/history.rss", self._drawn("/history.rss", feed, self._feeds.rss, RSS)
        yield "/history.atom", self._drawn("/history.atom", feed, self._feeds.atom, ATOM)
        for path, body in self._compat.bodies(page).items():
            yield path, self._finished(path, body, JSON)
        for path, (body, content_type) in self._html.assets().items():
            yield path, self._finished(path, body, content_type)

    def _finished(self, path: str, body: bytes, content_type: str) -> Finished:
        """Finish *body*, unless the last round's was the same."""
        return self._kept.made(path, body, partial(finish, content_type=content_type))

    def _drawn(self, path: str, source: Source, draw: Callable[[Source], bytes], content_type: str) -> Finished:
        """Draw *source* and finish it, unless the last round's was made from an equal one."""
        return self._kept.made(path, source, lambda source: finish(draw(source), content_type))

    def incident(self, page: Page, view: IncidentView) -> Finished:
        """Make the page of an incident that is no longer on the shelf; *page* gives the surroundings."""
        return finish(self._closed(page, _Closed(page.site, view)), HTML)

    def _opened(self, page: Page, opened: "_Open") -> bytes:
        return self._html.incident(page, opened.view)

    def _closed(self, page: Page, closed: "_Closed") -> bytes:
        return self._html.incident(replace(page, as_of=closed.as_of), closed.view)


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
