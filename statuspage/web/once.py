"""An act asked for by a program, done once: a request that is repeated with its ``Idempotency-Key`` gets the first answer again."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection

from incidents.events import Event
from statuspage.pipeline import Command
from statuspage.store.acts import Answer, keep_answer, kept_answer
from statuspage.web.desk import DESK, Deed, perform
from statuspage.web.problems import Rejected

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
_LONGEST_KEY = 255

Spell = Callable[[Connection, Sequence[Event]], BaseModel]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Once:
    """Requests with a key, one at a time for each caller and key; whoever waited finds the first one's answer."""

    def __init__(self) -> None:
        self._busy: dict[tuple[str, str], tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def turn(self, actor: str, key: str) -> AsyncIterator[None]:
        """Wait until nobody else is at work with this key."""
        place = (actor, key)
        lock, waiting = self._busy.get(place, (asyncio.Lock(), 0))
        self._busy[place] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._busy.pop(place)
            if waiting > 1:
                self._busy[place] = (lock, waiting - 1)


ONCE: web.AppKey[Once] = web.AppKey("ONCE", Once)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for by *key*: method and path, and the digest of the body."""

    key: str
    request: str
    digest: str


ASKED: web.RequestKey[Asked] = web.RequestKey("ASKED", Asked)
_ADDRESSED = frozenset(f"/api/v1/{one}" for one in ("incidents", "maintenances", "advisories", "subscribers"))
"""Where what is made has an address of its own, below."""


async def answered_once(request: web.Request, by: str, handler: Handler) -> web.StreamResponse:
    """Have *handler* answer, or give what it answered before to the same request with the same key.

    Asked before anything else is: what made sense then may not any more, and who asks again wants to know how it went. Errors: what
    *handler* raises; Rejected 422 for a key that is none, or was used for another request.
    """
    key = request.headers.get(KEY_HEADER)
    if key is None or request.method not in {"POST", "PATCH"}:
        return await handler(request)
    if not 1 <= len(key) <= _LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Rejected(422, f"{KEY_HEADER} has 1 to {_LONGEST_KEY} printable characters.")
    async with request.app[ONCE].turn(by, key):
        asked = Asked(key=key, request=f"{request.method} {request.path}", digest=hashlib.sha256(await request.read()).hexdigest())
        kept = await request.app[DESK].store.read(lambda connection: kept_answer(connection, actor=by, key=key))
        if kept is None:
            request[ASKED] = asked
            return await handler(request)
        if (kept.request, kept.digest) != (asked.request, asked.digest):
            raise Rejected(422, f"This {KEY_HEADER} was used for another request.")
        return _respond(request, kept.status, kept.response, is_replayed=True)


async def done_once(request: web.Request, deed: Deed, command: Command, *, status: int, spell: Spell) -> web.Response:
    """Do the act and answer with what *spell* reads after it, kept beside it where it is asked for by a key. Errors: as ``perform``."""
    said: list[str] = []

    def beside(connection: Connection, events: Sequence[Event]) -> None:
        said.append(spell(connection, events).model_dump_json())
        _keep(request, connection, deed.by, status, said[-1])

    await perform(request.app[DESK], deed, command, beside)
    return _respond(request, status, said[-1])


async def written_once(request: web.Request, by: str, write: Callable[[Connection], BaseModel], *, status: int) -> web.Response:
    """Write what no decision comes of, and answer with what *write* gives, kept as by ``done_once``. Errors: what *write* raises."""

    def both(connection: Connection) -> str:
        said = write(connection).model_dump_json()
        _keep(request, connection, by, status, said)
        return said

    return _respond(request, status, await request.app[DESK].store.write(both))


def _keep(request: web.Request, connection: Connection, by: str, status: int, said: str) -> None:
    """Keep an answer for who asks again, in the transaction that it comes from. Errors: Rejected 409 where another hub was faster."""
    asked = request[ASKED] if ASKED in request else None  # noqa: SIM401 - get() has no types
    if asked is None:
        return
    if kept_answer(connection, actor=by, key=asked.key) is not None:
        raise Rejected(409, f"This {KEY_HEADER} was used at this very moment. Ask again, and the answer is there.")
    answer = Answer(request=asked.request, digest=asked.digest, status=status, response=said)
    keep_answer(connection, actor=by, key=asked.key, answer=answer, at=request.app[DESK].now())


def _respond(request: web.Request, status: int, said: str, *, is_replayed: bool = False) -> web.Response:
    collection = "/".join(request.path.split("/")[:4])  # /api/v1/incidents, whatever of it was acted on
    response = web.Response(status=status, text=said, content_type="application/json")
    made = json.loads(said).get("id")
    if status == 201 and made is not None and collection in _ADDRESSED:
        response.headers["Location"] = f"{collection}/{made}"
    if is_replayed:
        response.headers[REPLAYED_HEADER] = "true"
    return response
