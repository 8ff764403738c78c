"""What is published for the readers of one page: its shelf, what is older, and single pictures, all cut from what is known to its scope."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from statuspage.clock import Now
from statuspage.picture import scope
from statuspage.picture.advisories import Bulletin
from statuspage.picture.news import Tail, Topic
from statuspage.picture.page import IncidentView, Page, Snapshot, Story, build
from statuspage.picture.planned import Window
from statuspage.picture.scope import Cutter
from statuspage.publish import Publisher, Shelf, tells
from statuspage.render.addresses import Document, document_at
from statuspage.render.finished import Finished
from statuspage.render.fresh import Fresh, fresh
from statuspage.store import feed_rows, queries
from statuspage.store.advisory_rows import read_bulletins
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable
from statuspage.store.maintenance_rows import maintenance_words, read_maintenances
from statuspage.translation import split

Whole = Callable[[tuple[Window, ...] | None], Snapshot]
"""Gives all that is known now; with those windows in it where some are given."""


@dataclass(slots=True, kw_only=True)
class Edition:
    """Keeps the newest *shelf* of one page. *whole* is what it is drawn from, once *cutter* has left out what its readers may not know."""

    store: Store
    publisher: Publisher
    cutter: Cutter
    whole: Whole
    now: Now
    shelf: Shelf | None = None
    _news: Mapping[Topic, Tail] = field(default_factory=dict)
    _age: tuple[datetime, Fresh] | None = None

    async def publish(self, whole: Snapshot, now: datetime) -> Shelf:
        """Make and show the shelf of what is known as *whole*, beside the event loop."""

        def make() -> tuple[Shelf, Mapping[Topic, Tail]]:
            snapshot = self.cutter.snapshot(whole)
            return self.publisher.publish(snapshot, now), snapshot.news

        shelf, self._news = await asyncio.to_thread(make)
        self.shelf, self._age = shelf, None
        return shelf

    def of_service(self, path: str) -> Callable[[], Finished] | None:
        """What makes the page, a feed or a badge of a service from the newest picture; None where there is none at this *path*."""
        return None if self.shelf is None else self.publisher.of_service(self.shelf.page, path)

    def has(self, service: str) -> bool:
        """Whether *service* is on the newest shelf."""
        return self.shelf is not None and any(service == one.id for group in self.shelf.page.groups for one in group.services)

    def picture(
        self, stories: Sequence[Story], windows: Sequence[Window], language: str | None = None, bulletins: Sequence[Bulletin] = ()
    ) -> Page:
        """The picture of these stories, windows and advisories alone, as under the path of *language*, or the site's. On any thread.

        What is not for the page's readers is not in it.
        """
        return self._drawn(replace(self.whole(tuple(windows)), stories=tuple(stories), bulletins=tuple(bulletins)), language)

    def narrowed(
        self, stories: tuple[Story, ...], windows: tuple[Window, ...], bulletins: tuple[Bulletin, ...]
    ) -> tuple[tuple[Story, ...], tuple[Window, ...], tuple[Bulletin, ...]]:
        """What of *stories*, *windows* and *bulletins* the page's readers may know."""
        if self.cutter.scope.is_whole:
            return stories, windows, bulletins
        cut = self.cutter.snapshot(replace(self.whole(windows), stories=stories, bulletins=bulletins))
        return cut.stories, cut.windows, cut.bulletins

    def known(self, stories: tuple[Story, ...]) -> tuple[Story, ...]:
        """What of *stories* the page's readers may know."""
        return self.narrowed(stories, (), ())[0]

    def _drawn(self, whole: Snapshot, language: str | None) -> Page:
        return build(self.cutter.snapshot(whole), self.now(), language)

    async def older(self, path: str) -> Finished | None:
        """The page of an incident, a window or an advisory that left the shelf, or an archive; None where its readers know none at *path*.

        Errors: TimeoutError while the store is away.
        """
        language, own = split(path, () if self.shelf is None else self.shelf.translations)
        room, _, id_ = own.strip("/").partition("/")
        document = document_at(own)
        try:
            if document is not None:
                return await self._archive(document, language)
            find = {"incidents": self._older_incident, "maintenance": self._older_window, "advisories": self._older_advisory}[room]
            return await find(id_, language)
        except StoreUnavailable as error:
            raise TimeoutError("the store is away") from error

    async def _archive(self, document: Document, language: str | None) -> Finished | None:
        """A closed archive of a feed. Which there are is known without a look into the store."""
        topic, number, shelf = document.topic, document.number, self.shelf
        if shelf is None or number is None or number > self._news.get(topic, Tail()).archives or not tells(shelf.page, topic):
            return None
        kept = self.cutter.kept(topic)
        told = await self.store.read(lambda connection: feed_rows.archive(connection, kept, number))

        def draw() -> Finished:
            topology, voices = self.whole(()).situation.topology, shelf.page.site.voices
            said = told if self.cutter.scope.is_whole else scope.said(told, self.cutter.scope, topology, voices)
            return self.publisher.archive(shelf, document, said, language)

        return await asyncio.to_thread(draw)

    async def incident(self, id_: str) -> IncidentView | None:
        """An incident as the page's readers know it, on the shelf or older; None where they know none. Errors: StoreUnavailable."""
        known = () if self.shelf is None else (*self.shelf.page.open, *self.shelf.page.recent)
        on_shelf = next((view for view in known if view.id == id_), None)
        story = await self._published(id_) if on_shelf is None else None
        if story is None:
            return on_shelf
        page = await asyncio.to_thread(self.picture, (story,), ())
        return next(iter((*page.open, *page.recent)), None)

    async def _published(self, id_: str) -> Story | None:
        story = await self.store.read(lambda connection: queries.story(connection, id_))
        return None if story is None or story.incident.published_at is None else story

    async def _older_incident(self, id_: str, language: str | None) -> Finished | None:
        story = await self._published(id_)
        if story is None:
            return None

        def draw() -> Finished | None:
            page = self.picture((story,), (), language)
            views = (*page.open, *page.recent)
            return self.publisher.incident(page, views[0]) if views else None

        return await asyncio.to_thread(draw)

    async def _older_window(self, id_: str, language: str | None) -> Finished | None:
        def read(connection: Connection) -> tuple[Window, ...]:
            kept, words = read_maintenances(connection, [id_]), maintenance_words(connection, [id_])
            return tuple(Window(maintenance=one, updates=words[id_]) for one in kept.values() if one.is_public)

        windows = await self.store.read(read)
        if not windows:
            return None

        def draw() -> Finished | None:
            page = self._drawn(self.whole(windows), language)
            views = (*page.planned, *page.past)
            return self.publisher.maintenance(page, views[0]) if views else None

        return await asyncio.to_thread(draw)

    async def _older_advisory(self, id_: str, language: str | None) -> Finished | None:
        bulletins = await self.store.read(lambda connection: read_bulletins(connection, [id_]))

        def draw() -> Finished | None:
            page = self.picture((), (), language, bulletins)
            views = (*page.advisories, *page.past_advisories)
            return self.publisher.advisory(page, views[0]) if views else None

        return await asyncio.to_thread(draw) if bulletins else None

    def fresh(
        self, *, as_of: datetime, stale_after: float, services: Collection[str], seen: Callable[[], Mapping[str, datetime]]
    ) -> Fresh | None:
        """How old the picture is, to the second, where it was last true *as_of* that; None before the first shelf.

        *seen* gives the newest result of those of *services* that have any.
        """
        if self.shelf is None:
            return None
        as_of = as_of.replace(microsecond=0)
        if self._age is None or self._age[0] != as_of:
            known = seen()
            told = {id: known.get(id) for id in services if self.cutter.scope.tells_of(id)}
            self._age = (as_of, fresh(as_of=as_of, publication=self.shelf.publication, stale_after=stale_after, seen=told))
        return self._age[1]
