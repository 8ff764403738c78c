import asyncio
import base64

import pytest
from pydantic import ValidationError

from probes import pop3
from probes.egress import Door
from probes.result import Failure, ProbeResult
from probes.run import run
from probes.settings import TlsPolicy
from tests.rude.certificates import Certificates
from tests.rude.ear import Ear
from tests.rude.peer import Peer, Rude, Script, answers, closed_port, rude

LOGIN = {"user": "ann@example.net", "password": "geheim"}
PAYLOAD = base64.b64encode(b"\0ann@example.net\0geheim").decode()
FINE = {
    "CAPA": b"+OK here it comes\r\nUSER\r\nUIDL\r\nRESP-CODES\r\n.\r\n",
    "USER": b"+OK\r\n",
    "PASS": b"+OK welcome\r\n",
    "STAT": b"+OK 17 4711\r\n",
    "QUIT": b"+OK bye\r\n",
}


def server_that(greeting: bytes = b"+OK POP3 ready <1896.697170952@mail.example.net>\r\n", **replies: bytes) -> Script:
    return answers(greeting, FINE | replies)


async def ask(server: Rude, *, timeout: float = 2, listener: Ear | None = None, **settings: object) -> ProbeResult:
    given = pop3.Settings.model_validate({"host": "127.0.0.1", "port": server.port, **settings})
    return await run(pop3.KIND, given, door=Door(), timeout=timeout, listener=listener)


# --- the good case ------------------------------------------------------------------------------------------------------------


async def test_the_mailbox_is_counted_without_changing_it() -> None:
    async with rude(server_that()) as server:
        result = await ask(server, login=LOGIN)
        assert server.heard == ["CAPA", "USER ann@example.net", "PASS geheim", "STAT", "QUIT"]
    assert (result.failure, result.warnings) == (None, ())
    assert (result.facts["messages"], result.facts["octets"]) == (17, 4711)
    assert [phase.name for phase in result.phases] == ["connect", "greeting", "capability", "auth", "stat", "quit"]


async def test_without_login_it_is_greeted_asks_what_can_be_done_and_leaves() -> None:
    async with rude(server_that()) as server:
        result = await ask(server)
        assert server.heard == ["CAPA", "QUIT"]
    assert result.failure is None
    assert "messages" not in result.facts


async def test_a_server_from_before_capa_is_logged_in_to_all_the_same() -> None:
    async with rude(server_that(CAPA=b"-ERR what?\r\n")) as server:
        result = await ask(server, login=LOGIN)
    assert (result.failure, result.facts["messages"]) == (None, 17)


async def test_a_whole_dialogue_that_comes_byte_by_byte_is_read() -> None:
    async def script(peer: Peer) -> None:
        await peer.drip(b"+OK\r\n")
        while line := await peer.hear():
            await peer.drip(FINE[line.partition(" ")[0]])

    async with rude(script) as server:
        result = await ask(server, login=LOGIN)
    assert (result.failure, result.facts["octets"]) == (None, 4711)


async def test_where_user_is_not_offered_the_password_goes_by_auth_plain() -> None:
    ear = Ear()
    replies = {"CAPA": b"+OK\r\nSASL CRAM-MD5 PLAIN\r\n.\r\n", "AUTH PLAIN": b"+ \r\n", PAYLOAD: b"+OK welcome\r\n"}
    async with rude(server_that(**replies)) as server:
        result = await ask(server, login=LOGIN, listener=ear)
        assert server.heard == ["CAPA", "AUTH PLAIN", PAYLOAD, "STAT", "QUIT"]
    assert result.failure is None
    assert not [line for line in ear.lines if PAYLOAD in line]


async def test_starttls_is_taken_where_it_is_offered_and_what_was_offered_in_clear_is_forgotten(certificates: Certificates) -> None:
    async def script(peer: Peer) -> None:
        await peer.say(b"+OK\r\n")
        await peer.hear()
        await peer.say(b"+OK\r\nSTLS\r\nUSER\r\n.\r\n")
        await peer.hear()
        await peer.say(b"+OK go ahead\r\n+OK slipped in\r\n")
        await peer.start_tls(certificates.good())
        await answers(b"", FINE | {"CAPA": b"+OK\r\nSASL PLAIN\r\n.\r\n", "AUTH": b"+ \r\n", PAYLOAD: b"+OK\r\n"})(peer)

    async with rude(script) as server:
        result = await ask(server, tls="starttls", login=LOGIN, ca=certificates.ca)
    assert (result.failure, result.facts["messages"]) == (None, 17)
    assert "tls_expires_at" in result.facts
    expected = "connect greeting capability starttls tls capability auth stat quit"
    assert [phase.name for phase in result.phases] == expected.split()
    assert [warning.name for warning in result.warnings] == ["plaintext_before_tls"]


async def test_implicit_tls_is_shaken_before_the_greeting(certificates: Certificates) -> None:
    async with rude(server_that(), tls=certificates.good()) as server:
        result = await ask(server, tls="implicit", ca=certificates.ca, login=LOGIN)
    assert result.failure is None
    assert [phase.name for phase in result.phases][:3] == ["connect", "tls", "greeting"]


async def test_a_server_that_does_not_say_goodbye_is_good_and_gets_a_warning() -> None:
    async with rude(server_that(QUIT=b"")) as server:
        result = await ask(server)
        await asyncio.wait_for(server.closed.wait(), 1)
    assert (result.failure, result.stage) == (None, None)
    assert [warning.name for warning in result.warnings] == ["goodbye_unanswered"]


# --- every refusal has its reason ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("greeting", "failure"),
    [
        (b"-ERR no\r\n", Failure.REJECTED),
        (b"-ERR [SYS/PERM] the disks are gone\r\n", Failure.REJECTED),
        (b"-ERR [SYS/TEMP] too busy\r\n", Failure.DEFERRED),
        (b"-ERR [sys/temp] too busy\r\n", Failure.DEFERRED),
        (b"220 mail ESMTP\r\n", Failure.PROTOCOL),
        (b"* OK IMAP4rev1\r\n", Failure.PROTOCOL),
        (b"+OKAY\r\n", Failure.PROTOCOL),
        (b"+\r\n", Failure.PROTOCOL),
        (b"\xff\x00\r\n", Failure.PROTOCOL),
        (b"+OK " + b"x" * 10_000, Failure.TOO_LARGE),
        (b"", Failure.TIMEOUT),
        (b"+OK no end", Failure.TIMEOUT),
    ],
)
async def test_a_greeting_that_is_none_has_its_reason(greeting: bytes, failure: Failure) -> None:
    async with rude(answers(greeting, FINE)) as server:
        result = await ask(server, timeout=0.3 if failure is Failure.TIMEOUT else 2)
        await asyncio.wait_for(server.closed.wait(), 1)
    assert (result.failure, result.stage) == (failure, "greeting")
    assert result.detail.isprintable()


@pytest.mark.parametrize(
    ("step", "reply", "failure", "stage"),
    [
        ("CAPA", b"+OK\r\n" + b"X\r\n" * 101 + b".\r\n", Failure.TOO_LARGE, "capability"),
        ("CAPA", b"+OK\r\n" + b"X" * 9000 + b"\r\n.\r\n", Failure.TOO_LARGE, "capability"),
        ("CAPA", b"+OK\r\nUIDL\r\n.\r\n", Failure.AUTH_UNAVAILABLE, "auth"),
        ("CAPA", b"+OK\r\n\r\nUSER\r\n.\r\n+OK not asked for\r\n", Failure.PROTOCOL, "auth"),
        ("USER", b"-ERR [AUTH] nobody of that name\r\n", Failure.AUTH_REJECTED, "auth"),
        ("USER", b"250 ok\r\n", Failure.PROTOCOL, "auth"),
        ("PASS", b"-ERR wrong\r\n", Failure.AUTH_REJECTED, "auth"),
        ("PASS", b"-ERR [AUTH] wrong\r\n", Failure.AUTH_REJECTED, "auth"),
        ("PASS", b"-ERR [SYS/TEMP] the directory is away\r\n", Failure.AUTH_UNAVAILABLE, "auth"),
        ("PASS", b"-ERR [SYS/PERM] the directory is gone\r\n", Failure.AUTH_UNAVAILABLE, "auth"),
        ("PASS", b"-ERR [in-use] another session holds it\r\n", Failure.DEFERRED, "auth"),
        ("PASS", b"-ERR [LOGIN-DELAY] not so often\r\n", Failure.DEFERRED, "auth"),
        ("STAT", b"-ERR no mailbox\r\n", Failure.REJECTED, "stat"),
        ("STAT", b"-ERR [SYS/TEMP] the disks are away\r\n", Failure.DEFERRED, "stat"),
        ("STAT", b"+OK\r\n", Failure.PROTOCOL, "stat"),
        ("STAT", b"+OK 1\r\n", Failure.PROTOCOL, "stat"),
        ("STAT", b"+OK many messages\r\n", Failure.PROTOCOL, "stat"),
        ("STAT", b"+OK " + b"9" * 400 + b" 1\r\n", Failure.PROTOCOL, "stat"),
    ],
)
async def test_every_refusal_names_its_step(step: str, reply: bytes, failure: Failure, stage: str) -> None:
    async with rude(server_that(**{step: reply})) as server:
        result = await ask(server, login=LOGIN)
    assert (result.failure, result.stage) == (failure, stage)


@pytest.mark.parametrize(
    ("refusal", "failure"), [(b"-ERR wrong\r\n", Failure.AUTH_UNAVAILABLE), (b"-ERR [AUTH] wrong\r\n", Failure.AUTH_REJECTED)]
)
async def test_a_server_that_promises_to_mark_what_is_about_the_password_is_taken_at_its_word(refusal: bytes, failure: Failure) -> None:
    async with rude(server_that(CAPA=b"+OK\r\nUSER\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n.\r\n", PASS=refusal)) as server:
        result = await ask(server, login=LOGIN)
    assert (result.failure, result.stage) == (failure, "auth")


@pytest.mark.parametrize(("refusal", "failure"), [(b"-ERR [AUTH] no\r\n", Failure.AUTH_REJECTED), (b"+OK what?\r\n", Failure.PROTOCOL)])
async def test_auth_plain_that_is_not_gone_into(refusal: bytes, failure: Failure) -> None:
    replies = {"CAPA": b"+OK\r\nSASL PLAIN\r\n.\r\n", "AUTH PLAIN": refusal}
    async with rude(server_that(**replies)) as server:
        result = await ask(server, login=LOGIN)
        assert PAYLOAD not in server.heard
    assert (result.failure, result.stage) == (failure, "auth")


async def test_a_server_that_ends_the_connection_midway_is_closed() -> None:
    async with rude(answers(b"+OK\r\n", {"CAPA": FINE["CAPA"]})) as server:
        result = await ask(server, login=LOGIN)
    assert (result.failure, result.stage) == (Failure.CLOSED, "auth")


async def test_an_endless_list_of_capabilities_ends_the_probe_not_the_memory() -> None:
    async def script(peer: Peer) -> None:
        await peer.say(b"+OK\r\n+OK\r\n")
        await peer.flood(b"X" * 4000 + b"\r\n")

    async with rude(script) as server:
        result = await ask(server)
    assert result.failure in (Failure.TOO_LARGE, Failure.PROTOCOL)
    assert result.stage == "capability"


async def test_nobody_listening_is_refused() -> None:
    result = await ask(Rude(port=closed_port()))
    assert (result.failure, result.stage) == (Failure.REFUSED, "connect")


@pytest.mark.parametrize("capa", [b"+OK\r\nUSER\r\n.\r\n", b"-ERR what?\r\n", b"+OK\r\nUSER\r\nSTLS\r\n.\r\n"])
async def test_where_encryption_is_demanded_and_not_given_no_password_is_sent(capa: bytes) -> None:
    async with rude(server_that(CAPA=capa, STLS=b"-ERR not today\r\n")) as server:
        result = await ask(server, tls="starttls", login=LOGIN)
        assert not [line for line in server.heard if line.startswith(("USER", "PASS"))]
    assert (result.failure, result.stage) == (Failure.TLS_MISSING, "starttls")


@pytest.mark.parametrize(("make", "failure"), [("expired", Failure.TLS_EXPIRED), ("of_a_stranger", Failure.TLS_UNTRUSTED)])
async def test_a_bad_certificate_is_named(certificates: Certificates, make: str, failure: Failure) -> None:
    async with rude(server_that(), tls=getattr(certificates, make)()) as server:
        result = await ask(server, tls="implicit", ca=certificates.ca)
    assert (result.failure, result.stage) == (failure, "tls")


# --- what is said to people ---------------------------------------------------------------------------------------------------


async def test_the_listener_hears_the_dialogue_without_the_password() -> None:
    ear = Ear()
    async with rude(server_that(PASS=b"-ERR not geheim\r\n")) as server:
        result = await ask(server, login=LOGIN, listener=ear)
    assert ear.lines[-4:] == ["C USER ***", "S +OK", "C PASS ***", "S -ERR not ***"]
    assert "geheim" not in result.detail


def test_a_typed_target_may_leave_the_port_out_and_995_is_encrypted_at_once() -> None:
    typed = pop3.KIND.ad_hoc
    assert typed is not None
    assert (typed("mail.example.net").port, typed("mail.example.net").tls) == (110, TlsPolicy.OPTIONAL)
    assert typed("mail.example.net:995").tls is TlsPolicy.IMPLICIT
    assert pop3.KIND.target(typed("[2001:db8::1]:995")) == "[2001:db8::1]:995"


@pytest.mark.parametrize(
    "wrong", [{"port": 995}, {"mailbox": "INBOX"}, {"login": LOGIN | {"password": "a\r\nDELE 1"}}, {"login": LOGIN | {"user": "a\nb"}}]
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        pop3.Settings.model_validate({"host": "127.0.0.1", "port": 110} | wrong)
    assert "DELE" not in str(refused.value)
