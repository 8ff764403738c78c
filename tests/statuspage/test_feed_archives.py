"""Whoever was away for weeks follows a feed back through its archives and finds every word, once and in order."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import feedparser
import pytest

from incidents.model import Status
from statuspage.picture.news import PAGE, About, Said, Strand, Topic
from statuspage.publish import Publisher
from statuspage.render.addresses import Document, Format, document_at, path_of, patterns
from statuspage.render.finished import Finished
from tests.statuspage.picture.test_planned import CANCELLED, DAY, PLANNED, S
from tests.statuspage.pictures import NOW, SITE, heard, public_id, said, service, snapshot, story, update, window
from tests.statuspage.serving import Served, serving, templates
from tests.statuspage.test_press import House, house

__all__ = ["house"]

ATOM, HISTORY, TOMBS = (
    "{http://www.w3.org/2005/Atom}",
    "{http://purl.org/syndication/history/1.0}",
    "{http://purl.org/atompub/tombstones/1.0}",
)
FORMATS = pytest.mark.parametrize("form", list(Format))
Get = Callable[[str], Awaitable[Finished | None]]


class Read(NamedTuple):
    """One document as a reader understands it: ids newest first, the way back, the way to the newest, whether it is closed."""

    ids: list[str]
    back: str | None
    current: str | None
    is_archive: bool


def read(form: Format, body: bytes) -> Read:
    if form is Format.JSON:
        told = json.loads(body)
        return Read([one["id"] for one in told["items"]], told.get("next_url"), told["feed_url"], is_archive=False)
    parsed = feedparser.parse(body)
    assert not parsed.bozo, parsed.get("bozo_exception")
    root = ET.fromstring(body)
    top = root[0] if form is Format.RSS else root
    links = {link.get("rel"): link.get("href") for link in top.findall(f"{ATOM}link")}
    return Read(
        [one.id for one in parsed.entries], links.get("prev-archive"), links.get("current"), top.find(f"{HISTORY}archive") is not None
    )


async def catch_up(get: Get, path: str, form: Format) -> list[str]:
    """Every id that there is, oldest first."""
    found: list[str] = []
    address: str | None = path
    while address is not None:
        finished = await get(address)
        assert finished is not None, address
        document = read(form, finished.body)
        found = [*reversed(document.ids), *found]
        address = None if document.back is None else document.back.removeprefix("http://status.example.net")
    return found


def reading(house: House) -> Get:
    """What the listener would answer with."""

    async def get(path: str) -> Finished | None:
        shelf = house.press.shelf or await house.press.issue()
        if path in shelf.files:
            return shelf.files[path]
        make = house.press.of_service(path)
        return make() if make is not None else await house.press.older(path)

    return get


async def talk(house: House, count: int) -> str:
    incident = await house.outage()
    for number in range(2, count + 1):
        house.world.wait(1)
        await house.say(incident, f"Word {number}.")
    await house.press.issue()
    return incident


def numbers(ids: list[str]) -> list[int]:
    return [int(id_.rpartition("/")[2]) for id_ in ids]


@FORMATS
async def test_the_archives_and_the_newest_document_have_every_word_once_and_in_order(house: House, form: Format) -> None:
    await talk(house, 3 * PAGE + 20)
    for topic in (Topic(About.EVERYTHING), Topic(About.DEGRADED), Topic(About.SERVICE, "email")):
        assert numbers(await catch_up(reading(house), path_of(Document(topic, form)), form)) == list(range(1, 3 * PAGE + 21))


@FORMATS
async def test_a_closed_archive_never_changes_whatever_else_is_said(house: House, form: Format) -> None:
    incident = await talk(house, 2 * PAGE)
    get, path = reading(house), path_of(Document(Topic(About.EVERYTHING), form, 1))
    before = await get(path)
    for number in range(PAGE):
        await house.say(incident, f"More {number}.")
    await house.press.issue()
    after = await get(path)
    assert before is not None
    assert before == after
    second = await get(path.replace("/1.", "/2."))
    assert second is not None
    assert read(form, second.body).back == f"http://status.example.net{path}"


@pytest.mark.parametrize("form", [Format.RSS, Format.ATOM])
async def test_an_archive_says_what_it_is_and_where_the_newest_words_are(house: House, form: Format) -> None:
    await talk(house, 2 * PAGE)
    get, newest = reading(house), path_of(Document(Topic(About.EVERYTHING), form))
    current, archive = await get(newest), await get(path_of(Document(Topic(About.EVERYTHING), form, 1)))
    assert current is not None
    assert archive is not None
    assert read(form, archive.body)[1:] == (None, f"http://status.example.net{newest}", True)
    assert read(form, current.body).is_archive is False
    assert feedparser.parse(archive.body).feed.get("id") == feedparser.parse(current.body).feed.get("id")
    assert archive.content_type == current.content_type


async def test_an_archive_in_a_language_leads_back_in_it_and_tells_the_same_entries(house: House) -> None:
    house.press.site = replace(house.press.site, languages=("en", "de"))
    await talk(house, 3 * PAGE)
    german, english = await house.press.older("/de/history/archive/2.atom"), await house.press.older("/history/archive/2.atom")
    assert german is not None
    assert english is not None
    told, plain = read(Format.ATOM, german.body), read(Format.ATOM, english.body)
    assert told.ids == plain.ids
    assert (told.back, told.current) == tuple(f"http://status.example.net/de/history{end}" for end in ("/archive/1.atom", ".atom"))


async def test_what_is_no_archive_is_not_looked_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await talk(house, 2 * PAGE)

    async def never(_: object) -> None:
        raise AssertionError("the store was asked")

    monkeypatch.setattr(house.press.store, "read", never)
    for path in (
        "/history/archive/2.rss",
        "/history/major/archive/1.rss",
        "/services/nobody/history/archive/1.rss",
        "/maintenance/archive/1.atom",
    ):
        assert await house.press.older(path) is None, path


@pytest.mark.parametrize(
    "path", ["/history/archive/0.rss", "/history/archive/-1.rss", "/history/archive/1", "/history/archive/01.rss", "/history/x.rss"]
)
def test_such_a_path_is_of_no_feed(path: str) -> None:
    assert document_at(path) is None


def test_every_document_is_found_where_its_path_says() -> None:
    single = {About.SERVICE, About.SERVICE_MAINTENANCE, About.GROUP}
    topics = [Topic(about, "email" if about in single else "") for about in About]
    documents = [Document(topic, form, number) for topic in topics for form in Format for number in (None, 1, 12)]
    paths = {path_of(document): document for document in documents}
    assert len(paths) == len(documents)
    assert all(document_at(path) == document for path, document in paths.items())
    assert len(patterns()) == len(topics) * 2 * len(Format)


async def test_an_archive_is_served_like_everything_else() -> None:
    served, path = Served(), "/history/archive/1.atom"
    served.older[path] = Finished(body=b"<feed/>", etag='"abc"', content_type="application/atom+xml")
    async with serving(served) as session:
        served.publish(snapshot(service("email")))
        async with session.get(path) as answer:
            assert (answer.status, await answer.read(), answer.headers["ETag"]) == (200, b"<feed/>", '"abc"')
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
        async with session.get(path, headers={"If-None-Match": '"abc"'}) as again:
            assert again.status == 304
        for none in ("/history/archive/2.atom", "/history/archive/x.atom"):
            async with session.get(none) as answer:
                assert answer.status == 404
    assert served.asked == [path, "/history/archive/2.atom"]


# --- what else there is to follow -----------------------------------------------------------------------------------------------------


def feed(path: str, told: Any, at: Any = NOW) -> bytes:  # noqa: ANN401 - a snapshot and an instant
    publisher = Publisher(templates())
    shelf = publisher.publish(heard(told), at)
    make = publisher.of_service(shelf.page, path)
    return (shelf.files[path] if make is None else make()).body


def test_a_floor_leaves_out_what_is_less_bad_and_all_that_is_planned() -> None:
    bad = {"degraded": Status.DEGRADED, "partial": Status.PARTIAL, "major": Status.MAJOR}
    stories = tuple(
        replace(told, incident=replace(told.incident, id=public_id(name), worst={"email": status}, services={}))
        for name, status in bad.items()
        for told in [story(update(1), id_=public_id(name))]
    )
    told = replace(snapshot(service("email"), stories=stories), windows=(PLANNED,))
    for path, expected in (("degraded", set(bad)), ("partial", {"partial", "major"}), ("major", {"major"})):
        for form in Format:
            ids = read(form, feed(f"/history/{path}.{form}", told)).ids
            assert {id_.split("/")[1].strip("x") for id_ in ids} == expected
            assert not [id_ for id_ in ids if "maintenance" in id_]
    assert "Example Networks – major outages" in feed("/history/major.rss", told).decode()


def test_every_feed_of_maintenance_has_all_formats() -> None:
    told = replace(snapshot(service("email")), windows=(PLANNED,))
    for before in ("/maintenance", "/services/email/maintenance"):
        for form in Format:
            assert [id_.rpartition(":")[2] for id_ in read(form, feed(f"{before}.{form}", told)).ids] == [
                "maintenance/windowwindow/update/1"
            ]


def test_a_group_is_told_of_whatever_happened_to_its_services_each_word_once() -> None:
    both = story(update(1), update(2), id_="incidentboth", services=("email", "portal"))
    other = story(update(1), id_="incidentelse", services=("phones",))
    told = snapshot(service("email"), service("portal"), service("phones", "Others"), stories=(both, other))
    for form, path in ((Format.RSS, "history.rss"), (Format.ATOM, "history.atom"), (Format.JSON, "feed.json")):
        document = feed(f"/groups/{public_id('groupCommunication')}/{path}", told)
        assert [id_.partition("incident/")[2] for id_ in read(form, document).ids] == ["incidentboth/update/2", "incidentboth/update/1"]
        assert "Example Networks – Communication" in document.decode()
    publisher = Publisher(templates())
    page = publisher.publish(heard(told), NOW).page
    assert publisher.of_service(page, "/groups/nobody/history.rss") is None
    assert publisher.of_service(page, "/groups/email/history.rss") is None


# --- what holds no longer -------------------------------------------------------------------------------------------------------------


def tombstones(body: bytes) -> list[tuple[str, str, str]]:
    found = ET.fromstring(body).findall(f"{TOMBS}deleted-entry")
    return [(one.attrib["ref"].rpartition(":")[2], one.attrib["when"], one.findtext(f"{TOMBS}comment") or "") for one in found]


def test_withdrawn_words_have_a_tombstone_and_an_entry_for_those_who_know_none() -> None:
    told = snapshot(service("email"), stories=(story(update(1, body="swordfish", redacted_at=NOW), update(2)),))
    body = feed("/history.atom", told)
    assert tombstones(body) == [("incident/abcdefghijk1/update/1", NOW.isoformat(), "withdrawn")]
    assert read(Format.ATOM, body).ids[-1].endswith("abcdefghijk1/update/1")
    (gone,) = [one for one in feedparser.parse(body).entries if one.id.endswith("/1")]
    assert "This text was removed on" in gone.summary
    assert gone.updated_parsed[:6] == NOW.timetuple()[:6]


def test_words_withdrawn_from_an_archive_have_their_tombstone_in_the_newest_document() -> None:
    words = [update(number, body="swordfish") for number in range(1, 2 * PAGE + 10)]
    words[4] = replace(words[4], redacted_at=NOW + DAY)
    told = heard(snapshot(service("email"), stories=(story(*words),)))
    newest = told.news[Topic(About.EVERYTHING)]
    assert min(one.number for one in newest.said) > 5
    gone = Said(
        strand=Strand.INCIDENT,
        subject="abcdefghijk1",
        number=5,
        title="Email",
        body="",
        at=NOW,
        updated=NOW + DAY,
        is_withdrawn=True,
    )
    known = replace(told, news={**told.news, Topic(About.EVERYTHING): replace(newest, withdrawn=(gone,))})
    body = Publisher(templates()).publish(known, NOW).files["/history.atom"].body
    assert tombstones(body) == [("incident/abcdefghijk1/update/5", (NOW + DAY).isoformat(), "withdrawn")]
    assert feedparser.parse(body).feed.updated_parsed[:6] == (NOW + DAY).timetuple()[:6]


def test_work_that_is_called_off_takes_back_what_announced_it_and_says_so_in_words() -> None:
    body = feed("/maintenance.atom", replace(snapshot(service("email")), windows=(CANCELLED, PLANNED)))
    assert tombstones(body) == [("maintenance/windownotnow/update/1", (NOW - 6 * DAY).isoformat(), "cancelled")]
    assert len(read(Format.ATOM, body).ids) == 3


@pytest.mark.parametrize("path", ["/maintenance.rss", "/maintenance.json"])
def test_formats_without_a_word_for_it_show_the_words_that_call_it_off(path: str) -> None:
    body = feed(path, replace(snapshot(service("email")), windows=(CANCELLED,)))
    assert b"tombstones" not in body
    assert b"It does not take place." in body


def test_what_went_as_announced_has_no_tombstone() -> None:
    done = window(said(1, S.SCHEDULED, NOW - 9 * DAY), said(2, S.COMPLETED, NOW - DAY), ended_at=NOW - DAY, began_at=NOW - DAY)
    body = feed("/maintenance.atom", replace(snapshot(service("email")), windows=(done,)))
    assert b"tombstones" not in body
    assert SITE.name.encode() in body
