"""A customer says through the page that it hits them, and the desk hears of it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, StorageState, expect

from tests.browser.chromium import Look, window
from tests.browser.places import Outage

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]


@pytest_asyncio.fixture(loop_scope="session")
async def customer(browser: Browser) -> AsyncIterator[Page]:
    """A window without a script."""
    async with window(browser, Look(has_script=False)) as page:
        yield page


async def test_from_the_front_page_to_the_desk_without_a_script(
    customer: Page, browser: Browser, outage: Outage, agent: StorageState
) -> None:
    await customer.goto(f"{outage.demo.public}/")
    await customer.get_by_role("link", name="Is it just me?").first.click()
    await customer.get_by_role("link", name="Email").first.click()
    await expect(customer.get_by_role("heading", level=2).first).to_contain_text("Email: partial outage")
    await customer.get_by_label("Sending: does not work").check()
    await customer.get_by_label("In your own words, if you like").fill("<b>Nothing</b> leaves my outbox")
    await customer.get_by_role("button", name="Tell the desk").click()
    await expect(customer.get_by_role("heading", level=1)).to_contain_text("Thank you")
    async with window(browser, kept=agent) as desk:
        await desk.goto(f"{outage.demo.console}/incidents/{outage.incident}")
        reported = desk.get_by_role("region", name="What customers report")
        await expect(reported).to_contain_text("Email: 1 report")
        await expect(reported).to_contain_text("<b>Nothing</b> leaves my outbox")
    await customer.goto(f"{outage.demo.public}/incidents/{outage.incident}")
    await expect(customer.get_by_text("leaves my outbox")).to_have_count(0)
