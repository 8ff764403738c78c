"""Who works at the desk and which programs do: taken on, given roles and teams, invited, logged out and shut out, by an admin."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from aiohttp import web
from sqlalchemy import Connection

from statuspage.store import people, second_factors, sessions
from statuspage.store.people import NO_PASSWORD, Agent, Role, Token, Unfit
from statuspage.store.sessions import Stay
from statuspage.web.agent_bodies import AgentList, AgentShown
from statuspage.web.auth import CALLER
from statuspage.web.console import text, trouble_of
from statuspage.web.desk import DESK, Desk
from statuspage.web.doors import INVITATIONS
from statuspage.web.problems import Rejected
from statuspage.web.scopes import SCOPES, demand_known
from statuspage.web.screens import screen, see_other

_ROLE, _TEAM = "role:", "team:"
LASTING: Mapping[str, timedelta | None] = {
    "90": timedelta(days=90),
    "30": timedelta(days=30),
    "365": timedelta(days=365),
    "": None,
}
"""How long a token may be good for, in days; the first is offered first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What was typed into a form about an agent or a token."""

    name: str = ""
    roles: frozenset[Role] = frozenset({Role.LEVEL_ONE})
    teams: frozenset[str] = frozenset()
    days: str = "90"
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What is shown once and kept nowhere: the *text* of a token, or the link that invites somebody."""

    of: str
    text: str
    is_link: bool


async def list_agents(request: web.Request) -> web.Response:
    """Give everybody at the desk, by name."""
    found = await request.app[DESK].store.read(people.list_agents)
    body = AgentList(items=[AgentShown.of(one) for one in found], next=None)
    return web.Response(text=body.model_dump_json(), content_type="application/json")


async def show_agents(request: web.Request) -> web.Response:
    """Draw everybody, and every token."""
    return await _page(request)


async def add_by_form(request: web.Request) -> web.Response:
    """Take somebody on, and show the link that invites them."""
    desk, by, at = request.app[DESK], request[CALLER].name, request.app[DESK].now()
    typed = await _typed(request)

    def write(connection: Connection) -> str:
        roles, teams = typed.roles, typed.teams
        people.add_agent(connection, name=typed.name, password_hash=NO_PASSWORD, roles=roles, teams=teams, at=at, by=by)
        return sessions.invite(connection, typed.name, at=at, by=by)

    try:
        _demand_fit(desk, typed)
        return await _page(request, secret=_link(desk, typed.name, await desk.store.write(write)))
    except Unfit as unfit:
        return await _page(request, Rejected(422, str(unfit)), agent=typed)


async def set_roles_by_form(request: web.Request) -> web.Response:
    """Give somebody else other roles and teams."""
    typed, desk = await _typed(request), request.app[DESK]
    _demand_other(request, typed.name, "Your own roles are for another admin to give.")
    write = partial(people.set_roles, name=typed.name, roles=typed.roles, teams=typed.teams)
    return await _done(request, lambda: _demand_fit(desk, typed), write)


async def invite_by_form(request: web.Request) -> web.Response:
    """Show a link by which somebody chooses another password; the present one is good until then."""
    desk, by = request.app[DESK], request[CALLER].name
    name = text((await request.post()).get("name"))
    try:
        code = await desk.store.write(partial(sessions.invite, name=name, at=desk.now(), by=by))
    except Unfit as unfit:
        return await _page(request, Rejected(404, str(unfit)))
    return await _page(request, secret=_link(desk, name, code))


async def log_out_by_form(request: web.Request) -> web.Response:
    """End all sessions of somebody."""
    return await _done(request, _nothing, partial(sessions.end_stays, agent=text((await request.post()).get("name"))))


async def remove_factor_by_form(request: web.Request) -> web.Response:
    """Let somebody else log in by the password alone, since their app and their recovery codes are lost."""
    name = text((await request.post()).get("name"))
    _demand_other(request, name, "Your own second factor you remove on your own page.")
    return await _done(request, _nothing, partial(second_factors.remove_factor, agent=name))


async def disable_by_form(request: web.Request) -> web.Response:
    """Shut somebody else out."""
    name = text((await request.post()).get("name"))
    _demand_other(request, name, "Nobody shuts themselves out: another admin may.")
    return await _done(request, _nothing, partial(people.disable_agent, name=name))


async def end_session_by_form(request: web.Request) -> web.Response:
    """End one session of anybody."""
    id_ = text((await request.post()).get("session"))
    return await _done(request, _nothing, partial(sessions.end_stay, id_=id_, agent=None))


async def create_token_by_form(request: web.Request) -> web.Response:
    """Make a token, and show its text."""
    desk, by, at, known = request.app[DESK], request[CALLER].name, request.app[DESK].now(), request.app[SCOPES]
    typed = await _typed(request)
    lasts = LASTING.get(typed.days, LASTING["90"])
    until = at + lasts if lasts else None
    add = partial(
        people.add_token, name=typed.name, roles=typed.roles, teams=typed.teams, scopes=typed.scopes, at=at, by=by, expires_at=until
    )
    try:
        _demand_fit(desk, typed)
        demand_known(typed.scopes, known)
        return await _page(request, secret=Secret(of=typed.name, text=await desk.store.write(add), is_link=False))
    except Unfit as unfit:
        return await _page(request, Rejected(422, str(unfit)), token=typed)


async def revoke_token_by_form(request: web.Request) -> web.Response:
    """End a token."""
    return await _done(request, _nothing, partial(people.revoke_token, name=text((await request.post()).get("name"))))


# --- what they have in common ---------------------------------------------------------------------------------------------------


def _nothing() -> None:
    """There is nothing to demand."""


async def _done(request: web.Request, demand: Callable[[], None], write: Callable[..., object]) -> web.Response:
    """Write it in the name of whoever asks, if what is demanded holds, and draw the page again."""
    desk, by = request.app[DESK], request[CALLER].name
    try:
        demand()
        await desk.store.write(lambda connection: write(connection, at=desk.now(), by=by))
    except Unfit as unfit:
        return await _page(request, Rejected(422, str(unfit)))
    return see_other("/agents")


def _demand_other(request: web.Request, name: str, words: str) -> None:
    """Errors: Rejected 403 where somebody asks for themselves."""
    if name == request[CALLER].name:
        raise Rejected(403, words)


def _demand_fit(desk: Desk, typed: Typed) -> None:
    people.demand_fit(typed.roles, typed.teams, desk.roster().crews, is_separated=desk.is_separated())


def _link(desk: Desk, name: str, code: str) -> Secret:
    return Secret(of=name, text=f"{desk.console_url.rstrip('/')}{INVITATIONS}{code}", is_link=True)


async def _typed(request: web.Request) -> Typed:
    form = await request.post()
    return Typed(
        name=text(form.get("name")).strip(),
        roles=frozenset(role for role in Role if f"{_ROLE}{role}" in form),
        teams=frozenset(key.removeprefix(_TEAM) for key in form if key.startswith(_TEAM)),
        days=text(form.get("days")),
        scopes=tuple(text(form.get("scopes")).split()),
    )


def _read(connection: Connection, now: datetime) -> tuple[Sequence[Agent], Sequence[Token], Sequence[Stay], frozenset[str]]:
    stays = sessions.list_stays(connection, now)
    return people.list_agents(connection), people.list_tokens(connection), stays, second_factors.factors(connection)


async def _page(
    request: web.Request, rejected: Rejected | None = None, *, secret: Secret | None = None, agent: Typed = Typed(), token: Typed = Typed()
) -> web.Response:
    desk, now = request.app[DESK], request.app[DESK].now()
    agents, tokens, stays, factors = await desk.store.read(partial(_read, now=now))
    return screen(
        request,
        "agents.html",
        status=rejected.status if rejected else 200,
        agents=agents,
        tokens=tokens,
        factors=factors,
        stays={one.name: [stay for stay in stays if stay.agent == one.name] for one in agents},
        roles=tuple(Role),
        crews=desk.roster().crews,
        secret=secret,
        agent=agent,
        token=token,
        lasting=LASTING,
        is_separated=desk.is_separated(),
        trouble=trouble_of(rejected),
    )
