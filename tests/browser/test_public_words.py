"""Public words at the console: looked at before they are said, corrected, and removed after one question; all without a script."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from statuspage.store.people import Role
from tests.browser.barriers import barriers
from tests.browser.chromium import SCHEMES, Look, Width, window
from tests.statuspage.desks import PASSWORD, House, housed

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

LOOKS = pytest.mark.parametrize(
    "look", [Look(width=width, scheme=scheme) for width in Width for scheme in SCHEMES], ids=lambda look: f"{look.width}-{look.scheme}"
)
SAID = "Ask Ada Lovelace, who broke it."


@pytest_asyncio.fixture(loop_scope="session")
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A desk with an incident whose second update names a person, and somebody of level two."""
    async with housed(tmp_path) as opened:
        incident = await opened.outage()
        await (await opened.program("pager")).send(f"/incidents/{incident.id}/updates", {"body": SAID})
        await opened.agent("ben", Role.LEVEL_TWO)
        yield opened


async def at_the_card(page: Page, house: House) -> None:
    (incident,) = house.pipeline.situation.incidents
    await page.goto(f"{house.url}/incidents/{incident}")
    await page.get_by_label("Name").fill("ben")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url(f"**/incidents/{incident}")


async def test_words_are_removed_after_one_question_without_a_script(browser: Browser, house: House) -> None:
    async with window(browser, Look(has_script=False)) as page:
        await at_the_card(page, house)
        timeline = page.get_by_role("region", name="Timeline")
        await timeline.get_by_role("link", name="Remove the text of update 2").click()
        await expect(page.get_by_role("region", name="The text")).to_contain_text(SAID)
        await expect(page.get_by_role("region", name="What happens")).to_contain_text("nobody at the desk can bring it back")
        await page.get_by_label("Why it is removed").fill("It names a person.")
        await page.get_by_role("button", name="Remove the text for good").click()
        await expect(timeline).to_contain_text("Text of public update 2 removed")
        await expect(timeline).to_contain_text("It names a person.")
        await expect(page.locator("body")).not_to_contain_text("Ada Lovelace")
        await expect(timeline.get_by_role("link", name="Remove the text of update 2")).to_have_count(0)


async def test_an_update_is_looked_at_before_it_is_published_without_a_script(browser: Browser, house: House) -> None:
    async with window(browser, Look(has_script=False)) as page:
        await at_the_card(page, house)
        await page.get_by_label("Words for customers", exact=True).fill("A disk is full.")
        await page.get_by_label("Promise the next update").select_option("60")
        await page.get_by_role("button", name="Preview").click()
        shown = page.get_by_role("region", name="As customers will see it")
        await expect(shown).to_contain_text("A disk is full.")
        await expect(shown).to_contain_text("Next update by")
        await expect(page.get_by_label("Words for customers", exact=True)).to_have_value("A disk is full.")
        await page.get_by_role("button", name="Publish").click()
        await expect(page.get_by_role("region", name="Timeline")).to_contain_text("A disk is full.")
        await expect(shown).to_have_count(0)


async def test_words_are_corrected_without_a_script(browser: Browser, house: House) -> None:
    async with window(browser, Look(has_script=False)) as page:
        await at_the_card(page, house)
        await page.get_by_role("link", name="Correct update 2").click()
        words = page.get_by_label("Words for customers")
        await expect(words).to_have_value(SAID)
        await page.get_by_role("button", name="Publish the correction").click()
        await expect(page.get_by_role("alert")).to_contain_text("These are the words that stand there already.")
        await words.fill("Ask the desk.")
        await page.get_by_role("button", name="Publish the correction").click()
        await expect(page.get_by_role("region", name="Timeline")).to_contain_text("Public update 2 corrected")


@LOOKS
async def test_nobody_is_kept_out_of_the_forms(browser: Browser, house: House, look: Look) -> None:
    async with window(browser, look) as page:
        await at_the_card(page, house)
        (incident,) = house.pipeline.situation.incidents
        await page.get_by_label("Words for customers", exact=True).fill("A disk is full.")
        await page.get_by_role("button", name="Preview").click()
        await expect(page.get_by_role("region", name="As customers will see it")).to_be_visible()
        assert await barriers(page) == []
        for form in ("redact", "correct"):
            await page.goto(f"{house.url}/incidents/{incident}/updates/2/{form}")
            assert await barriers(page) == []
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        for form in ("rename", "strike"):
            await page.goto(f"{house.url}/incidents/{incident}/{form}")
            assert await barriers(page) == []
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
