"""Links that prove who follows them: signed with this installation's secret, for one purpose each, and never guessable.

Whoever holds such a link may do what it is for. That one was followed says nothing: programs that look for harm in mail follow all.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from incidents.model import Status
from statuspage.picture.audience import Rhythm, Wish

LONGEST = 2000
"""Characters that a link may have: every mail program and proxy takes so many."""


class Purpose(StrEnum):
    """What a link is for; each purpose has a key of its own, so that no link serves another."""

    CONFIRM = "confirm"
    MANAGE = "manage"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asked for at the form, to be confirmed by whoever reads mail at *address* until *until*."""

    address: str
    wish: Wish
    language: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Makes the links of the site at *url* and reads them. *secret* is the installation's."""

    secret: str
    url: str

    def confirm(self, asked: Asked) -> str:
        """The link by which an address is confirmed. Nothing is kept of it until then: it holds all that was asked for."""
        services = None if asked.wish.services is None else sorted(asked.wish.services)
        wish = asked.wish
        told = [
            asked.address,
            services,
            wish.floor.value,
            wish.wants_maintenance,
            asked.language,
            asked.until.timestamp(),
            wish.rhythm.value,
        ]
        return f"{self.url}/subscribe/confirm/{self._signer(Purpose.CONFIRM).dumps(told)}"

    def manage(self, subscriber: str) -> str:
        """The link to what a subscriber is told, and to what is kept about them."""
        return f"{self.url}/subscribe/manage/{self._signer(Purpose.MANAGE).dumps(subscriber)}"

    def unsubscribe(self, subscriber: str) -> str:
        """The link that ends it all by one click (RFC 8058)."""
        return f"{self.url}/unsubscribe/{self._signer(Purpose.UNSUBSCRIBE).dumps(subscriber)}"

    def asked(self, token: str, now: datetime) -> Asked | None:
        """What was asked for; None where the token is not ours or it is too late."""
        told = self._read(Purpose.CONFIRM, token)
        if told is None:
            return None
        address, services, floor, wants_maintenance, language, until, *later = told
        wish = Wish(
            services=None if services is None else frozenset(services),
            floor=Status(floor),
            wants_maintenance=wants_maintenance,
            rhythm=Rhythm(later[0]) if later else Rhythm.AT_ONCE,  # a link that an older release wrote holds none
        )
        asked = Asked(address=address, wish=wish, language=language, until=datetime.fromtimestamp(until, tz=now.tzinfo))
        return asked if now < asked.until else None

    def subscriber(self, purpose: Purpose, token: str) -> str | None:
        """The id of the subscriber whom the token was made for; None where it is not ours."""
        found = self._read(purpose, token)
        return found if isinstance(found, str) else None

    def _signer(self, purpose: Purpose) -> URLSafeSerializer:
        return URLSafeSerializer(self.secret, salt=f"statuspage {purpose}", signer_kwargs={"digest_method": hashlib.sha256})

    def _read(self, purpose: Purpose, token: str) -> Any:  # noqa: ANN401 - what we signed ourselves
        if len(token) > LONGEST:
            return None
        try:
            return self._signer(purpose).loads(token)
        except BadData:
            return None


def digest(token: str) -> str:
    """What is kept of a link that was used."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
