"""Who is logged in: sessions, which live in the store alone and end there, and invitations to choose a password.

A session is read anew for each request, with what its agent may do now: what one process changes holds in all others at once. Secrets
are kept as SHA-256, since 256 random bits need no slow digest.
"""

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, delete, insert, select

from statuspage.store.acts import write_audit
from statuspage.store.people import OPERATOR, Role, Unfit, digest, password_of, roles_of, set_password, teams_of
from statuspage.store.people_tables import agents, invitations, sessions

SESSION_LASTS = timedelta(hours=12)
INVITATION_LASTS = timedelta(days=1)
_ID = 16
"""Letters of a digest by which a session is named: they lead to it, and open nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An agent who is logged in, with what they may do now, and the token that the forms of this session carry."""

    id: str
    agent: str
    roles: frozenset[Role]
    teams: frozenset[str]
    form_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A session as it is listed: since when, until when at the latest, and from which *address* somebody logged in."""

    id: str
    agent: str
    created_at: datetime
    expires_at: datetime
    address: str | None


def begin_session(connection: Connection, *, agent: str, digest_of: str, at: datetime, address: str | None = None) -> str | None:
    """Begin a session and return its secret; None where the agent's password is no longer *digest_of* or they were disabled meanwhile."""
    if password_of(connection, agent) != digest_of:
        return None
    return _begun(connection, agent, at=at, address=address, issuer=None)


def begin_vouched(connection: Connection, *, agent: str, at: datetime, address: str, issuer: str) -> str:
    """Begin a session of an agent for whom the provider *issuer* vouches, and return its secret."""
    return _begun(connection, agent, at=at, address=address, issuer=issuer)


def _begun(connection: Connection, agent: str, *, at: datetime, address: str | None, issuer: str | None) -> str:
    secret = secrets.token_urlsafe(32)
    row = {"token_hash": digest(secret), "agent": agent, "csrf": secrets.token_urlsafe(32), "address": address, "issuer": issuer}
    connection.execute(delete(sessions).where(sessions.c.expires_at <= at))
    connection.execute(insert(sessions).values(**row, created_at=at, expires_at=at + SESSION_LASTS))
    return secret


def session_of(connection: Connection, secret: str, now: datetime) -> Session | None:
    """Return the session behind *secret*; None for one that is over."""
    return sessions_of(connection, [digest(secret)], now).get(digest(secret))


def sessions_of(connection: Connection, digests: Collection[str], now: datetime) -> Mapping[str, Session]:
    """The sessions behind the secrets of these *digests*, by digest; those that are over are left out."""
    joined = sessions.join(agents, agents.c.name == sessions.c.agent)
    query = select(sessions.c.token_hash, sessions.c.agent, sessions.c.csrf, agents.c.roles, agents.c.teams).select_from(joined)
    valid = (sessions.c.token_hash.in_(digests), sessions.c.expires_at > now, agents.c.disabled_at.is_(None))
    return {
        row.token_hash: Session(
            id=row.token_hash[:_ID], agent=row.agent, roles=roles_of(row.roles), teams=teams_of(row.teams), form_token=row.csrf
        )
        for row in connection.execute(query.where(*valid))
    }


def end_session(connection: Connection, secret: str) -> str | None:
    """End the session behind *secret*, if there is one; gives the issuer of the provider by which it began (None: by a password)."""
    own = sessions.c.token_hash == digest(secret)
    issuer = connection.scalar(select(sessions.c.issuer).where(own))
    connection.execute(delete(sessions).where(own))
    return issuer


def list_stays(connection: Connection, now: datetime, agent: str | None = None) -> tuple[Stay, ...]:
    """Sessions that are not over, the newest first: those of *agent*, or of everybody."""
    columns = (sessions.c.token_hash, sessions.c.agent, sessions.c.created_at, sessions.c.expires_at, sessions.c.address)
    query = select(*columns).where(sessions.c.expires_at > now).order_by(sessions.c.created_at.desc(), sessions.c.token_hash)
    return tuple(_stays(connection, query if agent is None else query.where(sessions.c.agent == agent)))


def _stays(connection: Connection, query: Select[tuple[str, str, datetime, datetime, str]]) -> Iterable[Stay]:
    for row in connection.execute(query):
        yield Stay(id=row.token_hash[:_ID], agent=row.agent, created_at=row.created_at, expires_at=row.expires_at, address=row.address)


def end_stay(connection: Connection, id_: str, *, agent: str | None, at: datetime, by: str) -> bool:
    """End the session *id_*, if it is one of *agent* (None: of anybody); gives whether there was one."""
    chosen = [sessions.c.token_hash.startswith(id_, autoescape=True)] + ([] if agent is None else [sessions.c.agent == agent])
    whose = connection.scalar(select(sessions.c.agent).where(*chosen)) if len(id_) == _ID else None
    if whose is None:
        return False
    connection.execute(delete(sessions).where(*chosen))
    write_audit(connection, at=at, actor=by, act="end session", subject=whose, detail={})
    return True


def end_stays(connection: Connection, agent: str, *, at: datetime, by: str = OPERATOR) -> int:
    """Log *agent* out everywhere; gives how many sessions there were. Errors: Unfit for an unknown name."""
    if connection.scalar(select(agents.c.name).where(agents.c.name == agent)) is None:
        raise Unfit(f"There is no agent {agent!r}.")
    ended = connection.execute(delete(sessions).where(sessions.c.agent == agent)).rowcount
    write_audit(connection, at=at, actor=by, act="log out everywhere", subject=agent, detail={"sessions": str(ended)})
    return ended


# --- invitations ----------------------------------------------------------------------------------------------------------------


def invite(connection: Connection, name: str, *, at: datetime, by: str = OPERATOR) -> str:
    """Make a code by which *name* may choose a password, once and within a day; earlier ones count no longer.

    Errors: Unfit for an unknown name.
    """
    if connection.scalar(select(agents.c.name).where(agents.c.name == name)) is None:
        raise Unfit(f"There is no agent {name!r}.")
    code = secrets.token_urlsafe(32)
    connection.execute(delete(invitations).where((invitations.c.agent == name) | (invitations.c.expires_at <= at)))
    connection.execute(insert(invitations).values(code_hash=digest(code), agent=name, expires_at=at + INVITATION_LASTS))
    write_audit(connection, at=at, actor=by, act="invite", subject=name, detail={})
    return code


def invited(connection: Connection, code: str, now: datetime) -> str | None:
    """Whom *code* invites; None where it is used, out of date or none of ours."""
    valid = (invitations.c.code_hash == digest(code), invitations.c.expires_at > now)
    return connection.scalar(select(invitations.c.agent).where(*valid))


def accept(connection: Connection, code: str, *, password_hash: str, at: datetime) -> str | None:
    """Give whom *code* invites the password that they chose, and return their name; None as ``invited``."""
    name = invited(connection, code, at)
    if name is not None:
        set_password(connection, name, password_hash=password_hash, at=at, by=name)
    return name
