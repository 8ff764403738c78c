"""Draw the cards that other sites show of a link to the page: python -m tests.browser.cards DIRECTORY.

They hold no word, so that they speak every language: the shape and the colour of a status, as on the page itself. They are drawn once,
here, and lie among the templates as pictures: the service itself draws none, and needs no library for it.
"""

import asyncio
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.async_api import Browser

from statuspage import bundled
from tests.browser.chromium import NoChromium, chromium
from tests.browser.pictures import shrink

WIDTH, HEIGHT = 1200, 630
PLAIN = "plain"
CARDS = ("operational", "degraded", "partial", "major", "maintenance", "unknown", PLAIN)
"""One for each status, and one for pages that tell of none."""

_TALL = {"operational": 120, "degraded": 150, "partial": 175, "major": 200, "maintenance": 90, "unknown": 60, PLAIN: 150}
_BARS, _STEP = 36, 30
_LOOK = f"""
body {{ width: {WIDTH}px; height: {HEIGHT}px; display: grid; place-items: center; }}
body {{ border-top: 28px solid var(--tone); background: var(--paper); }}
body > .shape {{ width: 250px; height: 250px; margin: 0 0 150px; }}
.days {{ position: absolute; bottom: 56px; left: 60px; width: {_BARS * _STEP}px; height: 200px; }}
.days path {{ fill: none; stroke: var(--bar); stroke-width: 20; }}
.days .degraded {{ stroke: var(--bar-degraded); }}
.days .partial {{ stroke: var(--bar-partial); }} .days .major {{ stroke: var(--bar-major); }}
.days .maintenance {{ stroke: var(--bar-maintenance); }} .days .unknown {{ stroke: var(--bar-unknown); }}
body.wordless {{ --tone: var(--ink); }} .wordless .days {{ bottom: 215px; }} .wordless .days path {{ stroke: var(--soft); }}
"""


async def draw(browser: Browser, directory: Path) -> None:
    """Draw each card into *directory*."""
    context = await browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
    page = await context.new_page()
    for name in CARDS:
        await page.set_content(_card(name))
        png = await page.screenshot()
        await page.set_content("")
        (directory / f"card_{name}.png").write_bytes(await shrink(page, png))
    await context.close()


def _card(name: str) -> str:
    public = bundled.templates() / "public"
    shapes = re.search(r"<svg class=\"sprite\".*?</svg>", (public / "shapes.html").read_text(encoding="utf-8"), re.DOTALL)
    assert shapes is not None
    shape = "" if name == PLAIN else f'<svg class="shape {name}" viewBox="0 0 24 24"><use href="#s-{name}"/></svg>'
    style = f"<style>{(public / 'style.css').read_text(encoding='utf-8')}{_LOOK}</style>"
    days = f'<svg class="days" viewBox="0 0 {_BARS * _STEP} 200">{"".join(_days(name))}</svg>'
    return f'<!doctype html>{style}<body class="{"wordless" if name == PLAIN else name}">{shapes[0]}{shape}{days}'


def _days(name: str) -> Iterator[str]:
    """Quiet days, and the last one as the status says."""
    for day in range(_BARS):
        look = name if day == _BARS - 1 or name == PLAIN else "operational"
        yield f'<path class="{look}" d="M{day * _STEP + 10} 200v-{_TALL[look]}"/>'


def main(arguments: Sequence[str]) -> int:
    """Draw them all. 0 good, 1 no browser, 2 usage."""
    if len(arguments) != 1:
        print("usage: python -m tests.browser.cards DIRECTORY", file=sys.stderr)
        return 2

    async def run() -> None:
        async with chromium() as browser:
            await draw(browser, Path(arguments[0]))

    try:
        asyncio.run(run())
    except NoChromium as absence:
        print(absence, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
