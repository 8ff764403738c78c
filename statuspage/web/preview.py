"""An update as customers will see it, before anybody does: the act itself is asked what it would say, and nothing of it is kept."""

from aiohttp import web

from incidents import act
from incidents.events import Updated
from incidents.model import Update
from statuspage.web.console import Typed, TypedForms, card, typed_in, update_of
from statuspage.web.desk import DESK
from statuspage.web.problems import Rejected, refused


async def preview(request: web.Request) -> web.Response:
    """Draw the card with the update as it would be, or with what stands in its way; nothing is published."""
    typed = await typed_in(request)
    try:
        said = _said(request, typed)
    except act.Refused as refusal:
        return await card(request, refused(refusal), TypedForms(updates=typed))
    except Rejected as rejected:
        return await card(request, rejected, TypedForms(updates=typed))
    return await card(request, typed=TypedForms(updates=typed), preview=said)


def _said(request: web.Request, typed: Typed) -> Update:
    desk = request.app[DESK]
    _, command = update_of(request, typed)
    return next(event.update for event in command(desk.pipeline.situation, desk.now()) if isinstance(event, Updated))
