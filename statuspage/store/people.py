"""Who may come in: agents, their sessions, tokens, and the record of what they did.

Plain functions of a ``Connection``; a change of who may come in leaves a row in the audit, in the same transaction. Secrets are kept as
digests only: a password as argon2id, the text of a session or a token as SHA-256, since 256 random bits need no slow digest.
"""

import hashlib
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from statuspage.store.acts import write_audit
from statuspage.store.tables import agents, sessions, tokens

OPERATOR = "command line"
SESSION_LASTS = timedelta(hours=12)
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024
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
    """A person at the desk."""

    name: str
    roles: frozenset[Role]
    created_at: datetime
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A program's way in; its text is known to nobody but its holder."""

    name: str
    roles: frozenset[Role]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An agent who is logged in, with the token that the forms of this session carry."""

    agent: str
    roles: frozenset[Role]
    form_token: str


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
    return digest is not None


def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=2, memory_cost=_MEMORY_KIB, parallelism=1)


# --- agents ---------------------------------------------------------------------------------------------------------------------


def add_agent(connection: Connection, *, name: str, password_hash: str, roles: Iterable[Role], at: datetime, by: str = OPERATOR) -> None:
    """Take somebody on. Errors: Unfit where the name is taken or empty, or no role is given."""
    _demand_name(name)
    if connection.scalar(select(agents.c.name).where(agents.c.name == name)) is not None:
        raise Unfit(f"There is an agent {name!r} already.")
    spelled = _spelled(roles)
    connection.execute(insert(agents).values(name=name, password_hash=password_hash, roles=spelled, created_at=at))
    write_audit(connection, at=at, actor=by, act="add agent", subject=name, detail={"roles": " ".join(spelled)})


def list_agents(connection: Connection) -> tuple[Agent, ...]:
    """Return everybody, disabled ones too, by name."""
    rows = connection.execute(select(agents).order_by(agents.c.name))
    return tuple(Agent(name=row.name, roles=_roles(row.roles), created_at=row.created_at, disabled_at=row.disabled_at) for row in rows)


def owners(connection: Connection) -> tuple[str, ...]:
    """Names of everybody who may own an incident, in order."""
    return tuple(agent.name for agent in list_agents(connection) if agent.disabled_at is None and not agent.roles.isdisjoint(OWNERS))


def disable_agent(connection: Connection, name: str, *, at: datetime, by: str = OPERATOR) -> None:
    """Shut somebody out, and end their sessions. Errors: Unfit for an unknown name."""
    _change_agent(connection, name, {"disabled_at": at})
    write_audit(connection, at=at, actor=by, act="disable agent", subject=name, detail={})


def set_password(connection: Connection, name: str, *, password_hash: str, at: datetime, by: str = OPERATOR) -> None:
    """Give an agent another password, end their sessions, and let a disabled one in again. Errors: Unfit for an unknown name."""
    _change_agent(connection, name, {"password_hash": password_hash, "disabled_at": None})
    write_audit(connection, at=at, actor=by, act="set password", subject=name, detail={})


def _change_agent(connection: Connection, name: str, values: Mapping[str, object]) -> None:
    if not connection.execute(update(agents).where(agents.c.name == name).values(**values)).rowcount:
        raise Unfit(f"There is no agent {name!r}.")
    connection.execute(delete(sessions).where(sessions.c.agent == name))


def password_of(connection: Connection, name: str) -> str | None:
    """Return the digest of the agent's password; None for one who is unknown or disabled."""
    return connection.scalar(select(agents.c.password_hash).where(agents.c.name == name, agents.c.disabled_at.is_(None)))


# --- sessions -------------------------------------------------------------------------------------------------------------------


def begin_session(connection: Connection, *, agent: str, digest: str, at: datetime) -> str | None:
    """Begin a session and return its secret; None where the agent's password is no longer *digest* or they were disabled meanwhile."""
    if password_of(connection, agent) != digest:
        return None
    secret = secrets.token_urlsafe(32)
    row = {"token_hash": _digest(secret), "agent": agent, "csrf": secrets.token_urlsafe(32)}
    connection.execute(delete(sessions).where(sessions.c.expires_at <= at))
    connection.execute(insert(sessions).values(**row, created_at=at, expires_at=at + SESSION_LASTS))
    return secret


def session_of(connection: Connection, secret: str, now: datetime) -> Session | None:
    """Return the session behind *secret*, with the roles that its agent has now; None for one that is over."""
    joined = sessions.join(agents, agents.c.name == sessions.c.agent)
    query = select(sessions.c.agent, sessions.c.csrf, agents.c.roles).select_from(joined)
    valid = (sessions.c.token_hash == _digest(secret), sessions.c.expires_at > now, agents.c.disabled_at.is_(None))
    row = connection.execute(query.where(*valid)).one_or_none()
    return Session(agent=row.agent, roles=_roles(row.roles), form_token=row.csrf) if row else None


def end_session(connection: Connection, secret: str) -> None:
    """End the session behind *secret*, if there is one."""
    connection.execute(delete(sessions).where(sessions.c.token_hash == _digest(secret)))


# --- tokens ---------------------------------------------------------------------------------------------------------------------


def add_token(
    connection: Connection,
    *,
    name: str,
    roles: Iterable[Role],
    at: datetime,
    expires_at: datetime | None = None,
    by: str = OPERATOR,
) -> str:
    """Make a token and return its text, which is never shown again. Errors: Unfit as for agents."""
    _demand_name(name)
    if connection.scalar(select(tokens.c.name).where(tokens.c.name == name)) is not None:
        raise Unfit(f"There is a token {name!r} already; a revoked one keeps its name, since the audit speaks of it.")
    text = _PREFIX + secrets.token_urlsafe(32)
    spelled = _spelled(roles)
    row = {"name": name, "token_hash": _digest(text), "roles": spelled, "created_at": at, "expires_at": expires_at}
    connection.execute(insert(tokens).values(row))
    write_audit(connection, at=at, actor=by, act="add token", subject=name, detail={"roles": " ".join(spelled)})
    return text


def list_tokens(connection: Connection) -> tuple[Token, ...]:
    """Return all tokens, revoked ones too, by name."""
    return tuple(_token(row) for row in connection.execute(select(tokens).order_by(tokens.c.name)))


def revoke_token(connection: Connection, name: str, *, at: datetime, by: str = OPERATOR) -> None:
    """End a token. Errors: Unfit for an unknown name."""
    if not connection.execute(update(tokens).where(tokens.c.name == name).values(revoked_at=at)).rowcount:
        raise Unfit(f"There is no token {name!r}.")
    write_audit(connection, at=at, actor=by, act="revoke token", subject=name, detail={})


def token_of(connection: Connection, text: str, now: datetime) -> Token | None:
    """Return the token whose text this is; None for one that is unknown, revoked or out of date."""
    living = (tokens.c.revoked_at.is_(None), or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now))
    row = connection.execute(select(tokens).where(tokens.c.token_hash == _digest(text), *living)).one_or_none()
    return _token(row) if row else None


def _token(row: Row[tuple[object, ...]]) -> Token:
    return Token(
        name=row.name,
        roles=_roles(row.roles),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _demand_name(name: str) -> None:
    if not name.strip() or not name.isprintable() or len(name) > 80:
        raise Unfit("A name has 1 to 80 printable characters.")


def _spelled(roles: Iterable[Role]) -> list[str]:
    spelled = sorted(Role(role).value for role in roles)
    if not spelled:
        raise Unfit("Give at least one role.")
    return spelled


def _roles(spelled: Collection[str]) -> frozenset[Role]:
    return frozenset(Role(one) for one in spelled)
