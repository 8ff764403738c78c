import asyncio
import hashlib
import socket
import ssl
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from pydantic import ValidationError

from probes import mysql
from probes.egress import Door
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.rude.certificates import Certificates
from tests.rude.daemons import PASSWORD, USER, Daemon
from tests.rude.daemons import mariadb as real_mariadb
from tests.rude.ear import Ear
from tests.rude.peer import Peer, Script, closed_port, rude

LOGIN = {"user": USER, "password": PASSWORD}
SALT = b"01234567890123456789"
COUNT = "SELECT COUNT(*) FROM orders"


pytestmark = pytest.mark.xdist_group("mariadb")  # one server for all


@pytest.fixture(scope="module")
def real(certificates: Certificates) -> Iterator[Daemon]:
    with real_mariadb(certificates) as daemon:
        yield daemon


async def ask(port: int, *, timeout: float = 10, listener: Ear | None = None, **settings: object) -> ProbeResult:
    given = mysql.Settings.model_validate({"host": "127.0.0.1", "port": port, **settings})
    return await run(mysql.KIND, given, door=Door(), timeout=timeout, listener=listener)


# --- the real server ----------------------------------------------------------------------------------------------------------


async def test_a_real_server_is_asked_encrypted_and_logged_in(real: Daemon, certificates: Certificates) -> None:
    heard = Ear()
    result = await ask(real.port, ca=str(certificates.ca), login=LOGIN, database="shop", query=COUNT, expect="2", listener=heard)
    assert (result.failure, result.detail) == (None, "")
    assert [phase.name for phase in result.phases] == ["connect", "greeting", "starttls", "tls", "auth", "query", "quit"]
    assert result.facts["value"] == 2
    assert PASSWORD not in repr(heard.lines)
    assert {"C SSLRequest", "S OK", f"C {COUNT}", "S 2"} <= set(heard.lines)
    assert "MariaDB" in heard.lines[0]


async def test_encryption_is_verified_unless_that_is_not_wanted(real: Daemon) -> None:
    assert (await ask(real.port, tls="starttls")).failure is Failure.TLS_UNTRUSTED
    assert (await ask(real.port, tls="starttls", verify=False)).failure is None


@pytest.mark.parametrize(("user", "password"), [(USER, PASSWORD), ("open", "")])
async def test_the_password_is_proved_in_clear_without_being_said(real: Daemon, user: str, password: str) -> None:
    assert (await ask(real.port, tls="never", login={"user": user, "password": password}, query="SELECT 1")).failure is None


@pytest.mark.parametrize(("user", "database"), [(USER, None), ("stranger", None), ("open", "mysql")])
async def test_a_login_that_is_not_taken_is_a_matter_of_ours(real: Daemon, user: str, database: str | None) -> None:
    password = "" if user == "open" else "falsch"
    result = await ask(real.port, tls="never", login={"user": user, "password": password}, database=database)
    assert (result.failure, result.stage) == (Failure.AUTH_REJECTED, "auth")


async def test_a_way_to_log_in_that_is_not_spoken_says_so(real: Daemon) -> None:
    result = await ask(real.port, tls="never", login={"user": "modern", "password": PASSWORD})
    assert (result.failure, result.stage) == (Failure.AUTH_REJECTED, "auth")
    assert "client_ed25519" in result.detail


async def test_without_a_login_the_server_is_not_annoyed_into_shutting_us_out(real: Daemon) -> None:
    """It blocks a host after 100 handshakes in a row that were not finished."""
    for _ in range(110):
        assert (await ask(real.port, tls="never")).failure is None
    assert (await ask(real.port, tls="never", login=LOGIN)).failure is None


@pytest.mark.parametrize(
    ("query", "failure", "words"),
    [
        ("SELEKT", Failure.REJECTED, "1064"),
        ("INSERT INTO orders VALUES (1)", Failure.REJECTED, "1792"),
        ("CREATE TABLE t (n INT)", Failure.REJECTED, "1792"),
        ("SELECT 1; DROP TABLE orders", Failure.REJECTED, "1064"),
        ("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE orders", Failure.REJECTED, ""),
        ("SELECT 2", Failure.CONTENT, "'2'"),
        ("SELECT NULL", Failure.CONTENT, "no value"),
        ("SELECT 1 FROM orders WHERE number = 0", Failure.CONTENT, "no value"),
        ("COMMIT", Failure.CONTENT, "no value"),
        ("SELECT REPEAT('x', 300)", Failure.CONTENT, "xxx"),
        ("SELECT REPEAT('x', 100000)", Failure.TOO_LARGE, "bytes"),
    ],
)
async def test_a_query_can_only_read_and_its_first_value_counts(real: Daemon, query: str, failure: Failure, words: str) -> None:
    result = await ask(real.port, tls="never", login=LOGIN, database="shop", query=query, expect="1")
    assert (result.failure, result.stage) == (failure, "query"), result.detail
    assert words in result.detail


async def test_only_one_row_is_fetched(real: Daemon) -> None:
    result = await ask(real.port, tls="never", login=LOGIN, database="shop", query="SELECT seq FROM seq_1_to_100000", expect="1")
    assert result.failure is None, result.detail


async def test_a_query_that_hangs_is_ended_on_both_sides(real: Daemon) -> None:
    result = await ask(real.port, tls="never", login=LOGIN, query="SELECT SLEEP(60)", timeout=1)
    assert (result.failure, result.took < 1.25) == (Failure.TIMEOUT, True)
    async with asyncio.timeout(10):
        while True:
            busy = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'"
            if (await ask(real.port, tls="never", login=LOGIN, query=busy)).facts["value"] == 0:
                return


# --- scripted servers ---------------------------------------------------------------------------------------------------------


def packet(number: int, body: bytes) -> bytes:
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


def greeting(way: bytes = b"caching_sha2_password", version: bytes = b"9.1.0", capabilities: int = 0x81FFFFFF) -> bytes:
    low, high = capabilities & 0xFFFF, capabilities >> 16
    head = b"\x0a" + version + b"\0" + bytes(4) + SALT[:8] + b"\0" + struct.pack("<HBHHB", low, 45, 2, high, 21) + bytes(10)
    return packet(0, head + SALT[8:] + b"\0" + way + b"\0")


def error(number: int, code: int, text: bytes = b"no") -> bytes:
    return packet(number, b"\xff" + struct.pack("<H", code) + b"#HY000" + text)


OK = b"\0\0\0\2\0\0\0"


def says(first: bytes, *replies: bytes) -> Script:
    async def script(peer: Peer) -> None:
        await peer.say(first)
        for reply in replies:
            await heard(peer)
            await peer.say(reply)
        await peer.hang()

    return script


async def heard(peer: Peer) -> bytes:
    head = await peer.reader.readexactly(4)
    return await peer.reader.readexactly(int.from_bytes(head[:3], "little"))


def sha2_proof(password: str) -> bytes:
    once = hashlib.sha256(password.encode()).digest()
    mask = hashlib.sha256(hashlib.sha256(once).digest() + SALT).digest()
    return bytes(one ^ other for one, other in zip(once, mask, strict=True))


async def test_mysqls_own_way_to_log_in_is_short_where_the_server_remembers_us() -> None:
    proofs: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.say(greeting())
        proofs.append(await heard(peer))
        await peer.say(packet(2, b"\x01\x03") + packet(3, OK))
        await peer.hang()

    async with rude(script) as server:
        assert (await ask(server.port, tls="never", login=LOGIN)).failure is None
    assert sha2_proof(PASSWORD) in proofs[0]
    assert PASSWORD.encode() not in proofs[0]


async def test_mysqls_own_way_to_log_in_hands_over_the_password_under_the_servers_key() -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    said: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.say(greeting())
        await heard(peer)
        await peer.say(packet(2, b"\x01\x04"))
        assert await heard(peer) == b"\x02"
        await peer.say(packet(4, b"\x01" + pem))
        hidden = key.decrypt(await heard(peer), padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))
        said.append(bytes(octet ^ SALT[place % 20] for place, octet in enumerate(hidden)))
        await peer.say(packet(6, OK))
        await peer.hang()

    async with rude(script) as server:
        assert (await ask(server.port, tls="never", login=LOGIN)).failure is None
    assert said == [PASSWORD.encode() + b"\0"]


async def test_mysqls_own_way_to_log_in_says_the_password_where_all_is_encrypted(certificates: Certificates) -> None:
    """On a thread: the handshake follows on the request's heels, and a stream that has read both can no longer begin it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(asyncio.to_thread(sha2_over_tls, listening, certificates.good()))
        result = await ask(listening.getsockname()[1], ca=str(certificates.ca), login=LOGIN)
        assert (result.failure, await serving) == (None, PASSWORD.encode() + b"\0")


def sha2_over_tls(listening: socket.socket, context: ssl.SSLContext) -> bytes:
    """Encrypt, ask for the password itself, and return it."""
    plain, _ = listening.accept()
    plain.sendall(greeting())
    assert len(plain.recv(36, socket.MSG_WAITALL)) == 36
    said = b""
    with context.wrap_socket(plain, server_side=True) as peer, peer.makefile("rb") as reader:
        for reply in (packet(3, b"\x01\x04"), packet(5, OK)):
            head = reader.read(4)
            said = reader.read(int.from_bytes(head[:3], "little"))
            peer.sendall(reply)
        return said


@pytest.mark.parametrize(
    ("first", "failure"),
    [
        (error(0, 1040, b"Too many connections"), Failure.DEFERRED),
        (error(0, 1130, b"Host is not allowed"), Failure.AUTH_REJECTED),
        (error(0, 1129, b"Host is blocked"), Failure.AUTH_REJECTED),
        (error(0, 1105, b"Something else"), Failure.REJECTED),
        (b"SSH-2.0-OpenSSH\r\n", Failure.PROTOCOL),
        (packet(0, b"\x09old"), Failure.PROTOCOL),
        (packet(0, b"\x0a"), Failure.PROTOCOL),
        (packet(0, b""), Failure.PROTOCOL),
        (packet(1, b"\x0a"), Failure.PROTOCOL),
        (b"\xff\xff\xff\x00", Failure.TOO_LARGE),
        (b"\x50\0\0\0half", Failure.TIMEOUT),
        (b"", Failure.TIMEOUT),
    ],
)
async def test_each_rude_greeting_has_its_own_name(first: bytes, failure: Failure) -> None:
    async with rude(says(first)) as server:
        result = await ask(server.port, tls="never", login=LOGIN, timeout=0.5)
    assert (result.failure, result.stage) == (failure, "greeting")


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (error(2, 1045), Failure.AUTH_REJECTED),
        (error(2, 1053), Failure.DEFERRED),
        (packet(2, b"\xfe"), Failure.AUTH_REJECTED),
        (packet(2, b"\xfedialog\0"), Failure.AUTH_REJECTED),
        (packet(2, b"\x01\x05"), Failure.PROTOCOL),
        (packet(2, b"\x77"), Failure.PROTOCOL),
        (b"".join(packet(number, b"\x01\x03") for number in range(2, 9)), Failure.PROTOCOL),
        (packet(2, b"\x01\x04") + packet(4, b"\x01no key"), Failure.PROTOCOL),
        (b"", Failure.TIMEOUT),
    ],
)
async def test_each_rude_answer_to_a_login_has_its_own_name(reply: bytes, failure: Failure) -> None:
    async with rude(says(greeting(), reply)) as server:
        result = await ask(server.port, tls="never", login=LOGIN, timeout=0.5)
    assert (result.failure, result.stage) == (failure, "auth"), result.detail


async def test_a_server_that_asks_for_a_file_of_ours_gets_none() -> None:
    async with rude(says(greeting(), packet(2, OK), packet(1, OK), packet(1, OK), packet(1, b"\xfb/etc/passwd"))) as server:
        result = await ask(server.port, tls="never", login=LOGIN, query="SELECT 1")
    assert (result.failure, result.stage, result.detail) == (Failure.PROTOCOL, "query", "the server asks for a file of ours")


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (packet(1, b"\x01") + packet(2, b"def") + packet(3, b"\x01"), Failure.PROTOCOL),
        (packet(1, b"\x01") + packet(2, b"def") + packet(3, b"\xfe\0\0\2\0") + packet(4, b"\xfc\xff\xffx"), Failure.PROTOCOL),
        (packet(1, b"\xfa") + b"".join(packet(number % 256, b"def") for number in range(2, 300)), Failure.TOO_LARGE),
        (error(1, 3024, b"maximum statement execution time exceeded"), Failure.TIMEOUT),
        (packet(1, b"\x01"), Failure.TIMEOUT),
    ],
)
async def test_each_rude_answer_to_a_query_has_its_own_name(answer: bytes, failure: Failure) -> None:
    async with rude(says(greeting(), packet(2, OK), packet(1, OK), packet(1, OK), answer)) as server:
        result = await ask(server.port, tls="never", login=LOGIN, query="SELECT 1", timeout=0.5)
    assert (result.failure, result.stage) == (failure, "query"), result.detail


async def test_encryption_that_is_not_offered_is_missed_only_where_it_is_demanded() -> None:
    plain = greeting(capabilities=0x81FFF7FF)
    async with rude(says(plain, packet(2, OK))) as server:
        assert (await ask(server.port, tls="optional", login=LOGIN)).failure is None
        demanded = await ask(server.port, tls="starttls", login=LOGIN)
    assert (demanded.failure, demanded.stage) == (Failure.TLS_MISSING, "starttls")


async def test_what_comes_in_clear_before_the_handshake_is_no_answer() -> None:
    async with rude(says(greeting() + packet(1, OK))) as server:
        result = await ask(server.port, login=LOGIN)
    assert (result.failure, result.stage) == (Failure.PROTOCOL, "starttls")


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
        mysql.Settings.model_validate({"host": "h", **settings})


def test_a_typed_target_has_the_usual_port() -> None:
    assert mysql.target(mysql.ad_hoc("db.example.net")) == "db.example.net:3306"
