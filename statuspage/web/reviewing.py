"""What a manager says of an incident when it is reviewed: for programs and, by form, for people."""

from collections.abc import Sequence

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection

from incidents.events import Event
from statuspage.store.missed import missed_of
from statuspage.web import api, bodies
from statuspage.web.auth import CALLER
from statuspage.web.causes import attributing, explaining
from statuspage.web.console import Typed, TypedForms, acted, fit, typed_in
from statuspage.web.desk import DESK, perform, story_of
from statuspage.web.entry import body_of
from statuspage.web.once import done_once
from statuspage.web.problems import Rejected


async def attribute(request: web.Request) -> web.Response:
    """Say what an incident came from, whether it is over or not."""
    desk, body = request.app[DESK], await body_of(request, bodies.CauseBody)
    story = await story_of(desk, request.match_info["id"])
    deed, command = attributing(desk, story.incident, body.cause, by=request[CALLER].name)

    def spell(connection: Connection, _: Sequence[Event]) -> BaseModel:
        return api.shown(desk, connection, story.incident.id)

    return await done_once(request, deed, command, status=200, spell=spell)


async def attribute_by_form(request: web.Request) -> web.Response:
    """Say what an incident came from."""
    typed = await typed_in(request)
    return await acted(request, _attribute(request, typed), TypedForms(cause=typed))


async def _attribute(request: web.Request, typed: Typed) -> None:
    desk, body = request.app[DESK], fit(bodies.CauseBody, cause=typed.cause)
    story = await story_of(desk, request.match_info["id"])
    await perform(desk, *attributing(desk, story.incident, body.cause, by=request[CALLER].name))


async def explain(request: web.Request) -> web.Response:
    """Say why the probes missed an incident: what was changed, or why nothing was."""
    body, incident = await body_of(request, bodies.MissedBody), await _missed(request)
    deed, command = explaining(incident, body.words, body.monitor, by=request[CALLER].name)

    def spell(connection: Connection, _: Sequence[Event]) -> BaseModel:
        return bodies.MissedShown.model_validate(missed_of(connection, incident), from_attributes=True)

    return await done_once(request, deed, command, status=200, spell=spell)


async def explain_by_form(request: web.Request) -> web.Response:
    """Say why the probes missed an incident."""
    typed = await typed_in(request)
    return await acted(request, _explain(request, typed), TypedForms(missed=typed))


async def _explain(request: web.Request, typed: Typed) -> None:
    body, incident = fit(bodies.MissedBody, words=typed.words, monitor=typed.monitor or None), await _missed(request)
    await perform(request.app[DESK], *explaining(incident, body.words, body.monitor, by=request[CALLER].name))


async def _missed(request: web.Request) -> str:
    """The incident that the address names. Errors: Rejected 404 where there is none, or the probes saw it first."""
    incident = request.match_info["id"]
    if await request.app[DESK].store.read(lambda connection: missed_of(connection, incident)) is None:
        raise Rejected(404, "There is no incident with this id that customers saw before the probes did.")
    return incident
