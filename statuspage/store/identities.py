"""Agents whom a provider of identities knows: by its own name, the issuer, and the one that it never gives to anybody else, the subject.

Nobody is found by what may be chosen or given again, such as a name or an address of mail: an agent who is here already is linked by
somebody who may, and whoever is new gets a row of their own.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, delete, insert, select

from statuspage.store import people
from statuspage.store.acts import OURSELVES, write_audit
from statuspage.store.people import NO_PASSWORD, OPERATOR, Role, Unfit, list_agents
from statuspage.store.people_tables import agents, identities

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom a provider vouches for. *name* is what they want to be called; *roles* and *teams* are None where the provider gives none."""

    issuer: str
    subject: str
    name: str
    roles: Collection[Role] | None
    teams: Collection[str] | None = None


def known_as(connection: Connection, *, issuer: str, subject: str) -> str | None:
    """The agent who is linked."""
    linked = (identities.c.issuer == issuer, identities.c.subject == subject)
    return connection.scalar(select(identities.c.agent).where(*linked))


def linked(connection: Connection) -> frozenset[str]:
    """Everybody who is known to a provider."""
    return frozenset(connection.scalars(select(identities.c.agent)))


def link(connection: Connection, name: str, *, issuer: str, subject: str, at: datetime, by: str = OPERATOR) -> None:
    """Have *subject* be *name* from now on. Errors: Unfit for an unknown name, and for a subject who is somebody else."""
    if connection.scalar(select(agents.c.name).where(agents.c.name == name)) is None:
        raise Unfit(f"There is no agent {name!r}.")
    if (other := known_as(connection, issuer=issuer, subject=subject)) is not None:
        raise Unfit(f"This subject is {other!r} already.")
    connection.execute(insert(identities).values(issuer=issuer, subject=subject, agent=name, linked_at=at))
    write_audit(connection, at=at, actor=by, act="link identity", subject=name, detail={"issuer": issuer, "of": subject})


def unlink(connection: Connection, name: str, *, at: datetime, by: str = OPERATOR) -> None:
    """Have no provider vouch for *name* any more, and end their sessions. Errors: Unfit where none does."""
    if not connection.execute(delete(identities).where(identities.c.agent == name)).rowcount:
        raise Unfit(f"{name!r} is not linked.")
    people.end_sessions(connection, name)
    write_audit(connection, at=at, actor=by, act="unlink identity", subject=name, detail={})


def received(connection: Connection, identity: Identity, *, at: datetime) -> str:
    """The name of the agent whom *person* is, with the roles and teams that the provider gives; who is new gets a row.

    Errors: Unfit, with a sentence for the person, for whoever may not come in.
    """
    if identity.roles is not None and not identity.roles:
        raise Unfit("Your account is known, but gives you nothing to do here. Ask whoever keeps the accounts for a role at the desk.")
    name = known_as(connection, issuer=identity.issuer, subject=identity.subject)
    if name is None:
        return _taken_on(connection, identity, at)
    agent = next(one for one in list_agents(connection) if one.name == name)
    if agent.disabled_at is not None:
        raise Unfit(f"{name} was shut out.")
    roles, teams = _given(agent.roles, identity.roles), _given(agent.teams, identity.teams)
    if (roles, teams) != (agent.roles, agent.teams):
        people.set_roles(connection, name, roles=roles, teams=teams, at=at, by=OURSELVES)
    return name


def _given(held: frozenset[T], told: Collection[T] | None) -> frozenset[T]:
    """What the provider gives; where that is not its affair, what was given here."""
    return held if told is None else frozenset(told)


def _taken_on(connection: Connection, identity: Identity, at: datetime) -> str:
    command = f"statuspage agents link NAME {identity.subject}"
    if identity.roles is None:
        raise Unfit(f"Nobody at the desk is linked to your account yet. Ask for: {command}")
    name = identity.name.strip()
    if connection.scalar(select(agents.c.name).where(agents.c.name == name)) is not None:
        raise Unfit(f"There is an agent {name!r} already, who is not linked to your account. If it is you, ask for: {command}")
    teams = identity.teams or ()
    people.add_agent(connection, name=name, password_hash=NO_PASSWORD, roles=identity.roles, teams=teams, at=at, by=OURSELVES)
    link(connection, name, issuer=identity.issuer, subject=identity.subject, at=at, by=OURSELVES)
    return name
