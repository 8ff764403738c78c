"""A feed is made of nothing but its words: whatever people write is valid, and the same words are the same bytes wherever they are kept."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from lxml import etree
from sqlalchemy import update as update_rows

from incidents import act
from incidents.model import Status
from incidents.planned import planning
from incidents.planned.planning import Wish
from incidents.policy import Policy
from statuspage.books import Books
from statuspage.picture.news import PAGE
from statuspage.picture.page import Snapshot
from statuspage.pipeline import Pipeline
from statuspage.press import Press, public_names
from statuspage.publish import Publisher
from statuspage.render.feeds import fit
from statuspage.store import queries, tables
from statuspage.store.engine import Store
from tests.incidents.world import World, need, service, topology
from tests.statuspage.picture.test_planned import DAY, S
from tests.statuspage.pictures import NOW, SITE, heard, said, snapshot, story, update, window
from tests.statuspage.pictures import service as shown
from tests.statuspage.serving import templates
from tests.stores import Postgresql

PUBLISHER = Publisher(templates())
ATOM = "{http://www.w3.org/2005/Atom}"

# The rules of jsonfeed.org/version/1.1 for what we say, and no member that it does not know.
JSON_FEED = {
    "type": "object",
    "required": ["version", "title", "items"],
    "additionalProperties": False,
    "properties": {
        "version": {"const": "https://jsonfeed.org/version/1.1"},
        "title": {"type": "string", "minLength": 1},
        "description": {"type": "string"},
        "home_page_url": {"type": "string", "format": "uri"},
        "feed_url": {"type": "string", "format": "uri"},
        "next_url": {"type": "string", "format": "uri"},
        "language": {"type": "string"},
        "authors": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "minProperties": 1, "properties": {"name": {"type": "string"}, "url": {"type": "string"}}},
        },
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "content_text"],
                "additionalProperties": False,
                "properties": {
                    "id": {"type": "string", "minLength": 1},
                    "url": {"type": "string"},
                    "title": {"type": "string", "minLength": 1},
                    "content_text": {"type": "string"},
                    "date_published": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
                    "date_modified": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
                },
            },
        },
    },
}

HOSTILE = st.one_of(
    st.text(max_size=120),
    st.text(alphabet="<>&\"']![CDATA\x00\x08\x1b\r\n\t\u2028\u202e\ud800\ufffe\u200b;#x", max_size=60),
    st.sampled_from(["]]>", "R&D ]]> <b>", "<!--", "<?xml?>", "&#0;", "&nbsp;", "\r\n\r\n", "</content></entry>", '"}],"x":[{"', ""]),
)


def feeds(told: Snapshot) -> Mapping[str, bytes]:
    shelf = PUBLISHER.publish(heard(told), NOW)
    paths = ("/history.rss", "/history.atom", "/feed.json", "/maintenance.rss", "/maintenance.atom", "/maintenance.json")
    more = ("/services/email/history.atom", "/services/email/feed.json", "/history/partial.rss")
    made = {path: PUBLISHER.of_service(shelf.page, path) for path in more}
    return {path: shelf.files[path].body for path in paths} | {path: make().body for path, make in made.items() if make is not None}


@settings(max_examples=150, deadline=None)
@given(body=HOSTILE, title=HOSTILE, name=HOSTILE, site=HOSTILE, planned=HOSTILE)
def test_every_format_is_valid_whatever_people_write(body: str, title: str, name: str, site: str, planned: str) -> None:
    told = replace(
        snapshot(replace(shown("email"), name={"en": name}), stories=(story(replace(update(1, body=body), title=title)),)),
        windows=(window(said(1, S.SCHEDULED, NOW - DAY, planned), name={"en": name}),),
    )
    for path, document in feeds(replace(told, site=replace(SITE, name=site))).items():
        if path.endswith(".json"):
            spelled = json.loads(document)
            Draft202012Validator(JSON_FEED).validate(spelled)
            texts = [item["content_text"] for item in spelled["items"]]
        else:
            root = etree.fromstring(document, etree.XMLParser(resolve_entities=False))
            parsed = feedparser.parse(document)
            assert not parsed.bozo, parsed.get("bozo_exception")
            assert parsed.feed.title.strip()
            assert all(entry.title and entry.id and entry.link for entry in parsed.entries)
            texts = [content.text or "" for content in root.iter(f"{ATOM}content")]
        words = {fit(body), fit(planned)}
        assert {text for text in texts if text} <= words, path


# --- on both databases ----------------------------------------------------------------------------------------------------------------


SEED = update_rows(tables.installation).where(tables.installation.c.name == "seed").values(value="seed")
"""Ids are made from it; else each installation has its own."""


@pytest.fixture
def postgresql_url(postgresql: Postgresql) -> Iterator[str]:
    url = postgresql.empty()
    yield url
    postgresql.drop(url)


async def spoken(url: str, directory: Path) -> tuple[Mapping[str, bytes], Mapping[str, bytes]]:
    """A life of words on the store at *url*: what is published at its end, and again after a restart."""
    world = World(topology([service("email", need("smtp"))]))
    known = world.situation.topology
    store = await Store.open(url, directory)
    installed = await store.write(lambda connection: queries.installation(connection, url=SITE.url, now=world.now))
    await store.write(lambda connection: connection.execute(SEED))
    public = await store.write(lambda connection: queries.public_ids(connection, public_names(known, SITE)))
    situation = await store.read(lambda connection: queries.situation(connection, known))
    pipeline = Pipeline(store=store, situation=situation, policy=Policy(), now=lambda: world.now)

    def press() -> Press:
        return Press(
            store=store,
            pipeline=pipeline,
            books=Books(store=store, zone=SITE.timezone, services=known.services, offers={}),
            publisher=Publisher(templates()),
            site=SITE,
            installation=installed,
            public_ids=public,
            now=lambda: world.now,
            stale_after=120.0,
        )

    first = press()
    pipeline.audience = first.hear
    services = {"email": Status.PARTIAL}
    await pipeline.act(partial(act.open_incident, by="ada", name="Email: slow", services=services, body="Word 1."))
    (incident,) = pipeline.situation.incidents
    for number in range(2, 2 * PAGE + 5):
        world.wait(7.125)
        await pipeline.act(partial(act.update, incident=incident, by="ada", body=f"Word {number}. \N{SNOWMAN} R&D ]]>"))
        if number % 20 == 0:
            await first.issue()
    at = world.now + 9 * DAY
    wish = Wish(name="Disks", services=("email",), starts=at, ends=at + DAY / 12, body="We change disks.")
    await pipeline.act(partial(planning.plan, by="ada", wish=wish))
    (planned,) = pipeline.situation.maintenances
    await pipeline.act(partial(planning.cancel, maintenance=planned, by="ada"))
    told = [await everything(first), await everything(press())]
    await pipeline.close()
    await store.close()
    return told[0], told[1]


async def everything(press: Press) -> Mapping[str, bytes]:
    shelf = await press.issue()
    found = {path: one.body for path, one in shelf.files.items() if path.endswith((".rss", ".atom", ".ics")) or "feed" in path}
    for path in ("/services/email/history.rss", "/services/email/feed.json", "/history/major.atom", "/services/email/maintenance.ics"):
        make = press.of_service(path)
        assert make is not None
        found[path] = make().body
    for path in ("/history/archive/1.rss", "/history/archive/1.atom", "/history/archive/1.json"):
        archive = await press.older(path)
        assert archive is not None
        found[path] = archive.body
    return found


async def test_the_same_words_give_the_same_bytes_on_both_databases_and_after_a_restart(tmp_path: Path, postgresql_url: str) -> None:
    sqlite, again = await spoken("sqlite:///news.db", tmp_path / "one")
    other, _ = await spoken(postgresql_url, tmp_path / "two")
    assert len(sqlite) > 10
    assert sqlite == again
    assert sqlite == other


def test_instants_are_the_words_own_in_every_format_and_zone() -> None:
    at = datetime(2026, 11, 22, 15, 0, 0, 250_000, tzinfo=ZoneInfo("Asia/Kathmandu"))
    told = snapshot(shown("email"), stories=(story(replace(update(1), at=at)),))
    documents = feeds(told)
    (item,) = json.loads(documents["/feed.json"])["items"]
    assert item["date_published"] == "2026-11-22T09:15:00Z"
    for path in ("/history.rss", "/history.atom"):
        (entry,) = feedparser.parse(documents[path]).entries
        assert tuple(entry.published_parsed[:6]) == (2026, 11, 22, 9, 15, 0)
