"""The console's forms by which an agent merges incidents and takes them apart."""

from aiohttp import web

from statuspage.web import bodies
from statuspage.web.auth import CALLER
from statuspage.web.by_language import put_together
from statuspage.web.console import Typed, TypedForms, acted, fit, typed_in
from statuspage.web.desk import DESK, perform
from statuspage.web.regroups import merging, splitting

_PART = "part:"


async def merge(request: web.Request) -> web.Response:
    """End the incident, which goes on in another one."""
    typed = await typed_in(request)
    return await acted(request, _merge(request, typed), TypedForms(merge=typed))


async def _merge(request: web.Request, typed: Typed) -> None:
    desk = request.app[DESK]
    words = put_together(desk.own, typed.body, typed.bodies) or None
    body = fit(bodies.MergeBody, desk.languages(), into=typed.into, body=words)
    await perform(desk, *merging(desk, request.match_info["id"], body, by=request[CALLER].name))


async def split(request: web.Request) -> web.Response:
    """Take a part of the incident into one of its own."""
    typed, form = await typed_in(request), await request.post()
    parts = frozenset(key.removeprefix(_PART) for key in form if key.startswith(_PART))
    return await acted(request, _split(request, typed, parts), TypedForms(split=typed, parts=parts))


async def _split(request: web.Request, typed: Typed, parts: frozenset[str]) -> None:
    desk, incident = request.app[DESK], request.match_info["id"]
    found = desk.pipeline.situation.incidents.get(incident)
    key = "components" if found is None or found.components else "services"
    name, words = put_together(desk.own, typed.name, typed.names), put_together(desk.own, typed.body, typed.bodies)
    body = fit(bodies.SplitBody, desk.languages(), name=name, body=words, **{key: tuple(sorted(parts))})
    await perform(desk, *splitting(desk, incident, body, by=request[CALLER].name))
