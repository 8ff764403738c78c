"""What agents see of themselves: where they are logged in, and the ways to end it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pyotp
import segno
from aiohttp import web
from markupsafe import Markup
from sqlalchemy import Connection

from statuspage.store import people, second_factors, sessions
from statuspage.store.people import Unfit
from statuspage.store.sessions import Stay
from statuspage.web.auth import CALLER, session_cookie
from statuspage.web.console import text, trouble_of
from statuspage.web.desk import DESK
from statuspage.web.login import DOOR
from statuspage.web.problems import Rejected
from statuspage.web.screens import screen, see_other


async def show_account(request: web.Request) -> web.Response:
    """Draw the agent's roles, teams and sessions."""
    return await _page(request)


async def end_by_form(request: web.Request) -> web.Response:
    """End one of the agent's own sessions; this very one too."""
    desk, by = request.app[DESK], _agent(request)
    id_ = text((await request.post()).get("session"))
    if not await desk.store.write(partial(sessions.end_stay, id_=id_, agent=by, at=desk.now(), by=by)):
        raise Rejected(404, "This session is over already.")
    return see_other("/account")


async def log_out_everywhere(request: web.Request) -> web.Response:
    """End all sessions of the agent."""
    desk, by = request.app[DESK], _agent(request)
    await desk.store.write(partial(sessions.end_stays, agent=by, at=desk.now(), by=by))
    return see_other("/login")


async def change_password(request: web.Request) -> web.Response:
    """Give the agent the password that they chose: it ends all their sessions, this one too."""
    desk, by, form = request.app[DESK], _agent(request), await request.post()
    try:
        was, digest = await _chosen(request, *(text(form.get(name)) for name in ("now", "password", "again")))
    except Rejected as rejected:
        return await _page(request, rejected)

    def write(connection: Connection) -> None:
        # To digest takes a while: whoever was shut out in it, or given another password, must not come in by this one.
        if people.password_of(connection, by) != was:
            raise Rejected(409, "Somebody gave you another password meanwhile, or shut you out. Nothing was changed.")
        people.set_password(connection, by, password_hash=digest, at=desk.now(), by=by)

    await desk.store.write(write)
    return see_other("/login")


def _agent(request: web.Request) -> str:
    """Who asks. Errors: Rejected 403 for a token, which has no account."""
    caller = request[CALLER]
    if caller.session is None:
        raise Rejected(403, "This is for people who are logged in.")
    return caller.name


async def _chosen(request: web.Request, now: str, password: str, again: str) -> tuple[str | None, str]:
    """Digests of the present password and of the chosen one. Errors: Rejected 422; as ``_present``."""
    kept = await _present(request, now)
    if password != again:
        raise Rejected(422, "The two new ones are not the same.")
    try:
        return kept, await request.app[DOOR].hashed(password)
    except Unfit as unfit:
        raise Rejected(422, str(unfit)) from unfit


async def _present(request: web.Request, typed: str) -> str | None:
    """The digest of the present password, if it is *typed*. Errors: Rejected 422 if not; 429 where somebody guesses too often."""
    desk, door, name = request.app[DESK], request.app[DOOR], request[CALLER].name
    if door.throttle.admit(account=name, address="", device=f"session {request[CALLER].session}", now=desk.now()):
        raise Rejected(429, "Too many tries. Wait a minute.")
    kept = await desk.store.read(partial(people.password_of, name=name))
    if not await door.is_password(kept, typed):
        raise Rejected(422, "The present password is another one.")
    return kept


async def offer_factor(request: web.Request) -> web.Response:
    """Make a secret, and show it for an app to take: to whoever knows the password, not to all who find the browser open."""
    desk, by = request.app[DESK], _agent(request)
    try:
        await _present(request, text((await request.post()).get("now")))
    except Rejected as rejected:
        return await _page(request, rejected)
    try:
        await desk.store.write(partial(second_factors.offer_factor, agent=by))
    except Unfit as unfit:
        return await _page(request, Rejected(409, str(unfit)))
    return see_other("/account#factor")


async def confirm_factor(request: web.Request) -> web.Response:
    """Have the factor count, once a code shows that the app has it; its recovery codes are shown, this once. Other sessions end."""
    desk, by, code = request.app[DESK], _agent(request), text((await request.post()).get("code"))
    secret = request.cookies.get(session_cookie(desk), "")
    _demand_patience(request)
    codes = await desk.store.write(partial(second_factors.confirm_factor, agent=by, code=code, at=desk.now(), kept=secret))
    if codes is None:
        return await _page(request, Rejected(422, "This code is not what the app shows now."))
    return await _page(request, recovery=codes)


async def remove_factor(request: web.Request) -> web.Response:
    """Let the password alone be enough, if a code shows that it is really them: it ends all their sessions."""
    desk, by, code = request.app[DESK], _agent(request), text((await request.post()).get("code"))
    _demand_patience(request)

    def write(connection: Connection) -> bool:
        if not second_factors.passes(connection, by, code, at=desk.now()):
            return False
        second_factors.remove_factor(connection, by, at=desk.now(), by=by)
        return True

    if not await desk.store.write(write):
        return await _page(request, Rejected(422, "This code is wrong, or was used already."))
    return see_other("/login")


def _demand_patience(request: web.Request) -> None:
    """Errors: Rejected 429 where somebody tries codes too often."""
    codes, key, now = request.app[DOOR].codes, f"session {request[CALLER].session}", request.app[DESK].now()
    if codes.wait(key, now):
        raise Rejected(429, "Too many tries. Wait a minute.")
    codes.spend(key, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """How somebody's second factor stands: it *counts*, or its *secret* is shown for an app to take, as a picture too; or there is none."""

    counts: bool
    left: int
    secret: str | None
    picture: Markup


def _factor(connection: Connection, agent: str, site: str) -> Factor:
    secret = second_factors.offered_factor(connection, agent)
    return Factor(
        counts=second_factors.has_second_factor(connection, agent),
        left=second_factors.codes_left(connection, agent),
        secret=secret,
        picture=_picture(secret, agent, site) if secret else Markup(),
    )


def _picture(secret: str, agent: str, site: str) -> Markup:
    """What an app photographs to take the secret."""
    address = pyotp.TOTP(secret, interval=second_factors.STEP).provisioning_uri(name=agent, issuer_name=f"{site} desk")
    drawn = segno.make(address, micro=False).svg_inline(scale=5, border=4, light="#fff", omitsize=True)
    return Markup(drawn)  # noqa: S704 - squares and numbers alone


async def _page(request: web.Request, rejected: Rejected | None = None, recovery: Sequence[str] = ()) -> web.Response:
    desk, by = request.app[DESK], _agent(request)

    def read(connection: Connection) -> tuple[Sequence[Stay], Factor]:
        return sessions.list_stays(connection, desk.now(), by), _factor(connection, by, desk.site_name)

    stays, factor = await desk.store.read(read)
    return screen(
        request,
        "account.html",
        status=rejected.status if rejected else 200,
        stays=stays,
        factor=factor,
        recovery=recovery,
        crews=desk.roster().crews,
        trouble=trouble_of(rejected),
    )
