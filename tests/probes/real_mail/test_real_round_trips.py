import asyncio
import imaplib
import ssl
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from probes import mail_roundtrip
from probes.egress import Door
from probes.letters import OWNER, TOKEN
from probes.mail_roundtrip import _owner
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.probes.real_mail.servers import PASSWORD, USER, MailServers

pytestmark = pytest.mark.xdist_group("real_mail")

LOGIN = {"user": USER, "password": PASSWORD}


def through(servers: MailServers, *, deliver_within: str = "5s", rcpt_to: str = USER, **more: object) -> mail_roundtrip.Settings:
    known = {"host": "127.0.0.1", "ca": servers.ca, "login": LOGIN}
    sending = known | {"port": servers.ports["submission"], "tls": "starttls", "mail_from": USER, "rcpt_to": rcpt_to}
    reading = known | {"port": servers.ports["imaps"], "tls": "implicit", "junk": "Junk"}
    return mail_roundtrip.Settings.model_validate({"deliver_within": deliver_within, "send": sending, "read": reading, **more})


async def travel(settings: mail_roundtrip.Settings, timeout: float = 10) -> ProbeResult:
    return await run(mail_roundtrip.KIND, settings, door=Door(), timeout=timeout, started=datetime.now(UTC))


def kept(servers: MailServers) -> list[Path]:
    """Every message that Dovecot holds, in whatever folder: files of the Maildir."""
    return [path for path in (servers.home / "mail").rglob("*") if path.is_file() and path.parent.name in ("cur", "new")]


async def test_a_message_goes_from_postfix_to_dovecot_and_is_deleted(servers: MailServers) -> None:
    result = await travel(through(servers))
    assert (result.failure, result.detail, result.warnings) == (None, "", ())
    assert 0 < result.facts["delivery_seconds"] < 5
    assert kept(servers) == []


async def test_a_message_that_is_filed_as_junk_is_junked_and_deleted_there(servers: MailServers) -> None:
    result = await travel(through(servers, rcpt_to="probe+Junk@example.net"))
    assert (result.failure, result.stage) == (Failure.JUNKED, "deliver")
    assert kept(servers) == []


async def test_a_message_that_postfix_throws_away_is_lost(servers: MailServers) -> None:
    result = await travel(through(servers, rcpt_to="lost@example.net", deliver_within="300ms"), timeout=2)
    assert (result.failure, result.stage) == (Failure.LOST, "deliver")


async def test_a_recipient_that_postfix_puts_off_is_tried_again_and_then_deferred(servers: MailServers) -> None:
    result = await travel(through(servers, rcpt_to="later@example.net", defer_within="3s"))
    assert (result.failure, result.stage) == (Failure.DEFERRED, "send.rcpt_to")
    assert [phase.name for phase in result.phases].count("send.defer") == 1
    assert 0.5 < result.took < 10


async def test_several_monitors_share_a_mailbox_and_leave_nothing(servers: MailServers) -> None:
    ways = [through(servers), through(servers), through(servers, deliver_within="4s"), through(servers, rcpt_to="probe+Junk@example.net")]
    results = await asyncio.gather(*(travel(way) for way in ways))
    assert [result.failure for result in results] == [None, None, None, Failure.JUNKED]
    assert kept(servers) == []


def put(servers: MailServers, flags: str, *heads: str) -> None:
    """Put messages into the inbox as if they had come two hours ago."""
    context = ssl.create_default_context(cafile=servers.ca)
    with imaplib.IMAP4_SSL("127.0.0.1", servers.ports["imaps"], ssl_context=context, timeout=10) as connection:
        connection.login(USER, PASSWORD)
        for head in heads:
            connection.append("INBOX", flags, imaplib.Time2Internaldate(time.time() - 7200), f"{head}\r\n\r\nold\r\n".encode())


async def test_old_ones_of_ours_are_swept_and_what_a_person_marked_is_left_to_them(servers: MailServers) -> None:
    settings = through(servers, rcpt_to="lost@example.net", deliver_within="300ms")
    await asyncio.to_thread(put, servers, "", f"{OWNER}: {_owner(settings)}\r\n{TOKEN}: {'0' * 32}")
    await asyncio.to_thread(put, servers, r"(\Deleted)", "Subject: a person's")
    try:
        result = await travel(settings, timeout=2)
        assert (result.failure, [warning.name for warning in result.warnings]) == (Failure.LOST, ["leftovers"])
        [left] = kept(servers)
        assert b"Subject: a person's" in left.read_bytes()
    finally:
        for path in kept(servers):
            path.unlink()
