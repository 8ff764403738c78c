"""The tongue of the reader: words, dates, numbers and lengths; and that nothing is left unsaid in any language."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Message

from statuspage import bundled
from statuspage.render import words
from statuspage.render.tongue import ENGLISH, Tongue, tongue_of
from tests.statuspage.messages import LANGUAGES, catalogue, collected

CATALOGUES = sorted(LANGUAGES.glob("*.po"))
GERMAN = tongue_of("de", bundled.templates() / "languages")
every = pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)


def keys(messages: Iterator[Message]) -> set[tuple[str | None, object]]:
    return {(one.context, one.id) for one in messages if one.id}


# --- the catalogues


def test_german_is_spoken_beside_english() -> None:
    assert bundled.languages() == ("en", "de")


@every
def test_a_catalogue_has_every_message_and_none_that_nobody_says(path: Path) -> None:
    said, known = keys(iter(collected())), keys(iter(catalogue(path)))
    assert len(said) > 200
    assert (said - known, known - said) == (set(), set())


@every
def test_every_message_of_a_catalogue_is_translated_and_sure(path: Path) -> None:
    left = [one.id for one in catalogue(path) if one.id and (one.fuzzy or not all(texts(one.string)))]
    assert left == []


@every
def test_a_translation_has_the_values_and_the_markup_of_its_message(path: Path) -> None:
    for one in catalogue(path):
        if not one.id:
            continue
        original = parts(texts(one.id)[-1])
        for string in texts(one.string):
            # What is counted may be left out of a form that stands for one number only.
            assert parts(string) in (original, [part for part in original if part != "%(number)s"]), one.id


@every
def test_a_percent_sign_never_stands_alone(path: Path) -> None:
    for one in catalogue(path):
        for string in (*texts(one.id), *texts(one.string)) if one.id else ():
            assert "%" not in re.sub(r"%%|%\(\w+\)s", "", string), one.id


def texts(said: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (said or "",) if isinstance(said, str | None) else tuple(said)


def parts(text: str) -> list[str]:
    """What a translation must keep: named values, places for a script, percent signs, and elements."""
    return sorted(re.findall(r"%\(\w+\)s|%%|\{\w+\}|<[^>]+>", text))


# --- what a language does with values


@pytest.mark.parametrize(
    ("tongue", "said"),
    [
        (ENGLISH, ("22 Nov 2026", "22 Nov", "Sun 22 Nov 2026", "Nov 2026")),
        (GERMAN, ("22. Nov. 2026", "22. Nov.", "So., 22. Nov. 2026", "Nov. 2026")),
    ],
    ids=["en", "de"],
)
def test_dates_are_written_as_the_language_has_them(tongue: Tongue, said: tuple[str, ...]) -> None:
    day = date(2026, 11, 22)
    assert (tongue.long_date(day), tongue.short_date(day), tongue.full_date(day), tongue.month(day)) == said


def test_a_number_keeps_its_digits_and_gets_the_sign_of_the_language() -> None:
    assert (ENGLISH.number("99.950"), GERMAN.number("99.950"), GERMAN.number("100")) == ("99.950", "99,950", "100")


@pytest.mark.parametrize(
    ("seconds", "said"), [(1, "1 s"), (61, "2 min"), (3661, "1 h 2 min"), (90_000, "1 Tag 1 h"), (200_000, "2 Tage 8 h")]
)
def test_a_length_is_told_in_the_language(seconds: float, said: str) -> None:
    assert words.length(seconds, GERMAN) == said


@pytest.mark.parametrize(
    ("zone", "english", "german"),
    [
        ("Europe/Berlin", "CET", "MEZ"),
        ("America/New_York", "EST", "EST"),
        ("Asia/Kathmandu", "UTC+0545", "UTC+0545"),
        ("UTC", "UTC", "UTC"),
    ],
)
def test_a_zone_is_called_as_the_language_calls_it(zone: str, english: str, german: str) -> None:
    at = datetime(2026, 1, 22, 16, tzinfo=UTC).astimezone(ZoneInfo(zone))
    assert (ENGLISH.zone_name(at), GERMAN.zone_name(at)) == (english, german)


def test_names_stand_in_a_row_as_the_language_joins_them() -> None:
    assert [GERMAN.listed(names) for names in ([], ["A"], ["A", "B"], ["A", "B", "C"])] == ["", "A", "A und B", "A, B und C"]


def test_one_word_may_be_two_in_another_language() -> None:
    assert (GERMAN.said("Not known"), GERMAN.said_in("in a sentence", "not known")) == ("Nicht bekannt", "nicht bekannt")


# --- which tongue is spoken


@pytest.mark.parametrize(
    ("code", "spoken", "tag", "name"),
    [
        ("de", "de", "de", "Deutsch"),
        ("de-AT", "de", "de-AT", "Deutsch (Österreich)"),
        ("en-GB", "en-GB", "en-GB", "English (United Kingdom)"),
        ("fr", "en", "en", "français"),
    ],
)
def test_a_language_is_spoken_by_its_nearest_catalogue_else_in_english(code: str, spoken: str, tag: str, name: str) -> None:
    tongue = tongue_of(code, bundled.templates() / "languages")
    assert (tongue.spoken, tongue.tag, tongue.name) == (spoken, tag, name)


def test_what_a_catalogue_lacks_is_said_in_english(tmp_path: Path) -> None:
    head = 'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
    (tmp_path / "de.po").write_text(f'{head}msgid "Resolved"\nmsgstr "Behoben"\n\nmsgid "Planned"\nmsgstr ""\n', encoding="utf-8")
    tongue = tongue_of("de", tmp_path)
    assert [tongue.gettext(word) for word in ("Resolved", "Planned", "Cancelled")] == ["Behoben", "Planned", "Cancelled"]
