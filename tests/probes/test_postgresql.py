import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import ValidationError

from probes import postgresql
from probes.attempt import ProbeFailed
from probes.egress import Door
from probes.result import Failure, ProbeResult
from probes.run import run
from probes.wire.scram import Scram
from tests.rude.certificates import Certificates
from tests.rude.daemons import PASSWORD, USER, Daemon
from tests.rude.daemons import postgresql as real_postgresql
from tests.rude.ear import Ear
from tests.rude.peer import Peer, Rude, Script, closed_port, rude

LOGIN = {"user": USER, "password": PASSWORD}


pytestmark = pytest.mark.xdist_group("postgresql")  # one server for all


@pytest.fixture(scope="module")
def real() -> Iterator[Daemon]:
    with real_postgresql() as daemon:
        yield daemon


async def ask(port: int, *, timeout: float = 10, listener: Ear | None = None, **settings: object) -> ProbeResult:
    given = postgresql.Settings.model_validate({"host": "127.0.0.1", "port": port, **settings})
    return await run(postgresql.KIND, given, door=Door(), timeout=timeout, listener=listener)


@asynccontextmanager
async def encrypting(real: Daemon, certificates: Certificates) -> AsyncIterator[Rude]:
    """The real server behind one that encrypts for it, and passes everything on."""

    async def script(peer: Peer) -> None:
        await peer.reader.readexactly(8)
        await peer.say(b"S")
        await peer.start_tls(certificates.good())
        reader, writer = await asyncio.open_connection("127.0.0.1", real.port)
        await asyncio.gather(passed_on(peer.reader, writer), passed_on(reader, peer.writer))

    async with rude(script) as server:
        yield server


async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while octets := await reader.read(4096):
            writer.write(octets)
    finally:
        writer.close()


# --- the real server ----------------------------------------------------------------------------------------------------------


async def test_a_real_server_is_asked_encrypted_and_logged_in(real: Daemon, certificates: Certificates) -> None:
    heard = Ear()
    async with encrypting(real, certificates) as server:
        result = await ask(server.port, ca=str(certificates.ca), login=LOGIN, query="SELECT 6 * 7", expect="42", listener=heard)
    assert (result.failure, result.detail) == (None, "")
    assert [phase.name for phase in result.phases] == ["connect", "starttls", "tls", "auth", "query", "quit"]
    assert result.facts["value"] == 42
    assert PASSWORD not in repr(heard.lines)
    assert heard.lines[:2] == ["C SSLRequest", "S S"]
    assert {"C StartupMessage user=ann database=ann", "S AuthenticationSASL SCRAM-SHA-256", "C SELECT 6 * 7", "S 42"} <= set(heard.lines)


async def test_encryption_is_verified_unless_that_is_not_wanted(real: Daemon, certificates: Certificates) -> None:
    async with encrypting(real, certificates) as server:
        assert (await ask(server.port)).failure is Failure.TLS_UNTRUSTED
        assert (await ask(server.port, verify=False)).failure is None


async def test_a_server_that_does_not_encrypt_fails_only_where_that_is_demanded(real: Daemon) -> None:
    demanded = await ask(real.port, tls="starttls")
    assert (demanded.failure, demanded.stage) == (Failure.TLS_MISSING, "starttls")
    assert (await ask(real.port, tls="optional", login=LOGIN)).failure is None


@pytest.mark.parametrize("user", [USER, "clear", "hashed", "open", "slow"])
async def test_every_way_to_log_in_is_known(real: Daemon, user: str) -> None:
    assert (await ask(real.port, tls="never", login={"user": user, "password": PASSWORD}, query="SELECT 1")).failure is None


@pytest.mark.parametrize("user", [USER, "clear", "hashed", "nobody", "stranger"])
async def test_a_login_that_is_not_taken_is_a_matter_of_ours(real: Daemon, user: str) -> None:
    result = await ask(real.port, tls="never", login={"user": user, "password": "falsch"}, query="SELECT 1")
    assert (result.failure, result.stage) == (Failure.AUTH_REJECTED, "auth")
    assert "28" in result.detail


async def test_without_a_login_it_is_enough_that_the_server_takes_connections(real: Daemon) -> None:
    result = await ask(real.port, tls="never")
    assert (result.failure, [phase.name for phase in result.phases]) == (None, ["connect", "auth"])


async def test_a_database_that_is_not_there_is_refused(real: Daemon) -> None:
    result = await ask(real.port, tls="never", login=LOGIN, database="nowhere")
    assert (result.failure, result.stage) == (Failure.REJECTED, "auth")
    assert "3D000" in result.detail


@pytest.mark.parametrize(
    ("query", "failure", "words"),
    [
        ("SELECT 1 / 0", Failure.REJECTED, "22012"),
        ("SELEKT", Failure.REJECTED, "42601"),
        ("CREATE TABLE t (n int)", Failure.REJECTED, "25006"),
        ("SELECT 1; COMMIT; CREATE TABLE t (n int)", Failure.REJECTED, "42601"),
        ("COMMIT", Failure.CONTENT, "no value"),
        ("SELECT 2", Failure.CONTENT, "'2'"),
        ("SELECT NULL", Failure.CONTENT, "no value"),
        ("SELECT 1 WHERE false", Failure.CONTENT, "no value"),
        ("SELECT", Failure.CONTENT, "no value"),
        ("SELECT repeat('x', 100000)", Failure.TOO_LARGE, "bytes"),
    ],
)
async def test_a_query_can_only_read_and_its_first_value_counts(real: Daemon, query: str, failure: Failure, words: str) -> None:
    result = await ask(real.port, tls="never", login=LOGIN, query=query, expect="1")
    assert (result.failure, result.stage) == (failure, "query")
    assert words in result.detail


async def test_only_one_row_is_fetched(real: Daemon) -> None:
    result = await ask(real.port, tls="never", login=LOGIN, query="SELECT n FROM generate_series(1, 10000000) AS n", expect="1")
    assert result.failure is None


async def test_a_query_that_hangs_is_ended_on_both_sides(real: Daemon) -> None:
    result = await ask(real.port, tls="never", login=LOGIN, query="SELECT pg_sleep(60)", timeout=1)
    assert (result.failure, result.stage, result.took < 1.25) == (Failure.TIMEOUT, "query", True)
    async with asyncio.timeout(10):
        while True:
            busy = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'ann' AND query LIKE '%pg_sleep(60)' AND state = 'active'"
            if (await ask(real.port, tls="never", login=LOGIN, query=busy)).facts["value"] == 0:
                return


# --- rude servers -------------------------------------------------------------------------------------------------------------


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def error(code: str, text: str = "no") -> bytes:
    return message(b"E", b"SFATAL\0C" + code.encode() + b"\0M" + text.encode() + b"\0\0")


def says(*replies: bytes) -> Script:
    """A server that answers each packet in turn; the first packet has no kind."""

    async def script(peer: Peer) -> None:
        is_first = True
        for reply in replies:
            if not is_first:
                await peer.reader.readexactly(1)
            (length,) = struct.unpack("!i", await peer.reader.readexactly(4))
            peer.heard.append(repr(await peer.reader.readexactly(length - 4)))
            await peer.say(reply)
            is_first = False
        await peer.hang()

    return script


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (error("57P03", "the database system is starting up"), Failure.DEFERRED),
        (error("53300", "sorry, too many clients already"), Failure.DEFERRED),
        (error("28P01"), Failure.AUTH_REJECTED),
        (error("28000", "no pg_hba.conf entry"), Failure.AUTH_REJECTED),
        (error("XX000"), Failure.REJECTED),
        (message(b"E"), Failure.REJECTED),
        (message(b"R", struct.pack("!i", 7)), Failure.AUTH_REJECTED),
        (message(b"R", struct.pack("!i", 10) + b"SCRAM-SHA-512\0\0"), Failure.AUTH_REJECTED),
        (message(b"R", b"\0"), Failure.PROTOCOL),
        (message(b"Z", b"I"), Failure.PROTOCOL),
        (message(b"R", struct.pack("!i", 12)), Failure.AUTH_REJECTED),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Failure.PROTOCOL),
        (b"R\0\0\0\0", Failure.PROTOCOL),
        (b"R\xff\xff\xff\xff", Failure.PROTOCOL),
        (b"R\x7f\xff\xff\xff", Failure.TOO_LARGE),
        (message(b"N") * 2000, Failure.TOO_LARGE),
        (b"R\0\0", Failure.TIMEOUT),
    ],
)
async def test_each_rudeness_at_login_has_its_own_name(reply: bytes, failure: Failure) -> None:
    async with rude(says(reply)) as server:
        result = await ask(server.port, tls="never", login=LOGIN, timeout=0.5)
    assert (result.failure, result.stage) == (failure, "auth")


CHALLENGED = message(b"R", struct.pack("!i", 10) + b"SCRAM-SHA-256\0\0")


@pytest.mark.parametrize(
    "challenge",
    [
        b"",
        b"r=x,s=AAAA,i=4096",
        b"r=%,s=AAAA,i=4096",
        b"r=%x,s=!,i=4096",
        b"r=%x,s=A,i=4096",
        b"r=%x,s=AAAA,i=0",
        b"r=%x,s=AAAA,i=1000000000",
    ],
)
async def test_a_challenge_that_is_none_or_would_keep_us_busy_is_refused(challenge: bytes) -> None:
    proof = Scram(password="x", nonce="nonce")
    with pytest.raises(ProbeFailed) as refused:
        await proof.answer(challenge.replace(b"%", b"nonce"))
    assert refused.value.failure is Failure.PROTOCOL


async def test_the_proof_is_that_of_the_standards_example() -> None:
    proof = Scram(password="pencil", nonce="rOprNGfwEbeRWgbNEkqO")  # RFC 7677 section 3, but with the name left empty
    said = await proof.answer(b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
    assert said.startswith(b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=")


async def test_a_server_that_cannot_prove_that_it_knows_the_password_is_found_out() -> None:
    async def impostor(peer: Peer) -> None:
        (length,) = struct.unpack("!i", await peer.reader.readexactly(4))
        await peer.reader.readexactly(length - 4)
        await peer.say(CHALLENGED)
        first = await peer.reader.readuntil(b"r=") + await peer.reader.readexactly(24)
        await peer.say(message(b"R", struct.pack("!i", 11) + b"r=" + first[-24:] + b"more,s=AAAA,i=4096"))
        await peer.reader.readuntil(b"p=")
        await peer.say(message(b"R", struct.pack("!i", 12) + b"v=AAAA") + message(b"R", struct.pack("!i", 0)) + message(b"Z", b"I"))
        await peer.hang()

    async with rude(impostor) as server:
        result = await ask(server.port, tls="never", login=LOGIN)
    assert (result.failure, result.stage) == (Failure.PROTOCOL, "auth")
    assert "does not prove" in result.detail


@pytest.mark.parametrize(
    ("reply", "words"), [(b"HTTP/1.1 400", "not PostgreSQL: 'HTTP"), (b"SERROR in clear", "in clear before the handshake")]
)
async def test_what_comes_instead_of_or_before_encryption_is_told(reply: bytes, words: str) -> None:
    async with rude(says(reply)) as server:
        result = await ask(server.port)
    assert (result.failure, result.stage) == (Failure.PROTOCOL, "starttls")
    assert words in result.detail


async def test_a_server_that_is_starting_is_no_server_yet_also_without_a_login() -> None:
    async with rude(says(error("57P03"))) as server:
        assert (await ask(server.port, tls="never")).failure is Failure.DEFERRED


async def test_nobody_listening_is_refused() -> None:
    assert (await ask(closed_port())).failure is Failure.REFUSED


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"query": "SELECT 1"}, "query needs login"),
        ({"expect": "1", "login": LOGIN}, "expect needs query"),
        ({"tls": "implicit"}, "'never', 'starttls' or 'optional'"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        postgresql.Settings.model_validate({"host": "h", **settings})


def test_a_typed_target_has_the_usual_port() -> None:
    assert postgresql.target(postgresql.ad_hoc("db.example.net")) == "db.example.net:5432"
