"""The ledger of a service for programs, and the corrections that people make to it."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection

from incidents.corrected import CorrectionEvent
from incidents.correction import Claim, approve, correct, drop
from incidents.events import Event
from incidents.levels.periods import named
from incidents.levels.service_level import NO_OFFER, calendar_period
from incidents.levels.terms import Period
from incidents.times.spans import Span
from statuspage.ledgers import Account, account_of, ledger_of, present_account
from statuspage.pipeline import Command
from statuspage.store.ledger_rows import newest_corrections, read_correction
from statuspage.web.auth import CALLER
from statuspage.web.desk import DESK, Deed, Desk
from statuspage.web.entry import body_of, cursor, instant_of, limit_of, place_of
from statuspage.web.ledger_bodies import CorrectionBody, CorrectionList, CorrectionShown, DropBody, LedgerShown, ServiceLevelShown
from statuspage.web.once import done_once
from statuspage.web.problems import Rejected
from statuspage.web.window_bodies import ApproveBody

LONGEST = timedelta(days=3 * 366)
"""The longest period that is accounted for at once."""


async def show_availability(request: web.Request) -> web.Response:
    """Give the ledger from ``since`` to ``until``; by default of this month so far, in the site's zone."""
    desk, service = request.app[DESK], _service(request)
    period = _period(request, desk)
    try:
        ledger = await desk.store.read(lambda connection: ledger_of(connection, service, period))
    except LookupError as error:
        raise Rejected(404, "Nothing is known of this service yet.") from error
    return web.Response(text=LedgerShown.of(ledger).model_dump_json(), content_type="application/json")


async def show_service_level(request: web.Request) -> web.Response:
    """Give promise, budget, credits and cost of a ``period`` (2026-10, 2026-Q4, 90d), as of the last whole minute.

    By default of the present period of the service's promise, or of this month where none is stated.
    """
    desk, service = request.app[DESK], _service(request)
    now = desk.now().replace(second=0, microsecond=0)
    word = request.query.get("period")
    try:
        period = None if word is None else named(word, now, desk.timezone)
    except ValueError as error:
        raise Rejected(422, f"{error}.") from error

    def read(connection: Connection) -> Account:
        if period is None:
            return present_account(connection, service, desk.timezone, now)
        return account_of(connection, service, period, now)

    try:
        account = await desk.store.read(read)
    except LookupError as error:
        raise Rejected(404, "Nothing is known of this service yet.") from error
    shown = ServiceLevelShown.of(account, desk.offers().get(service, NO_OFFER))
    return web.Response(text=shown.model_dump_json(), content_type="application/json")


async def correct_availability(request: web.Request) -> web.Response:
    """Say what a service was, where somebody knows it better than the record."""
    body = await body_of(request, CorrectionBody)
    deed, command = correcting(request, _service(request), body)
    return await done_once(request, deed, command, status=201, spell=_correction_after)


def correcting(request: web.Request, service: str, body: CorrectionBody) -> tuple[Deed, Command]:
    """The act of whoever asks, as it is done and as the audit tells it."""
    by = request[CALLER].name
    claim = Claim(service=service, since=body.since, until=body.until, status=body.status, reason=body.reason)
    detail = {"since": body.since.isoformat(), "until": body.until.isoformat(), "status": body.status.value, "reason": body.reason}
    command = partial(correct, claim=claim, by=by, needs_approval=request.app[DESK].planning_policy().needs_approval)
    return Deed(by=by, act="correct", subject=service, detail=detail), command


async def list_corrections(request: web.Request) -> web.Response:
    """Give what was corrected of a service, newest first, with what a second person made of it where one was needed."""
    service, limit, after = _service(request), limit_of(request), place_of(request.query.get("cursor"))
    found = await request.app[DESK].store.read(
        lambda connection: newest_corrections(connection, service=service, after=after, limit=limit + 1)
    )
    following = cursor((found[limit - 1].at, found[limit - 1].correction)) if len(found) > limit else None
    shown = CorrectionList(items=[CorrectionShown.of(one) for one in found[:limit]], next=following)
    return web.Response(text=shown.model_dump_json(), content_type="application/json")


async def approve_correction(request: web.Request) -> web.Response:
    """Agree to a correction, as another person than the one who made it: it counts from now on."""
    await body_of(request, ApproveBody)
    id_, by = request.match_info["id"], request[CALLER].name
    deed = Deed(by=by, act="approve correction", subject=id_)
    return await done_once(request, deed, partial(approve, correction=id_, by=by), status=200, spell=_correction_after)


async def drop_correction(request: web.Request) -> web.Response:
    """Decline a correction that waits, or take it back."""
    body = await body_of(request, DropBody)
    id_, by = request.match_info["id"], request[CALLER].name
    deed = Deed(by=by, act="drop correction", subject=id_, detail={"reason": body.reason})
    return await done_once(request, deed, partial(drop, correction=id_, by=by, reason=body.reason), status=200, spell=_correction_after)


def _correction_after(connection: Connection, events: Sequence[Event]) -> BaseModel:
    id = next(event.correction for event in events if isinstance(event, CorrectionEvent))
    return CorrectionShown.of(read_correction(connection, id))


def _service(request: web.Request) -> str:
    service = request.match_info["id"]
    if service not in request.app[DESK].pipeline.situation.topology.services:
        raise Rejected(404, "There is no service with this id.")
    return service


def _period(request: web.Request, desk: Desk) -> Span:
    now = desk.now()
    month = calendar_period(Period.MONTH, now.astimezone(ZoneInfo(desk.timezone)).date(), desk.timezone)
    since, until = instant_of(request, "since", month.since), instant_of(request, "until", now)
    if not since < until <= now:
        raise Rejected(422, "since lies before until, and until not after now.")
    if until - since > LONGEST:
        raise Rejected(422, f"At most {LONGEST.days} days are accounted for at once.")
    return Span(since, until)
