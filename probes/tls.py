"""The certificate and the protocol of a server, from the first byte or after STARTTLS: whom it is for, until when, how strong."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, WithJsonSchema

from probes.addresses import literal
from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door, Tls, Trust
from probes.kind import ProbeKind
from probes.lines import Stream
from probes.preamble import FAREWELLS, PORTS, StartTls, ask_for_tls
from probes.result import Failure
from probes.settings import CLOSED, CaFile, Duration, Host, Port, authority, host_and_port
from probes.wire.ber import Malformed
from probes.wire.certificate import Certificate, certificate

_MOST = 256 * 1024
"""Bytes of one connection: OpenSSL takes chains of up to 100 KB."""
_MOST_CERTIFICATES = 102
"""OpenSSL follows a hundred between a server's own and the one that is trusted."""
_DER = 2
"""OpenSSL's number for the form in which a certificate is wanted: _ssl.ENCODING_DER."""
_PARTING = 0.1
"""Seconds that a server has to answer our parting word; everything is known by then."""


class TlsVersion(StrEnum):
    """A version of the protocol. What is older than these, no probe speaks."""

    V1_2 = "1.2"
    V1_3 = "1.3"


def _as_written(value: object) -> object:
    """A version without quotes is a number in YAML."""
    return str(value) if isinstance(value, float) else value


_Version = Annotated[TlsVersion, BeforeValidator(_as_written), WithJsonSchema({"enum": ["1.2", "1.3", 1.2, 1.3]})]


class Settings(BaseModel):
    """Where to connect and what to demand. *server_name* is the name that is asked for and verified, where it is not *host*."""

    model_config = CLOSED

    host: Host
    port: Port
    starttls: StartTls | None = None
    server_name: Host | None = None
    verify: bool = True
    ca: CaFile | None = None
    expires_within: Duration = timedelta(days=14)
    minimum: _Version = TlsVersion.V1_2


@dataclass(frozen=True, slots=True)
class Handshake:
    """A handshake of our own over memory: asyncio's forgets the server's chain where the verification fails."""

    stream: Stream
    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO
    tls: ssl.SSLObject

    @classmethod
    def prepared(cls, stream: Stream, context: ssl.SSLContext, name: str) -> Self:
        """Make ready to ask for *name*; nothing is sent yet."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        return cls(stream, incoming, outgoing, context.wrap_bio(incoming, outgoing, server_hostname=name))

    async def shake(self) -> None:
        """Make the handshake. Errors: ssl's own, after the peer has been told; ProbeFailed from the stream."""
        while True:
            try:
                # On a thread: a peer chooses how much it has us reckon, by long chains, long keys and 8,192 bits of Diffie-Hellman.
                await asyncio.to_thread(self.tls.do_handshake)
            except ssl.SSLWantReadError:
                self._flush()
            except ssl.SSLError:
                self._flush()
                raise
            else:
                return self._flush()
            octets = await self.stream.some(_MOST)
            if not octets:
                raise ProbeFailed(Failure.CLOSED, "the connection ended during the handshake")
            self.incoming.write(octets)

    async def leave(self, farewell: bytes) -> None:
        """Say *farewell* in the protocol's own words, then TLS's, and let the server end the connection if it is quick."""
        with suppress(ssl.SSLError):
            if farewell:
                self.tls.write(farewell)
            self.tls.unwrap()
        self._flush()
        await self.stream.heard_out(_PARTING)

    def _flush(self) -> None:
        if octets := self.outgoing.read():
            self.stream.write(octets)

    def chain(self, *, is_verified: bool) -> tuple[bytes, ...]:
        """Return the chain in DER, the server's own first: as it *is_verified*, up to the root, or as the server sent it.

        Also after a handshake that failed by its verification.
        """
        wanted = "get_verified_chain" if is_verified else "get_unverified_chain"
        if (public := getattr(self.tls, wanted, None)) is not None:  # Python 3.13
            return tuple(public())
        kept = getattr(self.tls, "_sslobj")  # noqa: B009 - until 3.12 the way to the chain is there, and private
        return tuple(each.public_bytes(_DER) for each in getattr(kept, wanted)() or ())


def _read(chain: tuple[bytes, ...], attempt: Attempt) -> list[Certificate]:
    found = []
    for der in chain[:_MOST_CERTIFICATES]:
        try:
            found.append(certificate(der))
        except Malformed as error:
            attempt.warn("certificate_unreadable", f"a certificate of the chain cannot be read: {error}")
    return found


def _note(chain: list[Certificate], within: timedelta, attempt: Attempt) -> None:
    """Keep what the chain says. It is as old as its member that ends first: from then on the whole is worth nothing."""
    for each in chain:
        attempt.received(str(each).encode())
        if each.weakness is not None:
            attempt.warn("weak_certificate", f"{each} has {each.weakness}")
    if not chain:
        return
    first = min(chain, key=lambda each: each.ends)
    left = first.ends - attempt.now()
    attempt.fact("tls_expires_at", first.ends.timestamp())
    attempt.fact("leaf_expires_at", chain[0].ends.timestamp())
    attempt.fact("days_left", left / timedelta(days=1))
    attempt.fact("chain_length", len(chain))
    attempt.fact("key_bits", chain[0].bits)
    if timedelta(0) < left <= within:
        attempt.warn("expires_soon", f"{left.days} days left: {first}")


def _judge_dates(chain: list[Certificate], now: datetime) -> None:
    """Demand that each certificate holds now: said once more for where nobody verified."""
    for each in chain:
        if each.ends <= now:
            raise ProbeFailed(Failure.TLS_EXPIRED, f"expired: {each}", stage="tls")
        if each.begins > now:
            raise ProbeFailed(Failure.TLS_EXPIRED, f"not valid before {each.begins:%Y-%m-%d %H:%M} UTC: {each}", stage="tls")


def _judge_version(tls: ssl.SSLObject, minimum: TlsVersion, attempt: Attempt) -> None:
    version, cipher = tls.version() or "", tls.cipher()
    attempt.received(f"{version} {cipher[0] if cipher else ''}".encode())
    attempt.fact("tls_version", float(version.removeprefix("TLSv")))
    attempt.fact("cipher_bits", cipher[2] if cipher else 0)
    if version.removeprefix("TLSv") < minimum:
        raise ProbeFailed(Failure.TLS_WEAK, f"the server speaks {version} with us, and TLSv{minimum} is the least", stage="tls")


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Make the handshake, keep what the server showed, and judge its dates and its version."""
    context = door.context(Tls(settings.verify, settings.ca))
    name = settings.server_name or settings.host
    with await door.connect(settings.host, settings.port, trust=Trust.NAMED, attempt=attempt, most=_MOST) as stream:
        if settings.starttls is not None:
            await ask_for_tls(settings.starttls, stream, attempt)
        handshake = Handshake.prepared(stream, context, name if literal(name) is not None else name.rstrip("."))
        try:
            with attempt.phase("tls"):
                await handshake.shake()
        except (ssl.SSLError, OSError, ProbeFailed):
            _note(_read(handshake.chain(is_verified=False), attempt), settings.expires_within, attempt)
            raise
        chain = _read(handshake.chain(is_verified=settings.verify), attempt)
        _note(chain, settings.expires_within, attempt)
        _judge_version(handshake.tls, settings.minimum, attempt)
        _judge_dates(chain, attempt.now())
        await handshake.leave(FAREWELLS[settings.starttls] if settings.starttls is not None else b"")


def target(settings: Settings) -> str:
    """``host:port``, and the name that is asked for where it is another."""
    place = authority(settings.host, settings.port)
    return place if settings.server_name is None else f"{place} as {settings.server_name}"


def ad_hoc(typed: str) -> Settings:
    """``host`` or ``host:port``; a port that stands for a protocol which begins in clear is spoken to accordingly."""
    name, port = host_and_port(typed, 443)
    return Settings(host=name, port=port, starttls=PORTS.get(port))


KIND = ProbeKind(
    name="tls", summary="A certificate holds, and for how long", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc
)
