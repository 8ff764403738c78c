"""What goes wrong between a request and its answer, told in one place: problem+json (RFC 9457) to programs, a page to people."""

import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from types import MappingProxyType

from aiohttp import web
from aiohttp.typedefs import Middleware

from incidents import act
from incidents.model import Update
from incidents.planned.planning import AgainstPolicy
from incidents.redacting import Outrun
from incidents.rewording import whole_digest
from statuspage.store.errors import StoreUnavailable

_log = logging.getLogger(__name__)

Json = str | int | float | bool | datetime | None | Sequence[Mapping[str, str]] | Mapping[str, str]
NOTHING: Mapping[str, Json] = MappingProxyType({})
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_TOO_BIG = "The request is larger than 1 MB."
_AWAY = "The store does not answer, so nothing was changed. Please try again."


class Rejected(Exception):
    """A request that is refused with *status*; *detail* is a sentence for people, *more* are members for programs."""

    def __init__(self, status: int, detail: str, *, more: Mapping[str, Json] = NOTHING, headers: Mapping[str, str] = NO_HEADERS) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.more = more
        self.headers = headers


def problem(rejected: Rejected) -> web.Response:
    """Spell a refusal as ``application/problem+json``; type is about:blank, so that the title is the status's own (RFC 9457, 4.2.1)."""
    members = {"type": "about:blank", "title": title(rejected.status), "status": rejected.status, "detail": rejected.detail}
    body = json.dumps({**members, **{key: _plain(value) for key, value in rejected.more.items()}}).encode()
    return web.Response(status=rejected.status, body=body, content_type="application/problem+json", headers=rejected.headers)


def title(status: int) -> str:
    """Return the status's phrase."""
    return HTTPStatus(status).phrase


def refused(refusal: act.Refused) -> Rejected:
    """Turn the judging room's no into a status: 404 unknown, 409 somebody else's or not from this state, 422 not like this."""
    match refusal:
        case act.NotFound():
            return Rejected(404, refusal.reason)
        case act.AlreadyHeld():
            held = refusal.held
            more: dict[str, Json] = {"acknowledged_by": held.by, "acknowledged_at": held.at, "acknowledgement_expires_at": held.expires_at}
            return Rejected(409, refusal.reason, more=more)
        case Outrun(stands=Update() as stands):
            digest = whole_digest(stands.body, stands.bodies)
            return Rejected(409, refusal.reason, more={"body": stands.body, "bodies": stands.bodies, "digest": digest})
        case act.IllegalMove() | act.StillFailing() | Outrun():
            return Rejected(409, refusal.reason)
        case act.Unfit():
            errors = [{"path": field, "message": sentence} for field, sentence in refusal.faults]
            return Rejected(422, refusal.reason, more={"errors": errors})
        case AgainstPolicy():
            errors = [{"path": "starts", "message": reason} for reason in refusal.reasons]
            return Rejected(422, refusal.reason, more={"errors": errors})
        case _:
            return Rejected(422, refusal.reason)


def told(spell: Callable[[web.Request, Rejected], Awaitable[web.StreamResponse]]) -> Middleware:
    """Return the outermost middleware: whatever goes wrong inside ends in *spell*, and never in a stack trace on the wire."""

    @web.middleware
    async def tell(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        try:
            return await handler(request)
        except Rejected as rejected:
            return await spell(request, rejected)
        except act.Refused as refusal:
            return await spell(request, refused(refusal))
        except web.HTTPRedirection:
            raise
        except web.HTTPException as error:
            return await spell(request, _known(error))
        except StoreUnavailable:
            _log.exception("the store did not answer a request of the desk")
            return await spell(request, Rejected(503, _AWAY, headers={"Retry-After": "5"}))
        except Exception:  # noqa: BLE001 - the last line: loud in the log, a number on the wire
            number = secrets.token_hex(6)
            _log.exception("request %s broke", number)
            return await spell(request, Rejected(500, f"This is our mistake. It is recorded under {number}.", more={"request": number}))

    return tell


def _known(error: web.HTTPException) -> Rejected:
    match error:
        case web.HTTPNotFound():
            return Rejected(404, "There is nothing here.")
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            return Rejected(405, f"This address answers {allowed} only.", headers={"Allow": allowed})
        case web.HTTPRequestEntityTooLarge():
            return Rejected(413, _TOO_BIG)
        case _:
            return Rejected(error.status, title(error.status))


def _plain(value: Json) -> Json:
    match value:
        case datetime():
            return value.isoformat()
        case Mapping():
            return dict(value)
        case _:
            return value
