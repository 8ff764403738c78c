"""What a reader sees whose browser asks for German, and how they choose another language, and keep it."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.demos import Demo
from tests.browser.places import Outage

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]


@pytest_asyncio.fixture(loop_scope="session")
async def german(browser: Browser) -> AsyncIterator[Page]:
    """A window of somebody who reads German, in Tokyo."""
    context = await browser.new_context(locale="de-DE", timezone_id="Asia/Tokyo", viewport={"width": 390, "height": 800})
    try:
        yield await context.new_page()
    finally:
        await context.close()


async def test_a_german_reader_is_answered_in_german(german: Page, outage: Outage) -> None:
    await german.goto(f"{outage.demo.public}/")
    await expect(german.locator("html")).to_have_attribute("lang", "de")
    await expect(german.locator("#answer")).to_have_text(re.compile("funktioniert|nicht"))
    await expect(german.locator("main .utc").first).to_contain_text("Ihrer Ortszeit")
    await german.get_by_role("link", name="Dienstgüte").click()
    assert german.url == f"{outage.demo.public}/de/service-levels"
    await expect(german.locator("h1")).to_have_text("Dienstgüte")


async def test_a_choice_lasts_from_page_to_page_and_needs_no_cookie(german: Page, calm: Demo) -> None:
    await german.goto(f"{calm.public}/")
    foot = german.get_by_role("navigation", name="Sprache")
    await expect(foot.get_by_role("link", name="Deutsch")).to_have_attribute("aria-current", "true")
    await foot.get_by_role("link", name="English").click()
    assert german.url == f"{calm.public}/en/"
    await expect(german.locator("html")).to_have_attribute("lang", "en")
    await german.get_by_role("link", name="Maintenance", exact=True).click()
    assert german.url == f"{calm.public}/en/maintenance"
    await expect(german.locator("h1")).to_have_text("Planned maintenance")
    assert await german.context.cookies() == []


async def test_an_open_page_is_renewed_in_its_language(german: Page, calm: Demo) -> None:
    await german.goto(f"{calm.public}/de/")
    as_of = await german.locator("main").get_attribute("data-as-of")
    # The page asks for its own path: whatever is new, and at the latest the next minute, comes in German.
    await expect(german.locator("main")).not_to_have_attribute("data-as-of", as_of or "", timeout=100_000)
    await expect(german.locator("#answer")).to_have_text("Alle Dienste sind verfügbar")
