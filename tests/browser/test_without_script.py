"""All of it, in a browser that runs no script."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import Look, log_in, window
from tests.browser.demos import Demo, until
from tests.browser.desk import open_incident, resolve
from tests.browser.places import Outage

NOT_WORKING = re.compile("^Email: .*Sending.* not working")
WORDS = "They are found, and will be back <soon>."

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with window(browser, Look(has_script=False)) as opened:
        yield opened


async def test_the_page_says_everything(page: Page, outage: Outage) -> None:
    await page.goto(f"{outage.demo.public}/")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("not working")
    incident = page.get_by_role("article", name=NOT_WORKING)
    await expect(incident).to_contain_text("Sending: down")
    await expect(incident).to_contain_text(re.compile("Our monitoring has noticed a problem|The problem affects more"))
    await expect(page.locator(".as-of")).to_contain_text(re.compile(r"As of \d+ \w+ \d{4}, \d\d:\d\d UTC"))
    await incident.get_by_role("link", name=NOT_WORKING).and_(page.locator("h3 a")).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(NOT_WORKING)
    assert page.url.endswith(f"/incidents/{outage.incident}")


async def test_an_agent_opens_owns_tells_and_resolves_an_incident_by_forms(page: Page, outage: Outage) -> None:
    demo, name = outage.demo, "Invoices of May are missing"
    await log_in(page, demo)
    incident = await open_incident(page, demo, name, service="Customer portal", words="We are looking for them.")
    await page.goto(f"{demo.console}/")
    row = page.get_by_role("article", name=name)
    await expect(row).to_contain_text("Nobody yet")
    await row.get_by_role("button", name="Acknowledge").click()
    await expect(page.get_by_text(f"{demo.agent} since").first).to_be_visible()
    await page.goto(f"{demo.console}/incidents/{incident}")
    await expect(page.get_by_role("region", name="What we know")).to_contain_text(f"{demo.agent} since")
    await page.get_by_label("State").select_option("identified")
    await page.get_by_label("Words for customers", exact=True).fill(WORDS)
    await page.get_by_role("button", name="Publish").click()
    await expect(page.get_by_role("region", name="Timeline")).to_contain_text(WORDS)
    await _told(page, demo, incident, WORDS)
    await resolve(page, demo, incident, "They are back.")
    await _told(page, demo, incident, "They are back.")
    assert name not in await demo.incidents()


async def _told(page: Page, demo: Demo, incident: str, words: str) -> None:
    """Load the incident's public page until its updates hold *words*."""

    async def is_so() -> bool:
        await page.goto(f"{demo.public}/incidents/{incident}")
        return words in await page.get_by_role("region", name="Updates").inner_text()

    await until(is_so)
