"""An act asked for by a program, done once: a request that is repeated with its ``Idempotency-Key`` gets the first answer again."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import hdrs, web
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
Keep = Callable[[Connection, str], None]
"""Keeps an answer for who asks again, in the transaction that it comes from."""


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


async def done_once(request: web.Request, deed: Deed, command: Command, *, status: int, spell: Spell) -> web.Response:
    """Do the act and answer with what *spell* reads after it. Errors: as ``perform``; Rejected 422 for a key that was used otherwise."""
    desk = request.app[DESK]

    async def do(keep: Keep) -> str:
        said: list[str] = []

        def beside(connection: Connection, events: Sequence[Event]) -> None:
            said.append(spell(connection, events).model_dump_json())
            keep(connection, said[-1])

        await perform(desk, deed, command, beside)
        return said[-1]

    return await _once(request, deed.by, status, do)


async def written_once(request: web.Request, by: str, write: Callable[[Connection], BaseModel], *, status: int) -> web.Response:
    """Write what no decision comes of and what has no address of its own, and answer with what *write* gives.

    Errors: what *write* raises; as ``done_once``.
    """

    async def do(keep: Keep) -> str:
        def both(connection: Connection) -> str:
            said = write(connection).model_dump_json()
            keep(connection, said)
            return said

        return await request.app[DESK].store.write(both)

    answer = await _once(request, by, status, do)
    answer.headers.pop(hdrs.LOCATION, None)
    return answer


async def _once(request: web.Request, by: str, status: int, do: Callable[[Keep], Awaitable[str]]) -> web.Response:
    desk = request.app[DESK]
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return _respond(request, (status, await do(_keep_nothing)))
    if not 1 <= len(key) <= _LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Rejected(422, f"{KEY_HEADER} has 1 to {_LONGEST_KEY} printable characters.")
    async with request.app[ONCE].turn(by, key):
        mark = (f"{request.method} {request.path}", hashlib.sha256(await request.read()).hexdigest())
        kept = await desk.store.read(lambda connection: kept_answer(connection, actor=by, key=key))
        if kept is None:

            def keep(connection: Connection, said: str) -> None:
                answer = Answer(request=mark[0], digest=mark[1], status=status, response=said)
                keep_answer(connection, actor=by, key=key, answer=answer, at=desk.now())

            return _respond(request, (status, await do(keep)))
        if (kept.request, kept.digest) != mark:
            raise Rejected(422, f"This {KEY_HEADER} was used for another request.")
        return _respond(request, (kept.status, kept.response), is_replayed=True)


def _keep_nothing(_: Connection, __: str) -> None:
    """There is no key by which it could be asked for again."""


def _respond(request: web.Request, answer: tuple[int, str], *, is_replayed: bool = False) -> web.Response:
    collection = "/".join(request.path.split("/")[:4])  # /api/v1/incidents, whatever of it was acted on
    status, text = answer
    response = web.Response(status=status, text=text, content_type="application/json")
    made = json.loads(text).get("id")
    if status == 201 and made is not None:
        response.headers["Location"] = f"{collection}/{made}"
    if is_replayed:
        response.headers[REPLAYED_HEADER] = "true"
    return response
