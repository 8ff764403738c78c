"""The commands ``agents`` and ``tokens``: who may come in at the desk, and which programs may."""

import secrets
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import typer
from sqlalchemy import Connection

from probes.settings import duration
from statuspage.cli.config import load, store_of
from statuspage.cli.options import BAD, GOOD, fail, print_json, print_rows
from statuspage.clock import wall_clock
from statuspage.store import identities, people, second_factors, sessions
from statuspage.store.people import Role, Token, Unfit
from statuspage.web.doors import INVITATIONS
from statuspage.web.scopes import demand_known

T = TypeVar("T")


def add_agent(name: str, *, roles: Sequence[str], teams: Sequence[str], is_password_piped: bool, config: Path, data_dir: Path) -> int:
    """Take *name* on; a password that nobody typed is made up and printed, once."""
    known = _roles(roles, teams, config)
    password, is_made_up = _password(is_piped=is_password_piped)
    digest = _digest(password)
    at = wall_clock()
    _write(config, data_dir, partial(people.add_agent, name=name, password_hash=digest, at=at, roles=known, teams=teams))
    typer.echo(f"{name} may come in as {_said(known, teams)}")
    _show(password, is_made_up=is_made_up)
    return GOOD


def set_roles(name: str, *, roles: Sequence[str], teams: Sequence[str], config: Path, data_dir: Path) -> int:
    """Give *name* other roles and teams in the place of those that they have, and end their sessions."""
    known, at = _roles(roles, teams, config), wall_clock()
    _write(config, data_dir, partial(people.set_roles, name=name, roles=known, teams=teams, at=at))
    typer.echo(f"{name} is {_said(known, teams)} from now on")
    return GOOD


def invite(name: str, *, config: Path, data_dir: Path) -> int:
    """Print a link by which *name* chooses a password, once."""
    at = wall_clock()
    code = _write(config, data_dir, partial(sessions.invite, name=name, at=at))
    typer.echo(f"{load(config).config.console.url}{INVITATIONS}{code}")
    return GOOD


def list_sessions(name: str | None, *, config: Path, data_dir: Path, wants_json: bool) -> int:
    """Print who is logged in, or where *name* is; never what opens a session."""
    at = wall_clock()
    with store_of(config, data_dir) as database:
        stays = database.read(lambda connection: sessions.list_stays(connection, at, name))
    rows = [(one.id, one.agent, _at(one.created_at) or "", _at(one.expires_at) or "", one.address or "") for one in stays]
    if wants_json:
        print_json({"items": [dict(zip(("id", "agent", "created_at", "expires_at", "address"), row, strict=True)) for row in rows]})
    else:
        print_rows(("SESSION", "AGENT", "SINCE", "ENDS", "FROM"), rows, if_none="nobody is logged in")
    return GOOD


def log_out(name: str, *, session: str | None, config: Path, data_dir: Path) -> int:
    """End all sessions of *name*, or *session* alone."""
    at = wall_clock()
    if session is not None:
        if not _write(config, data_dir, partial(sessions.end_stay, id_=session, agent=name, at=at, by=people.OPERATOR)):
            fail(f"{name} has no session {session}", BAD)
        typer.echo(f"{name} was logged out of session {session}")
        return GOOD
    ended = _write(config, data_dir, partial(sessions.end_stays, agent=name, at=at))
    typer.echo(f"{name} was logged out of {ended} session{'' if ended == 1 else 's'}")
    return GOOD


def remove_factor(name: str, *, config: Path, data_dir: Path) -> int:
    """Let *name* log in by the password alone."""
    at = wall_clock()
    _write(config, data_dir, partial(second_factors.remove_factor, agent=name, at=at))
    typer.echo(f"{name} logs in by the password alone")
    return GOOD


def link(name: str, subject: str, *, config: Path, data_dir: Path) -> int:
    """Have *subject* of the configured provider be *name*."""
    oidc, at = load(config).config.login.oidc, wall_clock()
    if oidc is None:
        fail("login.oidc is not configured: there is no provider who would know them")
    _write(config, data_dir, partial(identities.link, name=name, issuer=oidc.issuer, subject=subject, at=at))
    typer.echo(f"{name} may come in by {oidc.name}")
    return GOOD


def unlink(name: str, *, config: Path, data_dir: Path) -> int:
    """Have no provider let *name* in any more."""
    at = wall_clock()
    _write(config, data_dir, partial(identities.unlink, name=name, at=at))
    typer.echo(f"{name} comes in by a password alone")
    return GOOD


def set_password(name: str, *, is_password_piped: bool, config: Path, data_dir: Path) -> int:
    """Give *name* another password and end their sessions."""
    password, is_made_up = _password(is_piped=is_password_piped)
    digest, at = _digest(password), wall_clock()
    _write(config, data_dir, lambda connection: people.set_password(connection, name, password_hash=digest, at=at))
    typer.echo(f"{name} has a new password")
    _show(password, is_made_up=is_made_up)
    return GOOD


def disable_agent(name: str, *, config: Path, data_dir: Path) -> int:
    """Shut *name* out and end their sessions."""
    at = wall_clock()
    _write(config, data_dir, lambda connection: people.disable_agent(connection, name, at=at))
    typer.echo(f"{name} is shut out; a new password lets them in again")
    return GOOD


def list_agents(*, config: Path, data_dir: Path, wants_json: bool) -> int:
    """Print everybody at the desk."""
    with store_of(config, data_dir) as database:
        agents = database.read(people.list_agents)
    if wants_json:
        rows = [
            {
                "name": one.name,
                "roles": sorted(one.roles),
                "teams": sorted(one.teams),
                "created_at": _at(one.created_at),
                "disabled_at": _at(one.disabled_at),
            }
            for one in agents
        ]
        print_json({"items": rows})
    else:
        cells = [
            (one.name, ", ".join(sorted(one.roles)), _teams(one.teams), _at(one.created_at) or "", _at(one.disabled_at) or "")
            for one in agents
        ]
        print_rows(("NAME", "ROLES", "TEAMS", "SINCE", "SHUT OUT"), cells, if_none="there are no agents: statuspage agents add NAME")
    return GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTyped:
    """What was typed about a token: roles, teams, what it is for (nothing: all), and for how long (None: until it is revoked)."""

    roles: Sequence[str]
    teams: Sequence[str] = ()
    scopes: Sequence[str] = ()
    expires: str | None = None


def create_token(name: str, typed: TokenTyped, *, config: Path, data_dir: Path) -> int:
    """Make a token and print it, alone, so that a script can keep it."""
    known, at = _roles(typed.roles, typed.teams, config), wall_clock()
    until = None if typed.expires is None else _later(at, typed.expires)
    if typed.scopes:
        _demand_scopes(typed.scopes)
    add = partial(people.add_token, name=name, roles=known, teams=typed.teams, scopes=typed.scopes, at=at, expires_at=until)
    text = _write(config, data_dir, add)
    typer.echo(text)
    return GOOD


def _demand_scopes(typed: Sequence[str]) -> None:
    from statuspage.web.routes import known_scopes  # noqa: PLC0415 - every handler there is, for a list of words

    try:
        demand_known(typed, known_scopes())
    except Unfit as trouble:
        fail(str(trouble))


def revoke_token(name: str, *, config: Path, data_dir: Path) -> int:
    """End the token *name*."""
    at = wall_clock()
    _write(config, data_dir, lambda connection: people.revoke_token(connection, name, at=at))
    typer.echo(f"the token {name} opens nothing any more")
    return GOOD


def list_tokens(*, config: Path, data_dir: Path, wants_json: bool) -> int:
    """Print all tokens, never their texts."""
    with store_of(config, data_dir) as database:
        tokens = database.read(people.list_tokens)
    if wants_json:
        rows = [
            {
                "name": one.name,
                "roles": sorted(one.roles),
                "teams": sorted(one.teams),
                "scopes": None if one.scopes is None else sorted(one.scopes),
                "last_used_at": _at(one.last_used_at),
                "expires_at": _at(one.expires_at),
                "revoked_at": _at(one.revoked_at),
            }
            for one in tokens
        ]
        print_json({"items": rows})
    else:
        print_rows(
            ("NAME", "ROLES", "TEAMS", "FOR", "LAST USED", "EXPIRES", "REVOKED"),
            list(map(_token_cells, tokens)),
            if_none="there are no tokens: statuspage tokens create NAME --role ROLE",
        )
    return GOOD


def _token_cells(one: Token) -> tuple[str, ...]:
    used, expires, revoked = _at(one.last_used_at) or "never", _at(one.expires_at) or "never", _at(one.revoked_at) or ""
    return one.name, ", ".join(sorted(one.roles)), _teams(one.teams), _teams(one.scopes or ()), used, expires, revoked


def _teams(teams: Iterable[str]) -> str:
    return ", ".join(sorted(teams)) or "all"


def _write(config: Path, data_dir: Path, fn: Callable[[Connection], T]) -> T:
    with store_of(config, data_dir) as database:
        try:
            return database.write(fn)
        except Unfit as trouble:
            fail(str(trouble), BAD)


def _said(roles: Iterable[str], teams: Sequence[str]) -> str:
    return ", ".join(sorted(roles)) + (f" in {', '.join(sorted(teams))}" if teams else "")


def _roles(typed: Sequence[str], teams: Sequence[str], path: Path) -> frozenset[Role]:
    """Roles as typed, if the configuration at *path* allows them beside each other and knows the teams."""
    unknown = [role for role in typed if role not in set(Role)]
    if unknown:
        fail(f"there is no role {unknown[0]!r}: choose from {', '.join(Role)}")
    roles, config = frozenset(Role(role) for role in typed), load(path).config
    try:
        people.demand_fit(roles, teams, config.teams, is_separated=config.duties.separated)
    except Unfit as trouble:
        fail(str(trouble))
    return roles


def _password(*, is_piped: bool) -> tuple[str, bool]:
    """Get a password from the pipe, from the person, or from chance; tells whether it was chance."""
    if is_piped:
        return sys.stdin.readline().rstrip("\r\n"), False
    if sys.stdin.isatty():
        typed: str = typer.prompt(
            "Password (empty: make one up)", default="", hide_input=True, show_default=False, confirmation_prompt=True
        )
        if typed:
            return typed, False
    return secrets.token_urlsafe(15), True


def _digest(password: str) -> str:
    try:
        return people.hashed(password)
    except Unfit as trouble:
        fail(str(trouble))


def _show(password: str, *, is_made_up: bool) -> None:
    if is_made_up:
        typer.echo(f"password, shown this once: {password}")


def _later(at: datetime, lasts: str) -> datetime:
    try:
        return at + duration(lasts)
    except (ValueError, OverflowError) as trouble:
        fail(f"--expires {lasts}: {trouble}")


def _at(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat(timespec="seconds").replace("+00:00", "Z")
