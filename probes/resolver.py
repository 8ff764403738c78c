"""Asking a name server ourselves: one question, by a datagram or over TCP, no cache in between."""

import ipaddress
import secrets
from dataclasses import dataclass

from probes.addresses import literal, objection
from probes.attempt import Attempt, ProbeFailed
from probes.datagrams import exchange
from probes.egress import Door, Trust
from probes.lookup import nameservers
from probes.result import Failure
from probes.settings import IpVersion
from probes.wire.dnswire import PTR, Answer, Question, answer, identity_of, query, wire_name

_MOST_TCP = 2 + 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """Who is asked."""

    host: str
    port: int = 53
    ip: IpVersion = "any"


def resolver_of(server: str | None, port: int, ip: IpVersion) -> Resolver:
    """Return the named *server*, or the system's first. Errors: ProbeFailed with IMPAIRED where the system has none."""
    return Resolver(host=server or _first_of_system(ip), port=port, ip=ip)


def _first_of_system(ip: IpVersion) -> str:
    """Read the first resolver in resolv.conf(5) that may be asked; an address with a zone index is no place for a probe."""
    try:
        found = next((named for named in nameservers() if _may_be_asked(named, ip)), None)
    except OSError as error:
        raise ProbeFailed(Failure.IMPAIRED, f"{error.filename} cannot be read: {error.strerror}") from error
    if found is None:
        raise ProbeFailed(Failure.IMPAIRED, "/etc/resolv.conf names no resolver that may be asked: name one as server")
    return found


def _may_be_asked(text: str, ip: IpVersion) -> bool:
    """Say whether the door lets a probe go there: a cloud's resolver at a link-local address is no such place."""
    address = literal(text)
    return address is not None and ip in ("any", address.version) and objection(address, Trust.NAMED) is None


def question_for(name: str, kind: int) -> Question:
    """Make a question of a name, or for a PTR of an address. Errors: ValueError."""
    if kind == PTR and literal(name) is not None:
        name = ipaddress.ip_address(name).reverse_pointer
    return Question(wire_name(name), kind)


async def ask(resolver: Resolver, question: Question, door: Door, attempt: Attempt) -> Answer:
    """Ask once by a datagram, again where none comes back, and over TCP where the answer is cut off.

    Phases: those of the door and ``answer``; over TCP the same after ``tcp.``. Waits for as long as it is let.
    """
    opening = door.datagram(resolver.host, resolver.port, trust=Trust.NAMED, ip=resolver.ip, attempt=attempt)
    with await opening as datagrams, attempt.phase("answer"):
        identity = secrets.randbelow(1 << 16)
        octets = query(identity, question)
        reply = await exchange(datagrams, lambda: octets, lambda came: _answer_to(identity, question, came), attempt)
    if reply.is_truncated:
        with attempt.part("tcp"):
            reply = await _by_tcp(resolver, question, door, attempt)
    return reply


async def _by_tcp(resolver: Resolver, question: Question, door: Door, attempt: Attempt) -> Answer:
    """Ask over a connection, where each message follows its length (RFC 7766 section 8)."""
    identity = secrets.randbelow(1 << 16)
    octets = query(identity, question)
    connecting = door.connect(resolver.host, resolver.port, trust=Trust.NAMED, ip=resolver.ip, attempt=attempt, most=_MOST_TCP)
    with await connecting as stream, attempt.phase("answer"):
        stream.write(len(octets).to_bytes(2) + octets)
        came = await stream.exactly(int.from_bytes(await stream.exactly(2)))
        reply = _answer_to(identity, question, came)
        if reply is None or reply.is_truncated:
            raise ProbeFailed(Failure.PROTOCOL, "over TCP came no whole answer to our question")
        return reply


def _answer_to(identity: int, question: Question, came: bytes) -> Answer | None:
    return answer(came, question) if identity_of(came) == identity else None
