"""Open pages of the console that are told: what they hear, who is let in, and that no stream outlives its session by a second."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import pytest

from incidents import act
from statuspage.store import people, sessions
from statuspage.store.people import Role
from statuspage.web.live import EACH, LIVE
from tests.statuspage.desks import PASSWORD, Browser, House, housed
from tests.statuspage.serving import Served
from tests.statuspage.streams.test_stream import Reader, reading
from tests.statuspage.terminal import statuspage
from tests.statuspage.test_reach import OTHER, OWN, OWNED, opening

PRIVATE = b"The relay of example.net"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path, topology=OWNED) as opened:
        yield opened


def following(house: House, browser: Browser, path: str = "/events") -> AbstractAsyncContextManager[Reader]:
    """A page of *browser* that is told; an asynchronous context."""
    cookie = "; ".join(f"{one.key}={one.value}" for one in browser.session.cookie_jar)
    return reading(Served(port=urlsplit(house.url).port or 0), f"Cookie: {cookie}", path=path)


async def changed(reader: Reader) -> None:
    while (await reader.message()).get("event") != "changed":
        pass


async def test_pages_are_told_that_something_happened_and_never_what(house: House) -> None:
    manager, agent = await house.program("manager", Role.MANAGER), await house.logged_in("anna")
    first = (await (await manager.send("/incidents", opening(OTHER))).json())["id"]
    house.wait(seconds=1)
    other = (await (await manager.send("/incidents", opening(OTHER))).json())["id"]
    async with following(house, agent) as queue, following(house, agent, f"/incidents/{first}/events") as card:
        for header in (b"text/event-stream", b"X-Accel-Buffering: no", b"no-store, no-transform", b"Content-Security-Policy"):
            assert header in queue.head
        for incident in (other, first):
            await house.pipeline.act(partial(act.note, incident=incident, by="ben", body=PRIVATE.decode()))
            await changed(queue)
        await changed(card)
        assert [one["event"] for one in card.heard if "event" in one] == ["alive", "changed"], "it is told of its own incident alone"
        said = repr(queue.heard + card.heard).encode()
        assert not [word for word in (PRIVATE, first.encode(), other.encode(), b"ben") if word in said]


async def test_no_stream_outlives_its_session_by_a_second_whoever_ends_it(house: House) -> None:
    (house.data_dir / "statuspage.yaml").write_text(
        "site: {name: Example, url: http://127.0.0.1:1}\nstore: {url: 'sqlite:///desk.db'}\nteams: {mail: {}, web: {}}\n", encoding="utf-8"
    )

    async def by_command(*words: str) -> None:
        assert (await statuspage("agents", *words, "--data-dir", ".", here=house.data_dir)).code == 0

    async def by_itself(browser: Browser) -> None:
        assert (await browser.send("/logout")).status == 303

    async def other_password(browser: Browser) -> None:
        fields = {"now": PASSWORD, "password": "another long password", "again": "another long password"}
        assert (await browser.send("/account/password", fields, of="/account")).status in {200, 303}

    write = house.store.write
    ends: dict[str, Callable[[Browser], Awaitable[object]]] = {
        "logs-out": by_itself,
        "roles": lambda _: write(partial(people.set_roles, name="roles", roles=[Role.VIEWER], teams=[], at=house.now)),
        "teams": lambda _: by_command("roles", "teams", "--role", "level-one", "--team", "web"),
        "password": other_password,
        "disabled": lambda _: by_command("disable", "disabled"),
        "everywhere": lambda _: write(partial(sessions.end_stays, agent="everywhere", at=house.now)),
    }
    stays = await house.logged_in("stays")
    async with AsyncExitStack() as stack:
        kept = await stack.enter_async_context(following(house, stays))
        for name, end in ends.items():
            browser = await house.logged_in(name)
            stream = await stack.enter_async_context(following(house, browser))
            await stream.message()
            await end(browser)
            done = monotonic()
            assert await stream.is_over()
            assert monotonic() - done < 1, name
        assert house.app[LIVE].onlookers == 1, "whose session holds is told on"
        house.wait(hours=13)
        assert await kept.is_over(), "its session is as old as any may be"


async def test_there_is_room_for_so_many_and_for_whoever_may_see_alone(house: House) -> None:
    manager = await house.program("manager", Role.MANAGER)
    incident = (await (await manager.send("/incidents", opening(OTHER))).json())["id"]
    bound = await house.logged_in("bound", teams=("mail",))
    card = f"/incidents/{incident}/events"
    assert (await bound.get(card)).status == 403
    for header in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):  # the second: a browser by plain http
        answer = await bound.session.head("/events", headers=header)  # whoever is let in would read for ever
        assert answer.status == 403
    assert (await manager.session.get("/events")).status == 403
    async with AsyncExitStack() as stack:
        for _ in range(EACH):
            assert b" 200 OK" in (await stack.enter_async_context(following(house, bound))).head
        refused = await bound.get("/events")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "60")


async def test_a_card_that_leaves_somebodys_reach_tells_them_nothing_more(house: House) -> None:
    manager = await house.program("manager", Role.MANAGER)
    incident = (await (await manager.send("/incidents", opening(OWN))).json())["id"]
    bound = await house.logged_in("bound", teams=("mail",))
    async with following(house, bound, f"/incidents/{incident}/events") as stream:
        await stream.message()
        theirs = replace(OWNED.services[OWN], owner="web")
        await house.pipeline.replace(replace(OWNED, services={**OWNED.services, OWN: theirs}), house.pipeline.policy)
        assert await stream.is_over()
