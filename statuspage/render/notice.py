"""A notice that a person puts on pages and feeds that are finished already: bytes in, bytes out, and nothing else is needed.

It stands on top of each page with its time, and says how old what stands below it is. In feeds it is one more entry, under its own id.
"""

import html
import json
import re
import unicodedata
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from lxml import etree
from markupsafe import Markup, escape

from statuspage.picture.marking import marked
from statuspage.render.addresses import Format
from statuspage.render.feeds import fit
from statuspage.render.instants import moment
from statuspage.render.speaking import speakable
from statuspage.render.tongue import Tongue

LONGEST = 5000
LONGEST_TITLE = 120

_UTC = ZoneInfo("UTC")
_ATOM = "{http://www.w3.org/2005/Atom}"
_PLACE = re.compile(rb"<main\b[^>]*>")
_PARAGRAPH = re.compile(r"\n\s*\n")

_NOTICE = Markup("""
<section class="notice" aria-label="{}">
<p class="said-at">{}</p>
{}
<p class="age">{}</p>
</section>""")
_AGE = marked("What stands below was last known to be true on %(at)s, and is not being brought up to date.")
_NOTHING = marked("Nothing else can be told here at the moment.")
_BARE = Markup("""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="stylesheet" href="{style}">
</head>
<body>
<header class="top"><p class="site">{head}</p></header>
<main id="main" tabindex="-1">
<h1 class="unseen">{title}</h1>
{told}
</main>
</body>
</html>
""")


class Notice(NamedTuple):
    """Words that a person put on every page, and when."""

    text: str
    at: datetime


def noticed(text: str, at: datetime) -> Notice:
    """Take *text* as somebody typed it: one form of each letter, no controls, no marks that turn text around. Errors: ValueError."""
    clean = unicodedata.normalize("NFC", fit(str(speakable(text)))).strip()
    if not clean:
        raise ValueError("a notice needs words")
    if len(clean) > LONGEST:
        raise ValueError(f"a notice has {LONGEST} characters at most; this one has {len(clean)}")
    return Notice(clean, at.astimezone(UTC).replace(microsecond=0))


def block(notice: Notice, as_of: datetime | None, tongue: Tongue) -> Markup:
    """The notice as a page has it; *as_of* is how old the rest of the page is, None where there is no rest."""
    paragraphs = (Markup("<p>{}</p>").format(Markup("<br>").join(part.split("\n"))) for part in _PARAGRAPH.split(notice.text))
    said = escape(tongue.said(marked("Notice of %(at)s"))) % {"at": moment(notice.at, _UTC, tongue)}
    age = tongue.said(_NOTHING) if as_of is None else escape(tongue.said(_AGE)) % {"at": moment(as_of, _UTC, tongue)}
    return _NOTICE.format(tongue.gettext("Notice"), said, Markup("\n").join(paragraphs), age)


def on_page(body: bytes, notice: Notice, as_of: datetime, tongue: Tongue) -> bytes:
    """Put *notice* on top of a page. It goes into the part that open pages renew. One without that part stays as it is."""
    found = _PLACE.search(body)
    return body if found is None else body[: found.end()] + str(block(notice, as_of, tongue)).encode() + body[found.end() :]


def bare_page(name: str, style: str, notice: Notice | None, tongue: Tongue) -> bytes:
    """A page that knows nothing but *notice*; *name* is whose page it is, *style* where its stylesheet is."""
    told = Markup("<p>{}</p>").format(tongue.said(_NOTHING)) if notice is None else block(notice, None, tongue)
    title = tongue.gettext("%(site)s status", site=speakable(name))
    head = Markup(tongue.said("<b>%(name)s</b> <span>status</span>")) % {"name": speakable(name)}  # noqa: S704 - our own, from a template
    return str(_BARE.format(head=head, title=title, language=tongue.tag, style=style, told=told)).encode()


def in_feed(body: bytes, form: Format, notice: Notice, prefix: str) -> bytes:
    """Put *notice* before the entries of a feed; *prefix* is what the ids of its entries begin with. Errors: ValueError."""
    id_, title = f"{prefix}:notice/{_instant(notice.at)}", _title(notice)
    match form:
        case Format.JSON:
            told = json.loads(body)
            entry = {"id": id_, "url": told["home_page_url"], "title": title, "content_text": notice.text}
            told["items"] = [{**entry, "date_published": _instant(notice.at)}, *told["items"]]
            return json.dumps(told, ensure_ascii=False, indent=1).encode()
        case Format.ATOM:
            return _in_atom(body, notice, id_, title)
        case Format.RSS:
            return _in_rss(body, notice, id_, title)


def prefix_of(atom: bytes) -> str:
    """What the ids of all entries begin with, by an Atom feed of the site. Errors: ValueError."""
    id_ = _read(atom).findtext(f"{_ATOM}id") or ""
    before, colon, _ = id_.rpartition(":")
    if not colon or not before.startswith("tag:"):
        raise ValueError("the feed has no id that entries could share")
    return before


def _in_atom(body: bytes, notice: Notice, id_: str, title: str) -> bytes:
    feed = _read(body)
    entry = etree.Element(f"{_ATOM}entry")
    for name, text in {"id": id_, "title": title, "published": _instant(notice.at), "updated": _instant(notice.at)}.items():
        etree.SubElement(entry, f"{_ATOM}{name}").text = text
    home = next((link.get("href", "") for link in feed.iterfind(f"{_ATOM}link") if link.get("rel") == "alternate"), "")
    etree.SubElement(entry, f"{_ATOM}link", href=home, rel="alternate")
    etree.SubElement(entry, f"{_ATOM}content", type="text").text = notice.text
    updated = feed.find(f"{_ATOM}updated")
    if updated is not None:
        updated.text = _instant(notice.at)
    _before(feed, entry, f"{_ATOM}entry")
    return _spelled(feed)


def _in_rss(body: bytes, notice: Notice, id_: str, title: str) -> bytes:
    root = _read(body)
    channel = root.find("channel")
    if channel is None:
        raise ValueError("the feed has no channel")
    entry = etree.Element("item")
    told = html.escape(notice.text, quote=False).replace("\n", "<br/>")
    for name, text in {"title": title, "link": channel.findtext("link") or "", "description": told}.items():
        etree.SubElement(entry, name).text = text
    etree.SubElement(entry, "guid", isPermaLink="false").text = id_
    etree.SubElement(entry, "pubDate").text = format_datetime(notice.at)
    built = channel.find("lastBuildDate")
    if built is not None:
        built.text = format_datetime(notice.at)
    _before(channel, entry, "item")
    return _spelled(root)


def _before(parent: etree._Element, entry: etree._Element, name: str) -> None:
    """Put *entry* before the first child called *name*, or at the end."""
    first = parent.find(name)
    parent.insert(len(parent) if first is None else parent.index(first), entry)


def _read(body: bytes) -> etree._Element:
    try:
        return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True))
    except etree.XMLSyntaxError as error:
        raise ValueError(f"the feed cannot be read: {error}") from error


def _spelled(root: etree._Element) -> bytes:
    return etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="UTF-8")


def _title(notice: Notice) -> str:
    line = notice.text.partition("\n")[0]
    return line if len(line) <= LONGEST_TITLE else f"{line[:LONGEST_TITLE].rstrip()}…"


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
