"""Planned work at the desk over a real socket: the list, the forms, and what each of them does."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest
from aiohttp import ClientResponse
from lxml import html as dom

from incidents.maintenance import Maintenance, MaintenanceState
from incidents.planned.conduct import Conduct
from incidents.times.calendars import Calendar
from probes.result import Failure
from statuspage.store.people import Role
from statuspage.web.desk import PlanningPolicy
from tests.statuspage.desks import START, Browser, House, housed

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NIGHT = START + 4 * DAY + 12 * HOUR  # a Friday, 20:00 UTC
ZONE = ZoneInfo("Europe/Berlin")
OFFICE = Calendar(timezone="UTC", weekly=dict.fromkeys(range(5), ((480, 1080),)))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


@pytest.fixture
async def anna(house: House) -> Browser:
    return await house.logged_in("anna")


def local(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%Y-%m-%dT%H:%M}"


def typed(starts: datetime = NIGHT, hours: float = 2, **more: str) -> dict[str, str]:
    return {
        "name": "Patches",
        "service:email": "on",
        "component:outgoing": "on",
        "starts": local(starts),
        "ends": local(starts + hours * HOUR),
        "body": "Sending may pause.",
        **more,
    }


async def planned(house: House, browser: Browser, fields: Mapping[str, str] | None = None) -> Maintenance:
    before = set(house.pipeline.situation.maintenances)
    answer = await browser.send("/maintenance/plan", fields or typed(), of="/maintenance/plan")
    assert answer.status == 303, words(await answer.text())
    (id_,) = set(house.pipeline.situation.maintenances) - before
    assert answer.headers["Location"] == f"/maintenance/{id_}"
    return house.pipeline.situation.maintenances[id_]


async def done(browser: Browser, window: Maintenance, act: str, **fields: str) -> ClientResponse:
    return await browser.send(f"/maintenance/{window.id}/{act}", fields, of="/maintenance/plan")


def now(house: House, window: Maintenance) -> Maintenance:
    return house.pipeline.situation.maintenances[window.id]


def words(page: str) -> str:
    return " ".join(dom.fromstring(page).text_content().split())


async def begun(house: House, browser: Browser) -> Maintenance:
    """A window that runs, with everything known to work before it began."""
    await house.all_good()
    window = await planned(house, browser, typed(house.now + HOUR, hours=0.9))
    house.now = window.starts + timedelta(minutes=1)
    await house.all_good()
    assert now(house, window).state is MaintenanceState.IN_PROGRESS
    return window


async def test_what_was_typed_is_planned_by_the_desks_clock_on_the_wall(house: House, anna: Browser) -> None:
    window = await planned(house, anna)
    assert (window.starts, window.ends) == (NIGHT, NIGHT + 2 * HOUR)
    assert (window.services, window.components, window.planned_by) == (("email",), ("outgoing",), "anna")
    (row,) = await house.audit("plan maintenance")
    assert (row.actor, row.subject) == ("anna", window.id)
    page = words(await anna.page(f"/maintenance/{window.id}"))
    assert "Planned byanna" in page
    assert "Sending may pause." in page


async def test_an_instant_with_a_zone_of_its_own_counts_by_that(house: House, anna: Browser) -> None:
    window = await planned(house, anna, typed() | {"starts": f"{NIGHT:%Y-%m-%dT%H:%M}Z"})
    assert window.starts == NIGHT


async def test_the_list_shows_what_is_planned_and_the_way_to_plan_more(house: House, anna: Browser) -> None:
    empty = await anna.page("/maintenance")
    assert "Nothing is planned." in empty
    assert 'href="/maintenance/plan"' in empty
    window = await planned(house, anna)
    page = await anna.page("/maintenance")
    assert f'href="/maintenance/{window.id}"' in page
    assert "planned by anna" in page
    await done(anna, window, "cancel", body="Not now.")
    assert "Cancelled" in (await anna.page("/maintenance")).partition("The last 30 days")[2]


async def test_a_form_that_makes_no_sense_comes_back_with_all_that_was_typed(house: House, anna: Browser) -> None:
    fields = typed(name="", ends="tomorrow", body="Sending may <b>pause</b>.")
    answer = await anna.send("/maintenance/plan", fields, of="/maintenance/plan")
    assert answer.status == 422
    page = dom.fromstring(await answer.text())
    for name in ("name", "ends"):
        (fault,) = page.xpath(f"//*[@id='fault-{name}']")
        assert fault.text_content().strip()
        assert page.xpath(f"//*[@name='{name}']/@aria-describedby") == [f"fault-{name}"]
    assert not page.xpath("//*[@id='fault-starts']")
    assert page.xpath("//textarea/text()") == ["Sending may <b>pause</b>."]
    assert page.xpath("//input[@name='ends']/@value") == ["tomorrow"]
    assert page.xpath("//input[@checked]/@name") == ["service:email", "component:outgoing"]
    assert not house.pipeline.situation.maintenances


async def test_what_cannot_be_is_said_in_words(anna: Browser) -> None:
    answer = await anna.send("/maintenance/plan", typed(hours=-1), of="/maintenance/plan")
    assert answer.status == 422
    assert "It must end after it starts." in await answer.text()


async def test_the_policys_reasons_stand_in_the_form_and_only_a_manager_may_pass_over_them(house: House, anna: Browser) -> None:
    conduct = Conduct(hours=OFFICE, notice=3 * DAY, notice_from=HOUR)
    house.planning_policy = PlanningPolicy(conducts=MappingProxyType({"email": conduct}), needs_approval=False)
    soon = START + 27 * HOUR  # tomorrow, in office hours
    answer = await anna.send("/maintenance/plan", typed(soon), of="/maintenance/plan")
    page = await answer.text()
    assert answer.status == 422
    assert page.count("fault-starts") >= 2
    assert "Nothing that you typed is lost." in page
    assert 'name="override"' not in page
    forced = await anna.send("/maintenance/plan", typed(soon, override="I want to"), of="/maintenance/plan")
    assert forced.status == 403
    assert "Only a manager" in await forced.text()
    boss = await house.logged_in("bea", Role.MANAGER)
    assert 'name="override"' in await boss.page("/maintenance/plan")
    window = await planned(house, boss, typed(soon, override="The vendor has no other day."))
    assert (window.override_reason, window.override_by) == ("The vendor has no other day.", "bea")
    assert "passed over by bea" in await anna.page(f"/maintenance/{window.id}")


async def test_where_duties_are_separated_another_manager_approves(house: House, anna: Browser) -> None:
    house.planning_policy = PlanningPolicy(conducts=MappingProxyType({}), needs_approval=True)
    assert "once another manager has approved it" in await anna.page("/maintenance/plan")
    boss = await house.logged_in("bea", Role.MANAGER)
    window = await planned(house, boss)
    address = f"/maintenance/{window.id}"
    assert "waits for approval" in await boss.page(address)
    assert f'action="{address}/approve"' not in await boss.page(address)
    assert f'action="{address}/approve"' not in await anna.page(address)
    own = await done(boss, window, "approve")
    assert "Another person than the one who planned it must approve." in await own.text()
    other = await house.logged_in("cleo", Role.MANAGER)
    assert f'action="{address}/approve"' in await other.page(address)
    assert (await done(other, window, "approve")).status == 303
    assert now(house, window).approved_by == "cleo"
    assert "waits for approval" not in await anna.page(address)


async def test_it_is_moved_and_both_promises_stand_on_its_page(house: House, anna: Browser) -> None:
    window = await planned(house, anna)
    answer = await done(anna, window, "reschedule", starts=local(NIGHT + DAY), ends=local(NIGHT + DAY + HOUR))
    assert answer.status == 303
    assert now(house, window).starts == NIGHT + DAY
    page = await anna.page(f"/maintenance/{window.id}")
    assert len(dom.fromstring(page).xpath("//section[@aria-labelledby='promises']//li")) == 2
    assert "moved to" in page
    (row,) = await house.audit("reschedule maintenance")
    assert row.subject == window.id


async def test_a_move_that_is_refused_keeps_what_was_typed(house: House, anna: Browser) -> None:
    window = await planned(house, anna)
    answer = await done(anna, window, "reschedule", starts=local(NIGHT), ends=local(NIGHT - HOUR), body="Sorry.")
    assert answer.status == 422
    page = dom.fromstring(await answer.text())
    assert "It must end after it starts." in page.text_content()
    assert page.xpath("//*[@id='r-ends']/@value") == [local(NIGHT - HOUR)]
    assert page.xpath("//*[@id='r-body']/text()") == ["Sorry."]


async def test_one_that_runs_is_on_the_queue_and_may_be_extended_or_finished(house: House, anna: Browser) -> None:
    window = await begun(house, anna)
    queue = await anna.page("/")
    assert "Planned work" in queue
    assert f'href="/maintenance/{window.id}"' in queue
    page = await anna.page(f"/maintenance/{window.id}")
    assert "In progress" in page
    assert f'action="/maintenance/{window.id}/reschedule"' not in page
    assert (await done(anna, window, "extend", ends=local(window.ends + HOUR), body="A disk is slow.")).status == 303
    assert now(house, window).ends == window.ends + HOUR
    assert (await done(anna, window, "finish", body="All patched.")).status == 303
    await house.all_good()
    assert window.id not in house.pipeline.situation.maintenances
    assert "All patched." in await anna.page(f"/maintenance/{window.id}")


async def test_the_queue_says_why_one_may_be_finished_early(house: House, anna: Browser) -> None:
    window = await begun(house, anna)
    assert "It may be finished early." not in await anna.page("/")
    await house.see("outgoing", Failure.REFUSED)
    await house.see("outgoing", None)
    for page in (await anna.page("/"), await anna.page(f"/maintenance/{window.id}")):
        assert "It may be finished early." in page
        assert "Everything works again since" in page


async def test_an_id_that_nothing_has_is_a_page_that_says_so(anna: Browser) -> None:
    unknown = await anna.get("/maintenance/nosuchwindow")
    assert unknown.status == 404
    assert "There is no maintenance with this id." in await unknown.text()
    assert (await anna.send("/maintenance/nosuchwindow/cancel", of="/maintenance/plan")).status == 404


async def test_a_viewer_sees_everything_and_finds_no_form(house: House, anna: Browser) -> None:
    window = await planned(house, anna)
    viewer = await house.logged_in("vera", Role.VIEWER)
    assert 'href="/maintenance/plan"' not in await viewer.page("/maintenance")
    assert f'action="/maintenance/{window.id}' not in await viewer.page(f"/maintenance/{window.id}")
    assert (await viewer.get("/maintenance/plan")).status == 403


async def test_a_form_without_its_token_does_nothing(house: House, anna: Browser) -> None:
    window = await planned(house, anna)
    answer = await anna.submit("POST", f"/maintenance/{window.id}/cancel", {"form_token": "made up"}, of="/")
    assert answer.status == 403
    assert now(house, window).state is MaintenanceState.SCHEDULED


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "{{ 7 * 7 }}", "a\u202eb", '" autofocus onfocus="alert(1)'])
async def test_hostile_words_stay_words(house: House, anna: Browser, hostile: str) -> None:
    window = await planned(house, anna, typed(name=f"x{hostile}", body=f"y{hostile}"))
    for path in ("/", "/maintenance", f"/maintenance/{window.id}"):
        page = await anna.page(path)
        assert "<script>alert" not in page
        assert "49" not in words(page)
        assert "\u202e" not in page
        assert not dom.fromstring(page).xpath("//*[@onfocus]")


async def test_of_two_who_end_it_one_is_told_that_it_is_over(house: House, anna: Browser) -> None:
    window = await planned(house, anna)
    other = await house.logged_in("bert")
    assert (await done(anna, window, "cancel")).status == 303
    late = await done(other, window, "cancel")
    assert late.status == 404
    assert "not over" in await late.text()
