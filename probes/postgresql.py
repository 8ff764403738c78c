"""A PostgreSQL that takes us in and answers: encryption, login, and one query that only reads.

Our own small dialogue (PostgreSQL's frontend/backend protocol 3.0): a driver reads whatever size a server announces, and waits for it
at length when it is told to stop.
"""

import hashlib
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from pydantic import model_validator

from probes.attempt import Attempt, ProbeFailed
from probes.database import DatabaseServer, Name, Upgrade, guard_password, judge, password_of, tls_of
from probes.egress import Door, Trust
from probes.kind import ProbeKind
from probes.lines import Stream
from probes.mail import part
from probes.result import Failure
from probes.settings import Line, Port, authority, host_and_port
from probes.text import excerpt
from probes.wire.scram import MECHANISM, Scram

_PORT = 5432
_VERSION = 196608  # 3.0
_ENCRYPTION = struct.pack("!ii", 8, 80877103)
_SPOKEN = frozenset(b"RKSZENA12DTCIsntvG")
"""The kinds of message that a server may send; anything else is no PostgreSQL."""
_PASSED_OVER = frozenset(b"KNASTntv")
_MOST_MESSAGES = 1000
_FOR_NOW = ("53", "40", "55", "57P", "58")
"""Classes of SQLSTATE by which a server says: not now. Too little of something, a conflict, starting up or going down."""


class Settings(DatabaseServer):
    """A server, and what it is asked. *expect* is the whole of the first value in the first row.

    Without *login* the probe ends where a password would be due: the server takes connections. *database* is the user's own where it
    is left out. The *query* runs in a transaction that can only read.
    """

    port: Port = _PORT
    tls: Upgrade = "optional"
    database: Name | None = None
    query: Line | None = None

    @model_validator(mode="after")
    def _has_question(self) -> Self:
        if self.query is not None and self.login is None:
            raise ValueError("query needs login")
        if self.expect is not None and self.query is None:
            raise ValueError("expect needs query")
        return self


@dataclass(slots=True)
class Postgres:
    """One dialogue. Every step raises ProbeFailed where the server does not go along."""

    stream: Stream
    attempt: Attempt
    seen: int = field(default=0)

    def say(self, kind: bytes, *parts: bytes) -> None:
        """Send one message; that which begins the dialogue has no *kind*."""
        body = b"".join(parts)
        self.stream.write(kind + struct.pack("!i", len(body) + 4) + body)

    async def hear(self) -> tuple[bytes, bytes]:
        """Return the kind and body of the next message that matters; an error that the server reports is raised."""
        while True:
            self.seen += 1
            if self.seen > _MOST_MESSAGES:
                raise ProbeFailed(Failure.TOO_LARGE, f"more than {_MOST_MESSAGES} messages")
            kind = await self.stream.exactly(1)
            if kind[0] not in _SPOKEN:
                raise ProbeFailed(Failure.PROTOCOL, f"not PostgreSQL: {excerpt(kind + self.stream.discard())}")
            (length,) = struct.unpack("!i", await self.stream.exactly(4))
            if length < 4:
                raise ProbeFailed(Failure.PROTOCOL, f"not PostgreSQL: a message of {length} bytes")
            body = await self.stream.exactly(length - 4)
            if kind == b"E":
                raise _refusal(body, self.attempt)
            if kind[0] not in _PASSED_OVER:
                return kind, body

    async def until_ready(self) -> bytes | None:
        """Read up to the end of what was asked, and return the first value of the first row; None where there is none."""
        value: bytes | None = None
        rows = 0
        while True:
            kind, body = await self.hear()
            if kind == b"Z":
                return value
            if kind == b"D":
                rows += 1
                value = _first(body) if rows == 1 else value
            elif kind == b"G":
                raise ProbeFailed(Failure.REJECTED, "the query asks for rows instead of giving some")

    async def command(self, text: str) -> None:
        """Give a command without an answer."""
        self.attempt.sent(text)
        self.say(b"Q", text.encode(), b"\0")
        await self.until_ready()

    async def query(self, text: str) -> bytes | None:
        """Ask one query for one row: the extended protocol takes no second statement, so the transaction stays what it is."""
        self.attempt.sent(text)
        self.say(b"P", b"\0", text.encode(), b"\0", struct.pack("!h", 0))
        self.say(b"B", b"\0\0", struct.pack("!hhh", 0, 0, 0))
        self.say(b"E", b"\0", struct.pack("!i", 1))
        self.say(b"S")
        value = await self.until_ready()
        self.attempt.received(b"(no value)" if value is None else value[:1000])
        return value


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Connect, encrypt, log in, ask."""
    with await door.connect(settings.host, settings.port, trust=Trust.NAMED, attempt=attempt) as stream:
        await _encrypt(settings, stream, door, attempt)
        dialogue = Postgres(stream, attempt)
        with attempt.phase("auth"):
            if settings.login is None:
                await _knock(dialogue)
                return
            _introduce(dialogue, settings.login.user, settings.database)
            await _log_in(settings, dialogue)
            await dialogue.until_ready()
        if settings.query is not None:
            await _ask(settings, settings.query, dialogue)
        dialogue.say(b"X")
        await part(stream, stream.some(1), attempt)  # it hangs up


async def _encrypt(settings: Settings, stream: Stream, door: Door, attempt: Attempt) -> None:
    if settings.tls == "never":
        return
    with attempt.phase("starttls"):
        attempt.sent("SSLRequest")
        stream.write(_ENCRYPTION)
        answer = await stream.exactly(1)
        attempt.received(answer)
        if answer not in (b"S", b"N"):
            raise ProbeFailed(Failure.PROTOCOL, f"not PostgreSQL: {excerpt(answer + stream.discard())}")
        if answer == b"N" and settings.tls == "starttls":
            raise ProbeFailed(Failure.TLS_MISSING, "the server does not encrypt")
    if answer == b"S":
        if unasked := stream.discard():
            raise ProbeFailed(Failure.PROTOCOL, f"{len(unasked)} bytes came in clear before the handshake", stage="starttls")
        await door.secure(stream, settings.host, tls=tls_of(settings), attempt=attempt)


def _introduce(dialogue: Postgres, user: str, database: str | None) -> None:
    said = {"user": user, "database": database or user, "application_name": "statuspage", "client_encoding": "UTF8"}
    dialogue.attempt.sent(f"StartupMessage user={user} database={database or user}")
    dialogue.say(b"", struct.pack("!i", _VERSION), *(text.encode() + b"\0" for pair in said.items() for text in pair), b"\0")


async def _knock(dialogue: Postgres) -> None:
    """Learn whether the server takes connections: any answer about who we are says that it does."""
    _introduce(dialogue, "statuspage", None)
    try:
        await dialogue.hear()
    except ProbeFailed as refusal:
        if refusal.failure not in (Failure.AUTH_REJECTED, Failure.REJECTED):
            raise


async def _log_in(settings: Settings, dialogue: Postgres) -> None:
    """Go along with the way of proving who we are that the server chooses."""
    login = settings.login
    if login is None:
        return
    attempt, password = dialogue.attempt, password_of(login, dialogue.attempt)
    kind, body = await dialogue.hear()
    match _authentication(kind, body):
        case 0, _:
            return
        case 3, _:
            attempt.received(b"AuthenticationCleartextPassword")
            guard_password(settings, dialogue.stream)
            attempt.sent("PasswordMessage ***")
            dialogue.say(b"p", password.encode(), b"\0")
        case 5, salt:
            attempt.received(b"AuthenticationMD5Password")
            attempt.sent("PasswordMessage ***")
            dialogue.say(b"p", _hashed(login.user, password, salt), b"\0")
        case 10, mechanisms if MECHANISM.encode() in mechanisms.split(b"\0"):
            await _prove(dialogue, password)
        case method, _:
            raise ProbeFailed(Failure.AUTH_REJECTED, f"the server asks for a way to log in that is not spoken here: {method}")
    kind, body = await dialogue.hear()
    if _authentication(kind, body)[0] != 0:
        raise ProbeFailed(Failure.PROTOCOL, "the login has no end")
    attempt.received(b"AuthenticationOk")


async def _prove(dialogue: Postgres, password: str) -> None:
    proof, attempt = Scram(password=password), dialogue.attempt
    attempt.received(f"AuthenticationSASL {MECHANISM}".encode())
    first = proof.first()
    attempt.sent("SASLInitialResponse")
    dialogue.say(b"p", MECHANISM.encode() + b"\0", struct.pack("!i", len(first)), first)
    attempt.sent("SASLResponse ***")
    dialogue.say(b"p", await proof.answer(_step(await dialogue.hear(), 11)))
    proof.confirm(_step(await dialogue.hear(), 12))


def _step(message: tuple[bytes, bytes], wanted: int) -> bytes:
    method, rest = _authentication(*message)
    if method != wanted:
        raise ProbeFailed(Failure.PROTOCOL, f"the login takes step {method} instead of {wanted}")
    return rest


def _authentication(kind: bytes, body: bytes) -> tuple[int, bytes]:
    if kind != b"R" or len(body) < 4:
        raise ProbeFailed(Failure.PROTOCOL, f"not an answer to a login: {excerpt(kind + body)}")
    return struct.unpack("!i", body[:4])[0], body[4:]


def _hashed(user: str, password: str, salt: bytes) -> bytes:
    inner = hashlib.md5((password + user).encode()).hexdigest()  # noqa: S324 - the server's choice
    return b"md5" + hashlib.md5(inner.encode() + salt[:4]).hexdigest().encode()  # noqa: S324


async def _ask(settings: Settings, query: str, dialogue: Postgres) -> None:
    """Ask in a transaction that can only read, and that the server itself ends should we be gone."""
    left = max(1, round((dialogue.attempt.allowed - dialogue.attempt.elapsed()) * 1000))
    with dialogue.attempt.phase("query"):
        await dialogue.command(f"BEGIN READ ONLY; SET LOCAL statement_timeout = {left}")
        judge(await dialogue.query(query), settings.expect, dialogue.attempt)
        with suppress(ProbeFailed, OSError):  # everything that matters is known
            await dialogue.command("ROLLBACK")


def _first(row: bytes) -> bytes | None:
    """Return the first value of a row; None where it is NULL or there are no columns."""
    if len(row) < 6:
        return None
    columns, length = struct.unpack("!hi", row[:6])
    return row[6 : 6 + length] if columns > 0 and length >= 0 else None


def _refusal(body: bytes, attempt: Attempt) -> ProbeFailed:
    """Say what an error means, by the class of its SQLSTATE."""
    fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
    code, text = fields.get(b"C", ""), fields.get(b"M", "")
    detail = f"{fields.get(b'S', 'ERROR')} {code}: {text}"
    attempt.received(detail[:1000].encode())
    return ProbeFailed(_meaning(code), detail)


def _meaning(code: str) -> Failure:
    if code.startswith("28"):
        return Failure.AUTH_REJECTED
    if code == "57014":
        return Failure.TIMEOUT
    return Failure.DEFERRED if code.startswith(_FOR_NOW) else Failure.REJECTED


def target(settings: Settings) -> str:
    """``host:port``, and the database."""
    return authority(settings.host, settings.port) + (f"/{settings.database}" if settings.database is not None else "")


def ad_hoc(typed: str) -> Settings:
    """``host`` or ``host:port``."""
    name, port = host_and_port(typed, _PORT)
    return Settings(host=name, port=port)


KIND = ProbeKind(
    name="postgresql", summary="A PostgreSQL answers a query", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc
)
