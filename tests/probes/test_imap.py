import asyncio
import base64

import pytest
from pydantic import ValidationError

from probes import imap
from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.imap import Imap, mailbox_name
from probes.lines import Stream
from probes.result import Failure, ProbeResult
from probes.run import run
from probes.settings import TlsPolicy
from tests.rude.certificates import Certificates
from tests.rude.ear import Ear
from tests.rude.mail import PASSWORD, USER, put
from tests.rude.peer import Peer, Rude, Script, answers, closed_port, rude

LOGIN = {"user": "ann@example.net", "password": "geheim"}
FINE = {
    "CAPABILITY": b"* CAPABILITY IMAP4rev1 LITERAL+\r\n% OK done\r\n",
    "LOGIN": b"% OK [CAPABILITY IMAP4rev1 UIDPLUS] welcome\r\n",
    "EXAMINE": b"* FLAGS (\\Seen)\r\n* 17 EXISTS\r\n* 0 RECENT\r\n% OK [READ-ONLY] done\r\n",
    "LOGOUT": b"* BYE see you\r\n% OK done\r\n",
}


class Deaf(asyncio.Transport):
    """Takes whatever is written."""

    def write(self, data: object) -> None:
        """Let it go."""


def server_that(greeting: bytes = b"* OK IMAP4rev1 ready\r\n", **replies: bytes) -> Script:
    return answers(greeting, FINE | replies)


async def ask(server: Rude, *, timeout: float = 2, listener: Ear | None = None, **settings: object) -> ProbeResult:
    given = imap.Settings.model_validate({"host": "127.0.0.1", "port": server.port, **settings})
    return await run(imap.KIND, given, door=Door(), timeout=timeout, listener=listener)


# --- a real server ------------------------------------------------------------------------------------------------------------


async def test_a_real_mailbox_is_opened_and_counted(mailboxes_port: int) -> None:
    await asyncio.to_thread(put, mailboxes_port, ("INBOX", b"Subject: hello\r\n\r\nhello\r\n", 0.0))
    result = await ask(Rude(port=mailboxes_port), login={"user": USER, "password": PASSWORD})
    assert result.failure is None
    assert [phase.name for phase in result.phases] == ["connect", "greeting", "capability", "auth", "select", "quit"]
    assert result.facts["messages"] >= 1
    assert not result.warnings


async def test_a_real_server_that_does_not_take_our_password_says_so(mailboxes_port: int) -> None:
    result = await ask(Rude(port=mailboxes_port), login={"user": USER, "password": 'wrong "\\ ü'})
    assert (result.failure, result.stage) == (Failure.AUTH_REJECTED, "auth")


async def test_a_mailbox_that_a_real_server_does_not_have_is_refused(mailboxes_port: int) -> None:
    result = await ask(Rude(port=mailboxes_port), login={"user": USER, "password": PASSWORD}, mailbox="Entwürfe & mehr")
    assert (result.failure, result.stage) == (Failure.REJECTED, "select")


# --- the good case, scripted --------------------------------------------------------------------------------------------------


async def test_without_login_it_is_greeted_asks_what_can_be_done_and_leaves() -> None:
    async with rude(server_that()) as server:
        result = await ask(server)
        assert server.heard == ["P0001 CAPABILITY", "P0002 LOGOUT"]
    assert result.failure is None


async def test_the_mailbox_is_looked_at_without_changing_it() -> None:
    async with rude(server_that()) as server:
        result = await ask(server, login=LOGIN, mailbox='Ablage "alt"')
        assert server.heard[2:] == ['P0003 EXAMINE "Ablage \\"alt\\""', "P0004 LOGOUT"]
    assert result.facts["messages"] == 17


async def test_a_password_that_no_quoted_string_can_hold_is_sent_as_a_literal() -> None:
    passwords: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.say(b"* OK ready\r\n")
        await peer.hear()
        await peer.say(FINE["CAPABILITY"].replace(b"%", b"P0001"))
        announced = await peer.hear()
        size = int(announced.rpartition("{")[2].removesuffix("}"))
        await peer.say(b"+ go ahead\r\n")
        passwords.append(await peer.reader.readexactly(size))
        await peer.hear()
        await peer.say(b"P0002 OK welcome\r\n")
        await answers(b"", FINE)(peer)

    async with rude(script) as server:
        result = await ask(server, login=LOGIN | {"password": "gehürm\r\nP9 DELETE INBOX"})
        assert server.heard[1] == 'P0002 LOGIN "ann@example.net" {24}'
    assert result.failure is None
    assert passwords == ["gehürm\r\nP9 DELETE INBOX".encode()]


async def test_answers_with_literals_that_come_byte_by_byte_are_read() -> None:
    async def script(peer: Peer) -> None:
        await peer.say(b"* OK ready\r\n")
        await peer.hear()
        await peer.drip(b"* X {5}\r\nP0001 (a)\r\n* CAPABILITY IMAP4rev1\r\n* OK not a literal {99}\r\nP0001 OK done\r\n")
        await answers(b"", FINE)(peer)

    async with rude(script) as server:
        assert (await ask(server, login=LOGIN)).failure is None


async def test_a_preauthenticated_session_needs_no_login() -> None:
    async with rude(server_that(b"* PREAUTH welcome ann\r\n")) as server:
        result = await ask(server, login=LOGIN)
        assert not [line for line in server.heard if "LOGIN" in line]
    assert result.facts["messages"] == 17


async def test_starttls_is_taken_where_it_is_offered(certificates: Certificates) -> None:
    async def script(peer: Peer) -> None:
        await peer.say(b"* OK ready\r\n")
        await peer.hear()
        await peer.say(b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\nP0001 OK done\r\n")
        await peer.hear()
        await peer.say(b"P0002 OK go ahead\r\n* CAPABILITY INJECTED\r\n")
        await peer.start_tls(certificates.good())
        await answers(b"", FINE)(peer)

    async with rude(script) as server:
        result = await ask(server, login=LOGIN, ca=certificates.ca)
    assert result.failure is None
    expected = "connect greeting capability starttls tls capability auth select quit"
    assert [phase.name for phase in result.phases] == expected.split()
    assert [warning.name for warning in result.warnings] == ["plaintext_before_tls"]


async def test_implicit_tls_is_shaken_before_the_greeting(certificates: Certificates) -> None:
    async with rude(server_that(), tls=certificates.good()) as server:
        result = await ask(server, tls="implicit", ca=certificates.ca, login=LOGIN)
    assert result.failure is None


@pytest.mark.parametrize("can", [b"AUTH=PLAIN", b"AUTH=PLAIN SASL-IR"])
async def test_where_login_is_disabled_the_password_goes_by_authenticate(can: bytes) -> None:
    ear = Ear()
    payload = base64.b64encode(b"\0ann@example.net\0geheim").decode()

    async def script(peer: Peer) -> None:
        await peer.say(b"* OK ready\r\n")
        await peer.hear()
        await peer.say(b"* CAPABILITY IMAP4rev1 LOGINDISABLED " + can + b"\r\nP0001 OK\r\n")
        begun = await peer.hear()
        if b"SASL-IR" not in can:
            assert begun == "P0002 AUTHENTICATE PLAIN"
            await peer.say(b"* OK patience\r\n+ \r\n")
            begun += " " + await peer.hear()
        assert begun == f"P0002 AUTHENTICATE PLAIN {payload}"
        await peer.say(b"P0002 OK welcome\r\n")
        await answers(b"", FINE)(peer)

    async with rude(script) as server:
        result = await ask(server, login=LOGIN, listener=ear)
    assert (result.failure, result.facts["messages"]) == (None, 17)
    assert not [line for line in ear.lines if payload in line]


@pytest.mark.parametrize(
    ("refusal", "failure"),
    [
        (b"% NO [AUTHENTICATIONFAILED] no\r\n", Failure.AUTH_REJECTED),
        (b"% NO [UNAVAILABLE] the directory is away\r\n", Failure.AUTH_UNAVAILABLE),
        (b"% BAD what?\r\n", Failure.PROTOCOL),
        (b"% OK come in, whoever you are\r\n", Failure.PROTOCOL),
        (b"+ \r\n+ \r\n", Failure.PROTOCOL),
    ],
)
async def test_authenticate_is_refused_as_login_is(refusal: bytes, failure: Failure) -> None:
    offer = b"* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=PLAIN\r\n% OK\r\n"
    async with rude(server_that(CAPABILITY=offer, AUTHENTICATE=refusal)) as server:
        result = await ask(server, login=LOGIN)
    assert (result.failure, result.stage) == (failure, "auth")


@pytest.mark.parametrize("welcome", [b"% OK [CAPABILITY IMAP4rev1 UIDPLUS] hi\r\n", b"* CAPABILITY IMAP4rev1 UIDPLUS\r\n% OK hi\r\n"])
async def test_what_a_server_can_do_is_learned_anew_with_the_login(welcome: bytes) -> None:
    stream, attempt = Stream(), Attempt(elapsed=lambda: 0.0, allowed=1.0)
    stream.connection_made(Deaf())
    dialogue = Imap(stream, attempt, frozenset({"IMAP4REV1", "LOGIN-REFERRALS"}))
    stream.data_received(welcome.replace(b"%", b"P0001"))
    await dialogue.log_in("ann", "geheim")
    assert dialogue.capabilities == {"IMAP4REV1", "UIDPLUS"}
    stream.data_received(b"P0002 OK hi\r\n")
    await dialogue.log_in("ann", "geheim")
    assert dialogue.capabilities == frozenset()


# --- every refusal has its reason ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("greeting", "failure"),
    [
        (b"* BYE too many connections\r\n", Failure.DEFERRED),
        (b"220 mail ESMTP\r\n", Failure.PROTOCOL),
        (b"SSH-2.0-OpenSSH_9.9\r\n", Failure.PROTOCOL),
        (b"* NO way\r\n", Failure.PROTOCOL),
        (b"\x00\xff\r\n", Failure.PROTOCOL),
        (b"* OK " + b"x" * 10_000 + b"\r\n", Failure.TOO_LARGE),
        (b"* X {99999999}\r\n", Failure.TOO_LARGE),
        (b"* X {1}\r\na" * 30, Failure.TOO_LARGE),
        (b"", Failure.TIMEOUT),
        (b"* OK no end", Failure.TIMEOUT),
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
        ("CAPABILITY", b"% BAD what?\r\n", Failure.PROTOCOL, "capability"),
        ("CAPABILITY", b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n% OK\r\n", Failure.AUTH_UNAVAILABLE, "auth"),
        ("LOGIN", b"% NO [AUTHENTICATIONFAILED] no\r\n", Failure.AUTH_REJECTED, "auth"),
        ("LOGIN", b"% NO wrong\r\n", Failure.AUTH_REJECTED, "auth"),
        ("LOGIN", b"% NO [UNAVAILABLE] the directory is away\r\n", Failure.AUTH_UNAVAILABLE, "auth"),
        ("LOGIN", b"% no [unavailable] the directory is away\r\n", Failure.AUTH_UNAVAILABLE, "auth"),
        ("LOGIN", b"% NO [INUSE] locked\r\n", Failure.AUTH_UNAVAILABLE, "auth"),
        ("LOGIN", b"% NO [LIMIT] too many sessions\r\n", Failure.AUTH_UNAVAILABLE, "auth"),
        ("LOGIN", b"% NO [SERVERBUG] oops\r\n", Failure.AUTH_UNAVAILABLE, "auth"),
        ("LOGIN", b"% NO [PRIVACYREQUIRED] encrypt first\r\n", Failure.AUTH_UNAVAILABLE, "auth"),
        ("LOGIN", b"% NO [AUTHORIZATIONFAILED] not you\r\n", Failure.AUTH_REJECTED, "auth"),
        ("LOGIN", b"% NO [EXPIRED] a new password, please\r\n", Failure.AUTH_REJECTED, "auth"),
        ("LOGIN", b"* BYE [UNAVAILABLE] the directory is away\r\n", Failure.AUTH_UNAVAILABLE, "auth"),
        ("LOGIN", b"* BYE [AUTHENTICATIONFAILED] go\r\n", Failure.AUTH_REJECTED, "auth"),
        ("LOGIN", b"* BYEBYE\r\n", Failure.PROTOCOL, "auth"),
        ("EXAMINE", b"* BYE [UNAVAILABLE] the disks are away\r\n", Failure.CLOSED, "select"),
        ("LOGIN", b"% BAD syntax\r\n", Failure.PROTOCOL, "auth"),
        ("LOGIN", b"* BYE shutting down\r\n", Failure.CLOSED, "auth"),
        ("LOGIN", b"P9999 OK somebody else's\r\n", Failure.PROTOCOL, "auth"),
        ("LOGIN", b"+ go ahead\r\n", Failure.PROTOCOL, "auth"),
        ("LOGIN", b"% MAYBE\r\n", Failure.PROTOCOL, "auth"),
        ("EXAMINE", b"% NO [NONEXISTENT] no such mailbox\r\n", Failure.REJECTED, "select"),
        ("EXAMINE", b"% OK but how many?\r\n", Failure.PROTOCOL, "select"),
        ("EXAMINE", b"* 1 EXPUNGE\r\n" * 2000, Failure.TOO_LARGE, "select"),
        ("EXAMINE", b"* X {65500}\r\n" + b"y" * 65500, Failure.TOO_LARGE, "select"),
    ],
)
async def test_every_refusal_names_its_step(step: str, reply: bytes, failure: Failure, stage: str) -> None:
    async with rude(server_that(**{step: reply})) as server:
        result = await ask(server, login=LOGIN)
    assert (result.failure, result.stage) == (failure, stage)


async def test_an_announced_giant_is_refused_also_where_a_connection_may_say_much() -> None:
    stream = Stream(1024 * 1024)
    stream.data_received(b"* OK hi {70000}\r\n* X {70000}\r\n")
    stream.eof_received()
    dialogue = Imap(stream, Attempt(elapsed=lambda: 0.0, allowed=1.0))
    await dialogue.greet()
    with pytest.raises(ProbeFailed) as caught:
        await dialogue._response()
    assert caught.value.failure is Failure.TOO_LARGE


async def test_a_server_that_ends_the_connection_midway_is_closed() -> None:
    async with rude(answers(b"* OK ready\r\n", {"CAPABILITY": FINE["CAPABILITY"]})) as server:
        result = await ask(server, login=LOGIN)
    assert (result.failure, result.stage) == (Failure.CLOSED, "auth")


async def test_an_endless_stream_of_responses_ends_the_probe_not_the_memory() -> None:
    async def script(peer: Peer) -> None:
        await peer.say(b"* OK ready\r\n")
        await peer.flood(b"* OK still here\r\n" * 100)

    async with rude(script) as server:
        result = await ask(server)
    assert (result.failure, result.stage) == (Failure.TOO_LARGE, "capability")


async def test_nobody_listening_is_refused() -> None:
    result = await ask(Rude(port=closed_port()))
    assert (result.failure, result.stage) == (Failure.REFUSED, "connect")


async def test_where_encryption_is_demanded_and_not_offered_no_password_is_sent() -> None:
    async with rude(server_that()) as server:
        result = await ask(server, tls="starttls", login=LOGIN)
        assert not [line for line in server.heard if "LOGIN" in line]
    assert (result.failure, result.stage) == (Failure.TLS_MISSING, "starttls")


async def test_where_encryption_is_demanded_a_preauthenticated_session_is_no_way_round_it() -> None:
    async with rude(server_that(b"* PREAUTH hi\r\n", CAPABILITY=b"* CAPABILITY STARTTLS\r\n% OK\r\n")) as server:
        result = await ask(server, tls="starttls", login=LOGIN)
    assert (result.failure, result.stage) == (Failure.TLS_MISSING, "starttls")


@pytest.mark.parametrize(("make", "failure"), [("expired", Failure.TLS_EXPIRED), ("of_a_stranger", Failure.TLS_UNTRUSTED)])
async def test_a_bad_certificate_is_named(certificates: Certificates, make: str, failure: Failure) -> None:
    async with rude(server_that(), tls=getattr(certificates, make)()) as server:
        result = await ask(server, tls="implicit", ca=certificates.ca)
    assert (result.failure, result.stage) == (failure, "tls")


# --- what is said to people ---------------------------------------------------------------------------------------------------


async def test_the_listener_hears_the_dialogue_without_the_password() -> None:
    ear = Ear()
    async with rude(server_that(LOGIN=b"% NO not geheim\r\n")) as server:
        result = await ask(server, login=LOGIN, listener=ear)
    assert ear.lines[-2:] == ["C P0002 LOGIN *** ***", "S P0002 NO not ***"]
    assert "geheim" not in result.detail


@pytest.mark.parametrize(
    ("name", "spelled"),
    [("INBOX", "INBOX"), ("Tom & Jerry", "Tom &- Jerry"), ("Entwürfe", "Entw&APw-rfe"), ("台北", "&U,BTFw-"), ("日本語", "&ZeVnLIqe-")],
)
def test_a_mailbox_name_is_spelled_in_modified_utf_7(name: str, spelled: str) -> None:
    assert mailbox_name(name) == spelled


def test_a_typed_target_may_leave_the_port_out_and_993_is_encrypted_at_once() -> None:
    typed = imap.KIND.ad_hoc
    assert typed is not None
    assert typed("mail.example.net").port == 143
    assert typed("[2001:db8::1]:993").tls is TlsPolicy.IMPLICIT


@pytest.mark.parametrize("wrong", [{"port": 993}, {"mailbox": ""}, {"mailbox": "a\r\nb"}, {"junk": "Junk"}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        imap.Settings.model_validate({"host": "127.0.0.1", "port": 143} | wrong)
