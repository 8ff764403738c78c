"""What another page tells, understood row by row: whatever stands there, only what makes sense comes over, and it makes sense to us."""

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.importing import MaintenanceQuote, PastIncident, PastWindow, Quote
from incidents.model import State, Status
from probes.text import CUT
from statuspage.cli.importing.asking import base_of
from statuspage.cli.importing.documents import EARLIEST, instant, read
from statuspage.cli.importing.findings import CannotImport
from statuspage.cli.importing.texts import line, words
from statuspage.cli.importing.told import MOST_QUOTES, Coming, page_of, told
from statuspage.web.typed import LONGEST_LINE, LONGEST_WORDS
from tests.statuspage.elsewhere import EMAIL, PAGE, WIKI, incident, update, window

NOW = datetime(2026, 3, 2, 8, 54, tzinfo=UTC)
NAMED = (PAGE["id"], PAGE["name"], PAGE["url"])


def understood(*rows: Any, windows: tuple[Any, ...] = ()) -> Any:  # noqa: ANN401 - a stranger's rows
    return told(NAMED, {"components": [EMAIL, WIKI]}, rows, windows, NOW)


def test_the_worst_that_was_said_of_a_part_counts() -> None:
    said = [
        update(1, "investigating", "2024-02-03T10:00:00Z", "Slow.", affected=[(EMAIL, "degraded_performance")]),
        update(2, "identified", "2024-02-03T10:10:00Z", "Gone.", affected=[(EMAIL, "major_outage"), (WIKI, "under_maintenance")]),
        update(3, "resolved", "2024-02-03T10:20:00Z", "Back.", affected=[(EMAIL, "operational"), (WIKI, "operational")]),
    ]
    (one,) = understood(incident(1, "Mail", "2024-02-03", updates=said, impact="minor")).incidents
    assert one.services == {EMAIL["id"]: Status.MAJOR, WIKI["id"]: Status.DEGRADED}  # of the second it only said the impact of the whole
    assert one.impact is Status.DEGRADED


def test_the_end_is_the_word_that_said_so_where_the_page_has_no_other() -> None:
    said = [
        update(1, "resolved", "2024-02-03T10:20:00Z", "Back."),
        update(2, "postmortem", "2024-02-09T10:20:00Z", "It was a disk."),
    ]
    (one,) = understood(incident(1, "Mail", "2024-02-03", updates=said, resolved_at=None, status="postmortem")).incidents
    assert one.resolved_at == datetime(2024, 2, 3, 10, 20, tzinfo=UTC)
    assert [quote.state for quote in one.quotes] == [State.RESOLVED, State.POSTMORTEM]


def test_words_in_a_state_that_nobody_knows_stay_in_the_one_before_and_twice_is_once() -> None:
    twice = update(1, "investigating", "2024-02-03T10:00:00Z", "Slow.")
    said = [twice, twice, update(2, "verifying hard", "2024-02-03T10:10:00Z", "Still."), update(3, "resolved", "2024-02-03T10:20:00Z", "")]
    (one,) = understood(incident(1, "Mail", "2024-02-03", updates=said)).incidents
    assert [(quote.state, quote.body) for quote in one.quotes] == [(State.INVESTIGATING, "Slow."), (State.INVESTIGATING, "Still.")]


def test_the_end_is_the_last_word_where_nothing_says_that_it_is_over() -> None:
    said = [update(1, "investigating", "2024-02-03T10:00:00Z", "Slow."), update(2, "monitoring", "2024-02-03T11:00:00Z", "Better.")]
    (one,) = understood(incident(1, "Mail", "2024-02-03", updates=said, resolved_at=None)).incidents
    assert one.resolved_at == datetime(2024, 2, 3, 11, 0, tzinfo=UTC)


def test_words_that_are_passed_over_are_named() -> None:
    said = [update(number, "resolved", f"2024-02-03T10:{number % 60:02d}:00Z", f"Word {number}.") for number in range(MOST_QUOTES + 1)]
    said.append(update(999, "resolved", "yesterday", "When?"))
    found = understood(incident(1, "Mail", "2024-02-03", updates=said))
    assert len(found.incidents[0].quotes) == MOST_QUOTES
    assert [one.why for one in found.left] == [
        "1 of its updates do not say when, as ISO 8601 with a zone",
        f"it has {MOST_QUOTES + 1} updates; its first {MOST_QUOTES} are taken over",
    ]


@pytest.mark.parametrize("odd", ["x" * 101, "\ud800", "a\x00b", "", None])
def test_an_id_that_nobody_could_keep_is_none(odd: object) -> None:
    found = understood(incident(1, "Mail", "2024-02-03", id=odd), windows=(window(1, "Patches", "2024-02-05", id=odd),))
    assert (found.incidents, found.windows) == ((), ())
    assert [one.why for one in found.left] == ["it has no id or no name"] * 2
    with pytest.raises(CannotImport):
        page_of({"page": {"id": odd}}, "their page")


def test_what_was_published_or_planned_in_the_future_is_no_past() -> None:
    late: dict[str, Any] = {"created_at": "2999-01-01T00:00:00Z", "incident_updates": []}
    found = understood(
        incident(1, "Mail", "2024-02-03", **late, started_at=None),
        windows=(window(1, "Patches", "2024-02-05", **late, scheduled_for="2999-01-01T00:00:00Z", scheduled_until="2999-02-01T00:00:00Z"),),
    )
    assert (found.incidents, found.windows) == ((), ())
    assert {one.why for one in found.left} == {"it ends, or is spoken of, in the future"}


def test_planned_work_ran_when_its_words_say_so() -> None:
    said = [
        update(1, "in_progress", "2024-02-05T21:03:00Z", "We begin."),
        update(2, "completed", "2024-02-05T21:30:00Z", "Done."),
    ]
    (one,) = understood(windows=(window(1, "Patches", "2024-02-05", incident_updates=said, resolved_at=None),)).windows
    assert (one.starts, one.began_at, one.ended_at) == tuple(datetime(2024, 2, 5, 21, minute, tzinfo=UTC) for minute in (0, 3, 30))


def test_work_that_is_not_over_is_still_to_come() -> None:
    found = understood(windows=(window(1, "Patches", "2031-02-05", status="scheduled"),))
    assert found.windows == ()
    (one,) = found.coming
    assert isinstance(one, Coming)
    assert (one.name, one.parts, one.body) == ("Patches", (EMAIL["id"],), "We patch.")


@pytest.mark.parametrize(
    ("typed", "base"),
    [
        ("https://status.example.com", "https://status.example.com"),
        ("https://status.example.com/", "https://status.example.com"),
        (" https://status.example.com/api/v2/summary.json?page=1#x ", "https://status.example.com"),
        ("https://example.com/status/", "https://example.com/status"),
    ],
)
def test_the_stem_of_the_page_is_found_in_whatever_was_typed(typed: str, base: str) -> None:
    assert base_of(typed) == base


@pytest.mark.parametrize("typed", ["", "status.example.com", "ftp://x.example", "https://ada:secret@x.example", "https://", "http://[::1"])
def test_what_is_no_address_is_refused_in_words(typed: str) -> None:
    with pytest.raises(CannotImport):
        base_of(typed)


def test_instants_have_a_zone_and_a_time_in_which_there_were_pages() -> None:
    assert instant("2024-02-03T10:05:00.000-06:00") == datetime(2024, 2, 3, 16, 5, tzinfo=UTC)
    assert [instant(odd) for odd in ("2024-02-03T10:05:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "soon", 7, None)] == [
        None
    ] * 6


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("Two\r\nlines", "Two\nlines"),
        ("1 < 2 and 3 > 2 &amp; so on", "1 < 2 and 3 > 2 &amp; so on"),
        ("<p>1 &lt; 2</p><p>two</p>", "1 < 2\n\ntwo"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ('<a href="javascript:alert(1)">x</a> <a href=https://y.example>y</a>', "x y (https://y.example)"),
        ("<script>alert(1)</script><b>bold</b>", "bold"),
        ("<script>never closed", ""),
        ("<blink>odd</blink> <b>x</b>", "<blink>odd</blink> x"),
        ("\x00a\u202eb\ud800", "ab"),
        (7, ""),
    ],
)
def test_markup_becomes_plain_words(raw: object, plain: str) -> None:
    assert words(raw) == plain


def test_nothing_is_longer_than_our_own_words_may_be() -> None:
    assert len(words("x " * 50_000)) <= LONGEST_WORDS
    assert len(line("x" * 50_000)) == LONGEST_LINE
    assert words("<b>" + "<" * 100_000).startswith("<")


def test_a_long_run_of_blanks_takes_no_longer_than_other_words() -> None:
    begun = time.process_time()
    assert words("a" + " " * 150_000 + "b") == "a" + CUT
    assert words("a \t\n \n\n\t b ") == "a\n\nb"
    assert time.process_time() - begun < 2.0  # minutes, where each blank is tried as the first of the rest


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["resolved", "completed", "2024-02-03T10:05:00Z", "9999-12-31T23:59:59Z"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*incident(1, "x", "2024-02-03"), "code", "body", "display_at"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(
    rows=st.lists(st.dictionaries(st.sampled_from([*incident(1, "x", "2024-02-03")]), VALUES, max_size=6), max_size=3),
    more=st.lists(st.dictionaries(st.sampled_from([*window(1, "x", "2024-02-03")]), VALUES, max_size=6), max_size=3),
    components=VALUES,
)
def test_whatever_a_page_tells_what_comes_over_makes_sense(rows: list[Any], more: list[Any], components: object) -> None:
    base, planned = incident(1, "Mail", "2024-02-03"), window(1, "Patches", "2024-02-05")
    found = told(NAMED, components, [{**base, **row} for row in rows], [{**planned, **row} for row in more], NOW)
    whole = [one for one in found.left if " updates" not in one.why]
    assert len(found.incidents) + len(found.windows) + len(found.coming) + len(whole) == len(rows) + len(more)
    for one in found.incidents:
        _makes_sense(one)
        assert EARLIEST <= one.started_at <= one.resolved_at <= NOW
        assert one.started_at <= one.published_at <= NOW
        assert set(one.services) <= set(found.names)
    for window_ in found.windows:
        _makes_sense(window_)
        assert window_.starts < window_.ends
        assert window_.began_at <= window_.ended_at <= NOW
        assert window_.planned_at <= NOW


def _makes_sense(one: PastIncident | PastWindow) -> None:
    assert one.id
    assert 0 < len(one.name) <= LONGEST_LINE
    said: Sequence[Quote | MaintenanceQuote] = one.quotes
    ats = [quote.at for quote in said]
    assert ats == sorted(ats)
    assert all(at <= NOW and quote.body for at, quote in zip(ats, said, strict=True))
    assert len({quote.id for quote in said}) == len(said)


def refusal(read_: Callable[[], object]) -> str:
    """Why it was refused; empty where it was not."""
    try:
        read_()
    except CannotImport as trouble:
        return str(trouble) or "without a reason"
    return ""


@given(document=VALUES)
def test_whatever_the_summary_is_it_names_a_page_or_is_refused(document: object) -> None:
    place = "https://x.example/api/v2/summary.json"
    has_page = isinstance(document, dict) and isinstance(document.get("page"), dict) and isinstance(document["page"].get("id"), str | int)
    why = refusal(lambda: page_of(document, place))
    assert why.startswith(f"{place}: ") if why else has_page


@given(octets=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: json.dumps(text).encode()))
def test_whatever_bytes_come_they_are_read_or_refused_with_their_place(octets: bytes) -> None:
    why = refusal(lambda: read(octets, "their page"))
    assert why.startswith("their page: ") if why else json.loads(octets) == read(octets, "their page")
