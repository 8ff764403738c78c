"""The site's time, UTC, and the reader's own: on the page of a hub in Berlin, for readers elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from statuspage.app import Service
from tests.browser.barriers import barriers
from tests.browser.chromium import Look, Width, window
from tests.browser.demos import Demo

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

CONFIG = """
site: {{name: Muster IT, url: "http://status.example.net", timezone: Europe/Berlin}}
services: {{files: {{name: Files}}}}
maintenance:
  disks: {{name: New disks, services: [files], starts: "{winter} 03:00", lasts: 20m, announce: 400d}}
  roof: {{name: New roof, services: [files], starts: "{before} 22:00", lasts: 26h, announce: 400d}}
"""


def coming(month: int, day: int) -> date:
    """The next such day that lies ahead."""
    today = datetime.now(UTC).date()
    return next(found for year in (today.year, today.year + 1) if (found := date(year, month, day)) > today)


def last_sunday_of_march() -> date:
    """The next one, on which Berlin's clocks are put forward."""
    return max(day for number in range(25, 32) if (day := coming(3, number)).weekday() == 6)


SUMMER = last_sunday_of_march()
WINTER, BEFORE, AFTER = coming(1, 10), SUMMER - timedelta(days=1), SUMMER + timedelta(days=1)


def full(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b} {day.year}"


def short(day: date) -> str:
    return f"{day.day} {day:%b}"


DISKS = f"{full(WINTER)}, 03:00 to 03:20 CET (02:00 to 02:20 UTC"
ROOF = f"{full(BEFORE)}, 22:00 CET to {full(AFTER)}, 01:00 CEST (21:00 to {short(SUMMER)}, 23:00 UTC"
"""What the page says to everybody; each bracket goes on with the reader's own time, where that is a third one."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def berlin(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of the hub in Berlin."""
    directory = tmp_path_factory.mktemp("berlin")
    config = directory / "statuspage.yaml"
    await asyncio.to_thread(config.write_text, CONFIG.format(winter=WINTER, before=BEFORE))
    loopback = ("127.0.0.1", 0)
    async with Service(config_path=config, data_dir=Path(directory / "kept"), public=loopback, internal=loopback) as service:
        yield service.public_url


async def told(page: Page, name: str) -> str:
    return (await page.get_by_role("article", name=name).locator(".when").inner_text()).removesuffix("Planned").strip()


@pytest.mark.parametrize(
    ("zone", "disks", "roof"),
    [
        ("Europe/Berlin", ")", ")"),
        ("UTC", ")", ")"),
        ("Europe/Paris", ")", ")"),  # another name for the same time
        ("America/New_York", "; 9 Jan, 21:00 to 21:20 your time)", f"; 17:00 to {short(SUMMER)}, 19:00 your time)"),
        ("Asia/Kathmandu", "; 07:45 to 08:05 your time)", f"; {short(SUMMER)}, 02:45 to {short(AFTER)}, 04:45 your time)"),
        ("Africa/Lagos", ")", f"; 22:00 to {short(AFTER)}, 00:00 your time)"),  # as Berlin in winter, not in summer
    ],
)
async def test_the_readers_own_time_stands_beside_the_sites_and_utc_where_it_is_a_third(
    browser: Browser, berlin: str, zone: str, disks: str, roof: str
) -> None:
    async with window(browser, Look(timezone=zone)) as page:
        await page.goto(f"{berlin}/maintenance")
        await page.wait_for_load_state("networkidle")
        assert (await told(page, "New disks"), await told(page, "New roof")) == (DISKS + disks, ROOF + roof)


async def test_without_a_script_the_sites_time_and_utc_are_told(browser: Browser, berlin: str) -> None:
    async with window(browser, Look(timezone="America/New_York", has_script=False)) as page:
        await page.goto(f"{berlin}/maintenance")
        assert (await told(page, "New disks"), await told(page, "New roof")) == (f"{DISKS})", f"{ROOF})")


async def test_the_readers_own_time_is_told_in_the_language_of_the_page(browser: Browser, berlin: str) -> None:
    async with window(browser, Look(timezone="America/New_York")) as page:
        await page.goto(f"{berlin}/de/maintenance")
        beside = page.get_by_role("article", name="New disks").locator(".utc")
        await expect(beside).to_have_text("(02:00 bis 02:20 UTC; 9. Jan., 21:00 bis 21:20 Ihrer Ortszeit)")


async def test_a_page_that_is_renewed_tells_the_readers_time_as_before(browser: Browser, berlin: str) -> None:
    """What the script put in is taken for what the server says."""
    async with window(browser, Look(timezone="America/New_York")) as page:
        await page.goto(f"{berlin}/maintenance")
        await page.wait_for_load_state("networkidle")
        await page.evaluate("window.before = document.querySelector('.window .utc').firstChild")
        assert await told(page, "New disks") == f"{DISKS}; 9 Jan, 21:00 to 21:20 your time)"
        assert await page.evaluate("window.before.isConnected")
        assert await page.locator(".window .utc").count() == 2


async def test_on_a_site_that_tells_utc_the_readers_time_stands_beside_it(browser: Browser, calm: Demo) -> None:
    async with window(browser, Look(timezone="Asia/Kathmandu", width=Width.NARROW)) as page:
        await page.goto(f"{calm.public}/maintenance")
        beside = page.locator(".window").first.locator(".utc")
        await expect(beside).to_have_text("(08:45 to 09:05 your time)")
        assert await barriers(page) == []
        assert await page.evaluate("document.scrollingElement.scrollWidth - document.documentElement.clientWidth") == 0
