"""Whoever was invited chooses a password: once, within a day, by a link that nobody guesses."""

import secrets
from datetime import timedelta
from functools import partial

from aiohttp import web

from statuspage.store import sessions
from statuspage.store.people import Unfit
from statuspage.web import auth
from statuspage.web.desk import DESK
from statuspage.web.login import DOOR
from statuspage.web.problems import Rejected
from statuspage.web.screens import screen, see_other

_LASTS = timedelta(hours=1)
_GONE = "This invitation was used, or is older than a day. Ask for another one."


async def show_invitation(request: web.Request) -> web.Response:
    """Draw the form. Errors: Rejected 404."""
    return await _form(request)


async def accept_by_form(request: web.Request) -> web.Response:
    """Keep the password, and lead to the login. Errors: Rejected 404."""
    desk, form = request.app[DESK], await request.post()
    password, again = form.get("password"), form.get("again")
    await _demand_invited(request)
    if password != again or not isinstance(password, str):
        return await _form(request, "These two are not the same.")
    try:
        digest = await request.app[DOOR].hashed(password)
    except Unfit as unfit:
        return await _form(request, str(unfit))
    accept = partial(sessions.accept, code=request.match_info["code"], password_hash=digest, at=desk.now())
    if await desk.store.write(accept) is None:
        raise Rejected(404, _GONE)
    return see_other("/login")


async def _demand_invited(request: web.Request) -> str:
    desk = request.app[DESK]
    name = await desk.store.read(partial(sessions.invited, code=request.match_info["code"], now=desk.now()))
    if name is None:
        raise Rejected(404, _GONE)
    return name


async def _form(request: web.Request, trouble: str = "") -> web.Response:
    """Draw the form, bound to a cookie as that of the login is."""
    desk, name = request.app[DESK], await _demand_invited(request)
    nonce = request.cookies.get(auth.form_cookie(desk)) or secrets.token_urlsafe()
    status = 422 if trouble else 200
    response = screen(request, "invitation.html", status=status, name=name, trouble=trouble, form_token=auth.login_token(nonce))
    auth.give_cookie(response, desk, auth.form_cookie(desk), nonce, max_age=int(_LASTS.total_seconds()))
    return response
