"""A storm is warned of, an outage comes meanwhile, and the warning is withdrawn: two tellings beside one another, on every surface."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import feedparser
import pytest

from incidents import advising
from incidents.advising import Wish
from incidents.model import Status
from probes.result import Failure
from statuspage.picture.page import Page
from statuspage.publish import Shelf
from tests.statuspage.tellings import House, known, telling

HOUR = timedelta(hours=1)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with telling(tmp_path, known()) as opened:
        yield opened


def text(shelf: Shelf, path: str) -> str:
    return " ".join(shelf.files[path].body.decode().split())


def answer(page: Page) -> tuple[Status, object]:
    return page.status, [(one.id, one.status, one.days, one.level) for group in page.groups for one in group.services]


async def test_a_storm_from_its_warning_to_its_end(house: House) -> None:
    await house.subscribe("ada@example.org")
    for monitor in ("smtp", "imap", "web"):
        await house.see(monitor, None)
    calm = await house.press.issue()

    # In the morning the weather service warns: two services may be hit from noon on.
    noon = house.world.now + 4 * HOUR
    wish = Wish(
        name={"en": "Storm warning"},
        services=("email", "portal"),
        starts=noon,
        ends=noon + 6 * HOUR,
        body={"en": "Lines may fail."},
    )
    await house.pipeline.act(partial(advising.publish, by="ada", wish=wish))
    (storm,) = house.pipeline.situation.advisories
    warned = await house.press.issue()
    assert answer(warned.page) == answer(calm.page)
    assert text(warned, "/").partition("</h1>")[0] == text(calm, "/").partition("</h1>")[0]
    assert "Expected" in text(warned, f"/advisories/{storm}")
    assert warned.files["/api/v2/summary.json"].body == calm.files["/api/v2/summary.json"].body
    await house.pass_by(120)
    await house.deliver()
    assert [letter.subject for letter in house.postbox.letters] == ["Storm warning – advisory"]

    # It comes nearer; at noon it holds, by the clock alone.
    await house.pipeline.act(partial(advising.update, advisory=storm, by="ben", body={"en": "It comes nearer."}))
    house.world.now = noon
    assert "In force" in text(await house.press.issue(), "/")

    # An hour later email breaks: an incident of its own, found by the probes, that mentions what was warned of.
    await house.pass_by(3600)
    await house.see("smtp", Failure.REFUSED)
    (incident,) = house.pipeline.situation.incidents.values()
    hit = await house.press.issue()
    assert hit.page.status is Status.PARTIAL
    front = text(hit, "/")
    assert front.index(incident.name) < front.index("Storm warning") < front.index('id="services"')
    assert "What we warn of" in text(hit, f"/incidents/{incident.id}")
    assert [one["id"] for one in json.loads(hit.files["/api/v2/incidents/unresolved.json"].body)["incidents"]] == [incident.id]

    # It is mended, and the storm has passed before its time.
    await house.see("smtp", None)
    await house.pass_by(400)
    await house.pipeline.act(partial(advising.withdraw, advisory=storm, by="ada", body={"en": "The storm has passed."}))
    await house.deliver()
    over = await house.press.issue()
    assert not house.pipeline.situation.advisories
    assert not house.pipeline.situation.incidents
    assert over.page.status is Status.OPERATIONAL
    assert "Storm warning" not in text(over, "/")
    page = text(over, f"/advisories/{storm}")
    for words in ("Lines may fail.", "It comes nearer.", "The storm has passed.", "Withdrawn"):
        assert words in page
    assert "What we warn of" not in text(over, f"/incidents/{incident.id}")

    # Feeds have both tellings; the feed of incidents has the outage alone.
    told = [one.link.split("/")[3] for one in feedparser.parse(text(over, "/history.rss")).entries]
    assert told.count("advisories") == 3
    assert told.count("incidents") >= 2
    degraded = house.press.of_service("/history/degraded.rss")
    assert degraded is not None
    assert "advisories" not in degraded().body.decode()
    assert [letter.subject for letter in house.postbox.letters if "Storm" in letter.subject] == [
        "Storm warning – advisory",
        "Storm warning – advisory updated",
        "Storm warning – advisory withdrawn",
    ]
