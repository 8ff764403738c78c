"""Texts as people type them: cleaned where they enter, and what is for the public in as many languages as the site speaks."""

import unicodedata
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, Tag

from statuspage.config.types import web_url
from statuspage.render.speaking import speakable
from statuspage.web.by_language import FORM, LANGUAGES, TEXT, known

LONGEST_LINE = 200
LONGEST_WORDS = 20_000
LONGEST_ADDRESS = 2_000


def _entered(text: str) -> str:
    """Clean what somebody typed, where it enters: one form of each letter, no controls, no marks that turn text around."""
    text = unicodedata.normalize("NFC", str(speakable(text.replace("\r\n", "\n").replace("\r", "\n")))).strip()
    if not text:
        raise ValueError("must not be empty")
    return text


def entered_line(text: str) -> str:
    """Take a text as one line."""
    return _entered(" ".join(text.split()))


def _address(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds characters that no address has")
    return web_url(text)


Address = Annotated[str, Field(max_length=LONGEST_ADDRESS), AfterValidator(_address)]
"""A link as somebody types it: a whole http or https URL."""
Line = Annotated[str, Field(min_length=1, max_length=LONGEST_LINE), AfterValidator(entered_line)]
Words = Annotated[str, Field(min_length=1, max_length=LONGEST_WORDS), AfterValidator(_entered)]

NameSaid = Annotated[Annotated[Line, Tag(TEXT)] | Annotated[Mapping[str, Line], AfterValidator(known), Tag(LANGUAGES)], FORM]
WordsSaid = Annotated[Annotated[Words, Tag(TEXT)] | Annotated[Mapping[str, Words], AfterValidator(known), Tag(LANGUAGES)], FORM]
