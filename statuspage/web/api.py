"""The API for programs, ``/api/v1``: the same acts as the console, as JSON."""

from collections.abc import Callable, Sequence
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection

from incidents import act
from incidents.events import Event, Noted, Opened, Updated
from statuspage.picture import board
from statuspage.picture.known_errors import spoken
from statuspage.picture.urgency import priority_of
from statuspage.store import acts, callers, listing, queries, reports
from statuspage.store.usefulness import useful_by_incident
from statuspage.web import bodies
from statuspage.web.auth import CALLER, READS_WHOLE_AUDIT
from statuspage.web.by_language import words_of
from statuspage.web.causes import of_list
from statuspage.web.desk import DESK, Deed, Desk, story_of
from statuspage.web.entry import body_of, cursor, limit_of, number_of, place_of, row_of
from statuspage.web.once import done_once
from statuspage.web.problems import Rejected
from statuspage.web.reach import demand_services, parts_of_others, reach_of
from statuspage.web.regroups import merging, splitting

E = TypeVar("E", bound=Event)

_OPEN = MappingProxyType({"true": True, "false": False})


async def list_incidents(request: web.Request) -> web.Response:
    """Give incidents, newest first; ``open`` picks open or closed ones."""
    desk, limit, after = request.app[DESK], limit_of(request), place_of(request.query.get("cursor"))
    wanted, reach = request.query.get("open"), reach_of(request)
    others = parts_of_others(reach, desk.pipeline.situation)
    if wanted is not None and wanted not in _OPEN:
        raise Rejected(422, "open is true or false.")

    def read(connection: Connection) -> tuple[Sequence[listing.Place], list[bodies.IncidentShown]]:
        is_open = None if wanted is None else _OPEN[wanted]
        found = listing.incident_ids(
            connection, is_open=is_open, after=after, limit=limit + 1, within=reach.services, parts_of_others=others
        )
        return found, _shown_together(desk, connection, [id_ for _, id_ in found[:limit]])

    found, rows = await desk.store.read(read)
    return _json(bodies.IncidentList(items=rows, next=cursor(found[limit - 1]) if len(found) > limit else None))


async def show_incident(request: web.Request) -> web.Response:
    """Give one incident, open or closed."""
    desk = request.app[DESK]
    story = await story_of(desk, request.match_info["id"])
    return _json(await desk.store.read(lambda connection: shown(desk, connection, story.incident.id)))


async def open_incident(request: web.Request) -> web.Response:
    """Open an incident by hand, public at once or as a draft."""
    body = await body_of(request, bodies.OpenBody)
    demand_services(request, body.services)
    by, said = request[CALLER].name, words_of(request.app[DESK].voices, body)
    command = partial(
        act.open_incident, by=by, name=said.name, services=body.services, body=said.body, is_draft=body.draft, speech=said.speech
    )
    deed = Deed(by=by, act="open", detail=said.named)
    return await done_once(request, deed, command, status=201, spell=incident_after(request.app[DESK]))


async def acknowledge(request: web.Request) -> web.Response:
    """Own an incident for a while, or renew."""
    await body_of(request, bodies.AcknowledgeBody)
    desk, incident, by = request.app[DESK], request.match_info["id"], request[CALLER].name
    command = partial(act.acknowledge, incident=incident, by=by, lasts=desk.acknowledgement_lasts)
    deed = Deed(by=by, act="acknowledge", incident=incident)
    return await done_once(request, deed, command, status=200, spell=incident_after(desk))


async def update(request: web.Request) -> web.Response:
    """Say something in public."""
    body = await body_of(request, bodies.UpdateBody)
    incident, by, said = request.match_info["id"], request[CALLER].name, words_of(request.app[DESK].voices, body)
    promise = body.next_update_by
    command = partial(act.update, incident=incident, by=by, state=body.state, body=said.body, next_update_by=promise, speech=said.speech)
    deed = Deed(by=by, act="update", incident=incident, detail=said.detail)
    return await done_once(request, deed, command, status=201, spell=_update_after)


async def note(request: web.Request) -> web.Response:
    """Write an internal note."""
    body = await body_of(request, bodies.NoteBody)
    incident, by = request.match_info["id"], request[CALLER].name
    deed = Deed(by=by, act="note", incident=incident, detail={"body": body.body})
    return await done_once(request, deed, partial(act.note, incident=incident, by=by, body=body.body), status=201, spell=_note_after)


async def resolve(request: web.Request) -> web.Response:
    """End an incident."""
    body = await body_of(request, bodies.ResolveBody)
    incident, by, said = request.match_info["id"], request[CALLER].name, words_of(request.app[DESK].voices, body)
    override, cause = body.override.reason if body.override else None, of_list(request.app[DESK], body.cause)
    command = partial(act.resolve, incident=incident, by=by, body=said.body, cause=cause, override=override, speech=said.speech)
    deed = Deed(by=by, act="resolve", incident=incident, detail={**said.detail, "cause": cause, "override": override})
    return await done_once(request, deed, command, status=200, spell=incident_after(request.app[DESK]))


async def merge(request: web.Request) -> web.Response:
    """End an incident that goes on in another one; give the other."""
    desk, body = request.app[DESK], await body_of(request, bodies.MergeBody)
    deed, command = merging(desk, request.match_info["id"], body, by=request[CALLER].name)
    return await done_once(request, deed, command, status=200, spell=incident_after(desk, body.into))


async def split(request: web.Request) -> web.Response:
    """Take a part of an incident into one of its own; give the new one."""
    desk, body = request.app[DESK], await body_of(request, bodies.SplitBody)
    deed, command = splitting(desk, request.match_info["id"], body, by=request[CALLER].name)
    return await done_once(request, deed, command, status=201, spell=_opened_after(desk))


async def list_services(request: web.Request) -> web.Response:
    """Give all services with their status."""
    desk = request.app[DESK]
    drawn = board.service_rows(desk.pipeline.situation, desk.language)
    rows = (bodies.ServiceShown.model_validate(row, from_attributes=True) for row in drawn)
    return _json(bodies.ServiceList(items=list(rows), next=None))


async def list_known_errors(request: web.Request) -> web.Response:
    """Give the symptoms that are known and the way round them, in the file's order; ``service`` picks those of one."""
    desk, service = request.app[DESK], request.query.get("service")
    if service is not None and service not in desk.pipeline.situation.topology.services:
        raise Rejected(404, "There is no service with this id.")
    found = spoken(desk.knowledge.errors(), desk.language, None if service is None else [service])
    shown = [bodies.KnownErrorShown.model_validate(one, from_attributes=True) for one in found]
    return _json(bodies.KnownErrorList(items=shown, next=None))


async def list_reports(request: web.Request) -> web.Response:
    """Give what customers reported, newest first; ``service`` picks what was reported of one. No address is among it."""
    limit, before, service = limit_of(request), number_of(request.query.get("cursor")), request.query.get("service")
    read = partial(reports.listed, service=service, before=before, limit=limit + 1, within=reach_of(request).services)
    found = await request.app[DESK].store.read(read)
    shown = [bodies.ReportShown.model_validate(one, from_attributes=True) for one in found[:limit]]
    return _json(bodies.ReportList(items=shown, next=str(shown[-1].id) if len(found) > limit else None))


async def erase_report(request: web.Request) -> web.Response:
    """Forget what a customer reported, and where they wait for an answer."""
    desk, by, number = request.app[DESK], request[CALLER].name, row_of(request.match_info["id"])

    def write(connection: Connection) -> bool:
        is_gone = reports.erase_report(connection, number, desk.now())
        if is_gone:
            acts.write_audit(connection, at=desk.now(), actor=by, act="erase report", subject=str(number), detail={})
        return is_gone

    if not await desk.store.write(write):
        raise Rejected(404, "There is no report with this number.")
    return _json(bodies.ReportErased(id=number))


async def list_impairments(request: web.Request) -> web.Response:
    """Give when our own monitoring was impaired, newest first."""
    limit, before = limit_of(request), number_of(request.query.get("cursor"))
    found = await request.app[DESK].store.read(lambda connection: listing.impairments_of_ours(connection, before=before, limit=limit + 1))
    shown = [bodies.ImpairmentShown.model_validate(one, from_attributes=True) for _, one in found[:limit]]
    return _json(bodies.ImpairmentList(items=shown, next=str(found[limit - 1][0]) if len(found) > limit else None))


async def list_audit(request: web.Request) -> web.Response:
    """Give what was done, newest first: all of it to a manager or admin, their own part to others."""
    limit, before, caller = limit_of(request), number_of(request.query.get("cursor")), request[CALLER]
    actor = caller.name if caller.roles.isdisjoint(READS_WHOLE_AUDIT) else None
    rows = await request.app[DESK].store.read(lambda connection: acts.read_audit(connection, before=before, limit=limit + 1, actor=actor))
    shown = [bodies.AuditShown.model_validate(row, from_attributes=True) for row in rows[:limit]]
    return _json(bodies.AuditList(items=shown, next=str(shown[-1].sequence) if len(rows) > limit else None))


# --- what is answered after an act ----------------------------------------------------------------------------------------------


Spell = Callable[[Connection, Sequence[Event]], BaseModel]


def incident_after(desk: Desk, id_: str | None = None) -> Spell:
    """What reads, after an act, the incident *id_*, or the first that the act's events tell of."""

    def spell(connection: Connection, events: Sequence[Event]) -> BaseModel:
        incident = id_ or str(next(event.incident for event in events if hasattr(event, "incident")))
        return shown(desk, connection, incident)

    return spell


def _opened_after(desk: Desk) -> Spell:
    return lambda connection, events: shown(desk, connection, _only(events, Opened).incident)


def shown(desk: Desk, connection: Connection, incident: str) -> bodies.IncidentShown:
    """The incident as it is kept, with its words. Errors: LookupError where it is not there."""
    (found,) = _shown_together(desk, connection, [incident])
    return found


def _shown_together(desk: Desk, connection: Connection, incidents: Sequence[str]) -> list[bodies.IncidentShown]:
    """Those incidents, in that order; however many they are, the store is asked as often. Errors: LookupError for one that is not there."""
    stories = {story.incident.id: story for story in queries.stories_of(connection, incidents)}
    if missing := [id_ for id_ in incidents if id_ not in stories]:
        raise LookupError(f"incident {missing[0]} was written and cannot be read")
    called = callers.count_by_incident(connection, [story.incident for story in stories.values()])
    thought, now = useful_by_incident(connection, incidents), desk.now()
    matters = {id_: priority_of(story, desk.scale(), now, called[id_]) for id_, story in stories.items()}
    return [bodies.IncidentShown.of(stories[id_], now, matters[id_], thought[id_]) for id_ in incidents]


def _update_after(_: Connection, events: Sequence[Event]) -> BaseModel:
    return bodies.UpdateShown.of(_only(events, Updated).update)


def _note_after(_: Connection, events: Sequence[Event]) -> BaseModel:
    return bodies.NoteShown.model_validate(_only(events, Noted).note, from_attributes=True)


def _only(events: Sequence[Event], kind: type[E]) -> E:
    return next(event for event in events if isinstance(event, kind))


def _json(model: BaseModel) -> web.Response:
    return web.Response(text=model.model_dump_json(), content_type="application/json")
