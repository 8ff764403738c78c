"""What a page of the mirror says otherwise than the page that is served: what it cannot do leads to the live site.

A link to something that the mirror does not hold becomes a link to the site, and a form, which needs a server, a link to the page on
which it stands. All else is byte for byte what the public listener gives.
"""

import re
from collections.abc import Collection, Iterator
from functools import cache

from markupsafe import Markup, escape

from statuspage.bundled import templates
from statuspage.picture.marking import marked
from statuspage.render.finished import Finished, finish
from statuspage.render.tongue import ENGLISH, Tongue, tongue_of

ELSEWHERE = marked("%(form)s (on our live site)")
CONTINUED = marked("Continue on our live site")

# Our own templates write every tag; whatever people write is escaped, so that neither expression ever meets their words.
_LINK = re.compile(rb'(?<= )(?P<name>href|src|action)="(?P<path>/(?!/)[^"]*)"')
_LANGUAGE = re.compile(rb'<html lang="([A-Za-z-]{2,20})"')
_BUTTON = re.compile(rb"<button\b[^>]*>([^<>]+)</button>")
_FORM = re.compile(rb"<form\b[^>]*>.*?</form>", re.DOTALL)


_LEADING = {"text/html", "application/rss+xml", "application/atom+xml", "application/feed+json", "application/xml"}


@cache
def _whole(site: str) -> re.Pattern[bytes]:
    """A whole address on *site*, as feeds give them."""
    return re.compile(re.escape(site.encode()) + rb"(/[\w./-]*)(?=[\"<#])")


def tongue_of_page(body: bytes) -> Tongue:
    """The language that a page is in, as it says itself."""
    found = _LANGUAGE.search(body)
    return ENGLISH if found is None else tongue_of(found[1].decode(), templates() / "languages")


def is_page(finished: Finished) -> bool:
    """Whether it is for people to look at."""
    return finished.content_type.startswith("text/html")


def links(finished: Finished, site: str) -> Iterator[str]:
    """Where a page or a feed leads within *site*: paths, as the listener is asked for them; none with a query, which no file answers."""
    kind = finished.content_type.partition(";")[0]
    for found in _LINK.finditer(finished.body) if is_page(finished) else ():
        if (path := _path(found["path"])) is not None:
            yield path
    if kind in _LEADING:
        yield from (found[1].decode() for found in _whole(site).finditer(finished.body))


def led_home(finished: Finished, path: str, held: Collection[str], site: str) -> Finished:
    """The page at *path* for a mirror that holds the paths *held*; *site* is the live site's address. Where it can be, the very same."""
    if not is_page(finished):
        return finished
    live = str(escape(site)).encode()

    def led(found: re.Match[bytes]) -> bytes:
        return found[0] if _path(found["path"]) in held else b'%b="%b%b"' % (found["name"], live, found["path"])

    tongue, there = tongue_of_page(finished.body), live + str(escape(path)).encode()

    def linked(found: re.Match[bytes]) -> bytes:
        if b" data-here " in found[0].partition(b">")[0]:
            return b""  # it is about what stands beside it, and would only lead back here
        return b'<p class="elsewhere"><a href="%b">%b</a></p>' % (there, _name_of(found[0], tongue))

    body = _LINK.sub(led, _FORM.sub(linked, finished.body))
    return finished if body == finished.body else finish(body, finished.content_type)


def _name_of(form: bytes, tongue: Tongue) -> bytes:
    """What a form would do, by the words on its button."""
    button = _BUTTON.search(form)
    if button is None:
        return tongue.said(CONTINUED).encode()
    label = Markup(button[1].decode())  # noqa: S704 - taken from a page of ours, where it is escaped
    return str(escape(tongue.said(ELSEWHERE)) % {"form": label}).encode()


def _path(link: bytes) -> str | None:
    """The path that *link* means, without the place on the page; None where it has a query."""
    return None if b"?" in link else link.partition(b"#")[0].decode()
