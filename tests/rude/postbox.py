"""A real mail server on loopback that keeps what it is given, and answers single recipients as a test wants."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Letter:
    """What arrived: for whom, and the message."""

    to: str
    sender: str
    raw: bytes
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        part = self.message.get_body(("plain",))
        assert part is not None
        return str(part.get_content())

    @property
    def html(self) -> str:
        part = self.message.get_body(("html",))
        assert part is not None
        return str(part.get_content())


@dataclass
class Postbox:
    """What arrived, oldest first. *replies* are answers to RCPT, and *contents* answers to the message, by recipient, used up one by one.

    *before* runs when a message is there and before it is accepted, *after* once it is kept and before the client hears of it.
    """

    letters: list[Letter] = field(default_factory=list)
    replies: dict[str, list[str]] = field(default_factory=dict)
    contents: dict[str, list[str]] = field(default_factory=dict)
    before: Callable[[], Awaitable[None]] | None = None
    after: Callable[[], Awaitable[None]] | None = None
    port: int = 0
    conversations: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    sessions: "WeakSet[SMTP]" = field(default_factory=WeakSet)

    def to(self, address: str) -> list[Letter]:
        return [letter for letter in self.letters if letter.to == address]

    @asynccontextmanager
    async def opened(self, port: int = 0, *, tls: ssl.SSLContext | None = None) -> AsyncIterator["Postbox"]:
        """Listen on a free port, or on *port*; encrypted from the first byte on where *tls* says how."""
        server = await asyncio.get_running_loop().create_server(self._session, "127.0.0.1", port, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for session in list(self.sessions):
                # One that is closed has nothing left to abort: before Python 3.11.3 it says so by failing.
                if isinstance(session.transport, asyncio.WriteTransport) and not session.transport.is_closing():
                    session.transport.abort()
                task = session._handler_coroutine
                if task is not None and not task.done():
                    task.cancel()
                    await asyncio.wait([task])
            await server.wait_closed()

    def _session(self) -> SMTP:
        self.conversations += 1
        made = SMTP(_Conduct(self), hostname="mail.example.net", loop=asyncio.get_running_loop(), timeout=60, **self.options)
        self.sessions.add(made)
        return made


class _Conduct:
    def __init__(self, box: Postbox) -> None:
        self._box = box

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, recipient: str, options: list[str]) -> str:  # noqa: ARG002, N802
        if waiting := self._box.replies.get(recipient):
            return waiting.pop(0)
        envelope.rcpt_tos.append(recipient)
        return "250 2.1.5 Recipient ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        (to,) = envelope.rcpt_tos
        if self._box.before is not None:
            await self._box.before()
        if waiting := self._box.contents.get(to):
            return waiting.pop(0)
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self._box.letters.append(Letter(to=to, sender=str(envelope.mail_from), raw=envelope.content, message=message))
        if self._box.after is not None:
            await self._box.after()
        return "250 2.0.0 Accepted"
