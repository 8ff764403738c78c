"""What feeds say beside their entries: where the archives are (RFC 5005), and what holds no longer (RFC 6721)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from lxml import etree

HISTORY = "http://purl.org/syndication/history/1.0"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
_ATOM = "{http://www.w3.org/2005/Atom}"


class Tombstone(NamedTuple):
    """An entry that holds no longer, since when and why."""

    id: str
    when: datetime
    why: str


class Link(NamedTuple):
    """Where another document of the same feed is."""

    rel: str
    href: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """An extension, as feedgen calls one. *is_archive* says that nothing will be added to this document."""

    is_archive: bool
    links: Sequence[Link]
    tombstones: Sequence[Tombstone]

    def extend_ns(self) -> dict[str, str]:
        """Name what is used."""
        return {"fh": HISTORY} | ({"at": TOMBSTONES} if self.tombstones else {})

    def extend_rss(self, feed: etree._Element) -> etree._Element:
        """Put them into the channel. RSS has no word for an entry that is taken back."""
        self._put(feed[0], f"{_ATOM}link")
        return feed

    def extend_atom(self, feed: etree._Element) -> etree._Element:
        """Put them before the entries."""
        self._put(feed, "link")  # feedgen names Atom's own elements without their namespace
        for id_, when, why in self.tombstones:
            gone = etree.SubElement(feed, f"{{{TOMBSTONES}}}deleted-entry", ref=id_, when=when.isoformat())
            etree.SubElement(gone, f"{{{TOMBSTONES}}}comment").text = why
        return feed

    def _put(self, parent: etree._Element, link: str) -> None:
        if self.is_archive:
            etree.SubElement(parent, f"{{{HISTORY}}}archive")
        for rel, href, kind in self.links:
            etree.SubElement(parent, link, rel=rel, href=href, type=kind)
