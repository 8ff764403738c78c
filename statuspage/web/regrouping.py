"""The console's forms by which an agent merges incidents and takes them apart."""

from functools import partial

from aiohttp import web

from incidents import regroup
from statuspage.web import bodies
from statuspage.web.auth import CALLER
from statuspage.web.by_language import put_together, words_of
from statuspage.web.console import Typed, TypedForms, acted, fit, typed_in
from statuspage.web.desk import DESK, Deed, perform

_PART = "part:"


async def merge(request: web.Request) -> web.Response:
    """End the incident, which goes on in another one."""
    typed = await typed_in(request)
    return await acted(request, _merge(request, typed), TypedForms(merge=typed))


async def _merge(request: web.Request, typed: Typed) -> None:
    desk, by, incident = request.app[DESK], request[CALLER].name, request.match_info["id"]
    words = put_together(desk.own, typed.body, typed.bodies) or None
    body = fit(bodies.MergeBody, desk.languages(), into=typed.into, body=words)
    said = words_of(desk.voices, body)
    command = partial(regroup.merge, incident=incident, into=body.into, by=by, body=said.body, speech=said.speech)
    detail = {"into": body.into, **said.detail}
    await perform(desk, Deed(by=by, act="merge", incident=incident, detail=detail), command)


async def split(request: web.Request) -> web.Response:
    """Take a part of the incident into one of its own."""
    typed, form = await typed_in(request), await request.post()
    parts = frozenset(key.removeprefix(_PART) for key in form if key.startswith(_PART))
    return await acted(request, _split(request, typed, parts), TypedForms(split=typed, parts=parts))


async def _split(request: web.Request, typed: Typed, parts: frozenset[str]) -> None:
    desk, by, incident = request.app[DESK], request[CALLER].name, request.match_info["id"]
    found = desk.pipeline.situation.incidents.get(incident)
    key = "components" if found is None or found.components else "services"
    name, words = put_together(desk.own, typed.name, typed.names), put_together(desk.own, typed.body, typed.bodies)
    body = fit(bodies.SplitBody, desk.languages(), name=name, body=words, **{key: tuple(sorted(parts))})
    said = words_of(desk.voices, body)
    command = partial(
        regroup.split,
        incident=incident,
        by=by,
        name=said.name,
        body=said.body,
        components=body.components,
        services=body.services,
        speech=said.speech,
    )
    detail = {**said.detail, "parts": ", ".join(sorted(parts))}
    await perform(desk, Deed(by=by, act="split", incident=incident, detail=detail), command)
