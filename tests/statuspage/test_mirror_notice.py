"""Break-glass: words on every page of the mirror when nothing else works, and gone with the next publication."""

import fcntl
import gzip
import json
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import feedparser
import pytest

from statuspage.mirror.files import FRESH
from statuspage.mirror.notice import put_notice
from statuspage.mirror.publication import publish
from statuspage.mirror.version import leaf
from statuspage.mirror.versions import CURRENT, LOCK, VERSIONS, Versions
from statuspage.render.notice import LONGEST, LONGEST_TITLE, Notice, noticed
from tests.statuspage.mirrored import published
from tests.statuspage.pictures import NOW
from tests.statuspage.terminal import statuspage

LATER = NOW + timedelta(hours=3)
WORDS = "We have lost our data centre.\n\nMail is not lost: it waits.\nCall +43 1 234567."
NAME = "Example Networks"
INCIDENT_FEEDS = ("history.rss", "history.atom", "feed.json", "services/email/history.atom", "history/major.rss", "de/history.atom")


def standing(directory: Path) -> dict[str, bytes]:
    home = directory / CURRENT
    return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def say(directory: Path, text: str = WORDS, at: datetime = LATER) -> None:
    put_notice(directory, noticed(text, at), at, NAME)


def entries(body: bytes, name: str) -> list[tuple[str, str]]:
    """Id and title of each entry, in their order."""
    if name.endswith(".json"):
        return [(one["id"], one["title"]) for one in json.loads(body)["items"]]
    parsed = feedparser.parse(body)
    assert not parsed.bozo, parsed.bozo_exception
    return [(one.id, one.title) for one in parsed.entries]


class Tags(HTMLParser):
    """Every element of a page, to see whether somebody's words became one."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


@pytest.fixture
def directory(in_memory: Path) -> Path:
    return in_memory / "mirror"


# --- on the pages


async def test_the_notice_stands_on_top_of_every_page_with_its_time_and_the_age_of_the_rest(directory: Path) -> None:
    before = await published(directory)
    say(directory)
    pages = {name: body for name, body in standing(directory).items() if name.endswith(".html")}
    assert pages.keys() == {name for name in before if name.endswith(".html")}
    for name, body in pages.items():
        main = body[body.index(b"<main") :]
        assert main.index(b"We have lost our data centre.") < main.index(b"<h1"), name
        assert main.count(b'datetime="2026-11-22T19:00:30Z"') == 1, "when it was said"
        assert b'datetime="2026-11-22T16:00:30Z"' in main, "how old the rest is"
        assert b"Mail is not lost: it waits.<br>Call +43 1 234567." in main


async def test_a_page_speaks_of_the_notice_in_its_own_language(directory: Path) -> None:
    await published(directory)
    say(directory)
    found = standing(directory)
    for name in ("index.html", "en/index.html"):
        assert b"Notice of <time" in found[name]
        assert b"22 Nov 2026, 16:00 UTC</time>, and is not being brought up to date" in found[name]
    german = found["de/index.html"].decode()
    assert "Mitteilung vom <time" in german
    assert "traf zuletzt am <time" in german
    assert "We have lost our data centre." in german


async def test_all_that_does_not_carry_the_notice_is_the_same_file_as_before(directory: Path) -> None:
    before = await published(directory)
    inodes = {name: (directory / CURRENT / name).stat().st_ino for name in before}
    say(directory)
    changed = {name for name in before if (directory / CURRENT / name).stat().st_ino != inodes[name]}
    plain = {name.removesuffix(".gz") for name in changed}
    assert {name for name in plain if name.endswith(".html")} == {name for name in before if name.endswith(".html")}
    assert all(name.endswith((".html", "history.rss", "history.atom", "feed.json", FRESH)) or "/history" in f"/{name}" for name in plain)


async def test_the_compressed_pages_say_the_same(directory: Path) -> None:
    await published(directory)
    say(directory)
    found = standing(directory)
    packed = [name for name in found if name.endswith(".gz")]
    assert "index.html.gz" in packed
    assert all(gzip.decompress(found[name]) == found[name.removesuffix(".gz")] for name in packed)


async def test_open_pages_are_told_that_there_is_something_new_and_the_age_stays(directory: Path) -> None:
    before = json.loads((await published(directory))[FRESH])
    say(directory)
    after = json.loads(standing(directory)[FRESH])
    assert after["publication"] != before["publication"]
    assert {**after, "publication": ""} == {**before, "publication": ""}


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "a & b ]]> <!-- c", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }} {0} {name}", "</main></section>"],
)
async def test_words_are_words_and_never_markup(directory: Path, text: str) -> None:
    await published(directory)
    say(directory, "harmless")
    harmless = Tags(standing(directory)["index.html"]).tags
    say(directory, text)
    found = standing(directory)
    assert Tags(found["index.html"]).tags == harmless
    for name in INCIDENT_FEEDS:
        assert entries(found[name], name)[0][1] == text


def test_what_has_no_business_in_a_text_is_dropped() -> None:
    assert noticed(" \x00a\u202eb\x07\ud800c\r\nd\u0301 ", LATER).text == "abc\nd\u0301"
    assert noticed("e\u0301", LATER).text == "\u00e9"


@pytest.mark.parametrize(("text", "said"), [(" \n ", "needs words"), ("\u202e\x00", "needs words"), ("x" * (LONGEST + 1), "at most")])
def test_a_notice_that_says_nothing_or_too_much_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        noticed(text, LATER)


# --- in the feeds


async def test_it_is_one_more_entry_of_every_feed_that_tells_of_incidents_under_one_id(directory: Path) -> None:
    before = await published(directory)
    say(directory)
    found = standing(directory)
    told = {name: entries(found[name], name) for name in INCIDENT_FEEDS}
    first = {one[0] for one in told.values()}
    assert first == {("tag:status.example.net,2026-01-01:notice/2026-11-22T19:00:30Z", "We have lost our data centre.")}
    assert all(told[name][1:] == entries(before[name], name) for name in INCIDENT_FEEDS)


async def test_feeds_of_planned_work_and_what_programs_read_stay_as_they_are(directory: Path) -> None:
    before = await published(directory)
    say(directory)
    found = standing(directory)
    for name in ("maintenance.rss", "maintenance.atom", "services/email/maintenance.rss", "maintenance.ics", "api/v2/summary.json"):
        assert found[name] == before[name], name


async def test_a_feed_is_as_new_as_the_notice_and_keeps_the_rest_of_what_it_says(directory: Path) -> None:
    before = await published(directory)
    say(directory)
    for name in ("history.atom", "history.rss"):
        old, new = (feedparser.parse(body) for body in (before[name], standing(directory)[name]))
        assert new.feed.updated_parsed > old.feed.updated_parsed
        assert new.feed.title == old.feed.title
        assert [link["href"] for link in new.feed.links] == [link["href"] for link in old.feed.links]
        assert [one.get("summary") for one in new.entries[1:]] == [one.get("summary") for one in old.entries]


async def test_a_long_first_line_is_cut_in_the_title_and_whole_in_the_text(directory: Path) -> None:
    await published(directory)
    say(directory, "word " * 100)
    parsed = feedparser.parse(standing(directory)["history.atom"]).entries[0]
    assert len(parsed.title) <= LONGEST_TITLE + 1
    assert parsed.content[0].value == ("word " * 100).strip()


async def test_feeds_that_cannot_be_read_keep_nobody_from_the_pages(directory: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = {"index.html": leaf(b"<main>all is well</main>"), "history.atom": leaf(b"<feed")}
    publish(directory, files, NOW)
    say(directory)
    assert b"We have lost" in standing(directory)["index.html"]
    assert standing(directory)["history.atom"] == b"<feed"
    assert "not in the feeds" in caplog.text


# --- again, otherwise, and away


async def test_the_same_words_again_keep_their_time_and_make_no_new_version(directory: Path) -> None:
    await published(directory)
    say(directory)
    first = Versions(directory).newest()
    say(directory, at=LATER + timedelta(hours=1))
    assert Versions(directory).newest() == first


async def test_other_words_take_the_place_of_the_first(directory: Path) -> None:
    await published(directory)
    say(directory)
    say(directory, "The data centre is back.", LATER + timedelta(hours=1))
    page = standing(directory)["index.html"]
    assert b"The data centre is back." in page
    assert b"We have lost" not in page
    assert page.count(b'class="notice"') == 1


async def test_without_words_every_byte_is_again_as_it_was(directory: Path) -> None:
    before = await published(directory)
    say(directory)
    put_notice(directory, None, LATER, NAME)
    assert standing(directory) == before
    found = Versions(directory).newest()
    assert found is not None
    assert (found.notice, dict(found.before)) == (None, {})


async def test_after_it_is_taken_away_pages_are_newer_than_with_it(directory: Path) -> None:
    await published(directory)
    say(directory)
    during = (directory / CURRENT / "index.html").stat().st_mtime
    put_notice(directory, None, LATER, NAME)
    assert (directory / CURRENT / "index.html").stat().st_mtime > during


async def test_the_next_publication_takes_it_away(directory: Path) -> None:
    await published(directory)
    say(directory)
    after = await published(directory, LATER + timedelta(hours=1), name="Other patches")
    assert standing(directory) == after


# --- where nothing stands yet


def test_without_a_version_it_makes_a_page_of_its_own(directory: Path) -> None:
    say(directory)
    found = standing(directory)
    assert b"We have lost our data centre." in found["index.html"]
    assert b"Example Networks status" in found["index.html"]
    assert found["404.html"] == found["index.html"]
    (style,) = (name for name in found if name.endswith(".css"))
    assert f'href="/{style}"'.encode() in found["index.html"]


def test_a_bare_page_speaks_the_language_of_the_site(directory: Path) -> None:
    put_notice(directory, noticed(WORDS, LATER), LATER, NAME, "de")
    page = standing(directory)["index.html"].decode()
    assert '<html lang="de">' in page
    assert "Status von Example Networks" in page
    assert "Mehr lässt sich hier im Augenblick nicht sagen." in page


def test_words_can_be_changed_and_taken_from_a_bare_page_too(directory: Path) -> None:
    say(directory)
    say(directory, "Still dark.")
    assert b"We have lost" not in standing(directory)["index.html"]
    put_notice(directory, None, LATER, NAME)
    page = standing(directory)["index.html"]
    assert b"Still dark." not in page
    assert b"Nothing else can be told here" in page


async def test_a_publication_takes_the_place_of_a_bare_page(directory: Path) -> None:
    say(directory)
    files = await published(directory)
    assert {name: body for name, body in standing(directory).items() if name in files} == files


def test_there_is_nothing_to_take_away_from_an_empty_directory(directory: Path) -> None:
    assert put_notice(directory, None, LATER, NAME) is None
    assert not (directory / CURRENT).exists()


async def test_a_process_that_was_stopped_in_the_middle_of_writing_keeps_nobody_from_speaking(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statuspage.mirror.notice.PATIENCE", 0.0)
    await published(directory)
    half = directory / VERSIONS / "00000002" / "site"
    half.mkdir(parents=True)
    with (directory / LOCK).open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        say(directory)
    assert b"We have lost" in standing(directory)["index.html"]
    assert half.exists(), "what is another's work is left alone"


# --- the command


async def test_the_command_needs_neither_store_nor_configuration(tmp_path: Path) -> None:
    await published(tmp_path / "out")
    (tmp_path / "statuspage.yaml").write_text("site: [broken", encoding="utf-8")
    (tmp_path / "data").write_text("no directory", encoding="utf-8")
    ended = await statuspage("publish", "out", "--notice", WORDS, here=tmp_path)
    assert ended.code == 0, ended.err
    assert "says so on" in ended.out
    assert b"We have lost our data centre." in standing(tmp_path / "out")["index.html"]
    ended = await statuspage("publish", "out", "--notice", "", here=tmp_path)
    assert ended.code == 0, ended.err
    assert b"We have lost our data centre." not in standing(tmp_path / "out")["index.html"]


async def test_the_command_says_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    ended = await statuspage("publish", "out", "--notice", "", here=tmp_path)
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    ended = await statuspage("publish", "gone/out", "--notice", WORDS, here=tmp_path)
    assert (ended.code, ended.out) == (1, "")
    assert "No such file or directory" in ended.err
    ended = await statuspage("publish", "out", "--notice", "x" * (LONGEST + 1), here=tmp_path)
    assert (ended.code, ended.out) == (2, "")


def test_a_notice_knows_its_time_in_whole_seconds_of_utc() -> None:
    assert noticed("a", datetime(2026, 11, 22, 19, 0, 0, 5, UTC)) == Notice("a", datetime(2026, 11, 22, 19, tzinfo=UTC))
