"""Words as they are searched for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statuspage.picture.search import MOST_LETTERS, MOST_WORDS, Query, address, asked, excerpt, folded, kept, searched, typed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("disk full", ("disk", "full")),
        ("Disk, disk! FULL", ("Disk", "FULL")),
        ("mail-server smtp.example.net", ("mail", "server", "smtp", "example", "net")),
        ("a b c d e f g h i j", tuple("abcdefgh")),
        ("x" * 300, ("x" * 100,)),
        ("... !!! \x00", ()),
    ],
)
def test_words_are_taken_as_they_are_typed_each_once(text: str, words: tuple[str, ...]) -> None:
    assert typed(text) == words


@pytest.mark.parametrize(
    ("word", "plain"),
    [("Störung", "storung"), ("ﬁle", "file"), ("Straße", "strasse"), ("İstanbul", "istanbul"), ("①", "1"), ("Ｍａｉｌ", "mail")],  # noqa: RUF001 - what people type
)
def test_what_does_not_matter_is_taken_away(word: str, plain: str) -> None:
    assert folded(word) == plain


@given(st.text())
def test_an_address_leads_back_to_the_same_question(text: str) -> None:
    words = " ".join(typed(text))
    where = address(text)
    assert where.isascii()
    assert searched(f"/history/search/{words}" if words else "/history/search") == words
    assert asked(words) == asked(text)
    assert len(asked(text).words) <= MOST_WORDS
    assert len(where) <= len("/history/search/") + 12 * MOST_LETTERS


@pytest.mark.parametrize("path", ["/history", "/history/searching", "/history/search/", "/history/search/a/b", "/x/history/search/a"])
def test_other_addresses_are_no_search(path: str) -> None:
    assert searched(path) is None


@given(st.lists(st.text(max_size=40), max_size=4), st.text(max_size=20))
def test_what_is_kept_meets_the_questions_that_the_words_themselves_meet(texts: list[str], text: str) -> None:
    query = asked(text)
    assert query.is_met_by(texts) == query.is_met_by([kept(texts)])


@given(st.lists(st.text(max_size=40), max_size=4))
def test_what_is_kept_is_words_between_blanks_each_once(texts: list[str]) -> None:
    words = kept(texts).split(" ") if kept(texts) else []
    assert all(word.isalnum() for word in words)
    assert len(words) == len(set(words))


def test_a_line_shows_where_the_words_are() -> None:
    assert excerpt(Query(("disk",)), "A disk is\n full; two disks.") == (
        ("A ", False), ("disk", True), (" is full; two ", False), ("disks", True), (".", False)
    )  # fmt: skip
    assert excerpt(Query(("tape",)), "A disk.") == ()


def test_a_long_line_is_cut_around_the_first_word_that_is_found() -> None:
    pieces = excerpt(Query(("disk",)), f"{'before ' * 100}disk {'after ' * 100}")
    line = "".join(text for text, _ in pieces)
    assert (line[0], line[-1]) == ("…", "…")
    assert len(line) < 400
    assert [text for text, is_hit in pieces if is_hit] == ["disk"]
