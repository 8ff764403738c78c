"""Planned work for programs: plan it, move it, make it longer, finish or cancel it, and see what is planned."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection

from incidents.events import Event
from incidents.planned import planning
from incidents.planned.planning import Terms, Wish
from incidents.planned.windows import LONGEST_HORIZON, horizon
from statuspage.pipeline import Command
from statuspage.store.maintenance_rows import maintenances_between, read_maintenances
from statuspage.web.auth import CALLER, Permission
from statuspage.web.bodies import Override
from statuspage.web.by_language import words_of
from statuspage.web.desk import DESK, Deed
from statuspage.web.entry import body_of, instant_of
from statuspage.web.once import done_once
from statuspage.web.problems import Rejected
from statuspage.web.reach import demand_planned, seen_of
from statuspage.web.window_bodies import ApproveBody, EndBody, ExtendBody, MaintenanceList, MaintenanceShown, PlanBody, RescheduleBody

BACK, AHEAD = timedelta(days=7), timedelta(days=30)
"""How far a list looks where nobody says."""


async def list_maintenances(request: web.Request) -> web.Response:
    """Give the windows that meet ``since`` to ``until``; by default a week back and a month ahead."""
    desk, now = request.app[DESK], request.app[DESK].now()
    since, until = instant_of(request, "since", now - BACK), instant_of(request, "until", now + AHEAD)
    if not since < until <= now + LONGEST_HORIZON:
        raise Rejected(422, "since lies before until, and until within a year from now.")
    over = await desk.store.read(lambda connection: maintenances_between(connection, since, until))
    windows = {window.id: window for window in (*over, *horizon(desk.pipeline.situation, max(since, now), until))}
    ordered = sorted(windows.values(), key=lambda window: (window.starts, window.id))
    return _json(MaintenanceList(items=[MaintenanceShown.of(seen_of(request, window)) for window in ordered], next=None))


async def show_maintenance(request: web.Request) -> web.Response:
    """Give one window, also one that is over, or far ahead."""
    desk, id = request.app[DESK], request.match_info["id"]
    kept = await desk.store.read(lambda connection: read_maintenances(connection, [id]))
    now = desk.now()
    far = (window for window in horizon(desk.pipeline.situation, now, now + LONGEST_HORIZON) if window.id == id)
    window = kept.get(id) or next(far, None)
    if window is None:
        raise Rejected(404, "There is no maintenance with this id.")
    return _json(MaintenanceShown.of(seen_of(request, window)))


async def plan(request: web.Request) -> web.Response:
    """Plan a window."""
    body = await body_of(request, PlanBody)
    terms = terms_of(request, body.override, body)
    command = partial(planning.plan, by=request[CALLER].name, wish=wish_of(request, body), terms=terms)
    return await _done(request, "plan maintenance", command, override=body.override, status=201)


async def reschedule(request: web.Request) -> web.Response:
    """Give a window other times."""
    body = await body_of(request, RescheduleBody)
    terms = terms_of(request, body.override, body)
    command = partial(planning.reschedule, starts=body.starts, ends=body.ends, body=own_of(request, body), terms=terms)
    return await _done(request, "reschedule maintenance", done_to(request, command), override=body.override)


async def extend(request: web.Request) -> web.Response:
    """Let a window end later."""
    body = await body_of(request, ExtendBody)
    command = partial(planning.extend, ends=body.ends, body=own_of(request, body), terms=terms_of(request, body.override, body))
    return await _done(request, "extend maintenance", done_to(request, command), override=body.override)


async def finish(request: web.Request) -> web.Response:
    """End the work now."""
    body = await body_of(request, EndBody)
    command = ended(request, planning.finish, body)
    return await _done(request, "finish maintenance", done_to(request, command))


async def cancel(request: web.Request) -> web.Response:
    """Let the work not take place."""
    body = await body_of(request, EndBody)
    command = ended(request, planning.cancel, body)
    return await _done(request, "cancel maintenance", done_to(request, command))


async def approve(request: web.Request) -> web.Response:
    """Agree, as another person than the one who planned it."""
    body = await body_of(request, ApproveBody)
    command = partial(planning.approve, terms=terms_of(request, body.override, body))
    return await _done(request, "approve maintenance", done_to(request, command), override=body.override)


def done_to(request: web.Request, command: partial[tuple[Event, ...]]) -> Command:
    """The act, done to the window in the address by whoever asks."""
    return partial(command, maintenance=request.match_info["id"], by=request[CALLER].name)


def wish_of(request: web.Request, body: PlanBody) -> Wish:
    """What is to be planned, in the site's own words. Errors: Rejected 403 for services of other teams."""
    demand_planned(request, body.services, body.components)
    said = words_of(request.app[DESK].voices, body)
    return Wish(
        name=said.name,
        services=tuple(body.services),
        components=tuple(body.components),
        starts=body.starts,
        ends=body.ends,
        body=said.body,
    )


def own_of(request: web.Request, body: BaseModel) -> str:
    """What is said in the site's own language; empty where nothing is."""
    return words_of(request.app[DESK].voices, body).body


def ended(request: web.Request, ending: Callable[..., tuple[Event, ...]], body: EndBody) -> partial[tuple[Event, ...]]:
    """The act that ends a window, with the last words in every language."""
    said = words_of(request.app[DESK].voices, body)
    return partial(ending, body=said.body, speech=said.speech)


def terms_of(request: web.Request, override: Override | None, body: BaseModel) -> Terms:
    """What holds for the act, with what *body* says in other languages. Errors: Rejected 403 where somebody overrides who may not."""
    if override is not None and not request[CALLER].may(Permission.OVERRIDE):
        raise Rejected(403, "Only a manager may pass over the policy.")
    policy = request.app[DESK].planning_policy()
    return Terms(
        conducts=policy.conducts,
        override=override.reason if override else None,
        needs_approval=policy.needs_approval,
        speech=words_of(request.app[DESK].voices, body).speech,
    )


async def _done(request: web.Request, name: str, command: Command, *, override: Override | None = None, status: int = 200) -> web.Response:
    detail = {"override": override.reason} if override else {}
    deed = Deed(by=request[CALLER].name, act=name, subject=request.match_info.get("id", ""), detail=detail)
    return await done_once(request, deed, command, status=status, spell=_window_after)


def _window_after(connection: Connection, events: Sequence[Event]) -> BaseModel:
    id = str(next(event.maintenance for event in events if hasattr(event, "maintenance")))
    return MaintenanceShown.of(read_maintenances(connection, [id])[id])


def _json(model: BaseModel) -> web.Response:
    return web.Response(text=model.model_dump_json(), content_type="application/json")
