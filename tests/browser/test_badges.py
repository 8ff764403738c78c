"""A badge on a page that stays open: a picture cannot ask again, so that it stops telling how the service is."""

from collections.abc import Sequence

import pytest
from playwright.async_api import Browser

from incidents.model import Status
from statuspage.render.badges import HOLDS_FOR, LOOKS
from tests.browser.chromium import window
from tests.browser.demos import Demo
from tests.stories.programs import agreed

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

SEEN = """(seconds) => {
    const picture = document.documentElement;
    picture.pauseAnimations();
    picture.setCurrentTime(seconds);
    const shown = [...picture.querySelectorAll('text')].filter((one) => one.getBoundingClientRect().width > 0);
    return [shown.map((one) => one.textContent), getComputedStyle(picture.querySelectorAll('rect')[2]).fill];
}"""


def rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))})"


async def test_it_is_green_for_five_minutes_and_then_grey_by_itself(browser: Browser, calm: Demo) -> None:
    async with window(browser) as page:
        await page.goto(f"{calm.public}/badges/email.svg")
        green, grey = (rgb(LOOKS[status].colour) for status in (Status.OPERATIONAL, Status.UNKNOWN))
        for seconds in (0, HOLDS_FOR - 1):
            assert await page.evaluate(SEEN, seconds) == [["Email", "operational"], green]
        assert await page.evaluate(SEEN, HOLDS_FOR + 1) == [["Email", "not known"], grey]
        assert await page.evaluate(SEEN, 86_400) == [["Email", "not known"], grey]


async def test_within_an_img_of_another_page_it_turns_too(browser: Browser, calm: Demo) -> None:
    async with window(browser) as page:
        badge = await page.request.get(f"{calm.public}/badges/email.svg")
        later = await badge.text()
        soon = later.replace(f"begin='{HOLDS_FOR}s'", "begin='1s'")
        assert soon != later
        await page.route("**/later.svg", lambda route: route.fulfill(body=later, content_type="image/svg+xml"))
        await page.route("**/soon.svg", lambda route: route.fulfill(body=soon, content_type="image/svg+xml"))
        pictures = "<img id='later' src='/later.svg'><br><img id='soon' src='/soon.svg'>"
        await page.route("**/shop", lambda route: route.fulfill(body=pictures, content_type="text/html"))
        await page.goto("http://shop.example/shop")

        async def is_the_same() -> Sequence[str]:
            # Beside one that turns in five minutes: a picture of this one may come too late to be of a green one.
            green, turned = [await page.locator(one).screenshot() for one in ("#later", "#soon")]
            return ["still green"] if turned == green else []

        await agreed(is_the_same, within=20)
