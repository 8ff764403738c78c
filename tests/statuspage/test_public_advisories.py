"""Advisories and notices in public: under the answer and never in it, beside incidents, on every surface that tells of words."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import feedparser
import pytest

from incidents.advisory import AdvisoryTurn
from incidents.model import Status
from statuspage.bundled import templates
from statuspage.cli.page import _text
from statuspage.picture.advisories import Bulletin
from statuspage.picture.page import Page, Snapshot, build
from statuspage.publish import Publisher
from statuspage.render.html import Html
from tests.statuspage.pictures import NOW, bulletin, heard, service, snapshot, story, update, warned

STORM = bulletin()
PHONE = bulletin(
    warned(1, en="It is closed on Monday."),
    id_="phonephoneph",
    name={"en": "Our phone line"},
    services=(),
    ends=None,
)


def told(*bulletins: Bulletin, **more: object) -> Snapshot:
    known = snapshot(service("email"), service("portal"), **more)  # type: ignore[arg-type]  # the test's own keywords
    return heard(replace(known, bulletins=bulletins, site=replace(known.site, languages=("en", "de"))))


class Site:
    """A site as it stands: its shelf, and what is made beside it."""

    def __init__(self, *bulletins: Bulletin, **more: object) -> None:
        self.publisher = Publisher(Html(templates()))
        self.shelf = self.publisher.publish(told(*bulletins, **more), NOW)

    def body(self, path: str) -> bytes:
        found = self.publisher.made(self.shelf, path)
        assert found is not None, path
        return found.body


def text(site: Site, path: str) -> str:
    return re.sub(r"\s+", " ", site.body(path).decode())


def test_the_headline_says_that_all_works_with_the_advisory_under_it() -> None:
    front = text(Site(STORM), "/")
    assert "All services work" in front or "operational" in front.partition("</h1>")[0]
    assert front.partition("</h1>")[0] == text(Site(), "/").partition("</h1>")[0]
    assert front.index("</h1>") < front.index("Storm warning") < front.index('id="services"')


def test_an_advisory_comes_after_what_goes_on_and_a_notice_right_after_the_answer() -> None:
    front = text(Site(STORM, PHONE, stories=(story(update(1)),)), "/")
    places = [front.index(words) for words in ("</h1>", "Our phone line", "What is going on", "Storm warning", 'id="services"')]
    assert places == sorted(places)


def test_it_says_from_when_until_when_and_whom_it_may_affect() -> None:
    front = text(Site(STORM), "/")
    assert 'datetime="2026-11-22T15:00:00Z"' in front
    assert 'datetime="2026-11-22T23:00:00Z"' in front
    assert "May affect: Email" in front
    assert "In force" in front
    assert "From <time" in text(Site(replace(STORM, advisory=replace(STORM.advisory, ends=None))), "/")


def test_one_that_is_over_is_on_the_front_page_no_more_and_keeps_its_page() -> None:
    gone = Site(replace(STORM, advisory=replace(STORM.advisory, ended_at=NOW)))
    assert "Storm warning" not in text(gone, "/")
    assert "Over" in text(gone, f"/advisories/{STORM.advisory.id}")


def test_time_alone_ends_it_in_the_picture() -> None:
    known = told(STORM)
    ends = STORM.advisory.ends
    assert ends is not None
    assert [len(build(known, at).advisories) for at in (ends - timedelta.resolution, ends)] == [1, 0]


def test_its_page_has_its_whole_timeline() -> None:
    long = bulletin(
        warned(1, en="Lines may fail."),
        warned(2, AdvisoryTurn.UPDATED, en="It comes nearer."),
        warned(3, AdvisoryTurn.MOVED),
        warned(4, AdvisoryTurn.WITHDRAWN),
        ended_at=NOW,
        withdrawn_by="ada",
    )
    page = text(Site(long), "/advisories/stormstormst")
    for words in ("Lines may fail.", "It comes nearer.", "Other times", "It holds no longer.", 'id="update-4"'):
        assert words in page
    assert "ada" not in re.sub(r"<[^>]*>", "", page)


def test_the_pages_of_its_services_tell_it_and_those_of_others_do_not() -> None:
    of = Site(STORM, PHONE)
    assert "Storm warning" in text(of, "/services/email")
    assert "Storm warning" in text(of, "/report/email")
    assert "Storm warning" not in text(of, "/services/portal")
    assert "Our phone line" not in text(of, "/services/email")


def test_an_incident_that_hits_its_services_mentions_it_while_it_goes_on() -> None:
    going = Site(STORM, stories=(story(update(1)),))
    assert "What we warn of" in text(going, "/incidents/abcdefghijk1")
    coming = replace(STORM, advisory=replace(STORM.advisory, starts=NOW + timedelta(hours=1)))
    for other in (bulletin(services=("portal",)), coming):
        assert "What we warn of" not in text(Site(other, stories=(story(update(1)),)), "/incidents/abcdefghijk1")


def test_readers_of_another_language_read_it_in_theirs_or_learn_which_it_is_in() -> None:
    of = Site(STORM, PHONE)
    german = text(of, "/de/")
    assert "Sturmwarnung" in german
    assert "Leitungen können ausfallen." in german
    assert 'lang="en">Our phone line' in german
    assert 'lang="en">It is closed on Monday.' in german
    assert all("None" not in text(of, path) for path in ("/", "/services/email", "/advisories/stormstormst"))
    assert "lang=" not in re.findall(r"<a href=\"/advisories/phonephoneph\"[^>]*>", text(of, "/"))[0]


def test_every_status_and_figure_for_programs_is_the_same_with_and_without() -> None:
    quiet, warned_of = Site(stories=(story(update(1)),)), Site(STORM, PHONE, stories=(story(update(1)),))
    same = [path for path in quiet.shelf.files if path.startswith(("/api/v2/", "/banner", "/badges")) or path.endswith(".ics")]
    assert len(same) > 8
    assert all(quiet.body(path) == warned_of.body(path) for path in same)
    assert warned_of.shelf.page.status is quiet.shelf.page.status


@pytest.mark.parametrize("status", [Status.OPERATIONAL, Status.MAJOR, Status.UNKNOWN])
def test_the_answer_is_the_same_with_and_without(status: Status) -> None:
    def answer(page: Page) -> object:
        return page.status, page.groups, page.open, page.held_back, page.impaired_since, page.feed_updated

    known = told(STORM, PHONE, statuses={"email": status})
    assert answer(build(known, NOW)) == answer(build(replace(known, bulletins=()), NOW))


def test_feeds_tell_each_word_once_in_their_language_and_those_with_a_floor_none() -> None:
    moved = bulletin(warned(1, en="Lines may fail.", de="Leitungen."), warned(2, AdvisoryTurn.MOVED), warned(3, AdvisoryTurn.WITHDRAWN))
    of = Site(moved)
    entries = feedparser.parse(of.body("/history.atom")).entries
    assert [one.title for one in entries] == [
        "Storm warning – advisory withdrawn",
        "Storm warning – advisory for another time",
        "Storm warning – advisory",
    ]
    assert entries[-1].id.endswith("advisory/stormstormst/update/1")
    assert entries[-1].link.endswith("/advisories/stormstormst#update-1")
    assert "Lines may fail." in entries[-1].content[0].value
    assert "From Sun 22 Nov 2026, 15:00 UTC until Sun 22 Nov 2026, 23:00 UTC." in entries[-1].content[0].value
    german = feedparser.parse(text(of, "/de/history.rss")).entries
    assert german[-1].title == "Sturmwarnung – Vorwarnung"
    assert german[-1].id == entries[-1].id
    assert len(feedparser.parse(text(of, "/services/email/history.rss")).entries) == 3
    for path in ("/history/degraded.rss", "/services/portal/history.rss", "/maintenance.rss"):
        assert feedparser.parse(text(of, path)).entries == []
    assert [one["id"] for one in json.loads(of.body("/feed.json"))["items"]] == [one.id for one in entries]


def test_a_notice_is_called_one_in_feeds() -> None:
    (entry,) = feedparser.parse(Site(PHONE).body("/history.rss")).entries
    assert entry.title == "Our phone line – notice"
    assert "until we say otherwise" not in entry.title


def test_an_entry_is_the_same_after_more_was_said() -> None:
    first, second = warned(1, en="Lines may fail."), warned(2, AdvisoryTurn.UPDATED, en="It comes nearer.")
    before = feedparser.parse(Site(bulletin(first)).body("/history.atom")).entries[-1]
    longer = bulletin(first, second, ends=None, services=("email", "portal"))
    after = feedparser.parse(Site(longer).body("/history.atom")).entries[-1]
    assert before == after


def test_what_somebody_types_is_text_everywhere() -> None:
    rude = bulletin(warned(1, en="<script>alert(1)</script>"), name={"en": "<b>Storm</b>"})
    of = Site(rude, PHONE)
    for path in ("/", "/advisories/stormstormst", "/services/email"):
        assert "<script>alert" not in text(of, path)
        assert "<b>Storm" not in text(of, path)


def test_search_engines_find_its_page() -> None:
    assert b"/advisories/stormstormst" in Site(STORM).body("/sitemap.xml")


def test_nothing_is_made_anew_while_nothing_changes() -> None:
    publisher, known = Publisher(Html(templates())), told(STORM, PHONE)
    first, second = (publisher.publish(known, NOW + timedelta(minutes=later)) for later in (0, 1))
    path = f"/advisories/{STORM.advisory.id}"
    assert first.files[path] is second.files[path]


def test_the_page_in_a_terminal_tells_it_below_what_goes_on() -> None:
    printed = _text(build(told(STORM, PHONE, stories=(story(update(1)),)), NOW), "now")
    assert "Storm warning – advisory, in force\n  2026-11-22 15:00:00 UTC to 2026-11-22 23:00:00 UTC: Email\n  Lines may fail." in printed
    assert "Our phone line – notice, in force" in printed
    assert printed.index("Email: sending not working") < printed.index("Storm warning")
