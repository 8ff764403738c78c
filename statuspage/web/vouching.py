"""Coming in by the company's accounts: to the provider of identities, and back with what it says of somebody."""

import hmac
import logging
import secrets
from datetime import timedelta

from aiohttp import web
from sqlalchemy import Connection

from statuspage.store import identities, sessions
from statuspage.store.acts import write_audit
from statuspage.store.identities import Identity
from statuspage.store.people import Unfit
from statuspage.web import auth
from statuspage.web.desk import DESK, Desk
from statuspage.web.login import DOOR, let_in, login_form
from statuspage.web.problems import Rejected
from statuspage.web.provider import Away, Distrusted, Provider, Trip
from statuspage.web.proxies import place_of
from statuspage.web.screens import see_other
from statuspage.web.security import local_target

_TRIP_LASTS = timedelta(minutes=10)
_log = logging.getLogger(__name__)


async def go(request: web.Request) -> web.Response:
    """Send the browser to the provider. Errors: Rejected 404 where none is configured."""
    desk, provider = request.app[DESK], _provider(request)
    secret, target = secrets.token_urlsafe(32), local_target(request.query.get("next"))
    try:
        response = see_other(await provider.way(Trip(secret)))
    except (Away, ValueError) as away:
        return _away(request, provider, str(away))
    auth.give_cookie(response, desk, auth.trip_cookie(desk), f"{secret}.{target}", max_age=int(_TRIP_LASTS.total_seconds()))
    return response


async def back(request: web.Request) -> web.Response:
    """Begin a session of whomever the provider vouches for. Errors: Rejected 404 where none is configured."""
    desk, provider = request.app[DESK], _provider(request)
    secret, _, target = request.cookies.get(auth.trip_cookie(desk), "").partition(".")
    trip, state = Trip(secret), request.query.get("state", "")
    if not secret or not hmac.compare_digest(trip.state.encode(), state.encode(errors="surrogatepass")):
        return _refused(request, "This login began in another browser, or took too long. Please begin again.")
    if code := request.query.get("code"):
        return await _come_back(request, desk, provider, trip, code, local_target(target))
    told = "".join(filter(str.isprintable, request.query.get("error", "")))[:80]
    return _refused(request, f"You were not let in by {provider.settings.name}{f' ({told})' if told else ''}.")


async def leave(request: web.Request) -> web.Response:
    """Send the browser to where it logs out at the provider, too. Errors: Rejected 404 where none is configured."""
    desk, provider = request.app[DESK], _provider(request)
    try:
        return see_other(await provider.farewell(f"{desk.console_url}/login") or "/login")
    except (Away, ValueError) as away:
        return _away(request, provider, str(away))


async def _come_back(request: web.Request, desk: Desk, provider: Provider, trip: Trip, code: str, target: str) -> web.Response:
    address = desk.proxies.client_of(request)
    if request.app[DOOR].throttle.admit(account=None, address=place_of(address), device=None, now=desk.now()):
        return _refused(request, "Too many tries. Wait a minute.", status=429)
    try:
        identity = await provider.vouched(trip, code)
        name, begun = await _begun(desk, identity, address)
    except (Away, ValueError) as away:
        return _away(request, provider, str(away))
    except (Distrusted, Unfit) as refusal:
        _log.warning("a login by %s was refused: %s", provider.settings.issuer, refusal)
        return _refused(request, str(refusal))
    return let_in(request, name, begun, target, None)


async def _begun(desk: Desk, identity: Identity, address: str) -> tuple[str, str]:
    at = desk.now()

    def write(connection: Connection) -> tuple[str, str]:
        name = identities.received(connection, identity, at=at)
        secret = sessions.begin_vouched(connection, agent=name, at=at, address=address, issuer=identity.issuer)
        write_audit(connection, at=at, actor=name, act="log in", subject=name, detail={"from": address, "by": identity.issuer})
        return name, secret

    return await desk.store.write(write)


def _provider(request: web.Request) -> Provider:
    provider = request.app[DESK].provider()
    if provider is None:
        raise Rejected(404, "There is no other way in than the password: login.oidc is not configured.")
    return provider


def _away(request: web.Request, provider: Provider, reason: str) -> web.Response:
    _log.warning("%s cannot be asked: %s", provider.settings.issuer, reason)
    return _refused(request, f"At this moment {provider.settings.name} cannot be asked. A password still lets you in.", status=503)


def _refused(request: web.Request, trouble: str, *, status: int = 403) -> web.Response:
    response = login_form(request, name="", target="/", status=status, trouble=trouble)
    auth.drop_cookie(response, request.app[DESK], auth.trip_cookie(request.app[DESK]))
    return response
