"""What the public page said at a past instant, for the desk: drawn anew from the record, and framed so that nobody takes it for now."""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from aiohttp import web
from sqlalchemy import Connection

from statuspage.picture.page import IncidentView, Page
from statuspage.render.front import RECENT_DAYS
from statuspage.render.headline import answer
from statuspage.render.instants import day_of
from statuspage.render.tongue import ENGLISH
from statuspage.web.desk import DESK
from statuspage.web.entry import instant_typed
from statuspage.web.problems import Rejected
from statuspage.web.screens import screen

LOOKS: web.AppKey[asyncio.Semaphore] = web.AppKey("LOOKS", asyncio.Semaphore)
"""One look at the past at a time: each goes through the whole journal, and the readers have other work."""

STEPS = (
    ("a day earlier", timedelta(days=-1)),
    ("an hour earlier", timedelta(hours=-1)),
    ("an hour later", timedelta(hours=1)),
    ("a day later", timedelta(days=1)),
)


async def show_past(request: web.Request) -> web.Response:
    """Draw the form, and the page as it was at the instant that ``at`` says: by the desk's clock where it names no zone."""
    typed = request.query.get("at", "").strip()
    if not typed:
        return _blank(request, "")
    try:
        at = _instant(request, typed)
        async with request.app[LOOKS]:
            return await request.app[DESK].store.read(partial(_drawn, request, at))
    except Rejected as rejected:
        return _blank(request, typed, rejected)


def _instant(request: web.Request, typed: str) -> datetime:
    desk = request.app[DESK]
    at = instant_typed(typed, desk.timezone)
    if at is None:
        raise Rejected(422, "This is no instant. Write one such as 2026-03-03T14:05, or 2026-03-03T14:05Z for UTC.")
    if at > desk.now():
        raise Rejected(422, "This lies ahead. What the page will say, nobody knows.")
    return at


def _drawn(request: web.Request, at: datetime, connection: Connection) -> web.Response:
    """Read and draw it, on the reader's own thread. Errors: Rejected 404 where the record does not reach back so far."""
    desk = request.app[DESK]
    page = desk.page_at(connection, at)
    if page is None:
        raise Rejected(404, "Nothing is kept of then: the record begins later.")
    return screen(
        request,
        "as_it_was.html",
        at=at,
        typed=_local(at, desk.timezone),
        trouble=None,
        page=page,
        answer=answer(page, ENGLISH),
        planned=[one for one in page.planned if one.is_told],
        recent=_recent(page),
        steps=[(word, at + step) for word, step in STEPS if at + step <= desk.now()],
    )


def _recent(page: Page) -> list[IncidentView]:
    """What the page told of its last days, as the front page chooses it."""
    zone = ZoneInfo(page.site.timezone)
    first = day_of(page.as_of, zone) - timedelta(days=RECENT_DAYS - 1)
    ended = ((one, one.recovered_at or one.resolved_at) for one in page.recent)
    return [one for one, over in ended if over is not None and day_of(over, zone) >= first]


def _blank(request: web.Request, typed: str, rejected: Rejected | None = None) -> web.Response:
    """The form alone, with what stood in the way and what was typed, as far as the field can hold it."""
    zone, at = request.app[DESK].timezone, instant_typed(typed, request.app[DESK].timezone)
    held = _local(at, zone) if at else typed
    status, trouble = (rejected.status, rejected.detail) if rejected else (200, None)
    return screen(request, "as_it_was.html", status=status, at=None, typed=held, trouble=trouble, page=None)


def _local(at: datetime, zone: str) -> str:
    """As a form's field for day and time has it, to the second; nothing at the ends of the calendar, which are other years there."""
    try:
        return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(timespec="seconds")
    except OverflowError:
        return ""
