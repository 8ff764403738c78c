"""docs/moving.md does what it says; and from one of our own pages to another everything comes over, where readers look for it."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from statuspage.app import Service
from statuspage.store import queries
from statuspage.store.engine import Store
from tests.deadline import until
from tests.statuspage.elsewhere import EMAIL, WIKI, Elsewhere, incident, served
from tests.statuspage.products import GATUS, backup, database
from tests.statuspage.terminal import statuspage
from tests.statuspage.years import DAY, HOUR, outage, write

FILE = """
site: {name: NAME, url: "https://status.NAME.example"}
listen: {public: '127.0.0.1:0', internal: '127.0.0.1:0'}
components: {disk: {}}
services: {email: {needs: [disk]}, portal: {name: Portal, needs: [disk]}}
monitors: {copy: {component: disk, probe: heartbeat, every: 1d, token: {file: token}}}
"""
_LIST = "/api/v2/incidents.json"
PORTAL = {**WIKI, "name": "Web Portal"}


def configure(directory: Path, name: str) -> None:
    (directory / "statuspage.yaml").write_text(FILE.replace("NAME", name), encoding="utf-8")
    (directory / "token").write_text("0123456789abcdef0123456789abcdef", encoding="utf-8")


def commands(checkout: Path) -> Sequence[list[str]]:
    """The words of every command that the document shows under such a mark."""
    text = (checkout / "docs" / "moving.md").read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- commands:.*?```sh\n(.*?)```", text, re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


async def test_the_commands_of_the_document_work(checkout: Path, tmp_path: Path) -> None:
    page = Elsewhere(components=[EMAIL, PORTAL], incidents=[incident(1, "Mail is slow", "2024-02-03", components=[EMAIL, PORTAL])])
    (tmp_path / "config.yaml").write_text(GATUS, encoding="utf-8")
    (tmp_path / "backup.json").write_bytes(backup())
    database(tmp_path / "kuma.db")
    shown = commands(checkout)
    assert [words[:3] for words in shown] == [
        ["statuspage", "import", "statuspage"],
        ["statuspage", "import", "statuspage"],
        ["statuspage", "import", "uptime-kuma"],
        ["statuspage", "import", "uptime-kuma"],
        ["statuspage", "import", "gatus"],
    ]
    async with served(page):
        for number, words in enumerate(shown):
            here = tmp_path / str(number)
            here.mkdir()
            for file in ("config.yaml", "backup.json", "kuma.db"):
                (here / file).write_bytes((tmp_path / file).read_bytes())
            if words[2] == "statuspage":
                configure(here, "new")
            done = await statuspage(*(page.url if word == "https://status.example.com" else word for word in words[1:]), here=here)
            assert done.code == 0, done.err
            assert done.err == ""


# --- from one of ours to another ------------------------------------------------------------------------------------------------


def serving(here: Path) -> Service:
    return Service(config_path=here / "statuspage.yaml", data_dir=here / "data", public=("127.0.0.1", 0), internal=("127.0.0.1", 0))


def prepared(here: Path, name: str) -> Path:
    directory = here / name
    directory.mkdir()
    configure(directory, name)
    return directory


async def answers(url: str, *paths: str) -> Mapping[str, str]:
    async with aiohttp.ClientSession() as session:
        found = {}
        for path in paths:
            async with session.get(url + path) as answer:
                found[path] = await answer.text() if answer.status == 200 else f"status {answer.status}"
        return found


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<main")[2]))


@pytest.fixture
def began() -> datetime:
    return datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0) - 40 * DAY


async def test_what_one_of_our_pages_tells_another_tells_after_an_import(tmp_path: Path, began: datetime) -> None:
    old, new = prepared(tmp_path, "old"), prepared(tmp_path, "new")
    with Store.blocking("sqlite:///statuspage.db", old / "data") as store:
        store.write(lambda connection: queries.installation(connection, url="https://status.old.example", now=began - DAY))
        write(store, *outage("incident0001", began, timedelta(minutes=42)), *outage("incident0002", began + DAY, HOUR), at=began + 2 * DAY)
    async with serving(old) as source, serving(new) as target:
        quiet = ("/history.atom", "/feed.json", "/maintenance.ics", "/maintenance.rss", "/api/v2/status.json")
        before = await answers(target.public_url, *quiet)
        done = await statuspage("import", "statuspage", source.public_url, here=new)
        assert done.code == 0, done.err
        assert "imported from" in done.out
        assert "2 incidents" in done.out
        await until(lambda: shown(target) == 2)
        month = f"/history/{began:%Y-%m}"
        told = await answers(target.public_url, month, "/history/search/looking", _LIST, "/services/email/history" + month[8:])
        ids = re.findall(r'href="/incidents/([a-z0-9]{12})"', told[month])
        assert len(set(ids)) == 2
        assert "Imported from status.old.example" in text_of(told[month])
        assert "Major outage for" in text_of(told[month])
        assert "Not watched yet" in text_of(told["/services/email/history" + month[8:]])
        assert ids[0] in told["/history/search/looking"]
        one = text_of((await answers(target.public_url, f"/incidents/{ids[0]}"))[f"/incidents/{ids[0]}"])
        assert "Imported from https://status.old.example" in one
        assert "It works again." in one
        assert await answers(target.public_url, *quiet) == before
        there = await answers(source.public_url, _LIST)
    assert comparable(told[_LIST]) == comparable(there[_LIST])


def shown(service: Service) -> int:
    """How many incidents that are over stand on the page."""
    return len(service.hub.press.shelf.page.recent) if service.hub.press.shelf else 0


def comparable(body: str) -> list[tuple[object, ...]]:
    return [
        (
            one["name"],
            one["status"],
            one["impact"],
            one["started_at"],
            one["resolved_at"],
            [said["body"] for said in one["incident_updates"]],
        )
        for one in json.loads(body)["incidents"]
    ]
