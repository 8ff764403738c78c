import asyncio
from base64 import b64encode

import pytest

from probes.result import Failure
from statuspage.demo.company import NAMES, Company, NoSuchThing
from statuspage.demo.deliver import INBOX, JUNK, Mailbox, NotDelivered, count
from statuspage.demo.mailboxes import Mailboxes
from statuspage.demo.modes import Mode
from statuspage.demo.ports import free_address
from tests.statuspage.demo.conftest import Probe

pytestmark = pytest.mark.asyncio(loop_scope="module")

MONITORS = ("submission", "reading", "round-trip", "webmail-form", "portal-home", "storage-greeting")


@pytest.mark.parametrize("monitor", MONITORS)
async def test_a_whole_company_passes_every_probe(probe: Probe, monitor: str) -> None:
    result = await probe(monitor)
    assert result.failure is None, result


@pytest.mark.parametrize(
    ("what", "mode", "monitor", "failure"),
    [
        ("outgoing-mail", Mode.STOPPED, "submission", Failure.REFUSED),
        ("outgoing-mail", Mode.REFUSING, "submission", Failure.REJECTED),
        ("outgoing-mail", Mode.STALLING, "submission", Failure.TIMEOUT),
        ("outgoing-mail", Mode.ERRORS, "submission", Failure.DEFERRED),
        ("outgoing-mail", Mode.LOSING, "submission", None),
        ("outgoing-mail", Mode.LOSING, "round-trip", Failure.LOST),
        ("outgoing-mail", Mode.JUNKING, "submission", None),
        ("outgoing-mail", Mode.JUNKING, "round-trip", Failure.JUNKED),
        ("mailboxes", Mode.STOPPED, "reading", Failure.REFUSED),
        ("mailboxes", Mode.STOPPED, "submission", None),
        ("mailboxes", Mode.REFUSING, "reading", Failure.DEFERRED),
        ("mailboxes", Mode.STALLING, "reading", Failure.TIMEOUT),
        ("webmail", Mode.STOPPED, "webmail-form", Failure.REFUSED),
        ("webmail", Mode.STALLING, "webmail-form", Failure.TIMEOUT),
        ("webmail", Mode.ERRORS, "webmail-form", Failure.STATUS),
        ("webmail", Mode.SLOW, "webmail-form", Failure.SLOW),
        ("portal", Mode.STOPPED, "portal-home", Failure.REFUSED),
        ("portal", Mode.STALLING, "portal-home", Failure.TIMEOUT),
        ("portal", Mode.ERRORS, "portal-home", Failure.STATUS),
        ("portal", Mode.SLOW, "portal-home", Failure.SLOW),
        ("storage", Mode.STOPPED, "storage-greeting", Failure.REFUSED),
        ("storage", Mode.REFUSING, "storage-greeting", Failure.CONTENT),
        ("storage", Mode.STALLING, "storage-greeting", Failure.TIMEOUT),
        ("storage", Mode.STOPPED, "submission", Failure.DEFERRED),
        ("storage", Mode.STOPPED, "webmail-form", Failure.STATUS),
        ("storage", Mode.STOPPED, "portal-home", None),
        ("storage", Mode.STALLING, "submission", Failure.DEFERRED),
        ("storage", Mode.REFUSING, "webmail-form", Failure.STATUS),
    ],
)
async def test_a_broken_server_fails_its_probe_and_a_mended_one_passes(
    company: Company, probe: Probe, what: str, mode: Mode, monitor: str, failure: Failure | None
) -> None:
    await company.break_(what, mode)
    try:
        broken = await probe(monitor, 1.0 if failure is Failure.TIMEOUT else None)
    finally:
        await company.mend(what)
    mended = await probe(monitor)
    assert (broken.failure, mended.failure) == (failure, None), (broken, mended)


async def test_every_mode_that_a_server_offers_can_be_broken_and_mended(company: Company) -> None:
    for server in company.state():
        for mode in server.modes:
            assert await company.break_(server.name, mode) is mode
            assert [one.mode for one in company.state() if one.name == server.name] == [mode]
            assert await company.mend(server.name) == (server.name,)
    assert {one.mode for one in company.state()} == {None}


async def test_mail_accepted_while_the_mailboxes_are_away_arrives_when_they_are_back(company: Company, probe: Probe) -> None:
    await company.break_("mailboxes")
    try:
        await _submit(company)
    finally:
        await company.mend("mailboxes")
    await _until_counts_are_not(company, (0, 0))
    assert (await probe("round-trip")).failure is None


async def test_lost_mail_is_in_no_folder(company: Company) -> None:
    before = await _counts(company)
    await company.break_("outgoing-mail", "losing")
    try:
        await _submit(company)
    finally:
        await company.mend("outgoing-mail")
    await _submit(company)  # what comes after it has arrived: it had its time
    assert await _until_counts_are_not(company, before) == (before[0] + 1, before[1])


async def test_breaking_cuts_those_who_are_connected(company: Company) -> None:
    address = company.addresses["storage"]
    reader, writer = await asyncio.open_connection(address.host, address.port)
    await reader.readline()
    await company.break_("storage")
    try:
        async with asyncio.timeout(2):
            assert await reader.read() == b""
    finally:
        writer.close()
        await company.mend("storage")


async def test_submission_demands_a_login(company: Company) -> None:
    answers = await _converse(company, "EHLO here", "MAIL FROM:<probe@example.net>")
    assert answers[-1].startswith("530 ")


async def test_a_stranger_opens_no_mailbox(company: Company) -> None:
    stranger = Mailbox(address=company.mailbox.address, user=company.mailbox.user, password="guessed")
    with pytest.raises(NotDelivered):
        await count(stranger)


async def test_what_does_not_exist_is_refused_with_the_choices(company: Company) -> None:
    with pytest.raises(NoSuchThing, match="outgoing-mail, mailboxes, webmail, portal, storage"):
        await company.break_("printer")
    with pytest.raises(NoSuchThing, match="stopped, stalling, errors, slow"):
        await company.break_("webmail", "junking")
    with pytest.raises(NoSuchThing, match="or all"):
        await company.mend("printer")
    assert {one.mode for one in company.state()} == {None}


async def test_mending_all_mends_whatever_is_broken(company: Company) -> None:
    await company.break_("portal")
    await company.break_("storage", "stalling")
    assert set(await company.mend("all")) == {"portal", "storage"}
    assert [one.mode for one in company.state()] == [None] * len(NAMES)


async def _counts(company: Company) -> tuple[int, int]:
    return await count(company.mailbox, INBOX), await count(company.mailbox, JUNK)


async def _until_counts_are_not(company: Company, before: tuple[int, int]) -> tuple[int, int]:
    async with asyncio.timeout(5):
        while True:
            if (now := await _counts(company)) != before:
                return now
            await asyncio.sleep(0.05)


async def _submit(company: Company) -> None:
    mailbox = company.mailbox
    plain = b64encode(f"\0{mailbox.user}\0{mailbox.password}".encode()).decode()
    commands = (
        f"AUTH PLAIN {plain}",
        f"MAIL FROM:<{mailbox.user}>",
        f"RCPT TO:<{mailbox.user}>",
        "DATA",
        "Subject: hello\r\n\r\nhello\r\n.",
    )
    answers = await _converse(company, "EHLO here", *commands)
    assert answers[-1].startswith("250 "), answers


async def _converse(company: Company, *commands: str) -> list[str]:
    address = company.addresses["outgoing-mail"]
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        answers = [await _reply(reader)]
        for command in commands:
            writer.write(f"{command}\r\n".encode())
            answers.append(await _reply(reader))
        return answers
    finally:
        writer.close()


async def _reply(reader: asyncio.StreamReader) -> str:
    async with asyncio.timeout(5):
        while (line := (await reader.readline()).decode())[3:4] == "-":
            pass
        return line


async def test_a_mailbox_opens_whatever_letters_its_password_holds() -> None:
    mailbox = Mailbox(address=free_address(), user="probe@example.net", password='--demo "quoted\\" word')
    server = Mailboxes(mailbox)
    try:
        await server.open(None)
        assert await count(mailbox) == 0
    finally:
        await server.close()
