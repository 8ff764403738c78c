"""Open pages that are told at once that something was published, so that they need not ask.

What is sent is small and the same for all: that there is something new, never what. A page then fetches the bytes that everybody gets.
Every event says all there is to say, so that one that was missed is made up for by the next. There is room for so many; whoever finds none
asks now and then instead. Source: ADR 0016.
"""

import asyncio
import random
import resource
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from aiohttp import hdrs, web

from statuspage.clock import Now, wall_clock
from statuspage.publish import Shelf
from statuspage.render.finished import Finished
from statuspage.render.fresh import Fresh, published
from statuspage.web.listener import Ready, Stream, head

MOST = 1000
"""Readers that are told."""

BEAT = 15.0
"""Seconds of silence after which every reader, and every proxy on the way, is shown that the line is alive."""

AT_ONCE = 50
"""Readers that are written to in one turn of the event loop: a millisecond or two, so that no probe waits longer."""

PER_SECOND = 500
"""Readers that are to ask for their page in any one second, after something happened."""

QUIETLY = 30.0
"""Seconds over which they are to ask where nothing did but that the page is another minute old."""

COMES_AGAIN = (2.0, 20.0)
"""Seconds, the least and the most, after which a reader whose line broke comes again: not all at once when we are back."""

Renew = Callable[[], Awaitable[None]]
"""Sees to it that a page is as new as what is known."""

_HEARTBEAT = b": alive\n\n"
_HEADERS: Mapping[str, str] = {hdrs.CONTENT_TYPE: "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}


async def _as_it_is() -> None:
    """The shelf is as new as what is known."""


class OpenPages:
    """The open pages of one page that are told. *shelf* and *fresh* give what is public there now, and how old it is.

    *has_place* tells whether one more may come. *renew* draws what they are told of; while nobody has the page open, nobody draws it.
    """

    def __init__(
        self,
        shelf: Callable[[], Shelf | None],
        fresh: Callable[[], Fresh | None],
        *,
        now: Now,
        has_place: "Callable[[OpenPages], bool]",
        renew: Renew = _as_it_is,
    ) -> None:
        self._shelf, self._fresh, self._now, self._has_place, self._renew = shelf, fresh, now, has_place, renew
        self._readers: set[Stream] = set()
        self._told: Shelf | None = None
        self._said: str | None = None

    @property
    def readers(self) -> int:
        """How many are told at present."""
        return len(self._readers)

    async def answer(self, request: web.Request, headers: Mapping[str, str]) -> web.StreamResponse | None:
        """Tell the one who asks until either side ends it; None where there is no room. *headers* go out with it.

        There is none for other sites: they could fill it with their own visitors, who may not even read what is said.
        """
        if request.headers.get("Sec-Fetch-Site") == "cross-site" or not self._has_place(self):
            return None
        spelled = head(HTTPStatus.OK, {**headers, **_HEADERS})
        if request.method == hdrs.METH_HEAD:
            return Ready(spelled, b"", b"")
        if not self._readers:
            self._note()  # the first is greeted with it: to be told again would say that something changed elsewhere
        stream = Stream(spelled, self._greeting(request.headers.get("Last-Event-ID")))
        self._readers.add(stream)
        try:
            await stream.prepare(request)
            await stream.ended()
        finally:
            self._readers.discard(stream)
        return stream

    async def tell(self) -> None:
        """Have them know of what is new, where anything is."""
        await self._renew()
        if self._has_news():
            await self.say(self._event(self._within()))

    async def show_life(self) -> None:
        """Have them know that the line is alive."""
        await self.say(_HEARTBEAT)

    async def say(self, said: bytes) -> None:
        """Say it to all, group by group, so that others get their turn."""
        readers = tuple(self._readers)
        for start in range(0, len(readers), AT_ONCE):
            for reader in readers[start : start + AT_ONCE]:
                reader.say(said)
            await asyncio.sleep(0)

    def end(self) -> None:
        """End every stream."""
        for reader in self._readers:
            reader.end()

    def _greeting(self, last: str | None) -> bytes:
        """When to come again, and what is public now; a reader that was told of it already is only shown that the line is alive."""
        fresh = self._fresh()
        is_known = fresh is None or fresh.publication == last
        again = int(random.uniform(*COMES_AGAIN) * 1000)  # noqa: S311 - it spreads readers, and guards nothing
        return b"retry: %d\n%b" % (again, _HEARTBEAT if is_known else self._event(0.0))

    def _event(self, within: float) -> bytes:
        fresh = self._fresh()
        return _HEARTBEAT if fresh is None else published(fresh, now=self._now(), within=within)

    def _note(self) -> None:
        """What is public now is known to all."""
        fresh = self._fresh()
        self._said, self._told = None if fresh is None else fresh.publication, self._shelf()

    def _has_news(self) -> bool:
        """Whether there is anything new to be read: what changed may be on other pages alone."""
        fresh = self._fresh()
        before, self._said = self._said, None if fresh is None else fresh.publication
        return fresh is None or self._said != before

    def _within(self) -> float:
        """Over how many seconds the readers are to ask for their pages."""
        before, self._told = self._told, self._shelf()
        return len(self._readers) / PER_SECOND if _is_news(before, self._told) else QUIETLY


class Streams:
    """All open pages that are told: those of the main page, its *own*, of which *shelf* and *fresh* tell, and of further ones.

    There is room for *most* of them altogether. *beat* is the time in seconds between two signs of life.
    """

    def __init__(
        self,
        shelf: Callable[[], Shelf | None],
        fresh: Callable[[], Fresh | None],
        *,
        most: int = MOST,
        now: Now = wall_clock,
        beat: float = BEAT,
    ) -> None:
        self._most, self._now, self._beat = most, now, beat
        self._changed = asyncio.Event()
        self._is_open = False
        self._further: tuple[OpenPages, ...] = ()
        self.own = OpenPages(shelf, fresh, now=now, has_place=self._has_place)

    @property
    def readers(self) -> int:
        """How many are told at present, of whatever page."""
        return sum(open_pages.readers for open_pages in (self.own, *self._further))

    def further(self, shelf: Callable[[], Shelf | None], fresh: Callable[[], Fresh | None], renew: Renew) -> OpenPages:
        """Take up a further page, which *renew* draws anew before its readers are told."""
        made = OpenPages(shelf, fresh, now=self._now, has_place=self._has_place, renew=renew)
        self._further = (*self._further, made)
        return made

    def prune(self) -> None:
        """Let go of all further pages: others take their places. Whoever has one open comes again, if there is still a way to it."""
        gone, self._further = self._further, ()
        for open_pages in gone:
            open_pages.end()

    def tell(self) -> None:
        """Let every reader know soon that there is a new publication."""
        self._changed.set()

    async def run(self) -> None:
        """Let readers in, tell them and show signs of life for ever; ended by cancelling."""
        self._is_open = True
        while True:
            try:
                async with asyncio.timeout(self._beat):
                    await self._changed.wait()
            except TimeoutError:
                for open_pages in (self.own, *self._further):
                    await open_pages.show_life()
                continue
            self._changed.clear()
            await self.own.tell()
            for open_pages in self._further:
                if open_pages.readers:
                    await open_pages.tell()

    def close(self) -> None:
        """End every stream, and let nobody in any more."""
        self._is_open = False
        for open_pages in (self.own, *self._further):
            open_pages.end()

    def _has_place(self, open_pages: OpenPages) -> bool:
        is_known = open_pages is self.own or open_pages in self._further
        return is_known and self._is_open and self.readers < self._most


def room() -> int:
    """How many readers may be told in this process: they leave three quarters of its descriptors to probes, pages and the store."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if descriptors == resource.RLIM_INFINITY else min(MOST, descriptors // 4)


def _is_news(before: Shelf | None, after: Shelf | None) -> bool:
    """Whether something happened: what programs read is another. Pages alone are another each minute, by their stamp."""
    return before is None or after is None or _for_programs(before) != _for_programs(after)


def _for_programs(shelf: Shelf) -> dict[str, str]:
    return {path: finished.etag for path, finished in shelf.files.items() if not _is_page(finished)}


def _is_page(finished: Finished) -> bool:
    return finished.content_type.startswith("text/html")
