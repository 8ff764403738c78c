"""What agents see of themselves: where they are logged in, and the ways to end it."""

from functools import partial

from aiohttp import web

from statuspage.store import people, sessions
from statuspage.store.people import Unfit
from statuspage.web.auth import CALLER
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
        digest = await _chosen(request, *(text(form.get(name)) for name in ("now", "password", "again")))
    except Rejected as rejected:
        return await _page(request, rejected)
    await desk.store.write(partial(people.set_password, name=by, password_hash=digest, at=desk.now(), by=by))
    return see_other("/login")


def _agent(request: web.Request) -> str:
    """Who asks. Errors: Rejected 403 for a token, which may be called as somebody is."""
    caller = request[CALLER]
    if caller.session is None:
        raise Rejected(403, "This is for people who are logged in.")
    return caller.name


async def _chosen(request: web.Request, now: str, password: str, again: str) -> str:
    """The digest of what was chosen. Errors: Rejected 422, and 429 where somebody tries too often what the present one may be."""
    desk, door, name = request.app[DESK], request.app[DOOR], request[CALLER].name
    if door.throttle.admit(account=name, address="", device=f"session {request[CALLER].session}", now=desk.now()):
        raise Rejected(429, "Too many tries. Wait a minute.")
    kept = await desk.store.read(partial(people.password_of, name=name))
    if not await door.is_password(kept, now):
        raise Rejected(422, "The present password is another one.")
    if password != again:
        raise Rejected(422, "The two new ones are not the same.")
    try:
        return await door.hashed(password)
    except Unfit as unfit:
        raise Rejected(422, str(unfit)) from unfit


async def _page(request: web.Request, rejected: Rejected | None = None) -> web.Response:
    desk = request.app[DESK]
    stays = await desk.store.read(partial(sessions.list_stays, now=desk.now(), agent=_agent(request)))
    return screen(
        request,
        "account.html",
        status=rejected.status if rejected else 200,
        stays=stays,
        crews=desk.roster().crews,
        trouble=trouble_of(rejected),
    )
