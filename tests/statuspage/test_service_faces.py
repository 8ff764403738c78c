"""What each service has for itself: a page, feeds, badges."""

import gzip
import json
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree as ET

import feedparser
import pytest
from lxml import html as dom

from incidents.maintenance import MaintenanceState
from incidents.model import State, Status
from statuspage.picture.known_errors import KnownError
from statuspage.picture.page import Snapshot
from statuspage.publish import Publisher, Shelf
from statuspage.render.badges import LOOKS
from statuspage.render.finished import Finished
from tests.statuspage.pictures import BORN, NOW, SITE, heard, said, service, snapshot, story, update, window
from tests.statuspage.serving import Served, serving, templates

EMAIL, PORTAL = service("email"), service("portal", None)
BROKEN = story(update(1), update(2, State.IDENTIFIED, "A disk is full."))
OVER = story(update(1), update(2, State.RESOLVED, "It works again."), id_="portalwasout", services=("portal",))
PLANNED = window(said(1, MaintenanceState.SCHEDULED, NOW - timedelta(days=1)))
PATHS = ("", "/history.rss", "/history.atom", "/feed.json", "/maintenance.rss", "/maintenance.ics")
PUBLISHER = Publisher(templates())


def known(**statuses: Status) -> Snapshot:
    told = snapshot(EMAIL, PORTAL, stories=(BROKEN, OVER), statuses=statuses or {"email": Status.PARTIAL})
    return replace(told, windows=(PLANNED,))


def shelf(told: Snapshot | None = None) -> Shelf:
    return PUBLISHER.publish(heard(told or known()), NOW)


def of(path: str, told: Snapshot | None = None) -> Finished:
    make = PUBLISHER.of_service(shelf(told).page, path)
    assert make is not None, path
    return make()


def words(path: str, told: Snapshot | None = None) -> str:
    return " ".join(dom.fromstring(of(path, told).body.decode()).text_content().split())


def test_the_page_says_how_it_is_what_works_and_what_was_said() -> None:
    page = words("/services/email")
    assert "Email: partial outage Since 1 Jan 2026, 00:00 UTC" in page
    assert "What is going on Email: sending not working" in page
    assert "A disk is full." in page
    assert "What works Sending: works Receiving: works" in page
    assert "Planned maintenance Patches Mon 23 Nov 2026, 16:00 to 18:00 UTC" in page
    assert "portalwasout" not in of("/services/email").body.decode()


def test_what_helps_with_known_errors_stands_with_the_service_and_its_incidents_and_what_is_for_the_desk_does_not() -> None:
    full = KnownError(
        id="full-mailbox",
        services=("email",),
        symptom={"en": "Mail comes back with <mailbox full>", "de": "Mail kommt zurück"},
        workaround={"en": "Empty the Trash folder."},
        say={"en": "Tell them to breathe."},
    )
    told = replace(known(), site=replace(SITE, known_errors=(full,)))
    published = shelf(told)
    pages = (of("/services/email", told), published.files["/incidents/abcdefghijk1"])
    for page in pages:
        text = page.body.decode()
        assert "<dt>Mail comes back with &lt;mailbox full&gt;</dt><dd>Empty the Trash folder.</dd>" in text
    for finished in (*pages, of("/services/portal", told), *published.files.values()):
        assert b"breathe" not in finished.body
    assert b"Trash" not in of("/services/portal", told).body


def test_what_was_and_what_is_planned_is_of_this_service_alone() -> None:
    page = of("/services/portal").body.decode()
    assert "/incidents/portalwasout" in page
    assert "Patches" not in page
    assert "A disk is full." not in page
    assert "No incident of this service is among the newest ones." in words("/services/email", snapshot(EMAIL))


@pytest.mark.parametrize("path", ["/", "/maintenance", "/service-levels", "/incidents/abcdefghijk1", "/services/email", "missing"])
def test_every_page_names_what_can_be_followed_and_each_of_them_is_there(path: str) -> None:
    made = shelf()
    page = made.missing.body if path == "missing" else made.files[path].body if path in made.files else of(path).body
    links = dom.fromstring(page.decode()).xpath("//link[@rel='alternate']")
    assert len(links) == {"/services/email": 23, "/": 19}.get(path, 16)
    for link in links:
        found = made.files[link.get("href")] if link.get("href") in made.files else of(link.get("href"))
        assert found.content_type.partition(";")[0] == link.get("type")


def test_every_service_is_reached_from_the_front_page() -> None:
    links = dom.fromstring(shelf().files["/"].body.decode()).xpath("//article[contains(@class, 'service')]/header//a/@href")
    assert links == ["/services/email", "/services/portal"]


def test_each_feed_tells_of_this_service_alone() -> None:
    email = feedparser.parse(of("/services/email/history.rss").body)
    assert [entry.link.removeprefix(SITE.url) for entry in email.entries] == [
        "/incidents/abcdefghijk1#update-2",
        "/incidents/abcdefghijk1#update-1",
        "/maintenance/windowwindow#update-1",
    ]
    portal = feedparser.parse(of("/services/portal/history.atom").body)
    assert {entry.link.removeprefix(SITE.url).partition("#")[0] for entry in portal.entries} == {"/incidents/portalwasout"}
    assert email.feed.link == f"{SITE.url}/services/email"
    assert portal.feed.id == "tag:status.example.net,2026-01-01:services/portal/history"


def test_entries_have_the_same_ids_in_every_feed() -> None:
    everywhere = {entry.id for entry in feedparser.parse(shelf().files["/history.rss"].body).entries}
    assert {entry.id for entry in feedparser.parse(of("/services/email/history.rss").body).entries} <= everywhere


def test_a_feed_of_a_service_without_words_is_as_old_as_the_service() -> None:
    feed = feedparser.parse(of("/services/email/history.atom", snapshot(EMAIL)).body)
    assert feed.entries == []
    assert feed.feed.updated_parsed[:5] == BORN.timetuple()[:5]


def test_words_about_another_service_move_no_byte_of_a_feed() -> None:
    quiet, loud = replace(known(), stories=(BROKEN,)), known()
    for path in PATHS[1:]:
        assert of(f"/services/email{path}", quiet) == of(f"/services/email{path}", loud)


def test_maintenance_of_a_service_has_a_feed() -> None:
    assert [entry.title for entry in feedparser.parse(of("/services/email/maintenance.rss").body).entries] == ["Patches – scheduled"]
    assert feedparser.parse(of("/services/portal/maintenance.rss").body).entries == []


@pytest.mark.parametrize("path", ["/feed.json", "/services/email/feed.json"])
def test_the_json_feed_has_what_its_version_asks_for(path: str) -> None:
    made = shelf()
    body = made.files[path].body if path in made.files else of(path).body
    feed = json.loads(body)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == f"{SITE.url}{path}"
    assert all(set(item) == {"id", "url", "title", "content_text", "date_published"} for item in feed["items"])
    assert "tag:status.example.net,2026-01-01:incident/abcdefghijk1/update/2" in {item["id"] for item in feed["items"]}
    assert all(item["date_published"].endswith("Z") for item in feed["items"])
    dates = [item["date_published"] for item in feed["items"]]
    assert dates == sorted(dates, reverse=True)


def test_a_corrected_entry_says_when() -> None:
    edited = story(update(1, edited_at=NOW))
    (item,) = json.loads(of("/services/email/feed.json", snapshot(EMAIL, stories=(edited,))).body)["items"]
    assert item["date_modified"] == "2026-11-22T16:00:30Z"


@pytest.mark.parametrize("status", list(Status))
def test_a_badge_says_the_status_in_words_and_colour(status: Status) -> None:
    told = snapshot(EMAIL, statuses={"email": status})
    picture = ET.fromstring(of("/badges/email.svg", told).body)
    said_ = picture.attrib["aria-label"]
    assert [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")] == [*said_.split(": "), "not known"]
    assert LOOKS[status].colour in of("/badges/email.svg", told).body.decode()
    shields = json.loads(of("/badges/email.json", told).body)
    assert (shields["schemaVersion"], f"{shields['label']}: {shields['message']}") == (1, said_)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "R&D 'x' \"y\"", "a\u202eb\x07c", "ü" * 300, "  "])
def test_no_name_breaks_a_badge_a_page_or_a_feed(name: str) -> None:
    told = snapshot(replace(EMAIL, name={"en": name}), stories=(BROKEN,))
    picture = ET.fromstring(of("/badges/email.svg", told).body)
    assert len(picture.attrib["aria-label"]) < 90
    assert picture.find(".//{http://www.w3.org/2000/svg}script") is None
    json.loads(of("/badges/email.json", told).body)
    page = of("/services/email", told).body.decode()
    assert "<script>alert" not in page
    assert not any(mark in page for mark in "\u202e\x07")
    for path in PATHS[1:3]:
        assert len(feedparser.parse(of(f"/services/email{path}", told).body).entries) == 2


@pytest.mark.parametrize(
    "path",
    [
        "/services/nobody",
        "/services/email/",
        "/services/email/history",
        "/services/",
        "/badges/email",
        "/badges/email.png",
        "/badges/.svg",
        "/x/email",
    ],
)
def test_nothing_else_is_made(path: str) -> None:
    assert PUBLISHER.of_service(shelf().page, path) is None


def test_white_words_can_be_read_on_every_badge() -> None:
    for look in LOOKS.values():
        assert contrast(look.colour) >= 4.5, look


def contrast(colour: str) -> float:
    """Against white (WCAG 2.2, relative luminance)."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


# --- over a real socket ------------------------------------------------------------------------------------------------------------


async def test_they_are_served_like_everything_else_and_known_by_their_tags() -> None:
    served = Served()
    async with serving(served) as session:
        served.publish(known())
        for path in (*(f"/services/email{end}" for end in PATHS), "/badges/email.svg", "/badges/email.json"):
            async with session.get(path) as answer:
                assert answer.status == 200, path
                body, tag = await answer.read(), answer.headers["ETag"]
                is_page = path == "/services/email"
                assert ("Access-Control-Allow-Origin" in answer.headers) is not is_page
            async with session.get(path, headers={"If-None-Match": tag}) as again:
                assert (again.status, await again.read()) == (304, b"")
            async with session.get(path, headers={"Accept-Encoding": "gzip"}) as packed:
                assert gzip.decompress(await packed.read()) == body
            async with session.head(path) as head:
                assert (head.status, head.headers["Content-Length"]) == (200, str(len(body)))


async def test_a_new_publication_is_told_at_once() -> None:
    served = Served()
    async with serving(served) as session:
        served.publish(known())
        async with session.get("/badges/email.json") as answer:
            assert (await answer.json())["message"] == "partial outage"
        served.publish(known(email=Status.OPERATIONAL))
        async with session.get("/badges/email.json") as answer:
            assert (await answer.json())["message"] == "operational"


@pytest.mark.parametrize("path", ["/services/nobody", "/services/email/", "/badges/nobody.svg", "/services/email/x/history.rss"])
async def test_there_is_nothing_for_a_service_that_there_is_not(path: str) -> None:
    served = Served()
    async with serving(served) as session:
        served.publish(known())
        async with session.get(path) as answer:
            assert answer.status == 404


async def test_before_the_first_publication_nothing_is_made() -> None:
    async with serving(Served()) as session, session.get("/services/email") as answer:
        assert answer.status == 503
