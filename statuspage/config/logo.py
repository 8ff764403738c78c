"""Signs for the head of a page. They come from a file that somebody drew elsewhere: what could do anything but be seen is refused."""

import re
from hashlib import sha256
from typing import NamedTuple
from xml.etree import ElementTree as ET

MOST_BYTES = 128 * 1024

_PNG = b"\x89PNG\r\n\x1a\n"
_SVG = "{http://www.w3.org/2000/svg}"
_ACTIVE = frozenset({"script", "foreignObject", "iframe", "object", "embed", "audio", "video", "handler", "set", "animate"})
_ELSEWHERE = re.compile(r"(?:url\(\s*['\"]?\s*(?!#|data:image/(?:png|jpeg);)|@import|javascript:|https?:|//)", re.IGNORECASE)


class BadLogo(Exception):
    """The file cannot be a logo; the message says why and how to mend it."""


class Logo(NamedTuple):
    """A picture that can be shown: where it stands on the page's own listener, its bytes, its kind."""

    path: str
    body: bytes
    content_type: str


def logo_of(body: bytes) -> Logo:
    """Take *body* for a logo. Errors: BadLogo."""
    if len(body) > MOST_BYTES:
        raise BadLogo(f"is larger than {MOST_BYTES >> 10} KiB; make it smaller")
    kind, suffix = ("image/png", "png") if body.startswith(_PNG) else ("image/svg+xml", "svg")
    if suffix == "svg":
        _demand_harmless(body)
    return Logo(f"/assets/logo-{sha256(body).hexdigest()[:12]}.{suffix}", body, kind)


def _demand_harmless(body: bytes) -> None:
    if b"<!" in re.sub(rb"<!--.*?-->", b"", body, flags=re.DOTALL):
        raise BadLogo("declares a document type or entities; save it as plain SVG, without them")
    try:
        root = ET.fromstring(body)  # noqa: S314 - no entities are left that could grow
    except (ET.ParseError, ValueError, LookupError) as error:
        raise BadLogo("is neither a PNG nor an SVG; save it as one of them") from error
    if root.tag != f"{_SVG}svg":
        raise BadLogo("is neither a PNG nor an SVG; save it as one of them")
    for element in root.iter():
        if element.tag.rpartition("}")[2] in _ACTIVE:
            raise BadLogo("holds more than a drawing (scripts, foreign parts or motion); save it as plain SVG")
        _demand_quiet(element)


def _demand_quiet(element: ET.Element) -> None:
    for name, value in element.attrib.items():
        plain = name.rpartition("}")[2].lower()
        is_led_away = plain in {"href", "src"} and not value.strip().startswith(("#", "data:image/png;", "data:image/jpeg;"))
        if plain.startswith("on") or is_led_away or (plain == "style" and _ELSEWHERE.search(value)):
            raise BadLogo("acts by itself or fetches something from elsewhere; save it as plain SVG with everything inside")
    if element.tag.rpartition("}")[2] == "style" and _ELSEWHERE.search(element.text or ""):
        raise BadLogo("fetches something from elsewhere; save it as plain SVG with everything inside")
