"""Open further pages, over real sockets: they are told of what is new on them, at once, and of nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from incidents import act
from incidents.model import Status
from statuspage.config.loading import load
from tests.statuspage.audiences import FILE, TOKEN, housed
from tests.statuspage.serving import Served
from tests.statuspage.streams.test_stream import reading
from tests.statuspage.test_pages import HOST, PAGES, ROOT
from tests.stories.test_broken_mail_frozen import Clock, House


@asynccontextmanager
async def fronting(directory: Path) -> AsyncIterator[tuple[House, Served, ClientSession]]:
    """A hub, and its public listener as it really runs."""
    async with housed(directory, Clock(), FILE + PAGES, STAFF=TOKEN) as house:
        await house.public.close()
        runner = house.hub.public_runner()
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            served = Served(port=runner.addresses[0][1])
            async with ClientSession(served.url) as session:
                yield house, served, session
        finally:
            await runner.cleanup()


Opened = tuple[House, Served, ClientSession]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opened]:
    async with fronting(tmp_path) as made:
        yield made


async def breaks(house: House, service: str) -> None:
    """Something hits *service*, and everybody who is to be told is about to be."""
    house.clock.wait(seconds=1)
    services = {service: Status.MAJOR}
    await house.hub.pipeline.act(partial(act.open_incident, name=f"No {service}", services=services, by="ada", body="We look."))
    await house.settle()


async def named(session: ClientSession, path: str, **headers: str) -> str:
    async with session.get(path, headers=headers) as answer:
        return str((await answer.json())["publication"])


async def test_an_open_page_is_told_at_once_of_a_publication_of_its_own(opened: Opened) -> None:
    house, served, session = opened
    async with (
        reading(served) as main,
        reading(served, path=f"{ROOT}/events") as staff,
        reading(served, host=HOST["Host"]) as customer,
    ):
        first = [await one.event() for one in (main, staff, customer)]
        await breaks(house, "email")
        told = [await one.event() for one in (main, staff, customer)]
        names = [event["publication"] for event in told]
        assert len({*names, *(event["publication"] for event in first)}) == 6
        assert names[1] == await named(session, f"{ROOT}/fresh.json")
        assert names[2] == await named(session, "/fresh.json", **HOST)


async def test_nobody_is_told_of_what_the_page_does_not_show(opened: Opened) -> None:
    house, served, session = opened
    async with reading(served) as main, reading(served, host=HOST["Host"]) as customer:
        await main.event()
        await customer.event()
        await breaks(house, "portal")  # which the customer does not see
        await main.event()
        await breaks(house, "payroll")  # which neither sees
        await breaks(house, "email")
        for reader, path in ((main, {}), (customer, HOST)):
            assert (await reader.event())["publication"] == await named(session, "/fresh.json", **path)


async def test_a_line_of_a_private_page_is_as_private_as_the_page(opened: Opened) -> None:
    _house, served, _session = opened
    async with reading(served, path=f"{ROOT}/events") as reader:
        assert reader.head.startswith(b"HTTP/1.1 200")
        for told in (b"X-Robots-Tag: noindex, nofollow\r\n", b"Referrer-Policy: no-referrer\r\n", b"Cache-Control: no-store\r\n"):
            assert told in reader.head, told
        assert b"Access-Control-Allow-Origin" not in reader.head


async def test_a_page_that_nobody_has_open_is_not_drawn(opened: Opened) -> None:
    house, served, _session = opened
    door = house.hub.doors.by_host[HOST["Host"]]
    drawn: list[object] = []
    draw = door.renew.draw  # type: ignore[attr-defined]  # the test's own look inside

    async def counted() -> None:
        drawn.append(None)
        await draw()

    door.renew.draw = counted  # type: ignore[attr-defined]
    async with reading(served) as main:
        await main.event()
        await breaks(house, "email")
        await main.event()
        assert drawn == []
        async with reading(served, host=HOST["Host"]) as customer:
            await customer.event()
            await breaks(house, "email")
            await customer.event()
            assert len(drawn) == 2


async def test_all_pages_share_one_room(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    house, served, session = opened
    monkeypatch.setattr(house.hub.streams, "_most", 2)
    async with reading(served), reading(served, path=f"{ROOT}/events"):
        assert house.hub.streams.readers == 2
        for path in ("/events", f"{ROOT}/events"):
            async with session.get(path) as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (503, "60"), path


async def test_signs_of_life_go_to_all_of_them(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    house, served, _session = opened
    monkeypatch.setattr(house.hub.streams, "_beat", 0.01)
    async with reading(served, path=f"{ROOT}/events") as staff:
        await staff.event()
        await breaks(house, "email")  # from now on it is the new beat
        await staff.event()
        assert await staff.message() == {"": "alive"}


async def test_a_page_behind_the_login_is_asked_now_and_then(opened: Opened) -> None:
    house, _served, session = opened
    assert house.hub.doors.by_id.keys() == {"desk"}
    streams = house.hub.streams
    async with session.get("/pages/desk/events") as answer:
        assert answer.status == 404
    assert streams.readers == 0


async def test_a_new_token_ends_the_lines_of_the_old_one(opened: Opened, tmp_path: Path) -> None:
    house, served, session = opened
    async with reading(served, path=f"{ROOT}/events") as old, reading(served) as main:
        await old.event()
        await main.event()
        await house.hub.apply(load(tmp_path / "statuspage.yaml", {"STAFF": TOKEN[::-1]}))
        assert await old.is_over()
        async with session.get(f"{ROOT}/events") as answer:
            assert answer.status == 404
        async with reading(served, path=f"/pages/{TOKEN[::-1]}/events") as new:
            await new.event()
            await breaks(house, "payroll")
            assert (await new.event())["publication"] == await named(session, f"/pages/{TOKEN[::-1]}/fresh.json")


async def test_lines_of_all_pages_end_with_the_service(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(20), fronting(tmp_path) as (_, served, _session):
            reader = await stack.enter_async_context(reading(served, path=f"{ROOT}/events"))
            await reader.event()
        assert await reader.is_over()
