"""Known errors that the desk writes down: found in triage and on cards at once, within one's teams, and never in public."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from statuspage.knowledge import Knowledge
from statuspage.store.people import Role
from tests.statuspage.desks import House, housed
from tests.statuspage.test_reach import OTHER, OWN, OWNED

HOSTILE = "<script>alert(1)</script> & co"
WORDS = {"symptom": f"Postbox full {HOSTILE}", "workaround": "Empty the bin.\nThen send again.", "say": "Please empty the bin."}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path, topology=OWNED) as opened:
        yield opened


async def test_what_one_writes_down_is_found_in_triage_and_on_cards_changed_and_taken_out(house: House) -> None:
    incident, anna = await house.outage(), await house.logged_in("anna")
    form = "/known-errors/write"
    refused = await anna.send(form, WORDS, of=form)
    assert (refused.status, "Choose at least one service" in await refused.text()) == (422, True)
    assert "Empty the bin." in await refused.text(), "nothing that was typed is lost"
    assert (await anna.send(form, {**WORDS, f"service:{OWN}": "on"}, of=form)).status == 303
    for path in ("/triage?q=postbox", f"/incidents/{incident.id}", "/known-errors?q=postbox", f"/services/{OWN}"):
        page = await anna.page(path)
        assert "Postbox full" in page, path
        assert HOSTILE not in page, path
    program = await house.program("program")
    (first, *_) = (await (await program.get("/known-errors", service=OWN)).json())["items"]
    assert (first["symptom"], first["workaround"]) == (WORDS["symptom"], WORDS["workaround"])

    change = f"{form}?id={first['id']}"
    assert f'href="{change}"' in await anna.page("/known-errors")
    fields = {**WORDS, "id": first["id"], "symptom": "Postbox bursts", f"service:{OWN}": "on"}
    assert (await anna.send(form, fields, of=change)).status == 303
    again = Knowledge(store=house.store, named=tuple, language=lambda: "en")
    await again.renew()
    assert [one.symptom for one in again.errors()] == [{"en": "Postbox bursts"}], "after a restart it is there"
    assert (await anna.send("/known-errors/remove", {"id": first["id"]}, of=change)).status == 303
    assert "Postbox" not in await anna.page("/known-errors")
    done = await house.audit("write known error", "remove known error")
    assert [(row.actor, row.act, row.subject) for row in done] == [
        ("anna", "write known error", first["id"]),
        ("anna", "write known error", first["id"]),
        ("anna", "remove known error", first["id"]),
    ]


async def test_the_files_and_another_teams_are_not_ones_own_to_change(house: House) -> None:
    manager, form = await house.logged_in("mona", Role.MANAGER), "/known-errors/write"
    assert (await manager.send(form, {**WORDS, f"service:{OTHER}": "on"}, of=form)).status == 303
    (theirs,) = (one["id"] for one in await _listed(house) if one["symptom"] == WORDS["symptom"])
    bound = await house.logged_in("bound", teams=("mail",))
    fields = {**WORDS, f"service:{OWN}": "on", f"service:{OTHER}": "on"}
    assert (await bound.send(form, fields, of=form)).status == 403
    assert (await bound.send(form, {**WORDS, "id": theirs, f"service:{OWN}": "on"}, of=form)).status == 403
    assert (await bound.send("/known-errors/remove", {"id": theirs}, of=form)).status == 403
    assert f"?id={theirs}" not in await bound.page("/known-errors")
    assert (await manager.get(f"{form}?id=full-mailbox")).status == 404, "that one is the file's"
    assert (await manager.send("/known-errors/remove", {"id": "full-mailbox"}, of=form)).status == 404


async def _listed(house: House) -> list[dict[str, str]]:
    items: list[dict[str, str]] = (await (await (await house.program("reads")).get("/known-errors")).json())["items"]
    return items
