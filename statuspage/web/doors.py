"""The ways to further pages: by the host that is asked, by a token in the path that nobody guesses, or past the login of the console.

Which page a token opens is looked up in constant time, and one that opens none is a path like any other: the main page answers.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol

from aiohttp import hdrs, web

PAGES = "/pages/"
INVITATIONS = "/invitations/"
"""Where the console asks whoever was invited for a password; a code follows."""

Answer = Callable[[web.Request, str], Awaitable[web.StreamResponse]]


class Renewed(Protocol):
    """Sees to it that the page is as new as what is known."""

    def __call__(self) -> Awaitable[None]:
        """Return once it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One further page: it is drawn when somebody asks, by *renew*, and answers what is asked of it at a path."""

    renew: Renewed
    answer: Answer

    async def enter(self, request: web.Request, path: str) -> web.StreamResponse:
        """Answer what *request* asks of the page at *path*."""
        await self.renew()
        return await self.answer(request, path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """All further pages: by host, by the digest of a token, and, for those who have logged in, by id."""

    by_host: Mapping[str, Door] = field(default_factory=lambda: MappingProxyType({}))
    by_token: Mapping[bytes, Door] = field(default_factory=lambda: MappingProxyType({}))
    by_id: Mapping[str, Door] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_any_public(self) -> bool:
        """Whether any is reached through the public listener."""
        return bool(self.by_host or self.by_token)

    def opened_by(self, token: str) -> Door | None:
        """The page for those who know *token*. All are looked at, whichever it is."""
        presented, found = digest(token), None
        for known, door in self.by_token.items():
            if hmac.compare_digest(known, presented):
                found = door
        return found


NONE = Doors()


def no_doors() -> Doors:
    """There are no further pages."""
    return NONE


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def lead(
    doors: Callable[[], Doors], main: Callable[[web.Request], Awaitable[web.StreamResponse]], request: web.Request
) -> Awaitable[web.StreamResponse]:
    """Have the page answer that *request* is for; *main* answers where it is for none."""
    known = doors()
    if not known.is_any_public:
        return main(request)
    door = known.by_host.get(_host(request.headers.get(hdrs.HOST, "")))
    if door is not None:
        return door.enter(request, request.path)
    if not request.path.startswith(PAGES):
        return main(request)
    token, slash, rest = request.path.removeprefix(PAGES).partition("/")
    door = known.opened_by(token)
    return main(request) if door is None else door.enter(request, f"/{rest}" if slash else "/")


@lru_cache(maxsize=256)
def _host(header: str) -> str:
    """The name in a ``Host`` header, without its port and in small letters."""
    return header.rpartition(":")[0].rstrip(".").lower() if header.rpartition(":")[2].isdecimal() else header.rstrip(".").lower()


def untold(path: str) -> str:
    """*path* as it may be written down: without what opens a page."""
    return next((f"{way}…" for way in (PAGES, INVITATIONS) if path.startswith(way)), path)


@dataclass(slots=True)
class Once:
    """Has *draw* run for each new *source*, once for all who wait for it; nobody asks, nothing is drawn."""

    source: Callable[[], object]
    draw: Callable[[], Awaitable[object]]
    _drawn: object = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self) -> None:
        """Return once what is drawn is of the newest source."""
        if self._drawn is self.source():
            return
        async with self._lock:
            source = self.source()
            if self._drawn is not source:
                await self.draw()
                self._drawn = source
