"""A gRPC server that says it is healthy (the protocol grpc.health.v1, over our own connection)."""

import struct
from importlib.util import find_spec
from typing import Annotated, Self
from urllib.parse import unquote

from pydantic import BaseModel, Field, model_validator

from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door, Tls, Trust
from probes.kind import ProbeKind
from probes.lines import Stream
from probes.result import Failure
from probes.settings import CLOSED, CaFile, Host, Line, Port, authority, host_and_port
from probes.text import excerpt

_STATUSES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_CODES = {
    "4": Failure.TIMEOUT, "7": Failure.AUTH_REJECTED, "8": Failure.DEFERRED, "14": Failure.DEFERRED, "16": Failure.AUTH_REJECTED,
}  # fmt: skip
"""Status codes of gRPC that mean something of their own; any other is a refusal for good."""


class Settings(BaseModel):
    """A server, and which of its *service* is asked for; none is the server as a whole."""

    model_config = CLOSED

    host: Host
    port: Port
    tls: bool = False
    verify: bool = True
    ca: CaFile | None = None
    service: Annotated[Line, Field(max_length=200)] | None = None

    @model_validator(mode="after")
    def _can_speak(self) -> Self:
        if find_spec("h2") is None:
            raise ValueError("this kind of probe needs an extra: pip install 'statuspage-service[grpc]'")
        return self


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Ask Health/Check, and read the status."""
    tls = Tls(verify=settings.verify, ca=settings.ca, speaks=("h2",)) if settings.tls else None
    with await door.connect(settings.host, settings.port, trust=Trust.NAMED, tls=tls, attempt=attempt) as stream, attempt.phase("health"):
        if tls is not None:
            _agree(stream)
        status = await _asked(settings, stream, attempt)
        if status != 1:
            raise ProbeFailed(Failure.STATUS, _STATUSES.get(status, str(status)))


def _agree(stream: Stream) -> None:
    if stream.transport.get_extra_info("ssl_object").selected_alpn_protocol() != "h2":
        raise ProbeFailed(Failure.PROTOCOL, "the server did not agree to speak HTTP/2 (ALPN)")


async def _asked(settings: Settings, stream: Stream, attempt: Attempt) -> int:
    from probes.wire.http2 import exchange  # noqa: PLC0415 - an extra, which the settings have looked for

    name = (settings.service or "").encode()
    message = bytes([0x0A]) + _varint(len(name)) + name if name else b""
    left = max(1, round((attempt.allowed - attempt.elapsed()) * 1000))
    headers = (
        (":method", "POST"), (":scheme", "https" if settings.tls else "http"),
        (":authority", authority(settings.host, settings.port)), (":path", "/grpc.health.v1.Health/Check"),
        ("content-type", "application/grpc"), ("te", "trailers"), ("user-agent", "statuspage"), ("grpc-timeout", f"{left}m"),
    )  # fmt: skip
    attempt.sent(f"grpc.health.v1.Health/Check {settings.service or ''}".rstrip())
    answer = await exchange(stream, headers, struct.pack("!BI", 0, len(message)) + message)
    _judge(answer.headers, attempt)
    status = _status(bytes(answer.body))
    attempt.received(_STATUSES.get(status, str(status)).encode())
    return status


def _judge(headers: dict[str, str], attempt: Attempt) -> None:
    """Read what stands around the message. Errors: ProbeFailed."""
    if headers.get(":status") != "200":
        raise ProbeFailed(Failure.STATUS, f"HTTP status {excerpt(headers.get(':status', '').encode())}")
    if not headers.get("content-type", "").startswith("application/grpc"):
        raise ProbeFailed(Failure.PROTOCOL, f"not gRPC: {excerpt(headers.get('content-type', '').encode())}")
    code = headers.get("grpc-status")
    if code is None:
        raise ProbeFailed(Failure.PROTOCOL, "an answer without grpc-status")
    if code != "0":
        said = f"{code}: {unquote(headers.get('grpc-message', ''))}"
        attempt.received(said[:1000].encode())
        raise ProbeFailed(_CODES.get(code, Failure.REJECTED), said)


def _status(body: bytes) -> int:
    """Read the one field of a HealthCheckResponse; left out it is 0."""
    if len(body) < 5 or body[0] != 0 or len(body) != 5 + struct.unpack("!I", body[1:5])[0]:
        raise ProbeFailed(Failure.PROTOCOL, f"not one message, uncompressed: {excerpt(body)}")
    match body[5:]:
        case b"":
            return 0
        case message if len(message) == 2 and message[0] == 0x08 and message[1] < 0x80:
            return message[1]
        case message:
            raise ProbeFailed(Failure.PROTOCOL, f"not a HealthCheckResponse: {excerpt(message)}")


def _varint(number: int) -> bytes:
    """Spell a length as Protocol Buffers do; names have at most 800 bytes."""
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80, number >> 7])


def target(settings: Settings) -> str:
    """``host:port``, and the service."""
    return authority(settings.host, settings.port) + (f" {settings.service}" if settings.service else "")


def ad_hoc(typed: str) -> Settings:
    """``host:port``."""
    name, port = host_and_port(typed)
    return Settings(host=name, port=port)


KIND = ProbeKind(name="grpc", summary="A gRPC server is healthy", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc)
