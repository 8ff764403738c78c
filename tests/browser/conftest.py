import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import pytest_asyncio
from playwright.async_api import Browser, StorageState

from tests.browser.chromium import WIDE, Look, NoChromium, chromium, log_in, window
from tests.browser.demos import Demo, demo
from tests.browser.desk import warn
from tests.browser.places import Outage, Place, Visit, Visited, Which


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    try:
        async with chromium() as started:
            yield started
    except NoChromium as absence:
        pytest.fail(str(absence), pytrace=False)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def demos(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Demo, Outage]]:
    """Two demos, started side by side: one that stays well, one whose mail cannot be sent."""
    async with AsyncExitStack() as stack:

        async def started(name: str) -> Demo:
            company = await stack.enter_async_context(demo(tmp_path_factory.mktemp(name)))
            await company.all_works()
            return company

        async def broken() -> Outage:
            company = await started("broken")
            await company.break_("outgoing-mail")
            return Outage(demo=company, incident=await company.incident("Email"))

        yield await asyncio.gather(started("calm"), broken())


@pytest.fixture(scope="package")
def calm(demos: tuple[Demo, Outage]) -> Demo:
    return demos[0]


@pytest.fixture(scope="package")
def outage(demos: tuple[Demo, Outage]) -> Outage:
    return demos[1]


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def calm_agent(browser: Browser, calm: Demo) -> StorageState:
    return await _kept(browser, calm)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def agent(browser: Browser, outage: Outage) -> StorageState:
    return await _kept(browser, outage.demo)


async def _kept(browser: Browser, company: Demo) -> StorageState:
    async with window(browser) as page:
        await log_in(page, company)
        return await page.context.storage_state()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def storm(browser: Browser, outage: Outage, agent: StorageState) -> str:
    """The id of an advisory about the broken service; a notice is beside it."""
    async with window(browser, kept=agent) as page:
        await warn(page, outage.demo, "Our phone line is closed", words="Write to us instead.")
        return await warn(page, outage.demo, "Storm warning", words="Lines may fail tonight.", service="Email")


@pytest.fixture(scope="package")
def visit(browser: Browser, calm: Demo, outage: Outage, calm_agent: StorageState, agent: StorageState, storm: str) -> Visit:
    """Opens a place in a window of its own."""

    @asynccontextmanager
    async def opened(place: Place, look: Look = WIDE) -> AsyncIterator[Visited]:
        company, kept = (calm, calm_agent) if place.which is Which.CALM else (outage.demo, agent)
        async with window(browser, look, kept=kept if place.is_inside else None) as page:
            complaints: list[str] = []
            page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: complaints.append(error.message))
            address = place.address(company, incident=outage.incident, window=await company.planned(), advisory=storm)
            answer = await page.goto(address)
            assert answer is not None
            assert answer.status == place.status
            yield Visited(page=page, complaints=complaints, policy=answer.headers.get("content-security-policy", ""))

    return opened
