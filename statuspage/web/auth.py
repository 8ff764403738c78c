"""Who is asking, and whether they may: roles and permissions in one table, sessions for people, bearer tokens for programs."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from aiohttp import hdrs, web

from statuspage.store import people, sessions
from statuspage.store.people import Role
from statuspage.web.desk import DESK, Desk
from statuspage.web.problems import Rejected
from statuspage.web.scopes import USES, scope_of
from statuspage.web.security import is_on_this_machine, is_same_origin

FORM_FIELD = "form_token"
_HALVES = re.compile("[\ud800-\udfff]")
"""Halves of letters, which some encodings can spell: no store keeps or looks for them, and no browser sends any."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Permission(StrEnum):
    """What an agent may be allowed to do."""

    SEE = "see"
    ACT = "act"
    ESCALATE = "escalate"
    INGEST = "ingest"
    TAKE_OVER = "take over"
    REGROUP = "regroup"
    PLAN = "plan"
    CORRECT = "correct"
    REDACT = "redact"
    OVERRIDE = "override"
    APPROVE = "approve"
    READ_OWN_AUDIT = "read own audit"
    KNOW_SUBSCRIBERS = "know subscribers"
    APPOINT = "appoint"
    """Take agents on and let them go, give roles, make tokens."""
    CONFIGURE = "configure"
    """Try monitors out before they are configured. Another configuration is applied by the file, at no address so far."""


class Access(StrEnum):
    """Who may come in where no permission is asked for."""

    PUBLIC = "public"
    """Anybody who reaches the listener."""
    AGENT = "any agent"
    """Whoever has logged in or holds a token, in any role."""
    SCRAPER = "scraper"
    """A program on this very machine, or any agent or token."""
    PINGER = "pinger"
    """Whoever knows the token in the address, which the handler looks up; no session and no bearer token counts for anything."""


Policy = Access | Permission

MAY: Mapping[Permission, frozenset[Role]] = MappingProxyType(
    {
        Permission.SEE: frozenset(Role),
        Permission.ACT: frozenset({Role.LEVEL_ONE, Role.LEVEL_TWO, Role.MANAGER}),
        Permission.ESCALATE: frozenset({Role.LEVEL_ONE, Role.LEVEL_TWO, Role.MANAGER}),
        Permission.INGEST: frozenset({Role.LEVEL_ONE, Role.LEVEL_TWO, Role.MANAGER}),
        Permission.TAKE_OVER: frozenset({Role.LEVEL_TWO, Role.MANAGER}),
        Permission.REGROUP: frozenset({Role.LEVEL_TWO, Role.MANAGER}),
        Permission.PLAN: frozenset({Role.LEVEL_ONE, Role.LEVEL_TWO, Role.MANAGER}),
        Permission.CORRECT: frozenset({Role.MANAGER}),
        Permission.REDACT: frozenset({Role.LEVEL_TWO, Role.MANAGER}),
        Permission.OVERRIDE: frozenset({Role.MANAGER}),
        Permission.APPROVE: frozenset({Role.MANAGER}),
        Permission.READ_OWN_AUDIT: frozenset({Role.LEVEL_TWO, Role.MANAGER, Role.ADMIN}),
        Permission.KNOW_SUBSCRIBERS: frozenset({Role.LEVEL_TWO, Role.MANAGER}),
        Permission.APPOINT: frozenset({Role.ADMIN}),
        Permission.CONFIGURE: frozenset({Role.ADMIN}),
    }
)
BOUND = frozenset({Role.VIEWER, Role.LEVEL_ONE})
"""Roles that count within the holder's teams only, where they have any."""
READS_WHOLE_AUDIT = frozenset({Role.MANAGER, Role.ADMIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: an agent who is logged in, with their *session* and the *form_token* of its forms, or a token (which has neither).

    *scopes* are the only ones by which a token gets anywhere (None: its roles alone say where).
    """

    name: str
    roles: frozenset[Role]
    teams: frozenset[str] = frozenset()
    session: str | None = None
    form_token: str | None = None
    scopes: frozenset[str] | None = None

    def may(self, permission: Permission) -> bool:
        """Whether one of the roles gives *permission*, if only within their teams."""
        return not self.roles.isdisjoint(MAY[permission])

    def is_bound(self, permission: Permission) -> bool:
        """Whether they have *permission* for what is their teams' alone."""
        return bool(self.teams) and (self.roles & MAY[permission]) <= BOUND


CALLER: web.RequestKey[Caller] = web.RequestKey("CALLER", Caller)


def known_caller(request: web.Request) -> Caller | None:
    """Return who asks, as far as the request has got to know them."""
    return request[CALLER] if CALLER in request else None  # noqa: SIM401 - get() has no types


async def identify(request: web.Request) -> Caller | None:
    """Find out who asks. A bearer token that is not valid is refused at once, and never falls back to a cookie."""
    desk = request.app[DESK]
    scheme, _, text = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() == "bearer":
        return await _token_caller(request, text.strip())
    secret = request.cookies.get(session_cookie(desk))
    if not secret:
        return None
    now = desk.now()
    session = await desk.store.read(lambda connection: sessions.session_of(connection, secret, now))
    if session is None:
        return None
    roles = held(desk, session.roles)
    return Caller(name=session.agent, roles=roles, teams=session.teams, session=session.id, form_token=session.form_token)


def held(desk: Desk, roles: frozenset[Role]) -> frozenset[Role]:
    """Roles as they count: with separated duties an admin is nothing else, also one who was made more before."""
    return frozenset({Role.ADMIN}) if desk.is_separated() and Role.ADMIN in roles else roles


async def _token_caller(request: web.Request, text: str) -> Caller:
    desk, now = request.app[DESK], request.app[DESK].now()
    token = await desk.store.read(lambda connection: people.token_of(connection, text, now))
    if token is None:
        raise Rejected(
            401, "This token is unknown, revoked or out of date.", headers={hdrs.WWW_AUTHENTICATE: 'Bearer error="invalid_token"'}
        )
    request.app[USES].mark(desk.store, token, now)
    return Caller(name=token.name, roles=held(desk, token.roles), teams=token.teams, scopes=token.scopes)


async def admit(request: web.Request, policy: Policy, *, is_for_programs: bool) -> None:
    """Let the request through or raise: who it is, whether *policy* lets them in, and whether a form was really theirs."""
    if policy is Access.PINGER:
        return
    # PostgreSQL refuses to look for it.
    if "\x00" in request.path:
        raise Rejected(404, "There is nothing here.")
    if "\x00" in request.query_string:
        raise Rejected(400, "This address holds a character (U+0000) that no text has.")
    caller = await identify(request) if policy is not Access.PUBLIC else None
    if caller is not None:
        request[CALLER] = caller
    _judge(request, policy, caller)
    _demand_scope(request, caller)
    if request.method in _SAFE or (caller is not None and caller.form_token is None):
        return
    if is_for_programs:
        raise Rejected(403, "Changes through this address need a bearer token.")
    await _demand_own_form(request)


def _judge(request: web.Request, policy: Policy, caller: Caller | None) -> None:
    match policy:
        case Access.PUBLIC | Access.PINGER:
            return
        case Access.SCRAPER if is_on_this_machine(request):
            return
        case Access.SCRAPER if caller is not None and caller.is_bound(Permission.SEE):
            raise Rejected(403, "The metrics tell of everything: they are for those who are bound to no team.")
    if caller is None:
        raise Rejected(401, "Please log in, or send a bearer token.", headers={hdrs.WWW_AUTHENTICATE: "Bearer"})
    if isinstance(policy, Permission) and not caller.may(policy):
        raise Rejected(403, "Your role does not allow this.")


def _demand_scope(request: web.Request, caller: Caller | None) -> None:
    """Errors: Rejected 403 where a token has scopes, and none of them is for this address."""
    if caller is None or caller.scopes is None:
        return
    needed = scope_of(request.method, request.path)
    if needed not in caller.scopes:
        raise Rejected(
            403, f"This token is not for this: it would need the scope {needed}." if needed else "This token is for the API alone."
        )


async def _demand_own_form(request: web.Request) -> None:
    """Refuse what another site made the browser send (T7): by origin, and by a token that only our own forms hold."""
    if not is_same_origin(request, request.app[DESK].console_url):
        raise Rejected(403, "This form was sent from another site.")
    try:
        form = await request.post()
    except (LookupError, ValueError) as error:
        raise Rejected(400, "This form cannot be read.") from error
    if any(_HALVES.search(text) for pair in form.items() for text in pair if isinstance(text, str)):
        raise Rejected(400, "This form cannot be read.")
    sent = form.get(FORM_FIELD)
    if not isinstance(sent, str) or not hmac.compare_digest(_raw(sent), _raw(form_token(request))):
        raise Rejected(403, "This form is out of date. Please load the page again.")


def form_token(request: web.Request) -> str:
    """Return the token that a form on this request's page must carry: the session's, else one derived from the login form's cookie."""
    caller = known_caller(request)
    if caller is not None and caller.form_token is not None:
        return caller.form_token
    return login_token(request.cookies.get(form_cookie(request.app[DESK])) or secrets.token_urlsafe())


def login_token(nonce: str) -> str:
    """Return what the login form must carry where its cookie is *nonce*."""
    return hmac.new(_raw(nonce), b"form", hashlib.sha256).hexdigest()


def _raw(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def session_cookie(desk: Desk) -> str:
    """Return the name of the cookie that holds a session's secret."""
    return _cookie(desk, "desk")


def form_cookie(desk: Desk) -> str:
    """Return the name of the cookie that guards the login form, where there is no session yet."""
    return _cookie(desk, "desk-form")


def device_cookie(desk: Desk) -> str:
    """Return the name of the cookie by which a browser is known to have logged in before."""
    return _cookie(desk, "desk-device")


def trip_cookie(desk: Desk) -> str:
    """Return the name of the cookie that a browser takes along to a provider of identities and back."""
    return _cookie(desk, "desk-trip")


def _cookie(desk: Desk, name: str) -> str:
    return f"__Host-{name}" if desk.is_tls else name


def give_cookie(response: web.StreamResponse, desk: Desk, name: str, value: str, *, max_age: int) -> None:
    """Set one of the cookies above: for this host only, never for scripts, never for another site's forms."""
    response.set_cookie(name, value, max_age=max_age, path="/", secure=desk.is_tls, httponly=True, samesite="Lax")


def drop_cookie(response: web.StreamResponse, desk: Desk, name: str) -> None:
    """Take one of the cookies back."""
    response.del_cookie(name, path="/", secure=desk.is_tls, httponly=True, samesite="Lax")
