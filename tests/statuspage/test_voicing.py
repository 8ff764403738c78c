"""The voices that the catalogues give to judgement: every sentence that it may publish, in every language."""

import ast
from datetime import UTC, datetime
from pathlib import Path

import pytest

from incidents.planned.announcing import span
from incidents.voices import Voice
from statuspage.bundled import templates
from statuspage.render.voicing import voices_of
from tests.statuspage.messages import CHECKOUT, published

LANGUAGES = templates() / "languages"
SENTENCES = sorted({sentence for sentence, _ in published()})
GERMAN = voices_of("de", ("de", "en"), LANGUAGES)[0]


def test_the_set_of_sentences_is_closed() -> None:
    """What is said by way of a variable would be in no catalogue."""
    said = [
        node
        for path in sorted((CHECKOUT / "incidents").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "says"
    ]
    assert len(said) > 80
    assert all(isinstance(node.args[0], ast.Constant) for node in said)
    assert {node.args[0].value for node in said if isinstance(node.args[0], ast.Constant)} == set(SENTENCES)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_there_is_a_german_sentence_for_each_english_one(sentence: str) -> None:
    assert sentence in GERMAN.sentences


def test_german_has_no_sentence_that_nobody_says() -> None:
    assert set(GERMAN.sentences) == set(SENTENCES)


def test_a_site_speaks_its_own_language_first_and_only_those_that_there_are_words_in() -> None:
    voices = voices_of("de", ("de", "fr", "en"), LANGUAGES)
    assert [(voice.language, voice.tag) for voice in voices] == [("de", "de"), ("en", "en")]
    assert [(voice.language, voice.tag) for voice in voices_of("en", (), LANGUAGES)] == [("en", "en")]


def test_a_site_in_a_language_without_words_speaks_english_and_says_so() -> None:
    (french, german) = voices_of("fr", ("fr", "de"), LANGUAGES)
    assert (french.language, french.tag) == ("fr", "en")
    assert french.says("We are looking into it.") == "We are looking into it."
    assert german.says("We are looking into it.") == "Wir gehen dem nach."


def test_a_kind_of_german_is_german() -> None:
    austrian = voices_of("de-AT", ("de-AT",), LANGUAGES)[0]
    assert (austrian.language, austrian.tag) == ("de-AT", "de-AT")
    assert austrian.says("We are looking into it.") == "Wir gehen dem nach."


def test_dates_are_written_as_each_language_does() -> None:
    starts, ends = datetime(2026, 3, 2, 22, tzinfo=UTC), datetime(2026, 3, 3, 2, tzinfo=UTC)
    assert span(starts, ends, Voice()) == "2 March 2026, 22:00 UTC to 3 March 2026, 02:00 UTC"
    assert span(starts, ends, GERMAN) == "2. März 2026, 22:00 UTC, bis 3. März 2026, 02:00 UTC"
    assert span(starts, starts.replace(hour=23), GERMAN) == "2. März 2026, 22:00–23:00 UTC"


def test_a_catalogue_is_read_once(tmp_path: Path) -> None:
    assert voices_of("de", (), LANGUAGES)[0] is voices_of("de", ("de",), LANGUAGES)[0]
    assert voices_of("de", (), tmp_path)[0].tag == "en"
