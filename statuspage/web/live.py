"""Open pages of the console that are told at once that something happened, so that they need not ask.

What is sent says that there is something to look for, never what: a page then fetches what it may see, as ever. A stream belongs to its
session. Twice a second the store is asked what happened and whose sessions still hold, whichever process changed it: so a stream ends
within a second of its session, of other roles or teams, and of the incident's leaving its agent's reach. Source: ADR 16.
"""

import asyncio
import json
import logging
import random
import resource
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from aiohttp import hdrs, web
from sqlalchemy import Connection

from statuspage.store.errors import StoreUnavailable
from statuspage.store.people import digest
from statuspage.store.pulse import Pulse, pulse, touched_since
from statuspage.store.sessions import Session, sessions_of
from statuspage.web.auth import CALLER, Caller, Permission, held, session_cookie
from statuspage.web.desk import DESK, Desk
from statuspage.web.listener import Ready, Stream, head
from statuspage.web.problems import Rejected
from statuspage.web.reach import concerned, reaching
from statuspage.web.security import PRIVATE, hardened, is_same_origin

log = logging.getLogger(__name__)

MOST = 200
"""Streams altogether, and never more than an eighth of the process's descriptors."""

EACH = 12
"""Streams of one agent: some windows on two or three screens."""

LOOK = 0.4
"""Seconds between two looks at the store; none is had while nobody has a page open."""

BEAT = 15.0
"""Seconds after which a page is shown that the line is alive; one that hears nothing for longer asks by itself."""

PER_SECOND = 20
"""Pages that are to be drawn in any one second: each is its own agent's."""

_COMES_AGAIN = (1000, 3000)
_SAID = "event: {0}\ndata: {1}\n\n"


@dataclass(frozen=True, slots=True, eq=False)
class Onlooker:
    """An open page that is told: its stream, whose it is, by which session, and the incident that it is about (None: the queue)."""

    stream: Stream
    caller: Caller
    session: str
    incident: str | None


class Live:
    """All open pages of the console that are told."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._onlookers: set[Onlooker] = set()
        self._came = asyncio.Event()
        self._is_open = False

    @property
    def onlookers(self) -> int:
        """How many pages are told at present."""
        return len(self._onlookers)

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """Tell whoever asks, until either side ends it. Errors: Rejected 403 to programs, 503 where there is no room."""
        caller, secret = request[CALLER], request.cookies.get(session_cookie(self._desk), "")
        if caller.session is None or not is_same_origin(request, self._desk.console_url):
            raise Rejected(403, "This stream is for the pages of whoever is logged in. Programs are told by webhooks.")
        spelled = head(HTTPStatus.OK, _headers(is_tls=self._desk.is_tls))
        if request.method == hdrs.METH_HEAD:
            return Ready(spelled, b"", b"")
        if not self._has_place(caller):
            raise Rejected(503, "There is no room for another stream: the page asks by itself.", headers={"Retry-After": "60"})
        again = random.randint(*_COMES_AGAIN)  # noqa: S311 - it spreads pages, and guards nothing
        stream = Stream(spelled, f"retry: {again}\n{_SAID.format('alive', '{}')}".encode())
        here = Onlooker(stream, caller, digest(secret), request.match_info.get("id"))
        self._onlookers.add(here)
        self._came.set()
        try:
            await stream.prepare(request)
            await stream.ended()
        finally:
            self._onlookers.discard(here)
        return stream

    async def run(self) -> None:
        """Look, tell and end for ever; ended by cancelling. What breaks ends every stream: their pages ask, and come again."""
        self._is_open = True
        while True:
            try:
                await self._watch()
            except StoreUnavailable as error:
                log.debug("nobody knows whose sessions hold: %s", error)
            except Exception:
                log.exception("open pages of the console cannot be told")
            self._end_all()
            await asyncio.sleep(LOOK)

    def close(self) -> None:
        """End every stream, and let nobody in any more."""
        self._is_open = False
        self._end_all()

    def _end_all(self) -> None:
        for one in self._onlookers:
            one.stream.end()

    def _has_place(self, caller: Caller) -> bool:
        own = sum(one.caller.name == caller.name for one in self._onlookers)
        return self._is_open and own < EACH and len(self._onlookers) < room()

    async def _watch(self) -> None:
        """As long as the store answers."""
        before, beat = await self._desk.store.read(pulse), _clock()
        while True:
            if not self._onlookers:
                self._came.clear()
                await self._came.wait()
                before = await self._desk.store.read(pulse)
            before = await self._look(before)
            if _clock() - beat >= BEAT:
                beat = _clock()
                _say(self._onlookers, "alive")
            await asyncio.sleep(LOOK)

    async def _look(self, before: Pulse) -> Pulse:
        """End the streams whose time is over; tell the others what they may want to look for."""
        watching = tuple(self._onlookers)
        digests = {one.session for one in watching}
        now = self._desk.now()

        def read(connection: Connection) -> tuple[Mapping[str, Session], Pulse, frozenset[str]]:
            known, new = sessions_of(connection, digests, now), pulse(connection)
            return known, new, touched_since(connection, before) if new != before else frozenset()

        known, new, touched = await self._desk.store.read(read)
        may_stay = {one for one in watching if self._may_stay(one, known.get(one.session))}
        for one in watching:
            if one not in may_stay:
                one.stream.end()
        told = {one for one in may_stay if (new != before if one.incident is None else one.incident in touched)}
        _say(told, "changed", within=len(told) / PER_SECOND if len(told) > PER_SECOND else 0)
        return new

    def _may_stay(self, one: Onlooker, session: Session | None) -> bool:
        """Whether the session holds, its agent may do what they might, and what is looked at is still theirs to see."""
        if session is None or held(self._desk, session.roles) != one.caller.roles or session.teams != one.caller.teams:
            return False
        situation = self._desk.pipeline.situation
        incident = None if one.incident is None else situation.incidents.get(one.incident)
        reach = reaching(one.caller, Permission.SEE, situation.topology)
        return incident is None or reach.holds(concerned(incident, situation.topology))


def _say(onlookers: set[Onlooker], what: str, **said: float) -> None:
    for one in onlookers:
        one.stream.say(_SAID.format(what, json.dumps(said)).encode())


def _headers(*, is_tls: bool) -> Mapping[str, str]:
    """What goes out with a stream. Proxies are asked to hand on each word as it comes, and to change none."""
    told = {
        hdrs.CONTENT_TYPE: "text/event-stream; charset=utf-8",
        hdrs.CACHE_CONTROL: f"{PRIVATE}, no-transform",
        "X-Accel-Buffering": "no",
    }
    return {**hardened(is_tls=is_tls), **told}


def _clock() -> float:
    return asyncio.get_running_loop().time()


def room() -> int:
    """How many streams there may be in this process."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if descriptors == resource.RLIM_INFINITY else min(MOST, descriptors // 8)


LIVE: web.AppKey[Live] = web.AppKey("LIVE", Live)


async def follow(request: web.Request) -> web.StreamResponse:
    """Tell the open page of what happens: the queue and the wall of anything, a card of its own incident."""
    return await request.app[LIVE].follow(request)


def told_live(app: web.Application) -> None:
    """Have the pages of *app* told while it runs."""
    app[LIVE] = live = Live(app[DESK])
    app.cleanup_ctx.append(partial(_telling, live))
    app.on_shutdown.append(partial(_close, live))


async def _telling(live: Live, _: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(live.run())
    yield
    task.cancel()
    await asyncio.wait([task])


async def _close(live: Live, _: web.Application) -> None:
    """Before the listener waits for answers to end: these would never."""
    live.close()
