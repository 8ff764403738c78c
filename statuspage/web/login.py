"""Coming in and going out: the login form, slowed down for guessers, and the end of a session."""

import asyncio
import hashlib
import hmac
import math
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

from aiohttp import web
from sqlalchemy import Connection

from statuspage.store import people, sessions
from statuspage.store.acts import write_audit
from statuspage.store.second_factors import has_second_factor, passes
from statuspage.web import auth
from statuspage.web.desk import DESK, Desk
from statuspage.web.problems import Rejected
from statuspage.web.proxies import place_of
from statuspage.web.screens import screen, see_other
from statuspage.web.security import local_target
from statuspage.web.throttle import Allowance, Buckets, LoginThrottle

_WRONG = "This name and password do not belong together."
_AT_ONCE = 2
_MOST_WAITING = 20
_LONGEST_NAME = 100
"""Letters of what is typed as a name: names are shorter, and thousands of them are remembered to slow down guessers."""
_DEVICE_LASTS = timedelta(days=90)
_FORM_LASTS = timedelta(hours=1)
_TICKET_LASTS = timedelta(minutes=5)


class Door:
    """What the login remembers while the program runs: how often somebody tried, and which browsers belong to whom."""

    def __init__(self) -> None:
        self.throttle = LoginThrottle()
        self.codes = Buckets(Allowance(burst=5, every=timedelta(minutes=1)))
        self._key = secrets.token_bytes(32)
        # Each try costs 19 MiB and a core for a moment: a few at once, a short queue, and no more.
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def is_password(self, digest: str | None, password: str) -> bool:
        """As ``people.is_password``, off the event loop. Errors: Rejected 503 where too many wait already."""
        async with self._slot():
            return await asyncio.to_thread(people.is_password, digest, password)

    async def hashed(self, password: str) -> str:
        """As ``people.hashed``, off the event loop. Errors: Unfit; Rejected 503 as above."""
        async with self._slot():
            return await asyncio.to_thread(people.hashed, password)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        if self._waiting >= _MOST_WAITING:
            raise Rejected(503, "Too many people log in at this moment. Please try again.", headers={"Retry-After": "2"})
        self._waiting += 1
        try:
            async with self._slots:
                yield
        finally:
            self._waiting -= 1

    def device(self, account: str, nonce: str) -> str:
        """Make the mark of a browser that logged in to *account*."""
        mark = hmac.new(self._key, f"{nonce} {account}".encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
        return f"{nonce}.{mark}"

    def known_device(self, account: str, cookie: str | None) -> str | None:
        """Return the browser's mark if it was made for *account*."""
        nonce, dot, _ = (cookie or "").partition(".")
        own = self.device(account, nonce)
        is_ours = bool(dot) and hmac.compare_digest(own.encode(errors="surrogatepass"), (cookie or "").encode(errors="surrogatepass"))
        return own if is_ours else None

    def ticket(self, account: str, digest: str, until: datetime) -> str:
        """What proves, until then, that somebody knew the password of *account* that has this *digest*."""
        end = str(int(until.timestamp()))
        said = f"{end} {digest} {account}".encode(errors="surrogatepass")
        return f"{end}.{hmac.new(self._key, said, hashlib.sha256).hexdigest()}"

    def is_ticket(self, ticket: str, account: str, digest: str, now: datetime) -> bool:
        """Whether ``ticket`` made it of this account and digest, and it holds still."""
        end, _, _ = ticket.partition(".")
        if not end.isascii() or not end.isdecimal() or len(end) > 12 or int(end) <= now.timestamp():
            return False
        own = self.ticket(account, digest, datetime.fromtimestamp(int(end), UTC))
        return hmac.compare_digest(own.encode(), ticket.encode(errors="surrogatepass"))


DOOR: web.AppKey[Door] = web.AppKey("DOOR", Door)


async def show_login(request: web.Request) -> web.Response:
    """Draw the login form."""
    return login_form(request, name="", target=local_target(request.query.get("next")))


async def login(request: web.Request) -> web.Response:
    """Begin a session under a new secret, and go on to where the agent wanted to be."""
    desk, door, form = request.app[DESK], request.app[DOOR], await request.post()
    name, password = _named(form), _text(form.get("password"))
    target = local_target(_text(form.get("next")))
    device = door.known_device(name, request.cookies.get(auth.device_cookie(desk)))
    address = desk.proxies.client_of(request)
    wait = door.throttle.admit(account=name, address=place_of(address), device=device, now=desk.now())
    if wait:
        seconds = math.ceil(wait.total_seconds())
        return login_form(request, name=name, target=target, status=429, trouble=f"Too many tries. Wait {seconds} s.", wait=seconds)
    digest = await desk.store.read(lambda connection: people.password_of(connection, name))
    if not await door.is_password(digest, password) or digest is None:
        return login_form(request, name=name, target=target, status=403, trouble=_WRONG)
    if await desk.store.read(partial(has_second_factor, agent=name)):
        return _code_form(request, name=name, target=target, ticket=door.ticket(name, digest, desk.now() + _TICKET_LASTS))
    secret = await _begin(desk, name, digest, address)
    if secret is None:
        return login_form(request, name=name, target=target, status=403, trouble=_WRONG)
    return let_in(request, name, secret, target, device)


async def login_by_code(request: web.Request) -> web.Response:
    """Take the code of whoever gave the right password a moment ago, and begin a session as ``login`` does."""
    desk, door, form = request.app[DESK], request.app[DOOR], await request.post()
    name, code, ticket = _named(form), _text(form.get("code")), _text(form.get("ticket"))
    target, now = local_target(_text(form.get("next"))), desk.now()
    digest = await desk.store.read(lambda connection: people.password_of(connection, name))
    if digest is None or not door.is_ticket(ticket, name, digest, now):
        return login_form(request, name=name, target=target, status=403, trouble="This took too long. Please log in again.")
    device = door.known_device(name, request.cookies.get(auth.device_cookie(desk)))
    again = partial(_code_form, request, name=name, target=target, ticket=ticket)
    if wait := door.codes.wait(device or name, now):
        seconds = math.ceil(wait.total_seconds())
        return again(status=429, trouble=f"Too many tries. Wait {seconds} s.", wait=seconds)
    door.codes.spend(device or name, now)
    secret = await _begin(desk, name, digest, desk.proxies.client_of(request), code)
    if secret is None:
        return again(status=403, trouble="This code is wrong, or was used already.")
    return let_in(request, name, secret, target, device)


def let_in(request: web.Request, name: str, secret: str, target: str, device: str | None) -> web.Response:
    """Send the browser on to *target* with its session, and with a mark by which it is known again."""
    desk, door = request.app[DESK], request.app[DOOR]
    response = see_other(target)
    auth.give_cookie(response, desk, auth.session_cookie(desk), secret, max_age=_seconds(sessions.SESSION_LASTS))
    mark = device or door.device(name, secrets.token_urlsafe(16))
    auth.give_cookie(response, desk, auth.device_cookie(desk), mark, max_age=_seconds(_DEVICE_LASTS))
    for over in (auth.form_cookie(desk), auth.trip_cookie(desk)):
        auth.drop_cookie(response, desk, over)
    return response


async def logout(request: web.Request) -> web.Response:
    """End the session, here and in the store; whom a provider let in is told how to end its own."""
    desk = request.app[DESK]
    secret = request.cookies.get(auth.session_cookie(desk), "")
    issuer = await desk.store.write(lambda connection: sessions.end_session(connection, secret))
    response = see_other("/login" if issuer is None else "/login?left=provider")
    auth.drop_cookie(response, desk, auth.session_cookie(desk))
    return response


async def _begin(desk: Desk, name: str, digest: str, address: str, code: str | None = None) -> str | None:
    """Begin a session, where somebody has a second factor by its *code*; None where either has changed or is wrong."""
    at = desk.now()

    def write(connection: Connection) -> str | None:
        if has_second_factor(connection, name) if code is None else not passes(connection, name, code, at=at):
            return None
        secret = sessions.begin_session(connection, agent=name, digest_of=digest, at=at, address=address)
        if secret is not None:
            write_audit(connection, at=at, actor=name, act="log in", subject=name, detail={"from": address})
        return secret

    return await desk.store.write(write)


def login_form(request: web.Request, *, name: str, target: str, status: int = 200, trouble: str = "", wait: int = 0) -> web.Response:
    """Draw the form, bound to a cookie of its own so that no other site can log a browser in."""
    desk = request.app[DESK]
    nonce = request.cookies.get(auth.form_cookie(desk)) or secrets.token_urlsafe()
    token, provider, left = auth.login_token(nonce), desk.provider(), "left" in request.query
    response = screen(
        request, "login.html", status=status, name=name, target=target, trouble=trouble, form_token=token, provider=provider, left=left
    )
    auth.give_cookie(response, desk, auth.form_cookie(desk), nonce, max_age=_seconds(_FORM_LASTS))
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


def _code_form(
    request: web.Request, *, name: str, target: str, ticket: str, status: int = 200, trouble: str = "", wait: int = 0
) -> web.Response:
    """Draw the form that asks for a code; the cookie of the login's own form still guards it."""
    response = screen(request, "code.html", status=status, name=name, target=target, ticket=ticket, trouble=trouble)
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


def _named(form: Mapping[str, object]) -> str:
    """What was typed as a name, as far as it can be one."""
    return "".join(filter(str.isprintable, _text(form.get("name")).strip()[:_LONGEST_NAME]))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
