"""Reports of customers over a real socket: kept for the desk, counted once, never public, and answered by mail where they ask for it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import ClientResponse, ClientSession, web
from sqlalchemy import func, select, text

from incidents import regroup
from incidents.model import Status, Subject
from incidents.rollup import standing
from probes.result import Failure
from statuspage.store import reports
from statuspage.store.report_tables import reports as rows
from statuspage.store.reports import AGAIN_AFTER, WAITS_FOR, Heard, Said
from statuspage.store.scope_rows import hide
from statuspage.telling import forms_of
from statuspage.web.beside import Beside
from statuspage.web.proxies import Proxies
from statuspage.web.public import public_app, public_runner
from tests.incidents.world import need, service, topology
from tests.rude.postbox import Letter
from tests.statuspage.desks import Whole
from tests.statuspage.tellings import SITE, House, known, telling

HOUR = timedelta(hours=1)


@dataclass
class Front:
    """The public face, and the browsers of its readers."""

    house: House
    browser: ClientSession

    async def read(self, path: str) -> str:
        async with self.browser.get(path) as answer:
            assert answer.status == 200, path
            return await answer.text()

    async def report(self, service: str = "email", client: str = "203.0.113.7", **fields: str) -> ClientResponse:
        return await self.browser.post(f"/report/{service}", data=fields, headers={"X-Forwarded-For": client})

    async def heard(self) -> list[Heard]:
        now = self.house.world.now
        return list(await self.house.store.read(lambda connection: reports.heard(connection, now - HOUR)))

    async def letters(self, address: str = "anna@example.org") -> list[Letter]:
        await self.house.deliver()
        return self.house.postbox.to(address)


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    async with telling(tmp_path, known()) as house:
        for monitor in ("smtp", "imap", "web"):
            await house.see(monitor, None)
        await house.press.issue()
        forms = forms_of(house.deliverer, house.press, Proxies((ip_network("127.0.0.1"),)))
        beside = Beside(services=house.press.of_service, forms=forms.answer)
        runner = public_runner(public_app(lambda: house.press.shelf, fresh=house.press.fresh, beside=beside))
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            async with ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}", response_class=Whole) as browser:
                yield Front(house, browser)
        finally:
            await runner.cleanup()


# --- what they see --------------------------------------------------------------------------------------------------------------


async def test_somebody_finds_their_service_and_what_we_know_of_it_without_a_script(front: Front) -> None:
    assert 'href="/report/email"' in await front.read("/report")
    page = await front.read("/report/email")
    assert "Our monitoring sees no trouble with it." in page
    assert "Sending: does not work" in page
    assert 'method="post" action="/report/email"' in page
    assert '<meta name="robots" content="noindex">' in page


async def test_it_is_not_just_them_while_an_incident_is_open(front: Front) -> None:
    incident = await front.house.outage()
    await front.house.press.issue()
    page = await front.read("/report/email")
    assert "It is not just you: we know of this, and are working on it." in page
    assert incident.name in page
    assert incident.name not in await front.read("/report/portal")
    for _ in range(2):
        await front.house.see("smtp", None)
    await front.house.press.issue()
    page = await front.read("/report/email")
    assert "It had trouble and works again; we keep watching." in page
    assert "are working on it" not in page


async def test_there_is_nothing_to_report_about_what_there_is_not(front: Front) -> None:
    assert (await front.report("nothing")).status == 404
    assert (await front.report("email/more")).status in (404, 405)
    async with front.browser.get("/report/nothing") as answer:
        assert answer.status == 404


async def test_a_german_reader_is_answered_and_written_to_in_german(front: Front) -> None:
    press = front.house.press
    press.forget(replace(press.site, languages=("en", "de")), press.public_ids, press.stale_after)
    front.house.deliverer.letters.site = press.site
    await press.issue()
    page = await front.read("/de/report/email")
    assert "Liegt es an mir?" in page
    assert 'action="/de/report/email"' in page
    async with front.browser.post("/de/report/email", data={"symptom": "slow", "contact": "anna@example.org"}) as answer:
        assert "Danke, Ihre Meldung liegt unserem Team vor" in await answer.text()
    (heard,) = await front.heard()
    assert heard.symptoms == [("It is slow", 1)], "the desk reads one language"
    incident = await front.house.outage()
    await front.house.pass_by(121)
    (letter,) = await front.letters()
    assert letter.subject == f"Sie hatten recht: {incident.name}"
    assert "Wir wissen jetzt davon" in letter.text


# --- what becomes of it ---------------------------------------------------------------------------------------------------------


async def test_a_report_stands_at_the_desk_and_changes_nothing_in_public(front: Front) -> None:
    shelf = await front.house.press.issue()
    before = {path: finished.body for path, finished in shelf.files.items()}
    answer = await front.report(symptom="able-0", words="Mail to <b>gmail</b> bounces\n\nsince nine")
    assert answer.status == 200
    assert "Thank you, your report is with our desk" in await answer.text()
    (heard,) = await front.heard()
    assert (heard.service, heard.count, heard.symptoms) == ("email", 1, [("Sending", 1)])
    assert [words.replace("\n", " ").split() for words in heard.words] == [["Mail", "to", "<b>gmail</b>", "bounces", "since", "nine"]]
    after = await front.house.press.issue()
    assert {path: finished.body for path, finished in after.files.items()} == before
    assert front.house.pipeline.situation.incidents == {}
    assert standing(front.house.pipeline.situation, Subject.SERVICE, "email") is Status.OPERATIONAL


async def test_one_click_is_enough(front: Front) -> None:
    assert (await front.report()).status == 200
    (heard,) = await front.heard()
    assert (heard.count, heard.symptoms, heard.words) == (1, [], [])


async def test_who_reports_again_within_the_hour_is_counted_once_and_said_better(front: Front) -> None:
    await front.report(symptom="slow", words="slow")
    front.house.world.wait(60)
    await front.report(symptom="able-1", words="I meant this")
    await front.report(client="203.0.113.8", symptom="able-1")
    (heard,) = await front.heard()
    assert (heard.count, heard.symptoms, heard.words) == (2, [("Receiving", 2)], ["I meant this"])
    front.house.world.wait(AGAIN_AFTER.total_seconds() + 1)
    await front.report(symptom="slow")
    (heard,) = await front.heard()
    assert heard.count == 1, "an hour ago is not lately"


async def test_services_stand_by_how_often_they_were_reported(front: Front) -> None:
    await front.report("email")
    for number in range(3):
        await front.report("portal", client=f"203.0.113.{number}")
    assert [(one.service, one.count) for one in await front.heard()] == [("portal", 3), ("email", 1)]


@pytest.mark.parametrize("symptom", ["able-7", "<script>", "", "able--1"])
async def test_a_symptom_that_nobody_offered_is_none(front: Front, symptom: str) -> None:
    assert (await front.report(symptom=symptom)).status == 200
    (heard,) = await front.heard()
    assert heard.symptoms == []


async def test_a_program_that_fills_in_everything_is_thanked_and_not_counted(front: Front) -> None:
    assert (await front.report(website="http://spam.example")).status == 200
    assert await front.heard() == []


async def test_a_form_of_another_site_is_not_taken(front: Front) -> None:
    async with front.browser.post("/report/email", data={}, headers={"Sec-Fetch-Site": "cross-site"}) as answer:
        assert answer.status == 403
        assert "This form was sent from another site." in await answer.text()
    assert await front.heard() == []


async def test_a_flood_from_one_place_is_stopped_and_nobody_else_with_it(front: Front) -> None:
    answers = [(await front.report(client="198.51.100.1")).status for _ in range(12)]
    assert answers == [200] * 10 + [429] * 2
    assert (await front.report(client="198.51.100.2")).status == 200
    (heard,) = await front.heard()
    assert heard.count == 2


async def test_an_address_that_is_none_is_refused_with_what_to_mend_and_kept_nowhere(front: Front) -> None:
    answer = await front.report(contact="anna at example")
    assert answer.status == 422
    assert "An address has a name, an @ and a domain" in await answer.text()
    assert await front.heard() == []


# --- who was right hears of it --------------------------------------------------------------------------------------------------


async def test_who_was_right_is_told_so_and_that_it_works_again_and_then_forgotten(front: Front) -> None:
    reported_at = front.house.world.now
    await front.report(contact="anna@example.org", symptom="able-0")
    front.house.world.wait(300)
    incident = await front.house.outage()
    await front.house.pass_by(121)
    (first,) = await front.letters()
    assert first.subject == f"You were right: {incident.name}"
    local = (reported_at + timedelta(hours=1)).strftime("%H:%M")
    assert local in first.text
    assert f"/incidents/{incident.id}" in first.text
    assert first.message["Auto-Submitted"] == "auto-generated"
    await front.house.see("smtp", None)
    await front.house.pass_by(301)
    _, last = await front.letters()
    assert last.subject == f"You were right, and it works again: {incident.name}"
    everything = await front.house.store.read(
        lambda connection: str(
            [connection.execute(text(f"SELECT * FROM {name}")).all() for name in ("reports", "notifications", "outbox", "asked")]
        )
    )
    assert "anna" not in everything
    front.house.world.wait(300)
    await front.house.outage()
    await front.house.pass_by(121)
    assert len(await front.letters()) == 2


async def test_what_was_over_before_anybody_was_written_to_is_answered_in_one_letter(front: Front) -> None:
    await front.report(contact="anna@example.org")
    await front.house.outage()
    await front.house.see("smtp", None)
    await front.house.pass_by(301)
    (letter,) = await front.letters()
    assert letter.subject.startswith("You were right, and it works again")


async def test_who_was_right_about_what_goes_on_in_another_incident_hears_of_its_end_and_not_before(front: Front) -> None:
    await front.report("portal", contact="anna@example.org")
    mail = await front.house.outage()
    await front.house.see("web", Failure.REFUSED)
    (portal,) = (one for one in front.house.pipeline.situation.incidents if one != mail.id)
    await front.house.pass_by(121)
    assert [one.subject.split(":")[0] for one in await front.letters()] == ["You were right"]
    await front.house.pipeline.act(partial(regroup.merge, incident=portal, into=mail.id, by="ada"))
    await front.house.pass_by(121)
    assert len(await front.letters()) == 1
    for monitor in ("smtp", "web"):
        await front.house.see(monitor, None)
    await front.house.resolve(mail.id, "It works.")
    _, last = await front.letters()
    assert last.subject == f"You were right, and it works again: {mail.name}"


async def test_who_was_right_reads_no_name_of_a_service_that_is_not_for_them(tmp_path: Path) -> None:
    both = topology([service("email", need("smtp")), service("payroll", need("smtp"))], stale_after=timedelta(days=99))
    async with telling(tmp_path, both) as house:
        hidden = await house.store.write(lambda connection: hide(connection, {"payroll"}, {"email"}))
        house.press.forget(SITE, house.press.public_ids, 120.0, hidden)
        said, at = Said(symptom="", words="", language="en"), house.world.now
        await house.store.write(lambda connection: reports.report(connection, "email", said, client="c", contact="anna@example.org", at=at))
        await house.see("smtp", None)
        await house.see("smtp", Failure.REFUSED)
        await house.pass_by(121)
        await house.deliver()
        (letter,) = house.postbox.to("anna@example.org")
        assert letter.subject == "You were right: Problem with Email"
        assert "payroll" not in f"{letter.text} {letter.html}".lower()


async def test_who_reported_another_service_or_long_before_is_not_told_that_they_were_right(front: Front) -> None:
    await front.report("portal", contact="otto@example.org", client="203.0.113.1")
    await front.report(contact="anna@example.org")
    front.house.world.wait(3 * HOUR.total_seconds())
    await front.house.outage()
    await front.house.pass_by(121)
    assert await front.letters() == []
    assert await front.letters("otto@example.org") == []


async def test_a_stranger_is_not_flooded_through_the_form(front: Front) -> None:
    for number in range(6):
        await front.report(contact="victim@example.org", client=f"203.0.113.{number}")
    await front.house.outage()
    await front.house.pass_by(121)
    assert len(await front.letters("victim@example.org")) == 3


async def test_an_address_that_nobody_proved_right_is_forgotten_after_two_weeks_and_the_report_later(front: Front) -> None:
    await front.report(contact="anna@example.org", words="It does not work.")
    store, world = front.house.store, front.house.world
    world.wait((WAITS_FOR + HOUR).total_seconds())
    long_ago = world.now - timedelta(days=180)
    await store.write(lambda connection: reports.prune_reports(connection, world.now, long_ago, 100))
    kept = await store.read(lambda connection: connection.execute(select(rows.c.words, rows.c.contact)).all())
    assert [tuple(row) for row in kept] == [("It does not work.", None)]
    await store.write(lambda connection: reports.prune_reports(connection, world.now, world.now, 100))
    assert await store.read(lambda connection: connection.execute(select(func.count()).select_from(rows)).scalar_one()) == 0
