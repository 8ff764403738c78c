"""A time server whose time agrees with ours (RFC 5905, 4330)."""

import secrets
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from probes.attempt import Attempt, ProbeFailed
from probes.datagrams import exchange
from probes.egress import Door, Trust
from probes.kind import ProbeKind
from probes.result import Failure
from probes.settings import CLOSED, Host, IpVersion, Port, PositiveDuration, authority, host_and_port

_PACKET = struct.Struct("!BBbbII4s4Q")
"""Flags, stratum, poll, precision, root delay, root dispersion, reference; then reference, origin, receive and transmit time."""
_ASKING = 0x23
"""Version 4, client."""
_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)
_ERA = 1 << 32
_KISSES = {b"DENY": Failure.REJECTED, b"RSTR": Failure.REJECTED, b"RATE": Failure.DEFERRED}
_UNSYNCHRONISED = 3
_MOST_STRATA = 16


class Settings(BaseModel):
    """Who is asked, and how far from our clock its time may be."""

    model_config = CLOSED

    host: Host
    port: Port = 123
    ip: IpVersion = "any"
    offset_within: PositiveDuration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a server said, and when we asked and heard it by our clock. *offset* and *delay* are in seconds (RFC 5905 section 8)."""

    leap: int
    stratum: int
    reference: bytes
    root_delay: float
    root_dispersion: float
    offset: float
    delay: float


def reading(packet: bytes, sent: dict[int, datetime], heard: datetime) -> Reading | None:
    """Read an answer to one of the questions in *sent*, by their marks; None where it is none."""
    if len(packet) < _PACKET.size:
        return None
    flags, stratum, _, _, root_delay, dispersion, reference, _, origin, received, transmitted = _PACKET.unpack_from(packet)
    asked = sent.get(origin)
    if asked is None or flags & 7 != 4:
        return None
    there = [_instant(stamp, heard) for stamp in (received, transmitted)]
    return Reading(
        leap=flags >> 6,
        stratum=stratum,
        reference=reference,
        root_delay=root_delay / 65536,
        root_dispersion=dispersion / 65536,
        offset=((there[0] - asked) + (there[1] - heard)).total_seconds() / 2,
        delay=max(0.0, ((heard - asked) - (there[1] - there[0])).total_seconds()),
    )


def _instant(stamp: int, near: datetime) -> datetime:
    """Turn a timestamp into an instant, in the era that brings it nearest to *near* (RFC 5905 section 6): one ends in 2036."""
    seconds, fraction = divmod(stamp, _ERA)
    ours = (near - _EPOCH) // timedelta(seconds=1)
    seconds += round((ours - seconds) / _ERA) * _ERA
    return _EPOCH + timedelta(seconds=seconds, microseconds=fraction * 1_000_000 // _ERA)


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Ask what time it is, with a random mark in place of our own time: it tells our answer from others and gives nothing away."""
    sent: dict[int, datetime] = {}

    def asking() -> bytes:
        mark = secrets.randbits(64)
        sent[mark] = attempt.now()
        return _PACKET.pack(_ASKING, 0, 0, 0, 0, 0, b"", 0, 0, 0, mark)

    opening = door.datagram(settings.host, settings.port, trust=Trust.NAMED, ip=settings.ip, attempt=attempt)
    with await opening as datagrams, attempt.phase("answer"):
        attempt.sent("what time is it?")
        read = await exchange(datagrams, asking, lambda packet: reading(packet, sent, attempt.now()), attempt)
    attempt.received(f"stratum {read.stratum}, leap {read.leap}, offset {read.offset:+.6f} s, delay {read.delay:.6f} s".encode())
    _judge_state(read)
    _note(read, attempt)
    _judge_offset(read, settings)


def _judge_state(read: Reading) -> None:
    """Refuse a kiss of death and a clock that is set by nothing (RFC 5905 section 7.4)."""
    if read.stratum == 0 and read.reference in _KISSES:
        raise ProbeFailed(_KISSES[read.reference], f"the server turns us away: {read.reference.decode()}", stage="status")
    if read.leap == _UNSYNCHRONISED or not 0 < read.stratum < _MOST_STRATA:
        raise ProbeFailed(
            Failure.STATUS, f"the server's clock is not synchronised: leap {read.leap}, stratum {read.stratum}", stage="status"
        )


def _note(read: Reading, attempt: Attempt) -> None:
    attempt.fact("offset_seconds", read.offset)
    attempt.fact("delay_seconds", read.delay)
    attempt.fact("stratum", read.stratum)
    attempt.fact("root_delay_seconds", read.root_delay)
    attempt.fact("root_dispersion_seconds", read.root_dispersion)
    if read.leap:
        attempt.warn("leap_second", f"the server announces a leap second that is {'inserted' if read.leap == 1 else 'left out'}")


def _judge_offset(read: Reading, settings: Settings) -> None:
    """Compare the clocks. A server is given the benefit of half the way there and back: so far the figure may be wrong."""
    if settings.offset_within is None:
        return
    allowed = settings.offset_within.total_seconds()
    if abs(read.offset) - read.delay / 2 > allowed:
        raise ProbeFailed(Failure.CONTENT, f"its clock is {read.offset:+.3f} s from ours, allowed are {allowed:g} s", stage="content")


def target(settings: Settings) -> str:
    """``host:port``."""
    return authority(settings.host, settings.port)


def ad_hoc(typed: str) -> Settings:
    """``host`` or ``host:port``."""
    name, port = host_and_port(typed, 123)
    return Settings(host=name, port=port)


KIND = ProbeKind(name="ntp", summary="A time server tells our time", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc)
