"""The door out: resolve once, judge every address, connect to exactly one of them. No probe opens a socket in any other way."""

import asyncio
import errno
import socket
import ssl
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path

from probes import programs
from probes.addresses import Address, Network, Trust, literal, objection
from probes.attempt import Attempt, ProbeFailed
from probes.datagrams import MOST, Datagrams
from probes.deadlines import Deadlines
from probes.encryption import Contexts, Tls
from probes.lines import TOTAL, Stream
from probes.lookup import Lookups
from probes.result import Failure
from probes.settings import IpVersion

__all__ = ["Door", "Network", "Tls", "Trust"]

_STAGGER = 0.25
"""Seconds before the next address of a name is tried beside the one that does not answer (RFC 8305 section 5)."""
_MOST_ADDRESSES = 8
_PARTING = 0.1
"""Seconds that a TLS peer has to answer our parting word."""
_ERRORS_4 = (socket.IPPROTO_IP, 11)
"""IP_RECVERR of Linux, which Python does not name (ip(7))."""
_ERRORS_6 = (socket.IPPROTO_IPV6, 25)
"""IPV6_RECVERR, likewise."""
_NO_WAY = frozenset({errno.ENETUNREACH, errno.EACCES})
"""How the kernel says that it has no route, or one that prohibits; a router may say the same of the target."""
_NO_ICMP = (
    "this process may not send ICMP: put its group into the sysctl net.ipv4.ping_group_range (for all: 0 2147483647), "
    "or give it the capability CAP_NET_RAW"
)


class Door:
    """Opens connections for probes. One for the whole process: it keeps TLS contexts (30 ms each) and the lookups in flight.

    *allow* widens where ``Trust.FOUND`` may go; *programs* are the directories whose programs plugins may run. Where *named* is given,
    these hosts and ports alone count as the operator's: whatever else a probe is told to reach was typed by somebody else.
    """

    def __init__(
        self,
        *,
        allow: Sequence[Network] = (),
        lookups: Lookups | None = None,
        programs: Sequence[Path] = (),
        named: Collection[tuple[str, int]] | None = None,
    ) -> None:
        self._allow = tuple(allow)
        self._named = named
        self._programs = tuple(programs)
        self._contexts = Contexts()
        self._lookups = lookups or Lookups()
        self._deadlines: Deadlines | None = None

    def deadlines(self) -> Deadlines:
        """The deadlines of the running loop."""
        loop = asyncio.get_running_loop()
        if self._deadlines is None or self._deadlines.loop is not loop:
            self._deadlines = Deadlines(loop)
        return self._deadlines

    async def connect(
        self,
        host: str,
        port: int,
        *,
        attempt: Attempt,
        trust: Trust = Trust.FOUND,
        tls: Tls | None = None,
        ip: IpVersion = "any",
        most: int = TOTAL,
    ) -> Stream:
        """Connect to *host* by the internet protocol's version *ip*, encrypted where *tls* says how.

        *most* is the number of bytes that may be read from it in all.

        Records the phases ``dns`` (for names), ``connect`` and ``tls``. Errors: ProbeFailed with BLOCKED where an address is no
        place to go, with IMPAIRED where this machine has no route; otherwise the operating system's own.
        """
        addresses = await self._judged(host, self._trust(trust, host, port), attempt, ip)
        with attempt.phase("connect"):
            stream, address = await _reach(addresses, port, most, attempt)
        attempt.fact("ip_version", address.version)
        if tls is not None:
            await self.secure(stream, host, tls=tls, attempt=attempt)
        return stream

    async def datagram(
        self, host: str, port: int, *, attempt: Attempt, trust: Trust = Trust.FOUND, ip: IpVersion = "any", most: int = MOST
    ) -> Datagrams:
        """Open a socket that exchanges datagrams with *host* at *port* and nobody else; at most *most* are taken from it.

        Of several addresses it is the first to which this machine has a route; nothing is sent yet, so nobody has answered. Phases
        and errors as for ``connect``.
        """
        addresses = await self._judged(host, self._trust(trust, host, port), attempt, ip)
        with attempt.phase("connect"):
            opened, address = _first_routed(addresses, lambda address: _udp(address, port, most))
        attempt.fact("ip_version", address.version)
        return opened

    async def echo(self, host: str, *, attempt: Attempt, trust: Trust = Trust.FOUND, ip: IpVersion = "any", most: int = MOST) -> Datagrams:
        """Open a socket that exchanges ICMP messages, or ICMPv6 ones, with *host* and nobody else.

        It is the kind that Linux gives to the groups of ``net.ipv4.ping_group_range``, where the kernel writes the identifier and
        hands over our replies alone; else a raw one, which hears every message from there. Errors as for ``datagram``, and
        ProbeFailed with IMPAIRED where this process may open neither.
        """
        addresses = await self._judged(host, self._trust(trust, host, 0), attempt, ip)
        with attempt.phase("connect"):
            opened, address = _first_routed(addresses, lambda address: _icmp(address, most))
        attempt.fact("ip_version", address.version)
        return opened

    def admit(self, program: str) -> Path:
        """Let a plugin run *program*, an absolute path, and return where it leads: that alone was judged, and may be run.

        Errors: ProbeFailed with BLOCKED, or IMPAIRED where there is no such file.
        """
        try:
            real = Path(program).resolve(strict=True)
            why = programs.objection(real, self._programs)
        except OSError as error:
            raise ProbeFailed(Failure.IMPAIRED, f"{program}: {error.strerror}") from error
        except RuntimeError as error:  # what Python says of links in a circle before 3.13
            raise ProbeFailed(Failure.IMPAIRED, f"{program}: links in a circle") from error
        if why is not None:
            raise ProbeFailed(Failure.BLOCKED, why)
        return real

    async def secure(self, stream: Stream, host: str, *, tls: Tls, attempt: Attempt) -> None:
        """Encrypt an open connection, as STARTTLS does. Closes it where the handshake fails."""
        loop = asyncio.get_running_loop()
        name = host if literal(host) is not None else host.rstrip(".")
        try:
            with attempt.phase("tls"):
                plaintext = stream.transport
                encrypted = await loop.start_tls(plaintext, stream, self.context(tls), server_hostname=name, ssl_shutdown_timeout=_PARTING)
        except BaseException:
            stream.abort()
            raise
        if encrypted is None:
            raise ProbeFailed(Failure.CLOSED, "the connection ended during the handshake")
        stream.connection_made(encrypted)
        _note_certificate(encrypted, attempt)

    def context(self, tls: Tls) -> ssl.SSLContext:
        """Return what encrypts as *tls* says. Errors: ProbeFailed with IMPAIRED where a file that it names cannot be used."""
        return self._contexts.context(tls)

    def _trust(self, claimed: Trust, host: str, port: int) -> Trust:
        """Who named a target, as far as this door believes its kind."""
        return claimed if self._named is None or (host, port) in self._named else Trust.FOUND

    async def _judged(self, host: str, trust: Trust, attempt: Attempt, ip: IpVersion = "any") -> tuple[Address, ...]:
        """Return where *host* may be reached, at most eight addresses of version *ip*; judged by all that it has."""
        address = literal(host)
        addresses = (address,) if address is not None else await self._looked_up(host, attempt)
        for address in addresses:
            if (why := objection(address, trust, self._allow)) is not None:
                raise ProbeFailed(Failure.BLOCKED, why, stage=attempt.prefix + "connect")
        wanted = addresses if ip == "any" else tuple(address for address in addresses if address.version == ip)
        if not wanted:
            raise ProbeFailed(Failure.DNS, f"{host} has no IPv{ip} address", stage=attempt.prefix + "dns")
        return wanted[:_MOST_ADDRESSES]

    async def _looked_up(self, name: str, attempt: Attempt) -> tuple[Address, ...]:
        with attempt.phase("dns"):
            return await self._lookups.addresses(name, attempt)


async def _reach(addresses: Sequence[Address], port: int, most: int, attempt: Attempt) -> tuple[Stream, Address]:
    """Connect to the first address that answers, starting the next one where one fails or dawdles."""
    if len(addresses) == 1:
        return await _dial(addresses[0], port, most, attempt), addresses[0]
    waiting = list(addresses)
    dialling: dict[asyncio.Task[Stream], Address] = {}
    errors: list[BaseException] = []
    try:
        while waiting or dialling:
            if waiting:
                address = waiting.pop(0)
                dialling[asyncio.create_task(_dial(address, port, most, attempt))] = address
            done, _ = await asyncio.wait(dialling, timeout=_STAGGER if waiting else None, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                address = dialling.pop(task)
                error = task.exception()
                if error is None:
                    _note_silent(dialling, address, attempt)
                    return task.result(), address
                errors.append(error)
                attempt.warn("address_failed", f"{address} does not answer: {error}")
        raise _most_telling(errors)
    finally:
        _hang_up(dialling)


def _note_silent(dialling: dict[asyncio.Task[Stream], Address], answered: Address, attempt: Attempt) -> None:
    """Name the addresses that had their head start and were overtaken: half a service is down, and another half hides it."""
    for task, address in dialling.items():
        if not task.done():
            attempt.warn("address_failed", f"{address} does not answer: nothing came before {answered} did")


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


async def _dial(address: Address, port: int, most: int, attempt: Attempt) -> Stream:
    loop = asyncio.get_running_loop()
    try:
        _, stream = await loop.create_connection(lambda: Stream(most, attempt.deadlines), str(address), port)
    except OSError as error:
        if error.errno in _NO_WAY and not _has_route(address):
            raise ProbeFailed(Failure.IMPAIRED, f"this machine has no route to {address}") from error
        raise
    return stream


def _first_routed(addresses: Sequence[Address], opening: Callable[[Address], Datagrams]) -> tuple[Datagrams, Address]:
    """Open a datagram socket to the first address that the kernel knows a way to."""
    errors: list[OSError] = []
    for address in addresses:
        try:
            return opening(address), address
        except OSError as error:
            errors.append(error)
    if errors[0].errno in _NO_WAY:
        raise ProbeFailed(Failure.IMPAIRED, f"this machine has no route to {addresses[0]}") from errors[0]
    raise errors[0]


def _udp(address: Address, port: int, most: int) -> Datagrams:
    return Datagrams(_tied(socket.socket(_family(address), socket.SOCK_DGRAM), address, port), most)


def _icmp(address: Address, most: int) -> Datagrams:
    created = _icmp_socket(address)
    has_header = created.type is socket.SOCK_RAW and address.version == 4
    return Datagrams(_tied(created, address, 0), most, _without_header if has_header else None)


def _icmp_socket(address: Address) -> socket.socket:
    protocol = socket.IPPROTO_ICMP if address.version == 4 else socket.IPPROTO_ICMPV6
    with suppress(PermissionError):
        return socket.socket(_family(address), socket.SOCK_DGRAM, protocol)
    try:
        return socket.socket(_family(address), socket.SOCK_RAW, protocol)
    except PermissionError as error:
        raise ProbeFailed(Failure.IMPAIRED, _NO_ICMP) from error


def _without_header(packet: bytes) -> bytes:
    """Cut the IPv4 header off (RFC 791 section 3.1); a raw socket of IPv6 hands over none."""
    return packet[4 * (packet[0] & 15) :] if packet else b""


def _tied(opened: socket.socket, address: Address, port: int) -> socket.socket:
    """Tie a datagram socket to one peer, and have it hear also the errors that are not final, such as an unreachable host."""
    try:
        opened.settimeout(0)
        if sys.platform == "linux":
            opened.setsockopt(*(_ERRORS_4 if address.version == 4 else _ERRORS_6), 1)
        opened.connect((str(address), port))
    except BaseException:
        opened.close()
        raise
    return opened


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET if address.version == 4 else socket.AF_INET6


def _has_route(address: Address) -> bool:
    """Ask the kernel alone: connecting a datagram socket sends nothing, and fails only where no local route exists.

    It tells a router that answers "unreachable", which is the target's trouble, from a cable that is out, which is ours.
    """
    try:
        with socket.socket(_family(address), socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
    except OSError:
        return False
    return True


def _note_certificate(encrypted: asyncio.Transport, attempt: Attempt) -> None:
    certificate = encrypted.get_extra_info("peercert")
    if certificate and "notAfter" in certificate:
        attempt.fact("tls_expires_at", ssl.cert_time_to_seconds(certificate["notAfter"]))
