"""Forms on a listener without sessions: read whole or not at all, within a size and a time, and from our own pages alone."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from aiohttp import hdrs, web

from statuspage.picture.marking import marked

MOST_BYTES = 32 * 1024
MOST_FIELDS = 700
PATIENCE = 10.0
"""Seconds that a form may take to arrive."""

KIND = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a form's address answers; the listener adds what every answer of its has."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Unreadable(Exception):
    """A form that is not taken, with the status that says why; the message is a sentence, marked for the catalogues."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


Fields = Mapping[str, Sequence[str]]


async def fields_of(request: web.Request) -> Fields:
    """Read a form's fields, each with all its values. Errors: Unreadable; the listener's own where more comes than any request may have."""
    if request.content_type != KIND:
        raise Unreadable(415, marked("This is not a form of ours."))
    if (request.content_length or 0) > MOST_BYTES:
        raise Unreadable(413, marked("This is more than a form of ours can hold."))
    try:
        async with asyncio.timeout(PATIENCE):
            raw = await request.read()
    except TimeoutError as error:
        raise Unreadable(408, marked("The form did not arrive in time.")) from error
    if len(raw) > MOST_BYTES:
        raise Unreadable(413, marked("This is more than a form of ours can hold."))
    try:
        pairs = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise Unreadable(400, marked("This form cannot be read.")) from error
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def is_from_elsewhere(request: web.BaseRequest, own: str) -> bool:
    """Whether a browser says that another site's page sent the form. *own* is the site's address as readers know it.

    A browser that was asked to tell nobody where its reader comes from says ``null``, and that says nothing.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get(hdrs.ORIGIN, "null")
    parts = urlsplit(own)
    return origin not in {"null", f"{parts.scheme}://{parts.netloc}", f"{request.scheme}://{request.host}"}
