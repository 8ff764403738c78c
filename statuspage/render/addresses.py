"""Where feeds are found: of what each is about, in every format, the newest document and the closed archives before it."""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache, lru_cache
from types import MappingProxyType
from typing import NamedTuple

from statuspage.picture.news import About, Topic


class Format(StrEnum):
    """How a feed is spelled, by the ending of its path."""

    RSS = "rss"
    ATOM = "atom"
    JSON = "json"


class Document(NamedTuple):
    """One document of a feed: the closed archive *number* (from 1, the oldest), or the newest."""

    topic: Topic
    format: Format
    number: int | None = None


# What stands before the ending, and the path of the newest JSON, which is called feed.json where a page of that name is not in the way.
_STEMS: Mapping[About, tuple[str, str]] = MappingProxyType(
    {
        About.EVERYTHING: ("/history", "/feed.json"),
        About.DEGRADED: ("/history/degraded", "/history/degraded.json"),
        About.PARTIAL: ("/history/partial", "/history/partial.json"),
        About.MAJOR: ("/history/major", "/history/major.json"),
        About.MAINTENANCE: ("/maintenance", "/maintenance.json"),
        About.SERVICE: ("/services/{id}/history", "/services/{id}/feed.json"),
        About.SERVICE_MAINTENANCE: ("/services/{id}/maintenance", "/services/{id}/maintenance.json"),
        About.GROUP: ("/groups/{id}/history", "/groups/{id}/feed.json"),
    }
)

_FORMS = tuple((about, form, is_archive) for is_archive in (False, True) for about in About for form in Format)


def stem(topic: Topic) -> str:
    """What the paths of its documents begin with; it also tells one feed from another in ids."""
    return _STEMS[topic.about][0].replace("{id}", topic.of)


def path_of(document: Document) -> str:
    """Where *document* is."""
    topic, form, number = document
    return _pattern(topic.about, form, is_archive=number is not None).replace("{id}", topic.of).replace("{number}", str(number))


@lru_cache(maxsize=512)
def document_at(path: str) -> Document | None:
    """Which document may be at *path*; None where no feed is. Whether there is such a service or archive is another question."""
    for about, form, wanted in _wanted():
        if (found := wanted.fullmatch(path)) is not None:
            told = found.groupdict()
            return Document(Topic(about, told.get("id", "")), form, int(told["number"]) if "number" in told else None)
    return None


@cache
def patterns() -> tuple[str, ...]:
    """Every path there is, with ``{id}`` for a service or a group and ``{number}`` for an archive."""
    return tuple(_pattern(about, form, is_archive=is_archive) for about, form, is_archive in _FORMS)


def _pattern(about: About, form: Format, *, is_archive: bool) -> str:
    before, newest = _STEMS[about]
    if is_archive:
        return f"{before}/archive/{{number}}.{form}"
    return newest if form is Format.JSON else f"{before}.{form}"


@cache
def _wanted() -> tuple[tuple[About, Format, re.Pattern[str]], ...]:
    return tuple((about, form, _compiled(_pattern(about, form, is_archive=is_archive))) for about, form, is_archive in _FORMS)


def _compiled(pattern: str) -> re.Pattern[str]:
    escaped = re.escape(pattern).replace(r"\{id\}", "(?P<id>[^/]+)").replace(r"\{number\}", "(?P<number>[1-9][0-9]{0,6})")
    return re.compile(escaped)
