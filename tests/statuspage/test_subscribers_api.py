"""Subscribers by the API: only those who may see them, all that is kept, and gone without a trace that leads to them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from incidents.events import Updated
from incidents.model import Status
from statuspage.picture.audience import Rhythm, Verdict, Wish
from statuspage.store import outbox, subscribers
from statuspage.store.people import Role
from statuspage.store.subscribers import Subscriber
from tests.statuspage.desks import House, housed


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


async def subscribed(house: House, address: str, rhythm: Rhythm = Rhythm.DAILY) -> Subscriber:
    wish = Wish(services=frozenset({"portal"}), floor=Status.MAJOR, rhythm=rhythm)
    asked = {"channel": "mail", "address": address, "language": "en"}
    return await house.store.write(lambda connection: subscribers.subscribe(connection, wish=wish, at=house.now, **asked))


async def told(house: House, *recipients: Subscriber) -> str:
    """An outage, of which those subscribers were told; returns the incident."""
    incident = await house.outage()

    def write(connection: Connection) -> None:
        for entry in outbox.undecided(connection, house.now, limit=100):
            is_public = isinstance(entry.event, Updated)
            if is_public:
                outbox.notify(connection, entry, incident.id, [(one.recipient, "mail") for one in recipients], house.now)
            outbox.decide(connection, entry.id, Verdict.TOLD if is_public else Verdict.INSIDE, house.now)
        for one in outbox.due(connection, "mail", house.now, limit=1):
            outbox.note_delivered(connection, one.id, house.now)

    await house.store.write(write)
    return incident.id


async def test_a_list_comes_in_pages_and_by_address(house: House) -> None:
    ids = sorted([(await subscribed(house, f"reader{number}@example.org")).id for number in range(3)])
    desk = await house.program("desk", Role.LEVEL_TWO)
    first = await (await desk.get("/subscribers?limit=2")).json()
    assert [one["id"] for one in first["items"]] == ids[:2]
    rest = await (await desk.get(f"/subscribers?limit=2&cursor={first['next']}")).json()
    assert ([one["id"] for one in rest["items"]], rest["next"]) == (ids[2:], None)
    found = await (await desk.get("/subscribers?address=Reader1@EXAMPLE.org")).json()
    (one,) = found["items"]
    assert (one["address"], one["services"], one["floor"], one["maintenance"], one["rhythm"]) == (
        "reader1@example.org",
        ["portal"],
        "major_outage",
        True,
        "daily",
    )
    assert (await desk.get("/subscribers?cursor=%27--")).status == 422


async def test_all_that_is_kept_is_exported_and_that_is_in_the_audit(house: House) -> None:
    anna = await subscribed(house, "anna@example.org")
    incident = await told(house, anna)
    desk = await house.program("desk", Role.MANAGER)
    kept = await (await desk.get(f"/subscribers/{anna.id}")).json()
    assert (kept["address"], kept["rhythm"]) == ("anna@example.org", "daily")
    assert [(one["about"], one["state"]) for one in kept["told"]] == [(incident, "delivered")]
    (row,) = await house.audit("export subscriber")
    assert (row.actor, row.subject) == ("desk", anna.id)
    assert (await desk.get("/subscribers/nosuchid")).status == 404


async def test_who_is_erased_is_gone_and_that_is_in_the_audit_without_the_address(house: House) -> None:
    anna = await subscribed(house, "anna@example.org")
    await told(house, anna)
    desk = await house.program("desk", Role.LEVEL_TWO)
    answer = await desk.session.delete(f"/api/v1/subscribers/{anna.id}")
    assert (answer.status, await answer.json()) == (200, {"id": anna.id})
    assert (await desk.session.delete(f"/api/v1/subscribers/{anna.id}")).status == 404
    assert await house.store.read(lambda connection: subscribers.subscriber(connection, anna.id)) is None
    rows = await house.audit("unsubscribe")
    assert [(row.actor, row.subject) for row in rows] == [("desk", anna.id)]
    assert "anna@" not in str(await house.audit())


@pytest.mark.parametrize("role", [Role.VIEWER, Role.LEVEL_ONE, Role.ADMIN])
async def test_whom_we_write_to_is_not_for_everybody_at_the_desk(house: House, role: Role) -> None:
    anna = await subscribed(house, "anna@example.org")
    desk = await house.program("desk", role)
    for answer in (
        await desk.get("/subscribers"),
        await desk.get(f"/subscribers/{anna.id}"),
        await desk.session.delete(f"/api/v1/subscribers/{anna.id}"),
    ):
        assert answer.status == 403
        assert "anna@" not in await answer.text()


async def test_the_card_tells_what_was_pushed_and_not_to_whom_exactly(house: House) -> None:
    anna, ben = await subscribed(house, "anna@example.org"), await subscribed(house, "ben@example.org")
    incident = await told(house, anna, ben)
    browser = await house.logged_in("viola", Role.VIEWER)
    page = await browser.page(f"/incidents/{incident}")
    assert "1 delivered" in page
    assert "1 waiting" in page
    assert "a…@example.org by mail: " in page
    assert "anna@example.org" not in page
    await house.store.write(lambda connection: subscribers.erase(connection, ben.id, at=house.now))
    page = await browser.page(f"/incidents/{incident}")
    assert "somebody who is gone by mail: dropped" in page


async def test_the_card_tells_until_when_words_are_held_back(house: House) -> None:
    incident = await house.outage()
    browser = await house.logged_in("viola", Role.VIEWER)
    assert "held back until" in await browser.page(f"/incidents/{incident.id}")


async def test_the_card_tells_what_waits_for_round_ups(house: House) -> None:
    anna, ben = await subscribed(house, "anna@example.org"), await subscribed(house, "ben@example.org")
    incident, at = await told(house, anna, ben), house.now
    await house.store.write(lambda connection: subscribers.rewish(connection, ben.id, ben.wish, language="en", at=at))
    browser = await house.logged_in("viola", Role.VIEWER)
    page = await browser.page(f"/incidents/{incident}")
    assert "1 delivered" in page
    assert "1 in the next round-ups" in page
    assert "waiting</b>" not in page
    assert "b…@example.org by mail: for a round-up, since" in page
