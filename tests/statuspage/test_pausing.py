"""Pausing at the desk: by program, by form, and after a restart."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from incidents.model import Status
from probes.result import Failure
from statuspage.store import queries
from statuspage.store.people import Role
from tests.statuspage.desks import TOPOLOGY, House, housed


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


async def test_a_program_pauses_a_monitor_and_has_it_go_on(house: House) -> None:
    await house.all_good()
    pager = await house.program("pager")
    answer = await pager.send("/monitors/outgoing-port/pause", {"reason": "new disks"})
    assert answer.status == 200
    shown = await answer.json()
    assert (shown["id"], shown["component"], shown["status"], shown["is_still"]) == ("outgoing-port", "outgoing", "unknown", True)
    assert (shown["paused"]["by"], shown["paused"]["reason"]) == ("pager", "new disks")
    listed = (await (await pager.get("/monitors")).json())["items"]
    assert [one["id"] for one in listed if one["is_still"]] == ["outgoing-port"]
    assert [one["paused"] for one in listed if one["is_still"]] == [shown["paused"]]
    again = await pager.send("/monitors/outgoing-port/pause", {"reason": "new disks"})
    assert again.status == 409
    resumed = await (await pager.send("/monitors/outgoing-port/resume")).json()
    assert (resumed["is_still"], resumed["paused"]) == (False, None)
    rows = await house.audit("pause", "resume")
    assert [(row.act, row.subject, row.detail.get("reason"), "refused" in row.detail) for row in rows] == [
        ("pause", "outgoing-port", "new disks", False),
        ("pause", "outgoing-port", "new disks", True),
        ("resume", "outgoing-port", None, False),
    ]


async def test_a_pause_is_known_after_a_restart(house: House) -> None:
    await house.all_good()
    pager = await house.program("pager")
    await pager.send("/monitors/outgoing-port/pause", {"reason": "new disks"})
    assert await house.store.read(lambda connection: queries.situation(connection, TOPOLOGY)) == house.pipeline.situation
    await pager.send("/monitors/outgoing-port/resume")
    assert await house.store.read(lambda connection: queries.situation(connection, TOPOLOGY)) == house.pipeline.situation
    assert not house.pipeline.situation.paused


async def test_it_is_done_by_forms_and_says_who_and_why_at_the_desk(house: House) -> None:
    await house.all_good()
    anna = await house.logged_in("anna")
    page = "/monitors/outgoing-port"
    assert (await anna.send(f"{page}/pause", {"reason": "new disks"}, of=page)).status == 303
    queue = await anna.page("/")
    assert "Monitors that stand still" in queue
    assert "paused by anna since 2026-03-02 08:00 UTC: new disks" in queue
    assert "Monitors that know nothing" not in queue
    assert (await anna.send(f"{page}/resume", of=page)).status == 303
    assert "Monitors that stand still" not in await anna.page("/")


async def test_a_refused_form_says_why(house: House) -> None:
    anna = await house.logged_in("anna")
    page = "/monitors/outgoing-port"
    empty = await anna.send(f"{page}/pause", {"reason": ""}, of=page)
    assert empty.status == 422
    resumed = await anna.send(f"{page}/resume", of=page)
    assert (resumed.status, "outgoing-port is not paused." in await resumed.text()) == (409, True)


async def test_a_monitor_that_is_none_is_not_found(house: House) -> None:
    pager, anna = await house.program("pager"), await house.logged_in("anna")
    assert (await pager.send("/monitors/nntp/pause", {"reason": "x"})).status == 404
    assert (await anna.get("/monitors/nntp")).status == 404


async def test_who_only_looks_on_pauses_nothing(house: House) -> None:
    viewer = await house.program("wall", Role.VIEWER)
    assert (await viewer.send("/monitors/outgoing-port/pause", {"reason": "x"})).status == 403
    wall = await house.logged_in("wall2", Role.VIEWER)
    assert "/pause" not in await wall.page("/monitors/outgoing-port")


async def test_an_outage_that_is_paused_away_ends_with_its_reason(house: House) -> None:
    incident = await house.outage("outgoing")
    pager = await house.program("pager")
    await pager.send("/monitors/outgoing-port/pause", {"reason": "new disks"})
    await house.see("outgoing", Failure.REFUSED)
    assert not house.pipeline.situation.incidents
    shown = await (await pager.get(f"/incidents/{incident.id}")).json()
    assert (shown["state"], shown["cause"]) == ("resolved", "monitoring is paused")
    statuses = {one["id"]: one["status"] for one in (await (await pager.get("/services")).json())["items"]}
    assert statuses["email"] == Status.UNKNOWN
