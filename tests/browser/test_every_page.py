"""What must hold on every page that a person can open."""

import pytest

from tests.browser.barriers import barriers
from tests.browser.chromium import Look, Width
from tests.browser.places import PLACES, Place, Visit

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

every_place = pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)

_WIDER = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .filter((one) => !one.closest(".unseen, .skip, .sprite") && !one.parentElement.closest(".wide")) // a wide table scrolls by itself
  .map((one) => `${one.tagName} ${one.className} ${one.textContent.trim().slice(0, 40)}`)"""
_SIDEWAYS = "() => document.scrollingElement.scrollWidth - document.documentElement.clientWidth"


@every_place
async def test_no_page_has_a_barrier_that_axe_knows_or_makes_the_browser_complain(place: Place, visit: Visit) -> None:
    async with visit(place) as visited:
        await visited.page.wait_for_load_state("networkidle")
        assert "default-src 'none'" in visited.policy
        assert "unsafe" not in visited.policy
        own = f"status of {place.status}"  # that the page itself is not there is what was asked for
        assert [one for one in visited.complaints if place.status == 200 or own not in one] == []
        assert await barriers(visited.page) == []
        await visited.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        assert await barriers(visited.page, "color-contrast") == []  # nothing but the colours differs


@every_place
async def test_nothing_scrolls_sideways_on_a_phone_or_at_twice_the_size(place: Place, visit: Visit) -> None:
    async with visit(place, Look(width=Width.NARROW)) as visited:
        for pixels in (Width.NARROW.pixels, Width.WIDE.pixels // 2):  # what a zoom of 200 % leaves of a wide window
            await visited.page.set_viewport_size({"width": pixels, "height": 800})
            assert await visited.page.evaluate(_WIDER) == []
            assert await visited.page.evaluate(_SIDEWAYS) == 0
