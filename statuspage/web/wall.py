"""The queue for a screen on the wall: read from afar, live, and nobody clicks."""

from aiohttp import web
from markupsafe import Markup

from incidents.model import Status
from statuspage.web.desk import DESK
from statuspage.web.ladders import unmanned
from statuspage.web.queue import board_for, bytes_of, named, unless_known, version_of
from statuspage.web.screens import screen

MOST = 8
"""Incidents that find room on a wall, those that matter most."""


async def show_wall(request: web.Request) -> web.Response:
    """Draw the whole page."""
    live = await _live(request)
    return screen(request, "wall.html", live=Markup(live.decode()), version=version_of(live))  # noqa: S704 - our own page


async def show_wall_live(request: web.Request) -> web.Response:
    """Draw the part that changes; 304 where it did not."""
    return unless_known(request, await _live(request))


async def _live(request: web.Request) -> bytes:
    desk = request.app[DESK]
    drawn, reported = await board_for(request)
    unwell = [row for row in drawn.services if row.status is not Status.OPERATIONAL]
    return bytes_of(
        screen(
            request,
            "wall_live.html",
            board=drawn,
            most=MOST,
            unwell=unwell,
            well=len(drawn.services) - len(unwell),
            reported=named(desk, reported),
            unmanned=unmanned(desk),
        )
    )
