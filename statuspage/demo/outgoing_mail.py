"""The company's mail server: submission by SMTP with a password, delivery into the mailboxes by IMAP."""

import asyncio
import logging
from collections import deque
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from statuspage.demo.deliver import INBOX, JUNK, Mailbox, NotDelivered, append
from statuspage.demo.modes import Mode
from statuspage.demo.ports import Address, Conversation, bind, say_nothing
from statuspage.demo.storage import Ask, StorageAway

_log = logging.getLogger(__name__)

_QUEUE = 200  # messages; more are refused for now, as a full disk would
_TRIES, _BETWEEN = 120, 0.5  # how often delivery of one message is tried, and seconds between two tries
_LARGEST = 1_000_000  # bytes


class OutgoingMail:
    """Takes mail from whoever signs in, for the one mailbox that there is.

    It asks the storage before it accepts a recipient or a message, and keeps what it accepted until the mailboxes take it.
    """

    modes = (Mode.STOPPED, Mode.REFUSING, Mode.STALLING, Mode.ERRORS, Mode.LOSING, Mode.JUNKING)

    def __init__(self, address: Address, *, mailbox: Mailbox, ask: Ask) -> None:
        """Only remember; ``open`` listens."""
        self._address, self._mailbox, self._ask = address, mailbox, ask
        self._stand_in = Conversation(address)
        self._server: asyncio.Server | None = None
        self._sessions: WeakSet[SMTP] = WeakSet()
        self._queue: deque[bytes] = deque()
        self._arrived = asyncio.Event()
        self._delivery: asyncio.Task[None] | None = None

    async def open(self, mode: Mode | None) -> None:
        """Serve, well or broken by *mode*."""
        match mode:
            case Mode.REFUSING:
                await self._stand_in.open(_refuse)
            case Mode.STALLING:
                await self._stand_in.open(say_nothing)
            case _:
                await self._serve(mode)

    async def close(self) -> None:
        """Stop listening, cut every session, and leave the queue as it is until the next ``open``."""
        await self._stand_in.close()
        if self._delivery is not None:
            self._delivery.cancel()
            await asyncio.wait([self._delivery])
            self._delivery = None
        if self._server is not None:
            self._server.close()
            await asyncio.gather(*(_cut(session) for session in list(self._sessions)))
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, mode: Mode | None) -> None:
        def session() -> SMTP:
            made = SMTP(
                _Conduct(self, mode),
                hostname="mail.example.net",
                ident="ready",
                data_size_limit=_LARGEST,
                timeout=60,
                auth_require_tls=False,  # loopback only, and the password is made for this one run
                authenticator=self._authenticate,
                loop=asyncio.get_running_loop(),
            )
            self._sessions.add(made)
            return made

        self._server = await asyncio.get_running_loop().create_server(session, sock=await bind(self._address))
        self._delivery = asyncio.create_task(self._deliver(JUNK if mode is Mode.JUNKING else INBOX), name="demo mail delivery")

    def _authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: object) -> AuthResult:
        del server, session, envelope
        known = LoginPassword(self._mailbox.user.encode(), self._mailbox.password.encode())
        return AuthResult(success=mechanism in {"PLAIN", "LOGIN"} and login == known, handled=False)

    async def ask_storage(self) -> str | None:
        """Give the SMTP reply to make while the storage is away, or None where all is well."""
        try:
            await self._ask()
        except StorageAway as away:
            return f"451 4.3.0 Not now: {away}"
        return None

    def knows(self, recipient: str) -> bool:
        """Tell whether mail for *recipient* ends in the mailbox."""
        return recipient.lower() == self._mailbox.user.lower()

    def keep(self, message: bytes) -> bool:
        """Queue *message* for delivery; False where the queue is full."""
        if len(self._queue) >= _QUEUE:
            return False
        self._queue.append(message)
        self._arrived.set()
        return True

    async def _deliver(self, folder: str) -> None:
        while True:
            await self._arrived.wait()
            while self._queue:
                if not await self._is_delivered(folder, self._queue[0]):
                    _log.warning("demo mail given up after %s tries: the mailboxes do not take it", _TRIES)
                self._queue.popleft()  # only now: a break while it was under way leaves it first in the queue
            self._arrived.clear()

    async def _is_delivered(self, folder: str, message: bytes) -> bool:
        for _ in range(_TRIES):
            try:
                await append(self._mailbox, folder, message)
            except NotDelivered:
                await asyncio.sleep(_BETWEEN)
            else:
                return True
        return False


class _Conduct:
    """What one SMTP session does at each command; aiosmtpd calls these by their names."""

    def __init__(self, mail: OutgoingMail, mode: Mode | None) -> None:
        self._mail, self._mode = mail, mode

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, sender: str, options: list[str]) -> str:  # noqa: N802
        del server
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        if self._mode is Mode.ERRORS:
            return "451 4.3.0 Local error in processing"
        envelope.mail_from = sender
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender ok"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, recipient: str, options: list[str]) -> str:  # noqa: N802
        del server, session
        if not self._mail.knows(recipient):
            return "550 5.1.1 No such mailbox"
        if trouble := await self._mail.ask_storage():
            return trouble
        envelope.rcpt_tos.append(recipient)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Recipient ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        del server, session
        if trouble := await self._mail.ask_storage():
            return trouble
        message = envelope.content
        if not isinstance(message, bytes):
            return "554 5.6.0 No message"
        if self._mode is not Mode.LOSING and not self._mail.keep(message):
            return "452 4.3.1 The queue is full"
        return "250 2.0.0 Accepted"


async def _cut(session: SMTP) -> None:
    """End *session* at once and wait until its task is over."""
    if isinstance(session.transport, asyncio.WriteTransport):
        session.transport.abort()
    task = session._handler_coroutine  # noqa: SLF001 - aiosmtpd names no other way to wait for a session's end
    if task is not None and not task.done():
        task.cancel()
        await asyncio.wait([task])


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greet with 554 and wait for QUIT, as RFC 5321 section 3.1 has it."""
    writer.write(b"554 5.3.2 mail.example.net takes no mail\r\n")
    while line := await reader.readline():
        if line.strip().upper() == b"QUIT":
            writer.write(b"221 2.0.0 Goodbye\r\n")
            return
        writer.write(b"503 5.5.1 Only QUIT is understood here\r\n")
        await writer.drain()
