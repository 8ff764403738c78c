"""Words of other products, made fit to be ours: one sieve, plain text for markup, nothing longer than our own may be."""

import re
import unicodedata
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlsplit

from probes.text import CUT
from statuspage.render.speaking import speakable
from statuspage.web.typed import LONGEST_LINE, LONGEST_WORDS

_MOST_RAW = 8 * LONGEST_WORDS
"""Letters that are looked at: markup takes several times what it says."""

_TAG = re.compile(r"(<[^<>]*>)")
_NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)")
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""", re.IGNORECASE)
_BLOCKS = frozenset({"p", "div", "br", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "table", "blockquote", "pre", "hr"})
_SILENT = frozenset({"script", "style", "template", "noscript", "head"})
_INLINE = frozenset({"a", "b", "strong", "i", "em", "u", "s", "small", "span", "code", "img", "td", "th", "sub", "sup", "var", "font"})
_GAPS = re.compile(r"\n{3,}")


def line(text: object, most: int = LONGEST_LINE) -> str:
    """*text* on one line, sieved and cut; empty where it is none."""
    if not isinstance(text, str):
        return ""
    return _cut(" ".join(_sieved(unescape(text[:_MOST_RAW])).split()), most)


def words(text: object, most: int = LONGEST_WORDS) -> str:
    """*text* as paragraphs: what is markup becomes plain text with its links written out, the rest stays as it is."""
    if not isinstance(text, str):
        return ""
    raw = text[:_MOST_RAW].replace("\r\n", "\n").replace("\r", "\n")
    lines = _sieved("".join(_read(raw)) if _is_markup(raw) else raw).split("\n")
    return _cut(_GAPS.sub("\n\n", "\n".join(one.strip(" \t") for one in lines)).strip(), most)


def _is_markup(text: str) -> bool:
    return any(name in _BLOCKS | _SILENT | _INLINE for name in _names(text))


def _names(text: str) -> Iterator[str]:
    for tag in _TAG.findall(text):
        if named := _NAME.match(tag):
            yield named[1].lower()


def _read(text: str) -> Iterator[str]:
    """The plain text of markup, piece by piece; what is no tag of HTML stays as it was written."""
    silent, links = "", list[str]()
    for piece in _TAG.split(text):
        named = _NAME.match(piece)
        name, is_end = (named[1].lower() if named else ""), piece.startswith("</")
        if silent:
            silent = "" if is_end and name == silent else silent
        elif not named:
            yield unescape(" ".join(re.split(r"[ \t\n]+", piece)))
        elif name in _SILENT:
            silent = "" if is_end else name
        elif name == "a":
            yield from _link(piece, links, is_end=is_end)
        elif name in _BLOCKS:
            yield ("" if is_end else "\n- ") if name == "li" else "\n" if name in {"br", "tr"} else "\n\n"
        elif name not in _INLINE:
            yield unescape(piece)


def _link(tag: str, links: list[str], *, is_end: bool) -> Iterator[str]:
    """Where a link leads stands behind what it says; what leads nowhere that a reader may go is left out."""
    if is_end:
        target = links.pop() if links else ""
        yield f" ({target})" if target else ""
        return
    found = _HREF.search(tag)
    target = unescape(next((part for part in found.groups() if part), "")) if found else ""
    links.append(target if _leads_somewhere(target) else "")


def _leads_somewhere(target: str) -> bool:
    try:
        return urlsplit(target).scheme in {"http", "https", "mailto"} and not re.search(r"\s", target)
    except ValueError:
        return False


def _sieved(text: str) -> str:
    return unicodedata.normalize("NFC", str(speakable(text)))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + CUT
