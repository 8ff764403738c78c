"""Page and desk without a mouse."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, StorageState, expect

from tests.browser.chromium import window
from tests.browser.demos import until
from tests.browser.desk import open_incident, resolve
from tests.browser.places import Outage

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

NAME = "Parcels arrive late"
MOST_STEPS = 60
_FOCUSED = "document.activeElement.innerText || document.activeElement.name || ''"
_RING = (
    "(({ outlineStyle, outlineWidth }) => outlineStyle === 'none' ? 0 : parseFloat(outlineWidth))(getComputedStyle(document.activeElement))"
)


@pytest_asyncio.fixture(loop_scope="session")
async def unowned(browser: Browser, outage: Outage, agent: StorageState) -> AsyncIterator[str]:
    """An incident that nobody has acknowledged."""
    async with window(browser, kept=agent) as page:
        incident = await open_incident(page, outage.demo, NAME, service="Intranet", words="The post is on strike.")
        yield incident
        await resolve(page, outage.demo, incident, "It is over.")


async def _tab_to(page: Page, words: str) -> None:
    """Press Tab until what has the focus says *words*; the focus shows at every step."""
    for _ in range(MOST_STEPS):
        await page.keyboard.press("Tab")
        assert await page.evaluate(_RING) >= 2, await page.evaluate("document.activeElement.outerHTML")
        if str(await page.evaluate(_FOCUSED)).startswith(words):
            return
    pytest.fail(f"{words!r} is not reached with {MOST_STEPS} steps of the Tab key")


async def test_a_customer_comes_from_the_front_page_to_a_report_by_tab_and_enter(browser: Browser, outage: Outage) -> None:
    public = outage.demo.public
    async with window(browser) as page:
        await page.goto(f"{public}/")
        await page.keyboard.press("Tab")
        await expect(page.locator("a.skip")).to_be_focused()
        await page.keyboard.press("Enter")
        await _tab_to(page, "Email: Sending")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{public}/incidents/{outage.incident}")
        await page.goto(f"{public}/report")
        await _tab_to(page, "Customer portal")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{public}/report/portal")
        await _tab_to(page, "symptom")
        await page.keyboard.press("Space")
        await _tab_to(page, "Tell the desk")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Thank you")


async def test_tab_and_enter_lead_from_the_login_to_an_acknowledged_incident(browser: Browser, outage: Outage, unowned: str) -> None:
    demo = outage.demo
    async with window(browser) as page:
        await page.goto(f"{demo.console}/incidents/{unowned}")
        await expect(page.locator("input[name=name]")).to_be_focused()
        await page.keyboard.type(demo.agent)
        await _tab_to(page, "password")
        await page.keyboard.type(demo.password)
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{demo.console}/incidents/{unowned}")
        await _tab_to(page, "Queue")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{demo.console}/")
        await _tab_to(page, NAME)
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{demo.console}/incidents/{unowned}")
        await _tab_to(page, "Acknowledge")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("region", name="What we know")).to_contain_text(f"{demo.agent} since")


async def test_the_queue_keeps_the_focus_when_it_renews_itself(browser: Browser, outage: Outage, agent: StorageState, unowned: str) -> None:
    async with window(browser, kept=agent) as page:
        await page.goto(f"{outage.demo.console}/")
        button = page.locator(f"#a-{unowned}")
        await button.focus()
        await button.evaluate("(before) => { window.before = before; }")

        async def is_renewed() -> bool:
            return bool(await page.evaluate("!window.before.isConnected"))

        await until(is_renewed)
        await expect(button).to_be_focused()
