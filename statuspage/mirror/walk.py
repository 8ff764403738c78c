"""The whole public face, as the public listener would give it: what stands on the shelf, what each service has, and where those lead.

Only paths of the listener's own table are asked for, by the same functions that it asks; so nothing can stand in the mirror that
anybody could not have read before.
"""

import asyncio
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType

from statuspage.mirror.links import is_page, links
from statuspage.picture.archive import addressed, month_of
from statuspage.publish import Publisher, Shelf
from statuspage.render.addresses import document_at
from statuspage.render.finished import Finished
from statuspage.render.ledgers import addressed as ledger_at
from statuspage.translation import split
from statuspage.web.public_routes import PUBLIC_ROUTES, is_kept, is_ledger, is_month

NOT_MIRRORED: Mapping[str, str] = MappingProxyType(
    {
        "/services/{id}/history": "another one each minute for each service, and its months are there; links lead to the live site",
        "/incidents/{id}/useful/{number}": "takes an answer, which needs a server; pages of the mirror do not ask",
        "/subscribe/confirm/{token}": "leads to one reader, and changes what is kept",
        "/subscribe/manage/{token}": "as the page that confirms",
        "/subscribe/manage/{token}/data.json": "as the page that confirms",
        "/unsubscribe/{token}": "as the page that confirms",
        "/history/search": "words are looked for in the store; the form leads to the live site",
        "/history/search/{words}": "as /history/search",
        "/events": "a stream needs a server; an open page asks /fresh.json instead",
        "/healthz": "tells whether the hub is at work, which no file can know",
        "/readyz": "as /healthz",
    }
)
"""What the public listener answers and no file of the mirror holds, by its route, with the reason."""

MOST_OLDER = 1000
"""Pages and archives beyond the shelf that are followed, each in all languages, the newest first; older ones are links to the live site."""

MOST_MONTHS = 1000
"""Months of single services, each in all languages and with its ledger: as many for each service, the newest that are over."""

MOST_ASKED = 200
"""Of these, so many are asked for in one publication: no news waits for a long past, which follows in the next ones."""

Older = Callable[[str], Awaitable[Finished | None]]


@dataclass(slots=True, kw_only=True)
class Walk:
    """Goes through the public face, over and over, and makes anew only what may have changed.

    *older* makes the page of an incident or window that is not on the shelf, or an archive of a feed, *past* that of a month, or a ledger.
    What they made is kept, with where it leads, until it is told to forget; a month that goes on is asked for each time, and those of
    single services are left out while they go on. It *is_whole* where the last walk asked for all that there is.
    """

    publisher: Publisher
    older: Older
    past: Older
    is_whole: bool = True
    _room: int = MOST_ASKED
    _found: dict[str, Finished] = field(default_factory=dict)
    _made: dict[str, Finished] = field(default_factory=dict)
    _led: dict[str, tuple[Finished, tuple[str, ...]]] = field(default_factory=dict)
    _shelf: Shelf | None = None
    _languages: tuple[str, ...] = ()
    _forgotten: int = 0

    def forget(self, paths: Iterable[str]) -> None:
        """Ask for *paths* again: something was said there, or withdrawn."""
        for path in paths:
            self._forgotten += 1
            for root in ("", *(f"/{code}" for code in self._languages)):
                self._found.pop(f"{root}{path}", None)

    def forget_archives(self) -> None:
        """Ask for the archives of feeds again: earlier words may read otherwise."""
        self._forgotten += 1
        self.forget([path for path in self._own() if document_at(path) is not None])

    def forget_months(self, since: date = date.min) -> None:
        """Ask for the months from that of *since* on again: something is known of them now that was not."""
        self._forgotten += 1
        begun = {path: _begun(path) for path in self._own() if is_month(path) or is_ledger(path)}
        self.forget([path for path, first in begun.items() if (first or date.max) >= since.replace(day=1)])

    def _own(self) -> set[str]:
        """What was found, in whatever language, by its path without that."""
        return {split(path, self._languages)[1] for path in self._found}

    def forget_all(self) -> None:
        """Ask for everything again: the configuration changed."""
        self._forgotten += 1
        self._found, self._made, self._led, self._shelf = {}, {}, {}, None

    async def everything(self, shelf: Shelf, *, at_once: bool = False) -> Mapping[str, Finished]:
        """Every public thing by its path, as it is served beside *shelf*; *at_once* where nobody waits for it, however long the past is.

        Errors: TimeoutError while the store is away.
        """
        self.is_whole, self._room = True, sys.maxsize if at_once else MOST_ASKED
        site, languages = shelf.page.site.url, tuple(shelf.translations)
        self._languages = languages
        found, first = await asyncio.to_thread(self._made_now, shelf)
        seen, older, coming = {*found, *first}, set[str](), deque(first)
        while coming:
            await asyncio.sleep(0)  # what is kept from before is found without waiting: others must get their turn between
            path = coming.popleft()
            rest = split(path, languages)[1]
            if not is_mirrored(path, languages) or (is_kept(rest) and rest not in older and len(older) >= MOST_OLDER):
                continue
            older |= {rest} if is_kept(rest) else set()
            if (one := await self._behind(shelf, path, rest)) is not None:
                found[path] = one
                fresh = dict.fromkeys(there for there in await self._links(path, one, site) if there not in seen)
                seen.update(fresh)
                coming.extend(fresh)
        self._found = {path: one for path, one in self._found.items() if path in found}
        self._led = {path: led for path, led in self._led.items() if path in found}
        return found

    async def _links(self, path: str, one: Finished, site: str) -> tuple[str, ...]:
        """Where *one*, at *path*, leads: looked for once and beside the loop, for a month can have hundreds of links."""
        known = self._led.get(path)
        if known is None or known[0] is not one:
            known = self._led[path] = (one, await asyncio.to_thread(lambda: tuple(dict.fromkeys(links(one, site)))))
        return known[1]

    async def _behind(self, shelf: Shelf, path: str, rest: str) -> Finished | None:
        """What is at *path*, which is *rest* under a language, behind *shelf*; None where there is nothing."""
        if is_ledger(rest) or is_month(rest):
            return await self._month(shelf, path, rest)
        if path in self._found or not is_kept(rest):
            return self._found.get(path)
        return await self._asked(self.older, path, is_lasting=True)

    async def _month(self, shelf: Shelf, path: str, rest: str) -> Finished | None:
        first, present = _begun(rest), month_of(shelf.page.as_of, shelf.page.site.timezone)
        is_over = first is not None and first < present
        if _is_of_service(rest) and (first is None or not _oldest(shelf, present) <= first < present):
            return None
        if _is_of_service(rest) and path not in self._found and not self._has_room():
            return None
        return self._found.get(path) or await self._asked(self.past, path, is_lasting=is_over)

    def _has_room(self) -> bool:
        """Take one of the places that there are for a walk."""
        self._room -= 1
        self.is_whole &= self._room >= 0
        return self._room >= 0

    async def _asked(self, find: Older, path: str, *, is_lasting: bool) -> Finished | None:
        """Ask for *path*, and keep what lasts; but not what may have been read just before something was to be forgotten."""
        forgotten, found = self._forgotten, await find(path)
        if found is not None and is_lasting and forgotten == self._forgotten:
            self._found[path] = found
        return found

    def _made_now(self, shelf: Shelf) -> tuple[dict[str, Finished], list[str]]:
        """All that is made from *shelf*, and where it leads beyond that.

        Where nothing but the minute changed, so that only pages tell otherwise, the rest is kept.
        """
        before = self._shelf
        is_quiet = before is not None and replace(before.page, as_of=shelf.page.as_of) == shelf.page
        kept = {path: one for path, one in self._made.items() if is_quiet and not is_page(one)}
        wanted = [path for path in self.publisher.paths(shelf) if is_mirrored(path, self._languages)]
        made: dict[str, Finished] = {}
        for path in wanted:
            if (one := kept.get(path) or self.publisher.made(shelf, path)) is not None:
                made[path] = one
            time.sleep(0)  # whoever waits for this interpreter, the event loop above all, goes first
        self._made, self._shelf = made, shelf
        led = dict.fromkeys(path for one in made.values() for path in links(one, shelf.page.site.url))
        return dict(made), [path for path in led if path not in made]


def is_mirrored(path: str, languages: Collection[str] = ()) -> bool:
    """Whether *path* is of the public listener, and one that a file can answer; it may stand under one of *languages*."""
    _, rest = split(path, languages)
    route = next((route.path for route in PUBLIC_ROUTES if route.covers(rest)), None)
    return route is not None and route not in NOT_MIRRORED


def _begun(path: str) -> date | None:
    """The first day of the month that *path* tells of, by its page or its ledger; None for the newest ones."""
    ledger = ledger_at(path)
    asked = addressed(path if ledger is None else f"/history/{ledger.word}")
    return None if asked is None else asked.first


def _is_of_service(path: str) -> bool:
    asked = addressed(path)
    return ledger_at(path) is not None or (asked is not None and asked.service is not None)


def _oldest(shelf: Shelf, present: date) -> date:
    """The first of the oldest month of a single service that is followed."""
    services = sum(len(group.services) for group in shelf.page.groups)
    months = present.year * 12 + present.month - 1 - max(1, MOST_MONTHS // max(1, services))
    return date.min if months < 12 else date(months // 12, months % 12 + 1, 1)
