"""The mirror in a browser, served by a plain static server: nothing of ours runs behind it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from statuspage.mirror.notice import put_notice
from statuspage.render.notice import noticed
from tests.browser.barriers import barriers
from tests.browser.chromium import Look, Width, window
from tests.statuspage.mirrored import LIVE, StaticHost, hosted, published

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

FILTERED = "getComputedStyle(document.querySelector('main')).filter"
WORDS = "We have lost our data centre. <b>Mail</b> waits."


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """A mirror that was written just now, and its host."""

    directory: Path
    host: StaticHost


@pytest_asyncio.fixture(loop_scope="session")
async def mirror(tmp_path: Path) -> AsyncIterator[Mirror]:
    await published(tmp_path / "mirror", datetime.now(UTC))
    with hosted(tmp_path / "mirror") as host:
        yield Mirror(directory=tmp_path / "mirror", host=host)


def say(mirror: Mirror) -> None:
    put_notice(mirror.directory, noticed(WORDS, datetime.now(UTC)), datetime.now(UTC), "Example")


async def opened(page: Page, mirror: Mirror, path: str = "/") -> None:
    await page.clock.install()
    async with page.expect_response("**/fresh.json"):
        answer = await page.goto(f"{mirror.host.url}{path}")
    assert answer is not None
    assert answer.status == 200


async def pass_time(page: Page, mirror: Mirror, span: timedelta) -> None:
    """Let it pass for the reader and for the host."""
    mirror.host.ahead += span
    async with page.expect_response("**/fresh.json"):
        await page.clock.fast_forward(int(span.total_seconds() * 1000))


async def test_the_page_shows_all_and_leads_from_page_to_page(browser: Browser, mirror: Mirror) -> None:
    async with window(browser) as page:
        await opened(page, mirror)
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Email")
        assert await page.evaluate("getComputedStyle(document.querySelector('.top')).display") == "flex", "the style is there"
        await page.locator("h3 a", has_text="Email: sending not working").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Email: sending not working")
        assert page.url == f"{mirror.host.url}/incidents/incidentopen/"
        await page.get_by_role("link", name="All services").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Email")
        await page.goto(f"{mirror.host.url}/services/email")
        await expect(page.locator(".badge img")).to_have_js_property("complete", value=True)
        assert await page.locator(".badge img").evaluate("(one) => one.naturalWidth") > 0


async def test_it_turns_grey_by_itself_once_nobody_writes_it_any_more(browser: Browser, mirror: Mirror) -> None:
    async with window(browser) as page:
        await opened(page, mirror)
        assert await page.evaluate(FILTERED) == "none"
        await pass_time(page, mirror, timedelta(minutes=5))
        await expect(page.locator("#stale")).to_contain_text("This page has not been updated since")
        assert await page.evaluate(FILTERED) == "grayscale(1)"
        await published(mirror.directory, datetime.now(UTC) + mirror.host.ahead)
        await pass_time(page, mirror, timedelta(seconds=30))
        await expect(page.locator("#stale")).to_be_empty()
        assert await page.evaluate(FILTERED) == "none"


async def test_a_page_that_is_opened_long_after_is_grey_at_once(browser: Browser, mirror: Mirror) -> None:
    mirror.host.ahead = timedelta(hours=1)
    async with window(browser) as page:
        await opened(page, mirror)
        await expect(page.locator("#stale")).to_contain_text("This page has not been updated since")


async def test_an_open_page_shows_a_notice_and_its_end_without_being_loaded_again(browser: Browser, mirror: Mirror) -> None:
    async with window(browser) as page:
        await opened(page, mirror)
        await page.evaluate("window.isNotReloaded = true")
        notice = page.get_by_role("region", name="Notice")
        await expect(notice).to_have_count(0)
        say(mirror)
        await pass_time(page, mirror, timedelta(seconds=30))
        await expect(notice).to_contain_text(WORDS)
        put_notice(mirror.directory, None, datetime.now(UTC), "Example")
        await pass_time(page, mirror, timedelta(seconds=30))
        await expect(notice).to_have_count(0)
        assert await page.evaluate("window.isNotReloaded")


async def test_without_a_script_a_notice_stands_above_everything_and_tells_the_age_of_the_rest(browser: Browser, mirror: Mirror) -> None:
    say(mirror)
    async with window(browser, Look(has_script=False)) as page:
        await page.goto(f"{mirror.host.url}/")
        notice = page.get_by_role("region", name="Notice")
        await expect(notice).to_contain_text(WORDS)
        await expect(notice).to_contain_text("What stands below was last known to be true on")
        above, below = await notice.bounding_box(), await page.locator(".answer").bounding_box()
        assert above is not None
        assert below is not None
        assert above["y"] + above["height"] <= below["y"]


@pytest.mark.parametrize("is_bare", [False, True], ids=["over a page", "alone"])
async def test_a_notice_has_no_barrier_and_fits_a_phone(browser: Browser, tmp_path: Path, is_bare: bool) -> None:  # noqa: FBT001 - a parameter
    directory = tmp_path / "mirror"
    if not is_bare:
        await published(directory, datetime.now(UTC))
    with hosted(directory) as host:
        say(Mirror(directory=directory, host=host))
        async with window(browser, Look(width=Width.NARROW)) as page:
            await page.goto(f"{host.url}/")
            await expect(page.get_by_role("region", name="Notice")).to_contain_text(WORDS)
            assert await page.evaluate("document.scrollingElement.scrollWidth - document.documentElement.clientWidth") == 0
            assert await barriers(page) == []
            await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
            assert await barriers(page, "color-contrast") == []


async def test_what_is_not_in_the_mirror_leads_to_the_live_site(browser: Browser, mirror: Mirror) -> None:
    async with window(browser) as page:
        await page.goto(f"{mirror.host.url}/service-levels")
        hrefs = await page.locator("a").evaluate_all("(all) => all.map((one) => one.getAttribute('href'))")
        away = {href for href in hrefs if "://" in href}
        assert all(href.startswith((f"{LIVE}/", "mailto:")) for href in away)
        assert await page.locator("form").count() == 0
