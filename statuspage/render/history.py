"""What a page of the past is drawn from: months with what happened in them, and the way from one to another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from statuspage.picture.advisories import AdvisoryView
from statuspage.picture.archive import Archive, Asked, address, by_year
from statuspage.picture.page import IncidentView, Page
from statuspage.picture.planned import MaintenanceView
from statuspage.picture.search import Query
from statuspage.picture.search import excerpt as found_in

MOST_LETTERS = 320
"""Letters of an update that a list of incidents repeats; the incident's own page has them all."""


def told(page: Page, asked: Asked, archives: Sequence[Archive], months: Sequence[date]) -> Mapping[str, object]:
    """What the template needs beside the surroundings: *archives*, newest first, and *months* to go to."""
    services = {one.id: one for group in page.groups for one in group.services}
    return {
        "asked": asked,
        "service": None if asked.service is None else services[asked.service],
        "archives": archives,
        "years": by_year(months),
        "address": address,
    }


def excerpt(text: str) -> str:
    """The beginning of a text in one line, cut between words where it is long."""
    line = " ".join(text.split())
    if len(line) <= MOST_LETTERS:
        return line
    begun = line[: MOST_LETTERS + 1]
    return f"{begun.rpartition(' ')[0] or begun[:-1]} …"


Pieces = tuple[tuple[str, bool], ...]
"""A line of words in pieces, each with whether it was looked for."""

Found = tuple[Pieces, str]
"""A line and the language that it is in."""

MOST_LINES = 2
"""Lines that are shown of what was found in one incident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found for *words* as the reader typed them: newest first, each with the lines that have them."""

    words: str
    incidents: tuple[tuple[IncidentView, tuple[Found, ...]], ...]
    windows: tuple[tuple[MaintenanceView, tuple[Found, ...]], ...]
    advisories: tuple[tuple[AdvisoryView, tuple[Found, ...]], ...]
    is_more: bool

    @classmethod
    def of(cls, page: Page, query: Query, *, words: str, is_more: bool) -> Self:
        """The answer from a picture that holds what was found and nothing else."""
        incidents = sorted((*page.open, *page.recent), key=lambda view: (view.started_at, view.id), reverse=True)
        windows = sorted((*page.planned, *page.past), key=lambda view: (view.starts, view.id), reverse=True)
        advisories = sorted((*page.advisories, *page.past_advisories), key=lambda view: (view.starts, view.id), reverse=True)
        return cls(
            words=words,
            incidents=tuple((one, _lines(query, _said_of(one))) for one in incidents),
            windows=tuple((one, _lines(query, _told_of(one))) for one in windows),
            advisories=tuple((one, _lines(query, _warned_of(one))) for one in advisories),
            is_more=is_more,
        )


def _said_of(incident: IncidentView) -> Iterable[tuple[str, str]]:
    return ((said.body, said.body_in) for said in incident.updates if not said.redacted)


def _told_of(window: MaintenanceView) -> Iterable[tuple[str, str]]:
    yield window.description, window.description_in
    yield from ((said.body, said.body_in) for said in window.updates)


def _warned_of(advisory: AdvisoryView) -> Iterable[tuple[str, str]]:
    return ((said.body.text, said.body.language or "") for said in advisory.updates)


def _lines(query: Query, texts: Iterable[tuple[str, str]]) -> tuple[Found, ...]:
    """The newest lines that have something of *query*, each once; *texts* come with their languages."""
    found = dict.fromkeys((pieces, language) for text, language in texts if (pieces := found_in(query, text)))
    return tuple(found)[:MOST_LINES]
