"""Published words on every surface: in the reader's language where they were said in it, else as they were written and marked so."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from xml.etree import ElementTree as ET

import feedparser
import pytest
from lxml import html as dom

from incidents.maintenance import MaintenanceState
from incidents.model import Origin, State, Status, Update
from statuspage import bundled
from statuspage.picture.page import Page, Snapshot, Story, build
from statuspage.picture.site import Site
from statuspage.publish import Publisher, Shelf
from statuspage.render.html import Html
from statuspage.render.mail import Letterhead, Mail
from statuspage.render.webhook import incident_told
from tests.statuspage.pictures import NOW, SITE, heard, said, service, snapshot, story, update, window

GERMAN_TITLE, GERMAN_BODY = "E-Mail: Versand ausgefallen – in Untersuchung", "Unsere Überwachung hat ein Problem bemerkt."
ENGLISH_BODY = "Our monitoring has noticed a problem."

BILINGUAL = replace(SITE, languages=("en", "de"))

BOTH = update(1, body=ENGLISH_BODY, automatic=True, language="en", titles={"de": GERMAN_TITLE}, bodies={"de": GERMAN_BODY})
"""What the machine says on a site that speaks both."""

ONE = update(2, State.IDENTIFIED, body="A disk is broken.", language="en", titles={"de": "E-Mail – Ursache erkannt"})
"""What somebody wrote in one of them."""

OLD = update(1, body=ENGLISH_BODY, automatic=True)
OLD_OF_A_PERSON = update(2, State.IDENTIFIED, body="Eine Platte ist defekt.")
"""What an older release kept."""

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
ATOM = {"a": "http://www.w3.org/2005/Atom"}


def told(*updates: Update, site: Site = BILINGUAL, **more: object) -> Snapshot:
    named: dict[str, object] = {"language": "en", "names": {"de": "E-Mail: Versand ausgefallen"}, **more}
    stories: tuple[Story, ...] = (story(*updates, id_="incidentopen", **named),)  # type: ignore[arg-type]  # keywords
    return heard(replace(snapshot(service("email"), stories=stories, statuses={"email": Status.PARTIAL}), site=site))


def shelf(shown: Snapshot) -> tuple[Publisher, Shelf]:
    publisher = Publisher(Html(bundled.templates()))
    return publisher, publisher.publish(shown, NOW)


def body(shown: Snapshot, path: str) -> bytes:
    publisher, made = shelf(shown)
    found = publisher.made(made, path) or made.files.get(path)
    assert found is not None, path
    return found.body


def spans(page: bytes, text: str) -> set[str]:
    """The languages of what says *text*: as the nearest element says that has any."""
    root = dom.document_fromstring(page.decode())
    nodes = [node for node in root.xpath("//body//*") if text in (node.text or "")]
    return {node.xpath("ancestor-or-self::*[@lang][1]/@lang")[0] for node in nodes}


# --- pages


@pytest.mark.parametrize("path", ["/de/", "/de/incidents/incidentopen"])
def test_what_was_said_in_german_is_read_in_german(path: str) -> None:
    page = body(told(BOTH), path)
    assert spans(page, GERMAN_BODY) == {"de"}
    assert spans(page, "Versand ausgefallen") == {"de"}
    assert ENGLISH_BODY not in page.decode()


def test_what_was_said_in_one_language_is_shown_so_and_says_which() -> None:
    page = body(told(BOTH, ONE), "/de/incidents/incidentopen")
    assert spans(page, "A disk is broken.") == {"en"}
    assert spans(page, GERMAN_BODY) == {"de"}
    assert spans(body(told(BOTH, ONE), "/incidents/incidentopen"), "A disk is broken.") == {"en"}


def test_old_words_of_the_machine_are_english_on_a_german_site_too() -> None:
    shown = told(OLD, OLD_OF_A_PERSON, site=replace(SITE, language="de", languages=("de", "en")), language=None, names={})
    for path, around in (("/incidents/incidentopen", "de"), ("/en/incidents/incidentopen", "en")):
        page = body(shown, path)
        assert dom.document_fromstring(page.decode()).get("lang") == around
        assert spans(page, ENGLISH_BODY) == {"en"}
        assert spans(page, "Eine Platte ist defekt.") == {"de"}
        assert spans(page, "Email: sending not working") == {"en"}


def test_a_name_that_a_person_gave_before_is_in_the_language_of_the_site() -> None:
    site = replace(SITE, language="de", languages=("de", "en"))
    shown = told(OLD_OF_A_PERSON, site=site, origin=Origin.AGENT, name="Alles steht", language=None, names={})
    assert spans(body(shown, "/en/incidents/incidentopen"), "Alles steht") == {"de"}


def test_withdrawn_words_are_ours_in_every_language() -> None:
    shown = told(replace(ONE, number=1, redacted_at=NOW))
    page = body(shown, "/de/incidents/incidentopen")
    assert "A disk is broken." not in page.decode()
    assert spans(page, "Dieser Text wurde") == {"de"}


def test_planned_work_is_told_in_the_language_too() -> None:
    words = replace(
        said(1, MaintenanceState.SCHEDULED, NOW - timedelta(hours=1)),
        language="en",
        titles={"de": "Neue Server – geplant"},
        bodies={"de": "Wir spielen Updates ein."},
    )
    more = replace(said(2, MaintenanceState.SCHEDULED, NOW, "It moves."), by="ada", automatic=False, language="en")
    work = window(words, more, name={"en": "Patches", "de": "Aktualisierungen"}, description={"en": "We patch the servers."})
    shown = heard(replace(told(BOTH), windows=(work,)))
    page = body(shown, "/de/maintenance/windowwindow")
    assert spans(page, "Wir spielen Updates ein.") == {"de"}
    assert spans(page, "It moves.") == {"en"}
    assert spans(body(shown, "/de/maintenance"), "We patch the servers.") == {"en"}
    assert "Neue Server – geplant" in body(shown, "/de/maintenance.atom").decode()
    assert "Wir spielen Updates ein." in body(shown, "/de/history.rss").decode()


# --- feeds


def test_a_feed_tells_its_own_language_and_marks_what_is_in_another() -> None:
    shown = told(BOTH, ONE)
    feed = ET.fromstring(body(shown, "/de/history.atom"))
    entries = feed.findall("a:entry", ATOM)
    assert feed.get(XML_LANG) == "de"
    texts = [(node.text, node.get(XML_LANG)) for one in entries for name in ("title", "content") for node in one.findall(f"a:{name}", ATOM)]
    assert texts == [("E-Mail – Ursache erkannt", None), ("A disk is broken.", "en"), (GERMAN_TITLE, None), (GERMAN_BODY, None)]
    rss = ET.fromstring(body(shown, "/de/history.rss")).findall("./channel/item")
    assert [(one.findtext("title"), one.find("description").get(XML_LANG)) for one in rss] == [  # type: ignore[union-attr]
        ("E-Mail – Ursache erkannt", "en"),
        (GERMAN_TITLE, None),
    ]
    items = json.loads(body(shown, "/de/feed.json"))["items"]
    assert [(one["content_text"], one.get("language")) for one in items] == [("A disk is broken.", "en"), (GERMAN_BODY, None)]


def test_a_feed_in_one_language_marks_nothing() -> None:
    shown = told(BOTH, ONE)
    assert [entry.summary for entry in feedparser.parse(body(shown, "/history.atom")).entries] == ["A disk is broken.", ENGLISH_BODY]
    assert XML_LANG not in {name for node in ET.fromstring(body(shown, "/history.atom")).iter("{*}entry") for name in node.attrib}
    assert body(shown, "/history.atom").count(b"xml:lang") == 1
    assert b"xml:lang" not in body(shown, "/history.rss")


def test_old_words_keep_their_ids_and_their_text_in_every_feed() -> None:
    site = replace(SITE, language="de", languages=("de", "en"))
    shown = told(OLD, OLD_OF_A_PERSON, site=site, language=None, names={})
    here, there = (feedparser.parse(body(shown, path)).entries for path in ("/history.atom", "/en/history.atom"))
    assert [(one.id, one.title, one.summary) for one in here] == [(one.id, one.title, one.summary) for one in there]
    assert body(shown, "/history.atom").count(b'xml:lang="en"') == 2  # the title and the text of the machine's


# --- programs, letters, hooks


def test_programs_read_the_language_of_the_site() -> None:
    for language, text in (("en", ENGLISH_BODY), ("de", GERMAN_BODY)):
        site = replace(SITE, language=language, languages=(language, *({"en", "de"} - {language})))
        found = json.loads(body(told(BOTH, site=site), "/api/v2/incidents.json"))["incidents"][0]
        assert found["incident_updates"][0]["body"] == text


def letter(page: Page) -> Mapping[str, str]:
    head = Letterhead(key="1", to="anna@example.org", sender="a@example.org", at=NOW, authority="example.org")
    view = page.open[0]
    made = message_from_bytes(Mail(bundled.templates()).update(head, page, view, view.updates[0]), policy=default)
    parts = {part.get_content_type(): part.get_content() for part in made.walk() if not part.is_multipart()}
    return {"subject": made["Subject"], **parts}


def test_a_letter_is_in_the_language_of_the_subscriber() -> None:
    made = letter(build(told(BOTH), NOW, "de"))
    assert made["subject"] == GERMAN_TITLE
    assert GERMAN_BODY in made["text/plain"]
    assert 'lang="en"' not in made["text/html"]
    made = letter(build(told(BOTH, ONE), NOW, "de"))
    assert made["subject"] == "E-Mail – Ursache erkannt"
    assert spans(made["text/html"].encode(), "A disk is broken.") == {"en"}


def test_a_hook_is_told_in_the_language_of_the_subscriber() -> None:
    page = build(told(BOTH), NOW, "de")
    made = json.loads(incident_told(page, "incidentopen", page, "https://1/"))["incident"]
    assert (made["name"], made["incident_updates"][0]["body"]) == ("E-Mail: Versand ausgefallen", GERMAN_BODY)
