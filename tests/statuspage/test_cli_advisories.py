"""``statuspage advisories``: published, told more of and withdrawn without a hub, and what the page then says."""

import json
from pathlib import Path

import pytest

from statuspage.store.acts import read_audit
from statuspage.store.engine import Store
from tests.statuspage.terminal import Ended, statuspage

FILE = """\
site: {name: Example, url: "http://localhost:8080"}
components: {disk: {name: Disk}}
services: {email: {name: Email, needs: [disk]}}
monitors: {disk: {probe: tcp, host: 127.0.0.1, port: 9, component: disk}}
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "statuspage.yaml").write_text(FILE, encoding="utf-8")
    return tmp_path


async def advisories(here: Path, *words: str) -> Ended:
    return await statuspage("advisories", *words, here=here)


async def test_one_is_published_told_more_of_and_withdrawn_without_a_hub(here: Path) -> None:
    assert (await advisories(here, "list")).out == "nothing is warned of\n"
    ended = await advisories(here, "publish", "Storm warning", "--service", "email", "--body", "Lines may fail.", "--by", "ada")
    assert ended.code == 0, ended.err
    id = ended.out.strip()
    assert "Storm warning" in (await advisories(here, "list")).out
    assert (await advisories(here, "update", id, "--body", "It comes nearer.", "--by", "ben")).out == f"{id} is told more of\n"
    (item,) = json.loads((await advisories(here, "list", "--json")).out)["items"]
    assert (item["id"], item["name"], item["services"], item["status"], item["ends"]) == (
        id,
        {"en": "Storm warning"},
        ["email"],
        "in_force",
        None,
    )
    assert (await advisories(here, "withdraw", id, "--by", "ada")).out == f"{id} is withdrawn\n"
    assert json.loads((await advisories(here, "list", "--json")).out)["items"][0]["status"] == "withdrawn"
    with Store.blocking("sqlite:///statuspage.db", here / "data") as database:
        rows = list(reversed(database.read(lambda connection: read_audit(connection, before=None, limit=100))))
    acts = ["publish advisory", "update advisory", "withdraw advisory"]
    assert [(row.act, row.actor, row.subject) for row in rows] == [
        (act, by, id) for act, by in zip(acts, ("ada", "ben", "ada"), strict=True)
    ]


async def test_what_makes_no_sense_is_refused_and_stands_in_the_audit(here: Path) -> None:
    ghost = await advisories(here, "publish", "Storm", "--service", "ghost", "--body", "Words.")
    assert (ghost.code, "There is no service 'ghost'." in ghost.err) == (1, True)
    over = await advisories(here, "withdraw", "nosuchid0000")
    assert (over.code, "no advisory with this id" in over.err) == (1, True)
    assert (await advisories(here, "publish", "Storm", "--ends", "soon", "--body", "Words.")).code == 2
