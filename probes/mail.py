"""What SMTP, IMAP and POP3 probes share: how a mail server is named and typed, how it is reached, and when a password may be sent."""

import base64
from collections.abc import Awaitable, Callable
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, BaseModel, Field, model_validator

from probes.addresses import is_this_machine
from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door, Tls, Trust
from probes.lines import TOTAL, Stream
from probes.result import Failure
from probes.settings import CLOSED, CaFile, Host, Login, Port, TlsPolicy, authority, host_and_port, refuse_controls

_PATIENCE = 0.5
"""Seconds that a server has to answer our parting word; everything that mattered is known by then."""
_IMPLICIT = frozenset({465, 993, 995})


def _mail_address(text: str) -> str:
    refuse_controls(text)
    local, at, domain = text.rpartition("@")
    if not (local and at and domain) or any(letter in text for letter in ' <>()[]\\,;:"'):
        raise ValueError("not a mail address")
    return text


MailAddress = Annotated[str, Field(max_length=254), AfterValidator(_mail_address)]


class MailServer(BaseModel):
    """Where a mail server is and how it is spoken to. Without *login* the dialogue ends before a password would be due.

    *allow_plaintext* lets the password cross a connection in clear to somewhere else than this machine.
    """

    model_config = CLOSED

    host: Host
    port: Port
    tls: TlsPolicy = TlsPolicy.OPTIONAL
    verify: bool = True
    ca: CaFile | None = None
    login: Login | None = None
    allow_plaintext: bool = False

    @model_validator(mode="after")
    def _can_work(self) -> Self:
        if self.tls is TlsPolicy.OPTIONAL and self.port in _IMPLICIT:
            raise ValueError(f"port {self.port} is encrypted from the first byte: say tls: implicit")
        if self.tls is TlsPolicy.NEVER and self.login is not None and not (self.allow_plaintext or is_this_machine(self.host)):
            raise ValueError("tls: never would send the password in clear: say allow_plaintext: true where that is meant")
        return self


M = TypeVar("M", bound=MailServer)


def target(server: MailServer) -> str:
    """``host:port``."""
    return authority(server.host, server.port)


def typed(model: type[M], usual: int) -> Callable[[str], M]:
    """Make the reader of ``host`` or ``host:port`` for a kind with its *usual* port; 465, 993 and 995 are encrypted from the first byte."""

    def ad_hoc(text: str) -> M:
        name, port = host_and_port(text, usual)
        return model(host=name, port=port, tls=TlsPolicy.IMPLICIT if port in _IMPLICIT else TlsPolicy.OPTIONAL)

    return ad_hoc


def reach(server: MailServer, door: Door, attempt: Attempt, most: int = TOTAL) -> Awaitable[Stream]:
    """Connect, encrypted at once where the policy is implicit."""
    tls = Tls(server.verify, server.ca) if server.tls is TlsPolicy.IMPLICIT else None
    return door.connect(server.host, server.port, trust=Trust.NAMED, tls=tls, attempt=attempt, most=most)


async def encrypt(
    stream: Stream,
    server: MailServer,
    door: Door,
    attempt: Attempt,
    *,
    is_offered: bool,
    begin: Callable[[], Awaitable[str | None]],
) -> bool:
    """Carry out the TLS policy on an open connection and say whether the handshake was made now.

    *begin* asks for STARTTLS and returns the refusal, if there is one. Errors: ProbeFailed with TLS_MISSING where the policy demands
    what the server does not give. What the server said in clear between its consent and the handshake is thrown away and flagged.
    """
    if server.tls in (TlsPolicy.NEVER, TlsPolicy.IMPLICIT):
        return False
    refusal: str | None = "the server does not offer STARTTLS"
    if is_offered:
        with attempt.phase("starttls"):
            refusal = await begin()
    if refusal is None:
        if unasked := stream.discard():
            attempt.warn("plaintext_before_tls", f"{len(unasked)} bytes came in clear after STARTTLS was agreed, and were thrown away")
        await door.secure(stream, server.host, tls=Tls(server.verify, server.ca), attempt=attempt)
        return True
    if server.tls is TlsPolicy.STARTTLS:
        raise ProbeFailed(Failure.TLS_MISSING, refusal, stage=f"{attempt.prefix}starttls")
    if is_offered:
        attempt.warn("starttls_refused", f"the server offers STARTTLS and refuses it: {refusal}")
    return False


def password_of(login: Login, server: MailServer, stream: Stream, attempt: Attempt) -> str:
    """Return the password, concealed from now on. Errors: ProbeFailed with TLS_MISSING where it would cross the network in clear."""
    if stream.may_be_overheard and not server.allow_plaintext:
        raise ProbeFailed(Failure.TLS_MISSING, "no encryption: the password was not sent")
    password = login.password.reveal()
    attempt.conceal(password, encoded(password), encoded(f"\0{login.user}\0{password}"))
    return password


def encoded(text: str) -> str:
    """Spell *text* the way SASL carries it."""
    return base64.b64encode(text.encode()).decode()


async def part(stream: Stream, farewell: Awaitable[object], attempt: Attempt) -> None:
    """Say goodbye, and do not let a server that forgets its manners turn a good result into a bad one."""
    try:
        with attempt.phase("quit"), stream.patience(_PATIENCE):
            await farewell
    except TimeoutError:
        attempt.warn("goodbye_unanswered", "the server did not answer our goodbye")
    except (ProbeFailed, OSError):
        pass  # it forgot its manners, and all that mattered is known
    attempt.stage = None
