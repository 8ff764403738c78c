import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given
from pydantic import ValidationError

from probes import ldap, tls
from probes.attempt import Attempt
from probes.egress import Door
from probes.lines import Stream
from probes.result import Failure, ProbeResult
from probes.run import run
from probes.settings import TlsPolicy
from probes.wire.ber import ENUMERATED, OCTET_STRING, SEQUENCE, encoded, integer
from probes.wire.ldap_filter import filter_octets
from tests.probes.test_fuzz import survives, words
from tests.rude.chains import NOW, Chains, issue
from tests.rude.directory import ANN, BASE, Directory, directory
from tests.rude.ear import Ear
from tests.rude.peer import Peer, Script, rude
from tests.rude.sockets import all_closed_after


@pytest.fixture(scope="module")
def real() -> Iterator[Directory]:
    with directory() as server:
        yield server


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Chains:
    return Chains(tmp_path_factory.mktemp("chains"))


async def ask(port: int, *, timeout: float = 5, listener: Ear | None = None, **settings: object) -> ProbeResult:
    given = ldap.Settings.model_validate({"host": "127.0.0.1", "port": port, **settings})
    async with all_closed_after():
        return await run(ldap.KIND, given, door=Door(), timeout=timeout, listener=listener)


# --- a real directory -----------------------------------------------------------------------------------------------------------


async def test_a_real_directory_lets_nobody_in_particular_in(real: Directory) -> None:
    result = await ask(real.port, ca=real.ca)
    assert (result.failure, result.stage, result.warnings) == (None, None, ())
    assert [phase.name for phase in result.phases] == ["connect", "starttls", "tls", "bind"]
    assert "tls_expires_at" in result.facts


@pytest.mark.parametrize(
    ("policy", "phases"), [("starttls", ["connect", "starttls", "tls"]), ("implicit", ["connect", "tls"]), ("never", ["connect"])]
)
async def test_a_real_directory_takes_our_name_and_password_and_finds_an_entry(real: Directory, policy: str, phases: list[str]) -> None:
    port = real.encrypted_port if policy == "implicit" else real.port
    ear = Ear()
    result = await ask(port, tls=policy, ca=real.ca, login=ANN, base=BASE, scope="one", filter="(cn=a*)", listener=ear)
    assert (result.failure, result.detail, result.warnings) == (None, "", ())
    assert [phase.name for phase in result.phases] == [*phases, "bind", "search"]
    assert ear.lines[-1] == "C UNBIND"
    assert not [line for line in ear.lines if "geheim" in line]


@pytest.mark.parametrize("login", [ANN | {"password": "wrong"}, ANN | {"user": f"cn=nobody,{BASE}"}, ANN | {"user": "no DN at all"}])
async def test_a_real_directory_that_does_not_take_our_password_says_so(real: Directory, login: dict[str, str]) -> None:
    result = await ask(real.port, ca=real.ca, login=login)
    assert (result.failure, result.stage) == (Failure.AUTH_REJECTED, "bind")


@pytest.mark.parametrize(
    "wanted",
    [
        "(cn=ann)", "(&(cn=ann)(sn=ann*))", "(|(cn=nobody)(cn=ann))", "(!(cn=bob))", "(sn=*xampl*)", "(sn=*\\2a\\29)", "(sn=Ann \\28of*)",
        "(sn=a*\\28of*e*)", "(createTimestamp>=20200101000000Z)", "(createTimestamp<=20990101000000Z)", "(cn~=ann)",
        "(sn=*)", "(2.5.4.3=ann)", "(cn:=ann)", "(cn:caseIgnoreMatch:=ANN)", "(:caseIgnoreMatch:=ann)", "(dc:dn:=example)", "(&)",
    ],
)  # fmt: skip
async def test_every_form_of_filter_is_understood_by_a_real_directory(real: Directory, wanted: str) -> None:
    found = await ask(real.port, ca=real.ca, base=f"cn=ann,{BASE}", filter=wanted)
    denied = await ask(real.port, ca=real.ca, base=f"cn=ann,{BASE}", filter=f"(!{wanted})")
    assert (found.failure, denied.failure) == (None, Failure.CONTENT)


@pytest.mark.parametrize("place", [f"ou=nowhere,{BASE}", f"ou=people,{BASE}"])
async def test_where_nothing_is_found_it_is_a_content_failure(real: Directory, place: str) -> None:
    result = await ask(real.port, ca=real.ca, base=place, scope="one")
    assert (result.failure, result.stage) == (Failure.CONTENT, "search")


async def test_more_entries_than_the_one_we_ask_for_are_good(real: Directory) -> None:
    assert (await ask(real.port, ca=real.ca, base=BASE, scope="subtree")).failure is None


async def test_the_root_entry_can_be_searched(real: Directory) -> None:
    assert (await ask(real.port, ca=real.ca, base="")).failure is None


@pytest.mark.parametrize("place", ["no DN at all", f"ou=secret,{BASE}"])
async def test_a_base_that_is_no_name_or_not_for_us_is_rejected(real: Directory, place: str) -> None:
    result = await ask(real.port, ca=real.ca, base=place)
    assert (result.failure, result.stage) == (Failure.REJECTED, "search")


async def test_a_real_certificate_of_an_unknown_authority_is_not_trusted(real: Directory) -> None:
    result = await ask(real.port)
    assert (result.failure, result.stage) == (Failure.TLS_UNTRUSTED, "tls")
    assert (await ask(real.port, verify=False)).failure is None


async def test_the_certificate_of_a_real_directory_is_measured_behind_starttls(real: Directory) -> None:
    settings = tls.Settings.model_validate({"host": "127.0.0.1", "port": real.port, "starttls": "ldap", "ca": real.ca})
    result = await run(tls.KIND, settings, door=Door(), timeout=5, started=NOW)
    assert (result.failure, result.warnings) == (None, ())
    assert [phase.name for phase in result.phases] == ["connect", "starttls", "tls"]


async def test_a_real_directory_without_encryption() -> None:
    with directory(has_tls=False) as server:
        demanded = await ask(server.port, tls="starttls")
        measured = tls.Settings.model_validate({"host": "127.0.0.1", "port": server.port, "starttls": "ldap"})
        certified = await run(tls.KIND, measured, door=Door(), timeout=5, started=NOW)
        assert (await ask(server.port, login=ANN)).failure is None
    assert (demanded.failure, demanded.stage) == (Failure.TLS_MISSING, "starttls")
    assert (certified.failure, certified.stage) == (Failure.TLS_MISSING, "starttls")


async def test_a_real_directory_that_keeps_strangers_out() -> None:
    with directory("disallow bind_anon") as server:
        stranger = await ask(server.port, ca=server.ca)
        assert (await ask(server.port, ca=server.ca, login=ANN)).failure is None
    assert (stranger.failure, stranger.stage) == (Failure.REJECTED, "bind")


async def test_a_real_directory_that_demands_encryption_before_a_password() -> None:
    with directory("security simple_bind=128") as server:
        clear = await ask(server.port, tls="never", login=ANN)
        assert (await ask(server.port, ca=server.ca, login=ANN)).failure is None
    assert (clear.failure, clear.stage) == (Failure.REJECTED, "bind")
    assert "confidentiality required" in clear.detail


# --- scripted: every answer has its failure --------------------------------------------------------------------------------------


def result_of(tag: int, code: int, said: bytes = b"") -> bytes:
    return encoded(tag, integer(code, ENUMERATED), encoded(OCTET_STRING), encoded(OCTET_STRING, said))


def message(number: int, *parts: bytes) -> bytes:
    return encoded(SEQUENCE, integer(number), *parts)


REFUSED_TLS = message(1, result_of(0x78, 2))
WELCOME = message(2, result_of(0x61, 0))


def saying(*answers: bytes) -> Script:
    """A server that gives these answers, one to each request."""

    async def script(peer: Peer) -> None:
        for answer in answers:
            await peer.reader.read(4096)
            await peer.say(answer)
        await peer.hang()

    return script


@pytest.mark.parametrize(
    ("code", "nobody", "ann"),
    [
        (49, Failure.REJECTED, Failure.AUTH_REJECTED),
        (48, Failure.REJECTED, Failure.AUTH_REJECTED),
        (34, Failure.REJECTED, Failure.AUTH_REJECTED),
        (51, Failure.DEFERRED, Failure.AUTH_UNAVAILABLE),
        (52, Failure.DEFERRED, Failure.AUTH_UNAVAILABLE),
        (53, Failure.REJECTED, Failure.REJECTED),
        (8, Failure.REJECTED, Failure.REJECTED),
        (10, Failure.REJECTED, Failure.REJECTED),
        (4711, Failure.REJECTED, Failure.REJECTED),
        (-1, Failure.REJECTED, Failure.REJECTED),
    ],
)
async def test_every_answer_to_a_bind_has_its_failure(code: int, nobody: Failure, ann: Failure) -> None:
    async with rude(saying(message(1, result_of(0x61, code, b"because")))) as server:
        first = await ask(server.port, tls="never")
        second = await ask(server.port, tls="never", login=ANN)
    assert (first.failure, second.failure, second.stage) == (nobody, ann, "bind")
    assert "because" in second.detail


@pytest.mark.parametrize(
    ("answers", "failure"),
    [
        ([message(2, result_of(0x65, 51))], Failure.DEFERRED),
        ([message(2, result_of(0x65, 50))], Failure.REJECTED),
        ([message(2, result_of(0x65, 32))], Failure.CONTENT),
        ([message(2, result_of(0x65, 4))], None),
        ([message(2, encoded(0x73, encoded(OCTET_STRING, b"ldap://x"))), message(2, result_of(0x65, 0))], Failure.CONTENT),
        ([message(2, encoded(0x64, encoded(OCTET_STRING, b"cn=x"))), message(2, result_of(0x65, 0))], None),
        ([message(2, encoded(0x64))] * 200, Failure.TOO_LARGE),
    ],
)
async def test_every_answer_to_a_search_has_its_failure(answers: list[bytes], failure: Failure | None) -> None:
    async with rude(saying(message(1, result_of(0x61, 0)), b"".join(answers))) as server:
        result = await ask(server.port, tls="never", base="")
    assert result.failure is failure


@pytest.mark.parametrize(("code", "warnings"), [(2, []), (52, ["starttls_refused"])])
async def test_encryption_that_is_refused_is_a_warning_only_where_the_server_knows_it(code: int, warnings: list[str]) -> None:
    async with rude(saying(message(1, result_of(0x78, code)), WELCOME)) as server:
        result = await ask(server.port)
    assert result.failure is None
    assert [warning.name for warning in result.warnings] == warnings


async def test_what_is_slipped_in_before_the_handshake_is_thrown_away_and_flagged(chains: Chains) -> None:
    context = chains.context(issue("leaf", chains.root, names=["127.0.0.1"]))

    async def script(peer: Peer) -> None:
        await peer.reader.read(4096)
        await peer.say(message(1, result_of(0x78, 0)) + message(2, result_of(0x61, 0)))
        await peer.start_tls(context)
        await saying(message(2, result_of(0x61, 49)))(peer)

    async with rude(script) as server:
        result = await ask(server.port, ca=chains.ca, login=ANN)
    assert result.failure is Failure.AUTH_REJECTED
    assert [warning.name for warning in result.warnings] == ["plaintext_before_tls"]


async def test_a_password_is_not_sent_in_clear_over_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer is on this machine; that it is not is the one thing made up here."""
    heard: list[bytes] = []

    async def script(peer: Peer) -> None:
        heard.append(await peer.reader.read(4096))
        await peer.say(REFUSED_TLS)
        heard.append(await peer.reader.read(4096))

    monkeypatch.setattr("probes.lines.is_this_machine", lambda _: False)
    async with rude(script) as server:
        result = await ask(server.port, login=ANN)
        await asyncio.wait_for(server.closed.wait(), 5)
    assert (result.failure, result.stage) == (Failure.TLS_MISSING, "bind")
    assert heard[1] == b""


@pytest.mark.parametrize(("code", "failure"), [(52, Failure.DEFERRED), (2, Failure.CLOSED)])
async def test_a_notice_of_disconnection_is_understood(code: int, failure: Failure) -> None:
    notice = encoded(
        0x78,
        integer(code, ENUMERATED),
        encoded(OCTET_STRING),
        encoded(OCTET_STRING, b"going down"),
        encoded(0x8A, b"1.3.6.1.4.1.1466.20036"),
    )
    async with rude(saying(message(0, notice))) as server:
        result = await ask(server.port, tls="never")
    assert (result.failure, result.stage) == (failure, "bind")
    assert "going down" in result.detail


# --- rude peers -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Failure.PROTOCOL),
        (b"220 mail.example.net ESMTP\r\n", Failure.PROTOCOL),
        (b"\x30\x80\x02\x01\x01\0\0", Failure.PROTOCOL),
        (b"\x30\x84\xff\xff\xff\xff", Failure.TOO_LARGE),
        (b"\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff", Failure.PROTOCOL),
        (b"\x30\xff" + b"\xff" * 127, Failure.PROTOCOL),
        (b"\x30\x83\x01\x00\x00", Failure.TOO_LARGE),
        (b"\x30\x00", Failure.PROTOCOL),
        (b"\x30\x03\x02\x01\x01", Failure.PROTOCOL),
        (b"\x30\x05\x02\x01\x01\x61\x7f", Failure.PROTOCOL),
        (message(2, result_of(0x61, 0)), Failure.PROTOCOL),
        (message(0, result_of(0x61, 0)), Failure.PROTOCOL),
        (message(1, result_of(0x78, 0)), Failure.PROTOCOL),
        (message(1, result_of(0x65, 0)), Failure.PROTOCOL),
        (message(1, encoded(0x61)), Failure.PROTOCOL),
        (message(1, encoded(0x61, encoded(ENUMERATED), encoded(OCTET_STRING), encoded(OCTET_STRING))), Failure.PROTOCOL),
        (message(1, encoded(0x61, integer(0), encoded(OCTET_STRING), encoded(OCTET_STRING))), Failure.PROTOCOL),
        (encoded(SEQUENCE, encoded(0x02, b"\x7f" * 40), result_of(0x61, 0)), Failure.PROTOCOL),
        (message(1, b"\x30\x84\x00\x00\x80\x00" * 3), Failure.PROTOCOL),
        (message(1, b"\x1f\x81\x81\x00"), Failure.PROTOCOL),
        (encoded(SEQUENCE, *[b"\x05\x00"] * 20_000), Failure.PROTOCOL),
    ],
)
async def test_what_is_no_ldap_fails_as_such_and_never_crashes(said: bytes, failure: Failure) -> None:
    async with rude(saying(said)) as server:
        result = await ask(server.port, tls="never", timeout=3)
    assert (result.failure, result.stage) == (failure, "bind")


async def test_an_answer_nested_without_end_is_not_followed() -> None:
    nested = b""
    for _ in range(5000):
        nested = encoded(SEQUENCE, nested)
    async with rude(saying(message(1, result_of(0x61, 0)[:2] + b"", nested))) as server:
        result = await ask(server.port, tls="never", timeout=3)
    assert result.failure is Failure.PROTOCOL
    async with rude(saying(message(1, result_of(0x61, 0), nested))) as server:
        assert (await ask(server.port, tls="never", timeout=3)).failure is None


async def test_a_directory_that_drips_is_read_and_one_that_stops_times_out() -> None:
    answer = message(1, result_of(0x61, 0, b"\xff" * 300))

    async def drip(peer: Peer) -> None:
        await peer.reader.read(4096)
        await peer.drip(answer)
        await peer.hang()

    async def stop(peer: Peer) -> None:
        await peer.say(answer[:-1])
        await peer.hang()

    async with rude(drip) as server:
        assert (await ask(server.port, tls="never")).failure is None
    async with rude(stop) as server:
        result = await ask(server.port, tls="never", timeout=0.3)
        await asyncio.wait_for(server.closed.wait(), 5)
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "bind")


async def test_a_peer_that_hangs_up_or_floods_is_told_apart() -> None:
    async def leave(peer: Peer) -> None:
        await peer.reader.read(4096)

    async def flood(peer: Peer) -> None:
        await peer.flood(message(2, encoded(0x73)) * 100)

    async with rude(leave) as server:
        assert (await ask(server.port, tls="never")).failure is Failure.CLOSED
    async with rude(flood) as server:
        assert (await ask(server.port, tls="never")).failure is Failure.PROTOCOL


WORDS = (
    *(b"0\x0c\x02\x01\x01", b"a\x07", b"\n\x01\x00", b"\x04\x00\x04\x00", message(1, result_of(0x61, 0)), message(2, result_of(0x65, 0))),
    *(message(2, encoded(0x64)), message(0, result_of(0x78, 52)), b"0\x84\x00\x00\x00\x0c", b"0\x80", b"\x30", b"\xff", b"\x02\x01\x01"),
)


@given(words(WORDS))
def test_no_directory_crashes_the_probe(said: bytes) -> None:
    async def talk(stream: Stream, attempt: Attempt) -> None:
        dialogue = ldap.Ldap(stream, attempt)
        await dialogue.bind("cn=a", "b")
        await dialogue.search("", 0, filter_octets("(a=*)"))

    survives(said, talk)
    survives(message(1, result_of(0x61, 0)) + said, talk)


# --- settings -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"port": 636}, "tls: implicit"),
        ({"port": 389, "scope": "one"}, "need base"),
        ({"port": 389, "filter": "(cn=a)"}, "need base"),
        ({"port": 389, "base": "dc=x", "filter": "cn=a"}, "begins with a bracket"),
        ({"port": 389, "login": {"user": "cn=a", "password": ""}}, "binds as nobody"),
        ({"port": 389, "tls": "never", "login": ANN}, "allow_plaintext"),
        ({"port": 389, "base": "dc=x\n"}, "control characters"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_words(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ldap.Settings.model_validate({"host": "ldap.example.net", **settings})


def test_a_typed_target_is_a_host_and_636_is_encrypted_at_once() -> None:
    assert ldap.ad_hoc("ldap.example.net").tls is TlsPolicy.OPTIONAL
    assert ldap.ad_hoc("ldap.example.net:636").tls is TlsPolicy.IMPLICIT
    assert ldap.target(ldap.ad_hoc("[::1]:636")) == "[::1]:636"
