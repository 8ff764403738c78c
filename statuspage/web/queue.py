"""The queue at the console: what is open, what the probes say, what customers reported, in a page whose part that changes renews itself."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta

from aiohttp import hdrs, web
from markupsafe import Markup
from sqlalchemy import Connection

from statuspage.picture import board
from statuspage.picture.page import Story
from statuspage.picture.spending import spending
from statuspage.store import callers, queries, reports
from statuspage.store.reports import Heard
from statuspage.web.desk import DESK, Desk
from statuspage.web.ladders import unmanned
from statuspage.web.screens import screen
from statuspage.web.warned import lasting
from statuspage.web.window_rows import at_work

LATELY = timedelta(hours=1)
"""Within which reports of customers stand on the queue."""


async def show_queue(request: web.Request) -> web.Response:
    """Draw the whole page: what is open, what the probes say, what was closed lately."""
    drawn, reported = await _board(request.app[DESK])
    live = await _live(request, drawn, reported)
    return screen(request, "queue.html", board=drawn, live=Markup(live.decode()), version=_version(live))  # noqa: S704 - our own page


async def show_live(request: web.Request) -> web.Response:
    """Draw the part that changes; 304 where it did not."""
    live = await _live(request, *await _board(request.app[DESK]))
    version = _version(live)
    if request.headers.get(hdrs.IF_NONE_MATCH) == version:
        return web.Response(status=304, headers={hdrs.ETAG: version})
    return web.Response(body=live, content_type="text/html", charset="utf-8", headers={hdrs.ETAG: version})


async def _board(desk: Desk) -> tuple[board.Board, Sequence[Heard]]:
    """What the probes say, and what customers reported of late."""
    now = desk.now()
    current = [one for one in desk.pipeline.situation.incidents.values() if one.is_open]

    def read(connection: Connection) -> tuple[Sequence[Story], Sequence[Heard], Mapping[str, int]]:
        return queries.stories(connection), reports.heard(connection, now - LATELY), callers.count_by_incident(connection, current)

    stories, reported, called = await desk.store.read(read)
    found = board.warned(desk.pipeline.situation, desk.pipeline.latest, desk.trends())
    drawn = board.build(
        desk.pipeline.situation,
        stories,
        now,
        found,
        spending(desk.levels()),
        language=desk.language,
        scale=desk.scale(),
        callers=called,
    )
    return drawn, reported


async def _live(request: web.Request, drawn: board.Board, reported: Sequence[Heard]) -> bytes:
    desk = request.app[DESK]
    waiting, windows = len(desk.pipeline.situation.proposals), at_work(desk)
    return _bytes_of(
        screen(
            request,
            "live.html",
            board=drawn,
            windows=windows,
            waiting=waiting,
            mirror=desk.mirror(),
            reported=named(desk, reported),
            warned=await lasting(desk),
            unmanned=unmanned(desk),
        )
    )


def named(desk: Desk, reported: Sequence[Heard]) -> list[tuple[str, Heard]]:
    """What customers reported, each with what its service is called."""
    situation = desk.pipeline.situation
    return [(board.service_name(situation, one.service, desk.language), one) for one in reported]


def _bytes_of(response: web.Response) -> bytes:
    """Return the body of a page that was just drawn."""
    if not isinstance(response.body, bytes):
        raise TypeError("a drawn page is bytes")
    return response.body


def _version(live: bytes) -> str:
    return f'"{hashlib.sha256(live).hexdigest()[:24]}"'
