"""Texts for updates, ready but for what this incident is about: what happened, whom it hits, what to do, when the next word comes.

Their placeholders are a closed list. Nothing in a text is ever evaluated.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from string import Formatter
from types import MappingProxyType

from incidents.model import State
from incidents.words import said

PLACEHOLDERS: Mapping[str, str] = MappingProxyType(
    {
        "service": "the services that the incident hits",
        "capabilities": "what of them does not work",
        "since": "when it began",
        "next_update": "when the next word comes, as next_update_in promises",
    }
)
"""What a text may name in braces, and what stands there then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageTemplate:
    """A text for updates. *services* are those that it is for (none: for all), *next_update_in* the promise that it makes.

    *name* is for the desk, *body* for customers; both by language.
    """

    id: str
    name: Mapping[str, str]
    state: State | None
    services: tuple[str, ...]
    body: Mapping[str, str]
    next_update_in: timedelta | None


def objection(text: str) -> str | None:
    """What is wrong with *text*, for whoever wrote it; None where nothing is."""
    try:
        parts = [(name, form, conversion) for _, name, form, conversion in Formatter().parse(text) if name is not None]
    except ValueError:
        return "a brace is open or closed alone; write {{ or }} where one is meant"
    for name, form, conversion in parts:
        if name not in PLACEHOLDERS or form or conversion:
            return f"{{{name}}} is no placeholder; there are {', '.join(f'{{{one}}}' for one in PLACEHOLDERS)}"
    return None


def named_in(text: str) -> frozenset[str]:
    """The placeholders that *text* has. Errors: ValueError where ``objection`` has one."""
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def offered(templates: Iterable[MessageTemplate], hit: Collection[str]) -> Sequence[MessageTemplate]:
    """Those that suit an incident which *hit* these services."""
    return [one for one in templates if not one.services or not set(one.services).isdisjoint(hit)]


def filled(template: MessageTemplate, language: str, facts: Mapping[str, str]) -> str:
    """The text in *language* with what this incident is about; empty where the template has none in it."""
    text = template.body.get(language) or template.body.get(language.partition("-")[0], "")
    return text.format_map({name: facts.get(name, "") for name in PLACEHOLDERS}) if text else ""


def called(template: MessageTemplate, language: str) -> str:
    """What the desk calls it."""
    return said(template.name, language) or template.id
