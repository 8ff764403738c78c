"""What an address is: a row of the table in ``statuspage.web.routes``. One without a policy cannot be written down."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web
from pydantic import BaseModel

from statuspage.web.auth import Policy

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Face(StrEnum):
    """Whom an address is for: a person with a browser and a session, or a program with a token."""

    PERSON = "person"
    PROGRAM = "program"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One address. *takes* and *gives* are the models of an API route's bodies, *status* what it answers when all is well."""

    method: str
    path: str
    handler: Handler
    policy: Policy
    face: Face = Face.PERSON
    takes: type[BaseModel] | None = None
    gives: type[BaseModel] | None = None
    status: int = 200
