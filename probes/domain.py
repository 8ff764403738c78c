"""How long a domain name is still registered, by RDAP (RFC 9082, 9083)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from probes import http
from probes.addresses import literal
from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.kind import ProbeKind
from probes.result import Failure
from probes.settings import CLOSED, CaFile, Duration, Host, host
from probes.wire.jsontext import mapping, read, sequence

_DIRECTORY = "https://rdap.org/"
"""Knows each registry's server by IANA's list (RFC 9224), and redirects there."""
_GONE = ("redemption period", "pending delete", "server hold", "client hold")
"""Statuses in which a name is out of the DNS, whatever its date says (RFC 8056)."""
_LONGEST = 64
"""Letters of a date."""


def _registered(name: str) -> str:
    bare = name.removesuffix(".").lower()
    if literal(bare) is not None or "." not in bare:
        raise ValueError("write a registered name such as example.net")
    return bare


class Settings(BaseModel):
    """Which name, asked of which server, and how long before its end there is a warning."""

    model_config = CLOSED

    domain: Annotated[Host, AfterValidator(_registered)]
    server: http.Url = _DIRECTORY
    expires_within: Annotated[Duration, Field(ge=timedelta(0))] = timedelta(days=30)
    verify: bool = True
    ca: CaFile | None = None

    @model_validator(mode="after")
    def _has_a_server(self) -> Self:
        if "?" in self.server or "#" in self.server:
            raise ValueError("write the server's base URL: what comes before domain/")
        return self


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Ask what is registered, and when that ends. A registry that does not answer says nothing about the name."""
    with attempt.asking():
        domain = await _asked(settings, door, attempt)
        ends = None if domain is None else _end(domain)
        states = () if domain is None else tuple(_states(domain))
    if ends is None:
        raise ProbeFailed(Failure.CONTENT, f"{settings.domain} is not registered", stage="expiry")
    attempt.fact("expires_at", ends.timestamp())
    _judge(settings, ends, states, attempt)


async def _asked(settings: Settings, door: Door, attempt: Attempt) -> Mapping[str, object] | None:
    """Return what the registry has about the name, or None where it has no such name."""
    url = f"{settings.server.rstrip('/')}/domain/{settings.domain}"
    accept = {"accept": "application/rdap+json, application/json"}
    question = http.trusting(http.Settings(url=url, headers=accept, verify=settings.verify), settings.ca)
    response = await http.answer(question, door, attempt)
    if response.status == 404:
        if settings.server == _DIRECTORY and not attempt.facts["redirects"]:
            raise ProbeFailed(Failure.STATUS, "the directory knows no registry for this name: name its server", stage="status")
        return None
    if response.status != 200:
        raise ProbeFailed(Failure.STATUS, f"the registry answers with status {response.status}", stage="status")
    domain = mapping(read(response.body, stage="expiry"), "the answer", stage="expiry")
    answered = domain.get("ldhName", settings.domain)
    if not isinstance(answered, str) or answered.removesuffix(".").lower() != settings.domain:
        raise ProbeFailed(Failure.CONTENT, f"the answer is about {answered!r}", stage="expiry")
    return domain


def _end(domain: Mapping[str, object]) -> datetime:
    """Return the earliest end of the registration. Not every registry publishes one. Errors: ProbeFailed."""
    events = [mapping(event, "an event", stage="expiry") for event in sequence(domain.get("events"), "the list of events", stage="expiry")]
    ends = [_instant(event.get("eventDate")) for event in events if event.get("eventAction") == "expiration"]
    if not ends:
        raise ProbeFailed(Failure.CONTENT, "the registry does not say when the registration ends", stage="expiry")
    return min(ends)


def _instant(text: object) -> datetime:
    """Read a date of RFC 3339; one without an offset is taken as UTC."""
    if isinstance(text, str) and len(text) <= _LONGEST:
        try:
            at = datetime.fromisoformat(text)
            return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise ProbeFailed(Failure.CONTENT, f"unreadable: {text!r} is no date", stage="expiry") from error
    raise ProbeFailed(Failure.CONTENT, "unreadable: the date of an event is none", stage="expiry")


def _states(domain: Mapping[str, object]) -> Iterator[str]:
    return (state.lower() for state in sequence(domain.get("status", []), "the list of statuses", stage="expiry") if isinstance(state, str))


def _judge(settings: Settings, ends: datetime, states: tuple[str, ...], attempt: Attempt) -> None:
    if (gone := next((state for state in states if state in _GONE), None)) is not None:
        raise ProbeFailed(Failure.STATUS, f"{settings.domain} is taken out of the DNS: {gone}", stage="expiry")
    left = ends - attempt.now()
    if left <= timedelta(0):
        raise ProbeFailed(Failure.CONTENT, f"the registration of {settings.domain} ended at {ends:%Y-%m-%d %H:%M} UTC", stage="expiry")
    if left <= settings.expires_within:
        attempt.warn("expires_soon", f"the registration of {settings.domain} ends at {ends:%Y-%m-%d %H:%M} UTC, in {left.days} days")
    if "auto renew period" in states:
        attempt.warn("renewal_pending", "the registry has moved the end on by itself; the registrar may still let the name go")


def target(settings: Settings) -> str:
    """The name."""
    return settings.domain


def ad_hoc(typed: str) -> Settings:
    """A registered name."""
    return Settings(domain=host(typed))


KIND = ProbeKind(name="domain", summary="A domain name stays registered", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc)
