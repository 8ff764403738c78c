"""One line for other people's sites while something is wrong. ``templates/public/banner.js`` shows it there."""

import json

from incidents.model import Status
from statuspage.picture.page import Page
from statuspage.render.badges import LOOKS
from statuspage.render.headline import answer
from statuspage.render.speaking import speakable
from statuspage.render.tongue import Tongue

WRONG = frozenset({Status.DEGRADED, Status.PARTIAL, Status.MAJOR, Status.MAINTENANCE})
"""What is worth a line: something that customers may run into. That we do not know is no news for them."""


def banner(page: Page, tongue: Tongue) -> bytes:
    """Spell what to show now; ``line`` is null where nothing is wrong. No time that passes is told: it stays the same meanwhile."""
    told = answer(page, tongue)
    is_wrong = told.status in WRONG
    said = {
        "site": speakable(page.site.name),
        "status": told.status,
        "line": speakable(told.headline) if is_wrong else None,
        "colour": LOOKS[told.status].colour,
        "url": _address(page),
        "language": tongue.tag,
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def _address(page: Page) -> str:
    """Where more is told: the page of the incident, where there is but one."""
    stem = f"{page.site.url}{page.root}"
    return f"{stem}/incidents/{page.open[0].id}" if len(page.open) == 1 else f"{stem}/"
