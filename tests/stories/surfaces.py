"""Everything that a broken service must be visible on, read as its readers read it, and what a feed reader makes of it."""

import html
import json
import re
from dataclasses import dataclass, field
from typing import Any

import feedparser
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient
from prometheus_client.parser import text_string_to_metric_families

Listener = ClientSession | TestClient[Any, Any]

_ITEMS = {"/history.rss": (b"item", b"guid"), "/history.atom": (b"entry", b"id")}


async def text(listener: Listener, path: str, token: str | None = None, status: int = 200) -> str:
    """What *path* says to people: markup taken away, entities resolved, runs of blanks made one."""
    said = re.sub(r"<[^>]*>", " ", (await body(listener, path, token, status)).decode())
    return " ".join(html.unescape(said).split())


async def body(listener: Listener, path: str, token: str | None = None, status: int = 200) -> bytes:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with listener.get(path, headers=headers) as response:
        found = await response.read()
        assert response.status == status, f"{path} answers {response.status}: {found[:300]!r}"
        return found


async def read_json(listener: Listener, path: str, token: str | None = None) -> Any:  # noqa: ANN401 - JSON
    return json.loads(await body(listener, path, token))


async def send(listener: Listener, path: str, token: str, **words: object) -> tuple[int, Any]:
    async with listener.post(f"/api/v1{path}", json=words, headers={"Authorization": f"Bearer {token}"}) as response:
        return response.status, await response.json(content_type=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What should be seen everywhere: the services' statuses, and one incident with its updates, oldest first."""

    services: dict[str, str]
    incident: str = ""
    name: str = ""
    state: str = ""
    updates: tuple[str, ...] = ()
    owner: str | None = None

    @property
    def is_open(self) -> bool:
        return bool(self.incident) and self.state != "resolved"


async def disagreements(picture: Picture, public: Listener, internal: Listener, token: str) -> list[str]:
    """Every surface that does not show *picture*, with what it shows instead; empty where all agree."""
    found = [
        *_in_summary(picture, await read_json(public, "/api/v2/summary.json")),
        *_in_metrics(picture, (await body(internal, "/metrics")).decode()),
        *_in_desk(picture, await read_json(internal, "/api/v1/incidents?open=true", token), await text(internal, "/", token)),
        *_on_page(picture, await text(public, "/")),
    ]
    for path in _ITEMS:
        found += _in_feed(picture, path, await body(public, path))
    if picture.incident:
        found += _on_incident_page(picture, await text(public, f"/incidents/{picture.incident}"))
    return found


def _in_summary(picture: Picture, summary: Any) -> list[str]:  # noqa: ANN401 - JSON
    statuses = {row["name"].lower(): row["status"] for row in summary["components"] if not row["group"]}
    wrong = [f"summary: {id} is {statuses.get(id)}" for id, status in picture.services.items() if statuses.get(id) != status]
    is_quiet = summary["status"]["indicator"] == "none"
    is_well = set(picture.services.values()) == {"operational"}
    if is_quiet is not (is_well and picture.state in {"", "monitoring", "resolved"}):
        wrong.append(f"summary: the page as a whole is {summary['status']}")
    told = [(one["id"], one["status"], [update["body"] for update in one["incident_updates"]]) for one in summary["incidents"]]
    expected = [(picture.incident, picture.state, list(reversed(picture.updates)))] if picture.is_open else []
    return wrong if told == expected else [*wrong, f"summary: {told}"]


def _in_metrics(picture: Picture, exposition: str) -> list[str]:
    samples = [sample for family in text_string_to_metric_families(exposition) for sample in family.samples if sample.value]
    holding = {(s.labels["service"], s.labels["status"]) for s in samples if s.name == "statuspage_service_status"}
    opened = {s.labels["state"]: s.value for s in samples if s.name == "statuspage_incidents"}
    wrong = [] if holding == set(picture.services.items()) else [f"metrics: services {holding}"]
    return wrong if opened == ({picture.state: 1} if picture.is_open else {}) else [*wrong, f"metrics: open incidents {opened}"]


def _in_desk(picture: Picture, listed: Any, console: str) -> list[str]:  # noqa: ANN401 - JSON
    told = [(one["id"], one["name"], one["state"], one["acknowledged_by"]) for one in listed["items"]]
    expected = [(picture.incident, picture.name, picture.state, picture.owner)] if picture.is_open else []
    wrong = [] if told == expected else [f"API: {told}"]
    if picture.is_open:
        wanted = ("1 open incident", picture.name, f"{picture.owner} since" if picture.owner else "Nobody")
        return wrong + [f"console: no {words!r}" for words in wanted if words not in console]
    return wrong if "Nothing is open" in console else [*wrong, "console: something is open"]


def _on_page(picture: Picture, page: str) -> list[str]:
    if not picture.is_open:
        return ["page: an incident is going on"] if "What is going on" in page else []
    return [f"page: no {words!r}" for words in (picture.name, picture.updates[-1]) if words not in page]


def _on_incident_page(picture: Picture, page: str) -> list[str]:
    return [f"incident page: no {words!r}" for words in (picture.name, *picture.updates) if words not in page]


def _in_feed(picture: Picture, path: str, feed: bytes) -> list[str]:
    entries = feedparser.parse(feed)["entries"]
    mine = [entry for entry in entries if picture.incident in entry["id"]]
    told = [html.unescape(entry.get("summary") or entry["content"][0]["value"]) for entry in mine]
    return [] if told == list(reversed(picture.updates)) else [f"{path}: {told}"]


@dataclass(slots=True)
class Reader:
    """Somebody's feed reader: remembers what it has shown, and complains when an old entry is not what it was."""

    path: str
    shown: list[str] = field(default_factory=list)
    kept: dict[str, bytes] = field(default_factory=dict)

    async def poll(self, public: Listener) -> list[str]:
        """The titles of entries never seen before, oldest first."""
        feed = await body(public, self.path)
        parsed = feedparser.parse(feed)
        assert not parsed["bozo"], parsed.get("bozo_exception")
        raw = self._entries(feed)
        assert all(raw[id] == before for id, before in self.kept.items() if id in raw), "an old entry was rewritten"
        new = [entry for entry in reversed(parsed["entries"]) if entry["id"] not in self.kept]
        self.kept |= raw
        self.shown += [entry["title"] for entry in new]
        return [entry["title"] for entry in new]

    def _entries(self, feed: bytes) -> dict[str, bytes]:
        item, id = _ITEMS[self.path]
        found = re.findall(rb"<%s>.*?</%s>" % (item, item), feed, re.DOTALL)
        return {_id_in(entry, id): entry for entry in found}


def _id_in(entry: bytes, tag: bytes) -> str:
    found = re.search(rb"<%s\b[^>]*>([^<]*)</%s>" % (tag, tag), entry)
    assert found, entry
    return found[1].decode()
