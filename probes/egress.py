"""The door out: resolve once, judge every address, connect to exactly one of them. No probe opens a socket in any other way."""

import asyncio
import errno
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from probes.addresses import Address, Network, Trust, literal, objection
from probes.attempt import Attempt, ProbeFailed
from probes.lines import TOTAL, Stream
from probes.result import Failure

__all__ = ["Door", "Network", "Tls", "Trust"]

_STAGGER = 0.25
"""Seconds before the next address of a name is tried beside the one that does not answer (RFC 8305 section 5)."""
_MOST_ADDRESSES = 8
_MOST_LOOKUPS = 16
_PARTING = 0.1
"""Seconds that a TLS peer has to answer our parting word."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How an encrypted connection is made: whether the chain and the name are verified, and against which authorities.

    *ca* is a PEM file of authorities; None means the system's.
    """

    verify: bool = True
    ca: Path | None = None


class Door:
    """Opens connections for probes. One for the whole process: it keeps TLS contexts (30 ms each) and the lookups in flight.

    *allow* widens where ``Trust.FOUND`` may go.
    """

    def __init__(self, *, allow: Sequence[Network] = ()) -> None:
        self._allow = tuple(allow)
        self._contexts: dict[Tls, ssl.SSLContext] = {}
        self._lookups: dict[str, asyncio.Task[tuple[Address, ...]]] = {}
        self._seats = asyncio.Semaphore(_MOST_LOOKUPS)

    async def connect(
        self, host: str, port: int, *, attempt: Attempt, trust: Trust = Trust.FOUND, tls: Tls | None = None, most: int = TOTAL
    ) -> Stream:
        """Connect to *host*, encrypted where *tls* says how. *most* is the number of bytes that may be read from it in all.

        Records the phases ``dns`` (for names), ``connect`` and ``tls``. Errors: ProbeFailed with BLOCKED where an address is no
        place to go, with IMPAIRED where this machine has no route; otherwise the operating system's own.
        """
        addresses = await self._addresses(host, attempt)
        for address in addresses:
            if (why := objection(address, trust, self._allow)) is not None:
                raise ProbeFailed(Failure.BLOCKED, why, stage=attempt.prefix + "connect")
        with attempt.phase("connect"):
            stream, address = await _reach(addresses, port, most, attempt)
        attempt.fact("ip_version", address.version)
        if tls is not None:
            await self.secure(stream, host, tls=tls, attempt=attempt)
        return stream

    async def secure(self, stream: Stream, host: str, *, tls: Tls, attempt: Attempt) -> None:
        """Encrypt an open connection, as STARTTLS does. Closes it where the handshake fails."""
        loop = asyncio.get_running_loop()
        name = host if literal(host) is not None else host.rstrip(".")
        try:
            with attempt.phase("tls"):
                plaintext = stream.transport
                encrypted = await loop.start_tls(plaintext, stream, self._context(tls), server_hostname=name, ssl_shutdown_timeout=_PARTING)
        except BaseException:
            stream.abort()
            raise
        if encrypted is None:
            raise ProbeFailed(Failure.CLOSED, "the connection ended during the handshake")
        stream.connection_made(encrypted)
        _note_certificate(encrypted, attempt)

    def _context(self, tls: Tls) -> ssl.SSLContext:
        if (known := self._contexts.get(tls)) is not None:
            return known
        try:
            context = ssl.create_default_context(cafile=tls.ca)
        except (OSError, ssl.SSLError) as error:
            raise ProbeFailed(Failure.IMPAIRED, f"the authorities in {tls.ca} cannot be read: {error}") from error
        if not tls.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        self._contexts[tls] = context
        return context

    async def _addresses(self, host: str, attempt: Attempt) -> tuple[Address, ...]:
        if (address := literal(host)) is not None:
            return (address,)
        with attempt.phase("dns"):
            lookup = self._lookups.get(host)
            if lookup is None:
                lookup = self._lookups[host] = asyncio.create_task(self._look_up(host))
            return await asyncio.shield(lookup)

    async def _look_up(self, host: str) -> tuple[Address, ...]:
        """Ask the system's resolver. One question per name at a time: a resolver that hangs holds one thread, not one per monitor."""
        try:
            async with self._seats:
                return await _ask_resolver(host)
        finally:
            del self._lookups[host]


async def _ask_resolver(host: str) -> tuple[Address, ...]:
    """Run getaddrinfo on a daemon thread: neither the loop nor the end of the process waits for a dead resolver."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[tuple[Address, ...]] = loop.create_future()

    def settle(addresses: tuple[Address, ...], error: Exception | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(addresses)
        else:
            answer.set_exception(error)

    def ask() -> None:
        addresses, error = _resolve(host)
        with suppress(RuntimeError):  # the loop has ended meanwhile, and with it whoever asked
            loop.call_soon_threadsafe(settle, addresses, error)

    threading.Thread(target=ask, name="probe-lookup", daemon=True).start()
    return await answer


def _resolve(host: str) -> tuple[tuple[Address, ...], Exception | None]:
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        failed = error if isinstance(error, OSError) else ProbeFailed(Failure.DNS, f"{host} is not a name that can be looked up")
        return (), failed
    found = (literal(str(sockaddr[0]).partition("%")[0]) for _, _, _, _, sockaddr in answers)
    addresses = tuple(dict.fromkeys(address for address in found if address is not None))
    return addresses[:_MOST_ADDRESSES], None if addresses else ProbeFailed(Failure.DNS, f"{host} has no address")


async def _reach(addresses: Sequence[Address], port: int, most: int, attempt: Attempt) -> tuple[Stream, Address]:
    """Connect to the first address that answers, starting the next one where one fails or dawdles."""
    if len(addresses) == 1:
        return await _dial(addresses[0], port, most), addresses[0]
    waiting = list(addresses)
    dialling: dict[asyncio.Task[Stream], Address] = {}
    errors: list[BaseException] = []
    try:
        while waiting or dialling:
            if waiting:
                address = waiting.pop(0)
                dialling[asyncio.create_task(_dial(address, port, most))] = address
            done, _ = await asyncio.wait(dialling, timeout=_STAGGER if waiting else None, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                address = dialling.pop(task)
                error = task.exception()
                if error is None:
                    return task.result(), address
                errors.append(error)
                attempt.warn("address_failed", f"{address} does not answer: {error}")
        raise _most_telling(errors)
    finally:
        _hang_up(dialling)


def _hang_up(dialling: dict[asyncio.Task[Stream], Address]) -> None:
    for task in dialling:
        task.cancel()
        task.add_done_callback(_abort_if_connected)


def _abort_if_connected(task: asyncio.Task[Stream]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().abort()


def _most_telling(errors: Sequence[BaseException]) -> BaseException:
    """A refusal by the target says more than a route that this machine lacks, such as one for IPv6."""
    return next((error for error in errors if not isinstance(error, ProbeFailed)), errors[-1])


async def _dial(address: Address, port: int, most: int) -> Stream:
    loop = asyncio.get_running_loop()
    try:
        _, stream = await loop.create_connection(lambda: Stream(most), str(address), port)
    except OSError as error:
        if error.errno == errno.ENETUNREACH and not _has_route(address):
            raise ProbeFailed(Failure.IMPAIRED, f"this machine has no route to {address}") from error
        raise
    return stream


def _has_route(address: Address) -> bool:
    """Ask the kernel alone: connecting a datagram socket sends nothing, and fails only where no local route exists.

    It tells a router that answers "unreachable", which is the target's trouble, from a cable that is out, which is ours.
    """
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
    except OSError:
        return False
    return True


def _note_certificate(encrypted: asyncio.Transport, attempt: Attempt) -> None:
    certificate = encrypted.get_extra_info("peercert")
    if certificate and "notAfter" in certificate:
        attempt.fact("tls_expires_at", ssl.cert_time_to_seconds(certificate["notAfter"]))
