"""Take the pictures in docs/: python -m tests.browser.screenshots DIRECTORY.

The real demo is started, broken and tended; each page is taken wide and narrow, light and dark.
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from playwright.async_api import Browser, Page, StorageState

from tests.browser.chromium import SCHEMES, Look, NoChromium, Width, chromium, log_in, window
from tests.browser.demos import Demo, demo
from tests.browser.pictures import shrink

WORDS = (
    "Mail cannot be sent at present: our mail server does not take messages. Receiving mail and webmail work. "
    "We are restarting the server. Messages that you write now stay in your outbox."
)
ROOMS = {
    "triage": "triage?q=mail",
    "services": "services",
    "charter": "services/email",
    "known-errors": "known-errors",
    "known-error-form": "known-errors/write?service=email",
    "templates": "templates",
    "calendar": "calendar",
    "wall": "wall",
    "changes": "changes",
    "audit": "audit",
    "account": "account",
    "agents": "agents",
    "try": "try?target=127.0.0.1:587",
    "plan": "maintenance/plan",
    "advisory-form": "advisories/publish",
    "corrections": "corrections",
    "as-it-was": "as-it-was",
    "report-desk": "reports/desk",
    "report-availability": "reports/availability",
    "report-review": "reports/review",
}
"""What else there is at the console, by the names of its pictures."""
LOOKS = tuple(Look(width=width, scheme=scheme) for width, scheme in product(Width, SCHEMES))


async def take(directory: Path) -> None:
    """Walk through an outage and picture each page of it."""
    with tempfile.TemporaryDirectory(prefix="screenshots-") as scratch:
        async with chromium() as browser, demo(Path(scratch)) as company:
            await company.all_works()
            kept = await _logged_in(browser, company)
            planned, work = f"{company.public}/maintenance", await company.planned()
            around = (("all-works", f"{company.public}/"), ("maintenance", planned), ("window", f"{planned}/{work}"))
            await _look_around(browser, directory, around)
            await _desk(browser, directory, company, kept, (("window-card", f"maintenance/{work}"),))
            await _look_around(browser, directory, (("login", f"{company.console}/login"),))
            await company.break_("outgoing-mail")
            incident = await company.incident("Email")
            await _desk(browser, directory, company, kept, (("queue", ""), ("on-call", "on-call"), ("take", f"incidents/{incident}/take")))
            await _tend(browser, company, incident, kept)
            draft = await _draft(browser, company, kept)
            await _desk(browser, directory, company, kept, (("incident-card", f"incidents/{incident}"), ("gate", f"incidents/{draft}")))
            postmortem = ("postmortem", f"incidents/{incident}/postmortem")
            await _desk(browser, directory, company, kept, (postmortem, *ROOMS.items()))
            await _look_around(
                browser,
                directory,
                (
                    ("outage", f"{company.public}/"),
                    ("incident", f"{company.public}/incidents/{incident}"),
                    ("service", f"{company.public}/services/email"),
                    ("in-german", f"{company.public}/de/"),
                    ("is-it-just-me", f"{company.public}/report/email"),
                    ("service-levels", f"{company.public}/service-levels"),
                    ("subscribe", f"{company.public}/subscribe"),
                    ("history", f"{company.public}/history"),
                    ("search", f"{company.public}/history/search/sending"),
                    ("demo", f"{company.control}/"),
                ),
            )


async def _logged_in(browser: Browser, company: Demo) -> StorageState:
    """Log in once: who does so for every picture is taken for somebody who guesses."""
    async with window(browser) as page:
        await log_in(page, company)
        return await page.context.storage_state()


async def _tend(browser: Browser, company: Demo, incident: str, kept: StorageState) -> None:
    """Do what an agent does first: own it, and tell the public."""
    async with window(browser, kept=kept) as page:
        await page.goto(f"{company.console}/incidents/{incident}")
        await page.get_by_role("button", name="Acknowledge").click()
        await page.get_by_label("State").select_option(label="Identified")
        await page.get_by_label("Words for customers").first.fill(WORDS)
        await page.get_by_label("Promise the next update").select_option(index=2)
        await page.get_by_role("button", name="Publish").click()
        await page.get_by_text(WORDS).first.wait_for()


async def _draft(browser: Browser, company: Demo, kept: StorageState) -> str:
    """Open a draft, whose words wait at the gate; gives its id."""
    async with window(browser, kept=kept) as page:
        await page.goto(f"{company.console}/open")
        await page.get_by_label("What does not work").fill("Single sign-on is slow")
        await page.get_by_label("Customer portal").select_option("degraded_performance")
        await page.get_by_label("Words for customers").first.fill("Two customers say that logging in takes a minute.")
        await page.get_by_label("Keep it as a draft").check()
        await page.get_by_role("button", name="Open it").click()
        await page.get_by_role("region", name="Words that wait for review").wait_for()
        return page.url.rpartition("/")[2]


async def _look_around(browser: Browser, directory: Path, pages: Sequence[tuple[str, str]]) -> None:
    for look in LOOKS:
        async with window(browser, look) as page:
            await _picture(browser, page, directory, look, pages)


async def _desk(browser: Browser, directory: Path, company: Demo, kept: StorageState, pages: Sequence[tuple[str, str]]) -> None:
    for look in LOOKS:
        async with window(browser, look, kept=kept) as page:
            await _picture(browser, page, directory, look, [(name, f"{company.console}/{path}") for name, path in pages])


async def _picture(browser: Browser, page: Page, directory: Path, look: Look, pages: Sequence[tuple[str, str]]) -> None:
    for name, address in pages:
        await page.goto(address, wait_until="networkidle")
        png = await page.screenshot(full_page=True, animations="disabled")
        async with window(browser) as easel:
            small = await shrink(easel, png)
        (directory / f"{name}-{look.width}-{look.scheme}.png").write_bytes(small)


def main(arguments: Sequence[str]) -> int:
    """Take them all. 0 good, 1 no browser, 2 usage."""
    if len(arguments) != 1:
        print("usage: python -m tests.browser.screenshots DIRECTORY", file=sys.stderr)
        return 2
    directory = Path(arguments[0])
    directory.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(take(directory))
    except NoChromium as absence:
        print(absence, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
