"""What happens to words that were said already: they are corrected, or removed. Neither changes how anything stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reworded:
    """*by* put *body* in the place of the words of an update, and *bodies* in that of their translations.

    *was* is the digest of what stood there, *translations* those of what stood there in other languages. *language* is that of *body*
    (None: as it was).
    """

    at: datetime
    incident: str
    number: int
    body: str
    was: str
    by: str
    language: str | None = None
    bodies: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    translations: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """*by* had the words of an update removed everywhere and in every language, for *reason*; *was* and *translations* as above."""

    at: datetime
    incident: str
    number: int
    was: str
    by: str
    reason: str
    translations: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """*by* had words struck out of all that is kept of an incident, a window or an advisory, for *reason*; *instead* stands there now.

    *was* is the digest of those words. They themselves are *phrase* while this is being written down, and kept nowhere.
    """

    at: datetime
    was: str
    instead: str
    by: str
    reason: str
    incident: str | None = None
    maintenance: str | None = None
    advisory: str | None = None
    phrase: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceReworded:
    """The same of words about a window, as ``Reworded`` says of those in an incident."""

    at: datetime
    maintenance: str
    number: int
    body: str
    was: str
    by: str
    language: str | None = None
    bodies: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    translations: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


RewordingEvent = Reworded | Redacted


def digest(text: str) -> str:
    """What proves later that it was just this *text*: SHA-256 of its UTF-8, in hexadecimal."""
    return sha256(text.encode()).hexdigest()


def whole_digest(body: str, bodies: Mapping[str, str]) -> str:
    """What proves a text with all its translations: the digest of *body* where it stands alone, one of all digests where it does not."""
    others = [f"{language} {one}" for language, one in sorted(digests(bodies).items())]
    return digest("\n".join((digest(body), *others))) if others else digest(body)


def digests(texts: Mapping[str, str]) -> Mapping[str, str]:
    """The same of a text in several languages."""
    return MappingProxyType({language: digest(text) for language, text in texts.items()})
