import asyncio
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from pydantic import ValidationError

from probes import dns as dns_kind
from probes import lookup
from probes.egress import Door
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.rude.datagrams import Ear, closed_datagram_port, ear, silence
from tests.rude.names import Names, name_servers
from tests.rude.peer import Peer, rude

KIND = dns_kind.KIND
LONG = " ".join(f'"{letter * 250}"' for letter in "abcdefghijklmnop")
ZONES = {
    "example.test": f"""@ A 192.0.2.1
@ MX 10 mail.example.test.
@ MX 20 backup.example.org.
@ AAAA 2001:db8::1
@ CAA 0 issue "ca.example.org"
@ APL 1:192.0.2.0/24
@ TYPE65280 \\# 2 abcd
@ TXT "v=spf1 mx" " -all"
long TXT {LONG}
www 60 CNAME web
web A 192.0.2.2
web A 192.0.2.3
gone CNAME nowhere.example.test.
""",
    "signed.test": "@ A 192.0.2.1\n",
    "broken.test": "@ A 192.0.2.1\n",
    "2.0.192.in-addr.arpa": "2 PTR web.example.test.\n",
}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Names]:
    with name_servers(tmp_path_factory.mktemp("names"), ZONES, signed="signed.test", broken="broken.test") as ports:
        yield ports


def at(port: int, name: str, kind: str | int = "A", /, **more: object) -> dns_kind.Settings:
    return dns_kind.Settings.model_validate({"query": name, "type": kind, "server": "127.0.0.1", "port": port, **more})


async def asked(door: Door, settings: dns_kind.Settings, timeout: float = 2) -> ProbeResult:
    return await run(KIND, settings, door=door, timeout=timeout)


# --- a real server ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "answers"),
    [
        ("example.test", "A", ["192.0.2.1"]),
        ("EXAMPLE.test.", "aaaa", ["2001:0DB8::0001"]),
        ("example.test", "MX", ["20 backup.example.org", "10 MAIL.example.test."]),
        ("example.test", 257, ['0 issue "ca.example.org"']),
        ("example.test", "TXT", ["v=spf1 mx -all"]),
        ("www.example.test", "A", ["192.0.2.3", "192.0.2.2"]),
        ("www.example.test", "CNAME", ["web.example.test."]),
        ("192.0.2.2", "PTR", ["web.example.test"]),
        ("example.test", "TYPE65280", ["\\# 2 abcd"]),
        ("example.test", "APL", ["1:192.0.2.0/24"]),
    ],
)
async def test_exactly_the_expected_answers_are_good(door: Door, names: Names, name: str, kind: str | int, answers: list[str]) -> None:
    result = await asked(door, at(names.serving, name, kind, expect={"answers": answers}))
    assert result.failure is None, result.detail
    assert result.facts["answers"] == len(answers)
    assert (result.facts["rcode"], result.facts["tries"], result.facts["authenticated"]) == (0, 1, 0)
    assert [phase.name for phase in result.phases] == ["connect", "answer"]


async def test_the_shortest_time_to_live_counts_aliases_included(door: Door, names: Names) -> None:
    assert (await asked(door, at(names.serving, "www.example.test"))).facts["ttl"] == 60
    assert (await asked(door, at(names.serving, "web.example.test"))).facts["ttl"] == 300


@pytest.mark.parametrize("answers", [["192.0.2.2"], ["192.0.2.2", "192.0.2.3", "192.0.2.4"], ["192.0.2.9"]])
async def test_one_answer_more_or_less_is_a_content_failure_that_shows_them(door: Door, names: Names, answers: list[str]) -> None:
    result = await asked(door, at(names.serving, "web.example.test", expect={"answers": answers}))
    assert (result.failure, result.stage) == (Failure.CONTENT, "content")
    assert "192.0.2.2" in result.detail
    assert "192.0.2.3" in result.detail


async def test_a_part_of_an_answer_is_enough_where_that_is_expected(door: Door, names: Names) -> None:
    good = await asked(door, at(names.serving, "example.test", "TXT", expect={"contains": ["V=spf1", "-all"]}))
    assert good.failure is None
    bad = await asked(door, at(names.serving, "example.test", "TXT", expect={"contains": ["v=spf1", "+all"]}))
    assert (bad.failure, bad.stage) == (Failure.CONTENT, "content")
    assert bad.detail.startswith("+all is in none of")


async def test_a_name_that_does_not_exist_is_a_status_failure_unless_it_is_wanted(door: Door, names: Names) -> None:
    result = await asked(door, at(names.serving, "nowhere.example.test"))
    assert (result.failure, result.stage, result.detail) == (Failure.STATUS, "status", "NXDOMAIN, expected NOERROR")
    assert result.facts["rcode"] == 3
    wanted = await asked(door, at(names.serving, "nowhere.example.test", expect={"rcode": "NXDOMAIN"}))
    assert wanted.failure is None
    still_there = await asked(door, at(names.serving, "example.test", expect={"rcode": "NXDOMAIN"}))
    assert (still_there.failure, still_there.detail) == (Failure.STATUS, "NOERROR, expected NXDOMAIN")


async def test_a_name_without_records_of_the_type_fails_unless_none_is_wanted(door: Door, names: Names) -> None:
    result = await asked(door, at(names.serving, "web.example.test", "MX"))
    assert (result.failure, result.stage) == (Failure.CONTENT, "content")
    assert (await asked(door, at(names.serving, "web.example.test", "MX", expect={"none": True}))).failure is None
    unwanted = await asked(door, at(names.serving, "web.example.test", expect={"none": True}))
    assert (unwanted.failure, unwanted.stage) == (Failure.CONTENT, "content")


async def test_a_zone_that_the_server_does_not_serve_is_refused_in_a_status(door: Door, names: Names) -> None:
    result = await asked(door, at(names.serving, "example.org"))
    assert (result.failure, result.detail) == (Failure.STATUS, "REFUSED, expected NOERROR")


async def test_a_text_of_4_kilobytes_comes_over_tcp(door: Door, names: Names) -> None:
    result = await asked(door, at(names.serving, "long.example.test", "TXT", expect={"contains": ["p" * 250]}))
    assert result.failure is None
    assert [phase.name for phase in result.phases] == ["connect", "answer", "tcp.connect", "tcp.answer"]
    assert result.facts["tcp.ip_version"] == 4


async def test_verified_signatures_are_seen_and_may_be_required(door: Door, names: Names) -> None:
    result = await asked(door, at(names.verifying, "signed.test", require_ad=True))
    assert result.failure is None, result.detail
    assert result.facts["authenticated"] == 1
    unsigned = await asked(door, at(names.verifying, "example.test", require_ad=True))
    assert (unsigned.failure, unsigned.stage) == (Failure.CONTENT, "content")
    assert "AD" in unsigned.detail


async def test_a_zone_whose_signatures_do_not_hold_is_a_servfail(door: Door, names: Names) -> None:
    result = await asked(door, at(names.verifying, "broken.test"), timeout=5)
    assert (result.failure, result.stage, result.detail) == (Failure.STATUS, "status", "SERVFAIL, expected NOERROR")


async def test_the_first_resolver_of_the_system_is_asked_where_none_is_named(
    door: Door, names: Names, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = tmp_path / "resolv.conf"
    lines.write_text("# nameserver 192.0.2.9\nsearch a\nnameserver\nnameserver fe80::1%eth0\nnameserver 127.0.0.1\nnameserver 192.0.2.8\n")
    monkeypatch.setattr(lookup, "_CONFIGURED", lines)
    settings = dns_kind.Settings(query="example.test", port=names.serving)
    assert (await asked(door, settings)).failure is None
    lines.write_text("nameserver 169.254.169.253\nnameserver 2001:db8::53\nnameserver 127.0.0.1\n")
    assert (await asked(door, dns_kind.Settings(query="example.test", port=names.serving, ip=4))).failure is None
    lines.write_text("search a\nnameserver 169.254.169.253\n")
    result = await asked(door, settings)
    assert result.failure is Failure.IMPAIRED
    assert "names no resolver" in result.detail
    lines.unlink()
    assert (await asked(door, settings)).failure is Failure.IMPAIRED


# --- rude ones ----------------------------------------------------------------------------------------------------------------


def reply_to(octets: bytes, *records: str, rcode: int = 0, flags: int = 0x8180) -> bytes:
    reply = dns.message.make_response(dns.message.from_wire(octets))
    reply.flags = dns.flags.Flag(flags)
    reply.set_rcode(dns.rcode.Rcode(rcode))
    for line in records:
        owner, kind, data = line.split(" ", 2)
        reply.answer.append(dns.rrset.from_text(owner, 300, "IN", kind, data))
    return reply.to_wire(max_size=65535)


def good(octets: bytes) -> bytes:
    return reply_to(octets, "example.test. A 192.0.2.1")


def other_id(octets: bytes) -> bytes:
    return bytes((octets[0] ^ 1,)) + good(octets)[1:]


def other_question(octets: bytes) -> bytes:
    return good(octets).replace(b"\7example\4test", b"\7exemple\4test")


def a_question(octets: bytes) -> bytes:
    return octets


def short(octets: bytes) -> bytes:
    return good(octets)[:11]


@pytest.mark.parametrize("strange", [other_id, other_question, a_question, short])
async def test_an_answer_that_is_not_ours_is_ignored_and_the_right_one_taken(door: Door, strange: Callable[[bytes], bytes]) -> None:
    async with ear(lambda octets: (strange(octets), good(octets))) as server:
        result = await asked(door, at(server.port, "example.test", expect={"answers": ["192.0.2.1"]}))
    assert result.failure is None
    assert [warning.name for warning in result.warnings] == ["strange_answers"]


@pytest.mark.parametrize("strange", [other_id, other_question])
async def test_an_answer_that_is_not_ours_is_no_answer(door: Door, strange: Callable[[bytes], bytes]) -> None:
    async with ear(lambda octets: (strange(octets),)) as server:
        result = await asked(door, at(server.port, "example.test"), timeout=0.3)
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "answer")
    assert [warning.name for warning in result.warnings] == ["strange_answers"]


async def test_a_server_that_floods_with_strange_answers_is_cut_off(door: Door) -> None:
    server: Ear
    async with ear(lambda octets: [other_id(octets)] * 200) as server:
        flooding = asyncio.create_task(keep_saying(server))
        result = await asked(door, at(server.port, "example.test"), timeout=5)
        flooding.cancel()
    assert (result.failure, result.stage) == (Failure.TOO_LARGE, "answer")
    assert result.took < 2


async def keep_saying(server: Ear) -> None:
    await server.came.get()
    while True:
        for _ in range(50):
            server.say(other_id(server.heard[0]), server.senders[0])
        await asyncio.sleep(0.001)


async def test_a_lost_datagram_is_asked_for_once_more(door: Door) -> None:
    def second_time(octets: bytes) -> Iterable[bytes]:
        return (good(octets),) if len(server.heard) == 2 else ()

    async with ear(second_time) as server:
        result = await asked(door, at(server.port, "example.test"), timeout=0.9)
        assert server.heard[0] == server.heard[1]
    assert result.failure is None
    assert result.facts["tries"] == 2
    assert 0.29 < result.took < 0.8


async def test_silence_times_out_in_the_phase_of_the_answer(door: Door) -> None:
    async with ear(silence) as server:
        result = await asked(door, at(server.port, "example.test"), timeout=0.3)
        assert len(server.heard) == 2
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "answer")
    assert result.facts["tries"] == 2


async def test_a_port_at_which_nobody_listens_is_refused(door: Door) -> None:
    result = await asked(door, at(closed_datagram_port(), "example.test"))
    assert (result.failure, result.stage) == (Failure.REFUSED, "answer")


async def test_questions_have_different_ids_and_ports(door: Door) -> None:
    async with ear(lambda octets: (good(octets),)) as server:
        for _ in range(8):
            assert (await asked(door, at(server.port, "example.test"))).failure is None
        assert len({octets[:2] for octets in server.heard}) > 4
        assert len({sender[1] for sender in server.senders}) > 4


@pytest.mark.parametrize(("rcode", "name"), [(2, "SERVFAIL"), (5, "REFUSED"), (9, "rcode 9")])
async def test_what_a_server_says_of_the_question_is_named(door: Door, rcode: int, name: str) -> None:
    async with ear(lambda octets: (reply_to(octets, rcode=rcode),)) as server:
        result = await asked(door, at(server.port, "example.test"))
    assert (result.failure, result.stage, result.detail) == (Failure.STATUS, "status", f"{name}, expected NOERROR")
    assert result.facts["rcode"] == rcode


async def test_a_servfail_may_be_what_is_wanted(door: Door) -> None:
    async with ear(lambda octets: (reply_to(octets, rcode=2),)) as server:
        assert (await asked(door, at(server.port, "example.test", expect={"rcode": "SERVFAIL"}))).failure is None


async def test_aliases_in_a_circle_are_a_content_failure(door: Door) -> None:
    circle = ("example.test. CNAME a.test.", "a.test. CNAME b.test.", "b.test. CNAME a.test.")
    async with ear(lambda octets: (reply_to(octets, *circle),)) as server:
        result = await asked(door, at(server.port, "example.test"))
    assert (result.failure, result.stage) == (Failure.CONTENT, "content")
    assert "circle" in result.detail


async def test_an_answer_that_breaks_off_is_a_protocol_failure(door: Door) -> None:
    async with ear(lambda octets: (good(octets)[:45],)) as server:
        result = await asked(door, at(server.port, "example.test"))
    assert (result.failure, result.stage) == (Failure.PROTOCOL, "answer")


async def by_tcp(door: Door, say: Callable[[bytes], bytes], timeout: float = 2) -> ProbeResult:
    """Ask a server that cuts its datagrams off and says over TCP what *say* makes of the question."""

    async def script(peer: Peer) -> None:
        length = int.from_bytes(await peer.reader.readexactly(2), "big")
        await peer.say(say(await peer.reader.readexactly(length)))
        await peer.hang()

    async with rude(script) as connections, ear(lambda octets: (reply_to(octets, flags=0x8380),), port=connections.port) as server:
        return await asked(door, at(server.port, "example.test"), timeout)


def framed(octets: bytes) -> bytes:
    return struct.pack("!H", len(octets)) + octets


async def test_what_is_cut_off_is_asked_for_over_tcp(door: Door) -> None:
    assert (await by_tcp(door, lambda octets: framed(good(octets)))).failure is None


@pytest.mark.parametrize(
    "say",
    [
        lambda octets: framed(other_id(octets)),
        lambda octets: framed(other_question(octets)),
        lambda octets: framed(reply_to(octets, flags=0x8380)),
        lambda _: framed(b""),
        lambda octets: framed(good(octets)[:45]),
    ],
    ids=["other id", "other question", "cut off again", "nothing", "breaks off"],
)
async def test_over_tcp_only_the_whole_answer_counts(door: Door, say: Callable[[bytes], bytes]) -> None:
    result = await by_tcp(door, say)
    assert (result.failure, result.stage) == (Failure.PROTOCOL, "tcp.answer")


async def test_silence_over_tcp_times_out_there(door: Door) -> None:
    result = await by_tcp(door, lambda octets: framed(good(octets))[:20], timeout=0.3)
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "tcp.answer")


async def test_a_server_without_tcp_is_refused_there(door: Door) -> None:
    async with ear(lambda octets: (reply_to(octets, flags=0x8380),)) as server:
        result = await asked(door, at(server.port, "example.test"))
    assert (result.failure, result.stage) == (Failure.REFUSED, "tcp.connect")


async def test_the_dialogue_is_told_line_by_line(door: Door) -> None:
    class Heard:
        def __init__(self) -> None:
            self.lines: list[str] = []

        def sent(self, text: str) -> None:
            self.lines.append("> " + text)

        def received(self, text: str) -> None:
            self.lines.append("< " + text)

    heard = Heard()
    async with ear(lambda octets: (good(octets),)) as server:
        await run(KIND, at(server.port, "example.test"), door=door, timeout=2, listener=heard)
    assert heard.lines == ["> example.test A?", "< NOERROR", "< example.test. 300 A 192.0.2.1"]


# --- settings -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"query": "a b"}, "no blanks"),
        ({"query": "a\\.b"}, "no backslashes"),
        ({"query": "a..b"}, "1 to 63"),
        ({"query": "192.0.2.1"}, "ask for type PTR"),
        ({"type": "AXFR"}, "that can be asked for"),
        ({"type": 41}, "that can be asked for"),
        ({"type": "NOSUCH"}, "not a type of record"),
        ({"type": 70000}, "not a type of record"),
        ({"type": None}, "not a type of record"),
        ({"expect": {"answers": ["300.1.1.1"]}}, "not the data of a record of type A"),
        ({"type": "MX", "expect": {"answers": ["mail.example.net"]}}, "not the data of a record of type MX"),
        ({"expect": {"none": True, "answers": ["192.0.2.1"]}}, "leave out answers"),
        ({"expect": {"rcode": "BADVERS"}}, "NOERROR"),
    ],
)
def test_settings_that_make_no_question_are_refused(wrong: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        dns_kind.Settings.model_validate({"query": "example.net", **wrong})


def test_types_are_written_by_name_or_number() -> None:
    types = [dns_kind.Settings(query="a", type=kind).type for kind in ("mx", 15, "15", "TYPE15", "TYPE65280", 65280, "https", "ANY")]
    assert types == ["MX", "MX", "MX", "MX", "TYPE65280", "TYPE65280", "HTTPS", "ANY"]


def test_names_of_other_scripts_and_with_underscores_can_be_asked_for() -> None:
    assert dns_kind.Settings(query="_dmarc.müller.example").query == "_dmarc.xn--mller-kva.example"
    assert dns_kind.Settings(query="*.example.net").query == "*.example.net"
    assert dns_kind.Settings(query=".", type="NS").query == "."


@pytest.mark.parametrize(
    ("typed", "target"),
    [
        ("example.net", "example.net A"),
        ("example.net mx", "example.net MX"),
        ("example.net @192.0.2.53", "example.net A @192.0.2.53:53"),
        ("example.net TXT @[::1]:5353", "example.net TXT @[::1]:5353"),
        ("192.0.2.1", "192.0.2.1 PTR"),
    ],
)
def test_a_typed_target_is_a_name_a_type_and_a_server(typed: str, target: str) -> None:
    assert dns_kind.target(dns_kind.ad_hoc(typed)) == target


@pytest.mark.parametrize("typed", ["", "a MX TXT", "a @b @c", "a @b:0"])
def test_what_is_no_target_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        dns_kind.ad_hoc(typed)
