"""The forms that publish, add to, move and withdraw advisories. The API's models and the acts behind them are the same."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from aiohttp import web

from incidents import act, advising
from incidents.advising import SAME
from incidents.advisory import Advised, Advisory, AdvisoryEvent, AdvisoryUpdated
from incidents.events import Event
from incidents.model import Situation
from incidents.planned.announcing import span
from statuspage.picture.advisories import Bulletin
from statuspage.pipeline import Command
from statuspage.render.instants import typed_as
from statuspage.web.advisories import done_to, published
from statuspage.web.advisory_bodies import AdvisoryBody, AdvisoryWithdrawBody, AdvisoryWordsBody, by_language
from statuspage.web.advisory_pages import advisory_page, languages, publish_page, spelled
from statuspage.web.attempts import Attempt, Overtaken, Typed, obstacle
from statuspage.web.auth import CALLER
from statuspage.web.console import fit, text
from statuspage.web.desk import DESK, Deed, perform
from statuspage.web.entry import instant_typed
from statuspage.web.problems import Rejected
from statuspage.web.screens import see_other

_SERVICE = "service:"
_NO_INSTANT = "Write a day and a time, such as 2026-12-05 22:00."


async def publish_by_form(request: web.Request) -> web.Response:
    """Show what readers will see, or publish it; where it is refused, the form comes back with every reason and all that was typed."""
    typed, is_preview = await _typed(request), "preview" in await request.post()
    desk = request.app[DESK]
    try:
        command = published(request, _body(request, typed))
        if is_preview:
            drawn = _drawn(tuple(command(desk.pipeline.situation, desk.now())))
            return publish_page(request, Attempt(form="publish", typed=typed), drawn)
        id_ = await _perform(request, "publish advisory", command)
    except (act.Refused, Rejected) as error:
        return publish_page(request, Attempt(form="publish", typed=typed, obstacle=obstacle(error)))
    return see_other(f"/advisories/{id_}")


def _body(request: web.Request, typed: Typed) -> AdvisoryBody:
    """What was typed, as the API's model. Errors: Rejected 422 with all that is missing."""
    zone = request.app[DESK].timezone
    starts, ends = instant_typed(typed.starts, zone), instant_typed(typed.ends, zone)
    missing = {
        "name": "" if typed.names else "Give it a name.",
        "starts": "" if starts or not typed.starts else _NO_INSTANT,
        "ends": "" if ends or not typed.ends else _NO_INSTANT,
        "body": "" if typed.bodies else "Write what customers should know.",
    }
    _demand(missing)
    return fit(AdvisoryBody, name=typed.names, services=sorted(typed.services), starts=starts, ends=ends, body=typed.bodies)


def _demand(missing: Mapping[str, str]) -> None:
    errors = [{"path": name, "message": words} for name, words in missing.items() if words]
    if errors:
        raise Rejected(422, "; ".join(one["message"] for one in errors), more={"errors": errors})


def _drawn(events: tuple[Event, ...]) -> Bulletin:
    """What would be published."""
    (advisory,) = (event.plan for event in events if isinstance(event, Advised))
    return Bulletin(advisory=advisory, updates=tuple(event.update for event in events if isinstance(event, AdvisoryUpdated)))


async def update_by_form(request: web.Request) -> web.Response:
    """Add words for the public."""
    return await _acted(request, "updates", "update advisory", _update)


def _update(request: web.Request, typed: Typed) -> Command:
    _demand({"body": "" if typed.bodies else "Write what customers should know."})
    body = fit(AdvisoryWordsBody, body=typed.bodies)
    return done_to(request, partial(advising.update, body=by_language(body.body, request.app[DESK].language)))


async def move_by_form(request: web.Request) -> web.Response:
    """Let it hold from or until another time; an end that is cleared is open."""
    return await _acted(request, "move", "move advisory", _move)


def _move(request: web.Request, typed: Typed) -> Command:
    known = request.app[DESK].pipeline.situation.advisories.get(request.match_info["id"])
    starts = _instant(request, typed.starts, known.starts if known else None)
    ends = _instant(request, typed.ends, known.ends if known else None)
    _demand({"starts": "" if starts else _NO_INSTANT, "ends": "" if ends or not typed.ends else _NO_INSTANT})
    body = fit(AdvisoryWithdrawBody, body=typed.bodies or None)
    is_same = known is not None and ends == known.ends
    words = by_language(body.body, request.app[DESK].language)
    return _as_seen(request, typed, done_to(request, partial(advising.move, starts=starts, ends=SAME if is_same else ends, body=words)))


def _as_seen(request: web.Request, typed: Typed, command: Command) -> Command:
    """The act, if the advisory still has the times that the form was drawn with. Two agents at once would undo each other unseen."""

    def done(situation: Situation, now: datetime) -> tuple[Event, ...]:
        advisory = situation.advisories.get(request.match_info["id"])
        if typed.seen and advisory is not None and typed.seen != spelled(advisory):
            raise Overtaken("advisory", _span(advisory))
        return tuple(command(situation, now))

    return done


def _span(advisory: Advisory) -> str:
    return span(advisory.starts, advisory.ends) if advisory.ends else f"{advisory.starts:%-d %b %Y, %H:%M} UTC until it is withdrawn"


async def withdraw_by_form(request: web.Request) -> web.Response:
    """Say that it holds no longer."""
    return await _acted(request, "withdraw", "withdraw advisory", _withdraw)


def _withdraw(request: web.Request, typed: Typed) -> Command:
    body = fit(AdvisoryWithdrawBody, body=typed.bodies or None)
    return done_to(request, partial(advising.withdraw, body=by_language(body.body, request.app[DESK].language)))


# --- what they have in common ---------------------------------------------------------------------------------------------------


async def _acted(request: web.Request, form: str, name: str, command: Callable[[web.Request, Typed], Command]) -> web.Response:
    """Do it and go on to the advisory's page, or draw that again with what stood in the way and what had been typed."""
    typed = await _typed(request)
    try:
        await _perform(request, name, command(request, typed))
    except act.NotFound:  # it is over, or never was: the page knows
        over = Rejected(409, "This advisory is over: somebody was quicker, or its time ran out. What happened stands below.")
        return await advisory_page(request, Attempt(form=form, typed=typed, obstacle=obstacle(over)))
    except (act.Refused, Rejected) as error:
        return await advisory_page(request, Attempt(form=form, typed=typed, obstacle=obstacle(error)))
    return see_other(f"/advisories/{request.match_info['id']}")


async def _perform(request: web.Request, name: str, command: Command) -> str:
    """Do the act, with its line in the audit; gives the advisory's id."""
    deed = Deed(by=request[CALLER].name, act=name, subject=request.match_info.get("id", ""))
    events = await perform(request.app[DESK], deed, command)
    return next(event.advisory for event in events if isinstance(event, AdvisoryEvent))


def _instant(request: web.Request, typed: str, unless: datetime | None) -> datetime | None:
    """The instant that was typed; *unless* the field was left as it was, which says no seconds."""
    zone = request.app[DESK].timezone
    return unless if unless and typed.strip() == typed_as(unless, ZoneInfo(zone)) else instant_typed(typed, zone)


async def _typed(request: web.Request) -> Typed:
    form = await request.post()

    def spoken(field: str) -> Mapping[str, str]:
        found = {language: text(form.get(f"{field}:{language}")) for language in languages(request)}
        return {language: said for language, said in found.items() if said.strip()}

    return Typed(
        names=spoken("name"),
        bodies=spoken("body"),
        starts=text(form.get("starts")).strip(),
        ends=text(form.get("ends")).strip(),
        seen=text(form.get("seen")),
        services=frozenset(key.removeprefix(_SERVICE) for key in form if key.startswith(_SERVICE)),
    )
