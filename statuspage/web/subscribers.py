"""Subscribers by the API, for those at the desk who may see whom we write to: every look and every erasure is in the audit."""

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection

from statuspage.store import outbox, subscribers
from statuspage.store.acts import write_audit
from statuspage.store.subscribers import Subscriber
from statuspage.web.auth import CALLER
from statuspage.web.desk import DESK
from statuspage.web.entry import limit_of
from statuspage.web.problems import Rejected
from statuspage.web.subscriber_bodies import SubscriberErased, SubscriberExport, SubscriberList, SubscriberShown

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
