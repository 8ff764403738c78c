"""Planned work at the desk: the list, the form that plans more, and a page for each window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from aiohttp import web
from sqlalchemy import Connection

from incidents.maintenance import Maintenance, MaintenanceState, MaintenanceUpdate
from incidents.planned.windows import LONGEST_HORIZON, horizon
from incidents.words import said
from statuspage import board
from statuspage.planned import BACK_DAYS
from statuspage.store.maintenance_rows import maintenance_words, newest_maintenances, read_maintenances
from statuspage.web.auth import CALLER, Permission
from statuspage.web.console import trouble_of
from statuspage.web.desk import DESK, Desk
from statuspage.web.problems import Rejected
from statuspage.web.screens import screen
from statuspage.web.window_rows import by_start, row

AHEAD = timedelta(days=30)
MOST_OVER = 50
BACK = timedelta(days=BACK_DAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What had been typed into a form that was refused, so that nothing is typed twice."""

    name: str = ""
    starts: str = ""
    ends: str = ""
    body: str = ""
    override: str = ""
    services: frozenset[str] = frozenset()
    components: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedForms:
    """The forms of a window's page, each with what was typed."""

    reschedule: Typed = field(default_factory=Typed)
    extend: Typed = field(default_factory=Typed)
    finish: Typed = field(default_factory=Typed)
    cancel: Typed = field(default_factory=Typed)


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


async def window_page(request: web.Request, rejected: Rejected | None = None, typed: TypedForms | None = None) -> web.Response:
    """Draw it with what stood in the way of an act and what had been typed for it."""
    desk, id_ = request.app[DESK], request.match_info["id"]

    def read(connection: Connection) -> tuple[Maintenance | None, Sequence[MaintenanceUpdate]]:
        return read_maintenances(connection, [id_]).get(id_), maintenance_words(connection, [id_])[id_]

    kept, words = await desk.store.read(read)
    window = kept or _far(desk, id_)
    if window is None:
        raise Rejected(404, "There is no maintenance with this id.")
    known = desk.pipeline.situation.topology.components
    return screen(
        request,
        "window.html",
        status=rejected.status if rejected else 200,
        window=window,
        row=row(desk, window),
        words=words[::-1],
        components=[known[part].name if part in known else part for part in window.components],
        body=said(window.description, desk.language),
        may_approve=request[CALLER].may(Permission.APPROVE) and window.planned_by != request[CALLER].name,
        may_override=request[CALLER].may(Permission.OVERRIDE),
        typed=typed or TypedForms(),
        trouble=trouble_of(rejected),
        faults=_faults(rejected),
    )


def _far(desk: Desk, id_: str) -> Maintenance | None:
    now = desk.now()
    return next((window for window in horizon(desk.pipeline.situation, now, now + LONGEST_HORIZON) if window.id == id_), None)


async def show_plan(request: web.Request) -> web.Response:
    """Draw the form that plans a window."""
    return plan_page(request, Typed())


def plan_page(request: web.Request, typed: Typed, rejected: Rejected | None = None) -> web.Response:
    """Draw the form with what had been typed, and what stood in the way."""
    desk = request.app[DESK]
    situation, policy = desk.pipeline.situation, desk.planning_policy()
    return screen(
        request,
        "plan.html",
        status=rejected.status if rejected else 200,
        services=board.service_rows(situation, desk.language),
        components=[(id_, component.name) for id_, component in situation.topology.components.items()],
        typed=typed,
        needs_approval=policy.needs_approval,
        may_override=request[CALLER].may(Permission.OVERRIDE),
        trouble=trouble_of(rejected),
        faults=_faults(rejected),
    )


def _faults(rejected: Rejected | None) -> Mapping[str, Sequence[str]]:
    """What is wrong with each field that was typed, by the field's name."""
    found: dict[str, list[str]] = {}
    errors = rejected.more.get("errors") if rejected else None
    for one in errors if isinstance(errors, list) else ():
        found.setdefault(one["path"].partition(".")[0], []).append(one["message"])
    return found
