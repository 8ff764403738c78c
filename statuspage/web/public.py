"""The public listener: finished bytes by path, and not a line of session code.

Whatever a request brings along (query, cookies, odd headers), a path has one content: only its encoding is negotiated, and of a page under
no language's path, the language. What is typed into the form of the search is led on to a path that holds the words (ADR 21). There is one
handler and no middleware, so that the load of an outage costs what a static file costs.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache, partial
from http import HTTPStatus
from types import MappingProxyType

from aiohttp import hdrs, web

from statuspage.clock import Now, wall_clock
from statuspage.picture.search import SEARCH, address
from statuspage.publish import MISSING, Shelf
from statuspage.render.finished import Finished
from statuspage.render.fresh import Fresh
from statuspage.translation import split
from statuspage.web.beside import NOTHING_BESIDE, ORDINARY, Beside, Manners
from statuspage.web.doors import Doors, lead, no_doors
from statuspage.web.hammering import RETRY_AFTER, Hammering
from statuspage.web.listener import ANSWER, Answer, Handler, Patience, PatientRunner, Ready, head
from statuspage.web.negotiation import accepts_gzip, preferred
from statuspage.web.on_request import OnRequest
from statuspage.web.parcels import Parcel, Place, weight
from statuspage.web.public_routes import (
    POLICIES,
    ROOMS,
    TOLD,
    YEAR,
    Policy,
    Room,
    Surface,
    privately,
    room_of,
    surface_of,
    takes_forms,
)
from statuspage.web.security import HEADERS
from statuspage.web.stream import OpenPages, Streams

AS_OF = "Statuspage-As-Of"
MOST_BYTES_IN = 64 * 1024
DRAWING = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
"""What a drawing may do, wherever it came from, that somebody opens by itself: be seen."""


def public_app(
    shelf: Callable[[], Shelf | None],
    *,
    fresh: Callable[[], Fresh | None],
    beside: Beside = NOTHING_BESIDE,
    streams: Streams | None = None,
    hammering: Hammering | None = None,
    is_tls: bool = False,
    now: Now = wall_clock,
    doors: Callable[[], Doors] = no_doors,
) -> web.Application:
    """Make the application of the public listener; serve it with ``public_runner``, which bounds its patience.

    *shelf* gives the newest publication (None: nothing was published yet), *fresh* its exact age. *streams* are open pages that are told;
    without, all of them ask. *hammering* tells who asks for feeds too often. *is_tls* says that readers come by https; *now* is for the
    ``Date`` of answers. *doors* leads to further pages.
    """
    streams = streams or Streams(shelf, fresh, most=0)
    face = Face(shelf, fresh, beside, streams.own, Hammering() if hammering is None else hammering, security_headers(is_tls=is_tls), now)
    answer: Handler = partial(lead, doors, face.answer)

    async def routed(request: web.Request) -> web.StreamResponse:
        return await answer(request)

    app = web.Application(client_max_size=MOST_BYTES_IN)
    app.cleanup_ctx.append(partial(_telling, streams))
    app.on_shutdown.append(partial(_close, streams))
    app[ANSWER] = answer
    app.router.add_route("*", "/{path:.*}", routed, expect_handler=_expect_nothing)
    return app


async def _telling(streams: Streams, _: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(streams.run())
    yield
    task.cancel()
    await asyncio.wait([task])


async def _close(streams: Streams, _: web.Application) -> None:
    """Before the listener waits for answers to end: these would never."""
    streams.close()


def public_runner(app: web.Application, *, is_tls: bool = False, patience: Patience | None = None) -> PatientRunner:
    """Run *app* so that slow and silent peers are closed, and refusals of malformed requests carry the same headers."""
    return PatientRunner(app, headers=security_headers(is_tls=is_tls) | {"Cache-Control": "no-store"}, patience=patience)


def security_headers(*, is_tls: bool) -> dict[str, str]:
    """Return what goes out with every public answer whatever its status."""
    secure = {"Strict-Transport-Security": f"max-age={YEAR}"} if is_tls else {}
    return {**HEADERS, **secure}


@lru_cache(maxsize=4)
def _moving(at: datetime, as_of: str | None) -> bytes:
    told = f"Date: {format_datetime(at, usegmt=True)}\r\n"
    return (told if as_of is None else f"{told}{AS_OF}: {as_of}\r\n").encode("ascii")


async def _expect_nothing(_: web.Request) -> web.StreamResponse | None:
    """Ignore ``Expect``: no body is ever wanted here, and the answer comes at once."""
    return None


Find = Callable[[], Awaitable[Finished | None]]


class Face:
    """Answers for one page: what is finished at once, the rest from where it is made."""

    def __init__(
        self,
        shelf: Callable[[], Shelf | None],
        fresh: Callable[[], Fresh | None],
        beside: Beside,
        open_pages: OpenPages,
        hammering: Hammering,
        security: Mapping[str, str],
        now: Now,
        manners: Manners = ORDINARY,
    ) -> None:
        security = {**security, **manners.headers}
        self._manners = manners
        self._shelf, self._fresh, self._open_pages, self._hammering, self._now = shelf, fresh, open_pages, hammering, now
        self._current: Shelf | None = None
        self._parcels: dict[tuple[str, str | None], Parcel] = {}
        # Each with a room of its own: those who read old months or long ledgers keep nobody from a page.
        self._beside = beside
        self._rooms = {room: OnRequest(weigh=weight, at_once=few, waiting=many) for room, (few, many) in ROOMS.items()}
        self._made = ((beside.services, OnRequest(weigh=weight)), (beside.ledgers, OnRequest(weigh=weight, at_once=2)))
        self._translations = OnRequest(weigh=weight)
        self._common = {
            surface: {**security, **_allowances(policy), hdrs.CACHE_CONTROL: policy.cache} for surface, policy in self._policies().items()
        }
        self._refused: Mapping[str, str] = {**security, hdrs.CACHE_CONTROL: "no-store"}

    def _policies(self) -> Mapping[Surface, Policy]:
        return {surface: privately(policy) for surface, policy in POLICIES.items()} if self._manners.is_private else POLICIES

    async def answer(self, request: web.Request, path: str | None = None) -> web.StreamResponse:
        """Answer any request to the listener; *path* is what it asks of this page, where that is not all of the request's."""
        if request.protocol.writing_paused:
            await request.writer.drain()  # a peer that does not take its answers gets no more of them
        path = request.path if path is None else path
        self._renew()
        if request.method not in {hdrs.METH_GET, hdrs.METH_HEAD}:
            place = self._place(path, None)
            if request.method == hdrs.METH_POST and takes_forms(place.rest):
                return await self._filled(place, request)
            return self._refuse_method(request.method, path)
        language = self._preferred(path, request)
        parcel = self._parcels.get((path, language)) or (self._on_shelf(path) if language is None else None)
        if parcel is None:
            return await self._beside_shelf(path, language, request)
        return self._send(parcel, request)

    def _renew(self) -> None:
        """Turn to the newest shelf, and forget all that was made of the one before."""
        shelf = self._shelf()
        if shelf is not self._current:
            self._current, self._parcels = shelf, {}
            for room in (*self._rooms.values(), self._translations, *(room for _, room in self._made)):
                room.forget()

    def _preferred(self, path: str, request: web.Request) -> str | None:
        """The language in which this reader would have a page that has one in each; None where it is the site's, or stands in the path."""
        asked = request.headers.get(hdrs.ACCEPT_LANGUAGE)
        if asked is None or self._current is None or not self._current.translations:
            return None
        site = self._current.page.site
        language = preferred(asked, site.languages)
        return None if language == site.language or surface_of(path) is not Surface.PAGE else language

    def _on_shelf(self, path: str) -> Parcel | None:
        shelf = self._current
        finished, surface = (None, None) if shelf is None else (shelf.files.get(path), surface_of(path))
        if finished is None or surface is None:
            return None
        parcel = self._parcels[path, None] = self._pack(finished, surface)
        return parcel

    def _pack(self, finished: Finished, surface: Surface, translation: str | None = None, *, is_addressed: bool = False) -> Parcel:
        """Spell the heads. *translation* is another language than the site's, and *is_addressed* says that the path asked for it."""
        is_open = surface is Surface.PAGE and not is_addressed and self._current is not None and bool(self._current.translations)
        always = {
            **self._common[surface],
            **({"Content-Security-Policy": DRAWING} if finished.content_type == "image/svg+xml" else {}),
            hdrs.VARY: f"{hdrs.ACCEPT_ENCODING}, {hdrs.ACCEPT_LANGUAGE}" if is_open else hdrs.ACCEPT_ENCODING,
        }
        if surface in TOLD and self._current is not None:
            always[hdrs.CONTENT_LANGUAGE] = translation or self._current.page.site.language
        plain, gzipped = always | {hdrs.ETAG: finished.etag}, always | {hdrs.ETAG: finished.gzip_etag}
        kind = {hdrs.CONTENT_TYPE: finished.content_type}
        plain_size, gzipped_size = ({hdrs.CONTENT_LENGTH: str(len(body))} for body in (finished.body, finished.gzipped))
        return Parcel(
            finished,
            is_feed=surface is Surface.FEED,
            plain=head(HTTPStatus.OK, plain | kind | plain_size),
            gzipped=head(HTTPStatus.OK, gzipped | kind | gzipped_size | {hdrs.CONTENT_ENCODING: "gzip"}),
            plain_kept=head(HTTPStatus.NOT_MODIFIED, plain),
            gzipped_kept=head(HTTPStatus.NOT_MODIFIED, gzipped),
        )

    def _send(self, parcel: Parcel, request: web.Request) -> web.StreamResponse:
        if parcel.is_feed and self._hammering.is_by(request, request.path, self._now()):
            told = {"Retry-After": str(RETRY_AFTER), **_allowances(POLICIES[Surface.FEED])}
            return self._say(429, "too often: once a minute is enough\n", told)
        asked = request.headers
        is_gzip = accepts_gzip(asked.get(hdrs.ACCEPT_ENCODING, ""))
        known = asked.get(hdrs.IF_NONE_MATCH)
        moving = self._moving()
        if known is not None and parcel.finished.is_named_by(known):
            return Ready(parcel.gzipped_kept if is_gzip else parcel.plain_kept, moving, b"")
        if is_gzip:
            return Ready(parcel.gzipped, moving, parcel.finished.gzipped)
        return Ready(parcel.plain, moving, parcel.finished.body)

    def _moving(self) -> bytes:
        """The header lines that tell the time."""
        fresh = self._fresh()
        return _moving(self._now().replace(microsecond=0), None if fresh is None else fresh.as_of)

    def _dated(self, answer: Answer) -> Answer:
        fresh = self._fresh()
        if fresh is not None:
            answer.headers[AS_OF] = fresh.as_of
        return answer

    async def _beside_shelf(self, path: str, preferred: str | None, request: web.Request) -> web.StreamResponse:
        place = self._place(path, preferred)
        if place.rest == SEARCH and "q" in request.query:
            # A form without a script can only send a query: it is led on to the path whose one content is the answer.
            language = f"/{place.translation}" if place.is_addressed else ""
            return self._say(303, "", {hdrs.LOCATION: self._manners.base + language + address(request.query["q"])})
        if place.translation is not None:
            return await self._in_translation(place, place.translation, request)
        match surface_of(path):
            case Surface.HEALTH if not self._manners.is_private:
                is_well = path == "/healthz" or self._current is not None
                return self._say(200 if is_well else 503, "ok\n" if is_well else "nothing is published yet\n")
            case Surface.FRESH if (fresh := self._fresh()) is not None:
                headers = {**self._common[Surface.FRESH], hdrs.CONTENT_TYPE: "application/json; charset=utf-8"}
                return self._dated(Answer(body=fresh.body, headers=headers))
            case Surface.STREAM:
                stream = await self._open_pages.answer(request, self._common[Surface.STREAM])
                return stream or self._say(503, "no room for another stream: ask /fresh.json now and then\n", {"Retry-After": "60"})
            case Surface.FORM:
                return await self._filled(place, request)
            case _:
                return await self._made_now(place, request)

    def _behind(self, place: Place) -> tuple[OnRequest[Parcel], Find] | None:
        """The room in which that is asked for which only the store has, and what finds it there."""
        if (room := room_of(place.rest)) is None:
            return None
        find = self._beside.older if room is Room.OLDER else self._beside.past
        return self._rooms[room], partial(find, place.addressed)

    async def _filled(self, place: Place, request: web.Request) -> web.StreamResponse:
        """The answer to a form, or to the address of one; search engines and caches have no business there."""
        reply = await self._beside.forms(request, place.rest, place.translation)
        if reply is None:
            return self._missing(place.path)
        always = {**self._refused, "X-Robots-Tag": "noindex", hdrs.CONTENT_TYPE: "text/html; charset=utf-8"}
        return self._dated(Answer(status=reply.status, body=reply.body, headers={**always, **reply.headers}))

    def _place(self, path: str, preferred: str | None) -> Place:
        if self._current is None or preferred is not None:
            return Place(path, path, preferred, is_addressed=False)
        translation, rest = split(path, self._current.translations)
        return Place(path, rest, translation, is_addressed=translation is not None)

    async def _made_now(self, place: Place, request: web.Request) -> web.StreamResponse:
        """What is made from the picture when somebody asks for it."""
        for maker, room in self._made if self._current is not None else ():
            if (make := maker(place.path)) is not None:
                return await self._asked(place, request, room, partial(asyncio.to_thread, make))
        behind = self._behind(place) if self._current is not None else None
        return self._missing(place.path) if behind is None else await self._asked(place, request, *behind)

    async def _in_translation(self, place: Place, translation: str, request: web.Request) -> web.StreamResponse:
        """What is told in another language than the site's, or where the path names one: made from the picture, too, and kept ready."""
        shelf = self._current
        if shelf is None or surface_of(place.rest) not in TOLD:
            return self._missing(place.rest)
        make = shelf.translations[translation].maker(place.rest)
        if make is not None:
            return await self._asked(place, request, self._translations, partial(asyncio.to_thread, make))
        behind = self._behind(place)
        return await self._missing_in(translation) if behind is None else await self._asked(place, request, *behind)

    async def _asked(self, place: Place, request: web.Request, room: OnRequest[Parcel], find: Find) -> web.StreamResponse:
        shelf, key = self._current, (place.path, None if place.is_addressed else place.translation)
        try:
            parcel = await room.find(f"{key[1] or ''}{place.path}", partial(self._packed, place, find))
        except TimeoutError:
            return self._busy()
        if parcel is None:
            return self._missing(place.path) if place.translation is None else await self._missing_in(place.translation)
        is_small = surface_of(place.rest) is Surface.BADGE  # there are no more of them than services
        if shelf is not None and shelf is self._current and (is_small or place.rest in shelf.files):
            self._parcels[key] = parcel  # from now on it costs what a file costs
        return self._send(parcel, request)

    async def _packed(self, place: Place, find: Find) -> Parcel | None:
        """What is kept has its heads spelled: asked for again, it costs what anything on the shelf does."""
        finished, surface = await find(), surface_of(place.rest)
        if finished is None or surface is None:
            return None
        return self._pack(finished, surface, place.translation, is_addressed=place.is_addressed)

    async def _missing_in(self, translation: str) -> web.StreamResponse:
        """Say in the language of *translation* that there is nothing."""
        make = None if self._current is None else self._current.translations[translation].maker(MISSING)
        if make is None:
            return self._missing(MISSING)
        try:
            parcel = await self._translations.find(
                f"{translation}{MISSING}", partial(self._packed_missing, partial(asyncio.to_thread, make))
            )
            return self._missing(MISSING, None if parcel is None else parcel.finished)
        except TimeoutError:
            return self._busy()

    async def _packed_missing(self, find: Find) -> Parcel | None:
        finished = await find()
        return None if finished is None else self._pack(finished, Surface.PAGE)

    def _missing(self, path: str, told: Finished | None = None) -> web.StreamResponse:
        if self._current is None:
            return self._say(503, "nothing is published yet\n", {"Retry-After": "5"})
        headers = dict(self._refused)
        if surface_of(path) is Surface.API:
            headers.update(_allowances(POLICIES[Surface.API]))
            headers[hdrs.CONTENT_TYPE] = "application/json; charset=utf-8"
            return self._dated(Answer(status=404, body=b'{"error":"Not found"}', headers=headers))
        told = told or self._current.missing
        headers[hdrs.CONTENT_TYPE] = told.content_type
        return self._dated(Answer(status=404, body=told.body, headers=headers))

    def _busy(self) -> web.StreamResponse:
        return self._say(503, "busy, please try again\n", {"Retry-After": "10"})

    def _refuse_method(self, method: str, path: str) -> web.StreamResponse:
        is_shared = surface_of(path) is Surface.API
        allowed = {"Allow": "GET, HEAD, OPTIONS" if is_shared else "GET, HEAD, POST" if takes_forms(path) else "GET, HEAD"}
        if is_shared and method == hdrs.METH_OPTIONS:
            preflight = {"Access-Control-Allow-Methods": allowed["Allow"], "Access-Control-Max-Age": "86400"}
            headers = {**self._refused, **allowed, **preflight, **_allowances(POLICIES[Surface.API])}
            return self._dated(Answer(status=204, headers=headers))
        return self._say(405, "only GET and HEAD are answered here\n", allowed)

    def _say(self, status: int, text: str, headers: Mapping[str, str] = MappingProxyType({})) -> web.StreamResponse:
        return self._dated(Answer(status=status, text=text, headers={**self._refused, **headers}))


def _allowances(policy: Policy) -> dict[str, str]:
    if not policy.is_for_other_sites:
        return {}
    return {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Headers": "*",
        "Access-Control-Expose-Headers": f"{hdrs.ETAG}, {AS_OF}",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
