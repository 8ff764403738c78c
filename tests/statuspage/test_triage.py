"""Triage at the desk: what a caller says in, what is known and what to say out; never that there is no problem."""

from collections.abc import AsyncIterator, Collection
from pathlib import Path

import pytest

from probes.result import Failure
from tests.statuspage.desks import House, housed

SENTENCE = "I see nothing on our side yet. I have recorded your report and am testing from all locations now."


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


async def test_what_is_known_of_a_service_stands_there_with_the_words_to_say(house: House) -> None:
    incident = await house.outage()
    browser = await house.logged_in("anna")
    page = await browser.page("/triage?q=my+mail+is+stuck")
    assert f'href="/incidents/{incident.id}"' in page
    assert "Our monitoring has noticed a problem." in page
    assert "Sending" in page
    assert SENTENCE not in page
    assert "Record the caller" not in page


async def test_where_nothing_is_known_the_caller_is_recorded_and_everything_is_tested_at_once(house: House) -> None:
    await house.all_good()
    asked: list[Collection[str]] = []
    house.probe_now = asked.append
    browser = await house.logged_in("anna")
    page = await browser.page("/triage?q=email")
    assert "Nothing is known of it." in page
    assert "Record the caller, and test now" in page
    assert SENTENCE not in page  # it would not be true yet
    answer = await browser.send("/triage", {"service": "email", "q": "email", "ticket": "T-5"}, of="/triage?q=email")
    assert answer.status == 303
    assert SENTENCE in await browser.page(answer.headers["Location"])
    assert [sorted(one) for one in asked] == [["mailboxes-port", "outgoing-port", "webmail-a-port", "webmail-b-port"]]
    assert [(row.actor, row.subject) for row in await house.audit("log caller")] == [("anna", "email")]
    assert "1 caller whom nothing explains" in await browser.page("/triage?q=email")


async def test_words_that_name_no_service_ask_which_one_is_meant(house: House) -> None:
    await house.all_good()
    page = await (await house.logged_in("anna")).page("/triage?q=the+fax+is+dead")
    assert "No service goes by these words" in page
    assert "Which service does the caller mean?" in page


async def test_a_known_error_is_told_with_what_to_say(house: House) -> None:
    await house.all_good()
    page = await (await house.logged_in("anna")).page("/triage?q=it+comes+back+mailbox+full")
    assert "A known error: Mail comes back with &lt;mailbox full&gt;" in page
    assert "Here is how to make room." in page


async def test_programs_are_told_the_same(house: House) -> None:
    incident = await house.outage()
    phone = await house.program("phone")
    told = await (await phone.get("/triage", q="mail")).json()
    (email,) = told["services"]
    assert told["is_known"]
    assert told["say"].startswith("Our monitoring has noticed a problem.")
    assert (email["id"], email["status"]) == ("email", "partial_outage")
    assert email["capabilities"]["Sending"] == "major_outage"
    assert [one["id"] for one in email["incidents"]] == [incident.id]
    quiet = await (await phone.get("/triage", q="portal")).json()
    assert not quiet["is_known"]
    assert quiet["say"] is None  # asking recorded nothing, and tests nothing


async def test_hostile_words_are_shown_as_they_are(house: House) -> None:
    await house.all_good()
    await house.see("webmail-a", Failure.REFUSED)
    page = await (await house.logged_in("anna")).page("/triage?q=%3Cscript%3Ealert(1)%3C/script%3E+email")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; email" in page


async def test_a_service_that_is_not_there_is_refused(house: House) -> None:
    await house.all_good()
    browser = await house.logged_in("anna")
    answer = await browser.send("/triage", {"service": "fax", "q": "fax"}, of="/triage?q=fax")
    assert answer.status == 422
