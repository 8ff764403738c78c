"""Planned work at the desk: the list, the form that plans more, and a page for each window."""

from datetime import timedelta

from aiohttp import web
from sqlalchemy import Connection

from incidents.maintenance import Maintenance, MaintenanceState
from incidents.planned.windows import LONGEST_HORIZON, horizon
from incidents.words import said
from statuspage.picture.planned import BACK_DAYS
from statuspage.render.timeline import Line, tell
from statuspage.store import queries
from statuspage.store.maintenance_rows import newest_maintenances, read_maintenances
from statuspage.web.attempts import Attempt
from statuspage.web.auth import CALLER, Permission
from statuspage.web.desk import DESK, Desk
from statuspage.web.problems import Rejected
from statuspage.web.pushed import Pushed, pushed_of_window
from statuspage.web.reach import is_seen, offered, reach_of, seen_of, touched
from statuspage.web.screens import screen
from statuspage.web.window_rows import by_start, row

AHEAD = timedelta(days=30)
MOST_OVER = 50
BACK = timedelta(days=BACK_DAYS)
FORMS = ("approve", "finish", "extend", "reschedule", "cancel")
"""What may be done to a window, each by a form of that name."""


async def show_windows(request: web.Request) -> web.Response:
    """Draw what runs, what comes within thirty days, and what was over in the last thirty."""
    desk, now = request.app[DESK], request.app[DESK].now()
    newest = await desk.store.read(lambda connection: newest_maintenances(connection, MOST_OVER))
    past = [row(desk, window) for window in newest if window.ended_at is not None and window.ended_at >= now - BACK]
    over = {one.id for one in past}
    known = [window for window in desk.pipeline.situation.maintenances.values() if window.id not in over]
    far = (window for window in horizon(desk.pipeline.situation, now, now + AHEAD) if window.id not in over)
    planned = [row(desk, window) for window in {window.id: window for window in (*known, *far)}.values()]
    return screen(
        request,
        "windows.html",
        going_on=by_start(one for one in planned if one.state is not MaintenanceState.SCHEDULED),
        coming=by_start(one for one in planned if one.state is MaintenanceState.SCHEDULED),
        past=past,
        days=AHEAD.days,
    )


async def show_window(request: web.Request) -> web.Response:
    """Draw one window, also one that is over or still far ahead, with what may be done to it."""
    return await window_page(request)


async def window_page(request: web.Request, attempt: Attempt | None = None) -> web.Response:
    """Draw it with what stood in the way of an act and what had been typed for it. Errors: Rejected 404."""
    desk, id_ = request.app[DESK], request.match_info["id"]

    def read(connection: Connection) -> tuple[Maintenance | None, list[Line], Pushed]:
        told = (tell(entry.event) for entry in queries.journal_of_window(connection, id_))
        kept = read_maintenances(connection, [id_]).get(id_)
        return kept, [line for line in told if line is not None], pushed_of_window(connection, id_)

    kept, timeline, record = await desk.store.read(read)
    window = kept or far(desk, id_)
    if window is None:
        raise Rejected(404, "There is no maintenance with this id.")
    topology, reach = desk.pipeline.situation.topology, reach_of(request, Permission.PLAN)
    known = topology.components
    return screen(
        request,
        "window.html",
        status=_status(attempt),
        window=window,
        row=row(desk, window),
        seen=spelled(window),
        timeline=timeline[::-1],
        record=record,
        components=[known[part].name if part in known else part for part in seen_of(request, window).components],
        body=said(window.description, desk.language),
        may_act=request[CALLER].may(Permission.PLAN) and reach.holds(touched(window, topology)),
        may_approve=request[CALLER].may(Permission.APPROVE) and window.planned_by != request[CALLER].name,
        may_override=request[CALLER].may(Permission.OVERRIDE),
        attempts={form: attempt if attempt and attempt.form == form else Attempt(form=form) for form in FORMS},
        obstacle=attempt.obstacle if attempt else None,
    )


def spelled(window: Maintenance) -> str:
    """The times that a window has, as its forms carry them along: so that nobody undoes unseen what somebody else did meanwhile."""
    return f"{window.starts.isoformat()}/{window.ends.isoformat()}"


def _status(attempt: Attempt | None) -> int:
    return attempt.status if attempt else 200


def far(desk: Desk, id_: str) -> Maintenance | None:
    """A window that is not over, also an occurrence that is none yet."""
    now = desk.now()
    return next((window for window in horizon(desk.pipeline.situation, now, now + LONGEST_HORIZON) if window.id == id_), None)


async def show_plan(request: web.Request) -> web.Response:
    """Draw the form that plans a window."""
    return plan_page(request, Attempt(form="plan"))


def plan_page(request: web.Request, attempt: Attempt) -> web.Response:
    """Draw the form with what had been typed, and what stood in the way."""
    desk = request.app[DESK]
    situation, policy, reach = desk.pipeline.situation, desk.planning_policy(), reach_of(request, Permission.PLAN)
    return screen(
        request,
        "plan.html",
        status=_status(attempt),
        services=offered(request, Permission.PLAN),
        components=[(id_, component.name) for id_, component in situation.topology.components.items() if is_seen(reach, situation, id_)],
        attempt=attempt,
        needs_approval=policy.needs_approval,
        may_override=request[CALLER].may(Permission.OVERRIDE),
        obstacle=attempt.obstacle,
    )
