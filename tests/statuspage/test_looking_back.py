"""The page as it was, at the desk: drawn by the record's own words, framed as the past, and by the reader's own thread."""

import asyncio
import re
import threading
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType

import pytest
from markupsafe import escape
from sqlalchemy import Connection, update

from incidents import act
from incidents.events import Event, MaintenanceUpdated, Planned
from incidents.maintenance import Maintenance, MaintenanceState, MaintenanceUpdate
from incidents.model import State
from incidents.policy import Policy
from probes.result import Failure
from statuspage.as_it_was import page_at
from statuspage.picture.page import Page
from statuspage.render.words import STATUS
from statuspage.store import past, queries
from statuspage.store.people import Role
from statuspage.store.tables import updates
from statuspage.web.desk import DESK
from tests.statuspage.desks import START, TOPOLOGY, Browser, House, housed
from tests.statuspage.pasts import SITE

HOUR = timedelta(hours=1)


def configured(connection: Connection) -> None:
    """The record begins: a configuration is kept with what it means, and public ids are given out."""
    compiled = past.compiled(TOPOLOGY, Policy(), SITE)
    queries.apply_configuration(connection, text="", digest="first", at=START, compiled=compiled)
    queries.public_ids(connection, list(TOPOLOGY.services))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """The portal breaks at 09:00 UTC; an agent says something at half past; it is over at 10:00."""
    async with housed(tmp_path) as opened:
        await opened.store.write(configured)
        opened.wait(seconds=1)
        await opened.all_good()
        opened.now = START + HOUR
        await opened.see("portal-web", Failure.REFUSED)
        (incident,) = opened.pipeline.situation.incidents
        opened.now = START + 1.5 * HOUR
        said = partial(act.update, incident=incident, by="anna", state=State.IDENTIFIED, body="A disk is <full>.")
        await opened.pipeline.act(said)
        opened.now = START + 2 * HOUR
        await opened.see("portal-web", None)
        await opened.all_good()
        opened.now = START + 3 * HOUR
        yield opened


@pytest.fixture
async def browser(house: House) -> Browser:
    return await house.logged_in("vera", Role.VIEWER)


async def look(browser: Browser, at: str, status: int = 200) -> str:
    answer = await browser.get(f"/as-it-was?at={at}")
    assert answer.status == status, await answer.text()
    return await answer.text()


def read(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2]))


async def test_it_tells_what_the_page_said_then_and_not_what_it_says_now(browser: Browser) -> None:
    before, broken, told = [read(await look(browser, f"2026-03-02T{at}Z")) for at in ("08:30", "09:15", "09:45")]
    assert "All services are operational" in before
    assert "was going on" not in before
    assert "Customer &lt;b&gt;portal&lt;/b&gt;" in broken
    assert "Customer &lt;b&gt;portal&lt;/b&gt; is not working" in broken
    assert "A disk is" not in broken
    assert "Identified" in told
    assert "A disk is &lt;full&gt;." in told
    assert "anna" not in told


async def test_it_is_the_very_picture_that_the_command_line_prints(house: House, browser: Browser) -> None:
    at = START + 1.75 * HOUR
    page = await house.store.read(partial(page_at, at=at))
    assert page is not None
    (incident,) = page.open
    told = await look(browser, f"{at:%Y-%m-%dT%H:%M:%SZ}")
    assert told.count('class="line public"') == len(incident.updates) > 1
    for said in incident.updates:
        assert said.body.partition(" <")[0] in told
    for service in page.groups[0].services:
        assert f"{STATUS[service.status]} {escape(service.name)}" in read(told)


async def test_a_text_that_was_withdrawn_since_is_not_given_back(house: House, browser: Browser) -> None:
    gone = update(updates).where(updates.c.by == "anna").values(redacted_at=house.now, body="")
    await house.store.write(lambda connection: connection.execute(gone))
    told = read(await look(browser, "2026-03-02T09:45Z"))
    assert "A disk is" not in told
    assert "This text was removed on" in told


async def test_an_incident_that_is_over_is_told_for_fourteen_days(house: House) -> None:
    house.now = START + timedelta(hours=4)
    await house.all_good()
    await house.pipeline.tick()
    assert house.pipeline.situation.incidents == {}
    house.now = START + timedelta(days=20)
    browser = await house.logged_in("vera", Role.VIEWER)
    name = "Customer &lt;b&gt;portal&lt;/b&gt;"
    listed = [f"The 14 days before {name}" in read(await look(browser, f"2026-03-{day}T12:00Z")) for day in ("15", "16")]
    assert listed == [True, False]


async def test_planned_work_is_told_where_it_was_announced_or_ran(house: House, browser: Browser) -> None:
    def plan(seconds: float, *, is_announced: bool, number: int) -> tuple[Event, ...]:
        at, id_ = house.now, f"window{number:06d}"
        starts = at + timedelta(seconds=seconds)
        names = MappingProxyType({"en": f"Work number {number}"})
        window = Maintenance(
            id=id_, name=names, description=names, services=("email",), components=(), starts=starts, ends=starts + HOUR, planned_at=at
        )
        told = MaintenanceUpdate(number=1, state=MaintenanceState.SCHEDULED, title="Work", body="Soon.", at=at, by=None)
        events: tuple[Event, ...] = (Planned(at=at, maintenance=id_, plan=window),)
        return (*events, MaintenanceUpdated(at=at, maintenance=id_, update=told)) if is_announced else events

    for number, (seconds, is_announced) in enumerate(((7200, True), (7200, False), (60, False))):
        planned = plan(seconds, is_announced=is_announced, number=number)
        await house.pipeline.act(lambda _, __, planned=planned: planned)  # type: ignore[misc]
    house.wait(seconds=120)
    await house.pipeline.tick()
    told = read(await look(browser, f"{house.now:%Y-%m-%dT%H:%M:%SZ}"))
    assert [number for number in range(3) if f"Work number {number}" in told] == [0, 2]


async def test_it_is_framed_so_that_nobody_takes_it_for_now(browser: Browser) -> None:
    told = await look(browser, "2026-03-02T09:45Z")
    said = "2 Mar 2026, 10:45 CET (09:45 UTC)"
    assert f"This is the past: {said}" in read(told)
    assert f"End of the page as it was {said}" in read(told)
    assert re.search(r"<title>As it was 2 Mar 2026", told)
    assert told.index('class="banner"') < told.index("is not working") < told.index("End of the page as it was")
    assert re.search(r'href="/as-it-was" [^>]*aria-current="page"', told)


async def test_an_instant_without_a_zone_is_by_the_desks_own_clock_and_stays_in_the_form(browser: Browser) -> None:
    told = await look(browser, "2026-03-02T10:45")
    assert "(09:45 UTC)" in read(told)
    assert 'value="2026-03-02T10:45:00"' in told
    assert told == await look(browser, "2026-03-02T09:45Z")


async def test_other_instants_are_one_step_away_and_none_lies_ahead(browser: Browser) -> None:
    told = await look(browser, "2026-03-02T09:45Z")
    steps = re.findall(r'href="/as-it-was\?at=([^"]+)"', told)
    assert steps == ["2026-03-01T09:45:00Z", "2026-03-02T08:45:00Z", "2026-03-02T10:45:00Z"]  # a day later would be tomorrow
    assert "(10:45 UTC)" in read(await look(browser, steps[2]))


@pytest.mark.parametrize(
    ("at", "status", "words"),
    [
        ("yesterday", 422, "This is no instant"),
        ("2026-02-30T10:00", 422, "This is no instant"),
        ("0001-01-01T00:00", 422, "This is no instant"),
        ("<script>", 422, "This is no instant"),
        ("2026-03-02T11:00:01Z", 422, "This lies ahead"),
        ("9999-12-31T23:00Z", 422, "This lies ahead"),
        ("0001-01-01T23:00Z", 404, "the record begins later"),
        ("2026-03-02T07:59Z", 404, "the record begins later"),
    ],
)
async def test_what_cannot_be_looked_at_is_told_in_a_sentence_above_the_form(browser: Browser, at: str, status: int, words: str) -> None:
    told = await look(browser, at, status)
    assert words in read(told)
    assert 'name="at"' in told
    assert "<script>" not in told.partition("<main")[2]
    assert 'class="then"' not in told


async def test_an_instant_that_lies_ahead_stays_in_the_form(browser: Browser) -> None:
    assert 'value="2027-01-02T00:00:00"' in await look(browser, "2027-01-02", 422)


async def test_without_an_instant_there_is_the_form_alone_and_up_to_now_may_be_asked(browser: Browser) -> None:
    answer = await browser.get("/as-it-was")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "private, no-store")
    assert 'class="then"' not in await answer.text()
    assert 'class="then"' in await look(browser, "2026-03-02T11:00:00Z")


async def test_it_is_read_and_drawn_by_a_reader_one_at_a_time_and_never_on_the_loop(house: House, browser: Browser) -> None:
    threads: set[str] = set()
    together: list[int] = []
    inside = threading.Semaphore(1)

    def slowly(connection: Connection, at: datetime) -> Page | None:
        together.append(inside.acquire(blocking=False))
        threads.add(threading.current_thread().name)
        page = page_at(connection, at)
        inside.release()
        return page

    object.__setattr__(house.app[DESK], "page_at", slowly)
    await asyncio.gather(*(look(browser, "2026-03-02T09:45Z") for _ in range(4)))
    assert together == [True] * 4
    assert all(name.startswith("store-read") for name in threads)
