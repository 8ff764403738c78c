"""A subscription as somebody makes it who runs no script: from the form to the last letter, through a real mail server."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from statuspage.demo.ports import Conversation, free_address
from tests.browser.barriers import barriers
from tests.browser.chromium import SCHEMES, Look, Width, window
from tests.browser.test_every_page import _SIDEWAYS, _WIDER
from tests.rude.postbox import Letter, Postbox
from tests.stories.programs import Hub, agreed

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

ANNA = "anna@example.org"

FILE = """
site: {{name: Muster IT, url: "http://{public}"}}
console: {{url: "http://{internal}"}}
listen: {{public: "{public}", internal: "{internal}"}}
mail: {{host: 127.0.0.1, port: {mail}, tls: never, from: "Muster IT Status <status@example.net>"}}
defaults: {{monitor: {{every: 1s, timeout: 500ms, recheck: 100ms, recovers_after: 1}}}}
services:
  email: {{notify_after: 1s, resolves_after: 1s, needs: [{{component: smtp, as: Sending}}]}}
  portal: {{needs: [web]}}
components: {{smtp: {{}}, web: {{}}}}
monitors:
  smtp-port: {{component: smtp, probe: tcp, host: {smtp.host}, port: {smtp.port}}}
  web-port: {{component: web, probe: tcp, host: 127.0.0.1, port: {mail}}}
"""


@dataclass(frozen=True, kw_only=True)
class Company:
    """A service with a page, the mail server that it writes by, and the server that it watches."""

    public: str
    postbox: Postbox
    target: Conversation

    async def letters(self, count: int) -> list[Letter]:
        """What came to Anna, once there are *count* letters."""

        async def missing() -> list[str]:
            there = len(self.postbox.to(ANNA))
            return [] if there >= count else [f"{there} letters of {count}"]

        await agreed(missing)
        return self.postbox.to(ANNA)

    async def says(self, session: aiohttp.ClientSession, status: str) -> None:
        """Wait until the page says so of its first service."""

        async def disagree() -> list[str]:
            async with session.get(f"{self.public}/api/v2/components.json") as answer:
                found = {one["name"]: one["status"] for one in (await answer.json())["components"]}
            return [] if found.get("Email") == status else [str(found)]

        await agreed(disagree)

    async def until_over(self, session: aiohttp.ClientSession) -> None:
        """Wait until no incident is open."""

        async def disagree() -> list[str]:
            async with session.get(f"{self.public}/api/v2/incidents/unresolved.json") as answer:
                return [one["name"] for one in (await answer.json())["incidents"]]

        await agreed(disagree)


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Company]:
    public, internal, smtp = free_address(), free_address(), free_address()
    target = Conversation(smtp)
    await target.open(_hang_up)
    async with Postbox().opened() as postbox:
        config = directory / "statuspage.yaml"
        config.write_text(FILE.format(public=public, internal=internal, smtp=smtp, mail=postbox.port), encoding="utf-8")
        hub = Hub(
            public=f"http://{public}",
            internal=f"http://{internal}",
            log=directory / "hub.log",
            arguments=("serve", "--config", str(config), "--data-dir", str(directory / "data")),
        )
        await hub.start()
        try:
            yield Company(public=f"http://{public}", postbox=postbox, target=target)
        finally:
            await hub.kill()
            await target.close()


@pytest_asyncio.fixture(loop_scope="session")
async def company(tmp_path: Path) -> AsyncIterator[Company]:
    async with running(tmp_path) as started:
        yield started


async def test_from_the_form_to_the_last_letter_without_a_script(browser: Browser, company: Company) -> None:
    async with window(browser, Look(has_script=False)) as page, aiohttp.ClientSession() as session:
        await company.says(session, "operational")
        await _subscribe(page, company)
        (letter,) = await company.letters(1)
        await _confirm(page, letter)

        await company.target.close()
        _, opening = await company.letters(2)
        assert opening.subject == "Email is not working – investigating"
        assert "Sending: down" in opening.text
        await company.target.open(_hang_up)
        await company.until_over(session)
        told = [one.subject for one in await company.letters(4)]
        assert told[1] == "Email is not working – investigating"
        assert told[2].startswith("Email works again, after ")
        assert told[3].startswith("Email is not working – resolved after ")
        assert len({one.message["Message-ID"] for one in company.postbox.letters}) == len(told) == 4, "each once"
        assert company.postbox.to(ANNA) == company.postbox.letters

        one_click = str(opening.message["List-Unsubscribe"]).strip("<>")
        async with session.post(one_click, data={"List-Unsubscribe": "One-Click"}) as answer:
            assert answer.status == 200
        await company.target.close()
        await company.says(session, "major_outage")
        await company.target.open(_hang_up)
        await company.until_over(session)
        assert len(company.postbox.letters) == 4


async def _subscribe(page: Page, company: Company) -> None:
    await page.goto(f"{company.public}/")
    await page.get_by_role("navigation", name="More").get_by_role("link", name="Subscribe").click()
    await page.get_by_label("Your address").fill(ANNA)
    await page.get_by_role("checkbox", name="Email").check()
    await page.get_by_role("button", name="Send me the link to confirm").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Please look into your mail")


async def _confirm(page: Page, letter: Letter) -> None:
    link = re.search(r"http://\S+/subscribe/confirm/\S+", letter.text)
    assert link
    await page.goto(link[0])
    await expect(page.get_by_text(ANNA)).to_be_visible()
    await page.get_by_role("button", name="Yes, subscribe me").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your subscription")
    await expect(page.get_by_role("checkbox", name="Email")).to_be_checked()
    await expect(page.get_by_role("checkbox", name="Portal")).not_to_be_checked()


async def test_its_pages_have_no_barriers_and_fit_a_phone(browser: Browser, company: Company) -> None:
    async with window(browser, Look(width=Width.NARROW)) as page:
        await page.goto(f"{company.public}/subscribe")
        await _fits(page)
        await page.evaluate("document.querySelector('form').noValidate = true")
        await page.get_by_label("Your address").fill("anna@nowhere")
        await page.get_by_role("button", name="Send me the link to confirm").click()
        await expect(page.get_by_label("Your address")).to_have_attribute("aria-invalid", "true")
        await expect(page.get_by_label("Your address")).to_have_value("anna@nowhere")
        await _fits(page)
        await expect(page.get_by_role("group", name="How often").get_by_role("radio", checked=True)).to_have_value("at_once")
        await page.get_by_label("Once a week").check()
        await page.get_by_label("Your address").fill(ANNA)
        await page.get_by_role("button", name="Send me the link to confirm").click()
        await _fits(page)
        (letter,) = await company.letters(1)
        link = re.search(r"http://\S+/subscribe/confirm/\S+", letter.text)
        assert link
        await page.goto(link[0])
        await _fits(page)
        await page.get_by_role("button", name="Yes, subscribe me").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Your subscription")
        await expect(page.get_by_label("Once a week")).to_be_checked()
        await page.get_by_label("Once a day").check()
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
        await expect(page.get_by_label("Once a day")).to_be_checked()
        await _fits(page)
        await page.get_by_role("button", name="Unsubscribe and forget me").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("That was it")


async def _fits(page: Page) -> None:
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert await barriers(page) == []
    assert await page.evaluate(_WIDER) == []
    assert await page.evaluate(_SIDEWAYS) == 0
