"""What was altered: told by a pipeline or a person, and found again on the card of what broke after it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from incidents.model import Subject
from incidents.moving import Move
from probes.result import Failure
from statuspage.store import changes, queries
from statuspage.store.people import Role
from statuspage.store.renaming import rename
from tests.statuspage.desks import House, Program, housed


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


@pytest.fixture
async def pipeline(house: House) -> Program:
    return await house.program("pipeline")


async def told(pipeline: Program, what: str, *services: str, **more: str) -> int:
    return (await pipeline.send("/changes", {"what": what, "services": list(services), **more})).status


async def test_a_pipeline_tells_once_however_often_its_job_runs(house: House, pipeline: Program) -> None:
    body = {"what": "  Webmail\n4.2 deployed ", "services": ["email", "email"], "url": "https://git.example.net/4.2"}
    answers = [await pipeline.send("/changes", body, Idempotency_Key="job-17") for _ in range(3)]
    assert [answer.status for answer in answers] == [201, 201, 201]
    shown = {
        "id": 1,
        "at": house.now.isoformat().replace("+00:00", "Z"),
        "by": "pipeline",
        "what": "Webmail 4.2 deployed",
        "services": ["email"],
        "url": "https://git.example.net/4.2",
    }
    assert [await answer.json() for answer in answers] == [shown, shown, shown]
    assert (await (await pipeline.get("/changes")).json()) == {"items": [shown], "next": None}
    assert [(row.actor, row.subject) for row in await house.audit("tell change")] == [("pipeline", "1")]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"services": ["nothing"]}, "There is no service 'nothing'"),
        ({"at": "2026-03-02T09:00:00Z"}, "once it is made"),
        ({"url": "javascript:alert(1)"}, "not a whole URL"),
        ({"what": "   "}, "must not be empty"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_why(pipeline: Program, wrong: dict[str, object], words: str) -> None:
    answer = await pipeline.send("/changes", {"what": "A change", **wrong})
    assert answer.status == 422
    assert words in (await answer.json())["detail"]


async def test_the_card_tells_what_was_altered_just_before_and_nothing_else(house: House, pipeline: Program) -> None:
    await told(pipeline, "Too long ago", "email")
    house.wait(hours=25)
    ada = await house.logged_in("ada")
    await told(pipeline, "Mail <b>upgraded</b>", "email", url="https://git.example.net/1")
    await told(pipeline, "Portal upgraded", "portal")
    await told(pipeline, "Firewall rules")
    house.wait(minutes=5)
    incident = await house.outage()
    house.wait(minutes=5)
    await told(pipeline, "Rolled back", "email")
    page = await ada.page(f"/incidents/{incident.id}")
    section = page.split("What was altered just before</h2>")[1].split("</section>")[0]
    assert "Mail &lt;b&gt;upgraded&lt;/b&gt;" in section
    assert 'href="https://git.example.net/1" rel="noreferrer nofollow"' in section
    assert "Firewall rules" in section
    for other in ("Too long ago", "Portal upgraded", "Rolled back"):
        assert other not in section


async def test_what_was_altered_before_it_failed_again_stands_there_too(house: House, pipeline: Program) -> None:
    ada = await house.logged_in("ada")
    incident = await house.outage()
    await house.see("outgoing", None)
    house.wait(minutes=1)
    await told(pipeline, "Tried once more", "email")
    house.wait(minutes=1)
    await house.see("outgoing", Failure.REFUSED)
    assert house.incident(incident.id).returned_at is not None
    assert "Tried once more" in await ada.page(f"/incidents/{incident.id}")


async def test_our_own_configuration_that_was_taken_into_use_stands_there_too(house: House) -> None:
    ada = await house.logged_in("ada")
    for text in ("one", "two"):
        house.wait(minutes=1)
        at = house.now
        await house.store.write(lambda connection, text=text, at=at: queries.apply_configuration(connection, text=text, digest=text, at=at))  # type: ignore[misc]
    incident = await house.outage()
    page = await ada.page(f"/incidents/{incident.id}")
    assert "Version 2 of the monitoring&#39;s own configuration" in page
    assert "Version 1 of" not in page, "with the first one nothing was altered"


async def test_where_nothing_was_altered_the_card_does_not_speak_of_it(house: House) -> None:
    ada = await house.logged_in("ada")
    incident = await house.outage()
    assert "altered just before" not in await ada.page(f"/incidents/{incident.id}")


async def test_triage_tells_what_was_altered_lately(house: House, pipeline: Program) -> None:
    await house.all_good()
    await told(pipeline, "Too long ago", "email")
    house.wait(hours=25)
    ada = await house.logged_in("ada")
    await told(pipeline, "Mail upgraded", "email")
    page = await ada.page("/triage?q=email")
    assert "Mail upgraded" in page
    assert "Too long ago" not in page
    shown = (await (await pipeline.get("/triage", q="email")).json())["services"]
    assert [one["what"] for one in shown[0]["changes"]] == ["Mail upgraded"]


async def test_a_person_tells_a_change_by_form_and_keeps_what_was_typed_where_it_is_refused(house: House) -> None:
    ada = await house.logged_in("ada")
    fields = {"what": "New certificate", "at": "2026-03-02 08:30", "url": "", "service:email": "on"}
    assert (await ada.send("/changes", fields, of="/changes")).status == 303
    page = await ada.page("/changes")
    assert "New certificate" in page
    assert "told by ada" in page
    answer = await ada.send("/changes", {**fields, "what": "Half a novel", "at": "yesterday"}, of="/changes")
    assert answer.status == 422
    refused = await answer.text()
    assert "Half a novel" in refused
    assert 'name="service:email" checked' in refused


async def test_lists_are_read_page_by_page_and_by_service(pipeline: Program) -> None:
    for number in range(5):
        await told(pipeline, f"Change {number}", *(["portal"] if number % 2 else []))
    first = await (await pipeline.get("/changes", limit="3")).json()
    assert [one["what"] for one in first["items"]] == ["Change 4", "Change 3", "Change 2"]
    rest = await (await pipeline.get("/changes", limit="3", cursor=first["next"])).json()
    assert [one["what"] for one in rest["items"]] == ["Change 1", "Change 0"]
    assert rest["next"] is None
    mine = await (await pipeline.get("/changes", service="email")).json()
    assert [one["what"] for one in mine["items"]] == ["Change 4", "Change 2", "Change 0"]


async def test_viewers_read_and_do_not_tell(house: House) -> None:
    viewer = await house.program("vera", Role.VIEWER)
    assert (await viewer.get("/changes")).status == 200
    assert (await viewer.send("/changes", {"what": "A change"})).status == 403


async def test_old_changes_are_forgotten_and_renamed_services_keep_theirs(house: House, pipeline: Program) -> None:
    await told(pipeline, "Old", "email")
    house.wait(days=2)
    await told(pipeline, "New", "email")
    before = house.now - timedelta(days=1)
    assert await house.store.write(lambda connection: changes.prune_changes(connection, before, 10)) == 1
    await house.store.write(lambda connection: rename(connection, Move(Subject.SERVICE, "email", "mail")))
    kept = await house.store.read(lambda connection: changes.listed_changes(connection, service="mail", before=None, limit=10))
    assert [(one.what, one.services) for one in kept] == [("New", ("mail",))]
