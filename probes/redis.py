"""A Redis, Valkey or KeyDB that answers: password, PING, and one command that only reads (the protocol RESP 2)."""

import re
from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from probes.attempt import Attempt, ProbeFailed
from probes.database import DatabaseServer, guard_password, judge, password_of, tls_of
from probes.egress import Door, Trust
from probes.kind import ProbeKind
from probes.lines import Stream
from probes.result import Failure
from probes.settings import Line, Port, authority, host_and_port
from probes.text import excerpt

_PORT = 6379
_DEFAULT_NAME = "default"
_MOST_PARTS = 1000
"""The most entries of a list that are read: the connection's own cap ends a long one sooner."""
_READING = frozenset({
    "DBSIZE", "ECHO", "EXISTS", "GET", "GETRANGE", "HEXISTS", "HGET", "HLEN", "INFO", "LASTSAVE", "LINDEX", "LLEN", "PTTL", "ROLE", "SCARD",
    "SISMEMBER", "STRLEN", "TIME", "TTL", "TYPE", "XLEN", "ZCARD", "ZSCORE",
})  # fmt: skip
"""Commands that change nothing and whose work is short: a probe is no way to write, nor to load a server."""
_FOR_NOW = frozenset({"LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "OOM"})
_ABOUT_US = frozenset({"NOAUTH", "WRONGPASS"})
_NUMBER = re.compile(rb"-?\d{1,19}")


def _command(words: tuple[str, ...]) -> tuple[str, ...]:
    if words[0].upper() not in _READING:
        raise ValueError(f"not a command that only reads: choose one of {' '.join(sorted(_READING))}")
    return (words[0].upper(), *words[1:])


Command = Annotated[tuple[Line, ...], Field(min_length=1, max_length=10), AfterValidator(_command)]


class Settings(DatabaseServer):
    """A server, and what it is asked after PING. *expect* is the whole answer to *command*, or to PING where there is none.

    The user of *login* is ``default`` where the server knows only a password.
    """

    port: Port = _PORT
    tls: bool = False
    database: Annotated[int, Field(ge=0, le=1_000_000, strict=True)] = 0
    command: Command | None = None

    @model_validator(mode="after")
    def _has_question(self) -> Self:
        if self.expect is not None and self.command is None:
            raise ValueError("expect needs command")
        return self


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Connect, log in, PING, and ask what there is to ask."""
    tls = tls_of(settings) if settings.tls else None
    with await door.connect(settings.host, settings.port, trust=Trust.NAMED, tls=tls, attempt=attempt) as stream:
        if settings.login is not None:
            with attempt.phase("auth"):
                await _log_in(settings, stream, attempt)
        with attempt.phase("ping"):
            answer = await _asked(("PING",), stream, attempt)
            if answer != b"PONG":
                raise ProbeFailed(Failure.PROTOCOL, f"no PONG but {excerpt(answer or b'')}")
        if settings.command is not None:
            with attempt.phase("command"):
                if settings.database:
                    await _asked(("SELECT", str(settings.database)), stream, attempt)
                judge(await _asked(settings.command, stream, attempt), settings.expect, attempt)


async def _log_in(settings: Settings, stream: Stream, attempt: Attempt) -> None:
    """Show name and password; servers before Redis 6 know no names, so that of everybody is left out."""
    if settings.login is None:
        return
    guard_password(settings, stream)
    name, password = settings.login.user, password_of(settings.login, attempt)
    words = ("AUTH", password) if name == _DEFAULT_NAME else ("AUTH", name, password)
    attempt.sent(" ".join((*words[:-1], "***")))
    _say(words, stream)
    line = await _line(stream, attempt)
    if line.startswith(b"-"):
        raise _auth_failed(line)
    if line != b"+OK":
        raise ProbeFailed(Failure.PROTOCOL, f"not an answer to AUTH: {excerpt(line)}")


def _auth_failed(line: bytes) -> ProbeFailed:
    """Tell our password from the service; that no password is set is a matter of ours too."""
    failed = _refusal(line)
    is_about_us = failed.failure is Failure.REJECTED and re.search(rb"(?i)password|username|wrong number of arguments for 'auth'", line)
    return ProbeFailed(Failure.AUTH_REJECTED, failed.detail) if is_about_us else failed


async def _asked(words: Sequence[str], stream: Stream, attempt: Attempt) -> bytes | None:
    """Give a command, and return its answer as one text; a list's entries are joined by blanks, and nothing at all is None."""
    attempt.sent(" ".join(words))
    _say(words, stream)
    return await _answer(stream, attempt)


def _say(words: Sequence[str], stream: Stream) -> None:
    """Send a command as a list of texts, each with its length: none of them can break out of its place."""
    texts = [word.encode() for word in words]
    stream.write(b"*%d\r\n" % len(texts) + b"".join(b"$%d\r\n%s\r\n" % (len(text), text) for text in texts))


async def _answer(stream: Stream, attempt: Attempt) -> bytes | None:
    """Read one answer, without recursion: a list's entries are counted down, however deep they nest."""
    parts: list[bytes] = []
    left, is_single = 1, True
    while left:
        left -= 1
        line = await _line(stream, attempt)
        mark, rest = line[:1], line[1:]
        match mark:
            case b"+" | b":":
                parts.append(rest)
            case b"$" if _count(line) >= 0:
                parts.append(await _text(_count(line), stream, attempt))
            case b"*" if _count(line) >= 0:
                is_single, left = False, left + _count(line)
            case b"$" | b"*" if is_single and not left:
                return None
            case b"$" | b"*":
                parts.append(b"")
            case b"-":
                raise _refusal(line)
            case _:
                raise ProbeFailed(Failure.PROTOCOL, f"not Redis: {excerpt(line)}")
        if left + len(parts) > _MOST_PARTS:
            raise ProbeFailed(Failure.TOO_LARGE, f"an answer of more than {_MOST_PARTS} entries")
    return b" ".join(parts)


def _count(line: bytes) -> int:
    if not _NUMBER.fullmatch(line[1:]) or int(line[1:]) < -1:
        raise ProbeFailed(Failure.PROTOCOL, f"not a length: {excerpt(line)}")
    return int(line[1:])


async def _text(count: int, stream: Stream, attempt: Attempt) -> bytes:
    text = await stream.exactly(count + 2)
    if not text.endswith(b"\r\n"):
        raise ProbeFailed(Failure.PROTOCOL, "a text is longer than its length")
    attempt.received(text[:1000])
    return text[:-2]


async def _line(stream: Stream, attempt: Attempt) -> bytes:
    line = await stream.line()
    attempt.received(line)
    return line


def _refusal(line: bytes) -> ProbeFailed:
    """Say what an error means, by its first word."""
    word = line[1:].split(b" ")[0].decode("ascii", "replace")
    detail = excerpt(line[1:], 150)
    if word in _ABOUT_US:
        return ProbeFailed(Failure.AUTH_REJECTED, detail)
    is_for_now = word in _FOR_NOW or b"max number of clients" in line
    return ProbeFailed(Failure.DEFERRED if is_for_now else Failure.REJECTED, detail)


def target(settings: Settings) -> str:
    """``host:port``."""
    return authority(settings.host, settings.port)


def ad_hoc(typed: str) -> Settings:
    """``host`` or ``host:port``."""
    name, port = host_and_port(typed, _PORT)
    return Settings(host=name, port=port)


KIND = ProbeKind(name="redis", summary="A Redis answers", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc)
