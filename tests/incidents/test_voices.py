"""What is said in several languages, and which of them a reader gets."""

from types import MappingProxyType

import pytest

from incidents.voices import IN_ENGLISH, PLAIN, Speech, Voice, as_read, in_each, written_in

GERMAN = Voice(
    language="de", tag="de", sentences=MappingProxyType({"%(names)s and %(last)s": "%(names)s und %(last)s", "Hello.": "Guten Tag."})
)


@pytest.mark.parametrize(("names", "english", "german"), [
    ([], "", ""),
    (["A"], "A", "A"),
    (["A", "B", "C"], "A, B and C", "A, B und C"),
])  # fmt: skip
def test_names_are_listed_as_each_language_does(names: list[str], english: str, german: str) -> None:
    assert (Voice().listed(names), GERMAN.listed(names)) == (english, german)


def test_what_a_voice_has_no_words_for_it_says_in_english() -> None:
    assert GERMAN.says("Hello.") == "Guten Tag."
    assert GERMAN.says("100 %% of %(name)s", name="100 %s") == "100 % of 100 %s"


def test_each_voice_says_it_and_one_that_has_nothing_to_say_is_left_out() -> None:
    assert in_each((Voice(), GERMAN), lambda voice: voice.says("Hello.")) == ("Hello.", {"de": "Guten Tag."})
    assert in_each((Voice(), GERMAN), lambda voice: "Hello." if voice.language == "en" else "") == ("Hello.", {})
    assert in_each(IN_ENGLISH, lambda voice: voice.says("Hello.")) == ("Hello.", {})


def test_an_act_is_in_the_language_of_the_site() -> None:
    assert PLAIN.language == "en"
    assert Speech(voices=(GERMAN, Voice())).language == "de"


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ("en", ("Hello", "en")),
        ("de", ("Hallo", "de")),
        ("de-AT", ("Hallo", "de")),
        ("pt-BR", ("Oi", "pt-BR")),
        ("pt", ("Hello", "en")),
        ("es", ("Hello", "en")),
        ("en-GB", ("Hello", "en")),
    ],
)
def test_a_reader_gets_their_language_else_what_was_written(wanted: str, text: tuple[str, str]) -> None:
    assert as_read("Hello", {"de": "Hallo", "pt-BR": "Oi", "es": ""}, written="en", wanted=wanted) == text


def test_words_of_older_releases_are_english_where_the_machine_spoke() -> None:
    assert written_in(None, "de", is_automatic=True) == "en"
    assert written_in(None, "de", is_automatic=False) == "de"
    assert written_in("fr", "de", is_automatic=True) == "fr"
