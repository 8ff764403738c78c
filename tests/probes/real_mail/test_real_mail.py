from pathlib import Path
from typing import Any

import pytest

from probes import imap, pop3, smtp
from probes.egress import Door
from probes.kind import ProbeKind
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.deadline import until
from tests.probes.real_mail.servers import BROKEN, PASSWORD, USER, MailServers
from tests.rude.ear import Ear

pytestmark = pytest.mark.xdist_group("real_mail")

LOGIN = {"user": USER, "password": PASSWORD}
WRONG = LOGIN | {"password": "wrong"}
AWAY = LOGIN | {"user": BROKEN}
KINDS: dict[str, ProbeKind[Any]] = {"smtp": smtp.KIND, "imap": imap.KIND, "pop3": pop3.KIND}
PLAIN = ("smtp", "imap", "pop3")
IMPLICIT = {"smtp": "smtps", "imap": "imaps", "pop3": "pop3s"}


async def ask(servers: MailServers, service: str, *, listener: Ear | None = None, **settings: object) -> ProbeResult:
    kind = KINDS[service.removesuffix("s")] if service != "submission" else smtp.KIND
    given = kind.settings.model_validate({"host": "127.0.0.1", "port": servers.ports[service], "ca": servers.ca} | settings)
    return await run(kind, given, door=Door(), timeout=10, listener=listener)


def queued(servers: MailServers) -> list[Path]:
    """What Postfix has taken and not carried out yet."""
    return [
        path
        for name in ("incoming", "active", "deferred", "maildrop")
        for path in (servers.home / "queue" / name).rglob("*")
        if path.is_file()
    ]


@pytest.mark.parametrize("service", PLAIN)
async def test_starttls_and_the_password_are_taken(servers: MailServers, service: str) -> None:
    result = await ask(servers, service, tls="starttls", login=LOGIN)
    assert (result.failure, result.detail, result.warnings) == (None, "", ())
    assert {"starttls", "tls", "auth", "quit"} <= {phase.name for phase in result.phases}
    assert result.facts["tls_expires_at"] > 0


@pytest.mark.parametrize("service", PLAIN)
async def test_encryption_from_the_first_byte_works(servers: MailServers, service: str) -> None:
    result = await ask(servers, IMPLICIT[service], tls="implicit", login=LOGIN)
    assert (result.failure, result.detail, result.warnings) == (None, "", ())


@pytest.mark.parametrize("service", PLAIN)
async def test_a_wrong_password_is_about_us(servers: MailServers, service: str) -> None:
    result = await ask(servers, service, login=WRONG)
    assert (result.failure, result.stage) == (Failure.AUTH_REJECTED, "auth")


@pytest.mark.parametrize("service", ["imap", "pop3"])
async def test_a_directory_of_names_that_is_away_is_not_about_us(servers: MailServers, service: str) -> None:
    result = await ask(servers, service, login=AWAY)
    assert (result.failure, result.stage) == (Failure.AUTH_UNAVAILABLE, "auth")


async def test_postfix_does_not_pass_on_that_the_directory_of_names_is_away(servers: MailServers) -> None:
    """The manual says so, for whoever wonders why a login by smtp became unknown and not down."""
    away, wrong = await ask(servers, "smtp", login=AWAY), await ask(servers, "smtp", login=WRONG)
    assert (away.failure, away.detail) == (wrong.failure, wrong.detail) == (Failure.AUTH_REJECTED, away.detail)


@pytest.mark.parametrize("service", PLAIN)
async def test_an_authority_that_is_not_trusted_is_named(servers: MailServers, service: str) -> None:
    result = await ask(servers, service, ca=None)
    assert (result.failure, result.stage) == (Failure.TLS_UNTRUSTED, "tls")


@pytest.mark.parametrize("service", PLAIN)
async def test_a_mailbox_speaks_nothing_else(servers: MailServers, service: str) -> None:
    for other in set(PLAIN) - {service}:
        given = KINDS[service].settings.model_validate({"host": "127.0.0.1", "port": servers.ports[other]})
        result = await run(KINDS[service], given, door=Door(), timeout=10)
        assert (result.failure, result.stage) == (Failure.PROTOCOL, "greeting")


async def test_postfix_is_walked_through_to_the_recipient_and_nothing_is_left(servers: MailServers) -> None:
    ear = Ear()
    result = await ask(servers, "submission", tls="starttls", login=LOGIN, mail_from=USER, rcpt_to=USER, listener=ear)
    assert (result.failure, result.detail) == (None, "")
    expected = "connect greeting ehlo starttls tls ehlo auth mail_from rcpt_to reset quit"
    assert [phase.name for phase in result.phases] == expected.split()
    assert ear.lines[-1].startswith("S 221 ")
    await until(lambda: not queued(servers))  # cleanup(8) takes the file away a moment after RSET was answered


@pytest.mark.parametrize(
    ("recipient", "failure"),
    [("later@example.net", Failure.DEFERRED), ("nobody@example.net", Failure.REJECTED), ("someone@elsewhere.example", Failure.REJECTED)],
)
async def test_postfix_refuses_a_recipient_for_now_or_for_good(servers: MailServers, recipient: str, failure: Failure) -> None:
    result = await ask(servers, "smtp", mail_from=USER, rcpt_to=recipient)
    assert (result.failure, result.stage) == (failure, "rcpt_to")


async def test_postfix_that_demands_encryption_looks_at_nothing_before(servers: MailServers) -> None:
    result = await ask(servers, "submission", tls="never", login=LOGIN)
    assert (result.failure, result.stage) == (Failure.AUTH_UNAVAILABLE, "auth")
    result = await ask(servers, "submission", tls="never", mail_from=USER)
    assert (result.failure, result.stage) == (Failure.REJECTED, "mail_from")


async def test_dovecot_has_no_such_mailbox(servers: MailServers) -> None:
    result = await ask(servers, "imap", login=LOGIN, mailbox="Entwürfe & mehr")
    assert (result.failure, result.stage) == (Failure.REJECTED, "select")
