"""Calling the next tier, and handing an incident on: by the forms of its card, and by the API."""

from collections.abc import Sequence
from functools import partial

from aiohttp import web
from sqlalchemy import Connection

from incidents import act, escalation
from incidents.events import Event
from incidents.model import Incident
from incidents.situation import climb_of
from statuspage.picture import board
from statuspage.pipeline import Command
from statuspage.store import people, queries
from statuspage.web.auth import CALLER, Permission
from statuspage.web.call_bodies import AssignBody, CallShown, EscalateBody, EscalationShown
from statuspage.web.console import Typed, TypedForms, acted, fit, typed_in
from statuspage.web.desk import DESK, Deed, Desk, fingerprint, perform, story_of
from statuspage.web.entry import body_of
from statuspage.web.once import Spell, done_once
from statuspage.web.problems import Rejected
from statuspage.web.reach import owners_of
from statuspage.web.screens import screen


async def show_take(request: web.Request) -> web.Response:
    """Ask whoever followed the link of a call whether they take the incident: following it alone changes nothing."""
    desk, now = request.app[DESK], request.app[DESK].now()
    story = await story_of(desk, request.match_info["id"])
    row = board.queue_row(desk.pipeline.situation, {}, story, now, language=desk.language, scale=desk.scale())
    return screen(request, "take.html", row=row, lasts=desk.acknowledgement_lasts)


async def escalate_by_form(request: web.Request) -> web.Response:
    """Have the next tier called, and draw the card again."""
    deed, command = _escalation(request)
    return await acted(request, perform(request.app[DESK], deed, command), TypedForms())


async def escalate(request: web.Request) -> web.Response:
    """Have the next tier called at once."""
    await body_of(request, EscalateBody)
    deed, command = _escalation(request)
    return await done_once(request, deed, command, status=200, spell=_shown_after(request))


async def show_escalation(request: web.Request) -> web.Response:
    """Give whom an incident has called, and when it calls next."""
    desk = request.app[DESK]
    story = await story_of(desk, request.match_info["id"])
    return web.Response(text=shown(desk, story.incident).model_dump_json(), content_type="application/json")


def _escalation(request: web.Request) -> tuple[Deed, Command]:
    incident, by = request.match_info["id"], request[CALLER].name
    return Deed(by=by, act="escalate", incident=incident), partial(
        escalation.escalate, incident=incident, by=by, rules=request.app[DESK].rules()
    )


async def assign_by_form(request: web.Request) -> web.Response:
    """Hand the incident on, and draw the card again."""
    typed = await typed_in(request)
    return await acted(request, _assign(request, typed), TypedForms(assign=typed))


async def _assign(request: web.Request, typed: Typed) -> None:
    deed, command = await _assignment(request, fit(AssignBody, to=typed.into, summary=typed.body))
    await perform(request.app[DESK], deed, command)


async def assign(request: web.Request) -> web.Response:
    """Have somebody own the incident from now on."""
    deed, command = await _assignment(request, await body_of(request, AssignBody))
    return await done_once(request, deed, command, status=200, spell=_shown_after(request))


async def _assignment(request: web.Request, body: AssignBody) -> tuple[Deed, Command]:
    """Errors: Rejected 422 for somebody who is no agent that may act."""
    desk, caller, incident = request.app[DESK], request[CALLER], request.match_info["id"]
    story = await story_of(desk, incident)
    if body.to not in owners_of(desk, story.incident, await desk.store.read(people.owners)):
        raise Rejected(422, f"There is no agent {body.to!r} who may own an incident.")
    command = partial(
        act.assign,
        incident=incident,
        by=caller.name,
        to=body.to,
        summary=body.summary,
        lasts=desk.acknowledgement_lasts,
        may_take=caller.may(Permission.TAKE_OVER),
    )
    return Deed(by=caller.name, act="assign", incident=incident, detail={"to": body.to, **fingerprint(body.summary)}), command


def shown(desk: Desk, incident: Incident) -> EscalationShown:
    """How far an incident was carried up the tiers."""
    climb = climb_of(incident)
    return EscalationShown(
        incident=incident.id,
        since=climb.since,
        calls=[CallShown.model_validate(call, from_attributes=True) for call in climb.calls],
        next_at=escalation.due_at(incident, desk.rules(), desk.now()),
    )


def _shown_after(request: web.Request) -> Spell:
    """Read what an act led to, in its transaction."""
    desk, id_ = request.app[DESK], request.match_info["id"]

    def spell(connection: Connection, _: Sequence[Event]) -> EscalationShown:
        story = queries.story(connection, id_)
        if story is None:
            raise LookupError(f"incident {id_} is not in the store")
        return shown(desk, story.incident)

    return spell
