"""Logging in by the company's accounts: which provider of identities is asked (OpenID Connect), and what its people may do here."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from probes.settings import Secret
from statuspage.config.problems import Problem, Sources
from statuspage.config.types import Id, Section, Title, Url, refuse

RoleName = Literal["viewer", "level-one", "level-two", "manager", "admin"]
Claim = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[!-~]+$")]


def _issuer(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and not _is_this_machine(parts.hostname or ""):
        refuse("passwords and identities travel by https:// alone; only a provider on this machine may be http://")
    if parts.query or parts.fragment or parts.username is not None:
        refuse("an issuer is scheme, host, port and path alone; remove the rest")
    return url


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Oidc(Section):
    """A provider of identities that speaks OpenID Connect."""

    name: Title = Field("the company's login", description="What the login page calls it.")
    issuer: Annotated[Url, AfterValidator(_issuer)] = Field(description="Its address, exactly as it writes it in its own description.")
    client_id: str = Field(min_length=1, max_length=255, description="What it calls this service.")
    client_secret: Secret | None = Field(
        None, description="What it gave this service: {env: NAME} or {file: PATH}; none for a public client."
    )
    scopes: tuple[Claim, ...] = Field(("openid", "profile", "email"), description="What is asked of it.")
    called_by: Claim = Field("preferred_username", description="The claim that somebody is called by, at their first login.")
    roles_by: Claim = Field("groups", description="The claim that roles and teams come from.")
    roles: Mapping[str, tuple[RoleName, ...]] = Field(
        {}, description="Roles by value of that claim. Empty: roles are given here, and only who is linked by `agents link` comes in."
    )
    teams: Mapping[str, tuple[Id, ...]] = Field({}, description="Teams by value of that claim.")
    allowed: Mapping[Claim, tuple[str, ...]] = Field({}, description="Claims of which each must have one of these values.")


class Login(Section):
    """How agents come in."""

    oidc: Oidc | None = Field(None, description="A provider of identities, beside the password. Needs the extra [oidc].")


def unready(sources: Sources) -> Iterator[Problem]:
    """Find that what speaks to providers is not installed."""
    if ("login", "oidc") in sources.places and find_spec("joserfc") is None:
        yield sources.problem(("login", "oidc"), "needs an extra: pip install 'statuspage-service[oidc]'", at_key=True)
