"""One publication in several languages: which a reader gets, under which path, and what that costs."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType

import feedparser
import pytest
from aiohttp import ClientSession
from icalendar import Calendar
from lxml import html as dom

from incidents.maintenance import MaintenanceState
from incidents.model import Need, Service, State, Status
from statuspage.picture import page as picture
from statuspage.picture.page import Snapshot
from statuspage.publish import Shelf
from statuspage.render.finished import finish
from statuspage.web.negotiation import preferred
from tests.statuspage.pictures import NOW, SITE, public_id, said, snapshot, story, update, window
from tests.statuspage.serving import Served, serving

EMAIL = Service(
    id="email",
    name={"en": "Email", "de": "E-Mail"},
    description={"en": "Sending and receiving", "de": "Senden und Empfangen"},
    needs=(Need(of=("email-sending",), label=MappingProxyType({"en": "Sending", "de": "Versand"})),),
    group={"en": "Communication", "de": "Kommunikation"},
)
OPEN = story(update(1), id_="incidentopen")
PLANNED = window(
    said(1, MaintenanceState.SCHEDULED, NOW - timedelta(hours=1)), name={"en": "Patches", "de": "Aktualisierungen"}, services=("email",)
)
BOTH = replace(SITE, languages=("en", "de"))


def told(**more: object) -> Snapshot:
    """Email with trouble, and work that is planned for it, in English and German."""
    made = snapshot(EMAIL, stories=(OPEN,), **{"statuses": {"email": Status.PARTIAL}, **more})  # type: ignore[arg-type]  # keywords
    ids = {"email": public_id("email"), "group:Communication": public_id("groupCommunication")}
    return replace(made, site=BOTH, windows=(PLANNED,), public_ids=ids)


@dataclass(frozen=True)
class House:
    served: Served
    session: ClientSession

    @property
    def shelf(self) -> Shelf:
        assert self.served.shelf is not None
        return self.served.shelf

    async def get(self, path: str, language: str | None = None, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
        """Ask for *path* as a reader of *language*; the status, the headers and the body."""
        asked = headers if language is None else {**headers, "Accept-Language": language}
        async with self.session.get(path, headers=asked) as answer:
            return answer.status, answer.headers, await answer.read()


@pytest.fixture
async def house() -> AsyncIterator[House]:
    served = Served()
    served.publish(told())
    async with serving(served) as session:
        yield House(served, session)


def text(body: bytes, path: str = "//main") -> str:
    return " ".join(dom.fromstring(body.decode()).xpath(path)[0].text_content().split())


# --- by what a reader asks for


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en-US,en;q=0.9,de;q=0.8", "en"),
        ("fr;q=1, de;q=0.5, en;q=0.4", "de"),
        ("fr", "en"),
        ("*", "en"),
        ("*, de;q=0.5", "en"),
        ("en;q=0, de;q=0.1", "de"),
        ("DE", "de"),
        ("de;q=2", "en"),
        ("de;q=nonsense", "en"),
        ("de;v=1", "en"),
        ("", "en"),
        (",,;q=1,", "en"),
        ("de;q=nan", "en"),
        ("d" * 5000, "en"),
    ],
)
def test_a_reader_gets_what_is_wanted_most_of_what_there_is(asked: str, language: str) -> None:
    assert preferred(asked, ("en", "de")) == language


@pytest.mark.parametrize(("asked", "language"), [("de", "de-AT"), ("de-AT", "de-AT"), ("de-CH", "en"), ("en-GB", "en")])
def test_a_region_serves_who_asks_for_the_language_and_not_another_region(asked: str, language: str) -> None:
    assert preferred(asked, ("en", "de-AT")) == language


@pytest.mark.parametrize(
    "path", ["/", "/maintenance", "/service-levels", "/services/email", "/incidents/incidentopen", "/maintenance/windowwindow"]
)
async def test_a_page_is_given_in_the_readers_language_as_it_stands_under_that(house: House, path: str) -> None:
    status, headers, german = await house.get(path, "de")
    _, addressed, same = await house.get(f"/de{path}")
    _, english_headers, english = await house.get(path, "en")
    assert (status, german) == (200, same)
    assert german != english
    assert dom.fromstring(german.decode()).get("lang") == "de"
    assert headers["Vary"] == english_headers["Vary"] == "Accept-Encoding, Accept-Language"
    assert addressed["Vary"] == "Accept-Encoding"
    assert (headers["Content-Language"], addressed["Content-Language"], english_headers["Content-Language"]) == ("de", "de", "en")
    assert headers["ETag"] == addressed["ETag"] != english_headers["ETag"]


async def test_the_sites_own_language_is_what_stands_on_the_shelf(house: House) -> None:
    for language in (None, "en", "fr", "en-GB,de;q=0.9"):
        _, headers, body = await house.get("/", language)
        assert body == house.shelf.files["/"].body
        assert headers["Content-Language"] == "en"


async def test_a_reader_who_has_the_page_in_another_language_is_sent_this_one(house: House) -> None:
    _, english, _ = await house.get("/", "en")
    _, german, body = await house.get("/", "de")
    assert (await house.get("/", "de", **{"If-None-Match": english["ETag"]}))[0] == 200
    status, headers, empty = await house.get("/", "de", **{"If-None-Match": german["ETag"]})
    assert (status, empty, headers["Vary"]) == (304, b"", "Accept-Encoding, Accept-Language")
    assert (await house.get("/", "de", **{"Accept-Encoding": "gzip"}))[1]["ETag"] != german["ETag"]
    assert body


async def test_a_search_stays_under_the_language_in_which_it_was_asked(house: House) -> None:
    for start in ("", "/de"):
        async with house.session.get(f"{start}/history/search?q=Störung", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, f"{start}/history/search/St%C3%B6rung")
    house.served.past["/de/history/search/Störung"] = finish(b"<p>gefunden</p>", "text/html; charset=utf-8")
    for path, language in (("/de/history/search/Störung", None), ("/history/search/Störung", "de")):
        status, headers, body = await house.get(path, language)
        assert (status, headers["Content-Language"], body) == (200, "de", b"<p>gefunden</p>")
    assert house.served.asked_past == ["/de/history/search/Störung"] * 2


@pytest.mark.parametrize("path", ["/history.rss", "/api/v2/summary.json", "/badges/email.svg", "/feed.json", "/maintenance.ics"])
async def test_what_programs_read_is_the_same_whatever_language_they_ask_for(house: House, path: str) -> None:
    _, headers, german = await house.get(path, "de")
    assert german == (await house.get(path))[2]
    assert headers["Vary"] == "Accept-Encoding"


async def test_a_site_of_one_language_answers_in_that() -> None:
    served = Served()
    served.publish(replace(told(), site=SITE))
    async with serving(served) as session:
        alone = House(served, session)
        status, headers, body = await alone.get("/", "de")
        assert (status, headers["Vary"], headers["Content-Language"]) == (200, "Accept-Encoding", "en")
        assert b"hreflang" not in body
        assert (await alone.get("/de/"))[0] == 404


# --- by the path


async def test_every_path_of_every_language_is_there(house: House) -> None:
    paths = list(house.served.publisher.paths(house.shelf))
    assert len(paths) == len(set(paths))
    assert {"/", "/de/", "/en/", "/de/history.rss", "/de/services/email", "/de/badges/email.svg", "/de/maintenance/windowwindow"} <= set(
        paths
    )
    assert not [path for path in paths if path.startswith(("/de/api", "/de/assets"))]
    for path in paths:
        status, headers, body = await house.get(path)
        made = house.served.publisher.made(house.shelf, path)
        assert made is not None
        assert (status, body, headers["ETag"]) == (200, made.body, made.etag), path


async def test_links_of_a_page_stay_in_its_language(house: House) -> None:
    for root in ("/de", "/en"):
        paths = set(house.served.publisher.paths(house.shelf))
        for path in (path for path in paths if path.startswith(root) and house.served.publisher.made(house.shelf, path) is not None):
            _, headers, body = await house.get(path)
            if not headers["Content-Type"].startswith("text/html"):
                continue
            page = dom.fromstring(body.decode())
            links = {link for link in page.xpath("//body//a[not(@hreflang)]/@href") if link.startswith("/")}
            assert links
            assert {link for link in links if not link.startswith((f"{root}/", "/api/", "/services/email/ledger/"))} == set(), path


async def test_the_foot_leads_to_the_same_page_in_each_language_and_marks_this_one(house: House) -> None:
    for path, current in (("/", "en"), ("/de/", "de"), ("/en/", "en")):
        page = dom.fromstring((await house.get(path))[2].decode())
        found = [(link.get("href"), link.get("lang"), link.text) for link in page.xpath("//footer//a[@hreflang]")]
        assert found == [("/en/", "en", "English"), ("/de/", "de", "Deutsch")]
        assert page.xpath("//footer//a[@aria-current]/@hreflang") == [current]
    page = dom.fromstring((await house.get("/services/email"))[2].decode())
    assert page.xpath("//footer//a[@hreflang]/@href") == ["/en/services/email", "/de/services/email"]


async def test_search_engines_are_told_of_each_language_and_of_the_page_that_chooses(house: House) -> None:
    page = dom.fromstring((await house.get("/de/incidents/incidentopen"))[2].decode())
    site, path = "https://status.example.net", "/incidents/incidentopen"
    found = {link.get("hreflang"): link.get("href") for link in page.xpath("//head/link[@hreflang]")}
    assert found == {"en": f"{site}/en{path}", "de": f"{site}/de{path}", "x-default": f"{site}{path}"}
    assert page.xpath("//link[@rel='canonical']/@href") == [f"{site}/de{path}"]


@pytest.mark.parametrize(
    "path", ["/de/nothing", "/de/services/nothing", "/de/api/v2/summary.json", "/de/healthz", "/de/fresh.json", "/de/de/"]
)
async def test_where_there_is_nothing_it_is_said_in_the_language(house: House, path: str) -> None:
    status, headers, body = await house.get(path)
    assert (status, headers["Cache-Control"]) == (404, "no-store")
    if path == "/de/services/nothing":
        assert "Diese Seite gibt es nicht" in text(body)


async def test_an_older_incident_is_told_in_the_language_too(house: House) -> None:
    older = finish(b"older", "text/html; charset=utf-8")
    house.served.older = {"/de/incidents/incidentgone": older}
    assert (await house.get("/de/incidents/incidentgone"))[2] == b"older"
    assert (await house.get("/incidents/incidentgone", "de"))[2] == b"older"
    status, _, body = await house.get("/de/incidents/incidentnone")
    assert (status, "Diese Seite gibt es nicht" in text(body)) == (404, True)


# --- what is told


async def test_the_front_page_speaks_german(house: House) -> None:
    told_ = text((await house.get("/de/"))[2])
    for words in (
        "E-Mail funktioniert teilweise nicht",
        "Senden und Empfangen",
        "Versand: funktioniert",
        "Kommunikation",
        "Aktualisierungen",
    ):
        assert words in told_, words


async def test_words_that_were_published_are_marked_as_what_they_are_in(house: House) -> None:
    page = dom.fromstring((await house.get("/de/"))[2].decode())
    assert page.xpath("//article[starts-with(@id, 'incident-')]//p[@lang='en']/text()") == ["We are looking into it."]
    assert not dom.fromstring((await house.get("/en/"))[2].decode()).xpath("//main//*[@lang]")


@pytest.mark.parametrize("feed", ["history.rss", "history.atom"])
async def test_a_feed_has_the_same_entries_in_each_language(house: House, feed: str) -> None:
    english, german = [feedparser.parse((await house.get(path))[2]) for path in (f"/{feed}", f"/de/{feed}")]
    assert [entry.id for entry in english.entries] == [entry.id for entry in german.entries] != []
    assert german.feed.subtitle == "Störungen und geplante Wartungen bei Example Networks und ihr Verlauf"
    assert german.entries[0].link.startswith("https://status.example.net/de/")
    assert german.feed.language == "de"


async def test_a_json_feed_and_a_calendar_are_told_in_the_language(house: House) -> None:
    feed = json.loads((await house.get("/de/feed.json"))[2])
    assert (feed["language"], feed["feed_url"]) == ("de", "https://status.example.net/de/feed.json")
    (event,) = Calendar.from_ical((await house.get("/de/maintenance.ics"))[2]).walk("VEVENT")
    assert (str(event["summary"]), str(event["url"])) == ("Aktualisierungen", "https://status.example.net/de/maintenance/windowwindow")
    (own,) = Calendar.from_ical((await house.get("/maintenance.ics"))[2]).walk("VEVENT")
    assert own["uid"] == event["uid"]


def test_a_group_keeps_its_public_id_in_each_language() -> None:
    english, german = (picture.build(told(), NOW, language) for language in (None, "de"))
    assert (english.groups[0].name, german.groups[0].name) == ("Communication", "Kommunikation")
    assert english.groups[0].public_id == german.groups[0].public_id == public_id("groupCommunication")


async def test_withdrawn_words_are_gone_in_each_language(house: House) -> None:
    assert b"We are looking into it." in (await house.get("/de/incidents/incidentopen"))[2]
    gone = story(update(1, redacted_at=NOW), id_="incidentopen")
    house.served.publish(replace(told(), stories=(gone,)))
    for path in ("/de/", "/de/incidents/incidentopen", "/de/history.atom", "/de/feed.json"):
        body = (await house.get(path))[2]
        assert b"We are looking into it." not in body
        assert re.search(r"Dieser Text wurde am .* entfernt\.", body.decode())


# --- what it costs


async def test_a_page_in_another_language_is_made_once_however_many_ask(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    build = picture.build

    def counted(*args: object) -> picture.Page:
        made.append(args)
        return build(*args)  # type: ignore[arg-type]  # whatever it is asked for

    monkeypatch.setattr(picture, "build", counted)
    house.served.publish(told())
    assert len(made) == 1
    answers = await asyncio.gather(*(house.get("/", "de") for _ in range(300)))
    assert {status for status, _, _ in answers} == {200}
    assert len({body for _, _, body in answers}) == 1
    await house.get("/de/services/email")
    assert len(made) == 2


async def test_nothing_is_made_of_a_language_that_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    served, languages = Served(), []
    build = picture.build

    def counted(shown: Snapshot, now: object, language: str | None = None) -> picture.Page:
        languages.append(language)
        return build(shown, now, language)  # type: ignore[arg-type]  # an instant

    monkeypatch.setattr(picture, "build", counted)
    shelf = served.publish(told())
    for path in ("/de/nothing", "/fr/", "/de/services/nothing"):
        assert served.publisher.made(shelf, path) is None
    assert languages == [None]


async def test_a_new_publication_is_read_at_once_in_every_language(house: House) -> None:
    for statuses, headline in (({"email": Status.PARTIAL}, "E-Mail funktioniert teilweise nicht"), ({}, "Wir gehen einem Problem nach")):
        house.served.publish(told(statuses=statuses))
        assert text((await house.get("/", "de"))[2], "//h1") == headline
        assert text((await house.get("/de/"))[2], "//h1") == headline


async def test_what_has_not_changed_is_the_very_same_in_the_next_publication(house: House) -> None:
    publisher, first = house.served.publisher, house.shelf
    paths = ("/de/history.rss", "/de/maintenance.ics", "/de/maintenance/windowwindow")
    before = [publisher.made(first, path) for path in paths]
    later = house.served.publish(told(), NOW + timedelta(minutes=2))
    assert all(one is two for one, two in zip(before, [publisher.made(later, path) for path in paths], strict=True))
    assert publisher.made(later, "/de/") != publisher.made(first, "/de/")


def test_an_incident_state_is_told_in_the_readers_words() -> None:
    served = Served()
    over = story(update(1), update(2, State.RESOLVED), id_="incidentover")
    shelf = served.publish(replace(told(), stories=(over,)))
    made = served.publisher.made(shelf, "/de/incidents/incidentover")
    assert made is not None
    assert "Behoben" in text(made.body)
