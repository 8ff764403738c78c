"""Words about planned work and of advisories, corrected as those of incidents are: marked, in their place in the feed, everywhere."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from sqlalchemy import select

from statuspage.store.earlier import earlier
from statuspage.store.people import Role
from statuspage.store.tables import journal
from tests.statuspage import desks
from tests.statuspage.test_maintenance_api import wish as work
from tests.statuspage.test_redaction import WORD, House, running, told, until
from tests.statuspage.test_striking import SAID, path_of, wish

KINDS = ("maintenances", "advisories")
BETTER = {"en": "Two disks are changed.", "de": "Zwei Platten werden getauscht."}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RETRY", "GATHER", "REST"):
        monkeypatch.setattr(f"statuspage.mirror.run.{name}", 0.05)


@pytest.fixture
async def house(tmp_path: Path, in_memory: Path) -> AsyncIterator[House]:
    async with running(tmp_path, in_memory / "mirror") as opened:
        yield opened


async def updates_of(house: House, kind: str, id_: str) -> list[dict[str, Any]]:
    place = f"{house.service.internal_url}/api/v1/{kind}/{id_}{'/updates' if kind == 'maintenances' else ''}"
    async with house.desk.get(place) as answer:
        found: list[dict[str, Any]] = (await answer.json())["items" if kind == "maintenances" else "updates"]
        return found


async def patched(house: House, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    async with house.desk.patch(f"{house.service.internal_url}/api/v1{path}", json=body) as answer:
        return answer.status, await answer.json(content_type=None)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_correction_is_marked_and_moves_the_entry_that_keeps_its_place(house: House, kind: str) -> None:
    plain = {**wish(kind), "name": {"en": "Disks", "de": "Platten"}}
    id_ = (await house.send(f"/{kind}", plain))["id"]
    page = f"{path_of(kind, id_)[1:]}/index.html"
    await until(lambda: WORD in told(house, page))
    feed = "/maintenance.json" if kind == "maintenances" else "/feed.json"
    (before,) = json.loads((await house.served())[feed])["items"]
    (first,) = await updates_of(house, kind, id_)
    path = f"/{kind}/{id_}/updates/1"
    said = datetime.fromisoformat(before.get("date_modified", before["date_published"]))
    await until(lambda: datetime.now(UTC) >= said + timedelta(seconds=1))  # feeds tell whole seconds
    assert (await patched(house, path, {"body": BETTER, "was": "0" * 64}))[0] == 409, "other words than were seen"
    assert (await patched(house, f"/{kind}/{id_}/updates/9", {"body": BETTER}))[0] == 404
    status, shown = await patched(house, path, {"body": BETTER, "was": first["digest"]})
    assert (status, shown["number"]) == (200, 1)
    assert shown["edited_at"]
    assert shown["digest"] != first["digest"]
    assert (await patched(house, path, {"body": BETTER}))[0] == 422, "these stand there already"
    await until(lambda: "Two disks are changed." in told(house, page))
    served = await house.served()
    assert "Corrected" in served[path_of(kind, id_)]
    assert "Berichtigt" in served[f"/de{path_of(kind, id_)}"]
    assert "Zwei Platten werden getauscht." in served[f"/de{path_of(kind, id_)}"]
    assert [where for where, text in served.items() if WORD in text and "search" not in where] == []
    (after,) = json.loads(served[feed])["items"]
    assert after["id"] == before["id"]
    assert after["date_published"] == before["date_published"]
    assert after["date_modified"] > before.get("date_modified", before["date_published"])
    assert "Two disks are changed." in json.dumps(after)
    async with ClientSession(house.service.public_url) as reader, reader.get("/history/search/disks") as answer:
        assert "Two disks" in (await answer.text()).replace("<mark>", "").replace("</mark>", "")
    async with house.desk.get(f"{house.service.internal_url}/api/v1/audit") as answer:
        rows = (await answer.json())["items"]
    assert any(sha256(SAID.encode()).hexdigest() in one["detail"].values() for one in rows if one["act"] == "correct words")
    assert WORD not in json.dumps(rows)


@pytest.mark.parametrize("kind", KINDS)
async def test_removed_words_are_gone_from_every_surface_in_every_version_and_the_audit_keeps_their_digest(house: House, kind: str) -> None:
    id_ = (await house.send(f"/{kind}", {**wish(kind), "name": {"en": "Disks", "de": "Platten"}}))["id"]
    page, path = f"{path_of(kind, id_)[1:]}/index.html", f"/{kind}/{id_}/updates/1"
    await until(lambda: WORD in told(house, page))
    assert (await patched(house, path, {"body": BETTER}))[0] == 200
    gone = {"reason": "It names a person."}
    (stands,) = await updates_of(house, kind, id_)
    async with house.desk.post(f"{house.service.internal_url}/api/v1{path}/redact", json={**gone, "was": "0" * 64}) as late:
        assert late.status == 409, "other words than were seen"
    async with house.desk.post(f"{house.service.internal_url}/api/v1{path}/redact", json={**gone, "was": stands["digest"]}) as done:
        assert done.status == 200, await done.text()
        assert "Two disks" not in await done.text()
    async with house.desk.post(f"{house.service.internal_url}/api/v1{path}/redact", json=gone) as again:
        assert again.status == 409
    await until(lambda: "The words that stood here were removed." in told(house, page))
    served = await house.served()
    assert "Die Worte, die hier standen, wurden entfernt." in served[f"/de{path_of(kind, id_)}"]
    for word in (WORD, "Two disks", "Zwei Platten"):
        assert [where for where, text in served.items() if word in text and "search" not in where] == []
        assert word not in json.dumps(await updates_of(house, kind, id_))
        stores = await house.service.hub.store.read(lambda connection: [str(row) for row in connection.execute(select(journal.c.body))])
        assert not any(word in row for row in stores)
    async with house.desk.get(f"{house.service.internal_url}/api/v1/audit") as answer:
        rows = (await answer.json())["items"]
    assert sha256(BETTER["de"].encode()).hexdigest() in [one["detail"].get("sha256.de") for one in rows if one["act"] == "redact"]


async def words_at(house: House, id_: str, at: str) -> list[str]:
    """What had been said of it at an instant."""
    known = await house.service.hub.store.read(partial(earlier, at=datetime.fromisoformat(at)))
    assert known is not None
    warned = [update.body["en"] for one in known.bulletins if one.advisory.id == id_ for update in one.updates]
    return warned or [update.body for update in known.words[id_]]


@pytest.mark.parametrize("kind", KINDS)
async def test_of_what_is_over_words_are_corrected_too_and_the_page_as_it_was_keeps_the_old(house: House, kind: str) -> None:
    id_ = (await house.send(f"/{kind}", wish(kind)))["id"]
    await house.send(f"/{kind}/{id_}/{'cancel' if kind == 'maintenances' else 'withdraw'}", {"body": "Not now."})
    begun = (await updates_of(house, kind, id_))[0]["at"]
    status, _ = await patched(house, f"/{kind}/{id_}/updates/1", {"body": "Two disks are changed."})
    assert status == 200
    first, last = await updates_of(house, kind, id_)
    assert (bool(first["edited_at"]), last["edited_at"]) == (True, None)
    stood, stands = [await words_at(house, id_, at) for at in (begun, first["edited_at"])]
    assert (SAID in stood, SAID in stands, "Two disks are changed." in stands) == (True, False, True)


async def test_the_forms_of_the_console_correct_and_show_both_where_somebody_was_faster(tmp_path: Path) -> None:
    async with desks.housed(tmp_path) as house:
        await house.all_good()
        program, anna = await house.program("desk", Role.LEVEL_ONE), await house.logged_in("anna")
        bert = await house.logged_in("bert", Role.LEVEL_TWO)
        warning = {"name": "Storm", "services": ["email"], "body": "Lines may fail."}
        for kind, body in (("maintenances", work()), ("advisories", warning)):
            id_ = (await (await program.send(f"/{kind}", body)).json())["id"]
            card = path_of(kind, id_)
            form = f"{card}/updates/1/correct"
            assert f'href="{form}"' in await anna.page(card)
            drawn = await anna.page(form)
            was = drawn.split('name="was" value="')[1].split('"')[0]
            await program.patch(f"/{kind}/{id_}/updates/1", {"body": "Somebody was faster."})
            late = await anna.send(form, {"body": "Typed by Anna.", "was": was}, of=form)
            page = await late.text()
            assert late.status == 409
            assert "Somebody was faster." in page
            assert "Typed by Anna." in page
            was = page.split('name="was" value="')[1].split('"')[0]
            done = await anna.send(form, {"body": "Typed by Anna.", "was": was}, of=form)
            assert done.status in {200, 303}
            assert "Public words 1 corrected" in await anna.page(card) or "Public update 1 corrected" in await anna.page(card)
            assert (await anna.get(f"{card}/updates/7/correct")).status == 404
            form = f"{card}/updates/1/redact"
            assert form not in await anna.page(card), "that is for level two"
            drawn = await bert.page(form)
            assert "Typed by Anna." in drawn
            was = drawn.split('name="was" value="')[1].split('"')[0]
            assert (await bert.send(form, {"reason": "It names a person.", "was": was}, of=form)).status in {200, 303}
            assert "Typed by Anna." not in await bert.page(card)
