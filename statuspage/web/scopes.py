"""What a token is for beside its roles, and when it was used: scopes such as ``callers:write``, named after the API's own addresses."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from functools import partial

from aiohttp import web

from statuspage.store import people
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable
from statuspage.store.people import Token, Unfit

METRICS = "metrics:read"
_API = "/api/v1/"
_MEASURED = frozenset({"/metrics", "/probe", "/sd"})
_MARKED_EVERY = timedelta(minutes=1)
_log = logging.getLogger(__name__)


def scope_of(method: str, path: str) -> str | None:
    """The scope that opens an address to a token that has some; None: such tokens do not get there."""
    if path in _MEASURED:
        return METRICS
    if not path.startswith(_API):
        return None
    kind = path.removeprefix(_API).partition("/")[0]
    return f"{kind}:{'read' if method in {'GET', 'HEAD'} else 'write'}"


def demand_known(scopes: Iterable[str], known: Iterable[str]) -> None:
    """Errors: Unfit for a scope that opens nothing."""
    there = sorted(set(known))
    if unknown := sorted(set(scopes) - set(there)):
        raise Unfit(f"There is no scope {unknown[0]!r}: {', '.join(there)}.")


class Uses:
    """Keeps when tokens were used, beside the requests and once a minute for each."""

    def __init__(self) -> None:
        self._marked: dict[str, datetime] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def mark(self, store: Store, token: Token, at: datetime) -> None:
        """Have it kept that *token* is used."""
        last = max(filter(None, (token.last_used_at, self._marked.get(token.name))), default=None)
        if last is not None and timedelta(0) <= at - last < _MARKED_EVERY:
            return
        self._marked[token.name] = at
        task = asyncio.create_task(_kept(store, token.name, at))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def at_end(self, _: web.Application) -> AsyncIterator[None]:
        """Wait for what is being written before the store is closed."""
        yield
        await asyncio.gather(*self._writing)


async def _kept(store: Store, name: str, at: datetime) -> None:
    try:
        await store.write(partial(people.mark_used, name=name, at=at))
    except StoreUnavailable as away:
        _log.warning("when the token %s was used is not kept: %s", name, away)


USES: web.AppKey[Uses] = web.AppKey("USES", Uses)
SCOPES: web.AppKey[frozenset[str]] = web.AppKey("SCOPES")
"""Every scope that a token may have, by the table of addresses."""
