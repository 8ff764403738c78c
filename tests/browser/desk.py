"""What an agent does at the console, by its forms and nothing else: each works without the script."""

from playwright.async_api import Page

from tests.browser.demos import Demo


async def warn(page: Page, demo: Demo, name: str, *, words: str, service: str = "") -> str:
    """Publish an advisory for a service, or a notice, logged in; gives its id."""
    await page.goto(f"{demo.console}/advisories/publish")
    await page.locator("#name-en").fill(name)
    await page.locator("#body-en").fill(words)
    if service:
        await page.get_by_label(service, exact=True).check()
    await page.get_by_role("button", name="Publish it").click()
    await page.get_by_role("region", name="Timeline").get_by_text(words).wait_for()
    return page.url.rpartition("/")[2]


async def open_incident(page: Page, demo: Demo, name: str, *, service: str, words: str) -> str:
    """Open an incident by hand, logged in; gives its id."""
    await page.goto(f"{demo.console}/open")
    await page.get_by_label("What does not work").fill(name)
    await page.get_by_label(service).select_option("degraded_performance")
    await page.get_by_label("Words for customers").fill(words)
    await page.get_by_role("button", name="Open it").click()
    return await demo.incident(name)


async def resolve(page: Page, demo: Demo, incident: str, words: str) -> None:
    """Resolve it on its card, logged in."""
    await page.goto(f"{demo.console}/incidents/{incident}")
    await page.get_by_label("Last words for customers").fill(words)
    await page.get_by_role("button", name="Resolve").click()
    await page.get_by_text("Resolved", exact=True).first.wait_for()


async def publish(page: Page, demo: Demo, incident: str, *, state: str, words: str) -> None:
    """Publish an update on its card, logged in."""
    await page.goto(f"{demo.console}/incidents/{incident}")
    await page.get_by_label("State").select_option(state)
    await page.get_by_label("Words for customers", exact=True).fill(words)
    await page.get_by_role("button", name="Publish").click()
    await page.get_by_role("region", name="Timeline").get_by_text(words).wait_for()
