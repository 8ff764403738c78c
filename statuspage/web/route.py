"""What an address is: a row of the table in ``statuspage.web.routes``. One without a policy cannot be written down."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from aiohttp import web
from pydantic import BaseModel

from statuspage.web.auth import Permission, Policy

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Face(StrEnum):
    """Whom an address is for: a person with a browser and a session, or a program with a token."""

    PERSON = "person"
    PROGRAM = "program"


class About(StrEnum):
    """What an address with an id is about: whose it is decides who may act there, and of some who may see it."""

    INCIDENT = "incident"
    MONITOR = "monitor"
    MAINTENANCE = "maintenance"
    ADVISORY = "advisory"
    SERVICE = "service"
    STAND_IN = "stand-in"
    NOBODYS = "nobody's"
    """Something that no team owns, or that nobody reaches whose teams bind them."""


ABOUT: Mapping[str, About] = MappingProxyType(
    {
        "/incidents": About.INCIDENT,
        "/monitors": About.MONITOR,
        "/maintenance": About.MAINTENANCE,
        "/maintenances": About.MAINTENANCE,
        "/advisories": About.ADVISORY,
        "/services": About.SERVICE,
        "/on-call/stand-ins": About.STAND_IN,
        "/corrections": About.NOBODYS,
        "/callers/tickets": About.NOBODYS,
        "/reports": About.NOBODYS,
        "/subscribers": About.NOBODYS,
    }
)
"""What an id names, by the path before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One address. *takes* and *gives* are the models of an API route's bodies, *status* what it answers when all is well.

    *about* is what its id names (None: there is no id). Errors: ValueError where ABOUT does not say what it is.
    """

    method: str
    path: str
    handler: Handler
    policy: Policy
    face: Face = Face.PERSON
    takes: type[BaseModel] | None = None
    gives: type[BaseModel] | None = None
    status: int = 200
    about: About | None = field(init=False)

    def __post_init__(self) -> None:
        """An address whose owner nobody looks up would be everybody's."""
        before, id_, _ = self.path.removeprefix("/api/v1").partition("/{id}")
        if id_ and before not in ABOUT:
            raise ValueError(f"{self.path}: say in statuspage.web.route.ABOUT what an id after {before} names")
        object.__setattr__(self, "about", ABOUT[before] if id_ else None)


def see(path: str, handler: Handler, policy: Policy = Permission.SEE) -> Route:
    """A page, or a part of one."""
    return Route(method="GET", path=path, handler=handler, policy=policy)


def send(path: str, handler: Handler, policy: Policy = Permission.ACT) -> Route:
    """A form of the console."""
    return Route(method="POST", path=path, handler=handler, policy=policy)


def read(path: str, handler: Handler, gives: type[BaseModel] | None, policy: Policy = Permission.SEE) -> Route:
    """What a program reads."""
    return Route(method="GET", path=path, handler=handler, policy=policy, face=Face.PROGRAM, gives=gives)


def act(
    path: str,
    handler: Handler,
    takes: type[BaseModel],
    gives: type[BaseModel],
    status: int,
    policy: Policy = Permission.ACT,
    method: str = "POST",
) -> Route:
    """What a program does."""
    return Route(
        method=method,
        path=path,
        handler=handler,
        policy=policy,
        face=Face.PROGRAM,
        takes=takes,
        gives=gives,
        status=status,
    )
