"""A further page with a logo, as its readers see it in a browser: nothing stands in their way, and every link stays on it."""

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from incidents import act
from incidents.model import Status
from statuspage.app import Service
from statuspage.config.logo import logo_of
from tests.browser.barriers import barriers
from tests.browser.chromium import SCHEMES, Look, Scheme, Width, window
from tests.statuspage.drawings import EXPORTED

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

TOKEN = "q7YtLw2Z9hVbXc4NfRk8Ds"
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40"><rect x="2" y="6" width="28" height="28" rx="6" fill="#123"/>'
    '<path d="M40 30V10h5l7 12 7-12h5v20h-5V19l-7 11-7-11v11z" fill="#123"/></svg>'
)
FILE = """
site: {name: Example Networks, url: "http://127.0.0.1:8080"}
listen: {public: "127.0.0.1:0", internal: "127.0.0.1:0"}
services:
  email: {name: Email, group: Communication, description: "Sending and receiving mail"}
  portal: {name: Customer portal}
  payroll: {name: Salary run, group: Back office, public: false}
pages: {staff: {name: Muster AG, services: [email, payroll], access: token, token: {env: STAFF}, logo: sign.svg}}
"""


@asynccontextmanager
async def opened(directory: Path, browser: Browser, look: Look) -> AsyncIterator[tuple[Page, str]]:
    async with at_work(directory, browser, look) as (page, root, _):
        yield page, root


@asynccontextmanager
async def at_work(directory: Path, browser: Browser, look: Look) -> AsyncIterator[tuple[Page, str, Service]]:
    (directory / "sign.svg").write_text(LOGO, encoding="utf-8")
    file = directory / "statuspage.yaml"
    file.write_text(FILE, encoding="utf-8")
    async with (
        Service(config_path=file, data_dir=directory / "data", environ={"STAFF": TOKEN}) as service,
        window(browser, look) as page,
    ):
        root = f"{service.public_url}/pages/{TOKEN}"
        await page.goto(f"{root}/")
        yield page, root, service


async def test_an_open_further_page_shows_an_outage_by_itself(tmp_path: Path, browser: Browser) -> None:
    async with at_work(tmp_path, browser, Look()) as (page, root, service):
        async with page.expect_request(f"{root}/events"):
            await page.reload()
        services = {"payroll": Status.MAJOR}
        await service.hub.pipeline.act(partial(act.open_incident, name="No salaries", services=services, by="ada", body="We look."))
        await page.get_by_text("No salaries").first.wait_for(timeout=15_000)  # it would ask by itself after half a minute


@pytest.mark.parametrize("width", Width)
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_further_page_has_no_barrier_and_shows_its_logo(tmp_path: Path, browser: Browser, width: Width, scheme: Scheme) -> None:
    async with opened(tmp_path, browser, Look(width=width, scheme=scheme)) as (page, _):
        assert await barriers(page) == []
        assert await page.evaluate("() => document.querySelector('.site img').naturalWidth") > 0
        assert await page.evaluate("() => document.scrollingElement.scrollWidth - document.documentElement.clientWidth") == 0
        assert await page.get_by_role("link", name="Subscribe").count() == 0


async def test_a_reader_walks_through_a_further_page_and_stays_there(tmp_path: Path, browser: Browser) -> None:
    async with opened(tmp_path, browser, Look()) as (page, root):
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        for name in ("Salary run", "All services", "History", "Maintenance", "Service levels", "Muster AG status", "Deutsch"):
            await page.get_by_role("link", name=name, exact=True).first.click()
            assert page.url.startswith(root), name
        await page.wait_for_load_state("networkidle")
        assert asked
        assert [url for url in asked if not url.startswith(root)] == []


@pytest.mark.parametrize("name", EXPORTED)
async def test_a_logo_that_was_written_anew_looks_as_it_was_drawn(browser: Browser, name: str) -> None:
    async with window(browser, Look()) as page:

        async def look(body: bytes) -> bytes:
            source = f"data:image/svg+xml;base64,{b64encode(body).decode()}"
            await page.set_content(f'<body style="background:#8a8"><img width="400" src="{source}">')
            await page.wait_for_function("() => document.querySelector('img').complete")
            assert await page.evaluate("() => document.querySelector('img').naturalWidth") > 0
            return await page.locator("img").screenshot()

        assert await look(logo_of(EXPORTED[name]).body) == await look(EXPORTED[name])
