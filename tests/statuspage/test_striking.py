"""A word that must vanish from names and words of incidents, windows and advisories: planted, struck out, looked for everywhere."""

import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from statuspage.clock import wall_clock
from tests.statuspage.test_redaction import WORD, House, running, told, until

NAMED = f"Mail of Ada {WORD} is late"
SAID = f"Ada {WORD} & co. broke it."
KINDS = ("incidents", "maintenances", "advisories")
REASON = "It names a person."


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RETRY", "GATHER", "REST"):
        monkeypatch.setattr(f"statuspage.mirror.run.{name}", 0.05)


@pytest.fixture
async def house(tmp_path: Path, in_memory: Path) -> AsyncIterator[House]:
    async with running(tmp_path, in_memory / "mirror") as opened:
        yield opened


def wish(kind: str) -> dict[str, Any]:
    """What has the word in its name and in its words, in both languages."""
    both = {"name": {"en": NAMED, "de": f"Post von Ada {WORD}"}, "body": {"en": SAID, "de": f"Ada {WORD} war es."}}
    if kind == "incidents":
        return {**both, "services": {"email": "partial_outage"}}
    if kind == "advisories":
        return {**both, "services": ["email"]}
    day = wall_clock().date().toordinal()
    starts, ends = (f"{type(wall_clock()).fromordinal(day + 9):%Y-%m-%d}T00:{minute}:00Z" for minute in ("00", "30"))
    return {**both, "services": ["email"], "starts": starts, "ends": ends}


async def planted(house: House, kind: str) -> str:
    id_: str = (await house.send(f"/{kind}", wish(kind), key="once"))["id"]
    await until(lambda: WORD in told(house, "index.html"))
    return id_


def path_of(kind: str, id_: str) -> str:
    return f"/{'maintenance' if kind == 'maintenances' else kind}/{id_}"


async def strike(house: House, kind: str, id_: str, **more: str) -> dict[str, Any]:
    return await house.send(f"/{kind}/{id_}/strike", {"words": f"Ada {WORD}", "instead": "a person", "reason": REASON, **more})


@pytest.mark.parametrize("kind", KINDS)
async def test_words_that_are_struck_out_are_nowhere_any_more(house: House, kind: str) -> None:
    id_ = await planted(house, kind)
    before = await house.wrong()
    assert {"/", "/de/", path_of(kind, id_), f"/de{path_of(kind, id_)}"} <= before.keys()
    assert {name for name in house.holding() if name.startswith("statuspage.db")}
    feed = "/maintenance.atom" if kind == "maintenances" else "/history.atom"
    ids = [line for line in before[feed].split("<") if line.startswith("id>")]
    shown = await strike(house, kind, id_)
    assert WORD not in json.dumps(shown)
    await until(house.is_clean)
    served = await house.served()
    assert await house.wrong() == {}
    assert "Nothing found" in served[f"/history/search/{WORD}"]
    assert "of a person is late" in served[path_of(kind, id_)]
    assert "Post von a person" in served[f"/de{path_of(kind, id_)}"]
    assert [line for line in served[feed].split("<") if line.startswith("id>")] == ids
    again = await house.send(f"/{kind}", wish(kind), key="once")
    assert again["id"] == id_
    assert WORD not in json.dumps(again)
    assert house.holding() == set()


@pytest.mark.parametrize("kind", KINDS)
async def test_the_entry_in_the_feed_moves_with_its_text(house: House, kind: str) -> None:
    id_ = await planted(house, kind)
    await strike(house, kind, id_)
    await until(house.is_clean)
    feed = "/maintenance.json" if kind == "maintenances" else "/feed.json"
    (entry,) = json.loads((await house.served())[feed])["items"]
    assert entry["date_modified"] >= entry["date_published"]
    assert "a person" in json.dumps(entry)


@pytest.mark.parametrize("kind", KINDS)
async def test_it_vanishes_also_where_it_was_renamed_before_and_where_it_is_over(house: House, kind: str) -> None:
    id_ = await planted(house, kind)
    over = {"incidents": "resolve", "maintenances": "cancel", "advisories": "withdraw"}[kind]
    await house.send(f"/{kind}/{id_}/{over}", {"body": f"{WORD} is well."})
    renamed = await house.send(f"/{kind}/{id_}/rename", {"name": "Mail is late"})
    assert "Mail is late" in json.dumps(renamed["name"])
    await until(lambda: "Mail is late" in told(house, f"{path_of(kind, id_)[1:]}/index.html"))
    assert house.holding()
    await strike(house, kind, id_, words=WORD)
    await until(house.is_clean)
    assert await house.wrong() == {}
    assert "Mail is late" in (await house.served())[path_of(kind, id_)]


@pytest.mark.parametrize("kind", KINDS)
async def test_the_audit_has_digests_alone(house: House, kind: str) -> None:
    id_ = await planted(house, kind)
    await strike(house, kind, id_)
    async with house.desk.get(f"{house.service.internal_url}/api/v1/audit") as answer:
        rows = (await answer.json())["items"]
    assert (rows[0]["act"], rows[0]["subject"], rows[0]["detail"]["reason"]) == ("strike out", id_, REASON)
    assert rows[0]["detail"]["sha256"] == sha256(f"Ada {WORD}".encode()).hexdigest()
    assert WORD not in json.dumps(rows)


async def test_what_a_replay_begins_from_forgets_it_too(tmp_path: Path, in_memory: Path) -> None:
    async with running(tmp_path, in_memory / "mirror") as house:
        id_ = await planted(house, "incidents")
    async with running(tmp_path, in_memory / "mirror") as house:  # it begins from what is known, the name with it
        await strike(house, "incidents", id_)
        await until(house.is_clean)
        assert house.service.hub.pipeline.situation.incidents[id_].name == "Mail of a person is late"
