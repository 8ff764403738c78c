"""DNS as it goes over the wire (RFC 1035, 6891): a question into bytes, bytes into an answer. No socket, no clock.

Written by hand because a probe pays for it each time (the whole message read by dnspython costs 200 µs), and because a server may
write what takes dnspython seconds. The data of some rarer types is left to it all the same, in small portions.
"""

import struct
from dataclasses import dataclass, field
from ipaddress import IPv6Address

import dns.rdata
import dns.rdataclass
import dns.rdatatype

from probes.attempt import ProbeFailed
from probes.result import Failure

IN = 1
A, NS, CNAME, PTR, MX, TXT, AAAA, ANY = 1, 2, 5, 12, 15, 16, 28, 255
"""The types of record that this house reads itself, and the question for all of them."""
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3

_HEADER = struct.Struct("!6H")
_MAPPED = b"\0" * 10 + b"\xff\xff"
_FIXED = struct.Struct("!HHIH")
_OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"
"""EDNS: we take answers of up to 1,232 bytes, which crosses every network in one piece."""
_ASKING = 0x0120
"""Recursion desired, and the AD bit: "tell me whether you have verified it" (RFC 6840 section 5.7)."""
_MOST_RECORDS = 1000
_MOST_ALIASES = 16
_MOST_POINTERS = 64
_LETTERS = tuple(
    f"\\{chr(octet)}" if octet in b'"().;\\@$' else chr(octet) if 0x20 < octet < 0x7F else f"\\{octet:03}" for octet in range(256)
)
"""How zone files write each byte of a name (RFC 1035 section 5.1)."""
_READ_BY_OTHERS = frozenset({6, 13, 17, 18, 29, 33, 35, 37, 39, 43, 44, 46, 48, 49, 52, 53, 59, 60, 61, 64, 65, 256, 257})
"""Types left to dnspython: SOA HINFO RP AFSDB LOC SRV NAPTR CERT DNAME DS SSHFP RRSIG DNSKEY DHCID TLSA SMIMEA CDS CDNSKEY OPENPGPKEY
SVCB HTTPS URI CAA. All others are spelled as bytes: some, such as NSEC, can be made to hold up the loop for seconds."""
_MOST_OTHERS = 64
_MOST_OTHER_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a name as it goes over the wire, and the number of a type."""

    name: bytes
    type: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record. *owner* is its name in lower case; *text* is its data as zone files have it, but a TXT's strings joined, unquoted."""

    owner: str
    type: int
    ttl: int
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    *asked* is the name of the question, spelled in lower case. *records* are those of the answer section that the question is about,
    aliases included; of a truncated answer none is read. *is_authenticated* says that the resolver vouches for a verified signature (AD).
    """

    rcode: int
    asked: str = ""
    is_truncated: bool = False
    is_authenticated: bool = False
    records: tuple[Record, ...] = ()


def wire_name(text: str) -> bytes:
    """Write a name of ASCII letters, with or without its last dot. Errors: ValueError."""
    bare = text.removesuffix(".")
    labels = [label.encode("ascii") for label in bare.split(".")] if bare else []
    if not all(0 < len(label) < 64 for label in labels):
        raise ValueError("not a name: its parts have 1 to 63 letters each")
    wire = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    if len(wire) > 255:
        raise ValueError("a name of more than 253 letters")
    return wire


def query(identity: int, question: Question) -> bytes:
    """Write the message that asks *question*."""
    head = _HEADER.pack(identity, _ASKING, 1, 0, 0, 1)
    return b"".join((head, question.name, struct.pack("!HH", question.type, IN), _OPT))


def identity_of(octets: bytes) -> int | None:
    """Read which question a message says that it answers; None where it is no answer to anything."""
    if len(octets) < _HEADER.size or octets[2] & 0xF8 != 0x80:
        return None
    return octets[0] << 8 | octets[1]


def answer(octets: bytes, question: Question) -> Answer | None:
    """Read an answer whose identity is right; None where it does not answer *question*.

    Errors: ProbeFailed with PROTOCOL where it does and cannot be read, with TOO_LARGE past 1,000 records.
    """
    try:
        return _answer(octets, question)
    except (IndexError, ValueError, struct.error) as error:
        raise ProbeFailed(Failure.PROTOCOL, f"an answer that cannot be read: {error}") from error


def _answer(octets: bytes, question: Question) -> Answer | None:
    _, flags, questions, records, _, _ = _HEADER.unpack_from(octets)
    rcode = flags & 15
    at = _HEADER.size
    if questions or rcode == NOERROR:  # an error may come without the question
        end = at + len(question.name)
        asked = octets[at:end].lower() == question.name.lower() and octets[end : end + 4] == struct.pack("!HH", question.type, IN)
        if questions != 1 or not asked:
            return None
        at = end + 4
    if flags & 0x0200:
        return Answer(rcode, is_truncated=True)
    if records > _MOST_RECORDS:
        raise ProbeFailed(Failure.TOO_LARGE, f"an answer of {records} records")
    reader = _Reader(octets, question.type)
    name = reader.name(_HEADER.size)[0].lower() if questions else ""
    return Answer(rcode, name, is_authenticated=bool(flags & 0x0020), records=reader.records(at, records))


@dataclass(slots=True)
class _Reader:
    """Reads those records of one message that a question of type *wanted* is about; a name is read once, however often it is pointed at."""

    octets: bytes
    wanted: int
    names: dict[int, tuple[str, int, int]] = field(default_factory=dict)
    others: int = 0
    other_bytes: int = 0

    def records(self, at: int, count: int) -> tuple[Record, ...]:
        found: list[Record] = []
        for _ in range(count):
            owner, at = self.name(at)
            kind, family, ttl, length = _FIXED.unpack_from(self.octets, at)
            at += _FIXED.size
            if at + length > len(self.octets):
                raise ValueError("a record that goes past the end")
            if family == IN and (kind in {self.wanted, CNAME} or self.wanted == ANY):
                lasts = ttl if ttl < 1 << 31 else 0  # RFC 2181 section 8
                found.append(Record(owner.lower(), kind, lasts, self._text(kind, at, length)))
            at += length
        return tuple(found)

    def name(self, at: int) -> tuple[str, int]:
        """Read a name, spelled as in zone files with its last dot, and return where the next thing begins."""
        text, _, end = self._name(at, _MOST_POINTERS)
        return text or ".", end

    def _name(self, at: int, pointers: int) -> tuple[str, int, int]:
        """Read a name: its text, its size, its end. A pointer may only point back, so there is an end (RFC 1035 section 4.1.4)."""
        if (known := self.names.get(at)) is not None:
            return known
        octets, start, text, size = self.octets, at, "", 0
        while length := octets[at]:
            if length >= 0xC0:
                there = (length & 0x3F) << 8 | octets[at + 1]
                if there >= start or not pointers:
                    raise ValueError("a name that points forward, or on and on")
                suffix, more, _ = self._name(there, pointers - 1)
                text, size, at = text + suffix, size + more, at + 1
                break
            if length > 63:
                raise ValueError("a label that is too long")
            text += _spelled(octets[at + 1 : at + 1 + length])
            size += length + 1
            at += length + 1
            if size > 254:
                break
        if size > 254:
            raise ValueError("a name that is too long")
        self.names[start] = text, size, at + 1
        return self.names[start]

    def _text(self, kind: int, at: int, length: int) -> str:
        octets = self.octets
        if kind == A and length == 4:
            return "{}.{}.{}.{}".format(*octets[at : at + 4])
        if kind == AAAA and length == 16:
            return _colons(octets[at : at + 16])
        if kind == TXT:
            return _joined(octets[at : at + length])
        if kind in {NS, CNAME, PTR}:
            return self._only_name(at, length)
        if kind == MX and length > 2:
            return f"{octets[at] << 8 | octets[at + 1]} {self._only_name(at + 2, length - 2)}"
        if kind in {A, AAAA, MX}:
            raise ValueError(f"a record of type {kind} of {length} bytes")
        return self._by_others(kind, at, length) if kind in _READ_BY_OTHERS else as_bytes(octets[at : at + length])

    def _only_name(self, at: int, length: int) -> str:
        name, end = self.name(at)
        if end != at + length:
            raise ValueError("a name that does not end with its record")
        return name

    def _by_others(self, kind: int, at: int, length: int) -> str:
        """Leave a record to dnspython; whatever one of its parsers says of hostile bytes, the record is unreadable."""
        self.others += 1
        self.other_bytes += length
        if self.others > _MOST_OTHERS or self.other_bytes > _MOST_OTHER_BYTES:
            raise ProbeFailed(Failure.TOO_LARGE, f"more than {_MOST_OTHERS} records or {_MOST_OTHER_BYTES} bytes of the rarer types")
        try:
            return dns.rdata.from_wire(dns.rdataclass.IN, dns.rdatatype.RdataType.make(kind), self.octets, at, length).to_text()
        except Exception as error:
            raise ValueError(f"a record of type {kind}: {type(error).__name__}") from error


def _spelled(label: bytes) -> str:
    return (label.decode("ascii") if label.isalnum() else "".join([_LETTERS[octet] for octet in label])) + "."


def _colons(octets: bytes) -> str:
    """Write an IPv6 address; one with an IPv4 address in it the way that shows it, as dnspython does."""
    if octets.startswith(_MAPPED):
        return "::ffff:{}.{}.{}.{}".format(*octets[12:])
    if octets.startswith(bytes(12)) and octets[12:14] != bytes(2):
        return "::{}.{}.{}.{}".format(*octets[12:])
    return str(IPv6Address(octets))


def _joined(strings: bytes) -> str:
    parts: list[bytes] = []
    at = 0
    while at < len(strings):
        end = at + 1 + strings[at]
        if end > len(strings):
            raise ValueError("a text that goes past its record")
        parts.append(strings[at + 1 : end])
        at = end
    return b"".join(parts).decode("utf-8", "replace")


def as_bytes(octets: bytes) -> str:
    """Spell the data of a type that has no words (RFC 3597 section 5)."""
    return f"\\# {len(octets)} {octets.hex()}".rstrip()


def is_spelled_as_bytes(kind: int) -> bool:
    """Say whether answers of a type are spelled as bytes."""
    return kind not in _READ_BY_OTHERS and kind not in {A, NS, CNAME, PTR, MX, TXT, AAAA}


def led_to(reply: Answer, question: Question) -> tuple[Record, ...]:
    """Return the records that answer *question*, after the aliases that lead to them, these included.

    Errors: ProbeFailed with CONTENT where the aliases lead in a circle, or on and on.
    """
    name = reply.asked
    chain: list[Record] = []
    for _ in range(_MOST_ALIASES):
        here = [record for record in reply.records if record.owner == name]
        found = [record for record in here if question.type in {record.type, ANY}]
        alias = next((record for record in here if record.type == CNAME), None)
        if question.type == ANY or found or alias is None:
            return (*chain, *found)
        chain.append(alias)
        name = alias.text.lower()
    raise ProbeFailed(Failure.CONTENT, f"the aliases of {reply.asked} lead in a circle, or on and on", stage="content")
