"""Customers who call: one key on the queue, or one request from the ticket or phone system. What they say is counted, never published."""

import logging
from functools import partial

from aiohttp import web
from pydantic import BaseModel
from pydantic_core import to_json
from sqlalchemy import Connection

from incidents.callers import suspected
from statuspage.store import callers
from statuspage.store.acts import forget_answers, write_audit
from statuspage.store.callers import Call
from statuspage.store.errors import StoreUnavailable
from statuspage.store.traces import leave_traces
from statuspage.web.auth import CALLER, Permission
from statuspage.web.caller_bodies import CallerBody, CallerList, CallersErased, CallerShown
from statuspage.web.console import fit, text
from statuspage.web.desk import DESK, Desk
from statuspage.web.entry import body_of, limit_of, number_of
from statuspage.web.once import written_once
from statuspage.web.problems import Rejected
from statuspage.web.reach import demand_incident, demand_services, reach_of
from statuspage.web.screens import see_other

log = logging.getLogger(__name__)


async def list_callers(request: web.Request) -> web.Response:
    """Give who called, newest first; ``service`` picks those of one, ``ticket`` all that is kept of one customer's."""
    limit, before, asked = limit_of(request), number_of(request.query.get("cursor")), request.query
    service, ticket, within = asked.get("service"), asked.get("ticket"), reach_of(request).services
    read = partial(callers.listed_callers, service=service, ticket=ticket, before=before, limit=limit + 1, within=within)
    found = await request.app[DESK].store.read(read)
    shown = [CallerShown.model_validate(one, from_attributes=True) for one in found[:limit]]
    return _json(CallerList(items=shown, next=str(shown[-1].id) if len(found) > limit else None))


async def log_caller(request: web.Request) -> web.Response:
    """Take down a customer who called."""
    desk, by = request.app[DESK], request[CALLER].name
    call = _call(request, await body_of(request, CallerBody))
    answer = await written_once(request, by, partial(take_down, call, desk, by), status=201)
    await suspect(desk, call.service)
    return answer


async def erase_callers(request: web.Request) -> web.Response:
    """Forget all who called under a ticket."""
    desk, by, ticket = request.app[DESK], request[CALLER].name, request.match_info["id"]

    def write(connection: Connection) -> int:
        gone = callers.erase_callers(connection, ticket)
        forget_answers(connection, f'"ticket":{to_json(ticket).decode()}')
        if gone:
            leave_traces(connection, desk.now())
            write_audit(connection, at=desk.now(), actor=by, act="erase callers", subject="", detail={"erased": str(gone)})
        return gone

    erased = await desk.store.write(write)
    if not erased:
        raise Rejected(404, "Nobody called under this ticket.")
    return _json(CallersErased(ticket=ticket, erased=erased))


async def log_by_form(request: web.Request) -> web.Response:
    """Take down a customer who called, from the queue or a card, and go back there."""
    desk, by, form = request.app[DESK], request[CALLER].name, await request.post()
    given = {name: text(form.get(name)).strip() or None for name in ("service", "incident")}
    body = fit(CallerBody, **given, symptom=text(form.get("symptom")), ticket=text(form.get("ticket")))
    call = _call(request, body)
    await desk.store.write(partial(take_down, call, desk, by))
    await suspect(desk, call.service)
    return see_other(f"/incidents/{call.incident}" if form.get("on") == "card" and call.incident else "/")


def _call(request: web.Request, body: CallerBody) -> Call:
    """What was said, of which service: the one that is named, or the first that the incident hit. Errors: Rejected 403, 404, 422."""
    situation, service, reach = request.app[DESK].pipeline.situation, body.service, reach_of(request, Permission.ACT)
    if body.incident is not None:
        incident = situation.incidents.get(body.incident)
        if incident is None:
            raise Rejected(404, "There is no open incident with this id; it may have been resolved meanwhile.")
        demand_incident(request, incident)
        service = service or next((one for one in incident.worst if reach.holds([one])), next(iter(incident.worst), None))
    if service is None:
        raise Rejected(422, "Name the service, or an incident that hits one.")
    if service not in situation.topology.services:
        raise Rejected(422, f"There is no service {service!r}.")
    demand_services(request, [service])
    return Call(service=service, symptom=body.symptom, ticket=body.ticket, incident=body.incident)


def take_down(call: Call, desk: Desk, by: str, connection: Connection) -> CallerShown:
    """Keep a call, with its line in the audit."""
    at = desk.now()
    kept = callers.log_caller(connection, call, by=by, at=at)
    write_audit(connection, at=at, actor=by, act="log caller", subject=call.incident or call.service, detail={})
    return CallerShown.model_validate(kept, from_attributes=True)


async def suspect(desk: Desk, service: str) -> None:
    """Open a draft where enough have called. The call is kept in any case; one that comes later asks again."""
    calling, situation = desk.calling(), desk.pipeline.situation
    # Those who called while an incident hit the service are explained by it, also when it is over.
    over = (one.resolved_at for one in situation.ended.values() if service in one.worst and one.resolved_at is not None)
    since = max([desk.now() - calling.within, *over])
    try:
        count = await desk.store.read(lambda connection: callers.unexplained(connection, service, since))
        if count >= calling.threshold:
            await desk.pipeline.act(partial(suspected, service=service, count=count, calling=calling, voices=desk.voices))
    except StoreUnavailable as error:
        log.warning("callers of %s are counted with the next one: %s", service, error)


def _json(model: BaseModel) -> web.Response:
    return web.Response(text=model.model_dump_json(), content_type="application/json")
