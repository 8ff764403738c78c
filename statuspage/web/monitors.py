"""Monitors at the desk: how each one is, and having it stand still and go on; by form and by program."""

from collections.abc import Mapping, Sequence
from functools import partial

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection

from incidents import act, pausing
from incidents.decide import rejudge
from incidents.events import Event
from incidents.model import Monitor
from incidents.situation import fold
from statuspage.picture.components import monitor_row
from statuspage.pipeline import Command
from statuspage.web.auth import CALLER
from statuspage.web.console import fit, text, trouble_of
from statuspage.web.desk import DESK, Deed, Desk, perform
from statuspage.web.entry import body_of
from statuspage.web.monitor_bodies import MonitorList, MonitorShown, PauseBody, ResumeBody
from statuspage.web.once import done_once
from statuspage.web.problems import Rejected, refused
from statuspage.web.reach import is_seen, reach_of
from statuspage.web.screens import screen, see_other


async def list_monitors(request: web.Request) -> web.Response:
    """Give all monitors that may be seen, with those that stand still."""
    desk, reach = request.app[DESK], reach_of(request)
    situation = desk.pipeline.situation
    seen = (monitor for monitor in situation.topology.monitors.values() if is_seen(reach, situation, monitor.component))
    shown = [_shown(desk, monitor) for monitor in seen]
    return web.Response(text=MonitorList(items=shown, next=None).model_dump_json(), content_type="application/json")


async def pause(request: web.Request) -> web.Response:
    """Have a monitor stand still."""
    body = await body_of(request, PauseBody)
    deed, command = _pause(request, body.reason)
    return await done_once(request, deed, command, status=200, spell=partial(_after, request.app[DESK], _monitor(request)))


async def resume(request: web.Request) -> web.Response:
    """Have a paused monitor go on."""
    await body_of(request, ResumeBody)
    deed, command = _resume(request)
    return await done_once(request, deed, command, status=200, spell=partial(_after, request.app[DESK], _monitor(request)))


async def show_monitor(request: web.Request) -> web.Response:
    """Draw a monitor, with the form that pauses or resumes it."""
    return _screen(request)


async def pause_by_form(request: web.Request) -> web.Response:
    """Have a monitor stand still."""
    reason = text((await request.post()).get("reason"))
    try:
        deed, command = _pause(request, fit(PauseBody, reason=reason).reason)
        await perform(request.app[DESK], deed, command)
    except act.Refused as refusal:
        return _screen(request, refused(refusal), reason)
    except Rejected as rejected:
        return _screen(request, rejected, reason)
    return see_other(f"/monitors/{_monitor(request).id}")


async def resume_by_form(request: web.Request) -> web.Response:
    """Have a paused monitor go on."""
    deed, command = _resume(request)
    try:
        await perform(request.app[DESK], deed, command)
    except act.Refused as refusal:
        return _screen(request, refused(refusal))
    return see_other(f"/monitors/{_monitor(request).id}")


def _pause(request: web.Request, reason: str) -> tuple[Deed, Command]:
    by, monitor = request[CALLER].name, _monitor(request).id
    deed = Deed(by=by, act="pause", subject=monitor, detail={"reason": reason})
    return deed, partial(pausing.pause, monitor=monitor, by=by, reason=reason)


def _resume(request: web.Request) -> tuple[Deed, Command]:
    by, monitor = request[CALLER].name, _monitor(request).id
    return Deed(by=by, act="resume", subject=monitor), partial(pausing.resume, monitor=monitor, by=by)


def _monitor(request: web.Request) -> Monitor:
    found = request.app[DESK].pipeline.situation.topology.monitors.get(request.match_info["id"])
    if found is None:
        raise Rejected(404, "There is no monitor with this id.")
    return found


def _shown(desk: Desk, monitor: Monitor, events: Sequence[Event] = ()) -> MonitorShown:
    situation = fold(desk.pipeline.situation, events)
    if events:  # what was just done, before the road has told anybody
        situation = fold(situation, rejudge(situation, desk.pipeline.policy, desk.now()))
    return MonitorShown.of(monitor_row(situation, monitor), monitor.component)


def _after(desk: Desk, monitor: Monitor, _: Connection, events: Sequence[Event]) -> BaseModel:
    return _shown(desk, monitor, events)


def _screen(request: web.Request, rejected: Rejected | None = None, reason: str = "") -> web.Response:
    desk, monitor = request.app[DESK], _monitor(request)
    situation = desk.pipeline.situation
    values: Mapping[str, object] = {
        "row": monitor_row(situation, monitor),
        "component": situation.topology.components[monitor.component].name,
        "trouble": trouble_of(rejected),
        "reason": reason,
    }
    return screen(request, "monitor.html", status=rejected.status if rejected else 200, **values)
