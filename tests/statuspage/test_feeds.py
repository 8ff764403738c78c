"""Feeds that a machine can trust: every update once, in order, for ever under the same id."""

import random
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

import feedparser
import pytest

from incidents.model import State
from statuspage.picture import page as picture
from statuspage.picture.news import About, Tail, Topic
from statuspage.picture.page import Snapshot, Story
from statuspage.render.feeds import Feed, Feeds, fit
from statuspage.render.tongue import ENGLISH
from tests.statuspage.pictures import BORN, NOW, heard, service, snapshot, story, update

Render = Callable[[Feed], bytes]
both = pytest.mark.parametrize("render", [Feeds().rss, Feeds().atom])

HOSTILE = "R&D ]]> <b>bold</b> <script>alert(1)</script> &amp; \x00\x08\x1b[31m \ud800 \udfff \ufffe\uffff \u202eevil\u2066 \x85 \U0001f600"


def feed(*stories: Story) -> Feed:
    return of(heard(snapshot(service("email"), stories=stories)))


def of(told: Snapshot, at: datetime = NOW) -> Feed:
    topic = Topic(About.EVERYTHING)
    return Feed.newest(picture.build(told, at), ENGLISH, topic, told.news.get(topic, Tail()), told.born)


def read(document: bytes) -> feedparser.FeedParserDict:
    parsed = feedparser.parse(document)
    assert not parsed.bozo, parsed.get("bozo_exception")
    return parsed


@both
def test_one_entry_for_each_update_newest_first(render: Render) -> None:
    parsed = read(render(feed(story(update(1), update(2, State.IDENTIFIED), update(3, State.RESOLVED)))))
    assert [entry.id for entry in parsed.entries] == [
        f"tag:status.example.net,2026-01-01:incident/abcdefghijk1/update/{number}" for number in (3, 2, 1)
    ]


@both
def test_titles_stand_alone_and_links_lead_to_the_update(render: Render) -> None:
    (entry,) = read(render(feed(story(update(1))))).entries
    assert entry.title == "Email: sending not working – investigating"
    assert entry.link == "https://status.example.net/incidents/abcdefghijk1#update-1"


def test_both_feeds_use_the_same_ids_and_rss_does_not_call_them_links() -> None:
    made = feed(story(update(1), update(2)))
    rss, atom = Feeds().rss(made), Feeds().atom(made)
    assert [entry.id for entry in read(rss).entries] == [entry.id for entry in read(atom).entries]
    assert {guid.get("isPermaLink") for guid in ET.fromstring(rss).iter("guid")} == {"false"}


@both
def test_dates_are_those_of_the_words_and_never_the_present(render: Render) -> None:
    parsed = read(render(feed(story(update(1), update(2)))))
    assert parsed.feed.updated_parsed[:6] == update(2).at.timetuple()[:6]
    assert parsed.entries[0].published_parsed[:6] == update(2).at.timetuple()[:6]
    assert b"2026-11-22T16" not in render(feed(story(update(1))))  # the hour of the picture
    assert b"22 Nov 2026 16" not in render(feed(story(update(1))))


@both
def test_the_same_words_give_the_same_bytes_at_any_later_time(render: Render) -> None:
    told = heard(snapshot(service("email"), stories=(story(update(1)),)))
    first, later = (of(told, at=at) for at in (NOW, NOW + timedelta(days=9)))
    assert first == later
    assert render(first) == render(later)


@both
def test_a_feed_without_entries_is_valid_and_as_old_as_the_store(render: Render) -> None:
    parsed = read(render(feed()))
    assert parsed.entries == []
    assert parsed.feed.updated_parsed[:6] == BORN.timetuple()[:6]
    assert parsed.feed.title == "Example Networks – status"


def test_atom_names_its_author_and_itself_before_the_page_it_stands_for() -> None:
    root = ET.fromstring(Feeds().atom(feed()))
    space = {"a": "http://www.w3.org/2005/Atom"}
    assert [link.get("rel") for link in root.findall("a:link", space)] == ["self", "alternate"]
    assert [link.get("href") for link in root.findall("a:link", space)] == [
        "https://status.example.net/history.atom",
        "https://status.example.net/",
    ]
    assert root.findtext("a:author/a:name", namespaces=space) == "Example Networks"
    assert root.findtext("a:id", namespaces=space) == "tag:status.example.net,2026-01-01:history"


def test_rss_links_to_the_page_and_names_itself() -> None:
    channel = ET.fromstring(Feeds().rss(feed())).find("channel")
    assert channel is not None
    assert channel.findtext("link") == "https://status.example.net/"
    itself = channel.find("{http://www.w3.org/2005/Atom}link")
    assert itself is not None
    assert itself.get("href") == "https://status.example.net/history.rss"


def test_a_correction_keeps_the_id_and_moves_updated_alone() -> None:
    edited = update(1, body="Corrected.", edited_at=NOW)
    before, after = (read(Feeds().atom(feed(story(first, update(2))))) for first in (update(1), edited))
    assert after.entries[1].id == before.entries[1].id
    assert after.entries[1].published == before.entries[1].published
    assert after.entries[1].updated_parsed[:6] == NOW.timetuple()[:6]
    assert after.entries[1].summary == "Corrected."
    assert dict(after.entries[0]) == dict(before.entries[0])


def test_withdrawing_words_moves_updated_so_that_readers_fetch_the_entry_again() -> None:
    entry = read(Feeds().atom(feed(story(update(1, redacted_at=NOW))))).entries[0]
    assert entry.updated_parsed[:6] == NOW.timetuple()[:6]
    assert entry.published_parsed[:6] == update(1).at.timetuple()[:6]


@both
def test_withdrawn_words_are_gone_and_the_entry_says_so(render: Render) -> None:
    withdrawn = update(1, body="The secret is swordfish.", redacted_at=NOW)
    document = render(feed(story(withdrawn, update(2))))
    entry = read(document).entries[1]
    assert entry.id.endswith("/update/1")
    assert b"swordfish" not in document
    assert "This text was removed on" in entry.summary


@both
def test_hostile_text_breaks_nothing(render: Render) -> None:
    hostile = replace(update(1, body=HOSTILE), title=HOSTILE + "\nsecond line")
    document = render(feed(story(hostile)))
    (entry,) = read(document).entries
    assert b"CDATA" not in document
    assert b"<b>" not in document
    assert b"<script" not in document
    assert "R&D ]]> " in entry.title
    assert not any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in entry.title)
    assert not {"\u202e", "\u2066"} & set(document.decode())


def test_atom_content_is_exactly_the_text_with_what_xml_forbids_taken_out() -> None:
    content = ET.fromstring(Feeds().atom(feed(story(update(1, body=HOSTILE))))).find(".//{*}content")
    assert content is not None
    assert (content.text, content.get("type")) == (fit(HOSTILE), "text")


def test_rss_descriptions_are_text_to_a_reader_that_takes_them_for_html() -> None:
    description = ET.fromstring(Feeds().rss(feed(story(update(1, body="a < b\nR&D"))))).findtext(".//item/description")
    assert description == "a &lt; b<br/>R&amp;D"


def test_every_character_there_is_passes_or_is_dropped() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    body = fit(every)
    assert ET.fromstring(Feeds().atom(feed(story(update(1, body=every))))).findtext(".//{*}content") == body
    assert len(body) > 0x10FFFF - 0x800 - 200
    assert len(read(Feeds().rss(feed(story(update(1, body=every))))).entries) == 1


@both
def test_a_reader_that_polls_through_an_incident_sees_each_update_exactly_once_and_in_order(render: Render) -> None:
    chance = random.Random(7)
    words = [update(number, State.RESOLVED if number == 100 else State.INVESTIGATING) for number in range(1, 101)]
    seen: list[str] = []
    told = 0
    while told < 100:
        told = min(100, told + chance.randint(1, 40))
        # The store keeps the newest fifty updates of a story in the picture.
        entries = read(render(feed(story(*words[max(0, told - 50) : told])))).entries
        seen += [entry.id for entry in reversed(entries) if entry.id not in seen]
    assert [int(id_.rpartition("/")[2]) for id_ in seen] == list(range(1, 101))


def is_entry(element: ET.Element) -> bool:
    return element.tag.rpartition("}")[2] in {"item", "entry"}


@both
def test_entries_keep_their_bytes_while_others_come(render: Render) -> None:
    def entries(*stories: Story) -> dict[str, bytes]:
        found = ET.fromstring(render(feed(*stories))).iter()
        return {entry.findtext("guid") or entry.findtext("{*}id") or "": ET.tostring(entry).rstrip() for entry in found if is_entry(entry)}

    early = entries(story(update(1), update(2)))
    late = entries(story(update(1), update(2), update(3, State.RESOLVED), services=("email", "portal")), story(update(1), id_="zzz"))
    assert len(early) == 2
    assert early.items() <= late.items()


def test_the_feed_is_bounded() -> None:
    stories = [story(*(update(number) for number in range(1, 31)), id_=f"incident{place:04d}") for place in range(4)]
    made = feed(*stories)
    assert (len(made.entries), made.previous) == (70, 1)
