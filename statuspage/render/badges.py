"""How one service is, in a few square centimetres of somebody else's page: a picture, and the endpoint that shields.io reads.

Source: the endpoint badge of shields.io (schema version 1).
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from markupsafe import escape

from incidents.model import Status
from statuspage.picture.page import ServiceView
from statuspage.render.speaking import speakable
from statuspage.render.tongue import Tongue
from statuspage.render.words import UNWATCHED_WITHIN, within

SVG = "image/svg+xml; charset=utf-8"

LONGEST = 60
"""Characters of a name on a badge."""

HOLDS_FOR = 300
"""Seconds after which a badge on a page that stays open no longer says how the service is: nobody has asked since."""


class Look(NamedTuple):
    """The colour of a picture, dark enough for white words (WCAG AA), and shields' name for one like it."""

    colour: str
    named: str


LOOKS: Mapping[Status, Look] = MappingProxyType(
    {
        Status.OPERATIONAL: Look("#17663f", "success"),
        Status.DEGRADED: Look("#7d5600", "yellow"),
        Status.PARTIAL: Look("#a3420a", "orange"),
        Status.MAJOR: Look("#b01220", "critical"),
        Status.MAINTENANCE: Look("#2453a6", "blue"),
        Status.UNKNOWN: Look("#575e69", "inactive"),
    }
)

_HEIGHT, _PAD, _LETTER = 20, 8, 6.6
_FONT = "font-family='Verdana,DejaVu Sans,Geneva,sans-serif' font-size='11'"


def svg(service: ServiceView, tongue: Tongue) -> bytes:
    """Draw *service* as a picture without script, style sheet or link. Its words stand in a title too, for who cannot see it.

    A picture cannot ask again, so that it turns grey by itself (SMIL, which runs in an ``img`` too) after HOLDS_FOR.
    """
    name, word, later = _name(service), _word(service, tongue), within(Status.UNKNOWN, tongue)
    left, right = round(len(name) * _LETTER) + 2 * _PAD, round(max(len(word), len(later)) * _LETTER) + 2 * _PAD
    said, colour, grey = escape(f"{name}: {word}"), LOOKS[service.status].colour, LOOKS[Status.UNKNOWN].colour
    texts = _text(name, left / 2) + (
        f"<g>{_text(word, left + right / 2)}{_turns('display', 'none')}</g>"
        f"<g display='none'>{_text(later, left + right / 2)}{_turns('display', 'inline')}</g>"
    )
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{left + right}' height='{_HEIGHT}' role='img' aria-label='{said}'>"
        f"<title>{said}</title>"
        f"<clipPath id='r'><rect width='{left + right}' height='{_HEIGHT}' rx='4'/></clipPath>"
        f"<g clip-path='url(#r)'><rect width='{left}' height='{_HEIGHT}' fill='#3d434d'/>"
        f"<rect x='{left}' width='{right}' height='{_HEIGHT}' fill='{colour}'>{_turns('fill', grey)}</rect></g>"
        f"<g fill='#fff' {_FONT}>{texts}</g></svg>"
    ).encode()


def _text(text: str, middle: float) -> str:
    return f"<text x='{middle}' y='14' text-anchor='middle' textLength='{round(len(text) * _LETTER)}'>{escape(text)}</text>"


def _turns(attribute: str, value: str) -> str:
    return f"<set attributeName='{attribute}' to='{value}' begin='{HOLDS_FOR}s' fill='freeze'/>"


def shields(service: ServiceView, tongue: Tongue) -> bytes:
    """Spell *service* as shields.io's endpoint has it."""
    named = LOOKS[service.status].named
    said = {"schemaVersion": 1, "label": _name(service), "message": _word(service, tongue), "color": named}
    return json.dumps(said, ensure_ascii=False).encode()


def _name(service: ServiceView) -> str:
    name = str(speakable(service.name)).strip() or service.id
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _word(service: ServiceView, tongue: Tongue) -> str:
    if not service.is_watched and service.status is Status.UNKNOWN:
        return tongue.said_in("in a sentence", UNWATCHED_WITHIN)
    return within(service.status, tongue)
