"""Who may come in: agents and tokens, with their roles and teams.

Plain functions of a ``Connection``; a change of who may come in leaves a row in the audit, in the same transaction, and ends the sessions
of whom it is about. Secrets are kept as digests only: a password as argon2id, the text of a token as SHA-256, since 256 random bits need
no slow digest.
"""

import hashlib
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Row, delete, exists, insert, or_, select, update

from statuspage.store.acts import OURSELVES, write_audit
from statuspage.store.people_tables import agents, identities, invitations, sessions, tokens

OPERATOR = "command line"
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024
NO_PASSWORD = ""
"""In the place of a password's digest: nothing fits it."""
_PREFIX = "sp_"
# OWASP's profile for little memory: a desk's login must not cost the machine that watches everything else 64 MiB a try.
_MEMORY_KIB = 19_456
# The digest of a password that nobody has: an unknown name costs as much as a known one.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$1TSEAG1JZULNI/ue8Rg2gg$dAhJnp+OO3CkpvR+LzvCdugO/nvxcjPacCKKusUoufo"


class Role(StrEnum):
    """What an agent or a token is there for; ``statuspage.web.auth`` says what each may do."""

    VIEWER = "viewer"
    LEVEL_ONE = "level-one"
    LEVEL_TWO = "level-two"
    MANAGER = "manager"
    ADMIN = "admin"


OWNERS = frozenset({Role.LEVEL_ONE, Role.LEVEL_TWO, Role.MANAGER})
"""Roles of which one must be had to own an incident."""


class Unfit(Exception):
    """What was asked for cannot be kept; the message is a sentence for the person who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A person at the desk. *teams* bound what viewers and level one see and do; where there are none, nothing does.

    One who *is_invited* only has no password yet; one who *is_linked* is let in by a provider of identities.
    """

    name: str
    roles: frozenset[Role]
    created_at: datetime
    disabled_at: datetime | None = None
    teams: frozenset[str] = frozenset()
    is_invited: bool = False
    is_linked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A program's way in; its text is known to nobody but its holder. *teams* bound it as they do an agent.

    *scopes* are the addresses that it is for, of those that its roles open (None: all). *last_used_at* is right to the minute.
    """

    name: str
    roles: frozenset[Role]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    teams: frozenset[str] = frozenset()
    scopes: frozenset[str] | None = None
    last_used_at: datetime | None = None


# --- passwords ------------------------------------------------------------------------------------------------------------------


def hashed(password: str) -> str:
    """Digest a password for keeping; takes tens of milliseconds. Errors: Unfit where it is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Unfit(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    return _hasher().hash(password)


def is_password(digest: str | None, password: str) -> bool:
    """Whether *password* belongs to *digest*; as slow where there is no digest, so that nobody learns which names exist."""
    try:
        _hasher().verify(digest or _NOBODY, password[: LONGEST_PASSWORD + 1].encode(errors="surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False
    return bool(digest)


def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=2, memory_cost=_MEMORY_KIB, parallelism=1)


# --- agents ---------------------------------------------------------------------------------------------------------------------


def add_agent(
    connection: Connection,
    *,
    name: str,
    password_hash: str,
    roles: Iterable[Role],
    at: datetime,
    teams: Iterable[str] = (),
    by: str = OPERATOR,
) -> None:
    """Take somebody on; with ``NO_PASSWORD`` they cannot log in yet. Errors: Unfit for a name that is taken or none, and for no role."""
    if connection.scalar(select(agents.c.name).where(agents.c.name == name)) is not None:
        raise Unfit(f"There is an agent {name!r} already.")
    _demand_name(connection, name)
    spelled, own = _spelled(roles), sorted(teams)
    connection.execute(insert(agents).values(name=name, password_hash=password_hash, roles=spelled, teams=own or None, created_at=at))
    write_audit(connection, at=at, actor=by, act="add agent", subject=name, detail=_detail(spelled, own))


def list_agents(connection: Connection) -> tuple[Agent, ...]:
    """Return everybody, disabled ones too, by name."""
    is_linked = exists().where(identities.c.agent == agents.c.name).label("is_linked")
    return tuple(map(_agent, connection.execute(select(agents, is_linked).order_by(agents.c.name))))


def _agent(row: Row[tuple[object, ...]]) -> Agent:
    return Agent(
        name=row.name,
        roles=roles_of(row.roles),
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        teams=teams_of(row.teams),
        is_invited=row.password_hash == NO_PASSWORD and not row.is_linked,
        is_linked=row.is_linked,
    )


def owners(connection: Connection) -> tuple[Agent, ...]:
    """Everybody who may own an incident, if only one of their teams, by name."""
    return tuple(agent for agent in list_agents(connection) if agent.disabled_at is None and not agent.roles.isdisjoint(OWNERS))


def set_roles(connection: Connection, name: str, *, roles: Iterable[Role], teams: Iterable[str], at: datetime, by: str = OPERATOR) -> None:
    """Give an agent other roles and teams, and end their sessions. Errors: Unfit for an unknown name, or for no role."""
    spelled, own = _spelled(roles), sorted(teams)
    _change_agent(connection, name, {"roles": spelled, "teams": own or None})
    write_audit(connection, at=at, actor=by, act="set roles", subject=name, detail=_detail(spelled, own))


def disable_agent(connection: Connection, name: str, *, at: datetime, by: str = OPERATOR) -> None:
    """Shut somebody out: their sessions and invitations end. Errors: Unfit for an unknown name."""
    _change_agent(connection, name, {"disabled_at": at})
    connection.execute(delete(invitations).where(invitations.c.agent == name))
    write_audit(connection, at=at, actor=by, act="disable agent", subject=name, detail={})


def set_password(connection: Connection, name: str, *, password_hash: str, at: datetime, by: str = OPERATOR) -> None:
    """Give an agent another password, and let a disabled one in again: sessions and invitations end. Errors: Unfit for an unknown name."""
    _change_agent(connection, name, {"password_hash": password_hash, "disabled_at": None})
    connection.execute(delete(invitations).where(invitations.c.agent == name))
    write_audit(connection, at=at, actor=by, act="set password", subject=name, detail={})


def _change_agent(connection: Connection, name: str, values: Mapping[str, object]) -> None:
    if not connection.execute(update(agents).where(agents.c.name == name).values(**values)).rowcount:
        raise Unfit(f"There is no agent {name!r}.")
    end_sessions(connection, name)


def end_sessions(connection: Connection, name: str) -> None:
    """End all sessions of an agent."""
    connection.execute(delete(sessions).where(sessions.c.agent == name))


def password_of(connection: Connection, name: str) -> str | None:
    """Return the digest of the agent's password; None for one who is unknown or disabled."""
    return connection.scalar(select(agents.c.password_hash).where(agents.c.name == name, agents.c.disabled_at.is_(None)))


# --- tokens ---------------------------------------------------------------------------------------------------------------------


def add_token(
    connection: Connection,
    *,
    name: str,
    roles: Iterable[Role],
    at: datetime,
    teams: Iterable[str] = (),
    expires_at: datetime | None = None,
    scopes: Iterable[str] = (),
    by: str = OPERATOR,
) -> str:
    """Make a token and return its text, which is never shown again; without *scopes* it is for all. Errors: Unfit as for agents."""
    if connection.scalar(select(tokens.c.name).where(tokens.c.name == name)) is not None:
        raise Unfit(f"There is a token {name!r} already; a revoked one keeps its name, since the audit speaks of it.")
    _demand_name(connection, name)
    text = _PREFIX + secrets.token_urlsafe(32)
    spelled, own, meant = _spelled(roles), sorted(teams), sorted(set(scopes))
    kept = {"roles": spelled, "teams": own or None, "scopes": meant or None, "created_at": at, "expires_at": expires_at}
    connection.execute(insert(tokens).values(name=name, token_hash=digest(text), **kept))
    detail = {**_detail(spelled, own), **({"scopes": " ".join(meant)} if meant else {})}
    write_audit(connection, at=at, actor=by, act="add token", subject=name, detail=detail)
    return text


def list_tokens(connection: Connection) -> tuple[Token, ...]:
    """Return all tokens, revoked ones too, by name."""
    return tuple(_token(row) for row in connection.execute(select(tokens).order_by(tokens.c.name)))


def revoke_token(connection: Connection, name: str, *, at: datetime, by: str = OPERATOR) -> None:
    """End a token. Errors: Unfit for an unknown name."""
    if not connection.execute(update(tokens).where(tokens.c.name == name).values(revoked_at=at)).rowcount:
        raise Unfit(f"There is no token {name!r}.")
    write_audit(connection, at=at, actor=by, act="revoke token", subject=name, detail={})


def mark_used(connection: Connection, name: str, at: datetime) -> None:
    """Keep that a token was used."""
    connection.execute(update(tokens).where(tokens.c.name == name).values(last_used_at=at))


def token_of(connection: Connection, text: str, now: datetime) -> Token | None:
    """Return the token whose text this is; None for one that is unknown, revoked or out of date."""
    living = (tokens.c.revoked_at.is_(None), or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now))
    row = connection.execute(select(tokens).where(tokens.c.token_hash == digest(text), *living)).one_or_none()
    return _token(row) if row else None


def _token(row: Row[tuple[object, ...]]) -> Token:
    return Token(
        name=row.name,
        roles=roles_of(row.roles),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        teams=teams_of(row.teams),
        scopes=None if row.scopes is None else frozenset(row.scopes),
        last_used_at=row.last_used_at,
    )


def digest(secret: str) -> str:
    """What is kept of a secret of 256 random bits."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _demand_name(connection: Connection, name: str) -> None:
    """Errors: Unfit for what is no name, and for one by which the audit knows somebody else: it tells all of them by name alone."""
    if not name.strip() or not name.isprintable() or len(name) > 80:
        raise Unfit("A name has 1 to 80 printable characters.")
    if name in {OPERATOR, OURSELVES}:
        raise Unfit(f"The audit calls {name!r} what nobody did at the desk; choose another name.")
    for kind, table in (("An agent", agents), ("A token", tokens)):
        if connection.scalar(select(table.c.name).where(table.c.name == name)) is not None:
            raise Unfit(f"{kind} is called {name!r} already, and the audit could not tell the two apart.")


def _spelled(roles: Iterable[Role]) -> list[str]:
    spelled = sorted(Role(role).value for role in roles)
    if not spelled:
        raise Unfit("Give at least one role.")
    return spelled


def _detail(roles: Sequence[str], teams: Sequence[str]) -> Mapping[str, str]:
    return {"roles": " ".join(roles), **({"teams": " ".join(teams)} if teams else {})}


def demand_fit(roles: Collection[Role], teams: Collection[str], known: Collection[str], *, is_separated: bool) -> None:
    """Errors: Unfit for a team that is not among those *known*, and, with separated duties, for an admin who is something else too."""
    if unknown := sorted(set(teams) - set(known)):
        named = ", ".join(sorted(known)) or "none is configured; name them under teams"
        raise Unfit(f"There is no team {unknown[0]!r}: {named}.")
    if is_separated and Role.ADMIN in roles and len(set(roles)) > 1:
        raise Unfit("With separated duties an admin has no other role.")


def roles_of(spelled: Collection[str]) -> frozenset[Role]:
    """Roles as a row keeps them."""
    return frozenset(Role(one) for one in spelled)


def teams_of(kept: Collection[str] | None) -> frozenset[str]:
    """Teams as a row keeps them."""
    return frozenset(kept or ())
