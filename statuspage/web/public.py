"""The public listener: finished bytes by path, and not a line of session code.

Whatever a request brings along (query, cookies, odd headers), a path has one content; only its encoding is negotiated. There is one
handler and no middleware, so that the load of an outage costs what a static file costs.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache, partial
from http import HTTPStatus
from types import MappingProxyType

from aiohttp import hdrs, web

from statuspage.clock import Now, wall_clock
from statuspage.publish import Shelf
from statuspage.render.finished import Finished
from statuspage.render.fresh import Fresh
from statuspage.web.forms import Reply
from statuspage.web.hammering import RETRY_AFTER, Hammering
from statuspage.web.listener import Answer, Patience, PatientRunner, Ready, head
from statuspage.web.on_request import OnRequest
from statuspage.web.public_routes import POLICIES, PUBLIC_ROUTES, YEAR, Policy, Surface, is_kept, is_month, surface_of, takes_forms
from statuspage.web.security import HEADERS
from statuspage.web.stream import Streams

AS_OF = "Statuspage-As-Of"
MOST_BYTES_IN = 64 * 1024

Older = Callable[[str], Awaitable[Finished | None]]
Makers = Callable[[str], Callable[[], Finished] | None]


Forms = Callable[[web.Request], Awaitable[Reply | None]]


def _none(_: str) -> None:
    """Nothing is made."""


async def _nothing(_: str) -> None:
    """Nothing is found."""


async def _nobody(_: web.Request) -> None:
    """No form is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What stands beside the shelf, each by the path that is asked for.

    *older* makes what only the store has, the page of an old incident or window or an archive, or None where there is no such public one;
    a TimeoutError says that this cannot be told now. *past* does the same for the months that went by. *services* and *ledgers* give what
    makes a page, feed, badge or ledger of a service (None: there is none); that runs on another thread. *forms* answers at the addresses of
    forms (None: there is nothing).
    """

    older: Older = _nothing
    past: Older = _nothing
    services: Makers = _none
    ledgers: Makers = _none
    forms: Forms = _nobody


NOTHING_BESIDE = Beside()


def public_app(
    shelf: Callable[[], Shelf | None],
    *,
    fresh: Callable[[], Fresh | None],
    beside: Beside = NOTHING_BESIDE,
    streams: Streams | None = None,
    hammering: Hammering | None = None,
    is_tls: bool = False,
    now: Now = wall_clock,
) -> web.Application:
    """Make the application of the public listener; serve it with ``public_runner``, which bounds its patience.

    *shelf* gives the newest publication (None: nothing was published yet), *fresh* its exact age. *streams* are open pages that are told;
    without, all of them ask. *hammering* tells who asks for feeds too often. *is_tls* says that readers come by https; *now* is for the
    ``Date`` of answers.
    """
    streams = streams or Streams(shelf, fresh, most=0)
    face = _Face(shelf, fresh, beside, streams, Hammering() if hammering is None else hammering, security_headers(is_tls=is_tls), now)
    app = web.Application(client_max_size=MOST_BYTES_IN)
    app.cleanup_ctx.append(partial(_telling, streams))
    app.on_shutdown.append(partial(_close, streams))
    exact = [route.path for route in PUBLIC_ROUTES if "{" not in route.path]  # found by a look-up, without a pattern
    for path in (*exact, "/{path:.*}"):
        app.router.add_route("*", path, face.answer, expect_handler=_expect_nothing)
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


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: str) -> bool:
    """Whether a reader with this ``Accept-Encoding`` takes gzip (RFC 9110, section 12.5.3)."""
    weights: dict[str, bool] = {}
    for part in accept_encoding.lower().split(","):
        coding, _, weight = part.partition(";")
        refused = weight.replace(" ", "").removeprefix("q=").strip("0.") == "" and weight.strip() != ""
        weights[coding.strip()] = not refused
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))


@lru_cache(maxsize=4)
def _moving(at: datetime, as_of: str | None) -> bytes:
    told = f"Date: {format_datetime(at, usegmt=True)}\r\n"
    return (told if as_of is None else f"{told}{AS_OF}: {as_of}\r\n").encode("ascii")


async def _expect_nothing(_: web.Request) -> web.StreamResponse | None:
    """Ignore ``Expect``: no body is ever wanted here, and the answer comes at once."""
    return None


@dataclass(frozen=True, slots=True)
class _Parcel:
    """A finished thing with its heads spelled, for each encoding and for a reader that has it already."""

    finished: Finished
    is_feed: bool
    plain: bytes
    gzipped: bytes
    plain_kept: bytes
    gzipped_kept: bytes


Find = Callable[[], Awaitable[Finished | None]]


def _weight(parcel: _Parcel) -> int:
    return len(parcel.finished.body) + len(parcel.finished.gzipped)


class _Face:
    def __init__(
        self,
        shelf: Callable[[], Shelf | None],
        fresh: Callable[[], Fresh | None],
        beside: Beside,
        streams: Streams,
        hammering: Hammering,
        security: Mapping[str, str],
        now: Now,
    ) -> None:
        self._shelf, self._fresh, self._streams, self._hammering, self._now = shelf, fresh, streams, hammering, now
        self._current: Shelf | None = None
        self._parcels: dict[str, _Parcel] = {}
        # Each with a room of its own: those who read old months or long ledgers keep nobody from a page.
        self._beside, self._older, self._past = beside, OnRequest(weigh=_weight), OnRequest(weigh=_weight, at_once=2)
        self._made = ((beside.services, OnRequest(weigh=_weight)), (beside.ledgers, OnRequest(weigh=_weight, at_once=2)))
        self._common = {
            surface: {**security, **_allowances(policy), hdrs.CACHE_CONTROL: policy.cache} for surface, policy in POLICIES.items()
        }
        self._refused: Mapping[str, str] = {**security, hdrs.CACHE_CONTROL: "no-store"}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer any request to the listener."""
        if request.protocol.writing_paused:
            await request.writer.drain()  # a peer that does not take its answers gets no more of them
        path = request.path
        if request.method not in {hdrs.METH_GET, hdrs.METH_HEAD}:
            if request.method == hdrs.METH_POST and takes_forms(path):
                return await self._filled(request)
            return self._refuse_method(request.method, path)
        parcel = self._on_shelf(path)
        if parcel is None:
            return await self._beside_shelf(path, request)
        return self._send(parcel, request)

    def _on_shelf(self, path: str) -> _Parcel | None:
        shelf = self._shelf()
        if shelf is not self._current:
            self._current, self._parcels = shelf, {}
            for room in (self._older, self._past, *(room for _, room in self._made)):
                room.forget()
        parcel = self._parcels.get(path)
        if parcel is None and shelf is not None:
            finished, surface = shelf.files.get(path), surface_of(path)
            if finished is not None and surface is not None:
                parcel = self._parcels[path] = self._pack(finished, surface)
        return parcel

    def _pack(self, finished: Finished, surface: Surface) -> _Parcel:
        always = {**self._common[surface], hdrs.VARY: hdrs.ACCEPT_ENCODING}
        plain, gzipped = always | {hdrs.ETAG: finished.etag}, always | {hdrs.ETAG: finished.gzip_etag}
        kind = {hdrs.CONTENT_TYPE: finished.content_type}
        plain_size, gzipped_size = ({hdrs.CONTENT_LENGTH: str(len(body))} for body in (finished.body, finished.gzipped))
        return _Parcel(
            finished,
            is_feed=surface is Surface.FEED,
            plain=head(HTTPStatus.OK, plain | kind | plain_size),
            gzipped=head(HTTPStatus.OK, gzipped | kind | gzipped_size | {hdrs.CONTENT_ENCODING: "gzip"}),
            plain_kept=head(HTTPStatus.NOT_MODIFIED, plain),
            gzipped_kept=head(HTTPStatus.NOT_MODIFIED, gzipped),
        )

    def _send(self, parcel: _Parcel, request: web.Request) -> web.StreamResponse:
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

    async def _beside_shelf(self, path: str, request: web.Request) -> web.StreamResponse:
        match surface_of(path):
            case Surface.HEALTH:
                is_well = path == "/healthz" or self._current is not None
                return self._say(200 if is_well else 503, "ok\n" if is_well else "nothing is published yet\n")
            case Surface.FRESH if (fresh := self._fresh()) is not None:
                headers = {**self._common[Surface.FRESH], hdrs.CONTENT_TYPE: "application/json; charset=utf-8"}
                return self._dated(Answer(body=fresh.body, headers=headers))
            case Surface.STREAM:
                stream = await self._streams.answer(request, self._common[Surface.STREAM])
                return stream or self._say(503, "no room for another stream: ask /fresh.json now and then\n", {"Retry-After": "60"})
            case Surface.FORM:
                return await self._filled(request)
            case Surface.PAGE | Surface.FEED if is_kept(path) and self._current is not None:
                return await self._asked(path, request, self._older, partial(self._beside.older, path))
            case Surface.PAGE if is_month(path) and self._current is not None:
                return await self._asked(path, request, self._past, partial(self._beside.past, path))
            case _:
                return await self._made_now(path, request)

    async def _filled(self, request: web.Request) -> web.StreamResponse:
        """The answer to a form, or to the address of one; search engines and caches have no business there."""
        reply = await self._beside.forms(request)
        if reply is None:
            self._on_shelf(request.path)
            return self._missing(request.path)
        always = {**self._refused, "X-Robots-Tag": "noindex", hdrs.CONTENT_TYPE: "text/html; charset=utf-8"}
        return self._dated(Answer(status=reply.status, body=reply.body, headers={**always, **reply.headers}))

    async def _made_now(self, path: str, request: web.Request) -> web.StreamResponse:
        """What is made from the picture when somebody asks for it."""
        for maker, room in self._made if self._current is not None else ():
            if (make := maker(path)) is not None:
                return await self._asked(path, request, room, partial(asyncio.to_thread, make))
        return self._missing(path)

    async def _asked(self, path: str, request: web.Request, room: OnRequest[_Parcel], find: Find) -> web.StreamResponse:
        try:
            parcel = await room.find(path, partial(self._packed, path, find))
        except TimeoutError:
            return self._say(503, "busy, please try again\n", {"Retry-After": "10"})
        return self._missing(path) if parcel is None else self._send(parcel, request)

    async def _packed(self, path: str, find: Find) -> _Parcel | None:
        """What is kept has its heads spelled: asked for again, it costs what anything on the shelf does."""
        finished, surface = await find(), surface_of(path)
        return None if finished is None or surface is None else self._pack(finished, surface)

    def _missing(self, path: str) -> web.StreamResponse:
        if self._current is None:
            return self._say(503, "nothing is published yet\n", {"Retry-After": "5"})
        headers = dict(self._refused)
        if surface_of(path) is Surface.API:
            headers.update(_allowances(POLICIES[Surface.API]))
            headers[hdrs.CONTENT_TYPE] = "application/json; charset=utf-8"
            return self._dated(Answer(status=404, body=b'{"error":"Not found"}', headers=headers))
        headers[hdrs.CONTENT_TYPE] = self._current.missing.content_type
        return self._dated(Answer(status=404, body=self._current.missing.body, headers=headers))

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
