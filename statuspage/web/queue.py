"""The queue at the console: what is open, what the probes say, what customers reported, in a page whose part that changes renews itself."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Generic, TypeVar

from aiohttp import hdrs, web
from markupsafe import Markup
from sqlalchemy import Connection

from incidents.model import Situation, Status
from statuspage.picture import board
from statuspage.picture.board import ServiceRow
from statuspage.picture.components import ComponentRow
from statuspage.picture.page import Story
from statuspage.picture.spending import spending
from statuspage.store import callers, queries, reports
from statuspage.store.reports import Heard
from statuspage.web.desk import DESK, Desk
from statuspage.web.ladders import asleep, unmanned
from statuspage.web.reach import Reach, concerned, is_seen, reach_of
from statuspage.web.screens import screen
from statuspage.web.warned import lasting
from statuspage.web.window_rows import at_work

R = TypeVar("R", ServiceRow, ComponentRow)

LATELY = timedelta(hours=1)
"""Within which reports of customers stand on the queue."""

IN_FULL = 50
"""Incidents, services and components that are drawn in full: nobody reads more at a time, and everybody waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortened(Generic[R]):
    """Those of many that are *shown*, how many are *left*, and whether all of those are known to work."""

    shown: Sequence[R]
    left: int
    is_rest_well: bool


def shortened(rows: Sequence[R]) -> Shortened[R]:
    """All of a few in their order; of many those that do not work."""
    if len(rows) <= IN_FULL:
        return Shortened(shown=rows, left=0, is_rest_well=True)
    unwell = [row for row in rows if row.status is not Status.OPERATIONAL]
    return Shortened(shown=unwell[:IN_FULL], left=len(rows) - len(unwell[:IN_FULL]), is_rest_well=len(unwell) <= IN_FULL)


async def show_queue(request: web.Request) -> web.Response:
    """Draw the whole page: what is open, what the probes say, what was closed lately."""
    drawn, reported = await board_for(request)
    live = await _live(request, drawn, reported)
    return screen(request, "queue.html", board=drawn, live=Markup(live.decode()), version=version_of(live))  # noqa: S704 - our own page


async def show_live(request: web.Request) -> web.Response:
    """Draw the part that changes; 304 where it did not."""
    return unless_known(request, await _live(request, *await board_for(request)))


def unless_known(request: web.Request, live: bytes) -> web.Response:
    """Give *live*; 304 where whoever asks has it."""
    version = version_of(live)
    if request.headers.get(hdrs.IF_NONE_MATCH) == version:
        return web.Response(status=304, headers={hdrs.ETAG: version})
    return web.Response(body=live, content_type="text/html", charset="utf-8", headers={hdrs.ETAG: version})


async def board_for(request: web.Request) -> tuple[board.Board, Sequence[Heard]]:
    """What the probes say, as far as it is for whoever asks, and what customers reported of late."""
    desk, reach = request.app[DESK], reach_of(request)
    now = desk.now()
    current = [one for one in desk.pipeline.situation.incidents.values() if one.is_open]

    known = desk.stories()

    def read(connection: Connection) -> tuple[Sequence[Story], Sequence[Heard], Mapping[str, int]]:
        stories = queries.stories(connection) if known is None else known
        return stories, reports.heard(connection, now - LATELY), callers.count_by_incident(connection, current)

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
    own = [one for one in reported if reach.holds([one.service])]
    return drawn if reach.is_whole else _cut(drawn, reach, desk.pipeline.situation), own


def _cut(drawn: board.Board, reach: Reach, situation: Situation) -> board.Board:
    """*drawn* without the components and monitors of other teams; what is to be said of incidents is for everybody."""
    watched = situation.topology.monitors
    parts = {id_ for id_ in situation.topology.components if is_seen(reach, situation, id_)}
    own = {id_ for id_, monitor in watched.items() if monitor.component in parts}
    return replace(
        drawn,
        components=tuple(one for one in drawn.components if one.id in parts),
        cautions=tuple(one for one in drawn.cautions if one.component in parts),
        rejected=tuple(one for one in drawn.rejected if one.id in own),
        impaired=tuple(one for one in drawn.impaired if one.id in own),
        still=tuple(one for one in drawn.still if one.id in own),
        warnings=tuple(one for one in drawn.warnings if one.monitor in own),
    )


async def _live(request: web.Request, drawn: board.Board, reported: Sequence[Heard]) -> bytes:
    desk = request.app[DESK]
    waiting, windows = len(desk.pipeline.situation.proposals), at_work(desk)
    out_of_reach = _out_of_reach(reach_of(request), desk.pipeline.situation, drawn)
    return bytes_of(
        screen(
            request,
            "live.html",
            board=drawn,
            windows=windows,
            waiting=waiting,
            mirror=desk.mirror(),
            backups=desk.backups(),
            reported=named(desk, reported),
            warned=await lasting(desk),
            unmanned=unmanned(desk),
            unreviewed=[row for row in drawn.queue if row.waits_at_gate and row.id not in out_of_reach],
            asleep=await asleep(desk),
            in_full=IN_FULL,
            out_of_reach=out_of_reach,
            services=shortened(drawn.services),
            components=shortened(sorted(drawn.components, key=lambda row: row.status is Status.OPERATIONAL)),
        )
    )


def _out_of_reach(reach: Reach, situation: Situation, drawn: board.Board) -> frozenset[str]:
    """Incidents whose cards are not for whoever asks."""
    rows = () if reach.is_whole else (*drawn.queue, *drawn.closed)
    return frozenset(row.id for row in rows if not reach.holds(_concerned(row, situation)))


def _concerned(row: board.QueueRow, situation: Situation) -> frozenset[str]:
    found = situation.incidents.get(row.id)
    return frozenset(hit.service for hit in row.hits) if found is None else concerned(found, situation.topology)


def named(desk: Desk, reported: Sequence[Heard]) -> list[tuple[str, Heard]]:
    """What customers reported, each with what its service is called."""
    situation = desk.pipeline.situation
    return [(board.service_name(situation, one.service, desk.language), one) for one in reported]


def bytes_of(response: web.Response) -> bytes:
    """Return the body of a page that was just drawn."""
    if not isinstance(response.body, bytes):
        raise TypeError("a drawn page is bytes")
    return response.body


def version_of(live: bytes) -> str:
    """What tells one drawing from another, as an entity tag."""
    return f'"{hashlib.sha256(live).hexdigest()[:24]}"'
