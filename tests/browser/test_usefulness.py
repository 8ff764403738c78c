"""A reader says that an update was useful, without a script, and the desk sees it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, StorageState, expect

from tests.browser.chromium import Look, window
from tests.browser.places import Outage

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]


@pytest_asyncio.fixture(loop_scope="session")
async def reader(browser: Browser) -> AsyncIterator[Page]:
    """A window without a script."""
    async with window(browser, Look(has_script=False)) as page:
        yield page


async def test_a_click_is_thanked_for_and_stands_at_the_desk(reader: Page, browser: Browser, outage: Outage, agent: StorageState) -> None:
    await reader.goto(f"{outage.demo.public}/incidents/{outage.incident}")
    first = reader.locator("#update-1")
    await expect(first.get_by_text("Was this update useful?")).to_be_visible()
    await first.get_by_role("button", name="No").click()
    await expect(reader.get_by_role("heading", level=1)).to_have_text("Thank you")
    async with window(browser, kept=agent) as desk:
        await desk.goto(f"{outage.demo.console}/incidents/{outage.incident}")
        answered = desk.get_by_role("region", name="What readers think of the updates")
        await expect(answered).to_contain_text("Update 1: useful to 0, not to 1")
