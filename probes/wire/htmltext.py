"""HTML from strangers, read within bounds: a page can be made to take the time or the memory of whoever reads it."""

import re

from lxml import etree, html

from probes.attempt import ProbeFailed
from probes.result import Failure

_MOST = 512 * 1024
"""Bytes of a page, scripts and styles not counted, that are looked at."""
_MOST_TAGS = 10_000
_MOST_ATTRIBUTES = 20_000
_MOST_IN_A_TAG = 100
"""The parser's time grows with the square of the attributes of one tag: 20,000 of them take it a second."""
_CHARSET = re.compile(rb"charset\s{0,9}=\s{0,9}[\"']?(utf-?8|iso-8859-\d{1,2}|windows-125\d|us-ascii)\b", re.IGNORECASE)
_HIDDEN = re.compile(rb"<!--.*?(?:-->|\Z)|<(script|style)(?=[\s/>]).*?(?:</\1\s*+>|\Z)", re.IGNORECASE | re.DOTALL)
_ATTRIBUTE = rb"""[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+))?+"""
_TAG = re.compile(rb"<[A-Za-z][^\s/>]*+((?:%b){0,%d}+)[\s/]*+(>|\Z)?" % (_ATTRIBUTE, _MOST_IN_A_TAG))
_INLINE = frozenset({"a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "mark", "q", "s", "small", "span", "strong", "u"})
"""Tags at which a word goes on."""
_OPENS = re.compile(rb"<(?=[A-Za-z])")
_ATTRIBUTES = re.compile(_ATTRIBUTE)


def read(octets: bytes, content_type: str | None = None) -> html.HtmlElement:
    """Read a page into a tree at most 256 deep, without its scripts, styles and comments; forgiving, as browsers are.

    Nothing at all is an empty page. Runs for up to a tenth of a second where a page is hostile: call it on a thread. Errors: ProbeFailed
    with CONTENT where it cannot be read, with TOO_LARGE where it is more than is looked at.
    """
    charset = _CHARSET.search((content_type or "").encode("latin-1", "replace")) or _CHARSET.search(octets[:2048])
    shown = _HIDDEN.sub(b"", octets.replace(b"\0", b"")).strip() or b"<html></html>"
    _judge(shown)
    text = shown.decode(charset[1].decode() if charset else "utf-8", "replace")
    parser = html.HTMLParser(encoding="utf-8", huge_tree=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        return html.document_fromstring(text.encode(), parser=parser)
    except (etree.LxmlError, LookupError) as error:
        raise ProbeFailed(Failure.CONTENT, f"unreadable as HTML: {error}") from error


def _judge(page: bytes) -> None:
    """Refuse a page that would take too much time or memory. Errors: ProbeFailed.

    Every place where a tag may open is followed as the parser would, so it does not matter which of them are tags in the end.
    """
    if len(page) > _MOST:
        raise ProbeFailed(Failure.TOO_LARGE, f"a page of {len(page)} bytes without its scripts")
    if page.count(b"<") > 2 * _MOST_TAGS:
        raise ProbeFailed(Failure.TOO_LARGE, f"a page of more than {_MOST_TAGS} tags")
    followed = attributes = 0
    for opening in _OPENS.finditer(page):
        tag = _TAG.match(page, opening.start())
        if tag is None or tag[2] is None:
            raise ProbeFailed(Failure.CONTENT, f"unreadable as HTML: more than {_MOST_IN_A_TAG} attributes in one tag")
        followed += len(tag[0])
        attributes += sum(1 for _ in _ATTRIBUTES.finditer(tag[1]))
        if followed > 4 * _MOST or attributes > _MOST_ATTRIBUTES:
            raise ProbeFailed(Failure.TOO_LARGE, f"a page of more than {_MOST_ATTRIBUTES} attributes")


def text(element: html.HtmlElement) -> str:
    """Return what stands in *element*, on one line: blanks where a reader sees a gap, none within a word."""
    parts: list[str] = []
    for event, part in etree.iterwalk(element, events=("start", "end")):
        if part.tag not in _INLINE:
            parts.append(" ")
        if event == "start":
            parts.append(part.text or "")
        elif part is not element:
            parts.append(part.tail or "")
    return " ".join("".join(parts).split())
