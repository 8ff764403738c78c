"""Feed readers poll a real hub through an incident of a hundred updates, while it is killed, restarted and given another host name."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import feedparser
from aiohttp import ClientSession

from statuspage.demo.ports import free_address
from statuspage.store import people
from statuspage.store.engine import Store
from statuspage.store.people import Role
from tests.stories.programs import Hub, agreed
from tests.stories.surfaces import send

UPDATES = 100
TOKEN = "q7YtLw2Z9hVbXc4NfRk8Ds"

FILE = """
site: {{name: Example, url: "{url}"}}
console: {{url: "http://{internal}"}}
listen: {{public: "{public}", internal: "{internal}"}}
services: {{email: {{needs: [mail], group: Mail}}, portal: {{needs: [web]}}}}
components: {{mail: {{}}, web: {{}}}}
pages: {{staff: {{name: Staff, services: [email], access: token, token: {{file: "{token}"}}}}}}
"""

FEEDS = [
    *("/history.rss", "/history.atom", "/feed.json"),
    *("/services/email/history.rss", "/services/email/history.atom", "/services/email/feed.json"),
    *("/history/partial.rss", "/history/partial.atom", "/history/partial.json"),
    *("/groups/{group}/history.rss", "/groups/{group}/history.atom", "/groups/{group}/feed.json"),
    *(f"/pages/{TOKEN}{path}" for path in ("/history.rss", "/history/partial.atom", "/groups/{group}/feed.json")),
]


class Entry(NamedTuple):
    """What a reader keeps of an entry; links follow the address of the site and are no part of it."""

    id: str
    title: str
    words: str


@dataclass(slots=True, kw_only=True)
class Reader:
    """Polls one feed as the better readers do: with the tag it knows, and back through the archives until it meets what it has."""

    path: str
    tag: str | None = None
    shown: list[Entry] = field(default_factory=list)
    polls: int = 0
    unchanged: int = 0
    archives: int = 0

    async def poll(self, public: ClientSession) -> None:
        """Show what is new, oldest first. Errors: AssertionError where something known reads otherwise."""
        self.polls += 1
        async with public.get(self.path, headers={"If-None-Match": self.tag} if self.tag else {}) as answer:
            if answer.status == 304:
                self.unchanged += 1
                return
            assert answer.status == 200
            self.tag, document = answer.headers["ETag"], await answer.read()
        pages = [parsed(document)]
        known = {entry.id: entry for entry in self.shown}
        while (back := pages[0][1]) is not None and not any(entry.id in known for entry in pages[0][0]):
            self.archives += 1
            async with public.get(urlsplit(back).path) as answer:
                assert answer.status == 200, back
                pages.insert(0, parsed(await answer.read()))
        for entry in (entry for page, _ in pages for entry in page):
            assert known.get(entry.id, entry) == entry, "an entry that was read before says something else"
            if entry.id not in known:
                self.shown.append(entry)
        assert len({entry.id for entry in self.shown}) == len(self.shown), "an entry came twice"


def parsed(document: bytes) -> tuple[Sequence[Entry], str | None]:
    """The entries of *document*, oldest first, and where older ones are."""
    if document.startswith(b"{"):
        told = json.loads(document)
        return [Entry(one["id"], one["title"], one["content_text"]) for one in reversed(told["items"])], told.get("next_url")
    found = feedparser.parse(document)
    assert not found.bozo, found.get("bozo_exception")
    back = [link.href for link in found.feed.get("links", ()) if link.rel == "prev-archive"]
    return [Entry(one.id, one.title, one.summary) for one in reversed(found.entries)], next(iter(back), None)


@dataclass(slots=True, kw_only=True)
class World:
    """A hub in a process of its own, and an agent who writes."""

    hub: Hub
    config: Path
    words: str
    token: str

    def named(self, url: str) -> None:
        """Give the site another address; taken into use when the hub starts."""
        self.config.write_text(self.words.replace("{url}", url), encoding="utf-8")

    async def opened(self, internal: ClientSession, service: str) -> str:
        body = {"name": f"{service}: slow", "services": {service: "partial_outage"}, "body": "Word 1."}
        status, made = await send(internal, "/incidents", self.token, **body)
        assert status == 201, made
        return str(made["id"])

    async def say(self, internal: ClientSession, incident: str, body: str) -> None:
        status, made = await send(internal, f"/incidents/{incident}/updates", self.token, state="identified", body=body)
        assert status == 201, made


@asynccontextmanager
async def world(directory: Path) -> AsyncIterator[World]:
    public, internal = free_address(), free_address()
    config, data = directory / "statuspage.yaml", directory / "data"
    (directory / "token").write_text(TOKEN, encoding="utf-8")
    words = FILE.format(public=public, internal=internal, url="{url}", token=directory / "token")
    hub = Hub(
        public=f"http://{public}",
        internal=f"http://{internal}",
        log=directory / "hub.log",
        arguments=("serve", "--config", str(config), "--data-dir", str(data)),
    )
    token = await asyncio.to_thread(_token, data)
    made = World(hub=hub, config=config, words=words, token=token)
    try:
        yield made
    finally:
        await hub.kill()


def _token(data: Path) -> str:
    with Store.blocking("sqlite:///statuspage.db", data) as store:
        return store.write(lambda connection: people.add_token(connection, name="ada", roles=[Role.LEVEL_ONE], at=datetime.now(UTC)))


def turns() -> Iterator[tuple[int, str]]:
    """What happens to the hub after so many updates."""
    yield from ((20, "killed"), (45, "restarted"), (60, "renamed"), (85, "killed"))


async def test_every_reader_sees_every_update_once_and_in_order_whatever_happens_to_the_hub(tmp_path: Path) -> None:
    chance = random.Random(5)
    due = dict(turns())
    async with world(tmp_path) as made:
        made.named("http://status.first.example")
        await made.hub.start()
        async with ClientSession(made.hub.public) as public, ClientSession(made.hub.internal) as internal:
            paths = await feeds(public)
            readers = [Reader(path=path) for path in paths]
            late = [Reader(path=path) for path in paths]  # these come before, and again when all is over
            incident = await made.opened(internal, "email")
            await made.opened(internal, "portal")  # noise, which the feeds about email leave out
            await asyncio.gather(*(reader.poll(public) for reader in (*readers, *late)))
            for number in range(2, UPDATES + 1):
                await made.say(internal, incident, f"Word {number}.")
                if number in due:
                    await happen(made, due[number])
                for reader in readers:
                    if chance.random() < 0.2:
                        await reader.poll(public)
            await asyncio.gather(*(settled(reader, public) for reader in (*readers, *late)))
    told = [f"Word {number}." for number in range(1, UPDATES + 1)]
    for reader in (*readers, *late):
        mine = [entry for entry in reader.shown if f"incident/{incident}/" in entry.id]
        assert [entry.words for entry in mine] == told, reader.path
        assert len(reader.shown) - len(mine) == (0 if is_of_email(reader) else 1), reader.path
        assert all("status.second" not in entry.id for entry in reader.shown)
    assert all(reader.archives for reader in late)
    assert len({tuple(sorted(entry.id for entry in reader.shown)) for reader in readers if not is_of_email(reader)}) == 1
    assert sum(reader.unchanged for reader in readers) > 0


async def feeds(public: ClientSession) -> list[str]:
    """Where the feeds are; groups have ids that nobody chose."""
    async with public.get("/api/v2/components.json") as answer:
        (group,) = [row["id"] for row in (await answer.json())["components"] if row["group"]]
    return [path.replace("{group}", group) for path in FEEDS]


def is_of_email(reader: Reader) -> bool:
    """Whether it tells of email alone: its service, its group, or a page of it."""
    return any(f"/{room}/" in reader.path for room in ("services", "groups", "pages"))


async def happen(made: World, what: str) -> None:
    if what == "killed":
        await made.hub.kill()
    else:
        await made.hub.stop()
    if what == "renamed":
        made.named("https://status.second.example")
    await made.hub.start()


async def settled(reader: Reader, public: ClientSession) -> None:
    """Poll until the last update is read, or until ten seconds in which nothing new comes: a shelf follows its change within a moment."""
    quiet = 0
    last = f"Word {UPDATES}."
    while last not in (entry.words for entry in reader.shown) and quiet < 200:
        before = len(reader.shown)
        await reader.poll(public)
        quiet = 0 if len(reader.shown) > before else quiet + 1
        await asyncio.sleep(0.05)
    await reader.poll(public)


async def test_a_restart_keeps_every_tag_of_every_feed(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        made.named("http://status.first.example")
        await made.hub.start()
        async with ClientSession(made.hub.public) as public, ClientSession(made.hub.internal) as internal:
            incident = await made.opened(internal, "email")
            for number in range(2, 4):
                await made.say(internal, incident, f"Word {number}.")
            readers = [Reader(path=path) for path in (*await feeds(public), "/maintenance.rss", "/maintenance.atom", "/maintenance.json")]
            for reader in readers:
                if "maintenance" not in reader.path:
                    await agreed(partial(missing, reader, public, "Word 3."))
                await reader.poll(public)
            before = {reader.path: (reader.tag, reader.unchanged) for reader in readers}
            await happen(made, "killed")
            for reader in readers:
                await reader.poll(public)
                assert (reader.tag, reader.unchanged) == (before[reader.path][0], before[reader.path][1] + 1), reader.path


async def missing(reader: Reader, public: ClientSession, words: str) -> list[str]:
    await reader.poll(public)
    return [] if words in [entry.words for entry in reader.shown] else [words]
