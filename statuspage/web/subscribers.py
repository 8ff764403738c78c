"""Subscribers by the API, for those at the desk who may see whom we write to: every look and every erasure is in the audit."""

import base64
import secrets

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection

from incidents.model import Status
from statuspage.picture.audience import Wish
from statuspage.store import outbox, subscribers
from statuspage.store.acts import write_audit
from statuspage.store.subscribers import Subscriber
from statuspage.web.auth import CALLER
from statuspage.web.desk import DESK
from statuspage.web.entry import body_of, limit_of
from statuspage.web.once import written_once
from statuspage.web.problems import Rejected
from statuspage.web.subscriber_bodies import (
    SubscribeBody,
    SubscriberAdded,
    SubscriberErased,
    SubscriberExport,
    SubscriberList,
    SubscriberShown,
)

_UNKNOWN = "There is no subscriber with this id."


async def list_subscribers(request: web.Request) -> web.Response:
    """Give subscribers by their ids; ``address`` picks whoever is told at that address."""
    desk, by, limit = request.app[DESK], request[CALLER].name, limit_of(request)
    address, last, at = request.query.get("address"), _place(request.query.get("cursor")), request.app[DESK].now()

    def read(connection: Connection) -> tuple[Subscriber, ...]:
        write_audit(connection, at=at, actor=by, act="look at subscribers", subject="", detail={})
        if address is not None:
            return subscribers.subscribers_at(connection, address)
        return subscribers.subscribers_after(connection, last, limit=limit + 1)

    found = await desk.store.write(read)
    shown = [SubscriberShown.of(one) for one in found[:limit]]
    return _json(SubscriberList(items=shown, next=shown[-1].id if len(found) > limit else None))


async def add_subscriber(request: web.Request) -> web.Response:
    """Have a webhook told from now on; the answer has the secret that its messages are signed with, this once."""
    body = await body_of(request, SubscribeBody)
    desk, by = request.app[DESK], request[CALLER].name
    unknown = [id_ for id_ in body.services or () if id_ not in desk.pipeline.situation.topology.services]
    if unknown:
        raise Rejected(422, f"There is no service {unknown[0]!r}.")
    services = None if body.services is None else frozenset(body.services)
    wish = Wish(services=services, floor=Status(body.floor), wants_maintenance=body.maintenance)
    secret, at = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}", desk.now()

    def write(connection: Connection) -> SubscriberAdded:
        if subscribers.subscriber_at(connection, body.channel, body.address) is not None:
            raise Rejected(409, "This address is told already; erase it first.")
        named = {"channel": body.channel, "address": body.address, "language": desk.language}
        return SubscriberAdded.new(subscribers.subscribe(connection, wish=wish, at=at, secret=secret, added_by=by, **named))

    return await written_once(request, by, write, status=201)


async def export_subscriber(request: web.Request) -> web.Response:
    """Give all that is kept about a subscriber."""
    desk, by, id_ = request.app[DESK], request[CALLER].name, request.match_info["id"]
    at = desk.now()

    def read(connection: Connection) -> SubscriberExport:
        found = subscribers.subscriber(connection, id_)
        if found is None:
            raise Rejected(404, _UNKNOWN)
        write_audit(connection, at=at, actor=by, act="export subscriber", subject=id_, detail={})
        return SubscriberExport.whole(found, list(outbox.of_recipient(connection, found.recipient)))

    return _json(await desk.store.write(read))


async def erase_subscriber(request: web.Request) -> web.Response:
    """Forget a subscriber: nothing more is sent to them, and nothing is kept that leads to them."""
    desk, by, id_ = request.app[DESK], request[CALLER].name, request.match_info["id"]
    at = desk.now()
    if not await desk.store.write(lambda connection: subscribers.erase(connection, id_, at=at, by=by)):
        raise Rejected(404, _UNKNOWN)
    return _json(SubscriberErased(id=id_))


def _place(cursor: str | None) -> str:
    if cursor is None:
        return ""
    if not (cursor.isascii() and cursor.isalnum() and len(cursor) <= 40):
        raise Rejected(422, "This cursor is not one of ours.")
    return cursor


def _json(model: BaseModel) -> web.Response:
    return web.Response(text=model.model_dump_json(), content_type="application/json")
