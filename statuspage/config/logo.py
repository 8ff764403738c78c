"""Signs for the head of a page. They come from a file that somebody drew elsewhere: what could do anything but be seen is refused."""

from hashlib import sha256
from typing import NamedTuple

from statuspage.config.drawing import NoDrawing, drawn

MOST_BYTES = 128 * 1024

_PNG = b"\x89PNG\r\n\x1a\n"


class BadLogo(Exception):
    """The file cannot be a logo; the message says why and how to mend it."""


class Logo(NamedTuple):
    """A picture that can be shown: where it stands on the page's own listener, its bytes, its kind."""

    path: str
    body: bytes
    content_type: str


def logo_of(body: bytes) -> Logo:
    """Take *body* for a logo: a PNG as it is, an SVG written anew. Errors: BadLogo."""
    if len(body) > MOST_BYTES:
        raise BadLogo(f"is larger than {MOST_BYTES >> 10} KiB; make it smaller")
    if body.startswith(_PNG):
        return _named(body, "png", "image/png")
    try:
        return _named(drawn(body), "svg", "image/svg+xml")
    except NoDrawing as error:
        raise BadLogo(str(error)) from error


def _named(body: bytes, suffix: str, kind: str) -> Logo:
    return Logo(f"/assets/logo-{sha256(body).hexdigest()[:12]}.{suffix}", body, kind)
