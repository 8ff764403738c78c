"""Words where no tongue is at hand: marks for our own, which whoever shows them says in a tongue, and texts that the file gives in several.

Pure, like ``page``.
"""

from collections.abc import Mapping

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
