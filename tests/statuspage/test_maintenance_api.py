"""Planned work over a real socket: planned, refused with every reason, moved, finished, cancelled, approved by another."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from aiohttp import ClientResponse

from incidents.model import Status, Subject
from incidents.planned.conduct import Conduct
from incidents.times.calendars import Calendar
from probes.result import Failure
from statuspage.store.people import Role
from statuspage.web.desk import PlanningPolicy
from tests.statuspage.desks import START, House, Program, housed

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OFFICE = Calendar(timezone="UTC", weekly=dict.fromkeys(range(5), ((480, 1080),)))
NIGHT = START + 4 * DAY + 12 * HOUR  # a Friday, 20:00


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


@pytest.fixture
async def desk(house: House) -> Program:
    return await house.program("desk", Role.LEVEL_ONE)


@pytest.fixture
async def manager(house: House) -> Program:
    return await house.program("manager", Role.MANAGER)


def at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def wish(starts: datetime = NIGHT, hours: float = 2, **more: object) -> dict[str, object]:
    return {
        "name": "Patches",
        "services": ["email"],
        "components": ["outgoing"],
        "starts": at(starts),
        "ends": at(starts + hours * HOUR),
        "body": "Sending may pause.",
        **more,
    }


async def shown(answer: ClientResponse, status: int = 200) -> dict[str, Any]:
    assert answer.status == status, await answer.text()
    told: dict[str, Any] = await answer.json()
    return told


async def planned(program: Program, starts: datetime = NIGHT) -> dict[str, Any]:
    return await shown(await program.send("/maintenances", wish(starts)), 201)


async def refusal(answer: ClientResponse, status: int) -> dict[str, Any]:
    assert answer.status == status, await answer.text()
    told: dict[str, Any] = await answer.json(content_type=None)
    return told


async def test_a_planned_window_is_there_with_its_promise_and_its_address(house: House, desk: Program) -> None:
    answer = await desk.send("/maintenances", wish())
    told = await shown(answer, 201)
    assert answer.headers["Location"] == f"/api/v1/maintenances/{told['id']}"
    assert (told["status"], told["services"], told["components"], told["planned_by"]) == ("scheduled", ["email"], ["outgoing"], "desk")
    assert told["promises"] == [{"announced_at": at(house.now), "starts": told["starts"], "ends": told["ends"]}]
    assert await shown(await desk.get(f"/maintenances/{told['id']}")) == told
    assert (await shown(await desk.get("/maintenances")))["items"] == [told]
    (row,) = await house.audit("plan maintenance")
    assert row.actor == "desk"


async def test_a_key_plans_once(desk: Program) -> None:
    first = await shown(await desk.send("/maintenances", wish(), Idempotency_Key="k1"), 201)
    assert await shown(await desk.send("/maintenances", wish(), Idempotency_Key="k1"), 201) == first
    assert len((await shown(await desk.get("/maintenances")))["items"]) == 1


async def test_the_policy_gives_all_its_reasons_and_only_a_manager_passes_over_it(house: House, desk: Program, manager: Program) -> None:
    house.planning_policy = PlanningPolicy(conducts=MappingProxyType({"email": Conduct(hours=OFFICE)}), needs_approval=False)
    soon = wish(START + 3 * HOUR)
    told = await refusal(await desk.send("/maintenances", soon), 422)
    assert [error["message"] for error in told["errors"]] == [
        "Email: work of 1 h or longer is announced 3 d ahead; this is 3 h ahead.",
        "Email: meets its business hours on 2026-03-02, 11:00 UTC to 13:00 UTC.",
    ]
    over = {**soon, "override": {"reason": "The vendor has no other day."}}
    assert "Only a manager" in (await refusal(await desk.send("/maintenances", over), 403))["detail"]
    made = await shown(await manager.send("/maintenances", over), 201)
    assert (made["override_reason"], made["override_by"]) == ("The vendor has no other day.", "manager")
    rows = await house.audit("plan maintenance")
    assert [row.detail.get("override") for row in rows] == [None, "The vendor has no other day."]  # the refusal stands there too


async def test_what_makes_no_sense_is_refused_in_sentences(desk: Program) -> None:
    for change, words, path in (
        ({"services": ["fax"]}, "fax", "services"),
        ({"ends": at(NIGHT - HOUR)}, "end", "ends"),
        ({"starts": at(START - DAY)}, "start now or later", "starts"),
        ({"services": []}, "services", "services"),
        ({"body": " "}, "body", "body"),
        ({"wish": 1}, "unknown key", "wish"),
    ):
        told = await refusal(await desk.send("/maintenances", {**wish(), **change}), 422)
        assert words in told["detail"], (change, told["detail"])
        assert path in [error["path"] for error in told["errors"]], (change, told["errors"])


async def test_a_window_is_moved_made_longer_and_cancelled_each_with_its_own_notice(house: House, desk: Program) -> None:
    id = (await planned(desk))["id"]
    moved = await shown(await desk.patch(f"/maintenances/{id}", {"starts": at(NIGHT + DAY)}))
    assert (moved["starts"], moved["ends"]) == (at(NIGHT + DAY), at(NIGHT + DAY + 2 * HOUR))
    longer = await shown(await desk.send(f"/maintenances/{id}/extend", {"ends": at(NIGHT + DAY + 3 * HOUR), "body": "It takes longer."}))
    assert [promise["ends"] for promise in longer["promises"]] == [
        at(NIGHT + 2 * HOUR),
        at(NIGHT + DAY + 2 * HOUR),
        at(NIGHT + DAY + 3 * HOUR),
    ]
    ended = await shown(await desk.send(f"/maintenances/{id}/cancel", {"body": "Not needed any more."}))
    assert ended["status"] == "cancelled"
    assert "not over" in (await refusal(await desk.send(f"/maintenances/{id}/cancel"), 404))["detail"]
    assert [row.act for row in await house.audit()] == [
        "plan maintenance",
        "reschedule maintenance",
        "extend maintenance",
        "cancel maintenance",
        "cancel maintenance",
    ]
    assert {row.subject for row in (await house.audit())[1:]} == {id}


async def test_a_running_window_covers_its_service_and_is_finished_early(house: House, desk: Program) -> None:
    await house.all_good()
    id = (await planned(desk))["id"]
    house.now = NIGHT + timedelta(minutes=1)
    await house.all_good()
    await house.pipeline.tick()
    assert (await shown(await desk.get(f"/maintenances/{id}")))["status"] == "in_progress"
    await house.see("outgoing", Failure.REFUSED)
    assert house.pipeline.situation.incidents == {}
    standing = house.pipeline.situation.standings[Subject.SERVICE, "email"]
    assert (standing.status, standing.covered) == (Status.MAINTENANCE, Status.PARTIAL)
    await house.see("outgoing", None)
    done = await shown(await desk.send(f"/maintenances/{id}/finish", {"body": "Done early."}))
    assert done["ends"] == at(house.now)
    await house.pipeline.tick()
    assert (await shown(await desk.get(f"/maintenances/{id}")))["status"] == "completed"


async def test_where_duties_are_separated_another_manager_approves(house: House, desk: Program, manager: Program) -> None:
    house.planning_policy = PlanningPolicy(conducts=MappingProxyType({}), needs_approval=True)
    waiting = await planned(desk)
    assert (waiting["is_public"], waiting["promises"]) == (False, [])
    own = await shown(await manager.send("/maintenances", wish(NIGHT + DAY)), 201)
    assert "Another person" in (await refusal(await manager.send(f"/maintenances/{own['id']}/approve"), 422))["detail"]
    given = await shown(await manager.send(f"/maintenances/{waiting['id']}/approve"))
    assert (given["is_public"], given["approved_by"], len(given["promises"])) == (True, "manager", 1)


async def test_an_approval_that_comes_too_late_for_the_notice_needs_a_reason(house: House, desk: Program, manager: Program) -> None:
    house.planning_policy = PlanningPolicy(conducts=MappingProxyType({}), needs_approval=True)
    id = (await planned(desk))["id"]
    house.now = NIGHT - DAY
    told = await refusal(await manager.send(f"/maintenances/{id}/approve"), 422)
    assert [error["message"] for error in told["errors"]] == ["Email: work of 1 h or longer is announced 3 d ahead; this is 1 d ahead."]
    reason = {"override": {"reason": "Nobody was here to approve it."}}
    given = await shown(await manager.send(f"/maintenances/{id}/approve", reason))
    assert (given["is_public"], given["approved_by"]) == (True, "manager")


async def test_a_list_shows_what_meets_its_span(desk: Program) -> None:
    first, second = await planned(desk), await planned(desk, starts=NIGHT + 7 * DAY)
    near = await desk.get("/maintenances", since=at(START), until=at(NIGHT + HOUR))
    assert [one["id"] for one in (await shown(near))["items"]] == [first["id"]]
    later = await desk.get("/maintenances", since=at(NIGHT + 3 * HOUR), until=at(NIGHT + 8 * DAY))
    assert [one["id"] for one in (await shown(later))["items"]] == [second["id"]]
    assert "within a year" in (await refusal(await desk.get("/maintenances", until="2031-01-01T00:00:00Z"), 422))["detail"]


async def test_what_is_not_there_is_not_found(desk: Program) -> None:
    for answer in (
        await desk.get("/maintenances/nosuchid0000"),
        await desk.send("/maintenances/nosuchid0000/finish"),
        await desk.patch("/maintenances/nosuchid0000", {"starts": at(NIGHT)}),
    ):
        assert answer.status == 404
