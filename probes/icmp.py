"""A host that answers pings (RFC 792, 4443)."""

import asyncio
import errno
import secrets
import struct
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from probes.attempt import Attempt, ProbeFailed
from probes.datagrams import TURNED_AWAY, Datagrams
from probes.egress import Door, Trust
from probes.kind import ProbeKind
from probes.result import Failure
from probes.settings import CLOSED, Host, IpVersion, PositiveDuration, host

_HEADER = struct.Struct("!BBHHH")
_MARK = 16
_MOST = 20_000
"""Datagrams taken in one probe: a raw socket also hears the answers to everybody else's pings of the same host."""
_PATIENCE = 0.9
"""The part of the time allowed after which a ping that is not back is lost, so that there is time for a verdict."""
_TURNED_AWAY = TURNED_AWAY | {errno.ECONNREFUSED}
"""What a router or a firewall says of one ping."""


class Settings(BaseModel):
    """Who is pinged, how often within one probe, how far apart, with how many bytes, and how much may be lost (percent)."""

    model_config = CLOSED

    host: Host
    ip: IpVersion = "any"
    count: Annotated[int, Field(ge=1, le=20, strict=True)] = 3
    spacing: PositiveDuration = timedelta(milliseconds=200)
    size: Annotated[int, Field(ge=_MARK, le=8000, strict=True)] = 56
    loss_above: Annotated[float, Field(ge=0, lt=100)] | None = None


@dataclass(slots=True)
class Pings:
    """The pings of one probe: when each was sent, and after how many seconds it was back. *payload* begins with a random mark."""

    datagrams: Datagrams
    attempt: Attempt
    payload: bytes
    is_new: bool
    sent: list[float] = field(default_factory=list)
    back: dict[int, float] = field(default_factory=dict)
    duplicates: int = 0
    turned_away: int = 0
    error: OSError | None = None

    def send(self) -> None:
        """Send the next one. Where the error that an earlier ping met comes out here, it went nowhere and is sent again."""
        packet = echo(len(self.sent), self.payload, is_new=self.is_new)
        self.sent.append(self.attempt.elapsed())
        for _ in range(2):
            try:
                self.datagrams.send(packet)
            except OSError as error:
                self._note(error)
            else:
                return

    async def hear(self, count: int) -> None:
        """Listen until *count* pings are back or turned away."""
        while len(self.back) + self.turned_away < count:
            try:
                number = echoed(await self.datagrams.receive(), self.payload, is_new=self.is_new)
            except OSError as error:
                self._note(error)
                continue
            if number in self.back:
                self.duplicates += 1
            elif number is not None and number < len(self.sent):
                self.back[number] = self.attempt.elapsed() - self.sent[number]

    def _note(self, error: OSError) -> None:
        """Keep what a router said of one ping: others may get through."""
        if error.errno not in _TURNED_AWAY:
            raise error
        self.error = error
        self.turned_away += 1


def echo(number: int, payload: bytes, *, is_new: bool) -> bytes:
    """Write an echo request, of ICMPv6 where *is_new*; there the kernel writes the checksum."""
    kind = 128 if is_new else 8
    checksum = 0 if is_new else _checksum(_HEADER.pack(kind, 0, 0, 0, number) + payload)
    return _HEADER.pack(kind, 0, checksum, 0, number) + payload


def echoed(packet: bytes, payload: bytes, *, is_new: bool) -> int | None:
    """Return which ping an echo reply answers, or None where it answers none of ours: the payload tells."""
    if len(packet) < _HEADER.size or packet[_HEADER.size :] != payload:
        return None
    kind, code, _, _, number = _HEADER.unpack_from(packet)
    return number if (kind, code) == (129 if is_new else 0, 0) else None


def _checksum(octets: bytes) -> int:
    """Sum up as RFC 1071 says."""
    if len(octets) % 2:
        octets += b"\0"
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Ping, wait for what comes back, and compare the loss."""
    opening = door.echo(settings.host, trust=Trust.NAMED, ip=settings.ip, attempt=attempt, most=_MOST)
    with await opening as datagrams, attempt.phase("echo"):
        payload = secrets.token_bytes(_MARK).ljust(settings.size, b"\0")
        pings = Pings(datagrams, attempt, payload, is_new=attempt.facts[f"{attempt.prefix}ip_version"] == 6)
        attempt.sent(f"{settings.count} pings of {settings.size} bytes")
        await _ping(pings, settings, attempt)
        attempt.received(f"{len(pings.back)} came back".encode())
        _note(pings, settings, attempt)
        _judge(pings, settings)


async def _ping(pings: Pings, settings: Settings, attempt: Attempt) -> None:
    """Send one after the other while listening; the last has until just before the time is up."""
    ends = attempt.allowed * _PATIENCE
    apart = min(settings.spacing.total_seconds(), (ends - attempt.elapsed()) / 2 / settings.count)
    listening = asyncio.ensure_future(pings.hear(settings.count))
    try:
        for _ in range(settings.count):
            pings.send()
            is_last = len(pings.sent) == settings.count
            await asyncio.wait({listening}, timeout=ends - attempt.elapsed() if is_last else apart)
            if listening.done():
                listening.result()
    finally:
        listening.cancel()
        await asyncio.wait({listening})


def _note(pings: Pings, settings: Settings, attempt: Attempt) -> None:
    attempt.fact("sent", settings.count)
    attempt.fact("received", len(pings.back))
    attempt.fact("loss_ratio", 1 - len(pings.back) / settings.count)
    if pings.back:
        times = pings.back.values()
        attempt.fact("rtt_min_seconds", min(times))
        attempt.fact("rtt_mean_seconds", sum(times) / len(times))
        attempt.fact("rtt_max_seconds", max(times))
    if pings.duplicates:
        attempt.warn("duplicates", f"{pings.duplicates} pings came back more than once")


def _judge(pings: Pings, settings: Settings) -> None:
    back, count = len(pings.back), settings.count
    if not back and pings.error is not None:
        raise pings.error
    allowed = settings.loss_above
    if not back or (allowed is not None and (count - back) * 100 > allowed * count):
        raise ProbeFailed(Failure.TIMEOUT, f"{back} of {count} pings came back", stage="echo")


def target(settings: Settings) -> str:
    """The host."""
    return settings.host


def ad_hoc(typed: str) -> Settings:
    """``host``."""
    return Settings(host=host(typed))


KIND = ProbeKind(name="icmp", summary="A host answers pings", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc)
