"""A page that somebody leaves open. The window's own clock is moved on; the servers' is not."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, StorageState, expect

from tests.browser.chromium import window
from tests.browser.demos import Demo, until
from tests.browser.desk import resolve

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

ASKS_EVERY = 30_000  # milliseconds between two looks at what is new
LONG = 300_000
GIVES_UP_AFTER = 20_000  # the script's patience with a silent server, and some


@pytest_asyncio.fixture(loop_scope="session")
async def left_open(browser: Browser, calm: Demo, calm_agent: StorageState) -> AsyncIterator[Page]:
    """The front page when all works, as somebody leaves it open; afterwards all works again."""
    await _settle(browser, calm, calm_agent)
    async with window(browser) as page:
        await page.clock.install()
        async with page.expect_response("**/fresh.json"):
            await page.goto(f"{calm.public}/")
        await page.evaluate("window.isNotReloaded = true")
        yield page
    await _settle(browser, calm, calm_agent)


async def _settle(browser: Browser, calm: Demo, kept: StorageState) -> None:
    """Leave nothing broken and nothing open."""
    await calm.mend()
    await calm.all_works()
    async with window(browser, kept=kept) as desk:
        for incident in (await calm.incidents()).values():
            await resolve(desk, calm, incident, "It works again.")


async def _in_time(page: Page, claim: Callable[[], Awaitable[bool]]) -> None:
    """Let the page's timer come round until *claim* holds."""

    async def is_so() -> bool:
        await page.clock.fast_forward(ASKS_EVERY)
        return await claim()

    await until(is_so)


async def test_an_open_page_tells_of_an_outage_and_of_its_end_without_being_reloaded(left_open: Page, calm: Demo) -> None:
    headline, said = left_open.locator("#answer"), left_open.locator("#said")
    assert await headline.text_content() == "All services are operational"
    assert await said.text_content() == ""

    incident = left_open.locator("article.incident").filter(has_text="Customer portal")

    async def tells_of_it() -> bool:
        return await incident.count() == 1

    async def tells_of_the_end() -> bool:
        return await incident.locator("[aria-current]").text_content() == "Recovered, being watched"

    await calm.break_("portal")
    await calm.incident("Customer portal")
    await _in_time(left_open, tells_of_it)
    assert await said.get_attribute("role") == "status"
    told = await headline.text_content()
    assert told != "All services are operational"
    assert await said.text_content() == told
    assert (await left_open.title()).startswith(str(told))
    await expect(left_open.get_by_role("article", name="Customer portal").first).to_contain_text("Major outage")

    await calm.mend()
    await calm.all_works()
    await _in_time(left_open, tells_of_the_end)
    assert await said.text_content() == await headline.text_content() != told
    assert await left_open.evaluate("window.isNotReloaded")


async def test_an_open_page_turns_grey_when_the_hub_falls_silent_and_comes_back_with_it(left_open: Page, calm: Demo) -> None:
    note, filtered = left_open.locator("#stale"), "getComputedStyle(document.querySelector('main')).filter"
    assert await left_open.evaluate(filtered) == "none"
    calm.halt()
    try:
        await left_open.clock.fast_forward(LONG)
        await expect(note).to_contain_text("This page has not been updated since", timeout=GIVES_UP_AFTER)
        assert await note.get_attribute("role") == "status"
        assert await left_open.evaluate(filtered) == "grayscale(1)"
    finally:
        calm.go_on()

    async def is_believed() -> bool:
        return bool(await left_open.evaluate(f"{filtered} === 'none'"))

    await _in_time(left_open, is_believed)
    assert await note.text_content() == ""
