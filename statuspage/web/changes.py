"""Changes: what was altered, told by a pipeline or at the console, and shown where somebody asks what happened just before."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from aiohttp import web
from sqlalchemy import Connection

from statuspage.picture import board
from statuspage.store import changes
from statuspage.store.acts import write_audit
from statuspage.store.changes import Change
from statuspage.web.auth import CALLER
from statuspage.web.change_bodies import ChangeBody, ChangeList, ChangeShown
from statuspage.web.console import fit, text, trouble_of
from statuspage.web.desk import DESK, Desk
from statuspage.web.entry import body_of, instant_typed, limit_of, number_of
from statuspage.web.once import written_once
from statuspage.web.problems import Rejected
from statuspage.web.reach import demand_services, offered, reach_of
from statuspage.web.screens import screen, see_other

AHEAD = timedelta(minutes=5)
"""How far a teller's clock may be ahead of ours."""

SHOWN = 100
_SERVICE = "service:"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedChange:
    """What was typed into the form by which somebody tells a change."""

    what: str = ""
    at: str = ""
    url: str = ""
    services: tuple[str, ...] = ()


# --- for programs ---------------------------------------------------------------------------------------------------------------


async def list_changes(request: web.Request) -> web.Response:
    """Give what was altered, the last told first; ``service`` picks what may have touched one."""
    limit, before, service = limit_of(request), number_of(request.query.get("cursor")), request.query.get("service")
    read = partial(changes.listed_changes, service=service, before=before, limit=limit + 1, within=reach_of(request).services)
    found = await request.app[DESK].store.read(read)
    items = [_shown(one) for one in found[:limit]]
    body = ChangeList(items=items, next=str(items[-1].id) if len(found) > limit else None)
    return web.Response(text=body.model_dump_json(), content_type="application/json")


async def tell_change(request: web.Request) -> web.Response:
    """Take down what was altered."""
    desk = request.app[DESK]
    change = _change(request, await body_of(request, ChangeBody))
    return await written_once(request, change.by, partial(_told, change, desk), status=201)


def _change(request: web.Request, body: ChangeBody) -> Change:
    """Errors: Rejected 422 for services that there are not, and for what has not been altered yet; 403 for those of other teams."""
    desk, by = request.app[DESK], request[CALLER].name
    known, now = desk.pipeline.situation.topology.services, desk.now()
    for service in body.services:
        if service not in known:
            raise Rejected(422, f"There is no service {service!r}.")
    demand_services(request, body.services)
    at = body.at or now
    if at > now + AHEAD:
        raise Rejected(422, "A change is told once it is made; what is planned is planned work.")
    return Change(id=0, at=at, by=by, what=body.what, services=tuple(dict.fromkeys(body.services)), url=body.url or "")


def _told(change: Change, desk: Desk, connection: Connection) -> ChangeShown:
    kept = changes.tell_change(connection, change)
    detail = {"what": change.what, "services": ", ".join(change.services)}
    write_audit(connection, at=desk.now(), actor=change.by, act="tell change", subject=str(kept.id), detail=detail)
    return _shown(kept)


def _shown(change: Change) -> ChangeShown:
    return ChangeShown(id=change.id, at=change.at, by=change.by, what=change.what, services=list(change.services), url=change.url)


# --- at the console -------------------------------------------------------------------------------------------------------------


async def show_changes(request: web.Request) -> web.Response:
    """Draw what was altered, and the form."""
    return await _page(request, TypedChange())


async def tell_by_form(request: web.Request) -> web.Response:
    """Take down what was altered, and draw the page again."""
    desk, form = request.app[DESK], await request.post()
    services = tuple(key.removeprefix(_SERVICE) for key in form if key.startswith(_SERVICE))
    typed = TypedChange(what=text(form.get("what")), at=text(form.get("at")), url=text(form.get("url")).strip(), services=services)
    try:
        body = fit(ChangeBody, what=typed.what, services=typed.services, at=_at(desk, typed.at), url=typed.url or None)
        await desk.store.write(partial(_told, _change(request, body), desk))
    except Rejected as rejected:
        return await _page(request, typed, rejected)
    return see_other("/changes")


def _at(desk: Desk, typed: str) -> datetime | None:
    """When it was, as typed; None where nothing was. Errors: Rejected 422."""
    at = instant_typed(typed, desk.timezone)
    if typed.strip() and at is None:
        raise Rejected(422, "Say when, such as 2026-01-05 09:00, or leave it out for now.")
    return at


async def _page(request: web.Request, typed: TypedChange, rejected: Rejected | None = None) -> web.Response:
    desk = request.app[DESK]
    within = reach_of(request).services
    found = await desk.store.read(partial(changes.listed_changes, service=None, before=None, limit=SHOWN, within=within))
    services = board.service_rows(desk.pipeline.situation, desk.language)
    own = offered(request)
    return screen(
        request,
        "changes.html",
        status=rejected.status if rejected else 200,
        changes=found,
        named={row.id: row.name for row in services},
        services=own,
        typed=typed,
        trouble=trouble_of(rejected),
    )
