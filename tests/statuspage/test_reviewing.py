"""What a manager says of an incident when it is reviewed: what it came from, and why customers saw it before the probes did."""

from dataclasses import replace
from pathlib import Path

import pytest

from incidents.reviewed import FALSE_ALARM, Cause, Causes
from statuspage.config.causes import causes
from statuspage.config.models import Config
from statuspage.picture.review import Missed
from statuspage.store.missed import missed_of
from statuspage.store.people import Role
from tests.statuspage.desks import House, housed

OURS = Causes(listed=(Cause(id="acme", name="Acme, our carrier", supplier="Acme"), Cause(id="disk", name="A disk")), is_open=False)


async def test_a_cause_of_the_list_is_asked_for_on_resolving_and_changed_by_a_manager(tmp_path: Path) -> None:
    async with housed(tmp_path) as house:
        house.causes = OURS
        incident = await house.outage()
        await house.see("outgoing", None)
        anna, mia = await house.logged_in("anna"), await house.logged_in("mia", Role.MANAGER)
        path = f"/incidents/{incident.id}"
        assert '<option value="acme">Acme, our carrier</option>' in await anna.page(path)

        refused = await anna.send(f"{path}/resolve", {"body": "It works.", "cause": "gremlins"})
        page = await refused.text()
        assert refused.status == 422
        assert "is none of the causes in the configuration; write acme, disk" in page
        assert "It works." in page
        assert (await anna.send(f"{path}/resolve", {"body": "It works.", "cause": "disk"})).status == 303

        assert f'action="{path}/cause"' not in await anna.page(path)
        assert (await anna.send(f"{path}/cause", {"cause": "acme"})).status == 403
        assert (await mia.send(f"{path}/cause", {"cause": "acme"}, of=path)).status == 303
        page = await mia.page(path)
        assert "<dt>Cause</dt><dd>Acme, our carrier</dd>" in page
        assert "Cause: acme" in page
        assert (await mia.send(f"{path}/cause", {"cause": "acme"}, of=path)).status == 422
        (row,) = [one for one in await house.audit("give cause") if "refused" not in one.detail]
        assert (row.actor, row.subject, dict(row.detail)) == ("mia", incident.id, {"cause": "acme", "was": "disk"})

        robot, manager = await house.program("robot"), await house.program("boss", Role.MANAGER)
        assert (await robot.send(f"{path}/cause", {"cause": "disk"})).status == 403
        answer = await manager.send(f"{path}/cause", {"cause": "gone"})
        assert (answer.status, (await answer.json())["errors"][0]["path"]) == (422, "cause")
        answer = await manager.send(f"{path}/cause", {"cause": FALSE_ALARM})
        assert answer.status == 422
        house.causes = replace(OURS, is_open=True)
        answer = await manager.send(f"{path}/cause", {"cause": "a mouse in the rack"})
        assert (answer.status, (await answer.json())["cause"]) == (200, "a mouse in the rack")
        assert "<option selected>a mouse in the rack</option>" in await mia.page(path)


@pytest.mark.parametrize(
    ("written", "listed", "takes_others"),
    [
        (None, {"release", "supplier", FALSE_ALARM}, True),
        ({}, {FALSE_ALARM}, True),
        ({"acme": {"supplier": "Acme"}, "old-disk": {}}, {"acme", "old-disk", FALSE_ALARM}, False),
    ],
)
def test_the_file_lists_causes_and_suppliers(written: object, listed: set[str], takes_others: bool) -> None:  # noqa: FBT001 - a case
    config = Config.model_validate({"site": {"name": "A", "url": "https://a.example"}, "causes": written})
    found = causes(config)
    known = {one.id: one for one in found.listed}
    assert listed <= known.keys()
    assert found.takes("anything else") is takes_others
    if written:
        assert (known["acme"].supplier, known["old-disk"].name) == ("Acme", "Old disk")


async def missed(house: House, incident: str) -> Missed | None:
    return await house.store.read(lambda connection: missed_of(connection, incident))


async def test_only_a_confirmed_incident_with_an_earlier_caller_was_missed_and_a_manager_says_why(tmp_path: Path) -> None:
    async with housed(tmp_path) as house:
        phone, anna, mia = await house.program("phone"), await house.logged_in("anna"), await house.logged_in("mia", Role.MANAGER)
        await phone.send("/callers", {"service": "portal"})
        house.wait(hours=3)
        called_at = house.now
        await phone.send("/callers", {"service": "email", "symptom": "cannot send"})
        await phone.send("/callers", {"service": "portal"})
        house.wait(minutes=10)
        incident = await house.outage()
        path = f"/incidents/{incident.id}"
        await phone.send("/callers", {"incident": incident.id})
        assert await missed(house, incident.id) == Missed(
            incident=incident.id, at=incident.opened_at, first_called_at=called_at, callers=1
        ), "those before it was detected, and of its service"

        assert "1 customer called before it was detected" in await anna.page(path)
        assert f'action="{path}/missed"' not in await anna.page(path)
        assert (await anna.send(f"{path}/missed", {"words": "So be it."})).status == 403
        empty = await mia.send(f"{path}/missed", {"monitor": "outgoing-port", "words": " "}, of=path)
        assert empty.status == 422
        assert "<option selected>outgoing-port</option>" in await empty.text()
        house.wait(minutes=5)
        assert (await mia.send(f"{path}/missed", {"monitor": "outgoing-port", "words": "It sends now."}, of=path)).status == 303
        page = await mia.page(path)
        assert '<a href="/monitors/outgoing-port">outgoing-port</a> was changed: It sends now.' in page
        assert "Why the probes missed it: outgoing-port was changed" in page
        (row,) = [one for one in await house.audit("explain missed") if "refused" not in one.detail]
        assert (row.actor, row.subject, row.at) == ("mia", incident.id, house.now)

        boss = await house.program("boss", Role.MANAGER)
        assert (await boss.send(f"{path}/missed", {"words": "x", "monitor": "gone"})).status == 422
        told = await (await boss.send(f"{path}/missed", {"words": "Nobody can probe that."})).json()
        assert (told["answered_by"], told["monitor"], told["words"]) == ("boss", None, "Nobody can probe that.")
        assert (await boss.send("/incidents/abcdefghijkl/missed", {"words": "x"})).status == 404


async def test_a_draft_of_callers_was_missed_once_it_is_confirmed_and_single_calls_expire_silently(tmp_path: Path) -> None:
    async with housed(tmp_path) as house:
        phone = await house.program("phone")
        for _ in range(3):
            await phone.send("/callers", {"service": "email"})
        (dismissed,) = house.pipeline.situation.incidents
        await phone.send(f"/incidents/{dismissed}/resolve", {"body": "They had no power."})
        assert await missed(house, dismissed) is None
        house.wait(hours=3)
        for _ in range(3):
            await phone.send("/callers", {"service": "portal"})
        (draft,) = house.pipeline.situation.incidents
        assert await missed(house, draft) is None, "nobody has confirmed it yet"
        assert (await phone.send(f"/incidents/{draft}/updates", {"body": "The portal is slow."})).status == 201
        found = await missed(house, draft)
        assert found is not None
        assert found.callers == 3
        opened = await phone.send("/incidents", {"name": "Mail is slow", "services": {"email": "degraded_performance"}, "body": "We know."})
        assert await missed(house, (await opened.json())["id"]) is None, "nobody called in the two hours before"
