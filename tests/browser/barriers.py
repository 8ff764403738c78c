"""What axe finds on a page that stands in its way."""

from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Page


async def barriers(page: Page, *rules: str) -> list[str]:
    """What axe finds by *rules*, or by all of its own."""
    found = await Axe().run(page, options={"runOnly": list(rules)} if rules else {})
    return [f"{one['id']}: {node['html']} {node['failureSummary']}" for one in found.response["violations"] for node in one["nodes"]]
