"""Words where no tongue is at hand: marks for our own, which whoever shows them says in a tongue, and texts that the file gives in several.

Pure, like ``page``.
"""

from collections.abc import Mapping
from typing import NamedTuple

from incidents.voices import as_read, written_in
from incidents.words import said


def marked(message: str) -> str:
    """Mark *message* for the catalogues."""
    return message


def marked_in(context: str, message: str) -> str:  # noqa: ARG001 - it is for who collects the messages
    """The same, for a message that means something else in another context."""
    return message


def marked_pair(one: str, many: str) -> tuple[str, str]:
    """The same, for a message that depends on a number."""
    return one, many


def localised(texts: Mapping[str, str] | None, language: str) -> str:
    """Choose the text of *language* (``de`` serves ``de-AT``), else the English one, else the first; empty where there is none."""
    return said(texts or {}, language)


class Reader(NamedTuple):
    """Whom words are told to: somebody who reads *language*, at a site whose own is *own*."""

    language: str
    own: str

    def gets(self, text: str, others: Mapping[str, str], written: str | None, *, is_automatic: bool) -> tuple[str, str]:
        """Published words as this reader gets them, and the language that they are in; *others* and *written* are as they were kept."""
        return as_read(text, others, written=written_in(written, self.own, is_automatic=is_automatic), wanted=self.language)

    def chooses(self, texts: Mapping[str, str]) -> tuple[str, str]:
        """A text of the file, as ``localised`` has it, and the language that it is in; empty where there is none."""
        text = said(texts, self.language)
        likely = (self.language, self.language.partition("-")[0], *texts)
        return text, next((language for language in likely if text and texts.get(language) == text), "")
