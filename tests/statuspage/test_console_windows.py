"""Planned work at the desk over a real socket: the list, the forms, and what each of them does."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
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


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"name": " "}, "name", "Give it a name."),
        ({"name": "x" * 201}, "name", "write at most 200 characters"),
        ({"body": ""}, "body", "Write what customers will notice."),
        ({"starts": ""}, "starts", "Write a day and a time, such as 2026-12-05 22:00."),
        ({"ends": "1780000000"}, "ends", "Write a day and a time, such as 2026-12-05 22:00."),
        ({"ends": local(NIGHT - HOUR)}, "ends", "It must end after it starts."),
        ({"starts": local(START - DAY)}, "starts", "It must start now or later."),
        ({"service:fax": "on"}, "services", "There is no service 'fax'."),
        ({"component:fax": "on"}, "components", "There is no component 'fax'."),
    ],
)
async def test_what_is_wrong_is_said_in_words_beside_its_field(
    house: House, anna: Browser, change: Mapping[str, str], field: str, sentence: str
) -> None:
    answer = await anna.send("/maintenance/plan", typed() | dict(change), of="/maintenance/plan")
    assert answer.status == 422
    page = dom.fromstring(await answer.text())
    faults = {fault.get("id"): fault.text_content() for fault in page.xpath("//*[@class='fault']")}
    assert sentence in faults[f"fault-{field}"]
    assert page.xpath(f"//*[@aria-describedby='fault-{field}']")
    assert not house.pipeline.situation.maintenances


async def test_a_form_with_nothing_in_it_is_told_everything_at_once(anna: Browser) -> None:
    answer = await anna.send("/maintenance/plan", of="/maintenance/plan")
    page = dom.fromstring(await answer.text())
    assert page.xpath("//*[@class='fault']/@id") == ["fault-name", "fault-services", "fault-starts", "fault-ends", "fault-body"]
    assert "characters" not in words(await answer.text())  # nobody is told how many characters nothing lacks


async def test_the_policys_reasons_stand_in_the_form_and_only_a_manager_may_pass_over_them(house: House, anna: Browser) -> None:
    conduct = Conduct(hours=OFFICE, notice=3 * DAY, notice_from=HOUR)
    house.planning_policy = PlanningPolicy(conducts=MappingProxyType({"email": conduct}), needs_approval=False)
    soon = START + 27 * HOUR  # tomorrow, in office hours
    answer = await anna.send("/maintenance/plan", typed(soon), of="/maintenance/plan")
    page = await answer.text()
    assert answer.status == 422
    reasons = dom.fromstring(page).xpath("//*[@id='trouble']//li")
    assert [reason.text_content().partition(":")[0] for reason in reasons] == ["Email", "Email"]
    assert "announced 3 d ahead" in page
    assert "business hours on 2026-03-03" in page
    assert "ask a manager" in page
    assert 'name="override"' not in page
    forced = await anna.send("/maintenance/plan", typed(soon, override="I want to"), of="/maintenance/plan")
    assert forced.status == 403
    assert "Only a manager" in await forced.text()
    boss = await house.logged_in("bea", Role.MANAGER)
    assert 'name="override"' not in await boss.page("/maintenance/plan")
    offered = dom.fromstring(await (await boss.send("/maintenance/plan", typed(soon), of="/maintenance/plan")).text())
    assert offered.xpath("//label[@for='override']")
    assert offered.xpath("//input[@name='starts']/@value") == [local(soon)]
    nothing = await boss.send("/maintenance/plan", typed(soon, override="x" * 201), of="/maintenance/plan")
    assert dom.fromstring(await nothing.text()).xpath("//*[@id='fault-override']")
    window = await planned(house, boss, typed(soon, override="The vendor has no other day."))
    assert (window.override_reason, window.override_by) == ("The vendor has no other day.", "bea")
    assert "passed over by bea" in await anna.page(f"/maintenance/{window.id}")


async def test_where_duties_are_separated_another_manager_approves(house: House, anna: Browser) -> None:
    house.planning_policy = PlanningPolicy(conducts=MappingProxyType({}), needs_approval=True)
    assert "once a manager other than you has approved it" in await anna.page("/maintenance/plan")
    boss = await house.logged_in("bea", Role.MANAGER)
    window = await planned(house, boss)
    address = f"/maintenance/{window.id}"
    assert "by a manager other than bea" in await boss.page(address)
    for page in ("/", "/maintenance"):
        assert "waits for approval" in await anna.page(page)
    assert f'action="{address}/approve"' not in await boss.page(address)
    assert f'action="{address}/approve"' not in await anna.page(address)
    own = await done(boss, window, "approve")
    assert "Another person than the one who planned it must approve." in await own.text()
    other = await house.logged_in("cleo", Role.MANAGER)
    assert f'action="{address}/approve"' in await other.page(address)
    assert (await done(other, window, "approve")).status == 303
    assert now(house, window).approved_by == "cleo"
    assert "waits for approval" not in await anna.page(address)
    lines = [
        " ".join(line.text_content().split()) for line in dom.fromstring(await anna.page(address)).xpath("//ol[@class='timeline']/li/p[1]")
    ]
    assert [line.partition(" ")[2] for line in lines[1:]] == [
        "Mar, 09:00:00 Approved cleo",
        "Mar, 09:00:00 Planned from 6 Mar, 21:00:00 to 6 Mar, 23:00:00 bea",
    ]
    assert lines[0].endswith("planned for 6 March 2026, 20:00–22:00 UTC cleo public")


async def test_an_approval_that_comes_too_late_for_the_notice_is_refused_and_asks_for_a_reason(house: House, anna: Browser) -> None:
    house.planning_policy = PlanningPolicy(conducts=MappingProxyType({}), needs_approval=True)
    window = await planned(house, anna)
    house.now = window.starts - DAY
    boss = await house.logged_in("bea", Role.MANAGER)
    refused = await done(boss, window, "approve")
    page = await refused.text()
    assert refused.status == 422
    assert "Email: work of 1 h or longer is announced 3 d ahead; this is 1 d ahead." in page
    assert dom.fromstring(page).xpath("//section[@aria-labelledby='approve']//input[@id='a-override']")
    assert not now(house, window).is_public
    assert (await done(boss, window, "approve", override="Nobody was here.")).status == 303
    assert (now(house, window).approved_by, now(house, window).override_by) == ("bea", "bea")
    assert "Policy overridden: Nobody was here." in words(await boss.page(f"/maintenance/{window.id}"))


async def test_it_is_moved_and_both_promises_stand_on_its_page(house: House, anna: Browser) -> None:
    window = await planned(house, anna)
    answer = await done(anna, window, "reschedule", starts=local(NIGHT + DAY), ends=local(NIGHT + DAY + HOUR))
    assert answer.status == 303
    assert now(house, window).starts == NIGHT + DAY
    page = await anna.page(f"/maintenance/{window.id}")
    assert len(dom.fromstring(page).xpath("//section[@aria-labelledby='promises']//li")) == 2
    assert "moved to" in page
    assert "Now planned from 7 Mar, 21:00:00 to 7 Mar, 22:00:00 anna" in words(page)
    (row,) = await house.audit("reschedule maintenance")
    assert row.subject == window.id


async def test_a_move_that_is_refused_keeps_what_was_typed(house: House, anna: Browser) -> None:
    window = await planned(house, anna)
    answer = await done(anna, window, "reschedule", starts=local(NIGHT), ends=local(NIGHT - HOUR), body="Sorry.")
    assert answer.status == 422
    page = dom.fromstring(await answer.text())
    assert [fault.text_content() for fault in page.xpath("//*[@id='fault-ends']")] == ["It must end after it starts."]
    assert page.xpath("//*[@aria-describedby='fault-ends']/@id") == ["r-ends"]
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
    answers = await asyncio.gather(done(anna, window, "cancel", body="Not now."), done(other, window, "cancel", body="Not now."))
    assert sorted(answer.status for answer in answers) == [303, 409]
    (late,) = [answer for answer in answers if answer.status == 409]
    page = words(await late.text())
    assert "This window is over" in page
    assert page.count("Not now.") == 1
    assert [row.detail.get("refused") is None for row in await house.audit("cancel maintenance")] == [True, False]


async def seen(browser: Browser, window: Maintenance) -> str:
    """What the window's page lets its forms carry along."""
    return str(dom.fromstring(await browser.page(f"/maintenance/{window.id}")).xpath("//input[@name='seen']/@value")[0])


async def test_of_two_who_move_it_the_second_is_told_before_anything_is_undone(house: House, anna: Browser) -> None:
    window = await planned(house, anna)
    other = await house.logged_in("bert")
    before = await seen(other, window)
    first = {"starts": local(NIGHT + DAY), "ends": local(NIGHT + DAY + HOUR), "seen": await seen(anna, window)}
    assert (await done(anna, window, "reschedule", **first)).status == 303
    second = {"starts": local(NIGHT), "ends": local(NIGHT + 3 * HOUR), "body": "It takes longer."}
    late = await done(other, window, "reschedule", **second, seen=before)
    assert late.status == 409
    page = dom.fromstring(await late.text())
    assert "now it is planned for 7 March 2026, 20:00–21:00 UTC" in page.text_content()
    assert page.xpath("//*[@id='r-body']/text()") == ["It takes longer."]
    assert now(house, window).starts == NIGHT + DAY
    (anew,) = page.xpath("//form[contains(@action, 'reschedule')]/input[@name='seen']/@value")
    assert (await done(other, window, "reschedule", **second, seen=anew)).status == 303
    assert now(house, window).starts == NIGHT


async def test_who_extends_what_somebody_has_just_finished_is_told(house: House, anna: Browser) -> None:
    window = await begun(house, anna)
    await house.see("outgoing", Failure.REFUSED)
    other = await house.logged_in("bert")
    before = await seen(other, window)
    assert (await done(anna, window, "finish")).status == 303
    late = await done(other, window, "extend", ends=local(window.ends + HOUR), seen=before)
    assert late.status == 409
    assert "Somebody has changed this window meanwhile" in await late.text()
    assert now(house, window).state is MaintenanceState.VERIFYING


async def test_a_time_that_is_left_as_it_was_moves_nothing(house: House, anna: Browser) -> None:
    """The field has no seconds, and an hour that comes twice it cannot tell from the one before."""
    program = await house.program("pager")
    twice = datetime(2026, 10, 25, 1, 30, 15, tzinfo=UTC)  # 02:30:15 for the second time that night
    wish = {"name": "Clocks", "services": ["email"], "body": "Clocks.", "starts": twice.isoformat(), "ends": (twice + HOUR).isoformat()}
    assert (await program.send("/maintenances", wish)).status == 201
    (window,) = house.pipeline.situation.maintenances.values()
    assert local(twice) == "2026-10-25T02:30"
    answer = await done(anna, window, "reschedule", starts="2026-10-25T02:30", ends="2026-10-25T04:00")
    assert answer.status == 303
    assert (now(house, window).starts, now(house, window).ends) == (twice, datetime(2026, 10, 25, 3, 0, tzinfo=UTC))


async def test_past_its_end_the_queue_says_that_not_everything_is_known_to_work(house: House, anna: Browser) -> None:
    window = await begun(house, anna)
    await house.see("outgoing", Failure.REFUSED)
    house.now = window.ends + timedelta(minutes=1)
    await house.see("outgoing", Failure.REFUSED)
    assert now(house, window).state is MaintenanceState.VERIFYING
    address = f"/maintenance/{window.id}"
    for path in ("/", "/maintenance", address):
        assert "Its time is over, and not everything is known to work." in await anna.page(path)
    offered = dom.fromstring(await anna.page(address)).xpath("//div[@class='acts']//form/@action")
    assert offered == [f"{address}/finish", f"{address}/extend"]


async def test_a_refusal_stands_by_the_form_that_was_sent_and_no_other(house: House, anna: Browser) -> None:
    window = await begun(house, anna)
    answer = await done(anna, window, "extend", ends="", body="A disk is slow.")
    page = dom.fromstring(await answer.text())
    assert (answer.status, page.xpath("//*[@class='fault']/@id")) == (422, ["fault-ends"])
    assert page.xpath("//*[@id='e-body']/text()") == ["A disk is slow."]
    assert not page.xpath("//*[@id='f-body']/text()")
    too_early = await done(anna, window, "reschedule", starts=local(window.starts + HOUR), ends=local(window.ends + HOUR))
    assert too_early.status == 422
    assert "only its end can be changed" in words(await too_early.text())  # also where that form is no longer there
