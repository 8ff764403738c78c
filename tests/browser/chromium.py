"""The browser that people have: the system's own Chromium, driven from outside."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from playwright.async_api import Browser, Page, StorageState, async_playwright

from tests.browser.demos import Demo

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "No Chromium on this machine: install it (Debian: apt install chromium) and run again."
PATIENCE = 15_000  # milliseconds


class Width(StrEnum):
    """How wide the window is."""

    WIDE = "wide"
    NARROW = "narrow"

    @property
    def pixels(self) -> int:
        return {Width.WIDE: 1280, Width.NARROW: 390}[self]


Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


class NoChromium(Exception):
    """There is no browser here; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """In what window a page is opened."""

    width: Width = Width.WIDE
    scheme: Scheme = "light"
    has_script: bool = True
    timezone: str = "UTC"


WIDE = Look()


@asynccontextmanager
async def chromium(*switches: str) -> AsyncIterator[Browser]:
    """Start the browser with more *switches*, and close it. Errors: NoChromium."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise NoChromium(MISSING)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=found,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb", "--hide-scrollbars", *switches],
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def window(browser: Browser, look: Look = WIDE, *, kept: StorageState | None = None) -> AsyncIterator[Page]:
    """Open an empty window: of somebody who has never been here, or with the cookies that *kept* holds."""
    context = await browser.new_context(
        viewport={"width": look.width.pixels, "height": 800},
        color_scheme=look.scheme,
        java_script_enabled=look.has_script,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id=look.timezone,
        storage_state=kept,
    )
    context.set_default_timeout(PATIENCE)
    try:
        yield await context.new_page()
    finally:
        await context.close()


async def log_in(page: Page, demo: Demo) -> None:
    """Log the demo's agent in, by the form."""
    await page.goto(f"{demo.console}/login")
    await page.get_by_label("Name").fill(demo.agent)
    await page.get_by_label("Password").fill(demo.password)
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url(f"{demo.console}/")
