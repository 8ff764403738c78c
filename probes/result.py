"""What a probe found: plain values, without a verdict.

Nothing here knows what a finding *means*; that is for ``incidents.policy``. Standard library only, because the judging room reads
these values and must stay pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


class Failure(StrEnum):
    """Why a probe failed: a closed list, so that every surface and metric can name each one."""

    TIMEOUT = "timeout"
    """The target did not finish in time; the stage says where it stopped."""
    DNS = "dns"
    """The name could not be resolved."""
    REFUSED = "refused"
    """The connection was refused: nothing listens there."""
    UNREACHABLE = "unreachable"
    """No route to the address, or somebody on the way turns us away."""
    RESET = "reset"
    """The peer cut the connection while it was in use."""
    CLOSED = "closed"
    """The peer ended the connection before it had answered."""
    TLS = "tls"
    """The handshake failed for a reason without a name of its own."""
    TLS_EXPIRED = "tls_expired"
    """A certificate of the chain is past its end, or not yet valid."""
    TLS_WRONG_HOST = "tls_wrong_host"
    """The certificate is for another host name."""
    TLS_UNTRUSTED = "tls_untrusted"
    """The chain does not lead to a trusted authority."""
    TLS_WEAK = "tls_weak"
    """A key, a signature or the version of the protocol is weaker than is accepted."""
    TLS_MISSING = "tls_missing"
    """Encryption is demanded, and the server does not offer it."""
    PROTOCOL = "protocol"
    """What came back is not the protocol that was expected."""
    TOO_LARGE = "too_large"
    """The answer went past the cap on what a probe reads."""
    STATUS = "status"
    """A well-formed answer with a status that is not among the expected ones."""
    CONTENT = "content"
    """A well-formed answer whose content misses an expectation."""
    REDIRECT = "redirect"
    """Too many redirects, or one that leads nowhere useful."""
    REJECTED = "rejected"
    """The server refused for good (SMTP 5xx, IMAP NO)."""
    DEFERRED = "deferred"
    """The server refused for now (SMTP 4xx)."""
    AUTH_REJECTED = "auth_rejected"
    """The server does not accept our name and password."""
    AUTH_UNAVAILABLE = "auth_unavailable"
    """The server could not decide about our name and password."""
    LOST = "lost"
    """The message was accepted and never arrived."""
    JUNKED = "junked"
    """The message arrived in the junk folder."""
    DELAYED = "delayed"
    """The message arrived, but too late."""
    SLOW = "slow"
    """The right answer, slower than the monitor allows."""
    DEGRADED = "degraded"
    """The target says of itself that it works, and worse than it should."""
    OVERDUE = "overdue"
    """A heartbeat that did not come in time."""
    BLOCKED = "blocked"
    """The egress door refused the address: not a place that a probe may go."""
    SOURCE_FAILED = "source_failed"
    """Whoever was asked about the target (a metrics store, a status page, a registry) did not answer: nothing is known about it."""
    IMPAIRED = "impaired"
    """This machine could not probe: no route, no descriptors, a stalled loop."""
    CRASHED = "crashed"
    """The probe itself broke: our bug, never the target's outage."""
    MISSED = "missed"
    """The slot could not start in time: nothing is known about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One named stretch of a probe, in the order in which it ran. *took* is in seconds, monotonic."""

    name: str
    took: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning:
    """Something that works today and may not tomorrow. *text* is internal, safe to show escaped."""

    name: str
    text: str


NO_FACTS: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What one probe measured.

    *failure* is None where everything expected was found; *stage* then is None too, else the phase that failed. *detail* is
    internal text (sanitised, at most 200 characters), never shown in public. *facts* are named numbers in base units; *took* is
    seconds from start to end.
    """

    took: float
    failure: Failure | None = None
    stage: str | None = None
    detail: str = ""
    warnings: tuple[Warning, ...] = ()
    facts: Mapping[str, float] = field(default_factory=lambda: NO_FACTS)
    phases: tuple[Phase, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A probe's result in its place: identity is (*monitor*, *location*, *slot*).

    *slot* is the scheduled instant (aware, UTC), strictly ascending per monitor and location; *started* is when it really began.
    """

    monitor: str
    location: str
    slot: datetime
    started: datetime
    measured: ProbeResult

    @property
    def failure(self) -> Failure | None:
        """Why it failed, or None."""
        return self.measured.failure
