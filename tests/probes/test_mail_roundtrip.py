import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from probes import imap, letters, mail_roundtrip
from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.letters import OWNER, TOKEN, Mailbox, sent_at, token
from probes.mail import reach
from probes.mail_roundtrip import _owner
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.rude.certificates import Certificates
from tests.rude.mail import PASSWORD, USER, Mood, PostOffice, empty, put, subjects
from tests.rude.peer import Peer, answers, closed_port, rude

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


EMPTY = {
    "CAPABILITY": b"* CAPABILITY IMAP4rev1 UIDPLUS\r\n% OK\r\n",
    "LOGIN": b"% OK\r\n",
    "SELECT": b"* 0 EXISTS\r\n% OK\r\n",
    "UID SEARCH": b"* SEARCH\r\n% OK\r\n",
    "LOGOUT": b"* BYE see you\r\n% OK\r\n",
}


@pytest.fixture
async def void() -> AsyncIterator[PostOffice]:
    """A real SMTP server from which nothing arrives in the mailbox, a scripted one: for what ends before it would."""
    async with rude(answers(b"* OK hi\r\n", EMPTY)) as mailbox:
        post_office = PostOffice(mailbox.port, mood=Mood.LOSES)
        server = await post_office.serve()
        yield post_office
        server.close()
        await server.wait_closed()


def through(
    office: PostOffice, *, deliver_within: str = "5s", defer_within: str | None = None, **more: dict[str, Any]
) -> mail_roundtrip.Settings:
    sending = {"host": "127.0.0.1", "port": office.port, "tls": "never", "mail_from": "probe@example.net", "rcpt_to": "inbox@example.net"}
    reading = {"host": "127.0.0.1", "port": office.imap_port, "tls": "never", "login": LOGIN, "mailbox": "INBOX", "junk": "Junk"}
    return mail_roundtrip.Settings.model_validate(
        {"deliver_within": deliver_within, "send": sending | more.get("send", {}), "read": reading | more.get("read", {})}
        | ({} if defer_within is None else {"defer_within": defer_within})
    )


async def travel(settings: mail_roundtrip.Settings, timeout: float = 10) -> ProbeResult:
    return await run(mail_roundtrip.KIND, settings, door=Door(), timeout=timeout, started=datetime.now(UTC))


async def left_behind(office: PostOffice) -> list[str]:
    return await asyncio.to_thread(subjects, office.imap_port, "INBOX", "Junk")


async def test_a_message_that_is_delivered_is_found_timed_and_deleted(office: PostOffice) -> None:
    result = await travel(through(office))
    assert (result.failure, result.detail) == (None, "")
    assert 0 < result.facts["delivery_seconds"] < 5
    names = [phase.name for phase in result.phases]
    reading = ["read.connect", "read.greeting", "read.capability", "read.auth", "read.select", "read.sweep"]
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


async def test_a_message_that_never_arrives_is_lost_before_the_time_is_up(void: PostOffice) -> None:
    void.mood = Mood.LOSES
    result = await travel(through(void, deliver_within="300ms"), timeout=1)
    assert (result.failure, result.stage) == (Failure.LOST, "deliver")
    assert result.took < 1


async def test_a_message_that_arrives_too_late_is_delayed_and_deleted(office: PostOffice) -> None:
    office.delay = 0.5
    result = await travel(through(office, deliver_within="200ms"))
    assert (result.failure, result.stage) == (Failure.DELAYED, "deliver")
    assert result.facts["delivery_seconds"] > 0.2
    assert await left_behind(office) == []


async def test_a_timeout_before_the_time_for_delivery_is_over_does_not_say_lost(void: PostOffice) -> None:
    void.mood = Mood.LOSES
    result = await travel(through(void, deliver_within="30s"), timeout=1)
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "deliver")


@pytest.mark.parametrize("mood", [Mood.DELIVERS_TWICE, Mood.DELIVERS_AND_JUNKS])
async def test_a_message_that_arrives_twice_is_good_and_gets_a_warning(office: PostOffice, mood: Mood) -> None:
    office.mood = mood
    result = await travel(through(office))
    await asyncio.gather(*office.on_their_way)
    assert result.failure is None
    copies = len(await left_behind(office)) + [warning.name for warning in result.warnings].count("duplicate")
    assert copies == 1


async def test_every_copy_that_is_there_is_deleted_wherever_it_is(office: PostOffice) -> None:
    settings, attempt = through(office), Attempt(elapsed=lambda: 0.0, allowed=10.0)
    owner, mark = _owner(settings), token(datetime.now(UTC), "0123456789abcdef01234567")
    copies = [(folder, leftover(owner, "mine", mark), 0.0) for folder in ("Junk", "INBOX", "INBOX")]
    await asyncio.to_thread(put, office.imap_port, *copies, ("INBOX", leftover(owner, "of another run", f"{mark[:-1]}8"), 0.0))
    with await reach(settings.read, Door(), attempt) as stream:
        dialogue = await imap.welcomed(settings.read, stream, Door(), attempt)
        mailbox = Mailbox(dialogue, owner, "INBOX", "Junk")
        found = await mailbox.find(mark)
        assert [letter.folder for letter in found] == ["INBOX", "INBOX", "Junk"]
        await mailbox.delete(found)
        await dialogue.leave()
    assert await left_behind(office) == ["of another run"]


async def test_nothing_is_judged_by_the_date_in_the_message(office: PostOffice) -> None:
    office.mood = Mood.DELIVERS_MISDATED
    result = await travel(through(office))
    assert (result.failure, result.warnings) == (None, ())
    assert await left_behind(office) == []


@pytest.mark.parametrize(("mood", "failure"), [(Mood.REJECTS, Failure.REJECTED), (Mood.DEFERS, Failure.DEFERRED)])
async def test_a_message_that_is_not_taken_says_whether_for_good(void: PostOffice, mood: Mood, failure: Failure) -> None:
    void.mood = mood
    result = await travel(through(void, defer_within="0s"))
    assert (result.failure, result.stage) == (failure, "send.data")


# --- greylisting --------------------------------------------------------------------------------------------------------------


async def test_a_message_that_is_put_off_is_brought_again_and_that_is_no_failure(office: PostOffice) -> None:
    office.greylists = 2
    result = await travel(through(office))
    assert (result.failure, result.detail) == (None, "")
    assert (result.facts["deferrals"], [warning.name for warning in result.warnings]) == (2, ["deferred"])
    names = [phase.name for phase in result.phases]
    assert (names.count("send.defer"), names.count("send.rcpt_to")) == (1, 1)
    assert next(phase.took for phase in result.phases if phase.name == "send.defer") >= 1.0
    assert result.facts["delivery_seconds"] < 1.0
    assert len(office.taken) == 1
    assert await left_behind(office) == []


async def test_a_message_that_is_put_off_for_longer_than_allowed_is_deferred(void: PostOffice) -> None:
    void.greylists = 1000
    result = await travel(through(void, defer_within="700ms"))
    assert (result.failure, result.stage) == (Failure.DEFERRED, "send.rcpt_to")
    assert "Greylisted" in result.detail
    assert 0.5 < result.took < 3
    assert void.greylists == 998


async def test_a_message_that_is_put_off_until_the_time_is_up_is_deferred_and_not_a_timeout(void: PostOffice) -> None:
    void.greylists = 1000
    result = await travel(through(void, deliver_within="30s"), timeout=1.5)
    assert (result.failure, result.stage) == (Failure.DEFERRED, "send.rcpt_to")
    assert result.took < 1.5


@pytest.mark.parametrize("greeting", [b"421 too busy\r\n", b"220 mail\r\n"])
async def test_a_server_that_is_too_busy_for_anybody_is_deferred_at_once(void: PostOffice, greeting: bytes) -> None:
    async with rude(answers(greeting, {"EHLO": b"421 closing\r\n"})) as server:
        result = await travel(through(void, send={"port": server.port}))
        assert server.connections == 1
    assert result.failure is Failure.DEFERRED


async def test_a_refusal_for_good_after_one_for_now_is_a_rejection(void: PostOffice) -> None:
    void.greylists, void.mood = 1, Mood.REJECTS
    result = await travel(through(void))
    assert (result.failure, result.stage) == (Failure.REJECTED, "send.data")


async def test_warnings_of_a_try_that_was_put_off_are_not_said_twice(void: PostOffice, certificates: Certificates) -> None:
    tries: list[str] = []

    async def script(peer: Peer) -> None:
        tries.append("try")
        await peer.say(b"220 mail\r\n")
        await peer.hear()
        await peer.say(b"250-mail\r\n250 STARTTLS\r\n")
        await peer.hear()
        await peer.say(b"220 go ahead\r\n250 slipped in\r\n")
        await peer.start_tls(certificates.good())
        await answers(b"", {"EHLO": b"250 hi\r\n", "MAIL": b"451 later\r\n"})(peer)

    async with rude(script) as server:
        result = await travel(through(void, defer_within="700ms", send={"port": server.port, "tls": "starttls", "ca": certificates.ca}))
    assert (result.failure, len(tries)) == (Failure.DEFERRED, 2)
    assert [warning.name for warning in result.warnings] == ["plaintext_before_tls"]


# --- each fault has its class ---------------------------------------------------------------------------------------------------


HELLO = b"250-mail.example.net\r\n250 AUTH PLAIN\r\n"
OFFERS_TLS = b"250-mail.example.net\r\n250 STARTTLS\r\n"
TAKES = {"EHLO": HELLO, "AUTH": b"235 welcome\r\n", "MAIL": b"250 ok\r\n", "RCPT": b"250 ok\r\n", "DATA": b"354 go on\r\n"}


@pytest.mark.parametrize(
    ("greeting", "replies", "send", "failure", "stage"),
    [
        (b"421 too busy\r\n", {}, {}, Failure.DEFERRED, "send.greeting"),
        (b"554 no mail here\r\n", {}, {}, Failure.REJECTED, "send.greeting"),
        (b"220 mail\r\n", {"EHLO": b"421 closing\r\n"}, {}, Failure.DEFERRED, "send.ehlo"),
        (b"220 mail\r\n", {}, {"tls": "starttls"}, Failure.TLS_MISSING, "send.starttls"),
        (b"220 mail\r\n", {"EHLO": OFFERS_TLS, "STARTTLS": b"454 no\r\n"}, {"tls": "starttls"}, Failure.TLS_MISSING, "send.starttls"),
        (b"220 mail\r\n", {"AUTH": b"535 no\r\n"}, {"login": LOGIN}, Failure.AUTH_REJECTED, "send.auth"),
        (b"220 mail\r\n", {"AUTH": b"454 later\r\n"}, {"login": LOGIN}, Failure.AUTH_UNAVAILABLE, "send.auth"),
        (b"220 mail\r\n", {"MAIL": b"451 later\r\n"}, {}, Failure.DEFERRED, "send.mail_from"),
        (b"220 mail\r\n", {"RCPT": b"451 4.7.1 later\r\n"}, {}, Failure.DEFERRED, "send.rcpt_to"),
        (b"220 mail\r\n", {"RCPT": b"421 closing\r\n"}, {}, Failure.DEFERRED, "send.rcpt_to"),
        (b"220 mail\r\n", {"RCPT": b"550 5.1.1 nobody\r\n"}, {}, Failure.REJECTED, "send.rcpt_to"),
        (b"220 mail\r\n", {"DATA": b"451 later\r\n"}, {}, Failure.DEFERRED, "send.data"),
        (b"220 mail\r\n", {"DATA": b"421 closing\r\n"}, {}, Failure.DEFERRED, "send.data"),
        (b"220 mail\r\n", {"DATA": b"250 go on?\r\n"}, {}, Failure.PROTOCOL, "send.data"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", {}, {}, Failure.PROTOCOL, "send.greeting"),
    ],
)
async def test_each_fault_of_sending_has_its_class_and_its_stage(
    void: PostOffice, greeting: bytes, replies: dict[str, bytes], send: dict[str, Any], failure: Failure, stage: str
) -> None:
    async with rude(answers(greeting, TAKES | replies)) as server:
        result = await travel(through(void, defer_within="0s", send={"port": server.port, "tls": "optional"} | send))
    assert (result.failure, result.stage) == (failure, stage)


@pytest.mark.parametrize("side", ["send", "read"])
@pytest.mark.parametrize(("make", "failure"), [("expired", Failure.TLS_EXPIRED), ("of_a_stranger", Failure.TLS_UNTRUSTED)])
async def test_a_bad_certificate_names_its_side(
    void: PostOffice, certificates: Certificates, side: str, make: str, failure: Failure
) -> None:
    async with rude(answers(b"", {}), tls=getattr(certificates, make)()) as server:
        there: dict[str, Any] = {"port": server.port, "tls": "implicit", "ca": certificates.ca}
        result = await travel(through(void, send=there) if side == "send" else through(void, read=there))
    assert (result.failure, result.stage) == (failure, f"{side}.tls")
    assert void.taken == []


async def test_an_offer_of_encryption_in_the_last_line_is_taken(void: PostOffice, certificates: Certificates) -> None:
    async def script(peer: Peer) -> None:
        await peer.drip(b"220 mail\r\n")
        await peer.hear()
        await peer.drip(OFFERS_TLS)
        await peer.hear()
        await peer.say(b"220 go ahead\r\n")
        await peer.start_tls(certificates.good())
        await answers(b"", TAKES | {"RCPT": b"550 5.1.1 nobody\r\n"})(peer)

    async with rude(script) as server:
        result = await travel(through(void, send={"port": server.port, "tls": "starttls", "ca": certificates.ca}))
    assert (result.failure, result.stage) == (Failure.REJECTED, "send.rcpt_to")


async def test_a_recipient_that_is_refused_is_rejected(void: PostOffice) -> None:
    script = answers(b"220 mail\r\n", {"EHLO": b"250 hi\r\n", "MAIL": b"250 ok\r\n", "RCPT": b"550 5.1.1 nobody\r\n"})
    async with rude(script) as server:
        result = await travel(through(void, send={"port": server.port}))
    assert (result.failure, result.stage) == (Failure.REJECTED, "send.rcpt_to")


async def test_where_sending_is_down_the_stage_says_so(void: PostOffice) -> None:
    result = await travel(through(void, send={"port": closed_port()}))
    assert (result.failure, result.stage) == (Failure.REFUSED, "send.connect")


async def test_where_reading_is_down_the_stage_says_so_and_nothing_is_sent(void: PostOffice) -> None:
    result = await travel(through(void, read={"port": closed_port()}))
    assert (result.failure, result.stage) == (Failure.REFUSED, "read.connect")
    assert void.taken == []


async def test_where_our_password_is_refused_the_stage_says_which(office: PostOffice) -> None:
    result = await travel(through(office, read={"login": LOGIN | {"password": "wrong"}}))
    assert (result.failure, result.stage) == (Failure.AUTH_REJECTED, "read.auth")
    script = answers(b"220 mail\r\n", {"EHLO": b"250-hi\r\n250 AUTH PLAIN\r\n", "AUTH": b"535 no\r\n"})
    async with rude(script) as server:
        result = await travel(through(office, send={"port": server.port, "login": LOGIN}))
    assert (result.failure, result.stage) == (Failure.AUTH_REJECTED, "send.auth")


async def test_a_name_that_does_not_exist_and_missing_encryption_name_their_side(void: PostOffice) -> None:
    result = await travel(through(void, send={"host": "does-not-exist.invalid"}))
    assert (result.failure, result.stage) == (Failure.DNS, "send.dns")
    result = await travel(through(void, send={"tls": "starttls"}))
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


def leftover(owner: str, subject: str, mark: str = "5e0be100abcdef") -> bytes:
    """A message of *owner*, sent at the beginning of 2020 where *mark* does not say otherwise."""
    return f"Subject: {subject}\r\n{OWNER}: {owner}\r\n{TOKEN}: {mark}\r\n\r\nold\r\n".encode()


@pytest.mark.parametrize(("mood", "failure"), [(Mood.DELIVERS, None), (Mood.LOSES, Failure.LOST), (Mood.REJECTS, Failure.REJECTED)])
async def test_what_earlier_runs_left_is_swept_and_nothing_else_is_touched(office: PostOffice, mood: Mood, failure: Failure | None) -> None:
    office.mood, settings = mood, through(office, deliver_within="2s")
    port, mine, just_sent = office.imap_port, _owner(settings), token(datetime.now(UTC), "ab")
    messages = [
        ("INBOX", leftover(mine, "old and mine"), 7200.0),
        ("Junk", leftover(mine, "old and mine"), 7200.0),
        ("INBOX", leftover(mine, "mine and perhaps still awaited"), 600.0),
        ("INBOX", leftover(mine, "mine, just sent to a server whose clock is slow", just_sent), 7200.0),
        ("INBOX", leftover("0123456789abcdef", "of another monitor"), 7200.0),
        ("INBOX", f"Subject: a letter\r\n\r\nSomebody quotes {OWNER}: {mine}\r\n".encode(), 7200.0),
    ]
    await asyncio.to_thread(put, port, *messages)
    result = await travel(settings, timeout=3)
    assert result.failure is failure
    assert [warning.name for warning in result.warnings] == ["leftovers"]
    assert result.warnings[0].text.startswith("2 messages")
    kept = ["a letter", "mine and perhaps still awaited", "mine, just sent to a server whose clock is slow", "of another monitor"]
    assert sorted(await left_behind(office)) == kept


async def test_a_message_of_a_run_that_may_take_hours_is_not_swept_from_under_it(office: PostOffice) -> None:
    settings = through(office)
    await asyncio.to_thread(put, office.imap_port, ("INBOX", leftover(_owner(settings), "awaited"), 7200.0))
    assert (await travel(settings, timeout=7200)).failure is None
    assert await left_behind(office) == ["awaited"]


async def test_a_message_that_is_lost_and_comes_after_all_is_swept_by_a_later_run(office: PostOffice) -> None:
    office.mood, settings = Mood.LOSES, through(office, deliver_within="100ms")
    assert (await travel(settings, timeout=2)).failure is Failure.LOST
    await asyncio.to_thread(put, office.imap_port, ("INBOX", office.taken[0], 0.0))
    later = datetime.now(UTC) + timedelta(hours=2)
    office.mood, settings = Mood.REJECTS, through(office, deliver_within="100ms")
    result = await run(mail_roundtrip.KIND, settings, door=Door(), timeout=10, started=later)
    assert (result.failure, [warning.name for warning in result.warnings]) == (Failure.REJECTED, ["leftovers"])
    assert await left_behind(office) == []


def holding(*others: bytes, owner: str, uidplus: bytes = b"") -> dict[str, bytes]:
    """What an IMAP server answers that holds one old message of *owner*, as number 1, and *others* that are marked as deleted."""
    head = f"{OWNER}: {owner}\r\n{TOKEN}: ab\r\n\r\n".encode()
    fetched = b'* 1 FETCH (UID 1 INTERNALDATE "01-Jan-2020 00:00:00 +0000" BODY[X] {%d}\r\n%b)\r\n% OK\r\n'
    return {
        "CAPABILITY": b"* CAPABILITY IMAP4rev1" + uidplus + b"\r\n% OK\r\n",
        "LOGIN": b"% OK\r\n",
        "SELECT": b"* 3 EXISTS\r\n% OK\r\n",
        "UID SEARCH HEADER X-STATUSPAGE-PROBE": b"* SEARCH 1\r\n% OK\r\n",
        "UID SEARCH HEADER X-STATUSPAGE-TOKEN": b"* SEARCH\r\n% OK\r\n",
        "UID SEARCH DELETED": b"* SEARCH 1 " + b" ".join(others) + b"\r\n% OK\r\n",
        "UID FETCH": fetched.replace(b"%d", b"%d" % len(head)).replace(b"%b", head),
        "UID STORE": b"% OK\r\n",
        "UID EXPUNGE": b"% OK\r\n",
        "EXPUNGE": b"% OK\r\n",
    }


@pytest.mark.parametrize(
    ("uidplus", "others", "expunged"),
    [(b" UIDPLUS", (b"2",), ["UID EXPUNGE 1"]), (b"", (), ["EXPUNGE"]), (b"", (b"2",), [])],
)
async def test_what_others_marked_as_deleted_is_never_expunged(
    void: PostOffice, uidplus: bytes, others: tuple[bytes, ...], expunged: list[str]
) -> None:
    replies: dict[str, bytes] = {}
    async with rude(answers(b"* OK hi\r\n", replies)) as server:
        settings = through(void, deliver_within="100ms", read={"port": server.port, "junk": None})
        replies |= holding(*others, owner=_owner(settings), uidplus=uidplus)
        assert (await travel(settings, timeout=1)).failure is Failure.LOST
        said = [line.partition(" ")[2] for line in server.heard]
    assert r"UID STORE 1 +FLAGS.SILENT (\Deleted)" in said
    assert [line for line in said if "EXPUNGE" in line] == expunged


async def test_a_server_that_finds_everything_does_not_make_us_delete_everything(void: PostOffice) -> None:
    replies = holding(owner="0123456789abcdef", uidplus=b" UIDPLUS") | {"UID SEARCH HEADER": b"* SEARCH 1 2 3\r\n% OK\r\n"}
    del replies["UID SEARCH HEADER X-STATUSPAGE-PROBE"], replies["UID SEARCH HEADER X-STATUSPAGE-TOKEN"]
    async with rude(answers(b"* OK hi\r\n", replies)) as server:
        settings = through(void, deliver_within="100ms", read={"port": server.port})
        result = await travel(settings, timeout=1)
        assert (result.failure, result.stage) == (Failure.LOST, "deliver")
        assert [line for line in server.heard if "FETCH" in line]
        now = datetime.now(UTC)
        of_another_run = leftover(_owner(settings), "x", token(now, "ab")).partition(b"\r\n")[2].partition(b"old")[0]
        fetched = b'* 1 FETCH (UID 1 INTERNALDATE "01-Jan-2020 00:00:00 +0000" BODY[] {%d}\r\n%b)\r\n' % (
            len(of_another_run),
            of_another_run,
        )
        replies["UID FETCH"] = fetched + b"% OK\r\n"
        assert (await travel(settings, timeout=1)).failure is Failure.LOST
        assert not [line for line in server.heard if "STORE" in line or "EXPUNGE" in line]


@pytest.mark.parametrize(
    "date", ["yesterday", "01-Foo-2020 00:00:00 +0000", "01-Jan-2020", "31-Feb-2020 00:00:00 +0000", "01-Jan-2020 00:00:00 +9900"]
)
async def test_a_date_that_is_none_is_the_servers_fault(office: PostOffice, date: str) -> None:
    owner = _owner(through(office))
    head = f"{OWNER}: {owner}\r\n{TOKEN}: ab\r\n\r\n".encode()
    fetch = b'* 1 FETCH (UID 1 INTERNALDATE "%b" BODY[X] {%d}\r\n%b)\r\n' % (date.encode(), len(head), head)
    with pytest.raises(ProbeFailed) as caught:
        letters.letter_of(fetch.rstrip(), owner, "INBOX")
    assert caught.value.failure is Failure.PROTOCOL


def test_a_date_is_read_with_its_zone() -> None:
    assert letters.instant(b" 1-Mar-2026 01:30:00 +0200") == datetime(2026, 2, 28, 23, 30, tzinfo=UTC)
    assert letters.instant(b"01-MAR-2026 01:30:00 -0030") == datetime(2026, 3, 1, 2, 0, tzinfo=UTC)


def test_the_mark_of_a_message_says_when_it_was_sent() -> None:
    now = datetime(2026, 3, 1, 2, 0, 7, tzinfo=UTC)
    assert sent_at(token(now, "0123456789abcdef01234567")) == now
    assert sent_at("abc") == sent_at("") == datetime(1970, 1, 1, tzinfo=UTC)


def test_the_mark_of_a_monitor_holds_no_secret_and_tells_monitors_apart() -> None:
    office = PostOffice(143, port=25)
    assert _owner(through(office)) == _owner(through(office, read={"login": LOGIN | {"password": "other"}}))
    assert _owner(through(office)) != _owner(through(office, read={"mailbox": "Other"}))


@pytest.mark.parametrize("wrong", [{"send": {"rcpt_to": None}}, {"send": {"mail_from": None, "rcpt_to": None}}, {"read": {"login": None}}])
def test_a_way_without_a_beginning_or_an_end_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        through(PostOffice(143, port=25), **wrong)
