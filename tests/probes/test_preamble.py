"""The way to the handshake behind STARTTLS, as the kind tls goes it."""

import asyncio
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from aiosmtpd.smtp import SMTP

from probes import tls
from probes.egress import Door
from probes.preamble import StartTls
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.rude.chains import LEAF, Chains, days, issue
from tests.rude.daemons import postgresql
from tests.rude.peer import Peer, Script, rude
from tests.rude.sockets import all_closed_after


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Chains:
    return Chains(tmp_path_factory.mktemp("chains"))


async def ask(port: int, *, timeout: float = 5, **settings: object) -> ProbeResult:
    given = tls.Settings.model_validate({"host": "127.0.0.1", "port": port, **settings})
    async with all_closed_after():
        return await run(tls.KIND, given, door=Door(), timeout=timeout, started=datetime.now(UTC))


DIALOGUES = {
    StartTls.SMTP: (b"220 mail\r\n", [("EHLO", b"250-mail\r\n250 STARTTLS\r\n"), ("STARTTLS", b"220 go\r\n")], "QUIT"),
    StartTls.IMAP: (
        b"* OK mail\r\n",
        [("P0001 CAPABILITY", b"* CAPABILITY IMAP4rev1 STARTTLS\r\nP0001 OK\r\n"), ("P0002 STARTTLS", b"P0002 OK go\r\n")],
        "Z LOGOUT",
    ),
    StartTls.POP3: (b"+OK mail\r\n", [("STLS", b"+OK go\r\n")], "QUIT"),
    StartTls.FTP: (b"120 wait\r\n220-files\r\n 220 still the first\r\n220 go on\r\n", [("AUTH TLS", b"234 go\r\n")], "QUIT"),
}
REFUSALS = {
    StartTls.SMTP: (b"220 mail\r\n", [("EHLO", b"250-mail\r\n250 STARTTLS\r\n"), ("STARTTLS", b"454 not now\r\n")]),
    StartTls.IMAP: (
        b"* OK mail\r\n",
        [("P0001 CAPABILITY", b"* CAPABILITY STARTTLS\r\nP0001 OK\r\n"), ("P0002 STARTTLS", b"P0002 NO later\r\n")],
    ),
    StartTls.POP3: (b"+OK mail\r\n", [("STLS", b"-ERR no\r\n")]),
    StartTls.FTP: (b"220 files\r\n", [("AUTH TLS", b"502 no\r\n")]),
}


def agreeing(protocol: StartTls, context: ssl.SSLContext | None, *, slipped: bytes = b"") -> Script:
    """A server that goes by the book up to the handshake; with *slipped* it goes on in clear."""
    greeting, turns = DIALOGUES[protocol][:2] if context else REFUSALS[protocol]

    async def script(peer: Peer) -> None:
        await peer.say(greeting)
        for number, (expected, reply) in enumerate(turns):
            assert (await peer.hear()).startswith(expected)
            await peer.say(reply + (slipped if number == len(turns) - 1 else b""))
        if context is not None:
            await peer.start_tls(context)
        await peer.hear()

    return script


@pytest.mark.parametrize("protocol", DIALOGUES)
async def test_a_scripted_server_is_led_to_the_handshake_and_hears_goodbye(chains: Chains, protocol: StartTls) -> None:
    context = chains.context(issue("leaf", chains.root, names=LEAF))
    async with rude(agreeing(protocol, context)) as server:
        result = await ask(server.port, starttls=protocol, ca=chains.ca)
        await asyncio.wait_for(server.closed.wait(), 5)
        assert server.heard[-1] == DIALOGUES[protocol][2]
    assert (result.failure, result.warnings) == (None, ())
    assert [phase.name for phase in result.phases][-2:] == ["starttls", "tls"]
    assert result.facts["tls_expires_at"] == days(100).timestamp()


@pytest.mark.parametrize("protocol", REFUSALS)
async def test_a_server_that_refuses_encryption_is_missing_it(protocol: StartTls) -> None:
    async with rude(agreeing(protocol, None)) as server:
        result = await ask(server.port, starttls=protocol)
    assert (result.failure, result.stage) == (Failure.TLS_MISSING, "starttls")


@pytest.mark.parametrize(
    ("protocol", "greeting", "reply"),
    [
        ("smtp", b"220 mail\r\n", b"250 mail\r\n"),
        ("imap", b"* OK hi\r\n", b"* CAPABILITY IMAP4rev1\r\nP0001 OK\r\n"),
        ("imap", b"* PREAUTH hi\r\n", b"* CAPABILITY IMAP4rev1 STARTTLS\r\nP0001 OK\r\n"),
    ],
)
async def test_a_server_that_does_not_offer_encryption_is_missing_it(protocol: str, greeting: bytes, reply: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.say(greeting)
        await peer.hear()
        await peer.say(reply)
        await peer.hear()

    async with rude(script) as server:
        result = await ask(server.port, starttls=protocol)
        assert not [line for line in server.heard if "STARTTLS" in line]
    assert (result.failure, result.stage) == (Failure.TLS_MISSING, "starttls")


async def test_what_is_slipped_in_before_the_handshake_is_thrown_away_and_flagged(chains: Chains) -> None:
    async def script(peer: Peer) -> None:
        await peer.say(b"+OK mail\r\n")
        await peer.hear()
        await peer.say(b"+OK go\r\n+OK you are somebody else\r\n")
        await peer.start_tls(context)
        await peer.hear()

    context = chains.context(issue("leaf", chains.root, names=LEAF))
    async with rude(script) as server:
        result = await ask(server.port, starttls="pop3", ca=chains.ca)
    assert (result.failure, [warning.name for warning in result.warnings]) == (None, ["plaintext_before_tls"])


@pytest.mark.parametrize(
    ("protocol", "greeting", "failure"),
    [
        ("pop3", b"-ERR go away\r\n", Failure.REJECTED),
        ("pop3", b"-ERR [SYS/TEMP] later\r\n", Failure.DEFERRED),
        ("pop3", b"220 mail\r\n", Failure.PROTOCOL),
        ("ftp", b"421 too many\r\n", Failure.DEFERRED),
        ("ftp", b"530 no\r\n", Failure.REJECTED),
        ("ftp", b"+OK\r\n", Failure.PROTOCOL),
        ("ftp", b"220-a\r\n" * 200, Failure.TOO_LARGE),
        ("smtp", b"554 no\r\n", Failure.REJECTED),
        ("imap", b"* BYE\r\n", Failure.DEFERRED),
    ],
)
async def test_a_server_that_greets_badly_fails_there(protocol: str, greeting: bytes, failure: Failure) -> None:
    async def script(peer: Peer) -> None:
        await peer.say(greeting)
        await peer.hang()

    async with rude(script) as server:
        result = await ask(server.port, starttls=protocol)
    assert (result.failure, result.stage) == (failure, "greeting")


@pytest.mark.parametrize("answer", [b"", b"N", b"H"])
async def test_postgresql_without_encryption(answer: bytes) -> None:
    async def script(peer: Peer) -> None:
        assert await peer.reader.readexactly(8) == b"\0\0\0\x08\x04\xd2\x16\x2f"
        await peer.say(answer)

    expected = {b"": Failure.CLOSED, b"N": Failure.TLS_MISSING, b"H": Failure.PROTOCOL}
    async with rude(script) as server:
        result = await ask(server.port, starttls="postgresql")
    assert (result.failure, result.stage) == (expected[answer], "starttls")


async def test_postgresql_with_encryption(chains: Chains) -> None:
    context = chains.context(issue("leaf", chains.root, names=LEAF))

    async def script(peer: Peer) -> None:
        await peer.reader.readexactly(8)
        await peer.say(b"S")
        await peer.start_tls(context)
        await peer.hang()

    async with rude(script) as server:
        result = await ask(server.port, starttls="postgresql", ca=chains.ca)
    assert (result.failure, result.warnings) == (None, ())
    assert result.facts["tls_expires_at"] == days(100).timestamp()


@pytest.fixture(scope="module")
def real_postgresql() -> Iterator[int]:
    with postgresql() as server:
        yield server.port


async def test_a_real_postgresql_that_was_built_without_encryption_is_missing_it(real_postgresql: int) -> None:
    result = await ask(real_postgresql, starttls="postgresql")
    assert (result.failure, result.stage) == (Failure.TLS_MISSING, "starttls")


async def test_a_real_mail_server_is_measured_behind_starttls(chains: Chains) -> None:
    context = chains.context(issue("leaf", chains.root, names=LEAF, ends=days(40)))
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(object(), tls_context=context), "127.0.0.1", 0)
    try:
        result = await ask(server.sockets[0].getsockname()[1], starttls="smtp", ca=chains.ca)
    finally:
        server.close()
        await server.wait_closed()
    assert result.failure is None
    assert [phase.name for phase in result.phases] == ["connect", "greeting", "ehlo", "starttls", "tls"]
    assert result.facts["tls_expires_at"] == days(40).timestamp()
