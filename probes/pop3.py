"""A mailbox that can be fetched: greeting, encryption, login, how much it holds (RFC 1939, 2449, 2595, 3206, 5034)."""

import re
from dataclasses import dataclass
from typing import Self

from pydantic import model_validator

from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.kind import ProbeKind
from probes.lines import Stream
from probes.mail import MailServer, encoded, encrypt, part, password_of, reach, target, typed
from probes.result import Failure
from probes.settings import refuse_controls
from probes.text import excerpt

_STATUS = re.compile(rb"(\+OK|-ERR)(?: (?:\[([A-Z][A-Z0-9/-]*)[^\]]*\] ?)?(.*))?", re.DOTALL | re.IGNORECASE)
_DROP = re.compile(rb"\+OK ([0-9]{1,10}) ([0-9]{1,15})(?: .*)?", re.DOTALL | re.IGNORECASE)
_MOST_LINES = 100
_FOR_NOW = frozenset({"SYS/TEMP", "IN-USE", "LOGIN-DELAY"})
"""Codes of a refusal that passes by itself (RFC 2449 section 8, RFC 3206 section 4)."""
_NOT_ABOUT_US = frozenset({"SYS/TEMP", "SYS/PERM"})
"""Codes by which the server could not decide about our name and password (RFC 3206 section 4)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One status line: whether it is ``+OK``, its response code (upper case, or empty), and the line itself."""

    is_ok: bool
    code: str
    line: bytes

    def __str__(self) -> str:
        return excerpt(self.line, 150)


@dataclass(slots=True)
class Pop3:
    """One dialogue. Every step raises ProbeFailed where the server does not go along: DEFERRED where its code says for now, else REJECTED.

    *capabilities* are the first words of what CAPA lists; None where the server does not know CAPA.
    """

    stream: Stream
    attempt: Attempt
    capabilities: frozenset[str] | None = None
    mechanisms: frozenset[str] = frozenset()

    async def greet(self) -> None:
        """Hear the greeting."""
        with self.attempt.phase("greeting"):
            _wanted(await self._reply())

    async def learn(self) -> None:
        """Ask what the server can do. Old ones do not know the question (RFC 2449 section 5)."""
        with self.attempt.phase("capability"):
            if not (await self._ask("CAPA")).is_ok:
                self.capabilities, self.mechanisms = None, frozenset()
                return
            words = [line.decode("ascii", "replace").upper().split() for line in await self._lines()]
        self.capabilities = frozenset(each[0] for each in words if each)
        self.mechanisms = frozenset(name for each in words if each[:1] == ["SASL"] for name in each[1:])

    async def begin_tls(self) -> str | None:
        """Ask for encryption; return the refusal, if there is one."""
        reply = await self._ask("STLS")
        return None if reply.is_ok else str(reply)

    async def log_in(self, name: str, password: str) -> None:
        """Show *name* and *password*, by USER and PASS or, where only that is offered, by AUTH PLAIN."""
        if self.capabilities is None or "USER" in self.capabilities:
            reply = await self._ask(f"USER {name}", "USER ***")
            if reply.is_ok:
                reply = await self._ask(f"PASS {password}", "PASS ***")
        elif "PLAIN" in self.mechanisms:
            reply = await self._authenticate(encoded(f"\0{name}\0{password}"))
        else:
            raise ProbeFailed(Failure.AUTH_UNAVAILABLE, "the server offers neither USER nor AUTH PLAIN on this connection")
        self._judge_auth(reply)

    async def _authenticate(self, payload: str) -> Reply:
        """Authenticate without an initial response, which servers may not know (RFC 5034 section 4)."""
        self.attempt.sent("AUTH PLAIN")
        self.stream.write(b"AUTH PLAIN\r\n")
        line = await self._line()
        if line.startswith(b"+ ") or line == b"+":
            return await self._ask(payload, "***")
        if (reply := _reply_of(line)).is_ok:
            raise ProbeFailed(Failure.PROTOCOL, f"the server lets us in before we have said who we are: {reply}")
        return reply

    def _judge_auth(self, reply: Reply) -> None:
        """Tell our password from the service (RFC 3206): where the server promises to mark what is about us, the rest is about it."""
        if reply.is_ok:
            return
        if reply.code in _FOR_NOW - _NOT_ABOUT_US:
            raise ProbeFailed(Failure.DEFERRED, str(reply))
        is_marked = self.capabilities is not None and "AUTH-RESP-CODE" in self.capabilities
        is_about_us = reply.code == "AUTH" or not (reply.code in _NOT_ABOUT_US or is_marked)
        raise ProbeFailed(Failure.AUTH_REJECTED if is_about_us else Failure.AUTH_UNAVAILABLE, str(reply))

    async def count(self) -> tuple[int, int]:
        """Return how many messages the mailbox holds, and how many octets."""
        with self.attempt.phase("stat"):
            reply = _wanted(await self._ask("STAT"))
            matched = _DROP.fullmatch(reply.line)
            if matched is None:
                raise ProbeFailed(Failure.PROTOCOL, f"not a count of messages and octets: {reply}")
        return int(matched[1]), int(matched[2])

    async def leave(self) -> None:
        """Say QUIT."""
        await part(self.stream, self._ask("QUIT"), self.attempt)

    async def _ask(self, command: str, shown: str | None = None) -> Reply:
        if unasked := self.stream.discard():
            raise ProbeFailed(Failure.PROTOCOL, f"the server says, unasked: {excerpt(unasked)}")
        self.attempt.sent(shown or command)
        self.stream.write(command.encode() + b"\r\n")
        return await self._reply()

    async def _reply(self) -> Reply:
        return _reply_of(await self._line())

    async def _line(self) -> bytes:
        line = await self.stream.line()
        self.attempt.received(line)
        return line

    async def _lines(self) -> list[bytes]:
        """Read the rest of an answer of several lines, which a lone dot ends (RFC 1939 section 3)."""
        lines: list[bytes] = []
        while (line := await self._line()) != b".":
            lines.append(line)
            if len(lines) > _MOST_LINES:
                raise ProbeFailed(Failure.TOO_LARGE, f"an answer of more than {_MOST_LINES} lines")
        return lines


def _reply_of(line: bytes) -> Reply:
    matched = _STATUS.fullmatch(line)
    if matched is None:
        raise ProbeFailed(Failure.PROTOCOL, f"not POP3: {excerpt(line)}")
    return Reply(matched[1] == b"+OK", (matched[2] or b"").decode().upper(), line)


def _wanted(reply: Reply) -> Reply:
    if reply.is_ok:
        return reply
    raise ProbeFailed(Failure.DEFERRED if reply.code in _FOR_NOW else Failure.REJECTED, str(reply))


class Settings(MailServer):
    """A server; with a login the mailbox is counted without changing it."""

    @model_validator(mode="after")
    def _fits_on_a_line(self) -> Self:
        if self.login is not None:
            try:
                refuse_controls(self.login.user + self.login.password.reveal())
            except ValueError:
                raise ValueError("a name or password with a control character cannot be sent by POP3") from None
        return self


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Log in where there is a login, count the mailbox's messages, leave."""
    with await reach(settings, door, attempt) as stream:
        dialogue = Pop3(stream, attempt)
        await dialogue.greet()
        await dialogue.learn()
        is_offered = "STLS" in (dialogue.capabilities or ())
        if await encrypt(stream, settings, door, attempt, is_offered=is_offered, begin=dialogue.begin_tls):
            await dialogue.learn()
        if settings.login is not None:
            with attempt.phase("auth"):
                await dialogue.log_in(settings.login.user, password_of(settings.login, settings, stream, attempt))
            messages, octets = await dialogue.count()
            attempt.fact("messages", messages)
            attempt.fact("octets", octets)
        await dialogue.leave()


KIND = ProbeKind(
    name="pop3", summary="A mailbox can be fetched", settings=Settings, measure=measure, target=target, ad_hoc=typed(Settings, 110)
)
