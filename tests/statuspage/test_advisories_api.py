"""Advisories over a real socket: published, told more of, moved, withdrawn, listed, and refused with every reason."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse

from statuspage.store.people import Role
from tests.statuspage.desks import House, Program, housed

HOUR = timedelta(hours=1)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


@pytest.fixture
async def desk(house: House) -> Program:
    return await house.program("desk", Role.LEVEL_ONE)


def at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def storm(**more: object) -> dict[str, object]:
    return {"name": "Storm warning", "services": ["email"], "body": "Lines may fail.", **more}


async def shown(answer: ClientResponse, status: int = 200) -> dict[str, Any]:
    assert answer.status == status, await answer.text()
    told: dict[str, Any] = await answer.json(content_type=None)
    return told


async def test_an_advisory_is_published_and_there_at_its_address(house: House, desk: Program) -> None:
    answer = await desk.send("/advisories", storm())
    told = await shown(answer, 201)
    assert answer.headers["Location"] == f"/api/v1/advisories/{told['id']}"
    assert (told["name"], told["services"], told["status"], told["is_notice"]) == ({"en": "Storm warning"}, ["email"], "in_force", False)
    assert (told["starts"], told["ends"], told["published_by"]) == (at(house.now), None, "desk")
    assert [(one["turn"], one["body"]) for one in told["updates"]] == [("published", {"en": "Lines may fail."})]
    assert await shown(await desk.get(f"/advisories/{told['id']}")) == told
    assert (await shown(await desk.get("/advisories"))) == {"items": [told], "next": None}
    (row,) = await house.audit("publish advisory")
    assert (row.actor, row.subject) == ("desk", told["id"])


async def test_words_in_several_languages_are_kept_and_a_notice_needs_no_service(desk: Program) -> None:
    name, body = {"en": "Our phone line", "de": "Unser Telefon"}, {"en": "Closed on Monday.", "de": "Am Montag geschlossen."}
    told = await shown(await desk.send("/advisories", {"name": name, "body": body}), 201)
    assert (told["name"], told["updates"][0]["body"], told["is_notice"]) == (name, body, True)


async def test_its_whole_life(house: House, desk: Program) -> None:
    ends = house.now + 5 * HOUR
    told = await shown(await desk.send("/advisories", storm(starts=at(house.now + HOUR), ends=at(ends))), 201)
    assert told["status"] == "coming"
    here = f"/advisories/{told['id']}"
    await shown(await desk.send(f"{here}/updates", {"body": "It comes nearer."}), 201)
    longer = await shown(await desk.patch(here, {"ends": at(ends + HOUR)}))
    assert (longer["starts"], longer["ends"]) == (told["starts"], at(ends + HOUR))
    opened = await shown(await desk.patch(here, {"ends": None, "body": "Nobody knows."}))
    assert opened["ends"] is None
    over = await shown(await desk.send(f"{here}/withdraw", {"body": "It has passed."}))
    assert (over["status"], over["withdrawn_by"]) == ("withdrawn", "desk")
    turns = ["published", "updated", "moved", "moved", "withdrawn"]
    assert [one["turn"] for one in over["updates"]] == turns
    bodies = [one["body"].get("en") for one in over["updates"]]
    assert bodies == ["Lines may fail.", "It comes nearer.", None, "Nobody knows.", "It has passed."]
    for path, body in ((f"{here}/updates", {"body": "More."}), (f"{here}/withdraw", {})):
        assert (await desk.send(path, body)).status == 404


async def test_time_ends_it(house: House, desk: Program) -> None:
    told = await shown(await desk.send("/advisories", storm(ends=at(house.now + HOUR))), 201)
    house.now += 2 * HOUR
    assert (await shown(await desk.get(f"/advisories/{told['id']}")))["status"] == "over"
    await house.pipeline.tick()
    over = await shown(await desk.get(f"/advisories/{told['id']}"))
    assert (over["status"], over["ended_at"], over["withdrawn_by"]) == ("over", told["ends"], None)
    assert house.pipeline.situation.advisories == {}


async def test_what_makes_no_sense_is_refused_with_the_fields_that_are_wrong(house: House, desk: Program) -> None:
    wrong = storm(services=["ghost"], starts=at(house.now + HOUR), ends=at(house.now))
    told = await shown(await desk.send("/advisories", wrong), 422)
    assert told["errors"] == [
        {"path": "services", "message": "There is no service 'ghost'."},
        {"path": "ends", "message": "It must end after it starts."},
    ]
    for body in ({"name": {}, "body": "Words."}, {"name": {"English!": "x"}, "body": "Words."}, {"name": "x"}, storm(status="down")):
        assert (await desk.send("/advisories", body)).status == 422
    assert (await shown(await desk.get("/advisories")))["items"] == []


async def test_a_request_that_is_repeated_with_its_key_is_done_once(house: House, desk: Program) -> None:
    first, again = [await desk.send("/advisories", storm(), Idempotency_Key="storm-1") for _ in range(2)]
    assert await shown(first, 201) == await shown(again, 201)
    assert len(house.pipeline.situation.advisories) == 1
    assert (await desk.send("/advisories", storm(name="Another"), Idempotency_Key="storm-1")).status == 422


async def test_the_list_is_read_page_by_page(house: House, desk: Program) -> None:
    ids = []
    for number in range(5):
        house.now += timedelta(minutes=1)
        ids.append((await shown(await desk.send("/advisories", storm(name=f"Storm {number}")), 201))["id"])
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await shown(await desk.get(f"/advisories?limit=2{cursor and f'&cursor={cursor}'}"))
        found, cursor = [*found, *(one["id"] for one in page["items"])], page["next"]
    assert found == ids[::-1]


async def test_a_viewer_may_read_and_not_write(house: House, desk: Program) -> None:
    told = await shown(await desk.send("/advisories", storm()), 201)
    viewer = await house.program("viewer", Role.VIEWER)
    assert (await viewer.get(f"/advisories/{told['id']}")).status == 200
    here = f"/advisories/{told['id']}"
    assert (await viewer.patch(here, {})).status == 403
    for path in ("/advisories", f"{here}/updates", f"{here}/withdraw"):
        assert (await viewer.send(path, {})).status == 403


async def test_one_that_never_was_is_not_found(desk: Program) -> None:
    assert (await desk.get("/advisories/nosuchid0000")).status == 404
    assert (await desk.send("/advisories/nosuchid0000/withdraw", {})).status == 404
