"""The console by a name of the local network, without TLS: browsers say less there of where a form comes from."""

from dataclasses import replace

import pytest

from tests.browser.chromium import chromium, log_in, window
from tests.browser.demos import Demo

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]


async def test_an_agent_logs_in_and_out_by_a_plain_name_too(calm: Demo) -> None:
    named = replace(calm, console=calm.console.replace("127.0.0.1", "desk.test"))
    async with chromium("--host-resolver-rules=MAP desk.test 127.0.0.1") as browser, window(browser) as page:
        await log_in(page, named)
        await page.get_by_role("button", name="Log out").click()
        await page.wait_for_url(f"{named.console}/login")
