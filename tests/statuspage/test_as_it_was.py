"""What the page said at any instant of the past is drawn again from the record, to the last field."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from incidents.importing import PastIncident, PastWindow, take_over
from probes.result import Failure
from statuspage.as_it_was import page_at
from statuspage.books import Books
from statuspage.bundled import templates
from statuspage.picture.page import Page, ServiceView
from statuspage.press import Press, public_names
from statuspage.publish import Publisher
from statuspage.render.html import Html
from statuspage.store import queries
from statuspage.store.engine import Store
from statuspage.store.record import record
from statuspage.store.tables import updates
from tests.incidents.test_importing import INCIDENT, WINDOW
from tests.incidents.test_importing import PAGE as ELSEWHERE
from tests.incidents.world import need, service, topology
from tests.statuspage.pasts import SITE, WORDS, Life, new_store

MONTH = 30
PAGES = 60
MAIL = topology([service("mail", need("smtp", label="Sending"), need("imap")), service("files", need("storage"))])
GROWN = topology([service("mail", need("smtp", label="Sending"), need("imap")), service("portal", need("web"))])


class Weeks:
    """A month by chance on a real road, with the page photographed as it goes by."""

    def __init__(self, life: Life, seed: int) -> None:
        self.life, self.chance = life, random.Random(seed)
        self.pages: dict[datetime, Page] = {}

    async def live(self) -> None:
        await self.life.start(MAIL)
        for number in range(PAGES):
            await self._hours()
            if number % 20 == 19:
                await self.life.configure(GROWN if self.life.road.situation.topology is not GROWN else MAIL)
            if number % 17 == 16:
                await self.life.restart()
            self.life.wait(self.chance.uniform(0.001, 90))
            self.pages[self.life.now] = await self.photograph()
            self.life.wait(0.001)

    async def _hours(self) -> None:
        """Half a day: troubles come and go, people say things."""
        known = self.life.road.situation.topology.monitors
        broken = [id for id in known if self.chance.random() < 0.3]
        for _ in range(self.chance.randint(1, 5)):
            await self.life.hear(*((id, "local", Failure.REFUSED if id in broken else None) for id in known))
            await self.life.tick(self.chance.choice([3, 20, 61]))
            await self.life.says(self.chance.randint(0, 9), self.chance.choice(WORDS))
        await self.life.advises(self.chance.randint(0, 9), self.chance.choice([90, 86400, None]))
        if self.chance.random() < 0.5:
            await self.life.everywhere()
            self.life.wait(3)
            await self.life.everywhere()
        await self.life.tick(self.chance.choice([60, 7200, MONTH * 86400 / PAGES]))

    async def photograph(self) -> Page:
        """What a press that knows nothing yet would show now."""
        life = self.life
        installed = await life.store.write(lambda connection: queries.installation(connection, url=SITE.url, now=life.now))
        names = sorted({*public_names(MAIL, SITE), *public_names(GROWN, SITE)})  # a press keeps those that it once gave out
        ids = await life.store.write(lambda connection: queries.public_ids(connection, names))
        press = Press(
            store=life.store,
            pipeline=life.road,
            books=Books(store=life.store, zone=SITE.timezone, services=life.road.situation.topology.services, offers={}),
            publisher=Publisher(Html(templates())),
            site=SITE,
            installation=installed,
            public_ids=ids,
            now=lambda: life.now,
            stale_after=120.0,
        )
        page = (await press.issue()).page
        return replace(page, groups=tuple(replace(group, services=tuple(map(_unpriced, group.services))) for group in page.groups))


def _unpriced(service: ServiceView) -> ServiceView:
    """Without what is told of its availability, which the page of the past leaves out."""
    return replace(service, level=None)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    new_store(tmp_path)
    opened = await Store.open("sqlite:///past.db", tmp_path)
    yield opened
    await opened.close()


async def test_every_page_of_a_month_is_drawn_again_as_it_was(store: Store) -> None:
    weeks = Weeks(Life(store=store), seed=1)
    await weeks.live()
    assert {page.status for page in weeks.pages.values()} >= {"operational", "major_outage"}
    assert any(page.open for page in weeks.pages.values())
    for at, page in weeks.pages.items():
        assert await store.read(partial(page_at, at=at)) == page, at


async def test_a_text_that_was_withdrawn_since_stays_withdrawn(store: Store) -> None:
    life = Life(store=store)
    await life.start(MAIL)
    await life.says(0, "open")
    life.wait(60)
    said, incident = life.now, life.incident(0)
    life.wait(60)
    await life.store.write(lambda connection: queries.public_ids(connection, public_names(MAIL, SITE)))
    before = await store.read(partial(page_at, at=said))
    gone = update(updates).where(updates.c.incident == incident).values(redacted_at=life.now, body="")
    await store.write(lambda connection: connection.execute(gone))
    after = await store.read(partial(page_at, at=said))
    assert before is not None
    assert after is not None
    assert [one.body for one in before.open[0].updates] == ["Customers call us."]
    assert [(one.body, one.redacted) for one in after.open[0].updates] == [("", True)]


async def test_what_was_imported_is_told_from_the_import_on_and_not_from_when_it_happened(store: Store) -> None:
    life = Life(store=store)
    await life.start(MAIL)
    await life.says(0, "open")
    weeks = Weeks(life, 1)
    life.wait(60)
    before, then = await weeks.photograph(), life.now
    life.wait(3600)
    past: list[PastIncident | PastWindow] = [WINDOW]
    past += [replace(INCIDENT, id=str(number), **_within(life.now - timedelta(minutes=30))) for number in range(60)]
    told = [take_over(life.road.situation, life.now, page=ELSEWHERE, past=one, kept=None, by="ada", language="en") for one in past]
    events = [event for some in told for event in some]
    await store.write(lambda connection: record(connection, events=events, results=(), at=life.now))
    life.wait(60)
    after, now = await weeks.photograph(), life.now
    assert len(before.recent) < len(after.recent)
    assert await store.read(partial(page_at, at=then)) == before
    assert await store.read(partial(page_at, at=now)) == after


def _within(began: datetime) -> dict[str, Any]:
    """An incident of ten minutes, told once."""
    ended = began + timedelta(minutes=10)
    return {"started_at": began, "published_at": began, "resolved_at": ended, "quotes": (replace(INCIDENT.quotes[1], at=ended),)}


async def test_before_the_first_configuration_there_is_no_page(store: Store) -> None:
    life = Life(store=store)
    await life.start(MAIL)
    assert await store.read(partial(page_at, at=life.now - timedelta(seconds=1))) is None
    await store.write(lambda connection: queries.public_ids(connection, public_names(MAIL, SITE)))
    assert await store.read(partial(page_at, at=life.now)) is not None
