"""A page that somebody leaves open. The window's own clock is moved on where a story would take long; the servers' is not."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, StorageState, expect

from tests.browser.barriers import barriers
from tests.browser.chromium import SCHEMES, Width, window
from tests.browser.demos import Demo, until
from tests.browser.desk import open_incident, publish, resolve

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

ASKS_EVERY = 30_000  # milliseconds between two looks at what is new, where nobody tells
LONG = 300_000
GIVES_UP_AFTER = 20_000  # the script's patience with a silent server, and some
PARCELS, MAIL = "Parcels arrive late", "Mail arrives late"
BY_HAND = (PARCELS, MAIL)
TELLS = {"/services/intranet": "Intranet: degraded", "/de/": "Intranet ist eingeschränkt"}
"""The pages of which the first thing that they say is another in the meantime."""

GREY = "getComputedStyle(document.querySelector('main')).filter === 'grayscale(1)'"
_WIDER = "document.scrollingElement.scrollWidth - document.documentElement.clientWidth"


class LeftOpen:
    """A page that was opened and is left alone, and what it asked for since."""

    def __init__(self, page: Page, public: str) -> None:
        self.page = page
        self.asked: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url.removeprefix(public)))
        self.headline, self.said = page.locator("#answer"), page.locator("#said")

    async def is_not_reloaded(self) -> bool:
        return bool(await self.page.evaluate("window.isNotReloaded"))


Open = Callable[..., Awaitable[LeftOpen]]


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, calm: Demo, calm_agent: StorageState) -> AsyncIterator[Page]:
    """A window, when all works; afterwards all works again."""
    await _settle(browser, calm, calm_agent)
    async with window(browser) as page:
        await page.clock.install()
        yield page
    await _settle(browser, calm, calm_agent)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(browser: Browser, calm_agent: StorageState) -> AsyncIterator[Page]:
    async with window(browser, kept=calm_agent) as page:
        yield page


@pytest.fixture
def leave_open(page: Page, calm: Demo) -> Open:
    """Opens a path in the window, and waits until the page is told or has asked."""

    async def opened(path: str = "/", *, hears_by: str = "/events") -> LeftOpen:
        async with page.expect_response(f"{calm.public}{hears_by}"):
            await page.goto(f"{calm.public}{path}")
        await page.evaluate("window.isNotReloaded = true")
        return LeftOpen(page, calm.public)

    return opened


async def _settle(browser: Browser, calm: Demo, kept: StorageState) -> None:
    """Leave nothing broken and nothing open; what was opened by hand says that something is broken until it is resolved."""
    await calm.mend()
    async with window(browser, kept=kept) as desk:
        for name, incident in (await calm.incidents()).items():
            if name in BY_HAND:
                await resolve(desk, calm, incident, "It works again.")
        await calm.all_works()
        for incident in (await calm.incidents()).values():
            await resolve(desk, calm, incident, "It works again.")


async def _in_time(page: Page, claim: Callable[[], Awaitable[bool]]) -> None:
    """Let the page's timer come round until *claim* holds."""

    async def is_so() -> bool:
        await page.clock.fast_forward(ASKS_EVERY)
        return await claim()

    await until(is_so)


async def test_an_open_page_tells_of_an_outage_and_of_its_end_without_being_reloaded(leave_open: Open, calm: Demo) -> None:
    opened = await leave_open()
    await expect(opened.headline).to_have_text("All services are operational")
    assert await opened.said.get_attribute("role") == "status"
    assert await opened.said.text_content() == ""

    incident = opened.page.locator("article.incident").filter(has_text="Customer portal")
    await calm.break_("portal")
    await calm.incident("Customer portal")
    await expect(incident).to_have_count(1)
    await expect(opened.headline).not_to_have_text("All services are operational")
    told = str(await opened.headline.text_content())
    await expect(opened.said).to_have_text(told)
    await expect(opened.page).to_have_title(f"{told} – Example Networks status")
    await expect(opened.page.get_by_role("article", name="Customer portal").first).to_contain_text("Major outage")

    await calm.mend()
    await calm.all_works()
    await expect(incident.locator("[aria-current]")).to_have_text("Recovered, being watched")
    await expect(opened.said).to_have_text("Recovered, being watched")
    assert await opened.is_not_reloaded()
    assert set(opened.asked) == {"/"}, "it was told when to ask for its own bytes, and never asked whether"


async def test_every_update_is_told_in_one_sentence_on_the_page_of_its_incident_too(leave_open: Open, calm: Demo, desk: Page) -> None:
    incident = await open_incident(desk, calm, PARCELS, service="Intranet", words="The post is on strike.")
    opened = await leave_open(f"/incidents/{incident}")
    await publish(desk, calm, incident, state="identified", words="They strike until noon.")
    await expect(opened.page.get_by_text("They strike until noon.")).to_be_visible()
    await expect(opened.said).to_have_text(f"{PARCELS}: Identified")
    await publish(desk, calm, incident, state="identified", words="They strike until one.")
    await expect(opened.said).to_have_text(f"Update 3 on {PARCELS}: Identified")
    await expect(opened.page.locator(".update.news")).to_contain_text("They strike until one.")
    assert await opened.is_not_reloaded()


@pytest.mark.parametrize("path", ["/services/intranet", "/maintenance", "/service-levels", "/history", "/de/"])
async def test_every_page_is_renewed_in_place(leave_open: Open, calm: Demo, desk: Page, path: str) -> None:
    opened = await leave_open(path)
    async with opened.page.expect_response(f"{calm.public}{path}"):
        await open_incident(desk, calm, PARCELS, service="Intranet", words="The post is on strike.")
    if path in TELLS:
        await expect(opened.headline).to_have_text(TELLS[path])
        await expect(opened.said).to_have_text(TELLS[path])
    assert await opened.is_not_reloaded()


async def test_focus_place_selection_and_what_was_opened_stay_when_the_page_is_renewed(leave_open: Open, calm: Demo, desk: Page) -> None:
    first = await open_incident(desk, calm, PARCELS, service="Intranet", words="The post is on strike.")
    opened = await leave_open()
    page = opened.page
    link = page.locator(f"#incident-{first} h3 a")
    days = page.locator("#service-intranet details")
    await days.locator("summary").click()
    await link.focus()
    await page.evaluate("""() => {
      scrollTo({ top: document.activeElement.getBoundingClientRect().top + scrollY - 200, behavior: "instant" });
      window.before = { focused: document.activeElement, top: document.activeElement.getBoundingClientRect().top };
      getSelection().selectAllChildren(document.querySelector("#service-intranet .about"));
    }""")
    selected = await page.evaluate("getSelection().toString()")
    assert selected

    await open_incident(desk, calm, MAIL, service="Email", words="It is the post again.")
    await expect(page.get_by_role("article", name=MAIL)).to_have_count(1)
    await expect(link).to_be_focused()
    assert await page.evaluate("window.before.focused === document.activeElement")
    assert await page.evaluate("Math.abs(document.activeElement.getBoundingClientRect().top - window.before.top) <= 1")
    assert await page.evaluate("getSelection().toString()") == selected
    await expect(days).to_have_attribute("open", "")

    # What had the focus goes away: it is where the page tells of the same incident now.
    await resolve(desk, calm, first, "They are here.")
    await expect(page.locator(f"#incident-{first}")).to_have_count(0)
    await expect(page.locator(f".recent a[href='/incidents/{first}']")).to_be_focused()
    assert await opened.is_not_reloaded()


async def test_a_renewed_page_has_no_barrier_and_never_scrolls_sideways(leave_open: Open, calm: Demo, desk: Page) -> None:
    opened = await leave_open()
    page = opened.page
    await open_incident(desk, calm, PARCELS, service="Intranet", words="The post is on strike.")
    await expect(page.get_by_role("article", name=PARCELS)).to_be_visible()
    backgrounds = set()
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert await barriers(page) == []
        backgrounds.add(await page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(backgrounds) == len(SCHEMES)
    for width in (Width.NARROW.pixels, 1280 // 2, 1280 // 4):  # a phone; 200 and 400 percent on a wide screen
        await page.set_viewport_size({"width": width, "height": 800})
        assert await page.evaluate(_WIDER) == 0


async def test_what_is_new_is_pointed_out_by_a_movement_only_to_those_who_want_movement(leave_open: Open, calm: Demo, desk: Page) -> None:
    opened = await leave_open()
    await open_incident(desk, calm, PARCELS, service="Intranet", words="The post is on strike.")
    new = opened.page.locator(".news")
    await expect(new).to_have_count(1)
    movement = "(one) => getComputedStyle(one).animationName"
    assert await new.evaluate(movement) == "none"
    await opened.page.emulate_media(reduced_motion="no-preference")
    assert await new.evaluate(movement) == "news"


# --- where it is not told


async def _refuse(route: Route) -> None:
    await route.fulfill(status=503, headers={"Retry-After": "60"})


async def test_a_page_that_is_refused_a_stream_asks_instead(page: Page, leave_open: Open, calm: Demo) -> None:
    await page.route("**/events", _refuse)
    opened = await leave_open(hears_by="/fresh.json")
    incident = page.locator("article.incident").filter(has_text="Customer portal")

    async def tells_of_it() -> bool:
        return await incident.count() == 1

    await calm.break_("portal")
    await calm.incident("Customer portal")
    await _in_time(page, tells_of_it)
    await expect(opened.said).to_have_text(str(await opened.headline.text_content()))
    assert await opened.is_not_reloaded()
    assert "/events" not in opened.asked, "for some minutes it does not ask for a stream again"

    async def asks_again() -> bool:
        return "/events" in opened.asked

    await _in_time(page, asks_again)


async def test_a_page_whose_stream_is_silent_asks_instead(page: Page, leave_open: Open, calm: Demo, desk: Page) -> None:
    """As behind a proxy that keeps the words to itself."""

    async def keep(route: Route) -> None:
        del route  # it is never answered

    await page.route("**/events", keep)
    opened = await leave_open(hears_by="/fresh.json")
    await open_incident(desk, calm, PARCELS, service="Intranet", words="The post is on strike.")

    async def tells_of_it() -> bool:
        return await page.get_by_role("article", name=PARCELS).count() == 1

    await _in_time(page, tells_of_it)
    assert await opened.is_not_reloaded()


async def test_a_page_that_gets_no_answer_at_all_stays_as_it_is_and_turns_grey(page: Page, calm: Demo) -> None:
    for path in ("**/events", "**/fresh.json"):
        await page.route(path, lambda route: route.abort())
    await page.goto(f"{calm.public}/")
    before = await page.locator("main").inner_text()
    await page.clock.fast_forward(LONG * 2)
    await expect(page.locator("#stale")).to_contain_text("This page has not been updated since")
    assert await page.evaluate(GREY)
    assert await page.locator("main").inner_text() == before


async def test_a_page_is_grey_when_the_machine_wakes_up_out_of_reach(page: Page, leave_open: Open) -> None:
    """No timer ran meanwhile, and the stopwatch stood still."""
    await leave_open()
    await page.route("**/*", lambda route: route.abort())
    await page.clock.set_system_time(datetime.now(UTC) + timedelta(hours=8))
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert await page.evaluate(GREY)


async def test_the_page_of_what_is_long_over_is_not_taken_for_stale(page: Page, leave_open: Open, calm: Demo, desk: Page) -> None:
    incident = await open_incident(desk, calm, PARCELS, service="Intranet", words="The post is on strike.")
    await resolve(desk, calm, incident, "They are here.")
    await page.clock.set_system_time(datetime.now(UTC) + timedelta(days=90))
    await page.add_init_script("addEventListener('DOMContentLoaded', () => setTimeout(() => { window.greyAtFirst = " + GREY + "; }))")
    await leave_open(f"/incidents/{incident}")
    await expect(page.locator("#stale")).to_be_empty()
    assert await page.evaluate("window.greyAtFirst") is False


async def test_a_page_is_loaded_anew_when_the_service_was_upgraded(page: Page, leave_open: Open, calm: Demo, desk: Page) -> None:
    opened = await leave_open()

    async def upgraded(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, body=(await answer.text()).replace("/assets/page-", "/assets/newer-"))

    await page.route(f"{calm.public}/", upgraded)
    await page.clock.fast_forward(ASKS_EVERY * 2)
    async with page.expect_navigation():
        await open_incident(desk, calm, PARCELS, service="Intranet", words="The post is on strike.")
    assert not await opened.is_not_reloaded()


async def test_a_page_that_nobody_sees_holds_no_stream(page: Page, leave_open: Open, calm: Demo) -> None:
    opened = await leave_open()
    turn = "(isHidden) => { Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true });"
    turn += " document.dispatchEvent(new Event('visibilitychange')); }"
    async with page.expect_event("requestfailed", lambda request: request.url.endswith("/events")):
        await page.evaluate(turn, True)  # noqa: FBT003 - the page's own value
    opened.asked.clear()
    async with page.expect_response(f"{calm.public}/events"):
        await page.evaluate(turn, False)  # noqa: FBT003 - as above
    assert opened.asked[0] == "/events"


async def test_an_open_page_turns_grey_when_the_hub_falls_silent_and_comes_back_with_it(leave_open: Open, calm: Demo) -> None:
    opened = await leave_open()
    page, note = opened.page, opened.page.locator("#stale")
    assert not await page.evaluate(GREY)
    calm.halt()
    try:
        await page.clock.fast_forward(LONG)
        await expect(note).to_contain_text("This page has not been updated since", timeout=GIVES_UP_AFTER)
        await expect(opened.said).to_have_text(str(await note.text_content()))
        assert await page.evaluate(GREY)
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert await barriers(page) == []
    finally:
        calm.go_on()

    async def is_believed() -> bool:
        return not await page.evaluate(GREY)

    await _in_time(page, is_believed)
    assert await note.text_content() == ""
