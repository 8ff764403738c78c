"""A word that must vanish: it is planted in public words, removed, and looked for on every surface and in every byte that is kept."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from sqlalchemy import Connection, and_, select, update

from incidents import redacting
from statuspage.app import Service
from statuspage.clock import wall_clock
from statuspage.mirror.versions import CURRENT, VERSIONS
from statuspage.store import people, queries
from statuspage.store.engine import Database
from statuspage.store.people import Role
from statuspage.store.tables import journal, updates
from statuspage.store.traces import traces_left
from tests import deadline

until = partial(deadline.until, within=60.0)
WORD = "zweiundzwanzigschwertfische"
SEARCH = f"/history/search/{WORD}"
SAID = f"Ask {WORD}@example.net, and <nobody> else.\nWe know the cause."
BETTER = f"Ask {WORD} & the desk."
FILE = """
site: {name: Muster IT, url: "https://status.example.net", timezone: Europe/Berlin, language: en, languages: [en, de]}
listen: {public: "127.0.0.1:0", internal: "127.0.0.1:0"}
services: {email: {}}
"""


@dataclass
class House:
    """A running hub, its directories, and a program of the desk."""

    service: Service
    data: Path
    mirror: Path
    desk: ClientSession
    incident: str = ""

    async def send(self, path: str, body: dict[str, Any], *, method: str = "POST", key: str = "") -> dict[str, Any]:
        headers = {"Idempotency-Key": key} if key else {}
        async with self.desk.request(method, f"{self.service.internal_url}/api/v1{path}", json=body, headers=headers) as answer:
            assert answer.status in {200, 201}, await answer.text()
            told: dict[str, Any] = await answer.json()
            return told

    def kept(self) -> Iterator[tuple[Path, bytes]]:
        """Every byte of the store, with its log, and of all that the mirror keeps, older versions with it."""
        for root in (self.data, self.mirror):
            yield from ((path, path.read_bytes()) for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink())

    def holding(self) -> set[str]:
        return {path.name for path, body in self.kept() if WORD.encode() in body}

    def is_clean(self) -> bool:
        try:
            return self.holding() == set()
        except FileNotFoundError:  # the mirror is just sweeping
            return False

    async def served(self) -> dict[str, str]:
        """All that the public may read, by its path: what is on the shelf and beside it, and what a search finds."""
        hub = self.service.hub
        assert hub.press.shelf is not None
        paths = (*hub.press.publisher.paths(hub.press.shelf), *await hub.library.paths(), SEARCH)
        found = {}
        async with ClientSession(self.service.public_url) as session:
            for path in paths:
                async with session.get(path) as answer:
                    found[path] = (await answer.read()).decode(errors="replace")
        return found

    async def wrong(self) -> dict[str, str]:
        """Where the word is to be read, but for the answer to who looks for it, which repeats it."""
        return {path: body for path, body in (await self.served()).items() if WORD in body and path != SEARCH}


@asynccontextmanager
async def running(place: Path, mirror: Path) -> AsyncIterator[House]:
    file = place / "statuspage.yaml"
    file.write_text(f"{FILE}mirror: {{to: {json.dumps(str(mirror))}}}\n", encoding="utf-8")
    async with Service(config_path=file, data_dir=place / "data") as service, ClientSession() as desk:
        name = f"desk-{wall_clock().timestamp()}"
        told = await service.hub.store.write(
            lambda connection: people.add_token(connection, name=name, roles=(Role.LEVEL_TWO,), at=wall_clock(), expires_at=None)
        )
        desk.headers["Authorization"] = f"Bearer {told}"
        yield House(service, place / "data", mirror, desk)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statuspage.mirror.run.RETRY", 0.05)
    monkeypatch.setattr("statuspage.mirror.run.GATHER", 0.05)
    monkeypatch.setattr("statuspage.mirror.run.REST", 0.0)


@pytest.fixture
async def house(tmp_path: Path, in_memory: Path) -> AsyncIterator[House]:
    """An incident whose second update has the word, in a mirror of several versions."""
    async with running(tmp_path, in_memory / "mirror") as opened:
        await planted(opened)
        yield opened


async def planted(house: House) -> None:
    opening = {"name": "Mail is late", "services": {"email": "partial_outage"}, "body": "We are looking into it."}
    house.incident = (await house.send("/incidents", opening))["id"]
    await until(lambda: "Mail is late" in told(house))
    await house.send(f"/incidents/{house.incident}/updates", {"body": SAID, "state": "identified"}, key="once")
    await until(lambda: WORD in told(house))


def told(house: House, name: str = "") -> str:
    path = house.mirror / CURRENT / (name or f"incidents/{house.incident}/index.html")
    return path.read_text() if path.exists() else ""


async def test_a_word_that_is_removed_is_nowhere_any_more(house: House) -> None:
    assert {"/", "/de/", "/history.atom", "/history.rss", "/feed.json", "/api/v2/incidents.json"} <= (await house.wrong()).keys()
    assert "Nothing found" not in (await house.served())[SEARCH]
    assert {"index.html", "history.atom"} <= house.holding()
    assert {name for name in house.holding() if name.startswith("statuspage.db")}
    gone = await house.send(f"/incidents/{house.incident}/updates/2/redact", {"reason": "It names a person."})
    assert (gone["body"], bool(gone["redacted_at"])) == ("", True)
    await until(house.is_clean)
    await until(lambda: "This text was removed on" in told(house))
    assert await house.wrong() == {}
    assert "Nothing found" in (await house.served())[SEARCH]
    assert len(list((house.mirror / VERSIONS).iterdir())) == 1
    again = {"body": SAID, "state": "identified"}
    assert (await house.send(f"/incidents/{house.incident}/updates", again, key="once"))["body"] == ""
    assert house.holding() == set()


async def test_what_stood_there_can_be_proven_and_nothing_else_of_it(house: House) -> None:
    await house.send(f"/incidents/{house.incident}/updates/2", {"body": BETTER}, method="PATCH")
    await house.send(f"/incidents/{house.incident}/updates/2/redact", {"reason": "It names a person."})
    async with house.desk.get(f"{house.service.internal_url}/api/v1/audit") as answer:
        removed, corrected, *_ = (await answer.json())["items"]
    assert (removed["act"], removed["detail"]["reason"]) == ("redact", "It names a person.")
    assert removed["detail"]["sha256"] == sha256(BETTER.encode()).hexdigest() == corrected["detail"]["sha256"]
    assert corrected["detail"]["was"] == sha256(SAID.encode()).hexdigest()
    await until(house.is_clean)


async def test_every_surface_says_when_it_was_removed_in_the_readers_language(house: House) -> None:
    removed = await house.send(f"/incidents/{house.incident}/updates/2/redact", {"reason": "It names a person."})
    await until(lambda: "This text was removed on" in told(house))
    served = await house.served()
    for path in ("/", f"/incidents/{house.incident}", "/history.rss", "/history.atom", "/feed.json", "/api/v2/incidents/unresolved.json"):
        assert "This text was removed on" in served[path], path
    for path in ("/de/", f"/de/incidents/{house.incident}", "/de/history.atom", "/de/feed.json"):
        assert "Dieser Text wurde am" in served[path], path
    (incident,) = json.loads(served["/api/v2/incidents.json"])["incidents"]
    newest, first = incident["incident_updates"]
    assert newest["updated_at"][:19] == removed["redacted_at"][:19]
    assert newest["updated_at"] > newest["created_at"]
    assert first["body"] == "We are looking into it."


async def test_a_correction_is_marked_and_keeps_its_place_in_the_feeds(house: House) -> None:
    before = json.loads((await house.served())["/feed.json"])["items"]
    await house.send(f"/incidents/{house.incident}/updates/2", {"body": "Ask the desk."}, method="PATCH")
    await until(lambda: "Ask the desk." in told(house))
    served = await house.served()
    after = json.loads(served["/feed.json"])["items"]
    assert [one["id"] for one in after] == [one["id"] for one in before]
    assert "date_modified" not in before[0]
    assert after[0]["date_modified"] >= after[0]["date_published"]
    assert "Corrected" in served[f"/incidents/{house.incident}"]
    assert (await house.wrong()) == {}
    assert house.holding(), "the desk still has what stood there"


async def test_words_of_an_incident_that_is_over_can_be_removed_and_it_stays_in_its_place(house: House) -> None:
    await house.send(f"/incidents/{house.incident}/resolve", {"body": "Mail is quick again."})
    await until(lambda: "Mail is quick again." in told(house))
    await house.send(f"/incidents/{house.incident}/updates/2/redact", {"reason": "It names a person."})
    await until(house.is_clean)
    assert await house.wrong() == {}
    assert house.service.hub.pipeline.situation.incidents == {}


async def test_a_hub_that_died_before_the_mirror_was_swept_sweeps_it_when_it_is_back(tmp_path: Path, in_memory: Path) -> None:
    mirror = in_memory / "mirror"
    async with running(tmp_path, mirror) as house:
        await planted(house)
        house.service.hub.mirror.to = lambda: None  # from now on it does not come to writing
        await house.send(f"/incidents/{house.incident}/updates/2/redact", {"reason": "It names a person."})
        left = house.holding()
    assert "index.html" in left
    async with running(tmp_path, mirror) as house:
        await until(house.is_clean)


async def test_who_saw_other_words_than_stand_there_changes_nothing(house: House) -> None:
    hub = house.service.hub
    story = await hub.store.read(lambda connection: queries.story(connection, house.incident))
    assert story is not None
    seen = partial(redacting.reword, incident=house.incident, said=story.updates[1])
    await hub.pipeline.act(partial(seen, by="anna", body="First."))
    with pytest.raises(redacting.Outrun):
        await hub.pipeline.act(partial(seen, by="ben", body="Second."))
    after = await hub.store.read(lambda connection: queries.story(connection, house.incident))
    assert after is not None
    assert after.updates[1].body == "First."


async def test_a_repeated_request_gets_no_language_of_removed_words(house: House) -> None:
    said = {"body": {"en": f"Ask {WORD}.", "de": f"Fragen Sie {WORD}."}}
    told = await house.send(f"/incidents/{house.incident}/updates", said, key="again")
    assert WORD in json.dumps(told["bodies"])
    await house.send(f"/incidents/{house.incident}/updates/{told['number']}/redact", {"reason": "It names a person."})
    again = await house.send(f"/incidents/{house.incident}/updates", said, key="again")
    assert again["number"] == told["number"]
    assert WORD not in json.dumps(again)


async def test_translations_go_with_the_words_each_leaving_its_digest(house: House) -> None:
    store = house.service.hub.store
    theirs = and_(updates.c.incident == house.incident, updates.c.number == 2)
    entry = and_(journal.c.incident == house.incident, journal.c.kind == "updated")

    def translate(connection: Connection) -> None:
        connection.execute(update(updates).where(theirs).values(bodies={"de": f"Fragen Sie {WORD}."}))
        *_, (place, body) = connection.execute(select(journal.c.sequence, journal.c.body).where(entry).order_by(journal.c.sequence))
        words = {**body["update"], "bodies": {"de": f"Fragen Sie {WORD}."}}
        connection.execute(update(journal).where(journal.c.sequence == place).values(body={**body, "update": words}))

    await store.write(translate)
    await house.send(f"/incidents/{house.incident}/updates/2/redact", {"reason": "It names a person."})
    async with house.desk.get(f"{house.service.internal_url}/api/v1/audit") as answer:
        newest = (await answer.json())["items"][0]["detail"]
    assert newest["sha256.de"] == sha256(f"Fragen Sie {WORD}.".encode()).hexdigest()
    await until(house.is_clean)


async def test_what_died_before_the_file_was_cleared_is_cleared_at_the_next_start_and_once(
    tmp_path: Path, in_memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleared, purge = [], Database.purge

    def dies(_: Database) -> str:
        raise ConnectionAbortedError("killed")

    def counts(database: Database) -> str:
        cleared.append(trouble := purge(database))
        return trouble

    async with running(tmp_path, in_memory / "mirror") as house:
        await planted(house)
        monkeypatch.setattr(Database, "purge", dies)
        path = f"{house.service.internal_url}/api/v1/incidents/{house.incident}/updates/2/redact"
        async with house.desk.post(path, json={"reason": "It names a person."}) as answer:
            assert answer.status == 500
    monkeypatch.setattr(Database, "purge", counts)
    for _ in range(2):
        async with running(tmp_path, in_memory / "mirror") as house:
            store = house.service.hub.store
            await until(lambda: bool(cleared))
            await asyncio.wait_for(house.service.hub.upkeep.clear(), 30)
            assert await store.read(traces_left) is None
            await until(house.is_clean)
    assert cleared == [""], cleared
