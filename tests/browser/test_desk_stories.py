"""Whole shifts at the desk, in a real browser, by two agents and a manager: one application on a clock that only the test moves."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page, expect
from sqlalchemy import Connection

from probes.result import Failure
from statuspage.clock import wall_clock
from statuspage.store import people
from statuspage.store.people import Role
from tests.browser.barriers import barriers
from tests.browser.chromium import Look, window
from tests.statuspage.desks import PASSWORD, hashed
from tests.statuspage.outlets import TOKEN, Room, listening
from tests.stories.test_broken_mail_frozen import Clock, House, housed

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FILE = """
site: {name: Example Networks, url: "https://status.example.net", timezone: Europe/Berlin}
console: {url: "http://127.0.0.1:8081"}
store: {url: "sqlite:///kept.db"}
calendars: {office: {weekly: {mon-fri: ["08:00-18:00"]}}}
teams:
  desk: {name: Service desk, notify: ["json://127.0.0.1:DESK/TOKEN"]}
  mail: {name: Messaging, notify: ["json://127.0.0.1:MAIL/TOKEN"]}
services:
  email: {name: Email, needs: [smtp], tiers: [desk, mail], escalate_after: [5m]}
  portal: {name: Customer portal, needs: [web], hours: office, publish_after: 10m}
  files: {name: Files, needs: [disk], publish_after: 10m}
components: {smtp: {}, web: {}, disk: {}}
defaults: {monitor: {every: 10m, stale_after: 30d}}
monitors:
  greets: {component: smtp, probe: tcp, host: 127.0.0.1, port: 25}
  answers: {component: web, probe: tcp, host: 127.0.0.1, port: 25}
  keeps: {component: disk, probe: tcp, host: 127.0.0.1, port: 25}
"""


@dataclass(slots=True)
class Going(Clock):
    """A clock that goes on by itself, and that a test may set forward."""

    began: datetime = field(default_factory=wall_clock)

    def __call__(self) -> datetime:
        return self.now + (wall_clock() - self.began)


@dataclass(kw_only=True)
class Shift:
    """The service, the rooms that it calls, and a window for each who is on duty."""

    house: House
    rooms: Mapping[str, Room]
    ada: Page
    ben: Page
    mona: Page
    console: str
    public: str

    async def finds(self, monitor: str, failure: Failure | None) -> str:
        """Two results in a row; gives the incident that a failure opened."""
        before = set(self.house.hub.pipeline.situation.incidents)
        for _ in range(2):
            await self.house.hear(**{monitor: failure})
            self.house.clock.wait(seconds=10)
        await self.calls()
        return next(iter(set(self.house.hub.pipeline.situation.incidents) - before), "")

    async def calls(self) -> None:
        """Whoever is due is called, and has heard of it."""
        hub = self.house.hub
        await hub.escalation.look()
        for _ in range(3):
            await hub.deliverer.look()
            await hub.deliverer.idle()

    async def later(self, time: timedelta) -> None:
        self.house.clock.now += time
        await self.house.settle()
        await self.calls()

    async def at(self, page: Page, path: str) -> None:
        await page.goto(f"{self.console}{path}")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shift(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shift]:
    rooms = {"desk": Room(), "mail": Room()}
    async with AsyncExitStack() as stack:
        for room in rooms.values():
            await stack.enter_async_context(listening(room))
        file = FILE.replace("TOKEN", TOKEN).replace("DESK", str(rooms["desk"].port)).replace("MAIL", str(rooms["mail"].port))
        house = await stack.enter_async_context(housed(tmp_path_factory.mktemp("shift"), Going(now=MONDAY), file))
        await house.hub.store.write(_hired)
        console, public = (str(client.make_url("")).rstrip("/") for client in (house.internal, house.public))
        pages = {name: await stack.enter_async_context(window(browser)) for name in ("ada", "ben", "mona")}
        for name, page in pages.items():
            await _log_in(page, console, name)
        here = Shift(house=house, rooms=rooms, console=console, public=public, **pages)
        for monitor in ("greets", "answers", "keeps"):
            await here.finds(monitor, None)
        yield here


def _hired(connection: Connection) -> None:
    for name, role in (("ada", Role.LEVEL_ONE), ("ben", Role.LEVEL_ONE), ("mona", Role.MANAGER)):
        people.add_agent(connection, name=name, password_hash=hashed(), roles=[role], at=MONDAY)


async def _log_in(page: Page, console: str, name: str) -> None:
    await page.goto(f"{console}/login")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url(f"{console}/")


async def test_two_race_for_an_incident_one_has_it_and_hands_it_on_with_all_that_was_said(shift: Shift) -> None:
    incident = await shift.finds("greets", Failure.REFUSED)
    ada, ben = shift.ada, shift.ben
    for page in (ada, ben):
        await shift.at(page, f"/incidents/{incident}")
    await asyncio.gather(*(page.get_by_role("button", name="Acknowledge").click() for page in (ada, ben)))
    told = {name: await page.get_by_role("alert").count() for name, page in (("ada", ada), ("ben", ben))}
    assert sorted(told.values()) == [0, 1], "one has it, the other is told so"
    winner, loser = ("ada", "ben") if told["ada"] == 0 else ("ben", "ada")
    first, second = {"ada": (ada, ben), "ben": (ben, ada)}[winner]
    await expect(second.get_by_role("alert")).to_contain_text(f"{winner} has acknowledged this")
    await expect(second.get_by_role("region", name="What we know")).to_contain_text(f"{winner} since")
    assert await barriers(second) == []

    hand_over = first.get_by_role("region", name="Hand over")
    await hand_over.get_by_label("To", exact=True).select_option(loser)
    await hand_over.get_by_label("What they need to know").fill("The relay was restarted twice. The vendor calls back at noon.")
    await hand_over.get_by_role("button", name="Hand over").click()
    await expect(first.get_by_role("region", name="What we know")).to_contain_text(f"{loser} since")
    await shift.at(second, f"/incidents/{incident}")
    await expect(second.get_by_role("region", name="Timeline")).to_contain_text("The vendor calls back at noon.")
    await expect(second.get_by_role("button", name="Renew for 30 min")).to_be_visible()
    await _is_seen_as_it_happens(shift, incident, first, second)
    await shift.finds("greets", None)
    await shift.later(timedelta(hours=1))


async def _is_seen_as_it_happens(shift: Shift, incident: str, writer: Page, reader: Page) -> None:
    """What one does stands on the other's open card while they write, sooner than any page would ask by itself."""
    words = reader.get_by_label("Words for customers", exact=True)
    async with reader.expect_response(lambda answer: answer.url.endswith(f"/{incident}/events")):
        await shift.at(reader, f"/incidents/{incident}")
    await words.fill("Half a sentence")
    note = writer.get_by_role("region", name="Note for the desk")
    await note.get_by_label("Words that stay inside").fill("The vendor is on the line.")
    await note.get_by_role("button", name="Keep the note").click()
    await expect(reader.get_by_role("region", name="Timeline")).to_contain_text("The vendor is on the line.", timeout=5_000)
    await expect(words).to_have_value("Half a sentence")
    await expect(words).to_be_focused()


async def test_the_clock_carries_it_up_until_somebody_takes_it_by_a_page_that_asks(shift: Shift) -> None:
    desk, mail = shift.rooms["desk"], shift.rooms["mail"]
    before = len(desk.heard), len(mail.heard)
    incident = await shift.finds("greets", Failure.REFUSED)
    assert (len(desk.heard), len(mail.heard)) == (before[0] + 1, before[1])
    await shift.later(5 * MINUTE)
    assert len(mail.heard) == before[1] + 1
    address = f"/incidents/{incident}/take"
    assert address in mail.heard[-1]["message"]
    await shift.at(shift.ben, address)
    assert shift.house.hub.pipeline.situation.incidents[incident].acknowledgement is None, "following the link takes nothing"
    await shift.ben.get_by_role("button", name="Acknowledge").click()
    await expect(shift.ben.get_by_role("region", name="What we know")).to_contain_text("ben since")
    called = shift.ben.get_by_role("region", name="Who was called")
    await expect(called).to_contain_text("Service desk tier 1")
    await expect(called).to_contain_text("Messaging tier 2")
    await shift.later(20 * MINUTE)
    assert [one["title"].startswith("ben has taken") for one in mail.heard[before[1] :]] == [False, True]
    await shift.finds("greets", None)
    await shift.later(timedelta(hours=1))


async def test_words_wait_at_the_gate_where_one_edits_them_time_publishes_them_and_a_person_decides_on_callers(
    shift: Shift, browser: Browser
) -> None:
    edited, unattended = await shift.finds("keeps", Failure.TIMEOUT), await shift.finds("answers", Failure.REFUSED)
    ada = shift.ada
    await shift.at(ada, "/")
    waiting = ada.get_by_role("region", name="Waiting for a person")
    await expect(waiting.get_by_role("listitem")).to_have_count(2)
    assert await barriers(ada) == []
    await waiting.get_by_role("link", name="Files").click()
    review = ada.get_by_role("region", name="Words that wait for review")
    await expect(review).to_contain_text("These go public by themselves at")
    await expect(review).to_contain_text("Our monitoring has noticed a problem. Files is not working.")
    assert await barriers(ada) == []
    await review.get_by_role("link", name="Edit them first").click()
    words = ada.get_by_label("Words for customers", exact=True)
    await expect(words).to_have_value("Our monitoring has noticed a problem. Files is not working. We are looking into it.")
    await words.fill("Files cannot be opened in the north building.")
    await ada.get_by_role("button", name="Publish", exact=True).click()
    await expect(ada.get_by_role("region", name="Words that wait for review")).to_have_count(0)
    async with window(browser, Look(has_script=False)) as customer:
        await shift.house.hub.press.issue()
        await customer.goto(f"{shift.public}/")
        await expect(customer.get_by_text("Files cannot be opened in the north building.").first).to_be_visible()
        await expect(customer.get_by_text("Customer portal is not working")).to_have_count(0)
        await shift.later(10 * MINUTE)
        await customer.reload()
        await expect(customer.get_by_text("Customer portal is not working").first).to_be_visible()
    assert shift.house.hub.pipeline.situation.incidents[edited].updates == 1
    assert shift.house.hub.pipeline.situation.incidents[unattended].updates == 1
    for monitor in ("keeps", "answers"):
        await shift.finds(monitor, None)
    await shift.later(timedelta(hours=1))

    for ticket in ("T-1", "T-2", "T-3"):
        await shift.at(ada, "/triage?q=email")
        await ada.get_by_label("Ticket").fill(ticket)
        await ada.get_by_role("button", name="Record the caller, and test now").click()
        await expect(ada.get_by_role("status")).to_contain_text("I see nothing on our side yet.")
    await shift.later(timedelta(hours=2))
    await shift.at(shift.ben, "/")
    waiting = shift.ben.get_by_role("region", name="Waiting for a person")
    await expect(waiting).to_contain_text("nothing goes public until somebody confirms it")
    await waiting.get_by_role("link").click()
    await shift.ben.get_by_text("Customers need not hear of it").click()
    await shift.ben.get_by_label("Why not?").fill("All three sat behind one broken switch.")
    await shift.ben.get_by_role("button", name="Dismiss").click()
    await expect(shift.ben.get_by_role("region", name="Timeline")).to_contain_text("All three sat behind one broken switch.")
    await shift.at(shift.ben, "/")
    await expect(shift.ben.get_by_role("region", name="Waiting for a person")).to_have_count(0)


async def test_work_in_business_hours_is_refused_to_an_agent_and_a_manager_passes_over_it_with_a_reason(shift: Shift) -> None:
    starts = (shift.house.clock() + timedelta(days=7)).replace(hour=10, minute=0)
    for page in (shift.ada, shift.mona):
        await shift.at(page, "/maintenance/plan")
        await page.get_by_label("What it is called in public").fill("New disks")
        await page.get_by_label("Customer portal", exact=True).check()
        await page.get_by_label("From").fill(f"{starts:%Y-%m-%dT%H:%M}")
        await page.get_by_label("Until").fill(f"{starts + 30 * MINUTE:%Y-%m-%dT%H:%M}")
        await page.get_by_label("Words for customers").fill("The portal is away.")
        await page.get_by_role("button", name="Plan it").click()
        await expect(page.get_by_role("alert")).to_contain_text("business hours")
        assert await barriers(page) == []
    await expect(shift.ada.get_by_label("Why, although the rules forbid it?")).to_have_count(0)
    await shift.mona.get_by_label("Why, although the rules forbid it?").fill("The disks fail today.")
    await shift.mona.get_by_role("button", name="Plan it").click()
    await expect(shift.mona.get_by_role("heading", level=1)).to_have_text("New disks")
    await expect(shift.mona.get_by_role("region", name="Timeline")).to_contain_text("Policy overridden: The disks fail today.")


async def test_by_keys_alone_an_incident_is_found_owned_told_noted_and_resolved(shift: Shift) -> None:
    incident = await shift.finds("greets", Failure.REFUSED)
    page = shift.ada
    await shift.at(page, "/")
    await page.keyboard.press("/")
    await page.keyboard.type("email")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/triage?q=email")
    await _alt(page, "q")
    await page.wait_for_url(f"{shift.console}/")
    await page.locator(f"#i-{incident} h2 a").focus()
    await page.keyboard.press("+")
    await expect(page.locator(f"#i-{incident}")).to_contain_text("Callers")
    await page.locator(f"#i-{incident} h2 a").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/incidents/{incident}")
    await _alt(page, "a")
    await expect(page.get_by_role("region", name="What we know")).to_contain_text("ada since")
    for key, words in (("u", "The relay is down."), ("n", "Vendor called."), ("r", "The relay works again.")):
        await _alt(page, key)
        await page.keyboard.type(words)
        if key == "r":
            await page.get_by_label("Why, although probes still fail?").fill("They lag.")
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_role("region", name="Timeline")).to_contain_text(words)
    await expect(page.get_by_role("region", name="What we know")).to_contain_text("Resolved")


async def _alt(page: Page, key: str) -> None:
    """Press *key* with Alt, as a keyboard does: Playwright's own press leaves out the letter by which a browser knows an access key."""
    wire = await page.context.new_cdp_session(page)
    pressed = {"modifiers": 1, "key": key, "unmodifiedText": key, "windowsVirtualKeyCode": ord(key.upper())}
    await wire.send("Input.dispatchKeyEvent", {"type": "keyDown", **pressed})
    await wire.send("Input.dispatchKeyEvent", {"type": "keyUp", **pressed})
    await wire.detach()


async def test_what_nobody_knew_is_recorded_tested_now_and_becomes_an_incident(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With real probes of a real server, whose next regular turn is an hour away."""
    runner = web.AppRunner(web.Application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    file = f"""{FILE[: FILE.index("teams:")]}
services: {{files: {{name: Files, needs: [disk]}}}}
components: {{disk: {{}}}}
monitors: {{keeps: {{component: disk, probe: tcp, host: 127.0.0.1, port: {port}, every: 1h, recheck: 200ms}}}}
"""
    async with housed(tmp_path_factory.mktemp("triage"), Going(now=wall_clock()), file) as house, window(browser) as page:
        hub = house.hub
        await hub.store.write(_hired)
        hub.schedule.start(hub.plans(), hub.pipeline.situation.seen)
        try:
            await _triaged(page, house, runner)
        finally:
            await hub.schedule.stop()
            await runner.cleanup()


async def _triaged(page: Page, house: House, runner: web.AppRunner) -> None:
    console = str(house.internal.make_url("")).rstrip("/")
    await _log_in(page, console, "ada")
    await expect(page.get_by_role("region", name="Services")).to_contain_text("Operational Files", timeout=10_000)
    await runner.cleanup()
    await page.goto(f"{console}/triage?q=my+files+do+not+open")
    await expect(page.get_by_text("Nothing is known of it.")).to_be_visible()
    await page.get_by_label("Ticket").fill("T-17")
    await page.get_by_role("button", name="Record the caller, and test now").click()
    await expect(page.get_by_role("status")).to_contain_text("I see nothing on our side yet. I have recorded your report")
    assert await barriers(page) == []
    await page.get_by_role("link", name="Queue").click()
    row = page.get_by_role("article", name="Files is not working")
    await expect(row).to_be_visible()
    await expect(row).to_contain_text("Callers")
