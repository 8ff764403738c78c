"""A directory that answers: encryption, bind, and a search that finds what must be there (RFC 4511, 4513)."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door, Tls
from probes.kind import ProbeKind
from probes.lines import Stream
from probes.mail import MailServer, password_of, reach
from probes.result import Failure
from probes.settings import TlsPolicy, authority, host_and_port, refuse_controls
from probes.text import excerpt
from probes.wire.ber import (
    BOOLEAN,
    ENUMERATED,
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    Element,
    Malformed,
    encoded,
    integer,
    length,
    length_octets,
)
from probes.wire.ldap_filter import filter_octets

_START_TLS = b"1.3.6.1.4.1.1466.20037"
_BIND, _BOUND = 0x60, 0x61
_SEARCH, _ENTRY, _DONE, _REFERENCE = 0x63, 0x64, 0x65, 0x73
_EXTENDED, _EXTENDED_DONE = 0x77, 0x78
_MOST_MESSAGES = 100
_PARTING = 0.1
"""Seconds that a server has to end the connection once we took leave; everything is known by then."""

UNBIND = encoded(SEQUENCE, integer(100), encoded(0x42))
"""The parting word, which nobody answers."""

_PROTOCOL_ERROR = 2
_SIZE_LIMIT = 4
_NO_SUCH_OBJECT = 32
_OF_OUR_LOGIN = frozenset({34, 48, 49})
"""Invalid name syntax, inappropriate authentication, invalid credentials: about our name and password."""
_FOR_NOW = frozenset({51, 52})
"""Busy, unavailable."""
_WORDS = {
    0: "success", 1: "operations error", 2: "protocol error", 3: "time limit exceeded", 4: "size limit exceeded",
    7: "authentication method not supported", 8: "stronger authentication required", 10: "referral",
    11: "administrative limit exceeded", 13: "confidentiality required", 18: "inappropriate matching",
    21: "invalid attribute syntax", 32: "no such object", 34: "invalid DN syntax", 48: "inappropriate authentication",
    49: "invalid credentials", 50: "insufficient access rights", 51: "busy", 52: "unavailable",
    53: "unwilling to perform", 80: "other",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended: its result code, and what the server says about it."""

    code: int
    said: str

    def __str__(self) -> str:
        return f"{self.code} ({_WORDS.get(self.code, 'no name')}) {excerpt(self.said.encode(), 120) if self.said else ''}".rstrip()


@dataclass(slots=True)
class Ldap:
    """One dialogue, one request at a time. Errors: ProbeFailed with PROTOCOL for what is no LDAP, CLOSED where the server ends it."""

    stream: Stream
    attempt: Attempt
    _count: int = field(default=0)

    async def begin_tls(self) -> Outcome:
        """Ask for encryption (RFC 4511 section 4.14)."""
        self._ask("StartTLS", encoded(_EXTENDED, encoded(0x80, _START_TLS)))
        return self._outcome(await self._answer(_EXTENDED_DONE))

    async def bind(self, name: str, password: str) -> Outcome:
        """Show *name* and *password*; both empty is nobody in particular (RFC 4513 section 5.1)."""
        shown = encoded(0x80, password.encode())
        said = f"BIND {name!r} ***" if name else "BIND anonymously"
        self._ask(said, encoded(_BIND, integer(3), encoded(OCTET_STRING, name.encode()), shown))
        return self._outcome(await self._answer(_BOUND))

    async def search(self, base: str, scope: int, wanted: bytes) -> tuple[Outcome, int]:
        """Look for one entry, without its attributes; return how many came. *wanted* is a filter as ``ldap_filter`` spells it."""
        limits = integer(1) + integer(0) + encoded(BOOLEAN, b"\0")
        request = encoded(OCTET_STRING, base.encode()) + integer(scope, ENUMERATED) + integer(0, ENUMERATED) + limits + wanted
        self._ask(f"SEARCH {base!r}", encoded(_SEARCH, request, encoded(SEQUENCE, encoded(OCTET_STRING, b"1.1"))))
        entries = 0
        for _ in range(_MOST_MESSAGES):
            answer = await self._answer(_ENTRY, _REFERENCE, _DONE)
            if answer.tag == _DONE:
                return self._outcome(answer), entries
            entries += answer.tag == _ENTRY
            self.attempt.received(b"an entry" if answer.tag == _ENTRY else b"a reference to elsewhere")
        raise ProbeFailed(Failure.TOO_LARGE, f"more than {_MOST_MESSAGES} messages in answer to one search")

    async def leave(self) -> None:
        """Unbind: the server says nothing more and ends the connection."""
        self.attempt.sent("UNBIND")
        self.stream.write(UNBIND)
        await self.stream.heard_out(_PARTING)

    def _ask(self, shown: str, request: bytes) -> None:
        self._count += 1
        self.attempt.sent(shown)
        self.stream.write(encoded(SEQUENCE, integer(self._count), request))

    async def _answer(self, *tags: int) -> Element:
        try:
            number, operation = await self._message()
            is_notice = number == 0 and operation.tag == _EXTENDED_DONE
            operation.demand(*tags, *([_EXTENDED_DONE] if is_notice else []))
        except Malformed as error:
            raise ProbeFailed(Failure.PROTOCOL, f"not LDAP: {error}") from error
        if is_notice:
            raise _disconnected(self._outcome(operation))
        if number != self._count:
            raise ProbeFailed(Failure.PROTOCOL, f"an answer to request {number}, expected {self._count}")
        return operation

    async def _message(self) -> tuple[int, Element]:
        """Read one LDAPMessage: the number of the request that it answers, and the operation."""
        tag, first = await self.stream.exactly(2)
        if tag != SEQUENCE:
            raise Malformed(f"it begins with {excerpt(bytes((tag, first)))}")
        size = length(first, await self.stream.exactly(length_octets(first)))
        number, operation, *_ = Element(tag, await self.stream.exactly(size)).parts(2)
        return number.demand(INTEGER).integer(), operation

    def _outcome(self, answer: Element) -> Outcome:
        """Read an LDAPResult (RFC 4511 section 4.1.9)."""
        try:
            code, _, said, *_ = answer.parts(3)
            outcome = Outcome(code.demand(ENUMERATED).integer(), said.demand(OCTET_STRING).text())
        except Malformed as error:
            raise ProbeFailed(Failure.PROTOCOL, f"not LDAP: {error}") from error
        self.attempt.received(str(outcome).encode())
        return outcome


def _disconnected(outcome: Outcome) -> ProbeFailed:
    """Say what a notice of disconnection means (RFC 4511 section 4.4.1)."""
    failure = Failure.DEFERRED if outcome.code in _FOR_NOW else Failure.CLOSED
    return ProbeFailed(failure, f"the server ends the session: {outcome}")


class Scope(StrEnum):
    """How far below its base a search looks."""

    BASE = "base"
    ONE = "one"
    SUBTREE = "subtree"


_SCOPES = {Scope.BASE: 0, Scope.ONE: 1, Scope.SUBTREE: 2}


def _filter(text: str) -> str:
    filter_octets(text)
    return text


class Settings(MailServer):
    """A directory; with *login* its bind, with *base* a search there that must find an entry."""

    base: Annotated[str, AfterValidator(refuse_controls), Field(max_length=1000)] | None = None
    scope: Scope = Scope.BASE
    filter: Annotated[str, AfterValidator(_filter), Field(max_length=2000)] = "(objectClass=*)"

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.tls is TlsPolicy.OPTIONAL and self.port == 636:
            raise ValueError("port 636 is encrypted from the first byte: say tls: implicit")
        if self.base is None and self.model_fields_set & {"scope", "filter"}:
            raise ValueError("scope and filter need base, the DN at which the search begins")
        if self.login is not None and not self.login.password.reveal():
            raise ValueError("a name without a password binds as nobody, and succeeds for anybody: give a password, or no login")
        return self


async def _encrypt(dialogue: Ldap, settings: Settings, door: Door) -> None:
    """Carry out the TLS policy. A server that does not know the request (protocol error) does not offer encryption."""
    if settings.tls in (TlsPolicy.NEVER, TlsPolicy.IMPLICIT):
        return
    attempt, stream = dialogue.attempt, dialogue.stream
    with attempt.phase("starttls"):
        outcome = await dialogue.begin_tls()
    if outcome.code == 0:
        if unasked := stream.discard():
            attempt.warn("plaintext_before_tls", f"{len(unasked)} bytes came in clear after StartTLS was agreed, and were thrown away")
        await door.secure(stream, settings.host, tls=Tls(settings.verify, settings.ca), attempt=attempt)
    elif settings.tls is TlsPolicy.STARTTLS:
        raise ProbeFailed(Failure.TLS_MISSING, str(outcome), stage=f"{attempt.prefix}starttls")
    elif outcome.code != _PROTOCOL_ERROR:
        attempt.warn("starttls_refused", f"the server knows StartTLS and refuses it: {outcome}")


def _judge_bind(outcome: Outcome, *, has_login: bool) -> None:
    if outcome.code == 0:
        return
    if outcome.code in _FOR_NOW:
        raise ProbeFailed(Failure.AUTH_UNAVAILABLE if has_login else Failure.DEFERRED, str(outcome))
    raise ProbeFailed(Failure.AUTH_REJECTED if has_login and outcome.code in _OF_OUR_LOGIN else Failure.REJECTED, str(outcome))


def _judge_search(outcome: Outcome, entries: int, base: str) -> None:
    """Demand an entry. The limit of one entry that we set may well be exceeded."""
    if outcome.code == _NO_SUCH_OBJECT or (outcome.code == 0 and not entries):
        raise ProbeFailed(Failure.CONTENT, f"nothing is found at {base!r}: {outcome}")
    if outcome.code not in (0, _SIZE_LIMIT):
        raise ProbeFailed(Failure.DEFERRED if outcome.code in _FOR_NOW else Failure.REJECTED, str(outcome))


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Encrypt, bind, search as far as the settings say, and unbind."""
    with await reach(settings, door, attempt) as stream:
        dialogue = Ldap(stream, attempt)
        await _encrypt(dialogue, settings, door)
        with attempt.phase("bind"):
            name, password = "", ""
            if settings.login is not None:
                name, password = settings.login.user, password_of(settings.login, settings, stream, attempt)
            _judge_bind(await dialogue.bind(name, password), has_login=settings.login is not None)
        if settings.base is not None:
            with attempt.phase("search"):
                _judge_search(*await dialogue.search(settings.base, _SCOPES[settings.scope], filter_octets(settings.filter)), settings.base)
        await dialogue.leave()


def target(settings: Settings) -> str:
    """``host:port``."""
    return authority(settings.host, settings.port)


def ad_hoc(typed: str) -> Settings:
    """``host`` or ``host:port``; port 636 is encrypted from the first byte."""
    name, port = host_and_port(typed, 389)
    return Settings(host=name, port=port, tls=TlsPolicy.IMPLICIT if port == 636 else TlsPolicy.OPTIONAL)


KIND = ProbeKind(name="ldap", summary="A directory lets in and answers", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc)
