"""Advisories at the desk: the list, the form that shows what readers will see, and a page for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from aiohttp import web
from sqlalchemy import Connection

from statuspage.picture import board
from statuspage.picture.advisories import Bulletin
from statuspage.render.timeline import Line, tell
from statuspage.store import queries
from statuspage.store.advisory_rows import newest_bulletins, read_bulletins
from statuspage.web.attempts import NO_FAULTS, Obstacle
from statuspage.web.desk import DESK
from statuspage.web.problems import Rejected
from statuspage.web.pushed import Pushed, pushed_of_advisory
from statuspage.web.screens import screen
from statuspage.web.warned import row, rows

FORMS = ("updates", "move", "withdraw")
"""What may be done to an advisory, each by a form of that name."""

NO_TEXTS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What had been typed into a form, so that nothing is typed twice; *names* and *bodies* are by language."""

    names: Mapping[str, str] = field(default_factory=lambda: NO_TEXTS)
    bodies: Mapping[str, str] = field(default_factory=lambda: NO_TEXTS)
    starts: str = ""
    ends: str = ""
    services: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What somebody tried to do by the form *form*: what was typed, and what stood in the way."""

    form: str
    typed: Typed = field(default_factory=Typed)
    obstacle: Obstacle | None = None

    @property
    def faults(self) -> Mapping[str, tuple[str, ...]]:
        """What is wrong with each field."""
        return self.obstacle.faults if self.obstacle else NO_FAULTS

    @property
    def status(self) -> int:
        """What the answer says of it."""
        return self.obstacle.status if self.obstacle else 200


async def show_advisories(request: web.Request) -> web.Response:
    """Draw what holds or is to come, and what was over last."""
    desk = request.app[DESK]
    found = rows(desk, await desk.store.read(newest_bulletins))
    lasting = [one for one in found if one.ended_at is None]
    over = sorted((one for one in found if one.ended_at is not None), key=lambda one: (one.ended_at or one.starts, one.id), reverse=True)
    return screen(request, "advisories.html", lasting=lasting, over=over)


async def show_publish(request: web.Request) -> web.Response:
    """Draw the form that publishes one."""
    return publish_page(request, Attempt(form="publish"))


def publish_page(request: web.Request, attempt: Attempt, preview: Bulletin | None = None) -> web.Response:
    """Draw the form with what had been typed, what stood in the way, and the *preview* of what readers will see."""
    desk = request.app[DESK]
    return screen(
        request,
        "warn.html",
        status=attempt.status,
        services=board.service_rows(desk.pipeline.situation, desk.language),
        languages=languages(request),
        attempt=attempt,
        obstacle=attempt.obstacle,
        preview=preview,
        row=row(desk, preview) if preview else None,
    )


def languages(request: web.Request) -> Sequence[str]:
    """What can be written in, the site's own first."""
    return [voice.language for voice in request.app[DESK].voices]


async def show_advisory(request: web.Request) -> web.Response:
    """Draw one, also one that is over, with what may be done to it."""
    return await advisory_page(request)


async def advisory_page(request: web.Request, attempt: Attempt | None = None) -> web.Response:
    """Draw it with what stood in the way of an act and what had been typed for it. Errors: Rejected 404."""
    desk, id_ = request.app[DESK], request.match_info["id"]
    known = desk.pipeline.situation.topology.services

    def read(connection: Connection) -> tuple[Bulletin, list[Line], Pushed]:
        found = read_bulletins(connection, [id_])
        if not found:
            raise Rejected(404, "There is no advisory with this id.")
        told = (tell(entry.event) for entry in queries.journal_of_advisory(connection, id_))
        record = pushed_of_advisory(connection, found[0].advisory, known)
        return found[0], [line for line in told if line is not None], record

    bulletin, timeline, record = await desk.store.read(read)
    return screen(
        request,
        "advisory.html",
        status=attempt.status if attempt else 200,
        advisory=bulletin.advisory,
        row=row(desk, bulletin),
        timeline=timeline[::-1],
        record=record,
        languages=languages(request),
        attempts={form: attempt if attempt and attempt.form == form else Attempt(form=form) for form in FORMS},
        obstacle=attempt.obstacle if attempt else None,
    )
