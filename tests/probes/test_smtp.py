import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import ValidationError

from probes import smtp
from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.lines import Stream
from probes.mail import password_of, target
from probes.result import Failure, ProbeResult
from probes.run import run
from probes.settings import TlsPolicy
from tests.rude.certificates import Certificates
from tests.rude.ear import Ear
from tests.rude.peer import Peer, Rude, Script, answers, closed_port, rude

LOGIN = {"user": "ann@example.net", "password": "geheim"}
HELLO = b"250-mail.example.net\r\n250-SIZE 1000\r\n250 AUTH PLAIN LOGIN\r\n"
FINE = {
    "EHLO": HELLO,
    "AUTH PLAIN": b"235 2.7.0 welcome\r\n",
    "MAIL": b"250 sender ok\r\n",
    "RCPT": b"250 recipient ok\r\n",
    "RSET": b"250 forgotten\r\n",
    "QUIT": b"221 bye\r\n",
}
ENVELOPE: dict[str, Any] = {"mail_from": "probe@example.net", "rcpt_to": "inbox@example.net"}


def server_that(greeting: bytes = b"220 mail.example.net ESMTP\r\n", **replies: bytes) -> Script:
    return answers(greeting, FINE | {name.replace("_", " "): reply for name, reply in replies.items()})


async def ask(server: Rude, *, timeout: float = 2, listener: Ear | None = None, **settings: object) -> ProbeResult:
    given = smtp.Settings.model_validate({"host": "127.0.0.1", "port": server.port, **settings})
    return await run(smtp.KIND, given, door=Door(), timeout=timeout, listener=listener)


# --- a real server ------------------------------------------------------------------------------------------------------------


class Sink:
    """A handler of aiosmtpd that remembers how far a client went."""

    def __init__(self) -> None:
        self.recipients: list[str] = []
        self.messages = 0

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:  # noqa: N802
        self.recipients.append(address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: SMTP, __: Session, ___: Envelope) -> str:  # noqa: N802
        self.messages += 1
        return "250 OK"


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
async def real(sink: Sink, certificates: Certificates) -> AsyncIterator[Rude]:
    """aiosmtpd with STARTTLS, which takes one name and password."""

    def authenticate(_: SMTP, __: Session, ___: object, ____: str, shown: LoginPassword) -> AuthResult:
        return AuthResult(success=shown == LoginPassword(b"ann@example.net", b"geheim"), handled=False)

    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(sink, hostname="mail.example.net", tls_context=certificates.good(), authenticator=authenticate, auth_required=True),
        "127.0.0.1",
        0,
    )
    yield Rude(port=server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()


async def test_a_real_server_is_walked_through_to_the_recipient_and_nothing_is_left(
    real: Rude, sink: Sink, certificates: Certificates
) -> None:
    result = await ask(real, tls="starttls", ca=certificates.ca, login=LOGIN, **ENVELOPE)
    assert result.failure is None
    expected = "connect greeting ehlo starttls tls ehlo auth mail_from rcpt_to reset quit"
    assert [phase.name for phase in result.phases] == expected.split()
    assert sink.recipients == ["inbox@example.net"]
    assert sink.messages == 0
    assert not result.warnings


async def test_a_real_server_that_does_not_take_our_password_says_so(real: Rude, certificates: Certificates) -> None:
    result = await ask(real, tls="starttls", ca=certificates.ca, login=LOGIN | {"password": "wrong"})
    assert (result.failure, result.stage) == (Failure.AUTH_REJECTED, "auth")


async def test_a_real_certificate_of_an_unknown_authority_is_not_trusted(real: Rude) -> None:
    result = await ask(real)
    assert (result.failure, result.stage) == (Failure.TLS_UNTRUSTED, "tls")
    assert (await ask(real, verify=False)).failure is None


# --- the good case, scripted --------------------------------------------------------------------------------------------------


async def test_without_login_and_envelope_it_is_greeted_introduces_itself_and_leaves() -> None:
    async with rude(server_that()) as server:
        result = await ask(server)
        assert server.heard == ["EHLO [127.0.0.1]", "QUIT"]
    assert result.failure is None


async def test_over_the_newer_internet_protocol_it_spells_its_address_as_ehlo_wants_it() -> None:
    async with rude(server_that(), host="::1") as server:
        await ask(server, host="::1")
        assert server.heard[0] == "EHLO [IPv6:::1]"


async def test_it_introduces_itself_by_the_name_it_is_given() -> None:
    async with rude(server_that()) as server:
        await ask(server, helo="monitor.example.net")
        assert server.heard[0] == "EHLO monitor.example.net"


async def test_a_greeting_of_several_lines_that_comes_byte_by_byte_is_read() -> None:
    async def script(peer: Peer) -> None:
        await peer.drip(b"220-mail.example.net\r\n220-we log everything\r\n220\r\n")
        await answers(b"", FINE)(peer)

    async with rude(script) as server:
        assert (await ask(server, login=LOGIN, **ENVELOPE)).failure is None


@pytest.mark.parametrize(
    "greeting",
    [
        b"220\r\n",
        b"220 \r\n",
        b"220 line feed only\n",
        b"220 Gr\xfc\xdfe aus M\xfcnchen\r\n",
        b"220 \xe2\x80\xae\x1b[2J\r\n",
        b"220-a\r\n220-\r\n220 b\r\n",
        b"220-line\r\n" * 99 + b"220 the hundredth\r\n",
    ],
)
async def test_an_odd_greeting_is_a_greeting(greeting: bytes) -> None:
    async with rude(answers(greeting, FINE)) as server:
        result = await ask(server, login=LOGIN, **ENVELOPE)
    assert (result.failure, result.detail) == (None, "")


async def test_a_greeting_that_makes_senders_wait_is_waited_for() -> None:
    async def script(peer: Peer) -> None:
        await asyncio.sleep(0.3)
        await answers(b"220 mail\r\n", FINE)(peer)

    async with rude(script) as server:
        result = await ask(server)
    assert result.failure is None
    assert next(phase.took for phase in result.phases if phase.name == "greeting") >= 0.29


async def test_a_whole_dialogue_that_comes_byte_by_byte_is_read() -> None:
    async def script(peer: Peer) -> None:
        await peer.drip(b"220 mail\r\n")
        while line := await peer.hear():
            await peer.drip(next(reply for begun, reply in FINE.items() if line.startswith(begun)))

    async with rude(script) as server:
        result = await ask(server, login=LOGIN, **ENVELOPE)
    assert (result.failure, result.warnings) == (None, ())


@pytest.mark.parametrize("lines", [b"250-AUTH PLAIN\r\n250 AUTH=LOGIN\r\n", b"250-AUTH=LOGIN\r\n250 auth CRAM-MD5 plain\r\n"])
async def test_the_old_spelling_of_auth_takes_nothing_from_the_new_one(lines: bytes) -> None:
    async with rude(server_that(EHLO=b"250-m\xfcller\r\n250-X-8BIT \xff\r\n" + lines)) as server:
        result = await ask(server, login=LOGIN)
        assert server.heard[1].startswith("AUTH PLAIN ")
    assert result.failure is None


async def test_an_old_spelling_of_auth_is_understood_and_login_is_used_where_plain_is_missing() -> None:
    replies = {"EHLO": b"250-mail\r\n250 AUTH=LOGIN\r\n", "AUTH_LOGIN": b"334 VXNlcm5hbWU6\r\n"}
    replies[base64.b64encode(b"ann@example.net").decode()] = b"334 UGFzc3dvcmQ6\r\n"
    replies[base64.b64encode(b"geheim").decode()] = b"235 welcome\r\n"
    async with rude(server_that(**replies)) as server:
        result = await ask(server, login=LOGIN)
        assert "AUTH LOGIN" in server.heard
    assert result.failure is None


async def test_starttls_as_the_last_line_of_ehlo_is_seen(certificates: Certificates) -> None:
    async def script(peer: Peer) -> None:
        await peer.say(b"220 mail\r\n")
        await peer.hear()
        await peer.say(b"250-mail\r\n250 STARTTLS\r\n")
        await peer.hear()
        await peer.say(b"220 go ahead\r\n")
        await peer.start_tls(certificates.good())
        await answers(b"", FINE)(peer)

    async with rude(script) as server:
        result = await ask(server, tls="starttls", ca=certificates.ca, login=LOGIN)
    assert result.failure is None
    assert "tls_expires_at" in result.facts


async def test_implicit_tls_is_shaken_before_the_greeting(certificates: Certificates) -> None:
    async with rude(server_that(), tls=certificates.good()) as server:
        result = await ask(server, tls="implicit", ca=certificates.ca, login=LOGIN)
    assert result.failure is None
    assert [phase.name for phase in result.phases][:3] == ["connect", "tls", "greeting"]


async def test_tls_never_does_not_take_the_offer() -> None:
    async with rude(server_that(EHLO=b"250-mail\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")) as server:
        result = await ask(server, tls="never", login=LOGIN)
        assert "STARTTLS" not in server.heard
    assert result.failure is None


async def test_a_server_that_does_not_say_goodbye_is_good_and_gets_a_warning() -> None:
    async with rude(server_that(QUIT=b"")) as server:
        result = await ask(server)
        await asyncio.wait_for(server.closed.wait(), 1)
    assert (result.failure, result.stage) == (None, None)
    assert [warning.name for warning in result.warnings] == ["goodbye_unanswered"]


async def test_a_server_that_hangs_up_on_quit_is_good() -> None:
    replies = {name: reply for name, reply in FINE.items() if name != "QUIT"}
    async with rude(answers(b"220 mail\r\n", replies)) as server:
        assert (await ask(server)).failure is None


# --- every refusal has its reason ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("greeting", "failure"),
    [
        (b"554 no mail here\r\n", Failure.REJECTED),
        (b"421 too busy\r\n", Failure.DEFERRED),
        (b"250-a\r\n220 b\r\n", Failure.PROTOCOL),
        (b"SSH-2.0-OpenSSH_9.9\r\n", Failure.PROTOCOL),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Failure.PROTOCOL),
        (b"* OK IMAP4rev1\r\n", Failure.PROTOCOL),
        (b"250 not a greeting\r\n", Failure.PROTOCOL),
        (b"\xff\xfe\x00\r\n", Failure.PROTOCOL),
        (b"220-line\r\n" * 10_000, Failure.TOO_LARGE),
        (b"220-line\r\n" * 100 + b"220 the hundred and first\r\n", Failure.TOO_LARGE),
        (b"220-a\r\n250-b\r\n220 c\r\n", Failure.PROTOCOL),
        (b"220-a\r\n421 too busy after all\r\n", Failure.PROTOCOL),
        (b"220+a\r\n", Failure.PROTOCOL),
        (b"\r\n220 a\r\n", Failure.PROTOCOL),
        (b"220 carriage return only\r", Failure.TIMEOUT),
        (b"220 " + b"x" * 10_000, Failure.TOO_LARGE),
        (b"220 carriage return only\r" * 1000, Failure.TOO_LARGE),
        (b"", Failure.TIMEOUT),
        (b"220 no end", Failure.TIMEOUT),
    ],
)
async def test_a_greeting_that_is_none_has_its_reason(greeting: bytes, failure: Failure) -> None:
    async with rude(answers(greeting, FINE)) as server:
        result = await ask(server, timeout=0.3 if failure is Failure.TIMEOUT else 2)
        await asyncio.wait_for(server.closed.wait(), 1)
    assert (result.failure, result.stage) == (failure, "greeting")
    assert result.detail.isprintable()
    assert len(result.detail) <= 200


@pytest.mark.parametrize(
    ("step", "reply", "failure", "stage"),
    [
        ("EHLO", b"502 what?\r\n", Failure.REJECTED, "ehlo"),
        ("EHLO", b"421 closing\r\n", Failure.DEFERRED, "ehlo"),
        ("EHLO", b"250-a\r\n" + b"250-X" + b"y" * 9000 + b"\r\n250 b\r\n", Failure.TOO_LARGE, "ehlo"),
        ("EHLO", b"250-X\r\n" * 101 + b"250 b\r\n", Failure.TOO_LARGE, "ehlo"),
        ("EHLO", (b"250-" + b"y" * 8000 + b"\r\n") * 10 + b"250 b\r\n", Failure.TOO_LARGE, "ehlo"),
        ("EHLO", b"250-a\r\n550 b\r\n", Failure.PROTOCOL, "ehlo"),
        ("EHLO", b"250 nothing on offer\r\n", Failure.AUTH_UNAVAILABLE, "auth"),
        ("AUTH_PLAIN", b"535 5.7.8 bad credentials\r\n", Failure.AUTH_REJECTED, "auth"),
        ("AUTH_PLAIN", b"534 5.7.9 too weak\r\n", Failure.AUTH_REJECTED, "auth"),
        ("AUTH_PLAIN", b"454 4.7.0 directory is away\r\n", Failure.AUTH_UNAVAILABLE, "auth"),
        ("AUTH_PLAIN", b"525 5.7.13 account disabled\r\n", Failure.AUTH_REJECTED, "auth"),
        ("AUTH_PLAIN", b"550 5.7.1 not you\r\n", Failure.AUTH_REJECTED, "auth"),
        ("AUTH_PLAIN", b"432 4.7.12 log in by another mechanism first\r\n", Failure.AUTH_REJECTED, "auth"),
        ("AUTH_PLAIN", b"451 4.3.0 out of descriptors\r\n", Failure.AUTH_UNAVAILABLE, "auth"),
        ("AUTH_PLAIN", b"523 5.7.10 encryption needed\r\n", Failure.AUTH_UNAVAILABLE, "auth"),
        ("AUTH_PLAIN", b"530 5.7.0 must issue a STARTTLS command first\r\n", Failure.AUTH_UNAVAILABLE, "auth"),
        ("AUTH_PLAIN", b"538 5.7.11 encryption required\r\n", Failure.AUTH_UNAVAILABLE, "auth"),
        ("AUTH_PLAIN", b"500 5.5.6 line too long\r\n", Failure.REJECTED, "auth"),
        ("AUTH_PLAIN", b"421 closing\r\n", Failure.DEFERRED, "auth"),
        ("AUTH_PLAIN", b"504 no such mechanism\r\n", Failure.REJECTED, "auth"),
        ("AUTH_PLAIN", b"334 and?\r\n", Failure.PROTOCOL, "auth"),
        ("MAIL", b"550 not you\r\n", Failure.REJECTED, "mail_from"),
        ("MAIL", b"451 4.7.1 later\r\n", Failure.DEFERRED, "mail_from"),
        ("MAIL", b"421 closing\r\n", Failure.DEFERRED, "mail_from"),
        ("RCPT", b"550 5.1.1 nobody\r\n", Failure.REJECTED, "rcpt_to"),
        ("RCPT", b"450 4.2.0 greylisted\r\n", Failure.DEFERRED, "rcpt_to"),
        ("RCPT", b"421 closing\r\n", Failure.DEFERRED, "rcpt_to"),
        ("RCPT", b"354 go on\r\n", Failure.PROTOCOL, "rcpt_to"),
        ("RSET", b"500 eh\r\n", Failure.REJECTED, "reset"),
        ("RSET", b"421 closing\r\n", Failure.DEFERRED, "reset"),
    ],
)
async def test_every_refusal_names_its_step_and_whether_it_is_for_good(step: str, reply: bytes, failure: Failure, stage: str) -> None:
    async with rude(server_that(**{step: reply})) as server:
        result = await ask(server, login=LOGIN, **ENVELOPE)
    assert (result.failure, result.stage) == (failure, stage)


async def test_a_server_that_goes_away_when_asked_to_encrypt_is_deferred_whatever_the_policy() -> None:
    async with rude(server_that(EHLO=b"250-mail\r\n250 STARTTLS\r\n", STARTTLS=b"421 closing\r\n")) as server:
        for policy in ("optional", "starttls"):
            result = await ask(server, tls=policy)
            assert (result.failure, result.stage) == (Failure.DEFERRED, "starttls")


@pytest.mark.parametrize("said", [b"421 closing\r\n", b"500 what?\r\n", b"221-\r\n" * 200, b"221 " + b"x" * 20_000])
async def test_whatever_a_server_says_to_quit_the_result_stands(said: bytes) -> None:
    async with rude(server_that(QUIT=said)) as server:
        result = await ask(server, **ENVELOPE)
    assert (result.failure, result.stage) == (None, None)
    assert result.took < 1


@pytest.mark.parametrize(
    ("greeting", "failure"),
    [
        (b"220 mail\r\n250-taken for\r\n250 the answer to EHLO\r\n", Failure.PROTOCOL),
        (b"220 mail\r\n220 mail again\r\n", Failure.PROTOCOL),
        (b"220 mail\r\n\r\n", Failure.PROTOCOL),
        (b"220 mail\r\n421 shutting down\r\n", Failure.DEFERRED),
    ],
)
async def test_what_is_said_unasked_is_never_taken_for_an_answer(greeting: bytes, failure: Failure) -> None:
    async with rude(answers(greeting, FINE)) as server:
        result = await ask(server)
        assert server.heard in ([], [""])
    assert (result.failure, result.stage) == (failure, "ehlo")
    assert "unasked" in result.detail


async def test_what_is_said_unasked_midway_is_noticed_before_the_next_word() -> None:
    async with rude(server_that(EHLO=HELLO + b"235 come in\r\n")) as server:
        result = await ask(server, login=LOGIN)
    assert (result.failure, result.stage) == (Failure.PROTOCOL, "auth")


async def test_a_server_that_greets_and_is_gone_is_no_bug_of_ours() -> None:
    async def script(peer: Peer) -> None:
        await peer.say(b"220 mail\r\n")
        peer.reset()

    async with rude(script) as server:
        for _ in range(20):
            result = await ask(server, login=LOGIN)
            assert result.failure in (Failure.RESET, Failure.CLOSED)


async def test_a_server_that_ends_the_connection_midway_is_closed() -> None:
    async with rude(answers(b"220 mail\r\n", {"EHLO": HELLO})) as server:
        result = await ask(server, login=LOGIN)
    assert (result.failure, result.stage) == (Failure.CLOSED, "auth")


async def test_a_server_that_cuts_the_connection_is_a_reset() -> None:
    async def script(peer: Peer) -> None:
        await peer.say(b"220 mail\r\n")
        await peer.hear()
        peer.reset()

    async with rude(script) as server:
        result = await ask(server)
    assert (result.failure, result.stage) == (Failure.RESET, "ehlo")


async def test_nobody_listening_is_refused() -> None:
    result = await ask(Rude(port=closed_port()))
    assert (result.failure, result.stage) == (Failure.REFUSED, "connect")


async def test_an_endless_reply_ends_the_probe_not_the_memory() -> None:
    async def script(peer: Peer) -> None:
        await peer.flood(b"220-" + b"x" * 4000 + b"\r\n")

    async with rude(script) as server:
        result = await ask(server)
    assert (result.failure, result.stage) == (Failure.TOO_LARGE, "greeting")


# --- encryption ---------------------------------------------------------------------------------------------------------------


async def test_where_encryption_is_demanded_and_not_offered_no_password_is_sent() -> None:
    async with rude(server_that()) as server:
        result = await ask(server, tls="starttls", login=LOGIN)
        assert not [line for line in server.heard if line.startswith("AUTH")]
    assert (result.failure, result.stage) == (Failure.TLS_MISSING, "starttls")


async def test_where_encryption_is_demanded_and_refused_it_is_missing() -> None:
    async with rude(server_that(EHLO=b"250-mail\r\n250 STARTTLS\r\n", STARTTLS=b"454 not now\r\n")) as server:
        result = await ask(server, tls="starttls")
    assert (result.failure, result.stage) == (Failure.TLS_MISSING, "starttls")
    assert "454" in result.detail


async def test_where_encryption_is_optional_a_refused_offer_is_a_warning() -> None:
    async with rude(server_that(EHLO=b"250-mail\r\n250 STARTTLS\r\n", STARTTLS=b"454 not now\r\n")) as server:
        result = await ask(server)
    assert result.failure is None
    assert [warning.name for warning in result.warnings] == ["starttls_refused"]


async def test_plaintext_slipped_in_before_the_handshake_is_thrown_away_and_flagged(certificates: Certificates) -> None:
    async def script(peer: Peer) -> None:
        await peer.say(b"220 mail\r\n")
        await peer.hear()
        await peer.say(b"250-mail\r\n250 STARTTLS\r\n")
        await peer.hear()
        await peer.say(b"220 go ahead\r\n250-injected\r\n250 AUTH PLAIN\r\n")
        await peer.start_tls(certificates.good())
        await answers(b"", FINE | {"EHLO": b"250 the real one\r\n"})(peer)

    async with rude(script) as server:
        result = await ask(server, ca=certificates.ca)
    assert result.failure is None
    assert [warning.name for warning in result.warnings] == ["plaintext_before_tls"]


async def test_what_was_offered_in_clear_is_forgotten_after_the_handshake(certificates: Certificates) -> None:
    async def script(peer: Peer) -> None:
        await peer.say(b"220 mail\r\n")
        await peer.hear()
        await peer.say(b"250-mail\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n")
        await peer.hear()
        await peer.say(b"220 go ahead\r\n")
        await peer.start_tls(certificates.good())
        await answers(b"", FINE | {"EHLO": b"250 nothing\r\n"})(peer)

    async with rude(script) as server:
        result = await ask(server, ca=certificates.ca, login=LOGIN)
    assert (result.failure, result.stage) == (Failure.AUTH_UNAVAILABLE, "auth")


@pytest.mark.parametrize(("make", "failure"), [("expired", Failure.TLS_EXPIRED), ("of_a_stranger", Failure.TLS_UNTRUSTED)])
async def test_a_bad_certificate_is_named(certificates: Certificates, make: str, failure: Failure) -> None:
    async with rude(server_that(), tls=getattr(certificates, make)()) as server:
        result = await ask(server, tls="implicit", ca=certificates.ca)
    assert (result.failure, result.stage) == (failure, "tls")


async def test_a_handshake_that_the_server_never_answers_times_out_in_tls() -> None:
    async def script(peer: Peer) -> None:
        await peer.say(b"220 mail\r\n")
        await peer.hear()
        await peer.say(b"250-mail\r\n250 STARTTLS\r\n")
        await peer.hear()
        await peer.say(b"220 go ahead\r\n")
        await peer.hang()

    async with rude(script) as server:
        result = await ask(server, timeout=0.3)
        await asyncio.wait_for(server.closed.wait(), 1)
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "tls")


@pytest.mark.parametrize(
    ("peer", "allow_plaintext", "is_sent"),
    [
        ("127.0.0.1", False, True),
        ("::1", False, True),
        ("192.0.2.1", False, False),
        ("2001:db8::1", False, False),
        ("192.0.2.1", True, True),
    ],
)
async def test_a_password_crosses_a_network_in_clear_only_where_that_is_allowed(
    peer: str,
    allow_plaintext: bool,  # noqa: FBT001
    is_sent: bool,  # noqa: FBT001
) -> None:
    server = smtp.Settings.model_validate({"host": peer, "port": 25, "login": LOGIN, "allow_plaintext": allow_plaintext})
    stream = Stream()
    stream.connection_made(asyncio.Transport(extra={"peername": (peer, 25)}))
    assert server.login is not None
    attempt = Attempt(elapsed=lambda: 0.0, allowed=1.0)
    if is_sent:
        assert password_of(server.login, server, stream, attempt) == "geheim"
        return
    with pytest.raises(ProbeFailed) as caught:
        password_of(server.login, server, stream, attempt)
    assert caught.value.failure is Failure.TLS_MISSING


# --- what is said to people ---------------------------------------------------------------------------------------------------


async def test_the_listener_hears_the_dialogue_without_the_password() -> None:
    ear = Ear()
    async with rude(server_that(AUTH_PLAIN=b"535 you said " + base64.b64encode(b"\0ann@example.net\0geheim") + b" geheim\r\n")) as server:
        result = await ask(server, login=LOGIN, listener=ear)
    assert ear.lines[:3] == ["S 220 mail.example.net ESMTP", "C EHLO [127.0.0.1]", "S 250-mail.example.net"]
    assert ear.lines[-2:] == ["C AUTH PLAIN ***", "S 535 you said *** ***"]
    assert "geheim" not in result.detail
    assert "AGFubk" not in result.detail


def test_what_the_contract_says_means_what_it_says() -> None:
    given = {"host": "127.0.0.1", "port": 2525, "tls": "never", "login": LOGIN, **ENVELOPE}
    assert smtp.Settings.model_validate(given).tls is TlsPolicy.NEVER
    assert smtp.Settings(host="127.0.0.1", port=2525).tls is TlsPolicy.OPTIONAL


@pytest.mark.parametrize(
    "wrong",
    [
        {"rcpt_to": "a@b"},
        {"mail_from": "a@b\r\nRCPT TO:<c@d>"},
        {"mail_from": "<a@b>"},
        {"mail_from": "nobody"},
        {"mail_from": "a b@c"},
        {"port": 465},
        {"host": "mail.example.net", "tls": "never", "login": LOGIN},
        {"tls": "sometimes"},
        {"helo": "a b"},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        smtp.Settings.model_validate({"host": "127.0.0.1", "port": 25} | wrong)


def test_a_typed_target_may_leave_the_port_out_and_465_is_encrypted_at_once() -> None:
    typed = smtp.KIND.ad_hoc
    assert typed is not None
    assert typed("mail.example.net").port == 25
    assert typed("mail.example.net:465").tls is TlsPolicy.IMPLICIT
    assert target(typed("mail.example.net:587")) == "mail.example.net:587"
