"""The forms by which planned work is planned, moved and ended. The API's models and the acts behind them are the same."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import TypeVar
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import BaseModel

from incidents import act
from incidents.events import Event
from incidents.maintenance import Maintenance
from incidents.model import Situation
from incidents.planned import planning
from incidents.planned.announcing import span
from statuspage.pipeline import Command
from statuspage.render.instants import typed_as
from statuspage.web.attempts import Attempt, Overtaken, Typed, obstacle, over
from statuspage.web.auth import CALLER
from statuspage.web.bodies import Override
from statuspage.web.by_language import put_together
from statuspage.web.console import by_language, fit, text
from statuspage.web.desk import DESK, Deed, Desk, perform
from statuspage.web.entry import instant_typed
from statuspage.web.maintenance import done_to, ended, own_of, terms_of, wish_of
from statuspage.web.problems import Rejected
from statuspage.web.screens import see_other
from statuspage.web.window_bodies import ApproveBody, EndBody, ExtendBody, PlanBody, RescheduleBody
from statuspage.web.windows import far, plan_page, spelled, window_page

M = TypeVar("M", bound=BaseModel)

_SERVICE, _COMPONENT = "service:", "component:"
_NO_INSTANT = "Write a day and a time, such as 2026-12-05 22:00."


async def plan(request: web.Request) -> web.Response:
    """Plan what was typed; where it is refused, the form comes back with every reason and all that was typed."""
    typed = await _typed(request)
    try:
        id_ = await _plan(request, typed)
    except (act.Refused, Rejected) as error:
        return plan_page(request, Attempt(form="plan", typed=typed, obstacle=obstacle(error)))
    return see_other(f"/maintenance/{id_}")


async def _plan(request: web.Request, typed: Typed) -> str:
    missing = {
        "name": "" if typed.name.strip() else "Give it a name.",
        "services": "" if typed.services else "Choose at least one service.",
        "body": "" if typed.body.strip() else "Write what customers will notice.",
    }
    starts, ends, own = _instant(request, typed.starts), _instant(request, typed.ends), request.app[DESK].own
    body = _fitted(
        PlanBody,
        request.app[DESK],
        {**missing, "starts": "" if starts else _NO_INSTANT, "ends": "" if ends else _NO_INSTANT},
        name=put_together(own, typed.name, typed.names),
        services=sorted(typed.services),
        components=sorted(typed.components),
        starts=starts,
        ends=ends,
        body=put_together(own, typed.body, typed.bodies),
        override=_override(typed),
    )
    terms = terms_of(request, body.override, body)
    command = partial(planning.plan, by=request[CALLER].name, wish=wish_of(request, body), terms=terms)
    return await _perform(request, "plan maintenance", command, body.override)


async def reschedule(request: web.Request) -> web.Response:
    """Give the window other times."""
    return await _acted(request, "reschedule", _reschedule)


async def _reschedule(request: web.Request, typed: Typed) -> None:
    window = _window(request)
    starts = _instant(request, typed.starts, unless=window.starts if window else None)
    ends = _instant(request, typed.ends, unless=window.ends if window else None)
    wrong = {name: _NO_INSTANT for name, at in (("starts", starts), ("ends", ends)) if at is None}
    desk, words, override = request.app[DESK], _words(request, typed), _override(typed)
    body = _fitted(RescheduleBody, desk, wrong, starts=starts, ends=ends, body=words, override=override)
    terms = terms_of(request, body.override, body)
    command = partial(planning.reschedule, starts=body.starts, ends=body.ends, body=own_of(request, body), terms=terms)
    await _perform(request, "reschedule maintenance", _as_seen(request, typed, done_to(request, command)), body.override)


async def extend(request: web.Request) -> web.Response:
    """Let the window end later."""
    return await _acted(request, "extend", _extend)


async def _extend(request: web.Request, typed: Typed) -> None:
    window = _window(request)
    ends = _instant(request, typed.ends, unless=window.ends if window else None)
    wrong = {} if ends else {"ends": _NO_INSTANT}
    body = _fitted(ExtendBody, request.app[DESK], wrong, ends=ends, body=_words(request, typed), override=_override(typed))
    terms = terms_of(request, body.override, body)
    command = partial(planning.extend, ends=body.ends, body=own_of(request, body), terms=terms)
    await _perform(request, "extend maintenance", _as_seen(request, typed, done_to(request, command)), body.override)


async def finish(request: web.Request) -> web.Response:
    """End the work now."""
    return await _acted(request, "finish", partial(_end, name="finish maintenance", ending=planning.finish))


async def cancel(request: web.Request) -> web.Response:
    """Let the work not take place."""
    return await _acted(request, "cancel", partial(_end, name="cancel maintenance", ending=planning.cancel))


async def _end(request: web.Request, typed: Typed, *, name: str, ending: Callable[..., tuple[Event, ...]]) -> None:
    body = _fitted(EndBody, request.app[DESK], {}, body=_words(request, typed))
    await _perform(request, name, done_to(request, ended(request, ending, body)))


async def approve(request: web.Request) -> web.Response:
    """Agree, as another person than the one who planned it."""
    return await _acted(request, "approve", _approve)


async def _approve(request: web.Request, typed: Typed) -> None:
    body = _fitted(ApproveBody, request.app[DESK], {}, override=_override(typed))
    command = partial(planning.approve, terms=terms_of(request, body.override, body))
    await _perform(request, "approve maintenance", done_to(request, command), body.override)


# --- what they have in common ---------------------------------------------------------------------------------------------------


async def _acted(request: web.Request, form: str, deed: Callable[[web.Request, Typed], Awaitable[None]]) -> web.Response:
    """Do it and go on to the window's page, or draw that again with what stood in the way and what had been typed."""
    typed = await _typed(request)
    try:
        await deed(request, typed)
    except act.NotFound:  # it is over, or never was: the page knows
        return await window_page(request, Attempt(form=form, typed=typed, obstacle=over()))
    except (act.Refused, Rejected) as error:
        return await window_page(request, Attempt(form=form, typed=typed, obstacle=obstacle(error)))
    return see_other(f"/maintenance/{request.match_info['id']}")


async def _perform(request: web.Request, name: str, command: Command, override: Override | None = None) -> str:
    """Do the act, with its line in the audit; gives the window's id."""
    detail = {"override": override.reason} if override else {}
    deed = Deed(by=request[CALLER].name, act=name, subject=request.match_info.get("id", ""), detail=detail)
    events = await perform(request.app[DESK], deed, command)
    return str(next(event.maintenance for event in events if hasattr(event, "maintenance")))


def _as_seen(request: web.Request, typed: Typed, command: Command) -> Command:
    """The act, if the window still has the times that the form was drawn with. Two agents at once would undo each other unseen."""

    def done(situation: Situation, now: datetime) -> tuple[Event, ...]:
        window = situation.maintenances.get(request.match_info["id"])
        if typed.seen and window is not None and typed.seen != spelled(window):
            raise Overtaken("window", span(window.starts, window.ends))
        return tuple(command(situation, now))

    return done


def _words(request: web.Request, typed: Typed) -> str | Mapping[str, str] | None:
    """The words that were typed; None where there are none in any language."""
    return put_together(request.app[DESK].own, typed.body.strip(), typed.bodies) or None


def _fitted(model: type[M], desk: Desk, missing: Mapping[str, str], **given: object) -> M:
    """What was typed, as the API's model; *missing* says of a field, in our words, what it lacks. Errors: Rejected 422 with all of it."""
    wrong = {field: words for field, words in missing.items() if words}
    errors = [{"path": field, "message": words} for field, words in wrong.items()]
    try:
        body = fit(model, desk.languages(), **given)
    except Rejected as rejected:
        theirs = rejected.more.get("errors")
        errors += [one for one in (theirs if isinstance(theirs, list) else ()) if one["path"].partition(".")[0] not in wrong]
    else:
        if not errors:
            return body
    raise Rejected(422, "; ".join(one["message"] for one in errors), more={"errors": errors})


def _window(request: web.Request) -> Maintenance | None:
    desk, id_ = request.app[DESK], request.match_info["id"]
    return desk.pipeline.situation.maintenances.get(id_) or far(desk, id_)


def _instant(request: web.Request, typed: str, *, unless: datetime | None = None) -> datetime | None:
    """The instant that was typed, by the desk's clock on the wall where it names no zone; *unless* the field was left as it was."""
    zone = request.app[DESK].timezone
    # The field cannot say an instant's seconds, nor which of two it is where the clocks go back: left alone, it must move nothing.
    return unless if unless and typed.strip() == typed_as(unless, ZoneInfo(zone)) else instant_typed(typed, zone)


async def _typed(request: web.Request) -> Typed:
    form = await request.post()
    said = {name: text(form.get(name)) for name in ("name", "starts", "ends", "body", "override", "seen")}
    return Typed(
        **said,
        names=by_language(form, "name"),
        bodies=by_language(form, "body"),
        services=_ticked(form, _SERVICE),
        components=_ticked(form, _COMPONENT),
    )


def _ticked(names: Iterable[str], what: str) -> frozenset[str]:
    return frozenset(key.removeprefix(what) for key in names if key.startswith(what))


def _override(typed: Typed) -> Mapping[str, str] | None:
    return {"reason": typed.override} if typed.override.strip() else None
