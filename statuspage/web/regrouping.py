"""The console's forms by which an agent merges incidents and takes them apart."""

from functools import partial

from aiohttp import web

from incidents import regroup
from statuspage.web import bodies
from statuspage.web.auth import CALLER
from statuspage.web.console import Typed, TypedForms, acted, fit, typed_in
from statuspage.web.desk import DESK, Deed, fingerprint, perform

_PART = "part:"


async def merge(request: web.Request) -> web.Response:
    """End the incident, which goes on in another one."""
    typed = await typed_in(request)
    return await acted(request, _merge(request, typed), TypedForms(merge=typed))


async def _merge(request: web.Request, typed: Typed) -> None:
    by, incident = request[CALLER].name, request.match_info["id"]
    body = fit(bodies.MergeBody, into=typed.into, body=typed.body or None)
    command = partial(regroup.merge, incident=incident, into=body.into, by=by, body=body.body or "")
    detail = {"into": body.into, **fingerprint(body.body)}
    await perform(request.app[DESK], Deed(by=by, act="merge", incident=incident, detail=detail), command)


async def split(request: web.Request) -> web.Response:
    """Take a part of the incident into one of its own."""
    typed, form = await typed_in(request), await request.post()
    parts = frozenset(key.removeprefix(_PART) for key in form if key.startswith(_PART))
    return await acted(request, _split(request, typed, parts), TypedForms(split=typed, parts=parts))


async def _split(request: web.Request, typed: Typed, parts: frozenset[str]) -> None:
    desk, by, incident = request.app[DESK], request[CALLER].name, request.match_info["id"]
    found = desk.pipeline.situation.incidents.get(incident)
    key = "components" if found is None or found.components else "services"
    body = fit(bodies.SplitBody, name=typed.name, body=typed.body, **{key: tuple(sorted(parts))})
    command = partial(
        regroup.split, incident=incident, by=by, name=body.name, body=body.body, components=body.components, services=body.services
    )
    detail = {"name": body.name, **fingerprint(body.body), "parts": ", ".join(sorted(parts))}
    await perform(desk, Deed(by=by, act="split", incident=incident, detail=detail), command)
