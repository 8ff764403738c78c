"""A MySQL or MariaDB that takes us in and answers: encryption, login, and one query that only reads.

Our own small dialogue (MySQL's client/server protocol 10): a driver reads whatever size a server announces, and hands over a local file
to a server that asks for one.
"""

import hashlib
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
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

_PORT = 3306
_NATIVE, _SHA2, _CLEAR = b"mysql_native_password", b"caching_sha2_password", b"mysql_clear_password"
_REMEMBERED, _WHOLE = b"\x03", b"\x04"
"""What a server says to a proof by SHA-2: it knows us already, or wants the password itself."""
_WITH_DATABASE, _WITH_TLS = 0x8, 0x800
_SPOKEN = 0x1 | 0x200 | 0x2000 | 0x8000 | 0x80000  # long password, protocol 4.1, transactions, long salt, named ways to log in
_UTF8 = 45
_LARGEST = 0xFFFFFF
_MOST_PACKETS = 200
_ABOUT_US = frozenset({1044, 1045, 1129, 1130, 1251, 1396, 1698, 1820, 1862, 3118, 4151})
_FOR_NOW = frozenset({1040, 1053, 1077, 1152, 1203, 1205, 1213, 1226})
_TOO_LATE = frozenset({1317, 1969, 3024})


class _First(IntEnum):
    """What the first byte of a packet says of it; in a row ``FILE`` is a NULL, and ``OTHER_WAY`` ends it."""

    OK = 0x00
    MORE = 0x01
    FILE = 0xFB
    OTHER_WAY = 0xFE
    ERROR = 0xFF


class Settings(DatabaseServer):
    """A server, and what it is asked. *expect* is the whole of the first value in the first row.

    Without *login* the probe ends with the answer to a name that nobody has: the server takes connections. The *query* runs in a
    session that can only read.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """What a server says first: its version, what it can do, and what it salts passwords with."""

    version: str
    salt: bytes
    can_encrypt: bool
    way: bytes


@dataclass(slots=True)
class Mysql:
    """One dialogue. Every step raises ProbeFailed where the server does not go along."""

    stream: Stream
    attempt: Attempt
    number: int = field(default=0)
    seen: int = field(default=0)

    def say(self, *parts: bytes) -> None:
        """Send one packet."""
        body = b"".join(parts)
        self.stream.write(struct.pack("<I", len(body))[:3] + bytes([self.number]) + body)
        self.number = (self.number + 1) % 256

    async def hear(self) -> bytes:
        """Return the next packet; an error that the server reports is raised."""
        self.seen += 1
        if self.seen > _MOST_PACKETS:
            raise ProbeFailed(Failure.TOO_LARGE, f"more than {_MOST_PACKETS} packets")
        head = await self.stream.exactly(4)
        length = int.from_bytes(head[:3], "little")
        if head[3] != self.number or not length:
            raise ProbeFailed(Failure.PROTOCOL, f"not MySQL: {excerpt(head + self.stream.discard())}")
        self.number = (self.number + 1) % 256
        body = await self.stream.exactly(length)
        if body[0] == _First.ERROR:
            raise _refusal(body, self.attempt)
        return body

    async def greet(self) -> Greeting:
        """Hear the greeting."""
        body = await self.hear()
        self.attempt.received(body[1:60].split(b"\0")[0])
        return _greeting(body)

    async def query(self, text: str) -> bytes | None:
        """Ask one query, and return the first value of the first row; None where there is none."""
        self.attempt.sent(text)
        self.number = 0
        self.say(b"\x03", text.encode())
        first = await self.hear()
        if first[0] == _First.OK:
            return None
        if first[0] == _First.FILE:
            raise ProbeFailed(Failure.PROTOCOL, "the server asks for a file of ours")
        for _ in range(first[0]):
            await self.hear()
        _end(await self.hear())
        row = await self.hear()
        if _is_end(row):
            return None
        value = _value(row)
        while not _is_end(await self.hear()):
            pass
        self.attempt.received(b"NULL" if value is None else value[:1000])
        return value


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Connect, encrypt, log in, ask."""
    with await door.connect(settings.host, settings.port, trust=Trust.NAMED, attempt=attempt) as stream:
        dialogue = Mysql(stream, attempt)
        with attempt.phase("greeting"):
            greeting = await dialogue.greet()
        flags = await _encrypt(settings, greeting, dialogue, door)
        with attempt.phase("auth"):
            await _log_in(settings, greeting, flags, dialogue)
        if settings.query is not None:
            with attempt.phase("query"):
                await _ask(settings, settings.query, greeting, dialogue)
        dialogue.number = 0
        dialogue.say(b"\x01")
        await part(stream, stream.some(1), attempt)  # it hangs up


def _greeting(body: bytes) -> Greeting:
    version, _, rest = body[1:].partition(b"\0")
    if body[0] != 10 or len(rest) < 31:
        raise ProbeFailed(Failure.PROTOCOL, f"not MySQL: {excerpt(body)}")
    salt = rest[4:12] + rest[31:43]
    return Greeting(
        version=version.decode("ascii", "replace"),
        salt=salt,
        can_encrypt=bool(int.from_bytes(rest[13:15], "little") & _WITH_TLS),
        way=rest[44:].partition(b"\0")[0],
    )


async def _encrypt(settings: Settings, greeting: Greeting, dialogue: Mysql, door: Door) -> int:
    """Encrypt where the policy says so, and return what we say that we can do."""
    flags = _SPOKEN | (_WITH_DATABASE if settings.database is not None else 0)
    if settings.tls == "never":
        return flags
    if not greeting.can_encrypt:
        if settings.tls == "starttls":
            raise ProbeFailed(Failure.TLS_MISSING, "the server does not encrypt", stage="starttls")
        return flags
    flags |= _WITH_TLS
    with dialogue.attempt.phase("starttls"):
        dialogue.attempt.sent("SSLRequest")
        if unasked := dialogue.stream.discard():
            raise ProbeFailed(Failure.PROTOCOL, f"{len(unasked)} bytes came in clear before the handshake")
        dialogue.say(_introduction(flags))
    await door.secure(dialogue.stream, settings.host, tls=tls_of(settings), attempt=dialogue.attempt)
    return flags


def _introduction(flags: int) -> bytes:
    return struct.pack("<IIB", flags, _LARGEST, _UTF8) + bytes(23)


async def _log_in(settings: Settings, greeting: Greeting, flags: int, dialogue: Mysql) -> None:
    """Go along with the server's way to log in. Without a login any answer about who we are says that it takes connections.

    The handshake is always finished: a server shuts out whoever hangs up in the middle of it again and again.
    """
    user = settings.login.user if settings.login is not None else "statuspage"
    password = password_of(settings.login, dialogue.attempt) if settings.login is not None else ""
    way = greeting.way if greeting.way in (_NATIVE, _SHA2) else _NATIVE
    proof = _proof(way, password, greeting.salt)
    database = (settings.database or "").encode() + b"\0" if settings.database is not None else b""
    dialogue.attempt.sent(f"login user={user} database={settings.database or ''} by {way.decode()}")
    dialogue.say(_introduction(flags), user.encode() + b"\0", bytes([len(proof)]), proof, database, way, b"\0")
    try:
        await _prove(settings, password, greeting.salt, way, dialogue)
    except ProbeFailed as refusal:
        if settings.login is not None or refusal.failure is not Failure.AUTH_REJECTED:
            raise


async def _prove(settings: Settings, password: str, salt: bytes, way: bytes, dialogue: Mysql) -> None:
    for _ in range(5):
        answer = await dialogue.hear()
        match answer[0]:
            case _First.OK:
                dialogue.attempt.received(b"OK")
                return
            case _First.OTHER_WAY:
                way, _, rest = answer[1:].partition(b"\0")
                salt = rest[:20]
                dialogue.attempt.received(b"another way to log in: " + way)
                if way == _CLEAR:
                    guard_password(settings, dialogue.stream)
                elif way not in (_NATIVE, _SHA2):
                    raise ProbeFailed(Failure.AUTH_REJECTED, f"the server asks for a way to log in that is not spoken here: {excerpt(way)}")
                dialogue.say(password.encode() + b"\0" if way == _CLEAR else _proof(way, password, salt))
            case _First.MORE if way == _SHA2 and answer[1:2] == _REMEMBERED:
                continue
            case _First.MORE if way == _SHA2 and answer[1:2] == _WHOLE:
                await _hand_over(settings, password, salt, dialogue)
            case _:
                raise ProbeFailed(Failure.PROTOCOL, f"not an answer to a login: {excerpt(answer)}")
    raise ProbeFailed(Failure.PROTOCOL, "the login has no end")


async def _hand_over(settings: Settings, password: str, salt: bytes, dialogue: Mysql) -> None:
    """Say the password itself, which the server has not met since it started; in clear under the server's key, which proves nothing."""
    guard_password(settings, dialogue.stream)
    said = password.encode() + b"\0"
    if dialogue.stream.transport.get_extra_info("ssl_object") is not None:
        dialogue.say(said)
        return
    dialogue.say(b"\x02")
    pem = (await dialogue.hear())[1:]
    masked = bytes(octet ^ salt[place % len(salt)] for place, octet in enumerate(said)) if salt else said
    try:
        dialogue.say(_hidden(masked, pem))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ProbeFailed(Failure.PROTOCOL, f"not a public key: {error}") from None


def _hidden(said: bytes, pem: bytes) -> bytes:
    key = load_pem_public_key(pem)
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size > 16384:
        raise ValueError("not an RSA key of a usual size")
    return key.encrypt(said, padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))  # noqa: S303 - the protocol's choice


def _proof(way: bytes, password: str, salt: bytes) -> bytes:
    """Prove that we know the password without saying it: its hash, masked by a hash of it and the salt."""
    if not password:
        return b""
    hashed = hashlib.sha256 if way == _SHA2 else hashlib.sha1
    once = hashed(password.encode()).digest()
    twice = hashed(once).digest()
    mask = hashed(twice + salt if way == _SHA2 else salt + twice).digest()
    return bytes(one ^ other for one, other in zip(once, mask, strict=True))


async def _ask(settings: Settings, query: str, greeting: Greeting, dialogue: Mysql) -> None:
    """Ask in a session that can only read, for one row, and have the server itself end the query should we be gone."""
    left = max(0.001, dialogue.attempt.allowed - dialogue.attempt.elapsed())
    is_mariadb = "MariaDB" in greeting.version
    limit = f"max_statement_time = {left:.3f}" if is_mariadb else f"max_execution_time = {left * 1000:.0f}"
    await dialogue.query(f"SET SESSION sql_select_limit = 1, {limit}")
    await dialogue.query("SET SESSION TRANSACTION READ ONLY")
    judge(await dialogue.query(query), settings.expect, dialogue.attempt)


def _is_end(packet: bytes) -> bool:
    return packet[0] == _First.OTHER_WAY and len(packet) < 9


def _end(packet: bytes) -> None:
    if not _is_end(packet):
        raise ProbeFailed(Failure.PROTOCOL, f"columns without an end: {excerpt(packet)}")


def _value(row: bytes) -> bytes | None:
    """Return the first value of a row; None where it is NULL."""
    sizes = {0xFC: 2, 0xFD: 3, 0xFE: 8}
    if row[0] == _First.FILE:
        return None
    size = sizes.get(row[0], 0)
    length = int.from_bytes(row[1 : 1 + size], "little") if size else row[0]
    value = row[1 + size : 1 + size + length]
    if len(value) != length:
        raise ProbeFailed(Failure.PROTOCOL, "a row ends within a value")
    return value


def _refusal(body: bytes, attempt: Attempt) -> ProbeFailed:
    """Say what an error means, by its number."""
    code = int.from_bytes(body[1:3], "little")
    text = body[9:] if body[3:4] == b"#" else body[3:]
    detail = f"{code}: {text.decode('utf-8', 'replace')}"
    attempt.received(detail[:1000].encode())
    if code in _ABOUT_US:
        return ProbeFailed(Failure.AUTH_REJECTED, detail)
    if code in _TOO_LATE:
        return ProbeFailed(Failure.TIMEOUT, detail)
    return ProbeFailed(Failure.DEFERRED if code in _FOR_NOW else Failure.REJECTED, detail)


def target(settings: Settings) -> str:
    """``host:port``, and the database."""
    return authority(settings.host, settings.port) + (f"/{settings.database}" if settings.database is not None else "")


def ad_hoc(typed: str) -> Settings:
    """``host`` or ``host:port``."""
    name, port = host_and_port(typed, _PORT)
    return Settings(host=name, port=port)


KIND = ProbeKind(
    name="mysql", summary="A MySQL or MariaDB answers a query", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc
)
