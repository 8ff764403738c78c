import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from probes import tls
from probes.egress import Door
from probes.preamble import StartTls
from probes.result import Failure, ProbeResult
from probes.run import run
from probes.settings import duration
from tests.rude.chains import LEAF, Chains, Member, days, issue, openssl_server
from tests.rude.ear import Ear
from tests.rude.peer import Peer, rude
from tests.rude.sockets import all_closed_after


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Chains:
    return Chains(tmp_path_factory.mktemp("chains"))


async def ask(port: int, *, listener: Ear | None = None, timeout: float = 5, **settings: object) -> ProbeResult:
    given = tls.Settings.model_validate({"host": "127.0.0.1", "port": port, **settings})
    async with all_closed_after():
        return await run(tls.KIND, given, door=Door(), timeout=timeout, listener=listener, started=datetime.now(UTC))


async def hang(peer: Peer) -> None:
    await peer.hang()


def names(result: ProbeResult) -> list[str]:
    return [warning.name for warning in result.warnings]


# --- what a good server shows -------------------------------------------------------------------------------------------------


async def test_a_good_server_is_measured_up_to_its_root(chains: Chains) -> None:
    leaf = issue("leaf", issue("Middle", chains.root), names=LEAF, ends=days(80))
    async with rude(hang, tls=chains.context(leaf)) as server:
        result = await ask(server.port, ca=chains.ca)
    assert (result.failure, result.stage, result.warnings) == (None, None, ())
    assert [phase.name for phase in result.phases] == ["connect", "tls"]
    facts = dict(result.facts)
    assert 79.9 < facts.pop("days_left") <= 80
    assert facts == {
        "ip_version": 4,
        "tls_expires_at": days(80).timestamp(),
        "leaf_expires_at": days(80).timestamp(),
        "chain_length": 3,
        "key_bits": 256,
        "tls_version": 1.3,
        "cipher_bits": 256,
    }


async def test_a_chain_is_as_old_as_its_member_that_ends_first(chains: Chains) -> None:
    leaf = issue("leaf", issue("Middle", chains.root, ends=days(20)), names=LEAF, ends=days(80))
    async with rude(hang, tls=chains.context(leaf)) as server:
        result = await ask(server.port, ca=chains.ca)
        late = await ask(server.port, ca=chains.ca, expires_within="21d")
    assert result.facts["tls_expires_at"] == days(20).timestamp()
    assert result.facts["leaf_expires_at"] == days(80).timestamp()
    assert (late.failure, names(late)) == (None, ["expires_soon"])
    assert "Middle" in late.warnings[0].text


async def test_a_root_that_ends_first_counts_though_the_server_does_not_send_it(tmp_path: Path) -> None:
    chains = Chains(tmp_path, root=issue("Old Root", ends=days(5)))
    async with rude(hang, tls=chains.context(issue("leaf", chains.root, names=LEAF))) as server:
        result = await ask(server.port, ca=chains.ca)
    assert result.facts["tls_expires_at"] == days(5).timestamp()
    assert names(result) == ["expires_soon"]


async def test_an_expired_certificate_that_is_sent_and_not_needed_does_not_count(chains: Chains) -> None:
    leaf = issue("leaf", chains.root, names=LEAF)
    spare = issue("Spare", ends=days(-1))
    async with rude(hang, tls=chains.context(leaf, [leaf, spare])) as server:
        result = await ask(server.port, ca=chains.ca)
    assert (result.failure, result.warnings) == (None, ())
    assert result.facts["tls_expires_at"] == days(100).timestamp()


@pytest.mark.parametrize(("left", "expected"), [(13.5, ["expires_soon"]), (14.5, [])])
async def test_the_end_is_a_warning_two_weeks_before_it_is_a_failure(chains: Chains, left: float, expected: list[str]) -> None:
    async with rude(hang, tls=chains.context(issue("leaf", chains.root, names=LEAF, ends=days(left)))) as server:
        result = await ask(server.port, ca=chains.ca)
    assert (result.failure, names(result)) == (None, expected)


async def test_what_was_shown_can_be_heard(chains: Chains) -> None:
    ear = Ear()
    async with rude(hang, tls=chains.context(issue("leaf\x1b[2J", chains.root, names=LEAF))) as server:
        await ask(server.port, ca=chains.ca, listener=ear)
    assert ear.lines[0].startswith("S leaf[2J, EC 256, sha256WithECDSA, ends ")
    assert ear.lines[2].startswith("S TLSv1.3 TLS_")


async def test_the_server_sees_a_proper_end(chains: Chains) -> None:
    ended: list[bytes] = []

    async def script(peer: Peer) -> None:
        ended.append(await peer.reader.read())

    async with rude(script, tls=chains.context(issue("leaf", chains.root, names=LEAF))) as server:
        assert (await ask(server.port, ca=chains.ca)).failure is None
        await asyncio.wait_for(server.closed.wait(), 5)
    assert ended == [b""]


# --- one stable failure for each thing that is wrong, and the end is known all the same ----------------------------------------


async def fails(chains: Chains, context: ssl.SSLContext, expected: Failure, *, ends: float, more: dict[str, Any] | None = None) -> None:
    async with rude(hang, tls=context) as server:
        result = await ask(server.port, ca=chains.ca, **(more or {}))
    assert (result.failure, result.stage) == (expected, "tls")
    assert result.facts["tls_expires_at"] == days(ends).timestamp()
    assert ("expires_soon" in names(result)) == (0 < ends <= 14)


async def test_an_expired_certificate(chains: Chains) -> None:
    await fails(chains, chains.context(issue("leaf", chains.root, names=LEAF, ends=days(-3))), Failure.TLS_EXPIRED, ends=-3)


async def test_a_server_is_told_why_we_leave(chains: Chains) -> None:
    told: list[str] = []
    context = chains.context(issue("leaf", chains.root, names=LEAF, ends=days(-3)))

    async def script(peer: Peer) -> None:
        try:
            await peer.start_tls(context)
        except ssl.SSLError as error:
            told.append(error.reason)

    async with rude(script) as server:
        await ask(server.port, ca=chains.ca)
        await asyncio.wait_for(server.closed.wait(), 5)
    assert told == ["SSLV3_ALERT_CERTIFICATE_EXPIRED"]


async def test_an_expired_authority_in_between(chains: Chains) -> None:
    leaf = issue("leaf", issue("Middle", chains.root, ends=days(-2)), names=LEAF)
    await fails(chains, chains.context(leaf), Failure.TLS_EXPIRED, ends=-2)


async def test_a_certificate_of_tomorrow(chains: Chains) -> None:
    leaf = issue("leaf", chains.root, names=LEAF, begins=days(1), ends=days(9))
    await fails(chains, chains.context(leaf), Failure.TLS_EXPIRED, ends=9)


async def test_a_certificate_for_another_host(chains: Chains) -> None:
    await fails(chains, chains.context(issue("leaf", chains.root, names=["b.example"])), Failure.TLS_WRONG_HOST, ends=100)


async def test_a_certificate_of_its_own(chains: Chains) -> None:
    leaf = issue("leaf", names=LEAF, ends=days(7))
    await fails(chains, chains.context(leaf, [leaf]), Failure.TLS_UNTRUSTED, ends=7)


async def test_a_missing_intermediate(chains: Chains) -> None:
    leaf = issue("leaf", issue("Middle", chains.root, ends=days(5)), names=LEAF, ends=days(30))
    await fails(chains, chains.context(leaf, [leaf]), Failure.TLS_UNTRUSTED, ends=30)


async def test_a_chain_longer_than_anybody_follows(chains: Chains) -> None:
    await fails(chains, chains.context(_long(chains, 110)), Failure.TLS_UNTRUSTED, ends=100)


async def test_a_chain_of_a_hundred_certificates_is_good(chains: Chains) -> None:
    async with rude(hang, tls=chains.context(_long(chains, 100))) as server:
        result = await ask(server.port, ca=chains.ca)
    assert result.failure is None
    assert result.facts["chain_length"] == 101


async def test_a_chain_past_every_cap(chains: Chains) -> None:
    leaf = issue("leaf", chains.root, names=LEAF)
    async with rude(hang, tls=chains.context(leaf, [leaf, *(issue(f"Spare {number}") for number in range(300))])) as server:
        result = await ask(server.port, ca=chains.ca)
    assert (result.failure, result.stage) == (Failure.TLS, "tls")


def _long(chains: Chains, length: int) -> Member:
    member = chains.root
    for number in range(length - 1):
        member = issue(f"Middle {number}", member)
    return issue("leaf", member, names=LEAF)


async def test_a_signature_by_sha1(chains: Chains) -> None:
    certificate, key = chains.signed_by_openssl("-sha1", key="2048")
    async with openssl_server(certificate, key) as port:
        result = await ask(port, ca=chains.ca)
        assert (result.failure, result.stage) == (Failure.TLS_WEAK, "tls")
        assert 49 < result.facts["days_left"] < 51
        lenient = await ask(port, verify=False)
    assert lenient.failure is None
    assert names(lenient) == ["weak_certificate"]
    assert "sha1WithECDSA" in lenient.warnings[0].text


async def test_a_key_of_512_bits(chains: Chains) -> None:
    certificate, key = chains.signed_by_openssl("-sha256", key="512")
    async with openssl_server(certificate, key, "-tls1_2", "-sigalgs", "RSA+SHA256") as port:
        result = await ask(port, ca=chains.ca)
    assert (result.failure, result.stage) == (Failure.TLS_WEAK, "tls")
    assert result.facts["key_bits"] == 512
    assert "tls_expires_at" in result.facts


async def test_a_server_that_speaks_old_versions_only(chains: Chains) -> None:
    certificate, key = chains.signed_by_openssl("-sha256", key="2048")
    async with openssl_server(certificate, key, "-tls1_1") as port:
        result = await ask(port, ca=chains.ca)
    assert (result.failure, result.stage) == (Failure.TLS_WEAK, "tls")


async def test_a_version_below_the_demanded_one_is_measured_before_it_fails(chains: Chains) -> None:
    context = chains.context(issue("leaf", chains.root, names=LEAF))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    await fails(chains, context, Failure.TLS_WEAK, ends=100, more={"minimum": 1.3})
    async with rude(hang, tls=context) as server:
        result = await ask(server.port, ca=chains.ca)
    assert result.failure is None
    assert result.facts["tls_version"] == 1.2


async def test_without_verification_dates_are_all_that_counts(chains: Chains) -> None:
    stranger = issue("leaf", names=["b.example"], ends=days(2))
    async with rude(hang, tls=chains.context(stranger)) as server:
        result = await ask(server.port, verify=False)
    assert (result.failure, names(result)) == (None, ["expires_soon"])
    for begins, ends in ((-10, -1), (1, 5)):
        bad = issue("leaf", names=["b.example"], begins=days(begins), ends=days(ends))
        await fails(chains, chains.context(bad), Failure.TLS_EXPIRED, ends=ends, more={"verify": False})


async def test_a_server_that_tells_its_names_apart_is_asked_by_the_right_one(chains: Chains) -> None:
    contexts = {name: chains.context(issue("leaf", chains.root, names=[name])) for name in ("a.example", "b.example")}

    def choose(connection: ssl.SSLObject, asked: str | None, usual: ssl.SSLContext) -> None:
        connection.context = contexts.get(asked or "", usual)

    contexts["a.example"].sni_callback = choose
    async with rude(hang, tls=contexts["a.example"]) as server:
        assert (await ask(server.port, ca=chains.ca, server_name="b.example")).failure is None
        assert (await ask(server.port, ca=chains.ca, server_name="a.example.")).failure is None
        assert (await ask(server.port, ca=chains.ca, server_name="c.example")).failure is Failure.TLS_WRONG_HOST
        assert (await ask(server.port, ca=chains.ca)).failure is Failure.TLS_WRONG_HOST


async def test_a_server_that_refuses_names_it_does_not_know(chains: Chains) -> None:
    leaf = issue("leaf", chains.root, names=["a.example"])
    files = (chains.write(leaf.pem), chains.write(leaf.key_pem))
    options = ("-servername", "a.example", "-servername_fatal", "-cert2", str(files[0]), "-key2", str(files[1]))
    async with openssl_server(*files, *options) as port:
        assert (await ask(port, ca=chains.ca, server_name="a.example")).failure is None
        refused = await ask(port, ca=chains.ca, server_name="b.example")
    assert (refused.failure, refused.stage) == (Failure.TLS, "tls")
    assert "unrecognized" in refused.detail.lower()


async def test_a_server_that_knows_h2_alone_is_good(chains: Chains) -> None:
    leaf = issue("leaf", chains.root, names=LEAF)
    async with openssl_server(chains.write(leaf.pem), chains.write(leaf.key_pem), "-alpn", "h2") as port:
        assert (await ask(port, ca=chains.ca)).failure is None


async def test_a_server_that_demands_a_certificate_of_ours_shows_its_own_before_it_refuses(chains: Chains) -> None:
    context = chains.context(issue("leaf", chains.root, names=LEAF, ends=days(6)))
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with rude(hang, tls=context) as server:
        result = await ask(server.port, ca=chains.ca)
    assert result.failure in {Failure.TLS, Failure.CLOSED, Failure.RESET}  # its alert may be lost on the way
    assert result.facts["tls_expires_at"] == days(6).timestamp()
    assert names(result) == ["expires_soon"]


async def test_what_the_peer_has_us_reckon_does_not_stall_the_loop(chains: Chains) -> None:
    certificate, key = chains.signed_by_openssl("-sha256", key="2048")
    async with openssl_server(certificate, key, "-tls1_3", "-groups", "ffdhe8192") as port:
        await ask(port, ca=chains.ca)
        loop = asyncio.get_running_loop()
        probe, lag = asyncio.create_task(ask(port, ca=chains.ca)), 0.0
        while not probe.done():
            began = loop.time()
            await asyncio.sleep(0.002)
            lag = max(lag, loop.time() - began - 0.002)
    assert probe.result().failure is None
    handshake = next(phase.took for phase in probe.result().phases if phase.name == "tls")
    assert lag < handshake / 4  # half of it is our own reckoning, the other half the server's


async def test_a_modulus_of_the_peers_choice_is_not_reckoned_with(chains: Chains) -> None:
    certificate, key = chains.signed_by_openssl("-sha256", key="2048")
    async with openssl_server(certificate, key, "-tls1_2", "-cipher", "DHE:@SECLEVEL=0") as port:
        result = await ask(port, ca=chains.ca)
    assert (result.failure, result.stage) == (Failure.TLS, "tls")


# --- rude peers -----------------------------------------------------------------------------------------------------------------


async def test_a_peer_that_stalls_the_handshake_times_out_there() -> None:
    async with rude(hang) as server:
        result = await ask(server.port, timeout=0.3)
        assert (result.failure, result.stage) == (Failure.TIMEOUT, "tls")
        await asyncio.wait_for(server.closed.wait(), 5)


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.9\r\n", b"\x16\x03\x03\xff\xff" + b"\0" * 70000])
async def test_a_peer_that_speaks_something_else_is_no_tls(said: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.say(said)
        await peer.hang()

    async with rude(script) as server:
        result = await ask(server.port)
    assert (result.failure, result.stage) == (Failure.TLS, "tls")


async def test_a_peer_that_hangs_up_in_the_handshake_has_closed() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(10)

    async def reset(peer: Peer) -> None:
        await peer.reader.read(10)
        peer.reset()

    async with rude(script) as server:
        assert (await ask(server.port)).failure in {Failure.CLOSED, Failure.RESET}  # what is left unread makes the kernel say RST
    async with rude(reset) as server:
        assert (await ask(server.port)).failure is Failure.RESET


async def test_a_peer_that_drips_its_handshake_is_good(chains: Chains) -> None:
    near = chains.context(issue("leaf", chains.root, names=LEAF))
    async with rude(hang, tls=near) as real:

        async def between(peer: Peer) -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", real.port)
            task = asyncio.create_task(_pass_on(peer.reader, writer))
            while octets := await reader.read(100):
                await peer.drip(octets)
            writer.close()
            await task

        async with rude(between) as server:
            assert (await ask(server.port, ca=chains.ca)).failure is None


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while octets := await reader.read(4096):
        writer.write(octets)


async def test_a_peer_that_floods_after_the_handshake_changes_nothing(chains: Chains) -> None:
    async def script(peer: Peer) -> None:
        await peer.flood(b"x" * 4096)

    async with rude(script, tls=chains.context(issue("leaf", chains.root, names=LEAF))) as server:
        result = await ask(server.port, ca=chains.ca)
    assert result.failure is None
    assert result.took < 2


# --- settings -------------------------------------------------------------------------------------------------------------------


def test_a_typed_target_is_a_host_and_its_port_says_how_it_begins() -> None:
    assert tls.ad_hoc("example.net") == tls.Settings(host="example.net", port=443)
    assert tls.ad_hoc("example.net:587").starttls is StartTls.SMTP
    assert tls.target(tls.ad_hoc("[::1]:636")) == "[::1]:636"
    assert tls.target(tls.Settings(host="127.0.0.1", port=443, server_name="a.example")) == "127.0.0.1:443 as a.example"


def test_a_version_may_be_written_as_a_number_and_old_ones_are_refused() -> None:
    assert tls.Settings.model_validate({"host": "a", "port": 1, "minimum": 1.2}).minimum is tls.TlsVersion.V1_2
    with pytest.raises(ValidationError, match="minimum"):
        tls.Settings.model_validate({"host": "a", "port": 1, "minimum": 1.1})


def test_two_weeks_are_the_warning_time() -> None:
    assert tls.Settings(host="a", port=1).expires_within == duration("14d") == timedelta(days=14)
