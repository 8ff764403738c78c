"""Mail handed to real servers: encrypted as asked, logged in, and every answer taken for what it means."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from probes.egress import Door
from probes.settings import Secret
from statuspage.channels import mail
from statuspage.channels.channel import Delivered, Failed, Message, Outcome, Refused
from tests.rude.certificates import Certificates
from tests.rude.peer import Peer, answers, rude
from tests.rude.postbox import Postbox

BODY = b"Subject: Hello\r\n\r\nHello.\r\n"


def message(to: str = "anna@example.org") -> Message:
    return Message(key=to, to=to, body=BODY, at=datetime.now(UTC))


async def sent(
    port: int, *messages: Message, tls: Literal["never", "starttls", "implicit"] = "never", password: str | None = None
) -> list[tuple[str, Outcome]]:
    secret = Secret(password) if password else None
    user = "status" if password else None
    settings = mail.Settings(host="127.0.0.1", port=port, tls=tls, user=user, password=secret, sender="Us <us@example.net>")
    return [(one.to, outcome) async for one, outcome in mail.send(settings, Door(), messages or [message()])]


def authenticate(_: SMTP, __: Session, ___: Envelope, ____: str, shown: LoginPassword) -> AuthResult:
    return AuthResult(success=shown == LoginPassword(b"status", b"geheim"), handled=False)


@pytest.fixture
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    """An authority that this machine trusts."""
    made = Certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.ca))
    return made


@pytest.fixture
async def guarded(certificates: Certificates) -> AsyncIterator[Postbox]:
    """A server that takes nothing before STARTTLS and a login."""
    options: dict[str, Any] = {
        "tls_context": certificates.good(),
        "require_starttls": True,
        "authenticator": authenticate,
        "auth_required": True,
    }
    async with Postbox(options=options).opened() as opened:
        yield opened


async def test_mail_goes_out_after_starttls_and_a_login(guarded: Postbox) -> None:
    assert await sent(guarded.port, tls="starttls", password="geheim") == [("anna@example.org", Delivered())]
    (letter,) = guarded.letters
    assert (letter.to, letter.sender, letter.raw) == ("anna@example.org", "us@example.net", BODY)


async def test_a_wrong_password_is_our_affair_and_refuses_nobody(guarded: Postbox) -> None:
    ((_, outcome),) = await sent(guarded.port, tls="starttls", password="falsch")
    assert isinstance(outcome, Failed)
    assert "falsch" not in outcome.reason
    assert guarded.letters == []


async def test_nothing_is_said_to_a_server_that_offers_no_encryption() -> None:
    async with Postbox().opened() as postbox:
        ((_, outcome),) = await sent(postbox.port, tls="starttls", password="geheim")
    assert isinstance(outcome, Failed)
    assert postbox.letters == []


async def test_nothing_is_said_to_a_server_that_nobody_vouches_for(certificates: Certificates) -> None:
    async with Postbox(options={"tls_context": certificates.of_a_stranger()}).opened() as postbox:
        ((_, outcome),) = await sent(postbox.port, tls="starttls")
    assert isinstance(outcome, Failed)
    assert "certificate" in outcome.reason.lower()
    assert postbox.letters == []


async def test_mail_goes_out_where_encryption_comes_first(certificates: Certificates) -> None:
    async with Postbox().opened(tls=certificates.good()) as postbox:
        assert await sent(postbox.port, tls="implicit") == [("anna@example.org", Delivered())]
    assert len(postbox.letters) == 1


async def test_each_recipient_has_an_answer_of_their_own() -> None:
    replies = {"ben@example.org": ["550 5.1.1 No such mailbox"], "cyd@example.org": ["452 4.2.2 Mailbox full"]}
    contents = {"dan@example.org": ["554 5.6.0 Not like this"], "eve@example.org": ["451 4.3.0 Later"]}
    async with Postbox(replies=replies, contents=contents).opened() as postbox:
        names = ["ada", "ben", "cyd", "dan", "eve", "fay"]
        told = await sent(postbox.port, *(message(f"{name}@example.org") for name in names))
    assert [outcome for _, outcome in told] == [
        Delivered(),
        Refused(reason="550 5.1.1 No such mailbox", is_gone=True),
        Failed(reason="452 4.2.2 Mailbox full"),
        Refused(reason="554 5.6.0 Not like this"),
        Failed(reason="451 4.3.0 Later"),
        Delivered(),
    ]
    assert postbox.conversations == 1


def talk(**replies: bytes) -> dict[str, bytes]:
    return {"EHLO": b"250 mail.example.net\r\n", "MAIL": b"250 ok\r\n", "RCPT": b"250 ok\r\n", "RSET": b"250 ok\r\n", **replies}


@pytest.mark.parametrize(
    ("greeting", "replies"),
    [
        (b"554 go away\r\n", {}),
        (b"421 too busy\r\n", {}),
        (b"SSH-2.0-OpenSSH\r\n", {}),
        (b"220 ready\r\n", {}),
        (b"220 ready\r\n", talk(MAIL=b"550 5.7.1 not from you\r\n")),
        (b"220 ready\r\n", talk(MAIL=b"421 4.7.0 go away\r\n")),
        (b"220 ready\r\n", talk(RCPT=b"421 4.7.0 go away\r\n")),
        (b"220 ready\r\n", talk(RCPT=b"nonsense\r\n")),
        (b"220 ready\r\n", talk()),
    ],
    ids=range(9),
)
async def test_what_is_wrong_with_the_server_is_no_refusal_of_anybody(greeting: bytes, replies: dict[str, bytes]) -> None:
    async with rude(answers(greeting, replies)) as server:
        ((_, outcome),) = await sent(server.port)
    assert isinstance(outcome, Failed)
    assert outcome.reason


async def test_where_the_conversation_breaks_off_the_rest_is_left_for_another() -> None:
    count = 0

    async def dies(peer: Peer) -> None:
        nonlocal count
        await answers(b"220 ready\r\n", talk(DATA=b"354 go on\r\n"))(peer)
        count += 1

    async with rude(dies) as server:
        told = await sent(server.port, message("ada@example.org"), message("ben@example.org"))
    assert [to for to, _ in told] == ["ada@example.org"]
    assert isinstance(told[0][1], Failed)


async def test_a_server_that_falls_silent_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "TIMEOUT", 0.2)

    async def silent(peer: Peer) -> None:
        await peer.say(b"220 ready\r\n")
        await peer.hang()

    for script in (Peer.hang, silent):
        async with rude(script) as server:
            told: Sequence[tuple[str, Outcome]] = await sent(server.port)
        assert isinstance(told[0][1], Failed)
