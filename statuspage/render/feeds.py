"""RSS 2.0 and Atom 1.0 (RFC 4287): one entry per public update, written once and never again unless its text is corrected.

A reader tells entries apart by their ids. They are tag URIs (RFC 4151) under an authority and a date that never change, so that neither
a new address nor a restored backup makes old news new.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator

from statuspage.page import IncidentView, Page, ServiceView, UpdateView
from statuspage.planned import MaintenanceUpdateView, MaintenanceView

MOST_ENTRIES = 50

# What XML 1.0 forbids (section 2.2), the control characters that it merely discourages, and the marks that turn the reading direction
# of whatever a reader shows next to the text.
_UNFIT = re.compile("[^\t\n\\x20-\\x7e\\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One public update. *updated* moves only when its text was corrected or withdrawn."""

    id: str
    title: str
    body: str
    link: str
    published: datetime
    updated: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """All that a feed says, newest first. Two equal ones give the same bytes.

    *path* is its own without the ending, *home* that of the page it is about.
    """

    id: str
    path: str
    home: str
    title: str
    description: str
    url: str
    language: str
    author: str
    email: str | None
    updated: datetime
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, page: Page) -> "Feed":
        """Take the newest entries from *page*; its date is that of the published words, never the present."""
        incidents = [_of_incident(page, view, update) for view in (*page.open, *page.recent) for update in view.updates]
        windows = [_of_window(page, view, update) for view in (*page.planned, *page.past) for update in view.updates if update.is_loud]
        about = f"Incidents and planned maintenance at {page.site.name}, and how they go on"
        return cls._made(
            page, "history", home="/", title="status", description=about, updated=page.feed_updated, entries=[*incidents, *windows]
        )

    @classmethod
    def of_maintenance(cls, page: Page, service: ServiceView | None = None) -> "Feed":
        """Take the newest words about planned work, of one *service* or of all. They sort by when they were said, never by its start."""
        views = [view for view in (*page.planned, *page.past) if service is None or _is_about(service, view)]
        told = [_of_window(page, view, update) for view in views for update in view.updates]
        if service is None:
            name, home, whose, updated = "maintenance", "/maintenance", page.site.name, page.maintenance_updated
        else:
            name, home, whose = f"services/{service.id}/maintenance", f"/services/{service.id}", service.name
            updated = max((entry.updated for entry in told), default=service.created_at)
        title = "planned maintenance" if service is None else f"{service.name}, planned maintenance"
        about = f"Maintenance that is planned at {whose}, and how it goes on"
        return cls._made(page, name, home=home, title=title, description=about, updated=updated, entries=told)

    @classmethod
    def of_service(cls, page: Page, service: ServiceView) -> "Feed":
        """Take the newest words about one service. Until there are any it is as old as the service."""
        incidents = [view for view in (*page.open, *page.recent) if _is_about(service, view)]
        windows = [view for view in (*page.planned, *page.past) if _is_about(service, view)]
        entries = [
            *(_of_incident(page, view, update) for view in incidents for update in view.updates),
            *(_of_window(page, view, update) for view in windows for update in view.updates if update.is_loud),
        ]
        home = f"/services/{service.id}"
        return cls._made(
            page,
            f"{home[1:]}/history",
            home=home,
            title=service.name,
            description=f"Incidents and planned maintenance of {service.name}, and how they go on",
            updated=max((entry.updated for entry in entries), default=service.created_at),
            entries=entries,
        )

    @classmethod
    def _made(
        cls, page: Page, name: str, *, home: str, title: str, description: str, updated: datetime, entries: Sequence[Entry]
    ) -> "Feed":
        return cls(
            id=f"{_tag(page)}:{name}",
            path=f"/{name}",
            home=home,
            title=fit(f"{page.site.name} – {title}"),
            description=fit(description),
            url=page.site.url,
            language=page.site.language,
            author=fit(page.site.name),
            email=page.site.support.get("email"),
            updated=updated,
            entries=_newest(entries),
        )


class Feeds:
    """Spells feeds. Each entry is drawn once and kept for as long as a feed has it: one more update costs one more entry."""

    def __init__(self) -> None:
        self._rss: dict[Entry, _Kept] = {}
        self._atom: dict[Entry, _Kept] = {}

    def rss(self, feed: Feed) -> bytes:
        """Spell *feed* as RSS 2.0. Its readers take descriptions for HTML, so text is escaped into it."""
        self._rss = {entry: self._rss.get(entry) or _of_rss(entry) for entry in feed.entries}
        made = _made(feed, ".rss", "application/rss+xml")
        made.entry([*self._rss.values()])
        return bytes(made.rss_str(pretty=True))

    def atom(self, feed: Feed) -> bytes:
        """Spell *feed* as Atom 1.0, where content is plain text."""
        self._atom = {entry: self._atom.get(entry) or _of_atom(entry) for entry in feed.entries}
        made = _made(feed, ".atom", "application/atom+xml")
        made.entry([*self._atom.values()])
        return bytes(made.atom_str(pretty=True))


class _Kept(FeedEntry):  # type: ignore[misc]  # feedgen has no types
    """An entry that is drawn once. feedgen asks for its element whenever it spells a feed; lxml then moves it over from the last tree."""

    def __init__(self) -> None:
        super().__init__()
        self._element: object = None

    def rss_entry(self, extensions: bool = True) -> object:  # noqa: FBT001, FBT002 - feedgen's own signature
        if self._element is None:
            self._element = super().rss_entry(extensions)
        return self._element

    def atom_entry(self, extensions: bool = True) -> object:  # noqa: FBT001, FBT002 - as above
        if self._element is None:
            self._element = super().atom_entry(extensions)
        return self._element


def fit(text: str) -> str:
    """Make *text* fit for XML: line ends are newlines, what XML forbids is gone."""
    return _UNFIT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _made(feed: Feed, ending: str, kind: str) -> FeedGenerator:
    made = FeedGenerator()
    made.id(feed.id)
    made.title(feed.title)
    made.subtitle(feed.description)
    made.description(feed.description)
    made.author({"name": feed.author} | ({"email": feed.email} if feed.email else {}))
    made.language(feed.language)
    made.generator("statuspage")
    made.updated(feed.updated)  # for RSS this is lastBuildDate; left out, both would be the present
    made.link(href=f"{feed.url}{feed.path}{ending}", rel="self", type=kind)
    made.link(href=f"{feed.url}{feed.home}", rel="alternate", type="text/html")  # the last one becomes RSS's only link
    return made


def _of_rss(entry: Entry) -> _Kept:
    made = _kept(entry)
    made.pubDate(entry.published)
    made.description(html.escape(entry.body, quote=False).replace("\n", "<br/>"))
    return made


def _of_atom(entry: Entry) -> _Kept:
    made = _kept(entry)
    made.published(entry.published)
    made.updated(entry.updated)
    made.content(entry.body, type="text")
    return made


def _kept(entry: Entry) -> _Kept:
    made = _Kept()
    made.id(entry.id)
    made.title(entry.title)
    made.link(href=entry.link, rel="alternate")
    return made


def _is_about(service: ServiceView, view: IncidentView | MaintenanceView) -> bool:
    return any(one.service == service.id for one in view.services)


def _newest(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The newest first. Of one instant that with the longer id is the later one: numbers of updates grow."""
    return tuple(sorted(entries, key=lambda entry: (entry.published, len(entry.id), entry.id), reverse=True)[:MOST_ENTRIES])


def _of_incident(page: Page, view: IncidentView, update: UpdateView) -> Entry:
    return _entry(page, f"incident/{view.id}", f"/incidents/{view.id}", update, update.edited_at or update.at)


def _of_window(page: Page, view: MaintenanceView, update: MaintenanceUpdateView) -> Entry:
    return _entry(page, f"maintenance/{view.id}", f"/maintenance/{view.id}", update, update.at)


def _entry(page: Page, name: str, path: str, update: UpdateView | MaintenanceUpdateView, updated: datetime) -> Entry:
    return Entry(
        id=f"{_tag(page)}:{name}/update/{update.number}",
        title=fit(update.title).replace("\n", " ").strip() or "Update",
        body=fit(update.body),
        link=f"{page.site.url}{path}#update-{update.number}",
        published=update.at,
        updated=updated,
    )


def _tag(page: Page) -> str:
    return f"tag:{page.authority},{page.minted.isoformat()}"
