"""Advisories at the desk over a real socket: the list, the preview, the forms, and what agents say to callers."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp import ClientResponse
from lxml import html as dom

from incidents.advisory import Advisory
from statuspage.store.people import Role
from tests.statuspage.desks import Browser, House, housed
from tests.statuspage.test_looking_back import configured

HOUR = timedelta(hours=1)
ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


@pytest.fixture
async def anna(house: House) -> Browser:
    return await house.logged_in("anna", Role.LEVEL_ONE)


def local(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%Y-%m-%dT%H:%M}"


def typed(**more: str) -> dict[str, str]:
    return {"name:en": "Storm warning", "service:email": "on", "body:en": "Lines may fail.", **more}


def words(page: str) -> str:
    return " ".join(dom.fromstring(page).text_content().split())


async def published(house: House, browser: Browser, fields: Mapping[str, str] | None = None) -> Advisory:
    answer = await browser.send("/advisories/publish", fields or typed(), of="/advisories/publish")
    assert answer.status == 303, words(await answer.text())
    (advisory,) = house.pipeline.situation.advisories.values()
    assert answer.headers["Location"] == f"/advisories/{advisory.id}"
    return advisory


async def done(browser: Browser, advisory: Advisory, act: str, **fields: str) -> ClientResponse:
    named = {name.replace("__", ":"): value for name, value in fields.items()}
    return await browser.send(f"/advisories/{advisory.id}/{act}", named, of="/advisories/publish")


async def test_what_is_typed_is_published_by_the_desks_clock_on_the_wall(house: House, anna: Browser) -> None:
    advisory = await published(house, anna, typed(ends=local(house.now + 5 * HOUR)))
    assert (advisory.services, advisory.published_by) == (("email",), "anna")
    assert (advisory.starts, advisory.ends) == (house.now, (house.now + 5 * HOUR).replace(second=0, microsecond=0))
    (row,) = await house.audit("publish advisory")
    assert (row.actor, row.subject) == ("anna", advisory.id)
    page = words(await anna.page(f"/advisories/{advisory.id}"))
    assert "Lines may fail." in page
    assert "by anna" in page
    assert "held back until" in page


async def test_the_preview_shows_what_readers_will_see_and_publishes_nothing(house: House, anna: Browser) -> None:
    answer = await anna.send("/advisories/publish", typed(preview="yes"), of="/advisories/publish")
    page = await answer.text()
    assert answer.status == 200
    assert "What readers will see" in words(page)
    assert "until we say otherwise · may affect: Email" in words(page)
    assert dom.fromstring(page).xpath("//input[@name='name:en']/@value") == ["Storm warning"]
    assert house.pipeline.situation.advisories == {}
    assert await house.audit("publish advisory") == []


async def test_a_preview_of_what_makes_no_sense_says_why(house: House, anna: Browser) -> None:
    wrong = typed(preview="yes", ends=local(house.now - HOUR))
    answer = await anna.send("/advisories/publish", wrong, of="/advisories/publish")
    assert answer.status == 422
    assert "It must end after it starts." in words(await answer.text())


async def test_what_is_missing_is_named_beside_its_field_and_nothing_is_lost(anna: Browser) -> None:
    fields = typed(**{"name:en": " ", "starts": "soon"})
    answer = await anna.send("/advisories/publish", fields, of="/advisories/publish")
    page = await answer.text()
    assert answer.status == 422
    root = dom.fromstring(page)
    faults = {node.get("id"): node.text_content() for node in root.xpath("//p[@class='fault']")}
    assert faults == {"fault-name": "Give it a name.", "fault-starts": "Write a day and a time, such as 2026-12-05 22:00."}
    assert root.xpath("//textarea[@name='body:en']")[0].text_content() == "Lines may fail."
    assert len(root.xpath("//input[@name='service:email' and @checked]")) == 1


async def test_words_are_added_times_moved_and_it_is_withdrawn(house: House, anna: Browser) -> None:
    advisory = await published(house, anna)
    assert (await done(anna, advisory, "updates", body__en="It comes nearer.")).status == 303
    ends = house.now + 9 * HOUR
    assert (await done(anna, advisory, "move", starts=local(advisory.starts), ends=local(ends))).status == 303
    now = house.pipeline.situation.advisories[advisory.id]
    assert (now.starts, now.ends) == (advisory.starts, ends.replace(second=0, microsecond=0))
    assert (await done(anna, advisory, "move", starts=local(advisory.starts), ends="")).status == 303
    assert house.pipeline.situation.advisories[advisory.id].ends is None
    assert (await done(anna, advisory, "withdraw", body__en="It has passed.")).status == 303
    page = words(await anna.page(f"/advisories/{advisory.id}"))
    for line in ("It comes nearer.", "It has passed.", "Now holds", "withdrawn by anna"):
        assert line in page
    assert "Withdraw it" not in page
    late = await done(anna, advisory, "updates", body__en="More.")
    assert late.status == 409
    assert "This advisory is over" in words(await late.text())


async def test_an_act_without_words_or_change_is_refused_on_its_page(house: House, anna: Browser) -> None:
    advisory = await published(house, anna)
    empty = await done(anna, advisory, "updates", body__en=" ")
    assert empty.status == 422
    assert "Write what customers should know." in words(await empty.text())
    same = await done(anna, advisory, "move", starts=local(advisory.starts), ends="")
    assert "These are the times that it has." in words(await same.text())


async def test_the_list_has_what_holds_and_what_is_over(house: House, anna: Browser) -> None:
    assert "Nothing is warned of." in await anna.page("/advisories")
    advisory = await published(house, anna)
    assert f'href="/advisories/{advisory.id}"' in await anna.page("/advisories")
    await done(anna, advisory, "withdraw")
    page = words(await anna.page("/advisories"))
    assert "Nothing is warned of." in page
    assert "Withdrawn" in page


async def test_the_queue_and_the_card_of_an_incident_say_what_a_caller_may_be_told(house: House, anna: Browser) -> None:
    assert "Advisories: say to a caller" not in await anna.page("/")
    await published(house, anna)
    assert "Lines may fail." in await anna.page("/")
    incident = await house.outage()
    card = words(await anna.page(f"/incidents/{incident.id}"))
    assert "What we warn of" in card
    assert "Lines may fail." in card


async def test_a_viewer_reads_and_finds_no_form(house: House, anna: Browser) -> None:
    advisory = await published(house, anna)
    viewer = await house.logged_in("vera", Role.VIEWER)
    page = await viewer.page(f"/advisories/{advisory.id}")
    assert "<textarea" not in page
    assert "/advisories/publish" not in await viewer.page("/advisories")


async def test_one_that_never_was_is_not_found(anna: Browser) -> None:
    assert (await anna.get("/advisories/nosuchid0000")).status == 404


async def test_the_page_as_it_was_has_what_was_warned_of_then(house: House, anna: Browser) -> None:
    await house.store.write(configured)
    advisory = await published(house, anna)
    house.now += timedelta(minutes=5)
    then = house.now
    house.now += timedelta(minutes=5)
    await done(anna, advisory, "withdraw")
    house.now += timedelta(minutes=5)
    assert "Storm warning" in await anna.page(f"/as-it-was?at={then:%Y-%m-%dT%H:%M:%SZ}")
    assert "Storm warning" not in await anna.page(f"/as-it-was?at={then + timedelta(minutes=7):%Y-%m-%dT%H:%M:%SZ}")
