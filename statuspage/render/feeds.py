"""RSS 2.0 and Atom 1.0 (RFC 4287): one entry per public update, written once and never again unless its text is corrected.

A reader tells entries apart by their ids. They are tag URIs (RFC 4151) under an authority and a date that never change, so that neither
a new address nor a restored backup makes old news new. What no longer fits into the newest document is in archives (RFC 5005, section 4):
whoever was away follows the links back to where they stopped.
"""

import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator

from statuspage.picture.marking import Reader, localised
from statuspage.picture.news import About, Said, Strand, Tail, Topic, Warned
from statuspage.picture.page import Page
from statuspage.render import advisories
from statuspage.render.addresses import Document, Format, path_of, stem
from statuspage.render.kept import Kept
from statuspage.render.marks import Link, Marks, Tombstone
from statuspage.render.said import removed
from statuspage.render.tongue import Tongue

KINDS = {Format.RSS: "application/rss+xml", Format.ATOM: "application/atom+xml", Format.JSON: "application/feed+json"}

_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

# What XML 1.0 forbids (section 2.2), the control characters that it merely discourages, and the marks that turn the reading direction
# of whatever a reader shows next to the text.
_UNFIT = re.compile("[^\t\n\\x20-\\x7e\\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One public update. *updated* moves only when its text was corrected or withdrawn.

    *title_in* and *body_in* are the languages that they are in; empty where that is the feed's.
    """

    id: str
    title: str
    body: str
    link: str
    published: datetime
    updated: datetime
    title_in: str = ""
    body_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """All that one document of a feed says, newest first. Two equal ones give the same bytes.

    *number* is that of a closed archive, None in the newest document; *previous* the archive just before it (None: there is none).
    *home* is the path of the page that it is about.
    """

    id: str
    topic: Topic
    number: int | None
    previous: int | None
    home: str
    title: str
    description: str
    url: str
    language: str
    author: str
    email: str | None
    updated: datetime
    entries: tuple[Entry, ...]
    tombstones: tuple[Tombstone, ...] = ()

    @classmethod
    def newest(cls, page: Page, tongue: Tongue, topic: Topic, tail: Tail, since: datetime, entry: "Draw | None" = None) -> "Feed":
        """Tell the newest of what was said about *topic*. Its date is that of the words, or *since* where there are none yet.

        *entry* draws one, or has it already.
        """
        entries = tuple((entry or _entry)(page, one, tongue) for one in reversed(tail.said))
        made = cls._made(page, tongue, topic, tail.said, entries, since, number=None, previous=tail.archives or None)
        gone = tuple(tombstone for one in reversed(tail.withdrawn) for tombstone in _tombstones(page, one))
        return replace(made, tombstones=(*made.tombstones, *gone), updated=max((made.updated, *(one.when for one in gone))))

    @classmethod
    def archived(cls, page: Page, tongue: Tongue, topic: Topic, said: Sequence[Said], number: int, *, since: datetime) -> "Feed":
        """Tell what is *said* in the closed archive *number*. Nothing that is said later changes it, but where it corrects these words.

        Its date is *since* where all of them are about services that the page does not show any more.
        """
        entries = tuple(_entry(page, one, tongue) for one in reversed(said))
        return cls._made(page, tongue, topic, said, entries, since, number=number, previous=number - 1 or None)

    @classmethod
    def _made(
        cls,
        page: Page,
        tongue: Tongue,
        topic: Topic,
        said: Sequence[Said],
        entries: tuple[Entry, ...],
        since: datetime,
        *,
        number: int | None,
        previous: int | None,
    ) -> "Feed":
        home, title, about = _about(page, topic, tongue)
        return cls(
            id=f"{_tag(page)}:{page.root}{stem(topic)}".replace(":/", ":"),
            topic=topic,
            number=number,
            previous=previous,
            home=home,
            title=fit(title),
            description=fit(about),
            url=f"{page.site.url}{page.root}",
            language=page.language,
            author=fit(page.site.name),
            email=page.site.support.get("email"),
            updated=max((entry.updated for entry in entries), default=since),
            entries=entries,
            tombstones=tuple(tombstone for one in reversed(said) for tombstone in _tombstones(page, one)),
        )

    def address(self, form: Format, number: int | None) -> str:
        """The whole address of the archive *number*, or of the newest document."""
        return f"{self.url}{path_of(Document(self.topic, form, number))}"


Draw = Callable[[Page, Said, Tongue], Entry]
"""Makes an entry of public words."""


class Feeds:
    """Tells and spells feeds. Each entry is drawn once and kept for as long as a feed has it: one more update costs one more entry."""

    def __init__(self) -> None:
        self._entries = Kept[Entry]()
        self._rss: dict[Entry, _Kept] = {}
        self._atom: dict[Entry, _Kept] = {}

    def newest(self, page: Page, tongue: Tongue, topic: Topic, tail: Tail, since: datetime) -> Feed:
        """Tell the newest of what was said about *topic*: see ``Feed.newest``."""
        self._entries.turn()
        return Feed.newest(page, tongue, topic, tail, since, self._entry)

    def _entry(self, page: Page, said: Said, tongue: Tongue) -> Entry:
        around = (page.site, page.root, page.language, page.authority, page.minted)
        return self._entries.made(_id(page, said.strand, said.subject, said.number), (said, around), lambda _: _entry(page, said, tongue))

    def rss(self, feed: Feed) -> bytes:
        """Spell *feed* as RSS 2.0. Its readers take descriptions for HTML, so text is escaped into it."""
        self._rss = {entry: self._rss.get(entry) or _of_rss(entry) for entry in feed.entries}
        made = _made(feed, Format.RSS)
        made.entry([*self._rss.values()])
        return bytes(made.rss_str(pretty=True))

    def atom(self, feed: Feed) -> bytes:
        """Spell *feed* as Atom 1.0, where content is plain text."""
        self._atom = {entry: self._atom.get(entry) or _of_atom(entry) for entry in feed.entries}
        made = _made(feed, Format.ATOM)
        made.entry([*self._atom.values()])
        return bytes(made.atom_str(pretty=True))


class _Kept(FeedEntry):  # type: ignore[misc]  # feedgen has no types
    """An entry that is drawn once. feedgen asks for its element whenever it spells a feed; lxml then moves it over from the last tree."""

    def __init__(self) -> None:
        super().__init__()
        self.languages: Mapping[str, str] = {}  # of its elements, by their names; empty where it is the feed's
        self._element: object = None

    def rss_entry(self, extensions: bool = True) -> object:  # noqa: FBT001, FBT002 - feedgen's own signature
        if self._element is None:
            self._element = self._marked(super().rss_entry(extensions))
        return self._element

    def atom_entry(self, extensions: bool = True) -> object:  # noqa: FBT001, FBT002 - as above
        if self._element is None:
            self._element = self._marked(super().atom_entry(extensions))
        return self._element

    def _marked(self, element: Any) -> object:  # noqa: ANN401 - lxml's, which has no types either
        for name, language in self.languages.items():
            if language and (found := element.find(name)) is not None:
                found.set(_LANG, language)
        return element


def fit(text: str) -> str:
    """Make *text* fit for XML: line ends are newlines, what XML forbids is gone."""
    return _UNFIT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _made(feed: Feed, form: Format) -> FeedGenerator:
    made = FeedGenerator()
    made.id(feed.id)
    made.title(feed.title)
    made.subtitle(feed.description)
    made.description(feed.description)
    made.author({"name": feed.author} | ({"email": feed.email} if feed.email else {}))
    made.language(feed.language)
    made.generator("statuspage")
    made.updated(feed.updated)  # for RSS this is lastBuildDate; left out, both would be the present
    made.link(href=feed.address(form, feed.number), rel="self", type=KINDS[form])
    made.link(href=f"{feed.url}{feed.home}", rel="alternate", type="text/html")  # the last one becomes RSS's only link
    marks = Marks(is_archive=feed.number is not None, links=_links(feed, form), tombstones=feed.tombstones if form is Format.ATOM else ())
    if marks.links or marks.tombstones:
        made.register_extension("marks", lambda: marks)
    return made


def _links(feed: Feed, form: Format) -> tuple[Link, ...]:
    """The way back through the archives, and from each of them to the newest document."""
    current = (Link("current", feed.address(form, None), KINDS[form]),) if feed.number is not None else ()
    return (*current, Link("prev-archive", feed.address(form, feed.previous), KINDS[form])) if feed.previous else current


def _of_rss(entry: Entry) -> _Kept:
    made = _kept(entry)
    made.pubDate(entry.published)
    made.description(html.escape(entry.body, quote=False).replace("\n", "<br/>"))
    made.languages = {"title": entry.title_in, "description": entry.body_in}
    return made


def _of_atom(entry: Entry) -> _Kept:
    made = _kept(entry)
    made.published(entry.published)
    made.updated(entry.updated)
    made.content(entry.body, type="text")
    made.languages = {"title": entry.title_in, "content": entry.body_in}
    return made


def _kept(entry: Entry) -> _Kept:
    made = _Kept()
    made.id(entry.id)
    made.title(entry.title)
    made.link(href=entry.link, rel="alternate")
    return made


def _about(page: Page, topic: Topic, tongue: Tongue) -> tuple[str, str, str]:
    """The path of the page that a feed of *topic* is about, its title, and what it tells."""
    site, name, _ = page.site.name, _name(page, topic.of), tongue.gettext
    match topic.about:
        case About.EVERYTHING:
            return "/", _("%(site)s – status", site=site), _("Incidents and planned maintenance at %(site)s, and how they go on", site=site)
        case About.DEGRADED:
            return "/", _("%(site)s – incidents", site=site), _("Incidents at %(site)s, and how they go on", site=site)
        case About.PARTIAL:
            about = _("Incidents at %(site)s in which a service was down in part or in whole", site=site)
            return "/", _("%(site)s – partial and major outages", site=site), about
        case About.MAJOR:
            return "/", _("%(site)s – major outages", site=site), _("Incidents at %(site)s in which a whole service was down", site=site)
        case About.MAINTENANCE:
            about = _("Maintenance that is planned at %(site)s, and how it goes on", site=site)
            return "/maintenance", _("%(site)s – planned maintenance", site=site), about
        case About.SERVICE:
            about = _("Incidents and planned maintenance of %(service)s, and how they go on", service=name)
            return f"/services/{topic.of}", f"{site} – {name}", about
        case About.GROUP:
            group = next((one.name for one in page.groups if one.public_id == topic.of and one.name), topic.of)
            about = _("Incidents and planned maintenance of %(service)s, and how they go on", service=group)
            return "/", f"{site} – {group}", about
        case About.SERVICE_MAINTENANCE:
            about = _("Maintenance that is planned for %(service)s, and how it goes on", service=name)
            return f"/services/{topic.of}", _("%(site)s – %(service)s, planned maintenance", site=site, service=name), about
        case _:
            assert_never(topic.about)


def _name(page: Page, service: str) -> str:
    return next((one.name for group in page.groups for one in group.services if one.id == service), service)


_ROOM = {Strand.INCIDENT: "incidents", Strand.MAINTENANCE: "maintenance", Strand.ADVISORY: "advisories"}


def _entry(page: Page, said: Said, tongue: Tongue) -> Entry:
    title, body, *languages = _told(page, said) if said.warned is None else (*_warned(said.warned, page, tongue), "", "")
    title_in, body_in = ("" if language == page.language else language for language in languages)
    return Entry(
        id=_id(page, said.strand, said.subject, said.number),
        title=fit(title).replace("\n", " ").strip() or tongue.gettext("Update"),
        body=removed(said.updated, tongue) if said.is_withdrawn else fit(body),
        link=f"{page.site.url}{page.root}/{_ROOM[said.strand]}/{said.subject}#update-{said.number}",
        published=said.at,
        updated=said.updated,
        title_in=title_in,
        body_in="" if said.is_withdrawn else body_in,
    )


def _told(page: Page, said: Said) -> tuple[str, str, str, str]:
    """The title and the text as readers of *page* get them, and the languages that they are in."""
    reader = Reader(page.language, page.site.language)
    title, title_in = reader.gets(said.title, said.titles, said.language, is_automatic=said.is_automatic)
    body, body_in = reader.gets(said.body, said.bodies, said.language, is_automatic=said.is_automatic)
    return title, body, title_in, body_in


def _warned(warned: Warned, page: Page, tongue: Tongue) -> tuple[str, str]:
    """The title and the text of words about an advisory, in the language of *page*."""
    name, update = localised(warned.name, page.language), warned.update
    title = advisories.title(name, update.turn, tongue, is_notice=warned.is_notice)
    return title, advisories.text(update, tongue, page.language)


def _tombstones(page: Page, said: Said) -> Iterator[Tombstone]:
    """A reader that knows none still finds the entry, saying that it was withdrawn, or the one that says that the work was called off."""
    if said.is_withdrawn:
        yield Tombstone(_id(page, said.strand, said.subject, said.number), said.updated, "withdrawn")
    for number in range(1, said.takes_back + 1):
        yield Tombstone(_id(page, said.strand, said.subject, number), said.at, "cancelled")


def _id(page: Page, strand: Strand, subject: str, number: int) -> str:
    return f"{_tag(page)}:{strand}/{subject}/update/{number}"


def _tag(page: Page) -> str:
    return f"tag:{page.authority},{page.minted.isoformat()}"
