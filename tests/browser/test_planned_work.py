"""Planned work at the console, as an agent does it: by forms alone, from the first typing error to the end."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, StorageState, expect

from tests.browser.barriers import barriers
from tests.browser.chromium import SCHEMES, Look, Width, window
from tests.browser.demos import Demo, until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LOOKS = pytest.mark.parametrize(
    "look", [Look(width=width, scheme=scheme) for width in Width for scheme in SCHEMES], ids=lambda look: f"{look.width}-{look.scheme}"
)


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, calm_agent: StorageState) -> AsyncIterator[Page]:
    async with window(browser, Look(has_script=False), kept=calm_agent) as opened:
        yield opened


def typed(at: datetime) -> str:
    """As the field has it; the demo's zone is UTC."""
    return f"{at:%Y-%m-%dT%H:%M}"


async def fill(page: Page, demo: Demo, starts: datetime, lasts: timedelta, name: str = "Patches <b>for</b> the relay") -> None:
    await page.goto(f"{demo.console}/maintenance/plan")
    await page.get_by_label("What it is called in public").fill(name)
    await page.get_by_label("Email", exact=True).check()
    await page.get_by_label("Outgoing mail", exact=True).check()
    await page.get_by_label("From").fill(typed(starts))
    await page.get_by_label("Until").fill(typed(starts + lasts))
    await page.get_by_label("Words for customers").fill("Sending may pause.")
    await page.get_by_role("button", name="Plan it").click()


async def test_work_is_planned_moved_and_called_off_without_a_script(page: Page, calm: Demo) -> None:
    starts = datetime.now(UTC) + 2 * DAY
    await fill(page, calm, starts, -HOUR)
    until_ = page.get_by_label("Until")
    await expect(until_).to_have_accessible_description("It must end after it starts.")
    await expect(page.get_by_label("Email", exact=True)).to_be_checked()
    await until_.fill(typed(starts + 2 * HOUR))
    await page.get_by_role("button", name="Plan it").click()
    await expect(page.get_by_role("alert")).to_contain_text("Email: work of 1 h or longer is announced 3 d ahead")
    await expect(page.get_by_role("alert")).to_contain_text("ask a manager")
    await page.get_by_label("Until").fill(typed(starts + HOUR / 2))
    await page.get_by_role("button", name="Plan it").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Patches <b>for</b> the relay")
    address = page.url
    await page.get_by_label("From").fill(typed(starts + DAY))
    await page.get_by_label("Until").fill(typed(starts + DAY + HOUR / 2))
    await page.get_by_role("button", name="Move it").click()
    await expect(page.get_by_role("region", name="What was promised, and when").get_by_role("listitem")).to_have_count(2)
    await page.get_by_role("region", name="Cancel").get_by_label("Words for customers").fill("The disks are late.")
    await page.get_by_role("button", name="Cancel it").click()
    await expect(page.get_by_text("Cancelled", exact=True).first).to_be_visible()
    assert page.url == address
    await expect(page.get_by_role("button", name="Move it")).to_have_count(0)
    await _told(page, calm, address, "The disks are late.")


async def test_work_that_begins_now_stands_on_the_queue_and_is_extended_and_finished(page: Page, calm: Demo) -> None:
    starts = datetime.now(UTC).replace(second=0)
    await fill(page, calm, starts, 20 * MINUTE, "A short restart")
    address = page.url

    async def is_running() -> bool:
        await page.goto(f"{calm.console}/")
        return "In progress" in await page.get_by_role("region", name="Planned work").inner_text()

    await until(is_running)
    await page.get_by_role("link", name="A short restart").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("A short restart")
    assert page.url == address
    await page.get_by_label("Until").fill(typed(starts + 40 * MINUTE))
    await page.get_by_role("button", name="Extend").click()
    await expect(page.get_by_role("region", name="Timeline")).to_contain_text("It takes longer than planned")
    await page.get_by_role("region", name="Finish").get_by_label("Words for customers").fill("It is done, and early.")
    await page.get_by_role("button", name="Finish now").click()
    await _told(page, calm, address, "It is done, and early.")

    async def is_over() -> bool:
        await page.goto(address)
        return "Completed" in await page.locator(".state").inner_text()

    await until(is_over)


async def _told(page: Page, demo: Demo, address: str, words: str) -> None:
    """Load the window's public page until it holds *words*."""

    async def is_so() -> bool:
        await page.goto(f"{demo.public}/maintenance/{address.rpartition('/')[2]}")
        return words in await page.locator("main").inner_text()

    await until(is_so)


@LOOKS
async def test_a_form_that_is_refused_has_no_barrier(browser: Browser, calm: Demo, calm_agent: StorageState, look: Look) -> None:
    async with window(browser, look, kept=calm_agent) as page:
        await page.goto(f"{calm.console}/maintenance/plan")
        await page.evaluate("document.querySelector('main form').noValidate = true")
        await page.get_by_role("button", name="Plan it").click()
        await expect(page.get_by_role("alert")).to_be_focused()
        await expect(page.locator(".fault")).to_have_count(5)
        assert await barriers(page) == []
        await page.goto(f"{calm.console}/maintenance/{await calm.planned()}")
        await page.get_by_label("Until").fill("2020-01-01T00:00")
        await page.get_by_role("button", name="Move it").click()
        await expect(page.get_by_label("Until")).to_have_accessible_description("It must end after it starts.")
        assert await barriers(page) == []
