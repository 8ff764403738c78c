"""A small company of real local servers, each of which can be broken for real and mended."""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType, TracebackType
from typing import Protocol, Self

import jinja2

from statuspage import bundled
from statuspage.demo.deliver import Mailbox
from statuspage.demo.mailboxes import Mailboxes
from statuspage.demo.modes import Mode
from statuspage.demo.outgoing_mail import OutgoingMail
from statuspage.demo.ports import Address, free_address
from statuspage.demo.storage import Storage, ask
from statuspage.demo.website import portal, webmail

STORAGE, MAILBOXES, OUTGOING_MAIL, WEBMAIL, PORTAL = "storage", "mailboxes", "outgoing-mail", "webmail", "portal"
NAMES = (OUTGOING_MAIL, MAILBOXES, WEBMAIL, PORTAL, STORAGE)
EVERY_SERVER = "all"

Hear = Callable[[str, Mode | None], None]
"""Takes a server's name and the mode that it is broken by from now on, or None."""

MAIL_USER = "probe@example.net"


class Server(Protocol):
    """One server of the company: opened well or broken, closed, and opened again on the same port."""

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The ways in which it can be broken; the first is the one meant where none is named."""

    async def open(self, mode: Mode | None) -> None:
        """Serve, well (None) or broken by a mode other than STOPPED."""

    async def close(self) -> None:
        """Stop listening and cut every connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one server stands: broken by *mode*, or well (None), and what it could be broken by."""

    name: str
    address: Address
    mode: Mode | None
    modes: tuple[Mode, ...]


class NoSuchThing(ValueError):
    """The company has no such server, or the server no such mode; the message names the choices."""


class Company:
    """The company, open while it is entered.

    Errors on entering: OSError where a server does not come up; whatever is up by then is closed again.
    """

    def __init__(self, hear: Hear | None = None) -> None:
        """Choose the addresses and the mailbox's password; nothing listens yet. *hear* is told what was broken or mended."""
        self._hear = hear
        self.addresses: Mapping[str, Address] = MappingProxyType(_addresses())
        self.mailbox = Mailbox(address=self.addresses[MAILBOXES], user=MAIL_USER, password=secrets.token_urlsafe(12))
        self._servers = _servers(self.addresses, self.mailbox)
        self._modes: dict[str, Mode | None] = dict.fromkeys(NAMES)
        self._turn = asyncio.Lock()
        self._closing = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opened:
            for server in self._servers.values():
                opened.push_async_callback(server.close)
                await server.open(None)
            self._closing = opened.pop_all()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        async with self._turn:
            await self._closing.aclose()

    def state(self) -> tuple[Standing, ...]:
        """Tell how each server stands, in the order of ``NAMES``."""
        return tuple(
            Standing(name=name, address=self.addresses[name], mode=self._modes[name], modes=self._servers[name].modes) for name in NAMES
        )

    async def break_(self, what: str, mode: str | None = None) -> Mode:
        """Break the server *what*, by its first mode where none is named. Errors: NoSuchThing."""
        if what not in self._servers:
            raise NoSuchThing(f"the company has no {what!r}: choose one of {', '.join(NAMES)}")
        modes = self._servers[what].modes
        chosen = next((known for known in modes if known == (mode or modes[0])), None)
        if chosen is None:
            raise NoSuchThing(f"{what} cannot be broken by {mode!r}: choose one of {', '.join(modes)}")
        async with self._turn:
            await self._turn_to(what, chosen)
        return chosen

    async def mend(self, what: str) -> tuple[str, ...]:
        """Mend the server *what*, or every one for ``all``; gives the names of those that were broken. Errors: NoSuchThing, OSError."""
        if what not in (*self._servers, EVERY_SERVER):
            raise NoSuchThing(f"the company has no {what!r}: choose one of {', '.join(NAMES)}, or {EVERY_SERVER}")
        async with self._turn:
            broken = tuple(name for name in self._servers if what in (name, EVERY_SERVER) and self._modes[name] is not None)
            for name in broken:
                await self._turn_to(name, None)
        return broken

    async def _turn_to(self, name: str, mode: Mode | None) -> None:
        server = self._servers[name]
        await server.close()
        self._modes[name] = Mode.STOPPED  # the truth until it is open again, and after an error
        if mode is not Mode.STOPPED:
            await server.open(mode)
            self._modes[name] = mode
        if self._hear is not None:
            self._hear(name, mode)


def _addresses() -> dict[str, Address]:
    found: set[Address] = set()
    while len(found) < len(NAMES):
        found.add(free_address())
    return dict(zip(NAMES, found, strict=True))


def _servers(addresses: Mapping[str, Address], mailbox: Mailbox) -> dict[str, Server]:
    """Make the servers, those first that others ask."""
    asks = partial(ask, addresses[STORAGE])
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(bundled.templates() / "demo"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return {
        STORAGE: Storage(addresses[STORAGE]),
        MAILBOXES: Mailboxes(mailbox),
        OUTGOING_MAIL: OutgoingMail(addresses[OUTGOING_MAIL], mailbox=mailbox, ask=asks),
        WEBMAIL: webmail(addresses[WEBMAIL], mailbox=mailbox, ask=asks, templates=templates),
        PORTAL: portal(addresses[PORTAL], templates=templates),
    }
