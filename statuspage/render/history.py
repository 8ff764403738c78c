"""What a page of the past is drawn from: months with what happened in them, and the way from one to another."""

from collections.abc import Mapping, Sequence
from datetime import date

from statuspage.archive import Archive, Asked, address, by_year
from statuspage.page import Page

MOST_LETTERS = 320
"""Letters of an update that a list of incidents repeats; the incident's own page has them all."""


def told(page: Page, asked: Asked, archives: Sequence[Archive], months: Sequence[date]) -> Mapping[str, object]:
    """What the template needs beside the surroundings: *archives*, newest first, and *months* to go to.

    A month's ledger is published for as long as the figures of its service are kept.
    """
    services = {one.id: one for group in page.groups for one in group.services}
    ledgers = {
        (one.id, month.first): f"/services/{one.id}/ledger/{month.word}"
        for one in services.values()
        if one.level
        for month in one.level.months
    }
    return {
        "asked": asked,
        "service": None if asked.service is None else services[asked.service],
        "archives": archives,
        "years": by_year(months),
        "ledgers": ledgers,
        "address": address,
    }


def excerpt(text: str) -> str:
    """The beginning of a text in one line, cut between words where it is long."""
    line = " ".join(text.split())
    if len(line) <= MOST_LETTERS:
        return line
    begun = line[: MOST_LETTERS + 1]
    return f"{begun.rpartition(' ')[0] or begun[:-1]} …"
