"""A name server that answers as expected: our own question each time, past every cache but the server's own."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from probes.addresses import literal
from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.kind import ProbeKind
from probes.resolver import ask, question_for, resolver_of
from probes.result import Failure
from probes.settings import CLOSED, Host, IpVersion, Port, authority, host_and_port
from probes.wire.dnswire import ANY, Answer, as_bytes, is_spelled_as_bytes, led_to, wire_name

_NAMES = frozenset({"NS", "CNAME", "DNAME", "PTR", "MX", "SRV", "SOA"})
"""Types whose data is names, in which the case of letters says nothing."""

Rcode = Literal["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"]
RCODES: tuple[Rcode, ...] = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
"""What a server says of a question as a whole, by its number (RFC 1035 section 4.1.1)."""


def _name(text: str) -> str:
    try:
        ascii_text = text if text.isascii() else text.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError("not a name") from None
    if not all(0x21 <= ord(letter) <= 0x7E and letter != "\\" for letter in ascii_text):
        raise ValueError("not a name: no blanks, no backslashes")
    wire_name(ascii_text)
    return ascii_text


def _mnemonic(given: object) -> str:
    """Take a type by name or number, and give the name that zone files use; one without a name is TYPE123 (RFC 3597)."""
    try:
        number = dns.rdatatype.RdataType.make(int(given) if isinstance(given, str) and given.isdecimal() else given)  # type: ignore[arg-type]
    except (dns.rdatatype.UnknownRdatatype, TypeError, ValueError):
        raise ValueError("not a type of record: write its name, such as MX, or its number from 1 to 65535") from None
    if number == 0 or (dns.rdatatype.is_metatype(number) and number != ANY):
        raise ValueError("not a type that can be asked for")
    return dns.rdatatype.to_text(number)


RecordType = Annotated[str, BeforeValidator(_mnemonic, json_schema_input_type=str | int)]
Text = Annotated[str, Field(min_length=1, max_length=4000)]


class Expect(BaseModel):
    """What the answer must be. *answers* are exactly those there may be, in any order; each of *contains* must be in one of them."""

    model_config = CLOSED

    rcode: Rcode = "NOERROR"
    answers: Annotated[tuple[Text, ...], Field(min_length=1, max_length=100)] | None = None
    contains: Annotated[tuple[Text, ...], Field(min_length=1, max_length=100)] | None = None
    none: bool = False

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.none and (self.answers or self.contains):
            raise ValueError("none says that there is no answer: leave out answers and contains")
        return self


class Settings(BaseModel):
    """What *query* is asked of whom. Without *server* it is the first one that this machine asks itself."""

    model_config = CLOSED

    query: Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_name)]
    type: RecordType = "A"
    server: Host | None = None
    port: Port = 53
    ip: IpVersion = "any"
    expect: Expect = Expect()
    require_ad: bool = False

    @field_validator("expect")
    @classmethod
    def _readable(cls, expect: Expect, known: ValidationInfo) -> Expect:
        """Spell the expected answers as they will be seen, once and not for each probe."""
        if expect.answers is None or "type" not in known.data:
            return expect
        return expect.model_copy(update={"answers": tuple(_seen(known.data["type"], text) for text in expect.answers)})

    @model_validator(mode="after")
    def _asks_for_a_name(self) -> Self:
        if literal(self.query) is not None and self.type != "PTR":
            raise ValueError("the name is an address: ask for type PTR, which finds its name")
        return self


def _seen(mnemonic: str, text: str) -> str:
    """Spell an expected answer as an answer is spelled. Errors: ValueError."""
    if mnemonic in {"TXT", "ANY"}:
        return text
    try:
        kind = dns.rdatatype.from_text(mnemonic)
        read = dns.rdata.from_text(dns.rdataclass.IN, kind, text, origin=dns.name.root, relativize=False)
        seen = as_bytes(read.to_wire() or b"") if is_spelled_as_bytes(kind) else read.to_text()
    except Exception as error:
        raise ValueError(f"not the data of a record of type {mnemonic}: {text!r}") from error
    return _comparable(mnemonic, seen)


def _comparable(mnemonic: str, text: str) -> str:
    return text.lower() if mnemonic in _NAMES else text


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Ask, note what came, and compare it with what is expected."""
    question = question_for(settings.query, dns.rdatatype.from_text(settings.type))
    attempt.sent(f"{settings.query} {settings.type}?")
    reply = await ask(resolver_of(settings.server, settings.port, settings.ip), question, door, attempt)
    _tell(reply, attempt)
    attempt.fact("rcode", reply.rcode)
    attempt.fact("authenticated", int(reply.is_authenticated))
    chain = led_to(reply, question)
    found = [record for record in chain if question.type in {record.type, ANY}]
    attempt.fact("answers", len(found))
    if chain:
        attempt.fact("ttl", min(record.ttl for record in chain))
    _judge_rcode(reply.rcode, settings.expect)
    _judge_answers([_comparable(settings.type, record.text) for record in found], settings.expect)
    if settings.require_ad and not reply.is_authenticated:
        raise ProbeFailed(Failure.CONTENT, "the resolver does not vouch for a verified signature (AD is not set)", stage="content")


def _tell(reply: Answer, attempt: Attempt) -> None:
    if attempt.listener is None:
        return
    attempt.received(_spelled_rcode(reply.rcode).encode())
    for record in reply.records:
        kind = dns.rdatatype.to_text(dns.rdatatype.RdataType.make(record.type))
        attempt.received(f"{record.owner} {record.ttl} {kind} {record.text}".encode())


def _spelled_rcode(rcode: int) -> str:
    return RCODES[rcode] if rcode < len(RCODES) else f"rcode {rcode}"


def _judge_rcode(rcode: int, expect: Expect) -> None:
    said = _spelled_rcode(rcode)
    if said != expect.rcode:
        raise ProbeFailed(Failure.STATUS, f"{said}, expected {expect.rcode}", stage="status")


def _judge_answers(found: Sequence[str], expect: Expect) -> None:
    """Compare the answers. Where the file says nothing of them, a name that is there must have at least one."""
    shown = ", ".join(found) or "nothing"
    if expect.answers is not None and set(found) != set(expect.answers):
        raise ProbeFailed(Failure.CONTENT, f"the answer is {shown}, expected {', '.join(expect.answers)}", stage="content")
    missing = next((text for text in expect.contains or () if not any(text.lower() in each.lower() for each in found)), None)
    if missing is not None:
        raise ProbeFailed(Failure.CONTENT, f"{missing} is in none of: {shown}", stage="content")
    if expect.none and found:
        raise ProbeFailed(Failure.CONTENT, f"the answer is {shown}, expected none", stage="content")
    if expect.rcode == "NOERROR" and not found and not expect.none:
        raise ProbeFailed(Failure.CONTENT, "the name has no record of this type", stage="content")


def target(settings: Settings) -> str:
    """``name type``, and ``@server`` where one is named."""
    asked = f"{settings.query} {settings.type}"
    return asked if settings.server is None else f"{asked} @{authority(settings.server, settings.port)}"


def ad_hoc(typed: str) -> Settings:
    """``NAME``, ``NAME TYPE``, and either with ``@SERVER`` or ``@SERVER:PORT`` after a blank."""
    name, *rest = typed.split() or [""]
    places = [word[1:] for word in rest if word.startswith("@")]
    types = [word for word in rest if not word.startswith("@")]
    if len(places) > 1 or len(types) > 1:
        raise ValueError("write NAME, NAME TYPE, or NAME TYPE @SERVER")
    server, port = host_and_port(places[0], 53) if places else (None, 53)
    default = "A" if literal(name) is None else "PTR"
    return Settings(query=name, type=types[0] if types else default, server=server, port=port)


KIND = ProbeKind(name="dns", summary="A name server answers as expected", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc)
