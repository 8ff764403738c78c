"""A new incident rings where somebody asked for it, in this browser and no other, and says its name."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.chromium import window
from tests.statuspage.desks import PASSWORD, housed

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

HEARD = """() => {
  window.heard = [];
  window.Notification = class {
    static permission = "granted";
    static async requestPermission() {}
    constructor(name) { window.heard.push(name); }
  };
}"""
"""Where no desktop shows them: what would have been shown."""


async def test_a_new_incident_is_told_only_where_somebody_asked_for_it(browser: Browser, tmp_path: Path) -> None:
    async with housed(tmp_path) as house, window(browser) as page:
        await house.agent("ada")
        await page.goto(f"{house.url}/login")
        await page.get_by_label("Name").fill("ada")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Log in").click()
        bell = page.get_by_role("button", name="Ring and notify on a new incident")
        await expect(bell).to_have_attribute("aria-pressed", "false")
        await page.evaluate(HEARD)
        incident = await house.outage()
        await expect(page.locator(f"#i-{incident.id}")).to_be_visible(timeout=10_000)
        assert await page.evaluate("window.heard") == []
        await bell.press("Enter")
        await expect(bell).to_have_attribute("aria-pressed", "true")
        ada = await house.program("tool")
        opened = {"name": "The portal is slow", "body": "We look.", "services": {"portal": "degraded_performance"}}
        other = (await (await ada.send("/incidents", opened)).json())["id"]
        await expect(page.locator(f"#i-{other}")).to_be_visible(timeout=10_000)
        assert await page.evaluate("window.heard") == ["The portal is slow"]
        await page.reload()
        await expect(bell).to_have_attribute("aria-pressed", "true")
