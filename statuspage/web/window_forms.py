"""The forms by which planned work is planned, moved and ended. The API's models and the acts behind them are the same."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from functools import partial

from aiohttp import web

from incidents import act
from incidents.planned import planning
from statuspage.pipeline import Command
from statuspage.web.auth import CALLER
from statuspage.web.bodies import Override
from statuspage.web.console import fit, text
from statuspage.web.desk import DESK, Deed, perform
from statuspage.web.entry import instant_typed
from statuspage.web.maintenance import done_to, terms_of
from statuspage.web.problems import Rejected, refused
from statuspage.web.screens import see_other
from statuspage.web.window_bodies import EndBody, ExtendBody, PlanBody, RescheduleBody
from statuspage.web.windows import Typed, TypedForms, plan_page, window_page

_SERVICE, _COMPONENT = "service:", "component:"


async def plan(request: web.Request) -> web.Response:
    """Plan what was typed; where it is refused, the form comes back with every reason and all that was typed."""
    typed = await _typed(request)
    try:
        id_ = await _plan(request, typed)
    except act.Refused as refusal:
        return plan_page(request, typed, refused(refusal))
    except Rejected as rejected:
        return plan_page(request, typed, rejected)
    return see_other(f"/maintenance/{id_}")


async def _plan(request: web.Request, typed: Typed) -> str:
    body = fit(
        PlanBody,
        name=typed.name,
        services=sorted(typed.services),
        components=sorted(typed.components),
        starts=_instant(request, typed.starts),
        ends=_instant(request, typed.ends),
        body=typed.body,
        override=_override(typed),
    )
    wish = planning.Wish(
        name=body.name,
        services=tuple(body.services),
        components=tuple(body.components),
        starts=body.starts,
        ends=body.ends,
        body=body.body,
    )
    command = partial(planning.plan, by=request[CALLER].name, wish=wish, terms=terms_of(request, body.override))
    return await _perform(request, "plan maintenance", command, body.override)


async def reschedule(request: web.Request) -> web.Response:
    """Give the window other times."""
    typed = await _typed(request)

    async def deed() -> None:
        starts, ends = (_instant(request, said) if said else None for said in (typed.starts, typed.ends))
        body = fit(RescheduleBody, starts=starts, ends=ends, body=typed.body or None, override=_override(typed))
        command = partial(
            planning.reschedule, starts=body.starts, ends=body.ends, body=body.body or "", terms=terms_of(request, body.override)
        )
        await _perform(request, "reschedule maintenance", done_to(request, command), body.override)

    return await _acted(request, deed, TypedForms(reschedule=typed))


async def extend(request: web.Request) -> web.Response:
    """Let the window end later."""
    typed = await _typed(request)

    async def deed() -> None:
        body = fit(ExtendBody, ends=_instant(request, typed.ends), body=typed.body or None, override=_override(typed))
        command = partial(planning.extend, ends=body.ends, body=body.body or "", terms=terms_of(request, body.override))
        await _perform(request, "extend maintenance", done_to(request, command), body.override)

    return await _acted(request, deed, TypedForms(extend=typed))


async def finish(request: web.Request) -> web.Response:
    """End the work now."""
    typed = await _typed(request)

    async def deed() -> None:
        body = fit(EndBody, body=typed.body or None)
        command = partial(planning.finish, body=body.body or "", language=request.app[DESK].language)
        await _perform(request, "finish maintenance", done_to(request, command))

    return await _acted(request, deed, TypedForms(finish=typed))


async def cancel(request: web.Request) -> web.Response:
    """Let the work not take place."""
    typed = await _typed(request)

    async def deed() -> None:
        body = fit(EndBody, body=typed.body or None)
        command = partial(planning.cancel, body=body.body or "", language=request.app[DESK].language)
        await _perform(request, "cancel maintenance", done_to(request, command))

    return await _acted(request, deed, TypedForms(cancel=typed))


async def approve(request: web.Request) -> web.Response:
    """Agree, as another person than the one who planned it."""

    async def deed() -> None:
        command = partial(planning.approve, language=request.app[DESK].language)
        await _perform(request, "approve maintenance", done_to(request, command))

    return await _acted(request, deed, TypedForms())


# --- what they have in common ---------------------------------------------------------------------------------------------------


async def _acted(request: web.Request, deed: Callable[[], Awaitable[None]], typed: TypedForms) -> web.Response:
    """Do it and go on to the window's page, or draw that again with what stood in the way and what had been typed."""
    try:
        await deed()
    except act.NotFound:
        raise
    except act.Refused as refusal:
        return await window_page(request, refused(refusal), typed)
    except Rejected as rejected:
        return await window_page(request, rejected, typed)
    return see_other(f"/maintenance/{request.match_info['id']}")


async def _perform(request: web.Request, name: str, command: Command, override: Override | None = None) -> str:
    """Do the act, with its line in the audit; gives the window's id."""
    detail = {"override": override.reason} if override else {}
    deed = Deed(by=request[CALLER].name, act=name, subject=request.match_info.get("id", ""), detail=detail)
    events = await perform(request.app[DESK], deed, command)
    return str(next(event.maintenance for event in events if hasattr(event, "maintenance")))


async def _typed(request: web.Request) -> Typed:
    form = await request.post()
    said = {name: text(form.get(name)) for name in ("name", "starts", "ends", "body", "override")}
    return Typed(**said, services=_ticked(form, _SERVICE), components=_ticked(form, _COMPONENT))


def _ticked(names: Iterable[str], what: str) -> frozenset[str]:
    return frozenset(key.removeprefix(what) for key in names if key.startswith(what))


def _instant(request: web.Request, typed: str) -> datetime | str:
    """The instant that was typed, by the desk's clock on the wall where it names no zone; what is none is left to the model to refuse."""
    return instant_typed(typed, request.app[DESK].timezone) or typed


def _override(typed: Typed) -> Mapping[str, str] | None:
    return {"reason": typed.override} if typed.override.strip() else None
