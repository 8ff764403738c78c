"""Corrections of availability at the desk: what waits for a second person, what was corrected lately, and the form that corrects."""

from collections.abc import Awaitable
from dataclasses import dataclass, fields
from functools import partial

from aiohttp import web
from sqlalchemy import Connection

from incidents import act
from incidents.correction import approve, drop
from incidents.model import Status
from statuspage.picture import board
from statuspage.store.ledger_rows import CorrectionRow, CorrectionState, newest_corrections, waiting_corrections
from statuspage.web.auth import CALLER, Permission
from statuspage.web.availability import correcting
from statuspage.web.console import fit, text, trouble_of
from statuspage.web.desk import DESK, Deed, perform
from statuspage.web.entry import instant_typed
from statuspage.web.ledger_bodies import CorrectionBody, DropBody
from statuspage.web.problems import Rejected, refused
from statuspage.web.screens import screen, see_other

MOST = 50
STATUSES = (Status.OPERATIONAL, Status.DEGRADED, Status.PARTIAL, Status.MAJOR, Status.UNKNOWN)
"""What a service may be said to have been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What had been typed into the form that was refused, so that nothing is typed twice."""

    service: str = ""
    since: str = ""
    until: str = ""
    status: str = ""
    reason: str = ""


async def show_corrections(request: web.Request) -> web.Response:
    """Draw what waits, the form, and what was corrected lately."""
    return await _page(request, Typed())


async def correct_by_form(request: web.Request) -> web.Response:
    """Say what a service was, where somebody knows it better than the record."""
    form = await request.post()
    typed = Typed(**{one.name: text(form.get(one.name)) for one in fields(Typed)})
    return await _done(request, _correct(request, typed), typed)


async def _correct(request: web.Request, typed: Typed) -> None:
    desk = request.app[DESK]
    since, until = (instant_typed(said, desk.timezone) or said for said in (typed.since, typed.until))
    body = fit(CorrectionBody, since=since, until=until, status=typed.status, reason=typed.reason)
    deed, command = correcting(request, typed.service, body)
    await perform(desk, deed, command)


async def approve_by_form(request: web.Request) -> web.Response:
    """Agree, as another person than the one who made it."""
    id_, by = request.match_info["id"], request[CALLER].name
    deed = Deed(by=by, act="approve correction", subject=id_)
    return await _done(request, perform(request.app[DESK], deed, partial(approve, correction=id_, by=by)), Typed())


async def drop_by_form(request: web.Request) -> web.Response:
    """Decline it, or take it back."""
    reason = text((await request.post()).get("reason"))
    return await _done(request, _drop(request, reason), Typed())


async def _drop(request: web.Request, reason: str) -> None:
    id_, by, body = request.match_info["id"], request[CALLER].name, fit(DropBody, reason=reason)
    deed = Deed(by=by, act="drop correction", subject=id_, detail={"reason": body.reason})
    await perform(request.app[DESK], deed, partial(drop, correction=id_, by=by, reason=body.reason))


async def _done(request: web.Request, deed: Awaitable[object], typed: Typed) -> web.Response:
    """Wait for the deed; draw the page again with what stood in the way, if anything did."""
    try:
        await deed
    except act.Refused as refusal:
        return await _page(request, typed, refused(refusal))
    except Rejected as rejected:
        return await _page(request, typed, rejected)
    return see_other("/corrections")


async def _page(request: web.Request, typed: Typed, rejected: Rejected | None = None) -> web.Response:
    desk, caller = request.app[DESK], request[CALLER]

    def read(connection: Connection) -> tuple[tuple[CorrectionRow, ...], tuple[CorrectionRow, ...]]:
        return waiting_corrections(connection), newest_corrections(connection, service=None, after=None, limit=MOST)

    waiting, newest = await desk.store.read(read)
    situation = desk.pipeline.situation
    rows = board.service_rows(situation, desk.language)
    return screen(
        request,
        "corrections.html",
        status=rejected.status if rejected else 200,
        waiting=waiting,
        decided=[one for one in newest if one.state is not CorrectionState.WAITING],
        named={one.service: board.service_name(situation, one.service, desk.language) for one in (*waiting, *newest)},
        services=rows,
        statuses=STATUSES,
        needs_approval=desk.planning_policy().needs_approval,
        may_approve=caller.may(Permission.APPROVE),
        typed=typed,
        trouble=trouble_of(rejected),
    )
