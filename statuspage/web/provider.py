"""A provider of identities, asked by OpenID Connect: code flow with PKCE (RFC 7636), state and nonce.

What one login needs to remember is made from one secret, which the browser alone keeps: whoever comes back without it began nowhere.
"""

import asyncio
import hashlib
import hmac
import importlib
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from pydantic import BaseModel, ValidationError

from probes.addresses import Trust
from probes.egress import Door
from probes.settings import Secret
from probes.wire.http1 import Request, place
from statuspage.channels.channel import Failed
from statuspage.channels.posting import posted
from statuspage.clock import Now
from statuspage.config.login import Oidc
from statuspage.store.identities import Identity
from statuspage.store.people import Role

Claims = Mapping[str, Any]

BACK = "/login/provider/back"
"""Where a provider sends people back to, below the console's own address."""
_DESCRIBED_FOR = timedelta(hours=1)
_ASKED_AGAIN = timedelta(seconds=5)
"""How long it is left alone after it did not answer."""
_KEYS_AGAIN = timedelta(minutes=1)
"""How soon keys are asked for anew: it may have changed them, and nobody shall have us ask for them at will."""
_MOST_BYTES = 128 * 1024
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Away(Exception):
    """The provider cannot be asked, or does not answer as one does; the message says how."""


class Distrusted(Exception):
    """What came back from a login is not to be believed; the message says why."""


class Description(BaseModel):
    """What a provider says of itself (OpenID Connect Discovery 1.0, 3), as far as it is needed."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


@dataclass(frozen=True, slots=True)
class Trip:
    """One login, from here to the provider and back, known by a *secret* of the browser."""

    secret: str

    @property
    def state(self) -> str:
        """What the provider hands back: the way back is of this very browser."""
        return self._made("state")

    @property
    def nonce(self) -> str:
        """What the token repeats: it was made for this login."""
        return self._made("nonce")

    @property
    def verifier(self) -> str:
        """What shows that whoever spends the code is who asked for it."""
        return self._made("verifier")

    @property
    def challenge(self) -> str:
        """What the provider is told of the verifier beforehand."""
        return _plain(hashlib.sha256(self.verifier.encode()).digest())

    def _made(self, what: str) -> str:
        return _plain(hmac.new(self.secret.encode(errors="surrogatepass"), what.encode(), hashlib.sha256).digest())


@dataclass(slots=True, kw_only=True)
class Provider:
    """The provider that *settings* name; *back* is where it sends people back to."""

    settings: Oidc
    back: str
    door: Callable[[], Door]
    now: Now
    _described: tuple[datetime, Description] | None = field(default=None, init=False)
    _keys: tuple[datetime, Sequence[Claims]] | None = field(default=None, init=False)
    _away: tuple[datetime, str] | None = field(default=None, init=False)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def way(self, trip: Trip) -> str:
        """Where the browser goes to log in. Errors: Away."""
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.back,
            "scope": " ".join(dict.fromkeys(("openid", *self.settings.scopes))),
            "state": trip.state,
            "nonce": trip.nonce,
            "code_challenge": trip.challenge,
            "code_challenge_method": "S256",
        }
        return _with((await self._description()).authorization_endpoint, asked)

    async def farewell(self, target: str) -> str | None:
        """Where the browser goes to log out there too, and then on to *target*; None where it has no such place. Errors: Away."""
        end = (await self._description()).end_session_endpoint
        return None if end is None else _with(end, {"client_id": self.settings.client_id, "post_logout_redirect_uri": target})

    async def vouched(self, trip: Trip, code: str) -> Identity:
        """Whom the provider vouches for by *code*. Errors: Away; Distrusted."""
        described = await self._description()
        answer = await self._spent(described, trip, code)
        claims = await self._believed(described, trip, str(answer.get("id_token", "")))
        if described.userinfo_endpoint and self._wanted() - claims.keys() and isinstance(answer.get("access_token"), str):
            told = await self._ask(described.userinfo_endpoint, {"authorization": f"Bearer {answer['access_token']}"})
            if told.get("sub") == claims["sub"]:  # OpenID Connect Core 1.0, 5.3.2
                claims = {**told, **claims}
        return self._identity(claims)

    def _wanted(self) -> frozenset[str]:
        roles = {self.settings.roles_by.partition(".")[0]} if self.settings.roles or self.settings.teams else set[str]()
        return frozenset({self.settings.called_by, *roles, *(name.partition(".")[0] for name in self.settings.allowed)})

    def _identity(self, claims: Claims) -> Identity:
        settings = self.settings
        for name, values in settings.allowed.items():
            if _values(claims, name).isdisjoint(values):
                raise Distrusted("Your account is not among those that may come in here.")
        held = _values(claims, settings.roles_by)
        roles = frozenset(Role(role) for value in held for role in settings.roles.get(value, ()))
        return Identity(
            issuer=settings.issuer,
            subject=claims["sub"],
            name=str(claims.get(settings.called_by) or claims.get("email") or ""),
            roles=roles if settings.roles else None,
            teams=frozenset(team for value in held for team in settings.teams.get(value, ())) if settings.teams else None,
        )

    async def _description(self) -> Description:
        """What it says of itself. Whoever comes while it is asked waits for the same answer: anybody may come. Errors: Away."""
        async with self._asking:
            now = self.now()
            if self._described is not None and timedelta(0) <= now - self._described[0] < _DESCRIBED_FOR:
                return self._described[1]
            if self._away is not None and timedelta(0) <= now - self._away[0] < _ASKED_AGAIN:
                raise Away(self._away[1])
            try:
                found = await self._of_itself()
            except Away as away:
                self._away = (self.now(), str(away))
                raise
            self._described = (now, found)
            return found

    async def _of_itself(self) -> Description:
        told = await self._ask(f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            found = Description.model_validate(told)
        except ValidationError as error:
            raise Away("what it says of itself is not understood") from error
        if found.issuer != self.settings.issuer:
            raise Away(f"it calls itself {found.issuer[:200]!r}: write that as login.oidc.issuer")
        return found

    async def _spent(self, described: Description, trip: Trip, code: str) -> Claims:
        settings = self.settings
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.back, "code_verifier": trip.verifier}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        match settings.client_secret:
            case None:
                form["client_id"] = settings.client_id
            case Secret() as secret if "client_secret_basic" in described.token_endpoint_auth_methods_supported:
                pair = f"{quote_plus(settings.client_id)}:{quote_plus(secret.reveal())}"
                headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
            case Secret() as secret:
                form |= {"client_id": settings.client_id, "client_secret": secret.reveal()}
        return await self._ask(described.token_endpoint, headers, urlencode(form).encode())

    async def _believed(self, described: Description, trip: Trip, token: str) -> Claims:
        # joserfc takes 0.1 s to load, belongs to an extra, and most desks ask no provider.
        believed = importlib.import_module("statuspage.web.id_tokens").believed
        fault = ""
        for is_fresh in (False, True):
            keys = await self._known_keys(described, is_fresh=is_fresh)
            try:
                claims: Claims = believed(
                    token, keys, issuer=described.issuer, client=self.settings.client_id, nonce=trip.nonce, now=self.now()
                )
            except ValueError as error:
                fault = str(error)
            else:
                return claims
        raise Distrusted(f"Its answer is not to be believed: {fault}.")

    async def _known_keys(self, described: Description, *, is_fresh: bool) -> Sequence[Claims]:
        now, lasts = self.now(), _KEYS_AGAIN if is_fresh else _DESCRIBED_FOR
        if self._keys is None or not timedelta(0) <= now - self._keys[0] < lasts:
            told = (await self._ask(described.jwks_uri)).get("keys")
            self._keys = (now, [key for key in told if isinstance(key, dict)] if isinstance(told, list) else [])
        return self._keys[1]

    async def _ask(self, address: str, headers: Mapping[str, str] = _NO_HEADERS, body: bytes | None = None) -> Claims:
        """One question, or a form. Errors: Away; Distrusted where it refuses what the browser brought."""
        where, own = place(address), urlsplit(self.settings.issuer)
        if where.scheme != own.scheme:
            raise Away(f"it asks for {where.scheme}, and its own address is {own.scheme}")
        trust = Trust.NAMED if where.host == own.hostname else Trust.FOUND
        request = Request(
            method="GET" if body is None else "POST", place=where, headers={"accept": "application/json", **headers}, body=body
        )
        answer = await posted(self.door(), request, trust, _MOST_BYTES)
        if isinstance(answer, Failed):
            raise Away(answer.reason)
        if body is not None and answer.status in {400, 401, 403}:
            raise Distrusted(f"It refuses this login ({answer.status}).")
        if answer.status != 200 or answer.is_truncated:
            raise Away(f"it answers {answer.status}" if answer.status != 200 else "it answers too much")
        try:
            told = json.loads(answer.body)
        except ValueError as error:
            raise Away("it answers what is no JSON") from error
        if not isinstance(told, dict):
            raise Away("it answers what is no JSON object")
        return told


def _values(claims: Claims, name: str) -> frozenset[str]:
    """What *claims* say under *name*, which may lead inward by dots (``realm_access.roles``)."""
    found: object = claims.get(name)
    if found is None and "." in name:
        found = claims
        for step in name.split("."):
            found = found.get(step) if isinstance(found, dict) else None
    several = found if isinstance(found, list) else () if found is None else (found,)
    return frozenset(json.dumps(one) if isinstance(one, bool) else str(one) for one in several)  # the file has "true" as JSON does


def _with(address: str, query: Mapping[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(query)}"


def _plain(octets: bytes) -> str:
    return urlsafe_b64encode(octets).decode().rstrip("=")
