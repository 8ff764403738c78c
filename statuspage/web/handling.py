"""What the desk decides about an incident beside its life: review, weights, words for callers, tickets. By the card's forms and the API."""

from collections.abc import Callable
from functools import partial

from aiohttp import web

from incidents import handling
from incidents.handled import Ticket
from statuspage.pipeline import Command
from statuspage.web.api import incident_after
from statuspage.web.auth import CALLER
from statuspage.web.by_language import put_together, words_of
from statuspage.web.console import TypedForms, acted, fit, typed_in
from statuspage.web.desk import DESK, Deed, perform
from statuspage.web.entry import body_of
from statuspage.web.handling_bodies import ConfirmBody, DismissBody, SayBody, TicketBody, UnlinkBody, WeighBody
from statuspage.web.once import done_once
from statuspage.web.problems import Rejected

Act = tuple[Deed, Command]


def _confirmation(request: web.Request) -> Act:
    by, incident = request[CALLER].name, request.match_info["id"]
    command = partial(handling.confirm, incident=incident, by=by, voices=request.app[DESK].voices)
    return Deed(by=by, act="confirm words", incident=incident), command


def _dismissal(request: web.Request, body: DismissBody) -> Act:
    by, incident = request[CALLER].name, request.match_info["id"]
    command = partial(handling.dismiss, incident=incident, by=by, reason=body.reason)
    return Deed(by=by, act="dismiss words", incident=incident, detail={"reason": body.reason}), command


def _weighing(request: web.Request, affected_share: float | None, cost_to_resolve: float | None) -> Act:
    by, incident = request[CALLER].name, request.match_info["id"]
    command = partial(handling.weigh, incident=incident, by=by, affected_share=affected_share, cost_to_resolve=cost_to_resolve)
    weights = {"affected_share": affected_share, "cost_to_resolve": cost_to_resolve}
    detail = {name: None if value is None else f"{value:.10g}" for name, value in weights.items()}
    return Deed(by=by, act="weigh", incident=incident, detail=detail), command


def _briefing(request: web.Request, body: SayBody) -> Act:
    by, incident, said = request[CALLER].name, request.match_info["id"], words_of(request.app[DESK].voices, body)
    command = partial(handling.brief, incident=incident, by=by, body=said.body, bodies=said.speech.bodies)
    return Deed(by=by, act="say", incident=incident, detail=said.detail), command


def _linking(request: web.Request, body: TicketBody) -> Act:
    by, incident = request[CALLER].name, request.match_info["id"]
    command = partial(handling.link, incident=incident, by=by, ticket=Ticket(name=body.name, url=body.url or ""))
    return Deed(by=by, act="link ticket", incident=incident, detail={"ticket": body.name}), command


def _unlinking(request: web.Request, body: UnlinkBody) -> Act:
    by, incident = request[CALLER].name, request.match_info["id"]
    command = partial(handling.unlink, incident=incident, by=by, name=body.name)
    return Deed(by=by, act="unlink ticket", incident=incident, detail={"ticket": body.name}), command


# --- for programs ---------------------------------------------------------------------------------------------------------------


async def confirm(request: web.Request) -> web.Response:
    """Have the safe words of an incident that waits for review go public at once."""
    await body_of(request, ConfirmBody)
    return await _done(request, _confirmation(request))


async def dismiss(request: web.Request) -> web.Response:
    """Have nothing of an incident that waits for review go public by itself; a draft ends with that."""
    return await _done(request, _dismissal(request, await body_of(request, DismissBody)))


async def weigh(request: web.Request) -> web.Response:
    """Say which share of the customers an incident hits, and what mending it costs."""
    body = await body_of(request, WeighBody)
    return await _done(request, _weighing(request, body.affected_share, body.cost_to_resolve))


async def say(request: web.Request) -> web.Response:
    """Say what callers are told about an incident until its next update."""
    return await _done(request, _briefing(request, await body_of(request, SayBody)))


async def link(request: web.Request) -> web.Response:
    """Link a ticket under which an incident is worked on."""
    return await _done(request, _linking(request, await body_of(request, TicketBody)))


async def unlink(request: web.Request) -> web.Response:
    """Take the link to a ticket away."""
    return await _done(request, _unlinking(request, await body_of(request, UnlinkBody)))


async def _done(request: web.Request, asked: Act) -> web.Response:
    return await done_once(request, *asked, status=200, spell=incident_after(request.app[DESK], request.match_info["id"]))


# --- by form --------------------------------------------------------------------------------------------------------------------


async def confirm_by_form(request: web.Request) -> web.Response:
    """Have the safe words go public now."""
    return await acted(request, perform(request.app[DESK], *_confirmation(request)), TypedForms())


async def dismiss_by_form(request: web.Request) -> web.Response:
    """Have nothing go public by itself."""
    typed = await typed_in(request)
    return await _acted(request, lambda: _dismissal(request, fit(DismissBody, reason=typed.body)), TypedForms(dismiss=typed))


async def weigh_by_form(request: web.Request) -> web.Response:
    """Take what somebody knows better than status and services; the share is typed in percent."""
    typed = await typed_in(request)

    def asked() -> Act:
        share, cost = _number(typed.share, "The share of the customers"), _number(typed.cost, "What mending costs")
        return _weighing(request, None if share is None else share / 100, cost)

    return await _acted(request, asked, TypedForms(weigh=typed))


async def say_by_form(request: web.Request) -> web.Response:
    """Have callers told what was typed, or again what is public where nothing was."""
    desk, typed = request.app[DESK], await typed_in(request)
    words = put_together(desk.own, typed.body, typed.bodies) or None
    return await _acted(request, lambda: _briefing(request, fit(SayBody, desk.languages(), body=words)), TypedForms(say=typed))


async def link_by_form(request: web.Request) -> web.Response:
    """Link a ticket."""
    typed = await typed_in(request)
    return await _acted(
        request, lambda: _linking(request, fit(TicketBody, name=typed.name.strip(), url=typed.url.strip() or None)), TypedForms(link=typed)
    )


async def unlink_by_form(request: web.Request) -> web.Response:
    """Take the link to a ticket away."""
    typed = await typed_in(request)
    return await _acted(request, lambda: _unlinking(request, fit(UnlinkBody, name=typed.name)), TypedForms())


async def _acted(request: web.Request, asked: Callable[[], Act], typed: TypedForms) -> web.Response:
    """Do what was *asked*, which may turn out to make no sense, and draw the card again."""

    async def deed() -> None:
        await perform(request.app[DESK], *asked())

    return await acted(request, deed(), typed)


def _number(typed: str, what: str) -> float | None:
    """A number as people type it, with a point or a comma for the fraction; None where nothing is. Errors: Rejected 422."""
    text = typed.replace(" ", "").removesuffix("%").replace(",", ".")
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise Rejected(422, f"{what} is a number, such as 12.5; thousands are not separated.") from None
