import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from probes import mail_roundtrip
from probes.attempt import ProbeFailed
from probes.egress import Door
from probes.mail_roundtrip import OWNER, TOKEN, _owner
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.rude.mail import PASSWORD, USER, Mood, PostOffice, empty, put, subjects
from tests.rude.peer import answers, closed_port, rude

LOGIN = {"user": USER, "password": PASSWORD}


@pytest.fixture
async def office(mailboxes_port: int) -> AsyncIterator[PostOffice]:
    """A real SMTP server that delivers into a real IMAP server, both folders empty."""
    await asyncio.to_thread(empty, mailboxes_port, "INBOX", "Junk")
    post_office = PostOffice(mailboxes_port)
    server = await post_office.serve()
    yield post_office
    server.close()
    await server.wait_closed()
    await asyncio.gather(*post_office.on_their_way)


def through(office: PostOffice, *, deliver_within: str = "5s", **more: dict[str, Any]) -> mail_roundtrip.Settings:
    sending = {"host": "127.0.0.1", "port": office.port, "tls": "never", "mail_from": "probe@example.net", "rcpt_to": "inbox@example.net"}
    reading = {"host": "127.0.0.1", "port": office.imap_port, "tls": "never", "login": LOGIN, "mailbox": "INBOX", "junk": "Junk"}
    return mail_roundtrip.Settings.model_validate(
        {"deliver_within": deliver_within, "send": sending | more.get("send", {}), "read": reading | more.get("read", {})}
    )


async def travel(settings: mail_roundtrip.Settings, timeout: float = 10) -> ProbeResult:
    return await run(mail_roundtrip.KIND, settings, door=Door(), timeout=timeout)


async def left_behind(office: PostOffice) -> list[str]:
    return await asyncio.to_thread(subjects, office.imap_port, "INBOX", "Junk")


async def test_a_message_that_is_delivered_is_found_timed_and_deleted(office: PostOffice) -> None:
    result = await travel(through(office))
    assert (result.failure, result.detail) == (None, "")
    assert 0 < result.facts["delivery_seconds"] < 5
    names = [phase.name for phase in result.phases]
    reading = ["read.connect", "read.greeting", "read.capability", "read.auth", "read.select"]
    sending = ["send.connect", "send.greeting", "send.ehlo", "send.mail_from", "send.rcpt_to", "send.data", "send.quit"]
    assert names == [*reading, *sending, "deliver", "delete", "read.quit"]
    assert await left_behind(office) == []


async def test_the_message_is_one_that_servers_take_for_proper_mail(office: PostOffice) -> None:
    await travel(through(office))
    [message] = office.taken
    head = message.decode("ascii").partition("\r\n\r\n")[0]
    names = [line.partition(":")[0] for line in head.split("\r\n")]
    for name in ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", OWNER, TOKEN):
        assert names.count(name) == 1
    token = re.search(rf"{TOKEN}: (\w+)", head)
    assert token is not None
    assert f"Subject: Status probe {token[1]}" in head


async def test_two_runs_send_different_messages(office: PostOffice) -> None:
    settings = through(office)
    await travel(settings)
    await travel(settings)
    tokens = [re.search(rb"Token: (\w+)", message) for message in office.taken]
    assert len({matched[1] for matched in tokens if matched}) == 2


async def test_a_message_in_the_junk_folder_is_junked_and_deleted_there(office: PostOffice) -> None:
    office.mood = Mood.JUNKS
    result = await travel(through(office))
    assert (result.failure, result.stage) == (Failure.JUNKED, "deliver")
    assert await left_behind(office) == []


async def test_a_message_that_never_arrives_is_lost_before_the_time_is_up(office: PostOffice) -> None:
    office.mood = Mood.LOSES
    result = await travel(through(office, deliver_within="500ms"), timeout=4)
    assert (result.failure, result.stage) == (Failure.LOST, "deliver")
    assert result.took < 4


async def test_a_message_that_arrives_too_late_is_delayed_and_deleted(office: PostOffice) -> None:
    office.delay = 0.5
    result = await travel(through(office, deliver_within="200ms"))
    assert (result.failure, result.stage) == (Failure.DELAYED, "deliver")
    assert result.facts["delivery_seconds"] > 0.2
    assert await left_behind(office) == []


async def test_a_timeout_before_the_time_for_delivery_is_over_does_not_say_lost(office: PostOffice) -> None:
    office.mood = Mood.LOSES
    result = await travel(through(office, deliver_within="30s"), timeout=3)
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "deliver")


async def test_a_message_that_arrives_twice_is_good_and_gets_a_warning(office: PostOffice) -> None:
    office.mood = Mood.DELIVERS_TWICE
    result = await travel(through(office))
    await asyncio.gather(*office.on_their_way)
    assert result.failure is None
    copies = len(await left_behind(office)) + [warning.name for warning in result.warnings].count("duplicate")
    assert copies == 1


@pytest.mark.parametrize(("mood", "failure"), [(Mood.REJECTS, Failure.REJECTED), (Mood.DEFERS, Failure.DEFERRED)])
async def test_a_message_that_is_not_taken_says_whether_for_good(office: PostOffice, mood: Mood, failure: Failure) -> None:
    office.mood = mood
    result = await travel(through(office))
    assert (result.failure, result.stage) == (failure, "send.data")


async def test_a_recipient_that_is_refused_is_rejected(office: PostOffice) -> None:
    script = answers(b"220 mail\r\n", {"EHLO": b"250 hi\r\n", "MAIL": b"250 ok\r\n", "RCPT": b"550 5.1.1 nobody\r\n"})
    async with rude(script) as server:
        result = await travel(through(office, send={"port": server.port}))
    assert (result.failure, result.stage) == (Failure.REJECTED, "send.rcpt_to")


async def test_where_sending_is_down_the_stage_says_so(office: PostOffice) -> None:
    result = await travel(through(office, send={"port": closed_port()}))
    assert (result.failure, result.stage) == (Failure.REFUSED, "send.connect")


async def test_where_reading_is_down_the_stage_says_so_and_nothing_is_sent(office: PostOffice) -> None:
    result = await travel(through(office, read={"port": closed_port()}))
    assert (result.failure, result.stage) == (Failure.REFUSED, "read.connect")
    assert office.taken == []


async def test_where_our_password_is_refused_the_stage_says_which(office: PostOffice) -> None:
    result = await travel(through(office, read={"login": LOGIN | {"password": "wrong"}}))
    assert (result.failure, result.stage) == (Failure.AUTH_REJECTED, "read.auth")
    script = answers(b"220 mail\r\n", {"EHLO": b"250-hi\r\n250 AUTH PLAIN\r\n", "AUTH": b"535 no\r\n"})
    async with rude(script) as server:
        result = await travel(through(office, send={"port": server.port, "login": LOGIN}))
    assert (result.failure, result.stage) == (Failure.AUTH_REJECTED, "send.auth")


async def test_a_name_that_does_not_exist_and_missing_encryption_name_their_side(office: PostOffice) -> None:
    result = await travel(through(office, send={"host": "does-not-exist.invalid"}))
    assert (result.failure, result.stage) == (Failure.DNS, "send.dns")
    result = await travel(through(office, send={"tls": "starttls"}))
    assert (result.failure, result.stage) == (Failure.TLS_MISSING, "send.starttls")


async def test_a_mailbox_that_does_not_exist_is_noticed_before_anything_is_sent(office: PostOffice) -> None:
    result = await travel(through(office, read={"mailbox": "Archive"}))
    assert (result.failure, result.stage) == (Failure.REJECTED, "read.select")
    assert office.taken == []


async def test_a_junk_folder_that_does_not_exist_yet_is_a_warning(office: PostOffice) -> None:
    office.delay = 0.2
    result = await travel(through(office, read={"junk": "Spam"}))
    assert result.failure is None
    assert [warning.name for warning in result.warnings] == ["junk_missing"]


async def test_two_monitors_on_one_mailbox_do_not_touch_each_others_mail(office: PostOffice) -> None:
    office.delay = 0.2
    results = await asyncio.gather(travel(through(office)), travel(through(office)), travel(through(office, deliver_within="4s")))
    assert [result.failure for result in results] == [None, None, None]
    assert len(office.taken) == 3
    assert await left_behind(office) == []


def leftover(owner: str, subject: str) -> bytes:
    return f"Subject: {subject}\r\n{OWNER}: {owner}\r\n{TOKEN}: abc\r\n\r\nold\r\n".encode()


async def test_what_earlier_runs_left_is_swept_and_nothing_else_is_touched(office: PostOffice) -> None:
    settings = through(office)
    port, mine = office.imap_port, _owner(settings)
    letters = [
        ("INBOX", leftover(mine, "old and mine"), 7200.0),
        ("Junk", leftover(mine, "old and mine"), 7200.0),
        ("INBOX", leftover(mine, "mine and perhaps still awaited"), 600.0),
        ("INBOX", leftover("0123456789abcdef", "of another monitor"), 7200.0),
        ("INBOX", f"Subject: a letter\r\n\r\nSomebody quotes {OWNER}: {mine}\r\n".encode(), 7200.0),
    ]
    await asyncio.to_thread(put, port, *letters)
    result = await travel(settings)
    assert result.failure is None
    assert [warning.name for warning in result.warnings] == ["leftovers"]
    assert result.warnings[0].text.startswith("2 messages")
    assert sorted(await left_behind(office)) == ["a letter", "mine and perhaps still awaited", "of another monitor"]


async def test_a_server_that_finds_everything_does_not_make_us_delete_everything(office: PostOffice) -> None:
    replies = {
        "CAPABILITY": b"* CAPABILITY IMAP4rev1 UIDPLUS\r\n% OK\r\n",
        "LOGIN": b"% OK\r\n",
        "SELECT": b"* 3 EXISTS\r\n% OK\r\n",
        "UID SEARCH": b"* SEARCH 1 2 3\r\n% OK\r\n",
        "UID FETCH": b'* 1 FETCH (UID 1 INTERNALDATE "01-Jan-2020 00:00:00 +0000" BODY[HEADER.FIELDS (A B)] {2}\r\n\r\n)\r\n% OK\r\n',
    }
    async with rude(answers(b"* OK hi\r\n", replies)) as server:
        result = await travel(through(office, deliver_within="100ms", read={"port": server.port}), timeout=2)
        assert not [line for line in server.heard if "STORE" in line or "EXPUNGE" in line]
        assert (result.failure, result.stage) == (Failure.LOST, "deliver")

        settings = through(office, deliver_within="100ms", read={"port": server.port})
        another = f"{OWNER}: {_owner(settings)}\r\n{TOKEN}: ab\r\n\r\n".encode()
        fetched = b'* 1 FETCH (UID 1 INTERNALDATE "01-Jan-2020 00:00:00 +0000" BODY[] {%d}\r\n%b)\r\n' % (len(another), another)
        replies["UID FETCH"] = fetched + b"% OK\r\n"
        assert (await travel(settings, timeout=2)).failure is Failure.LOST
        assert not [line for line in server.heard if "STORE" in line or "EXPUNGE" in line]


@pytest.mark.parametrize(
    "date", ["yesterday", "01-Foo-2020 00:00:00 +0000", "01-Jan-2020", "31-Feb-2020 00:00:00 +0000", "01-Jan-2020 00:00:00 +9900"]
)
async def test_a_date_that_is_none_is_the_servers_fault(office: PostOffice, date: str) -> None:
    owner = _owner(through(office))
    head = f"{OWNER}: {owner}\r\n{TOKEN}: ab\r\n\r\n".encode()
    fetch = b'* 1 FETCH (UID 1 INTERNALDATE "%b" BODY[X] {%d}\r\n%b)\r\n' % (date.encode(), len(head), head)
    with pytest.raises(ProbeFailed) as caught:
        mail_roundtrip._letter(fetch.rstrip(), owner)
    assert caught.value.failure is Failure.PROTOCOL


def test_a_date_is_read_with_its_zone() -> None:
    assert mail_roundtrip._instant(b" 1-Mar-2026 01:30:00 +0200") == datetime(2026, 2, 28, 23, 30, tzinfo=UTC)
    assert mail_roundtrip._instant(b"01-MAR-2026 01:30:00 -0030") == datetime(2026, 3, 1, 2, 0, tzinfo=UTC)


def test_the_mark_of_a_monitor_holds_no_secret_and_tells_monitors_apart() -> None:
    office = PostOffice(143, port=25)
    assert _owner(through(office)) == _owner(through(office, read={"login": LOGIN | {"password": "other"}}))
    assert _owner(through(office)) != _owner(through(office, read={"mailbox": "Other"}))


@pytest.mark.parametrize("wrong", [{"send": {"rcpt_to": None}}, {"send": {"mail_from": None, "rcpt_to": None}}, {"read": {"login": None}}])
def test_a_way_without_a_beginning_or_an_end_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        through(PostOffice(143, port=25), **wrong)
