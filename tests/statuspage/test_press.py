"""The press: what is said while a page is in the making is on the next one."""

import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from aiohttp import ClientSession, web
from sqlalchemy import Connection

from incidents import act
from incidents.model import Status
from incidents.policy import REOPENS_WITHIN, Policy
from probes.result import Failure
from statuspage import publish
from statuspage.books import Books
from statuspage.bundled import templates
from statuspage.picture.days import Day
from statuspage.picture.news import PAGE
from statuspage.picture.page import build
from statuspage.picture.site import Site
from statuspage.pipeline import Pipeline
from statuspage.press import Press, public_names
from statuspage.publish import Publisher
from statuspage.render.html import Html
from statuspage.store import queries
from statuspage.store.engine import Store
from statuspage.store.errors import StoreUnavailable
from statuspage.web.beside import Beside
from statuspage.web.public import public_app, public_runner
from tests.incidents.world import World, need, service, topology

T = TypeVar("T")
P = ParamSpec("P")
SITE = Site(name="Muster IT", url="http://status.example.net", support={}, links={})


class House:
    """A press over a real store, whose reading a test can hold up."""

    def __init__(self, press: Press, world: World) -> None:
        self.press, self.world = press, world

    async def outage(self) -> str:
        """Email fails, the portal works."""
        await self.press.pipeline.observe(self.world.result("web", None))
        for failure in (None, Failure.REFUSED, Failure.REFUSED):
            await self.press.pipeline.observe(self.world.result("smtp", failure))
            self.world.wait(3)
        (incident,) = self.press.pipeline.situation.incidents
        return incident

    async def say(self, incident: str, body: str) -> None:
        await self.press.pipeline.act(partial(act.update, incident=incident, by="anna", body=body))

    def while_it_reads(self, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Awaitable[None]]) -> None:
        """Let *meanwhile* happen once, after the next reading was made and before the press has it."""
        read, waiting = self.press.store.read, [meanwhile]

        async def slow(fn: Callable[[Connection], T]) -> T:
            found = await read(fn)
            if waiting:
                await waiting.pop()()
            return found

        monkeypatch.setattr(self.press.store, "read", slow)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    world = World(topology([service("email", need("smtp"), need("imap")), service("portal", need("web"))]))
    known, store = world.situation.topology, await Store.open("sqlite:///press.db", tmp_path)
    installed = await store.write(lambda connection: queries.installation(connection, url=SITE.url, now=world.now))
    public = await store.write(lambda connection: queries.public_ids(connection, public_names(known, SITE)))
    situation = await store.read(lambda connection: queries.situation(connection, known))
    pipeline = Pipeline(store=store, situation=situation, policy=Policy(), now=lambda: world.now)
    books = Books(store=store, zone=SITE.timezone, services=known.services, offers={})
    press = Press(
        store=store,
        pipeline=pipeline,
        books=books,
        publisher=Publisher(Html(templates())),
        site=SITE,
        installation=installed,
        public_ids=public,
        now=lambda: world.now,
        stale_after=120.0,
    )
    pipeline.audience = press.hear
    yield House(press, world)
    await pipeline.close()
    await store.close()


async def test_words_said_while_a_page_is_in_the_making_are_on_the_next_one(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    incident = await house.outage()
    house.while_it_reads(monkeypatch, partial(house.say, incident, "A disk is full."))
    await house.press.issue()
    shelf = await house.press.issue()
    assert all(b"A disk is full." in shelf.files[path].body for path in ("/", f"/incidents/{incident}", "/history.atom"))


async def test_of_every_shelf_somebody_is_told_when_it_is_there(house: House) -> None:
    seen: list[object] = []
    house.press.issued.append(lambda: seen.append(house.press.shelf))
    assert [await house.press.issue(), await house.press.issue()] == seen


async def test_a_configuration_taken_into_use_while_a_page_is_in_the_making_breaks_neither(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await house.outage()
    await house.press.issue()

    async def change() -> None:
        house.press.forget(Site(name="Muster AG", url=SITE.url, support={}, links={}), house.press.public_ids, 60.0)

    await house.say(incident, "A disk is full.")
    house.while_it_reads(monkeypatch, change)
    await house.press.issue()
    house.world.wait(timedelta(minutes=1).total_seconds())
    shelf = await house.press.issue()
    assert b"Muster AG" in shelf.files["/"].body


async def test_an_older_incident_is_shown_before_the_press_knows_a_new_service(house: House) -> None:
    incident = await house.outage()
    grown = topology([service("email", need("smtp"), need("imap")), service("portal", need("web")), service("files", need("disk"))])
    public = await house.press.store.write(lambda connection: queries.public_ids(connection, public_names(grown, SITE)))
    house.press.forget(SITE, public, 120.0)
    await house.press.pipeline.replace(grown, Policy())
    assert await house.press.older(f"/incidents/{incident}") is not None


async def test_what_is_older_is_drawn_beside_the_loop(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    incident = await house.outage()
    await house.press.pipeline.observe(house.world.result("imap", None))
    for number in range(2 * PAGE):
        house.world.wait(1)
        await house.say(incident, f"Word {number}.")
    await house.press.issue()
    drawing = set[int]()

    def noted(make: Callable[P, T]) -> Callable[P, T]:
        def note(*given: P.args, **more: P.kwargs) -> T:
            drawing.add(threading.get_ident())
            return make(*given, **more)

        return note

    monkeypatch.setattr("statuspage.edition.build", noted(build))
    for spelled in ("_spellings", "finish"):
        monkeypatch.setattr(f"statuspage.publish.{spelled}", noted(getattr(publish, spelled)))
    for path in (f"/incidents/{incident}", "/history/archive/1.atom"):
        assert await house.press.older(path) is not None, path
    assert drawing
    assert threading.get_ident() not in drawing


async def test_an_older_incident_cannot_be_told_while_the_store_is_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    app = public_app(lambda: house.press.shelf, fresh=house.press.fresh, beside=Beside(older=house.press.older))
    await house.press.issue()

    async def away(_: Callable[[Connection], T]) -> T:
        raise StoreUnavailable("The store is not available: the disk is full.")

    monkeypatch.setattr(house.press.store, "read", away)
    runner = public_runner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}/incidents/incidentolde") as answer:
            assert answer.status == 503
            assert "Retry-After" in answer.headers
            assert "disk" not in await answer.text()
    finally:
        await runner.cleanup()


async def test_stories_read_one_by_one_are_those_that_the_store_would_give_at_once(house: House) -> None:
    first = await house.outage()
    await house.press.issue()
    for body in ("We are on it.", "Nearly there."):
        await house.say(first, body)
        await house.press.issue()
    for _ in range(2):
        await house.press.pipeline.observe(house.world.result("smtp", None))
        house.world.wait(3)
    await house.press.pipeline.act(partial(act.resolve, incident=first, by="anna", body="It works again."))
    await house.press.issue()
    house.world.wait(REOPENS_WITHIN.total_seconds() + 1)
    second = await house.outage()
    shelf = await house.press.issue()
    stories = await house.press.store.read(queries.stories)
    assert [story.incident.id for story in stories] == [second, first]
    views = (*shelf.page.open, *shelf.page.recent)
    assert [(view.id, view.state, [update.body for update in reversed(view.updates)]) for view in views] == [
        (story.incident.id, story.incident.state, [update.body for update in story.updates]) for story in stories
    ]


async def test_the_bar_of_a_service_in_trouble_grows_by_the_minute(house: House) -> None:
    await house.outage()

    async def down() -> float:
        (group,) = (await house.press.issue()).page.groups
        return next(service.days[-1].downtime for service in group.services if service.id == "email")

    began = house.world.now - timedelta(seconds=6)
    assert await down() == 0
    house.world.wait(120)
    whole = house.world.now.replace(second=0, microsecond=0)
    assert await down() == (whole - began).total_seconds()
    house.world.wait(60)
    assert await down() == (whole - began).total_seconds() + 60


async def days_of_email(house: House) -> tuple[Day, ...]:
    (group,) = (await house.press.issue()).page.groups
    return next(service.days for service in group.services if service.id == "email")


async def test_a_new_day_begins_with_a_bar_of_its_own(house: House) -> None:
    await house.outage()
    evening = await days_of_email(house)
    house.world.wait(timedelta(days=1).total_seconds())
    morning = await days_of_email(house)
    assert [day.day for day in morning[:-1]] == [day.day for day in evening[1:]]
    assert morning[-1].day == evening[-1].day + timedelta(days=1)
    assert morning[-2].downtime > evening[-1].downtime


async def test_days_before_a_service_was_watched_are_no_unknown_time_once_it_is(house: House) -> None:
    house.world.wait(timedelta(days=2).total_seconds())
    assert [day.worst for day in (await days_of_email(house))[-3:]] == [Status.UNKNOWN] * 3
    await house.outage()
    assert [day.worst for day in (await days_of_email(house))[-3:]] == [None, None, Status.PARTIAL]
