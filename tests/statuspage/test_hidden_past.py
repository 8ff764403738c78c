"""What happened long ago to services that are not for everybody: nobody can tell from how far back the history reaches."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection

from incidents.importing import Page, PastIncident, PastWindow, take_over
from incidents.model import Status
from statuspage.mirror.target import Target
from statuspage.picture.archive import address, month_of
from statuspage.store import months
from tests.incidents.test_importing import INCIDENT, WINDOW
from tests.statuspage.audiences import FILE, TOKEN, fails, housed, pages_of, works
from tests.statuspage.test_pages import HOST, PAGES, ROOT
from tests.statuspage.years import HOUR
from tests.stories.surfaces import body
from tests.stories.test_broken_mail_frozen import Clock, House

ELSEWHERE = Page(address="https://old.example", id="old")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path, Clock(), FILE + PAGES, STAFF=TOKEN) as opened:
        yield opened


async def brought(house: House, *pasts: PastIncident | PastWindow) -> None:
    """Import *pasts*, as the command line does."""
    for past in pasts:
        await house.hub.pipeline.act(partial(take_over, page=ELSEWHERE, past=past, kept=None, by="ada", language="en"))
    await house.settle()


def incident(days: int, now: datetime, *services: str) -> PastIncident:
    began = now - timedelta(days=days)
    hit = dict.fromkeys(services, Status.MAJOR)
    quotes = tuple(replace(quote, at=began) for quote in INCIDENT.quotes)
    return replace(
        INCIDENT,
        id=f"{days}{services}",
        name="A dodo died",
        services=hit,
        quotes=quotes,
        started_at=began,
        published_at=began,
        resolved_at=began + HOUR,
    )


def planned(days: int, now: datetime, *services: str) -> PastWindow:
    starts = now - timedelta(days=days)
    over = replace(WINDOW, planned_at=starts, starts=starts, ends=starts + HOUR, began_at=starts, ended_at=starts + HOUR)
    return replace(over, id=f"{days}{services}", name="Feeding the dodo", services=services)


async def old(house: House) -> None:
    """Years of the past of services that are not for everybody, some of which one further page shows, and a little of email's."""
    now = house.clock()
    await works(house)
    await brought(house, incident(1900, now, "intranet"), planned(1800, now, "intranet"))
    await brought(house, incident(1500, now, "payroll"), planned(1400, now, "payroll"))


def month(house: House, days: int) -> str:
    return address(month_of(house.clock() - timedelta(days=days), "UTC"))


async def answered(house: House, path: str, **headers: str) -> tuple[int, str]:
    async with house.public.get(path, headers=headers) as answer:
        return answer.status, (await answer.read()).decode(errors="replace")


async def listed(house: House, root: str = "", **headers: str) -> set[str]:
    """The months that a history leads to."""
    return set(re.findall(r'href="[^"]*(/history/\d{4}-\d\d)"', (await answered(house, f"{root}/history", **headers))[1]))


async def test_the_history_of_everybody_does_not_reach_back_to_what_is_hidden(house: House, tmp_path: Path) -> None:
    await works(house)
    paths, before = await pages_of(house), await answered(house, "/history")
    await old(house)
    assert await listed(house) == {month(house, 0)} == set(re.findall(r"/history/\d{4}-\d\d", before[1]))
    assert await pages_of(house) == paths
    never = (await answered(house, month(house, 3000)))[0]
    for days in (1900, 1800, 1500, 1400, 31):
        for path in (month(house, days), f"/services/email{month(house, days)}", f"/de{month(house, days)}"):
            assert (await answered(house, path))[0] == never == 404, path
    for path in await pages_of(house):
        assert "dodo" not in (await answered(house, path))[1].lower(), path
    assert b"/history/20" not in (await body(house.public, "/sitemap.xml")).replace(month(house, 0).encode(), b"")
    assert "/incidents/" not in (await answered(house, "/history/search/dodo"))[1]
    await house.hub.mirror.publish(Target(directory=tmp_path / "www", said="www"))
    archived = {path.name for path in (tmp_path / "www").rglob("history/*") if path.name[:2] == "20"}
    assert {name[:7] for name in archived} == {month(house, 0)[-7:]}


async def test_what_everybody_knows_of_still_reaches_back(house: House) -> None:
    await old(house)
    await brought(house, incident(700, house.clock(), "email"), incident(800, house.clock()), planned(900, house.clock()))
    assert month(house, 900) in await listed(house)
    assert month(house, 935) not in await listed(house)
    assert "dodo" in (await answered(house, month(house, 700)))[1]


async def test_each_further_page_reaches_back_as_far_as_its_services_do(house: House) -> None:
    await old(house)
    assert await listed(house, **HOST) == {month(house, 0)}
    staff = await listed(house, ROOT)
    assert month(house, 1500) in staff
    assert month(house, 1540) not in staff
    assert (await answered(house, ROOT + month(house, 1500)))[0] == 200
    assert (await answered(house, ROOT + month(house, 1900)))[0] == 404


async def test_what_began_elsewhere_began_for_its_readers_when_it_hit_their_services(house: House) -> None:
    await old(house)
    await fails(house, "board")
    house.clock.wait(minutes=60 * 24 * 40)
    await fails(house, "board", "submission")
    await house.settle()

    def first(connection: Connection) -> datetime | None:
        edition = house.hub.press.own
        return months.first_told(connection, edition.cutter.scope, edition.known)

    began = await house.hub.store.read(first)
    assert began is not None
    assert house.clock() - began < timedelta(hours=1)
