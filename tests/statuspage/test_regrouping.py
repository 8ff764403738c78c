"""Merging and splitting at the desk: by program, by form, and by nobody who may not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from incidents.model import Incident
from probes.result import Failure
from statuspage.store.people import Role
from tests.statuspage.desks import House, housed


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


async def two_causes(house: House) -> tuple[Incident, Incident]:
    """Sending fails, then the portal; an incident each."""
    mail = await house.outage("outgoing")
    await house.see("portal-web", Failure.REFUSED)
    (web,) = (one for one in house.pipeline.situation.incidents.values() if one.id != mail.id)
    return mail, web


async def test_a_program_merges_and_gets_the_incident_that_goes_on(house: House) -> None:
    mail, web = await two_causes(house)
    pager = await house.program("pager", Role.LEVEL_TWO)
    answer = await pager.send(f"/incidents/{web.id}/merge", {"into": mail.id}, Idempotency_Key="k")
    assert answer.status == 200
    shown = await answer.json()
    assert (shown["id"], shown["components"]) == (mail.id, ["outgoing", "portal-web"])
    assert set(house.pipeline.situation.incidents) == {mail.id}
    old = await (await pager.get(f"/incidents/{web.id}")).json()
    assert (old["state"], old["merged_into"]) == ("resolved", mail.id)
    again = await pager.send(f"/incidents/{web.id}/merge", {"into": mail.id}, Idempotency_Key="k")
    assert await again.json() == shown
    (row,) = await house.audit("merge")
    assert (row.actor, row.subject, row.detail["into"]) == ("pager", web.id, mail.id)


async def test_a_program_splits_and_gets_the_new_incident_and_its_address(house: House) -> None:
    mail, web = await two_causes(house)
    pager = await house.program("pager", Role.LEVEL_TWO)
    await pager.send(f"/incidents/{web.id}/merge", {"into": mail.id})
    body = {"name": "Portal by itself", "body": "The portal has another cause.", "components": ["portal-web"]}
    answer = await pager.send(f"/incidents/{mail.id}/split", body)
    assert answer.status == 201
    shown = await answer.json()
    assert answer.headers["Location"] == f"/api/v1/incidents/{shown['id']}"
    assert (shown["name"], shown["components"], shown["services"]) == ("Portal by itself", ["portal-web"], {"portal": "major_outage"})
    assert [update["body"] for update in shown["updates"]] == ["The portal has another cause."]
    (row,) = await house.audit("split")
    assert (row.subject, row.detail["parts"]) == (mail.id, "portal-web")


async def test_what_cannot_be_merged_or_split_is_refused_in_words(house: House) -> None:
    mail, _ = await two_causes(house)
    pager = await house.program("pager", Role.LEVEL_TWO)
    itself = await pager.send(f"/incidents/{mail.id}/merge", {"into": mail.id})
    assert (itself.status, (await itself.json())["detail"]) == (422, "An incident cannot be merged into itself.")
    assert (await pager.send(f"/incidents/{mail.id}/merge", {"into": "nowherenever"})).status == 404
    whole = await pager.send(f"/incidents/{mail.id}/split", {"name": "x", "body": "y", "components": ["outgoing"]})
    assert (whole.status, (await whole.json())["detail"]) == (422, "Something must stay in the incident.")
    assert len(await house.audit("merge", "split")) == 3


@pytest.mark.parametrize("act", ["merge", "split"])
async def test_who_looks_on_or_is_level_one_changes_nothing(house: House, act: str) -> None:
    mail, web = await two_causes(house)
    viewer, level_one = await house.program("wall", Role.VIEWER), await house.program("desk", Role.LEVEL_ONE)
    for program in (viewer, level_one):
        assert (await program.send(f"/incidents/{web.id}/{act}", {"into": mail.id, "name": "x", "body": "y"})).status == 403
    assert len(house.pipeline.situation.incidents) == 2


async def test_both_are_done_by_forms_on_the_card(house: House) -> None:
    mail, web = await two_causes(house)
    anna = await house.logged_in("anna", Role.LEVEL_TWO)
    card = f"/incidents/{web.id}"
    assert f'<option value="{mail.id}">' in await anna.page(card)
    answer = await anna.send(f"{card}/merge", {"into": mail.id, "body": ""}, of=card)
    assert answer.status == 303
    assert f"It goes on in {mail.id}" in await anna.page(card)

    card = f"/incidents/{mail.id}"
    assert 'name="part:portal-web"' in await anna.page(card)
    fields = {"part:portal-web": "on", "name": "Portal by itself", "body": "Another cause."}
    assert (await anna.send(f"{card}/split", fields, of=card)).status == 303
    assert {one.name for one in house.pipeline.situation.incidents.values()} == {mail.name, "Portal by itself"}


async def test_a_refused_form_keeps_what_was_typed(house: House) -> None:
    mail, web = await two_causes(house)
    anna = await house.logged_in("anna", Role.LEVEL_TWO)
    await anna.send(f"/incidents/{web.id}/merge", {"into": mail.id}, of=f"/incidents/{web.id}")
    card = f"/incidents/{mail.id}"
    answer = await anna.send(f"{card}/split", {"part:portal-web": "on", "name": "", "body": "Typed words."}, of=card)
    assert answer.status == 422
    page = await answer.text()
    assert "Typed words." in page
    assert 'name="part:portal-web" checked' in page


async def test_the_card_offers_nothing_that_would_be_refused_for_its_kind(house: House) -> None:
    mail = await house.outage()
    pager = await house.program("pager", Role.LEVEL_TWO)
    opened = await pager.send("/incidents", {"name": "Calls", "services": {"email": "major_outage"}, "body": "We look."})
    typed = (await opened.json())["id"]
    anna = await house.logged_in("anna", Role.LEVEL_TWO)
    assert f'<option value="{typed}">' not in await anna.page(f"/incidents/{mail.id}")
    assert f'<option value="{mail.id}">' in await anna.page(f"/incidents/{typed}")


async def test_an_incident_alone_and_of_one_part_offers_neither(house: House) -> None:
    mail = await house.outage()
    page = await (await house.logged_in("anna", Role.LEVEL_TWO)).page(f"/incidents/{mail.id}")
    assert "/merge" not in page
    assert "/split" not in page
