"""Advisories at the desk: the list, the form that shows what readers will see, and a page for each."""

from collections.abc import Sequence

from aiohttp import web
from sqlalchemy import Connection

from incidents.advisory import Advisory
from statuspage.picture.advisories import Bulletin
from statuspage.render.timeline import Line, tell
from statuspage.store import queries
from statuspage.store.advisory_rows import newest_bulletins, read_bulletins
from statuspage.web.attempts import Attempt
from statuspage.web.auth import CALLER, Permission
from statuspage.web.desk import DESK
from statuspage.web.problems import Rejected
from statuspage.web.pushed import Pushed, pushed_of_advisory
from statuspage.web.reach import offered, reach_of
from statuspage.web.screens import screen
from statuspage.web.warned import row, rows

FORMS = ("updates", "move", "withdraw")
"""What may be done to an advisory, each by a form of that name."""


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
        services=offered(request, Permission.PLAN),
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
        may_act=request[CALLER].may(Permission.PLAN) and reach_of(request, Permission.PLAN).holds(bulletin.advisory.services),
        row=row(desk, bulletin),
        timeline=timeline[::-1],
        record=record,
        languages=languages(request),
        seen=spelled(bulletin.advisory),
        attempts={form: attempt if attempt and attempt.form == form else Attempt(form=form) for form in FORMS},
        obstacle=attempt.obstacle if attempt else None,
    )


def spelled(advisory: Advisory) -> str:
    """The times that an advisory has, as its form carries them along: so that nobody undoes unseen what somebody else did meanwhile."""
    return f"{advisory.starts.isoformat()}/{advisory.ends.isoformat() if advisory.ends else ''}"
