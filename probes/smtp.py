"""A mail server that takes mail: greeting, EHLO, encryption, name and password, and up to the recipient (RFC 5321, 3207, 4954)."""

import re
from dataclasses import dataclass, field
from typing import Self

from pydantic import model_validator

from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.kind import ProbeKind
from probes.lines import Stream
from probes.mail import MailAddress, MailServer, encoded, encrypt, part, password_of, reach, target, typed
from probes.result import Failure
from probes.settings import Host
from probes.text import excerpt

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_MOST_LINES = 100
_CLOSING = 421
"""The server goes away; it may say so at any step (RFC 5321 section 3.8)."""
_NOT_UNDERSTOOD = range(500, 505)
"""Codes by which a server says that it did not understand AUTH: nothing about our name and password."""
_NEEDS_TLS = frozenset({523, 524, 530, 538})
"""Codes by which a server does not look at a password that comes in clear (RFC 4954 section 6, RFC 5248 section 2.4)."""
_TRANSITION = 432
"""The account must change how it logs in (RFC 4954 section 6): for now, but only we can mend it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: its code and the text of each line."""

    code: int
    lines: tuple[bytes, ...]

    def __str__(self) -> str:
        return f"{self.code} {excerpt(b' '.join(self.lines), 150)}"


@dataclass(slots=True)
class Smtp:
    """One dialogue. Every step raises ProbeFailed where the server does not go along: DEFERRED for 4xx, REJECTED for 5xx."""

    stream: Stream
    attempt: Attempt
    capabilities: dict[str, str] = field(default_factory=dict)

    async def greet(self) -> None:
        """Hear the greeting."""
        with self.attempt.phase("greeting"):
            _wanted(await self._reply(), 220)

    async def hello(self, name: str | None) -> None:
        """Say EHLO as *name*, or as the address from which we speak, and learn what the server can do."""
        with self.attempt.phase("ehlo"):
            reply = _wanted(await self._ask(f"EHLO {name or _own_address(self.stream)}"), 250)
        self.capabilities = _capabilities(reply.lines[1:])

    async def begin_tls(self) -> str | None:
        """Ask for encryption; return the refusal, if there is one."""
        reply = await self._ask("STARTTLS")
        if reply.code == _CLOSING:
            _wanted(reply, 220)
        return None if reply.code == 220 else str(reply)

    async def log_in(self, name: str, password: str) -> None:
        """Show *name* and *password*, as AUTH PLAIN or, where only that is offered, LOGIN."""
        mechanisms = self.capabilities.get("AUTH", "").upper().split()
        if "PLAIN" in mechanisms:
            payload = encoded(f"\0{name}\0{password}")
            reply = await self._ask(f"AUTH PLAIN {payload}", "AUTH PLAIN ***")
        elif "LOGIN" in mechanisms:
            reply = await self._ask("AUTH LOGIN")
            for payload in (encoded(name), encoded(password)):
                if reply.code == 334:
                    reply = await self._ask(payload, "***")
        else:
            raise ProbeFailed(Failure.AUTH_UNAVAILABLE, "the server offers neither AUTH PLAIN nor LOGIN")
        _judge_auth(reply)

    async def envelope(self, mail_from: str, rcpt_to: str | None) -> None:
        """Name sender and recipient."""
        with self.attempt.phase("mail_from"):
            _wanted(await self._ask(f"MAIL FROM:<{mail_from}>"), 250)
        if rcpt_to is not None:
            with self.attempt.phase("rcpt_to"):
                _wanted(await self._ask(f"RCPT TO:<{rcpt_to}>"), 250, 251)

    async def send(self, message: bytes) -> None:
        """Hand over a *message* with CRLF line ends after the envelope."""
        with self.attempt.phase("data"):
            _wanted(await self._ask("DATA"), 354)
            stuffed = re.sub(rb"^\.", b"..", message, flags=re.MULTILINE)
            self.attempt.sent(f"({len(message)} bytes of message)")
            self.stream.write(stuffed + b".\r\n")
            _wanted(await self._reply(), 250)

    async def reset(self) -> None:
        """Take the envelope back."""
        with self.attempt.phase("reset"):
            _wanted(await self._ask("RSET"), 250)

    async def leave(self) -> None:
        """Say QUIT."""
        await part(self.stream, self._ask("QUIT"), self.attempt)

    async def _ask(self, command: str, shown: str | None = None) -> Reply:
        if unasked := self.stream.discard():
            _refuse_unasked(unasked)
        self.attempt.sent(shown or command)
        self.stream.write(command.encode() + b"\r\n")
        return await self._reply()

    async def _reply(self) -> Reply:
        """Read one reply of up to 100 lines, all of the same code (RFC 5321 section 4.2.1)."""
        lines: list[bytes] = []
        code: bytes | None = None
        for _ in range(_MOST_LINES):
            line = await self.stream.line()
            self.attempt.received(line)
            matched = _LINE.fullmatch(line)
            if matched is None:
                raise ProbeFailed(Failure.PROTOCOL, f"not SMTP: {excerpt(line)}")
            first, code = code or matched[1], matched[1]
            if code != first:
                raise ProbeFailed(Failure.PROTOCOL, f"the code changes within a reply, from {first.decode()} to {excerpt(line)}")
            lines.append(matched[3] or b"")
            if matched[2] != b"-":
                return Reply(int(code), tuple(lines))
        raise ProbeFailed(Failure.TOO_LARGE, f"a reply of more than {_MOST_LINES} lines")


def _wanted(reply: Reply, *codes: int) -> Reply:
    if reply.code in codes:
        return reply
    if reply.code >= 500:
        raise ProbeFailed(Failure.REJECTED, str(reply))
    if reply.code >= 400:
        raise ProbeFailed(Failure.DEFERRED, str(reply))
    raise ProbeFailed(Failure.PROTOCOL, f"{reply}, expected {codes[0]}")


def _refuse_unasked(unasked: bytes) -> None:
    """Refuse what a server said before it was asked: taken for the answer, it would shift every later one by a step."""
    failure = Failure.DEFERRED if unasked.startswith(b"%d" % _CLOSING) else Failure.PROTOCOL
    raise ProbeFailed(failure, f"the server says, unasked: {excerpt(unasked)}")


def _judge_auth(reply: Reply) -> None:
    """Tell our password from the service (RFC 4954 section 6): 535 is about us, 454 about them."""
    if reply.code == 235:
        return
    if reply.code == _CLOSING or reply.code in _NOT_UNDERSTOOD or reply.code < 400:
        _wanted(reply, 235)
    is_about_us = reply.code == _TRANSITION or (reply.code >= 500 and reply.code not in _NEEDS_TLS)
    raise ProbeFailed(Failure.AUTH_REJECTED if is_about_us else Failure.AUTH_UNAVAILABLE, str(reply))


def _capabilities(lines: tuple[bytes, ...]) -> dict[str, str]:
    """Read the lines after the first of an EHLO reply; ``AUTH=LOGIN`` is an old spelling, which may stand beside the new one."""
    found: dict[str, str] = {}
    for line in lines:
        name, _, rest = line.decode("ascii", "replace").strip().replace("=", " ", 1).partition(" ")
        name, rest = name.upper(), rest.strip()
        found[name] = f"{found[name]} {rest}".strip() if name in found else rest
    return found


def _own_address(stream: Stream) -> str:
    """Spell our address as EHLO takes it where there is no name (RFC 5321 section 4.1.3)."""
    address = str(stream.transport.get_extra_info("sockname")[0])
    return f"[IPv6:{address.partition('%')[0]}]" if ":" in address else f"[{address}]"


class Settings(MailServer):
    """A server and how far to go: with *mail_from* to MAIL, with *rcpt_to* to RCPT, and then back by RSET. *helo* is our name."""

    helo: Host | None = None
    mail_from: MailAddress | None = None
    rcpt_to: MailAddress | None = None

    @model_validator(mode="after")
    def _has_sender(self) -> Self:
        if self.rcpt_to is not None and self.mail_from is None:
            raise ValueError("rcpt_to needs mail_from")
        return self


async def welcomed(settings: Settings, stream: Stream, door: Door, attempt: Attempt) -> Smtp:
    """Go from the greeting through encryption and login: after it the server takes mail from us."""
    dialogue = Smtp(stream, attempt)
    await dialogue.greet()
    await dialogue.hello(settings.helo)
    is_offered = "STARTTLS" in dialogue.capabilities
    if await encrypt(stream, settings, door, attempt, is_offered=is_offered, begin=dialogue.begin_tls):
        await dialogue.hello(settings.helo)
    if settings.login is not None:
        with attempt.phase("auth"):
            await dialogue.log_in(settings.login.user, password_of(settings.login, settings, stream, attempt))
    return dialogue


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Go as far as the settings say, leave nothing behind."""
    with await reach(settings, door, attempt) as stream:
        dialogue = await welcomed(settings, stream, door, attempt)
        if settings.mail_from is not None:
            await dialogue.envelope(settings.mail_from, settings.rcpt_to)
            await dialogue.reset()
        await dialogue.leave()


KIND = ProbeKind(
    name="smtp", summary="A mail server takes mail", settings=Settings, measure=measure, target=target, ad_hoc=typed(Settings, 25)
)
