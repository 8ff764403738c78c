"""Advisories for programs: publish them, add words, let them hold at other times, withdraw them, and see them."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection

from incidents import advising
from incidents.advising import SAME, Wish
from incidents.advisory import AdvisoryEvent
from incidents.events import Event
from incidents.model import Situation
from statuspage.pipeline import Command
from statuspage.store.advisory_rows import bulletins_before, read_bulletins
from statuspage.web.advisory_bodies import (
    AdvisoryBody,
    AdvisoryList,
    AdvisoryMoveBody,
    AdvisoryShown,
    AdvisoryWithdrawBody,
    AdvisoryWordsBody,
    by_language,
)
from statuspage.web.auth import CALLER, Permission
from statuspage.web.desk import DESK, Deed
from statuspage.web.entry import body_of, cursor, limit_of, place_of
from statuspage.web.once import done_once
from statuspage.web.problems import Rejected
from statuspage.web.reach import demand_services


async def list_advisories(request: web.Request) -> web.Response:
    """Give advisories and notices, the last published first."""
    desk, limit, after = request.app[DESK], limit_of(request), place_of(request.query.get("cursor"))
    found = await desk.store.read(lambda connection: bulletins_before(connection, after, limit + 1))
    last = found[limit - 1].advisory if len(found) > limit else None
    shown = [AdvisoryShown.of(one, desk.now()) for one in found[:limit]]
    return _json(AdvisoryList(items=shown, next=cursor((last.published_at, last.id)) if last else None))


async def show_advisory(request: web.Request) -> web.Response:
    """Give one advisory, also one that is over."""
    desk, id_ = request.app[DESK], request.match_info["id"]
    found = await desk.store.read(lambda connection: read_bulletins(connection, [id_]))
    if not found:
        raise Rejected(404, "There is no advisory with this id.")
    return _json(AdvisoryShown.of(found[0], desk.now()))


async def publish_advisory(request: web.Request) -> web.Response:
    """Publish an advisory, or a notice."""
    body = await body_of(request, AdvisoryBody)
    return await _done(request, "publish advisory", published(request, body), status=201)


async def update_advisory(request: web.Request) -> web.Response:
    """Add public words to an advisory."""
    body = await body_of(request, AdvisoryWordsBody)
    command = partial(advising.update, body=by_language(body.body, request.app[DESK].language))
    return await _done(request, "update advisory", done_to(request, command), status=201)


async def move_advisory(request: web.Request) -> web.Response:
    """Let an advisory hold from or until another time."""
    body = await body_of(request, AdvisoryMoveBody)
    return await _done(request, "move advisory", done_to(request, moved(body, request.app[DESK].language)))


async def withdraw_advisory(request: web.Request) -> web.Response:
    """Say that an advisory holds no longer."""
    body = await body_of(request, AdvisoryWithdrawBody)
    command = partial(advising.withdraw, body=by_language(body.body, request.app[DESK].language))
    return await _done(request, "withdraw advisory", done_to(request, command))


def published(request: web.Request, body: AdvisoryBody) -> Command:
    """The act that publishes *body*, for whoever asks. Errors: Rejected 403 for services of other teams."""
    demand_services(request, body.services, Permission.PLAN)
    language = request.app[DESK].language

    def done(situation: Situation, now: datetime) -> tuple[Event, ...]:
        wish = Wish(
            name=by_language(body.name, language),
            services=tuple(body.services),
            starts=now if body.starts is None else body.starts,
            ends=body.ends,
            body=by_language(body.body, language),
        )
        return advising.publish(situation, now, by=request[CALLER].name, wish=wish)

    return done


def moved(body: AdvisoryMoveBody, language: str) -> partial[tuple[Event, ...]]:
    """The act that gives other times: an end that is left out stays, one of null is open."""
    ends = body.ends if "ends" in body.model_fields_set else SAME
    return partial(advising.move, starts=body.starts, ends=ends, body=by_language(body.body, language))


def done_to(request: web.Request, command: partial[tuple[Event, ...]]) -> Command:
    """The act, done to the advisory in the address by whoever asks."""
    return partial(command, advisory=request.match_info["id"], by=request[CALLER].name)


async def _done(request: web.Request, name: str, command: Command, *, status: int = 200) -> web.Response:
    deed = Deed(by=request[CALLER].name, act=name, subject=request.match_info.get("id", ""))
    now = request.app[DESK].now()

    def spell(connection: Connection, events: Sequence[Event]) -> BaseModel:
        id_ = next(event.advisory for event in events if isinstance(event, AdvisoryEvent))
        return AdvisoryShown.of(read_bulletins(connection, [id_])[0], now)

    return await done_once(request, deed, command, status=status, spell=spell)


def _json(model: BaseModel) -> web.Response:
    return web.Response(text=model.model_dump_json(), content_type="application/json")
