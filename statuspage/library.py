"""What readers ask for of the past: the months that went by, read from the store when somebody asks, at a cost that the month sets.

While the store is away it cannot be told; nothing else waits for it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Self

from sqlalchemy import Connection

from incidents.levels.availability import Ledger
from incidents.levels.terms import in_force
from statuspage.edition import Edition
from statuspage.ledgers import TICK, ledger_of
from statuspage.picture.advisories import Bulletin
from statuspage.picture.archive import NEWEST, Archive, Asked, addressed, all_months, archive, month_of, paths, span_of
from statuspage.picture.figures import MonthView, month_view
from statuspage.picture.levels import Month
from statuspage.picture.page import Page, Story
from statuspage.picture.planned import Window
from statuspage.picture.search import Query, searched, typed
from statuspage.picture.search import asked as asked_for
from statuspage.press import Press
from statuspage.publish import HTML, Shelf
from statuspage.render.finished import Finished, finish
from statuspage.render.history import Answer
from statuspage.render.html import Html
from statuspage.render.ledgers import Asked as Document
from statuspage.render.ledgers import addressed as ledger_at
from statuspage.render.ledgers import document
from statuspage.store.advisory_rows import bulletins_in
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable
from statuspage.store.ledger_rows import terms_of
from statuspage.store.months import first_told, stories_in, windows_in
from statuspage.store.words import Found, find, words_of_story
from statuspage.translation import split

MOST_FOUND = 30
"""Incidents and windows that a search shows."""

MOST_LOOKED_AT = 300
"""The same where some of what is found may not be shown."""

MOST_KEPT = 128
"""Pages whose bytes are kept for as long as what they tell is the same."""

MINUTE = timedelta(minutes=1)

Draw = Callable[[Sequence[Story], Sequence[Window], str | None, Sequence[Bulletin]], Page]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A month as the store has it; *months* is how services were whose figures the books do not keep."""

    first: date
    stories: tuple[Story, ...]
    windows: tuple[Window, ...]
    bulletins: Sequence[Bulletin]
    months: Mapping[str, MonthView]


@dataclass(slots=True, kw_only=True)
class Library:
    """Makes the pages of the past.

    *draw* gives the present picture with other incidents, windows and advisories in it, *shelf* what is published now. *born* is when
    the store began; what the public knows of may be older, where it was brought along. *edition* is the page that it
    is made for (None: one that leaves nothing out).
    """

    store: Store
    draw: Draw
    shelf: Callable[[], Shelf | None]
    html: Html
    born: datetime
    edition: Edition | None = None
    _kept: OrderedDict[str, tuple[object, Finished]] = field(default_factory=OrderedDict)

    @classmethod
    def beside(cls, press: Press, html: Html, edition: Edition | None = None) -> Self:
        """Make one that draws *edition* (None: the main page) as *press* does, from the same store."""
        of = edition or press.own
        return cls(store=press.store, draw=of.picture, shelf=lambda: of.shelf, html=html, born=press.installation.born, edition=of)

    async def find(self, path: str) -> Finished | None:
        """The page at *path*; None where there is none. Errors: TimeoutError while the store is away."""
        shelf = self.shelf()
        language, own = split(path, () if shelf is None else shelf.translations)
        asked, words = addressed(own), searched(own)
        if shelf is None:
            return None
        try:
            if words is not None:
                return await self._search(words, shelf, language)
            if (ledger := ledger_at(own)) is not None:
                return await self._ledger(ledger, shelf.page)
            is_there = asked is not None and (asked.service is None or asked.service in _services(shelf.page))
            return await self._history(path, asked, shelf, language) if asked is not None and is_there else None
        except StoreUnavailable as error:
            raise TimeoutError("the store is away") from error

    async def paths(self) -> tuple[str, ...]:
        """The path of every page that ``find`` finds, before the search. Errors: StoreUnavailable."""
        shelf = self.shelf()
        if shelf is None:
            return ()
        born = await self.store.read(self._first)
        return paths(born, shelf.page.as_of, shelf.page.site.timezone, tuple(_services(shelf.page)))

    async def _history(self, path: str, asked: Asked, shelf: Shelf, language: str | None) -> Finished | None:
        page = await asyncio.to_thread(_in, shelf, language)
        zone = page.site.timezone
        present = month_of(page.as_of, zone)
        if asked.first is not None and asked.first > present:
            return None
        found, oldest = await self.store.read(partial(self._read, asked=asked, page=page))
        if not found:
            return None
        archives = await asyncio.to_thread(self._archives, found, asked, oldest, language)
        months = all_months(oldest, present) if asked.first is None else ()
        as_of = page.as_of if asked.first is None else archives[0].as_of
        draw = partial(self.html.history, replace(page, as_of=as_of), asked, archives, months)
        return await self._made(path, (page.site, as_of, archives, months), draw)

    async def _search(self, words: str, shelf: Shelf, language: str | None) -> Finished:
        """What has the words that were asked for, newest first. Nothing of it is kept here: a reader's words are seldom asked for again."""
        query = asked_for(words)
        page = await asyncio.to_thread(_in, shelf, language)
        is_whole = self.edition is None or self.edition.cutter.scope.is_whole
        found = await self.store.read(lambda connection: find(connection, query, MOST_FOUND if is_whole else MOST_LOOKED_AT))

        def draw() -> Finished:
            told = found if is_whole else self._allowed(found, query)
            picture = self.draw(told.stories, told.windows, language, told.bulletins)
            return finish(self.html.search(page, Answer.of(picture, query, words=" ".join(typed(words)), is_more=told.is_more)), HTML)

        return await asyncio.to_thread(draw)

    def _allowed(self, found: Found, query: Query) -> Found:
        """What of *found* the readers may know: that it has the words must be true of what they read, too."""
        if self.edition is None:
            return found
        stories, windows, bulletins = self.edition.narrowed(found.stories, found.windows, found.bulletins)
        known = {story.incident.id: story for story in found.stories}
        kept = [one for one in stories if one == known[one.incident.id] or query.is_met_by(words_of_story(one))]
        room = max(0, MOST_FOUND - len(kept))
        return Found(
            stories=tuple(kept[:MOST_FOUND]),
            windows=windows[:room],
            bulletins=bulletins[: max(0, room - len(windows))],
            is_more=len(kept) + len(windows) + len(bulletins) > MOST_FOUND,
        )

    async def _ledger(self, asked: Document, page: Page) -> Finished | None:
        """The ledger of a month that is over, however long ago: the books keep those of the newest ones alone."""
        first = _first_of(asked.word)
        if first is None or asked.service not in _services(page):
            return None
        found = await self.store.read(partial(_old_ledger, service=asked.service, first=first, page=page))
        if found is None:
            return None
        return await asyncio.to_thread(partial(document, asked.form, found, service=asked.service, word=asked.word))

    async def _made(self, path: str, source: object, draw: Callable[[], bytes]) -> Finished:
        """Draw what *path* shows, unless it was drawn from an equal *source* before."""
        kept = self._kept.get(path)
        if kept is None or kept[0] != source:
            kept = self._kept[path] = (source, await asyncio.to_thread(lambda: finish(draw(), HTML)))
        self._kept.move_to_end(path)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return kept[1]

    def _first(self, connection: Connection) -> datetime:
        """When the past begins that the page's readers know of."""
        told = first_told(connection) if self.edition is None else first_told(connection, self.edition.cutter.scope, self.edition.known)
        return self.born if told is None else min(told, self.born)

    def _read(self, connection: Connection, asked: Asked, page: Page) -> tuple[Sequence[_Found], date]:
        """The months asked for that there are, newest first, and the oldest of all."""
        zone = page.site.timezone
        present = month_of(page.as_of, zone)
        oldest = min(month_of(self._first(connection), zone), present)
        newest = all_months(oldest, present)[:NEWEST] if asked.first is None else (asked.first,)
        chosen = [first for first in newest if first >= oldest]
        return [_month(connection, first, page, asked.service) for first in chosen], oldest

    def _archives(self, found: Sequence[_Found], asked: Asked, oldest: date, language: str | None) -> tuple[Archive, ...]:
        pictures = ((one, self.draw(one.stories, one.windows, language, one.bulletins)) for one in found)
        return tuple(archive(picture, one.months, asked, first=one.first, born=oldest) for one, picture in pictures)


def _month(connection: Connection, first: date, page: Page, service: str | None) -> _Found:
    span = span_of(first, page.site.timezone)
    # What began in the minute that goes on is told at once, as on every other surface; what is planned for later is not yet past.
    begun = page.as_of + MINUTE
    told = replace(span, until=min(span.until, begun)) if span.since < begun else span
    wanted = [id for id in _services(page) if service in {None, id}]
    return _Found(
        first=first,
        stories=stories_in(connection, told, service),
        windows=windows_in(connection, told),
        bulletins=bulletins_in(connection, told),
        months={id: view for id in wanted if (view := _kept_month(page, id, first) or _old_month(connection, id, first, page)) is not None},
    )


def _kept_month(page: Page, service: str, first: date) -> MonthView | None:
    """The figures of a month that the books keep: the same as on every other surface."""
    level = _services(page)[service]
    return next((month for month in level if month.first == first), None)


def _old_month(connection: Connection, service: str, first: date, page: Page) -> MonthView | None:
    """The figures of a month that is older than those; None where the service was not watched yet."""
    ledger = _old_ledger(connection, service, first, page)
    if ledger is None:
        return None
    terms = in_force(terms_of(connection, service), ledger.period.until - TICK)
    return month_view(Month(first=first, ledger=ledger, terms=terms, is_over=True))


def _old_ledger(connection: Connection, service: str, first: date, page: Page) -> Ledger | None:
    """The ledger of a month that is over; None where it is not, or the service was not watched yet."""
    span = span_of(first, page.site.timezone)
    if span.until > page.as_of:
        return None
    try:
        ledger = ledger_of(connection, service, span)
    except LookupError:
        return None
    return ledger if ledger.intervals else None


def _first_of(word: str) -> date | None:
    """The month that people write as *word*; None for any other period."""
    asked = addressed(f"/history/{word}")
    return None if asked is None else asked.first


def _in(shelf: Shelf, language: str | None) -> Page:
    """The picture in *language*; in the site's where there is none."""
    return shelf.page if language is None else shelf.translations[language].page()


def _services(page: Page) -> Mapping[str, Sequence[MonthView]]:
    """The months that the books keep of each service on the page."""
    return {one.id: () if one.level is None else one.level.months for group in page.groups for one in group.services}
