"""The picture made into finished bytes, each under its path, so that a request needs nothing but a look-up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from statuspage import page as picture
from statuspage.page import IncidentView, Page, Site, Snapshot
from statuspage.render import feeds
from statuspage.render.compat import Compat
from statuspage.render.finished import Finished, finish
from statuspage.render.html import Html

Source = TypeVar("Source")

HTML = "text/html; charset=utf-8"
JSON = "application/json; charset=utf-8"
RSS = "application/rss+xml; charset=utf-8"
ATOM = "application/atom+xml; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One publication: everything the public may read, finished, by path. *missing* is the body of a 404."""

    page: Page
    files: Mapping[str, Finished]
    missing: Finished


@dataclass(frozen=True, slots=True)
class _Kept:
    source: object
    finished: Finished


class Publisher:
    """Makes shelves, and keeps of the last one what has not changed: equal inputs give the very same ``Finished``.

    Not safe for two threads at once; whoever calls it sees to that.
    """

    def __init__(self, html: Html) -> None:
        self._html = html
        self._compat = Compat()
        self._kept: dict[str, _Kept] = {}

    def publish(self, snapshot: Snapshot, now: datetime) -> Shelf:
        """Draw *snapshot* as it stands at *now* and make every public byte. Pure of I/O; takes milliseconds of one core."""
        page = picture.build(snapshot, now)
        made = _Making(self._kept)
        missing = made.body("404", self._html.not_found(page), HTML)
        self._make_pages(made, page)
        entries = feeds.Feed.of(page)
        made.source("/history.rss", entries, feeds.rss, RSS)
        made.source("/history.atom", entries, feeds.atom, ATOM)
        for path, body in self._compat.bodies(page).items():
            made.body(path, body, JSON)
        for path, (body, content_type) in self._html.assets().items():
            made.body(path, body, content_type)
        self._kept = made.kept
        files = {path: kept.finished for path, kept in made.kept.items() if path.startswith("/")}
        return Shelf(page=page, files=files, missing=missing)

    def incident(self, page: Page, view: IncidentView) -> Finished:
        """Make the page of an incident that is no longer on the shelf; *page* gives the surroundings."""
        return finish(self._closed(page, _Closed(page.site, view)), HTML)

    def _make_pages(self, made: "_Making", page: Page) -> None:
        made.body("/", self._html.page(page), HTML)
        for view in page.open:
            made.body(f"/incidents/{view.id}", self._html.incident(page, view), HTML)
        for view in page.recent:
            made.source(f"/incidents/{view.id}", _Closed(page.site, view), partial(self._closed, page), HTML)

    def _closed(self, page: Page, closed: "_Closed") -> bytes:
        return self._html.incident(replace(page, as_of=closed.as_of), closed.view)


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


class _Making:
    """One round: takes what can be kept from the last round, makes the rest."""

    def __init__(self, before: Mapping[str, _Kept]) -> None:
        self._before = before
        self.kept: dict[str, _Kept] = {}

    def body(self, path: str, body: bytes, content_type: str) -> Finished:
        """Finish *body*, unless the last round's was the same."""
        before = self._before.get(path)
        finished = before.finished if before is not None and before.finished.body == body else finish(body, content_type)
        self.kept[path] = _Kept(None, finished)
        return finished

    def source(self, path: str, source: Source, render: Callable[[Source], bytes], content_type: str) -> Finished:
        """Render *source* and finish it, unless the last round's was made from an equal one."""
        before = self._before.get(path)
        finished = before.finished if before is not None and before.source == source else finish(render(source), content_type)
        self.kept[path] = _Kept(source, finished)
        return finished
