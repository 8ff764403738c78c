"""Our reading of DNS against dnspython's, and against bytes that are no DNS at all."""

import struct
import time

import dns.flags
import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.attempt import ProbeFailed
from probes.result import Failure
from probes.wire.dnswire import (
    ANY,
    MX,
    NXDOMAIN,
    TXT,
    A,
    Answer,
    Question,
    answer,
    identity_of,
    is_spelled_as_bytes,
    led_to,
    query,
    wire_name,
)

ASKED = Question(wire_name("www.example.net"), A)
HEAD = struct.Struct("!6H")


def message(question: Question, *records: str, rcode: int = 0, flags: int = 0x8180) -> bytes:
    """An answer as dnspython writes it: each record as a line of a zone file."""
    asked = dns.message.from_wire(query(7, question))
    reply = dns.message.make_response(asked)
    reply.flags = dns.flags.Flag(flags)
    reply.set_rcode(rcode)  # type: ignore[arg-type]
    for line in records:
        owner, kind, data = line.split(" ", 2)
        reply.answer.append(dns.rrset.from_text(owner, 300, "IN", kind, data))
    return reply.to_wire(max_size=65535)


def taken(octets: bytes, question: Question = ASKED) -> Answer:
    reply = answer(octets, question)
    assert reply is not None
    return reply


def test_a_question_is_what_a_parser_of_others_reads() -> None:
    read = dns.message.from_wire(query(4711, Question(wire_name("_25._tcp.Mail.example.net."), 52)))
    assert read.id == 4711
    assert str(read.question[0]) == "_25._tcp.Mail.example.net. IN TLSA"
    assert read.flags == dns.flags.RD | dns.flags.AD
    assert (read.edns, read.payload) == (0, 1232)


@pytest.mark.parametrize("line", [
    "www.example.net. A 192.0.2.1",
    "www.example.net. AAAA 2001:db8::1",
    "www.example.net. AAAA ::ffff:192.0.2.1",
    "www.example.net. AAAA ::192.0.2.1",
    "www.example.net. AAAA ::1:0",
    "www.example.net. AAAA ::",
    "www.example.net. AAAA 1::2:0:0:3",
    "www.example.net. NS ns1.example.org.",
    "www.example.net. MX 10 mail.example.net.",
    "www.example.net. MX 0 .",
    "www.example.net. CNAME a\\.b.we\\ ird.\\195\\164.example.net.",
    'www.example.net. PTR \\"\\(\\)\\;\\@\\$.example.net.',
    "www.example.net. SRV 1 2 443 web.example.net.",
    "www.example.net. SOA ns.example.net. admin.example.net. 1 2 3 4 5",
    'www.example.net. CAA 0 issue "ca.example.net"',
    "www.example.net. HTTPS 1 . alpn=h2",
    "www.example.net. TLSA 3 1 0 aabb",
    "www.example.net. TYPE65280 \\# 2 abcd",
])  # fmt: skip
def test_each_record_reads_as_dnspython_spells_it(line: str) -> None:
    read = taken(message(Question(ASKED.name, ANY), line), Question(ASKED.name, ANY))
    theirs = dns.message.from_wire(message(ASKED, line)).answer[0]
    assert [record.text for record in read.records] == [theirs[0].to_text()]
    assert (read.records[0].owner, read.records[0].type, read.records[0].ttl) == ("www.example.net.", int(theirs.rdtype), 300)


def test_the_strings_of_a_text_are_joined_whatever_their_length() -> None:
    question = Question(wire_name("example.net"), TXT)
    strings = ["x" * 255] * 15 + ["y" * 200]
    line = "example.net. TXT " + " ".join(f'"{text}"' for text in strings)
    assert taken(message(question, line), question).records[0].text == "".join(strings)


def test_names_are_compared_without_regard_to_case() -> None:
    octets = message(Question(wire_name("WWW.eXample.net"), A), "wWw.example.NET. A 192.0.2.1")
    assert [record.text for record in led_to(taken(octets), ASKED)] == ["192.0.2.1"]


def test_an_answer_to_another_question_is_none() -> None:
    assert answer(message(Question(wire_name("www.example.org"), A), "www.example.org. A 192.0.2.1"), ASKED) is None
    assert answer(message(Question(wire_name("www.example.net"), MX)), ASKED) is None
    twice = bytearray(message(ASKED))
    twice[5] = 2
    assert answer(bytes(twice), ASKED) is None


def test_types_that_differ_like_letters_are_not_confused() -> None:
    https, other = Question(ASKED.name, 0x41), Question(ASKED.name, 0x61)
    assert answer(message(https), other) is None
    assert answer(message(https), https) is not None


def test_an_error_may_come_without_the_question_but_no_success() -> None:
    assert taken(HEAD.pack(7, 0x8181, 0, 0, 0, 0)).rcode == 1
    assert answer(HEAD.pack(7, 0x8180, 0, 0, 0, 0), ASKED) is None


def test_only_answers_have_an_identity() -> None:
    assert identity_of(message(ASKED)) == 7
    assert identity_of(query(7, ASKED)) is None
    assert identity_of(b"\0\7\x81\x80") is None
    assert identity_of(HEAD.pack(7, 0xA180, 0, 0, 0, 0)) is None  # a notification's answer


def test_flags_are_read_and_a_truncated_answer_is_not_read_further() -> None:
    assert taken(message(ASKED, flags=0x81A0)).is_authenticated
    assert not taken(message(ASKED)).is_authenticated
    cut = taken(message(ASKED, "www.example.net. A 192.0.2.1", flags=0x8380)[:-7])
    assert cut.is_truncated
    assert cut.records == ()
    assert taken(message(ASKED, rcode=3)).rcode == NXDOMAIN


def test_aliases_are_followed_to_the_records_that_were_asked_for() -> None:
    whole = Question(ASKED.name, ANY)
    lines = (
        "www.example.net. CNAME Web.example.net.", "web.example.net. CNAME web.example.org.", "web.example.org. A 192.0.2.1",
        "other.example.org. A 192.0.2.9",
    )  # fmt: skip
    followed = led_to(taken(message(ASKED, *lines)), ASKED)
    assert [record.text for record in followed] == ["Web.example.net.", "web.example.org.", "192.0.2.1"]
    assert [record.text for record in led_to(taken(message(whole, *lines), whole), whole)] == ["Web.example.net."]


def test_an_alias_that_leads_nowhere_is_all_there_is() -> None:
    reply = taken(message(ASKED, "www.example.net. CNAME web.example.net."))
    assert [record.text for record in led_to(reply, ASKED)] == ["web.example.net."]


def test_aliases_in_a_circle_are_named() -> None:
    reply = taken(message(ASKED, "www.example.net. CNAME web.example.net.", "web.example.net. CNAME www.example.net."))
    with pytest.raises(ProbeFailed, match="circle") as failed:
        led_to(reply, ASKED)
    assert failed.value.failure is Failure.CONTENT


def bitmaps(count: int, most: int = 256) -> list[tuple[int, bytes]]:
    """Records that list every type there is, on which dnspython works for a second each."""
    windows = b"".join(bytes((window, 32)) + b"\xff" * 32 for window in range(most))
    return [(47, b"\0" + windows)] * count


@pytest.mark.parametrize("records", [
    bitmaps(7),
    bitmaps(1, 115),
    [(1, b"\1\2\3\4")] * 1000,
    [(2, b"\1\xff" * 120 + b"\0"), *[(2, b"\xc0\x2d")] * 999],
    [(2, b"\1\xff" * 120 + b"\0")] * 240,
    [(6, b"\xc0\x0c\xc0\x0c" + bytes(20))] * 1000,
    [(65, b"\0\1\0" + b"".join(struct.pack("!HH", key, 0) for key in range(8, 1000)))],
    [(65, b"\0\1\0" + b"".join(struct.pack("!HH", key, 0) for key in range(8, 15000)))],
    [(35, b"\0\1\0\1\1u\1u\xff" + b'"\\' * 127 + b"x\0")] * 200,
    [(65280, b"\xff" * 64000)],
], ids=["bitmaps", "one bitmap", "many", "pointers", "long names", "others", "keys", "more keys", "quotes", "unknown"])  # fmt: skip
def test_no_answer_holds_up_the_loop(records: list[tuple[int, bytes]]) -> None:
    question = Question(ASKED.name, ANY)
    body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 300, len(data)) + data for kind, data in records)
    octets = HEAD.pack(7, 0x8180, 1, len(records), 0, 0) + question.name + b"\0\xff\0\1" + body
    before = time.process_time()
    assert failure_of(octets, question) in {None, Failure.TOO_LARGE}
    assert time.process_time() - before < 0.05


def failure_of(octets: bytes, question: Question) -> Failure | None:
    try:
        taken(octets, question)
    except ProbeFailed as failed:
        return failed.failure
    return None


def test_more_records_than_anybody_needs_are_too_large() -> None:
    octets = message(ASKED)[:6] + b"\x03\xe9" + message(ASKED)[8:]
    with pytest.raises(ProbeFailed) as failed:
        answer(octets, ASKED)
    assert failed.value.failure is Failure.TOO_LARGE


REST = struct.pack("!HHIH", A, 1, 0, 4) + b"\1\2\3\4"


@pytest.mark.parametrize("record", [
    b"\xc0\xff" + REST,  # a pointer forward
    b"\xc0\x21" + REST,  # a pointer to itself
    b"\1a\xc0\x21" + REST,  # a pointer into its own name
    b"\x40" + b"a" * 64 + b"\0" + REST,  # a label that is too long
    b"".join(b"\x3f" + b"a" * 63 for _ in range(4)) + b"\0" + REST,  # a name that is too long
    b"\0" + REST[:-1],  # less than was announced
    b"\0" + REST[:6],
    b"\3ab",
    b"\0" + struct.pack("!HHIH", TXT, 1, 0, 2) + b"\x05a",  # a string longer than its record
    b"\0" + struct.pack("!HHIH", MX, 1, 0, 3) + b"\0\1\1a\0",  # a name longer than its record
    b"\0" + struct.pack("!HHIH", A, 1, 0, 3) + b"\1\2\3",
    b"\0" + struct.pack("!HHIH", 6, 1, 0, 3) + b"\1\2\3",
])  # fmt: skip
def test_what_cannot_be_read_is_no_protocol(record: bytes) -> None:
    octets = HEAD.pack(7, 0x8180, 1, 1, 0, 0) + ASKED.name + b"\0\xff\0\1" + record
    with pytest.raises(ProbeFailed) as failed:
        answer(octets, Question(ASKED.name, ANY))
    assert failed.value.failure is Failure.PROTOCOL


@pytest.mark.parametrize("text", ["a..b", ".", "", "x" * 63 + ".net", "a."])
def test_a_name_is_written_or_refused(text: str) -> None:
    if text == "a..b":
        with pytest.raises(ValueError, match="1 to 63"):
            wire_name(text)
    else:
        wire = wire_name(text)
        assert wire.endswith(b"\0")
        assert len(wire) == len(text.removesuffix(".")) + (2 if text not in {"", "."} else 1)


def test_a_name_past_255_bytes_is_refused() -> None:
    assert len(wire_name(".".join(["a" * 49] * 5))) == 251
    with pytest.raises(ValueError, match="253"):
        wire_name(".".join(["a" * 50] * 5))


KINDS = st.sampled_from([1, 2, 5, 6, 12, 15, 16, 28, 33, 35, 41, 42, 43, 45, 46, 47, 48, 50, 55, 64, 65, 108, 249, 250, 256, 257, 65280])
NAMES = st.sampled_from([b"\0", b"\xc0\x0c", b"\xc0\x00", b"\xc0\x21", b"\3www\xc0\x10", b"\1\xff\0", b"\xff"])
RECORDS = st.builds(
    lambda name, kind, family, data, lie: name + struct.pack("!HHIH", kind, family, 300, max(0, len(data) + lie)) + data,
    NAMES, KINDS, st.sampled_from([1, 1, 1, 3, 255]), st.binary(max_size=60) | NAMES.map(lambda name: b"\0\1" + name) | NAMES,
    st.sampled_from([0, 0, 0, 0, -1, 1]),
)  # fmt: skip


@given(st.lists(RECORDS, max_size=8), st.integers(0, 65535), st.binary(max_size=5))
def test_no_answer_crashes_the_probe(records: list[bytes], flags: int, more: bytes) -> None:
    for question in (ASKED, Question(ASKED.name, ANY)):
        asked = question.name + struct.pack("!HH", question.type, 1)
        octets = HEAD.pack(7, flags | 0x8000, 1, len(records), 0, 0) + asked + b"".join(records) + more
        try:
            reply = answer(octets, question)
            assert reply is None or all(record.text is not None for record in led_to(reply, question))
        except ProbeFailed:
            continue


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_probe(octets: bytes) -> None:
    for said in (octets, HEAD.pack(7, 0x8180, 1, 3, 0, 0) + ASKED.name + b"\0\1\0\1" + octets):
        identity_of(said)
        try:
            answer(said, ASKED)
        except ProbeFailed:
            continue


@given(st.binary(min_size=1, max_size=80), KINDS)
def test_whatever_we_and_dnspython_both_read_we_read_alike(data: bytes, kind: int) -> None:
    question = Question(ASKED.name, ANY)
    octets = (
        HEAD.pack(7, 0x8180, 1, 1, 0, 0) + ASKED.name + b"\0\xff\0\1" + b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 300, len(data)) + data
    )
    try:
        ours = taken(octets, question).records[0].text
        theirs = dns.message.from_wire(octets).answer[0][0]
    except (ProbeFailed, dns.exception.DNSException, IndexError):
        return
    if kind == TXT:
        assert ours == b"".join(theirs.strings).decode("utf-8", "replace")
    elif is_spelled_as_bytes(kind):
        assert ours == f"\\# {len(data)} {data.hex()}"
    else:
        assert ours == theirs.to_text()
