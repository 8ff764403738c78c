"""The line on somebody else's site: a shop under another name, whose own content policy is as strict as ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Locator, Page, StorageState, expect

from tests.browser.barriers import barriers
from tests.browser.chromium import Look, Width, window
from tests.browser.demos import Demo
from tests.browser.desk import open_incident, resolve

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

ASKS_EVERY = 120_000  # milliseconds
MARGIN = 8  # pixels around every page, unless it says otherwise
LINE = "Example Networks: Intranet is degraded"
LINE_IN_GERMAN = "Example Networks: Intranet ist eingeschränkt"
# The shop's own rules would make a mess of a line that they reached.
SHOP = """<!doctype html><html lang="en"><title>Shop</title><link rel="stylesheet" href="/shop.css">
<main><h1>Parcels, cheap</h1><div id="news"><p>New: string.</p></div></main>
<script async src="{public}/banner.js"{more}></script></html>"""
SHOP_RULES = "div, span, a { display: inline; float: right; font: 40px serif; color: navy; }"


@asynccontextmanager
async def shop(public: str, more: str) -> AsyncIterator[str]:
    """Serve the shop; gives its address."""
    policy = f"default-src 'none'; style-src 'self'; script-src {public}; connect-src {public}"

    async def page(_: web.Request) -> web.Response:
        return web.Response(
            text=SHOP.format(public=public, more=more), content_type="text/html", headers={"Content-Security-Policy": policy}
        )

    async def rules(_: web.Request) -> web.Response:
        return web.Response(text=SHOP_RULES, content_type="text/css")

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/shop.css", rules)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://localhost:{runner.addresses[0][1]}/"  # by its name it is another site than 127.0.0.1
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session")
async def desk(browser: Browser, calm_agent: StorageState) -> AsyncIterator[Page]:
    async with window(browser, kept=calm_agent) as page:
        yield page


def line(page: Page) -> Locator:
    return page.get_by_role("link", name=LINE)


async def ask(page: Page, public: str) -> None:
    """Let two minutes pass."""
    async with page.expect_response(f"{public}/banner.json"):
        await page.clock.fast_forward(ASKS_EVERY)


async def test_the_line_is_there_while_something_is_wrong_and_then_it_is_gone(browser: Browser, calm: Demo, desk: Page) -> None:
    async with shop(calm.public, "") as address, window(browser, Look(width=Width.NARROW)) as page:
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(error.message))
        await page.clock.install()
        await _unkept(page)
        async with page.expect_response(f"{calm.public}/banner.json"):
            await page.goto(address)
        assert await page.locator("body").inner_text() == "Parcels, cheap\n\nNew: string."
        await expect(line(page)).to_have_count(0)

        incident = await open_incident(desk, calm, "Parcels arrive late", service="Intranet", words="The post is on strike.")
        try:
            await ask(page, calm.public)
            await expect(line(page)).to_have_attribute("href", f"{calm.public}/incidents/{incident}")
            await expect(page.get_by_role("status")).to_contain_text(LINE)
            assert await line(page).evaluate("(one) => getComputedStyle(one).color") == "rgb(255, 255, 255)"
            box = await line(page).bounding_box()
            assert box is not None
            assert box["width"] == Width.NARROW.pixels - 2 * MARGIN
            assert await barriers(page, "color-contrast", "link-name", "aria-allowed-role") == []
        finally:
            await resolve(desk, calm, incident, "They are here.")
        await ask(page, calm.public)
        await expect(line(page)).to_have_count(0)
        assert await page.context.cookies() == []
        assert await page.evaluate("localStorage.length + sessionStorage.length") == 0
        assert complaints == []


async def test_it_stands_where_the_site_wants_it_in_the_language_of_the_site(browser: Browser, calm: Demo, desk: Page) -> None:
    incident = await open_incident(desk, calm, "Parcels arrive late", service="Intranet", words="The post is on strike.")
    try:
        async with shop(calm.public, ' data-into="#news" data-language="de"') as address, window(browser) as page:
            await page.goto(address)
            await expect(page.locator("#news").get_by_role("link", name=LINE_IN_GERMAN)).to_be_visible()
            shown = page.locator("#news > :first-child")
            assert (await shown.get_attribute("role"), await shown.get_attribute("lang")) == ("status", "de")
    finally:
        await resolve(desk, calm, incident, "They are here.")


@pytest.mark.parametrize("spoil", ["away", "old"])
async def test_what_cannot_be_asked_or_is_old_is_not_told(browser: Browser, calm: Demo, desk: Page, spoil: str) -> None:
    incident = await open_incident(desk, calm, "Parcels arrive late", service="Intranet", words="The post is on strike.")
    try:
        async with shop(calm.public, "") as address, window(browser) as page:
            await page.clock.install()
            await _unkept(page)
            await page.goto(address)
            await expect(line(page)).to_be_visible()
            if spoil == "away":
                await page.route("**/banner.json", lambda route: route.abort())
                await page.clock.fast_forward(ASKS_EVERY)
            else:
                await page.clock.fast_forward(3_600_000 + ASKS_EVERY)
            await expect(line(page)).to_have_count(0)
    finally:
        await resolve(desk, calm, incident, "They are here.")


async def _unkept(page: Page) -> None:
    """Let the browser keep nothing, as it does where requests are looked at: its own clock is not moved on with the page's."""
    await page.route("**/banner.json", lambda route: route.continue_())
