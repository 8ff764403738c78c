"""A WebSocket that opens, answers and closes (RFC 6455)."""

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from probes import http
from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.kind import ProbeKind
from probes.lines import Stream
from probes.result import Failure
from probes.settings import CLOSED, CaFile, CertificateFile, Duration, IpVersion, KeyFile, Login, PositiveDuration, Secret
from probes.text import plain
from probes.wire.expectations import Text
from probes.wire.frames import Closed, Frames
from probes.wire.http1 import Request, Response, place, switch

_MOST = 256 * 1024
_MOST_MESSAGES = 100
_PATIENCE = 0.5
"""Seconds that a server has to answer our parting word; everything that mattered is known by then."""
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What a server adds to our key to show that it knows the protocol (section 1.3)."""
_SHARED = ("headers", "login", "bearer", "allow_plaintext", "ip", "verify", "ca", "certificate", "key", "expires_within")
"""Settings that mean what they mean for http."""
_SCHEMES = {"ws": "http", "wss": "https"}
_SUBPROTOCOL = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$"


def _as_http(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    if not mark or scheme not in _SCHEMES:
        raise ValueError("not a ws:// or wss:// URL")
    return f"{_SCHEMES[scheme]}://{rest}"


def _url(text: str) -> str:
    place(_as_http(text))
    return text


def _header_name(name: str) -> str:
    if name.lower().startswith("sec-websocket-"):
        raise ValueError("this header is the probe's own to set")
    return name


Header = Annotated[http.HeaderName, AfterValidator(_header_name)]


class Settings(BaseModel):
    """Which socket to open, what to say there, and what to hear. *allow_plaintext* as for http."""

    model_config = CLOSED

    url: Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_url)]
    headers: Annotated[Mapping[Header, http.HeaderValue], AfterValidator(http.guarded)] = Field(default_factory=dict)
    login: Login | None = None
    bearer: http.BearerToken | None = None
    allow_plaintext: bool = False
    subprotocol: Annotated[str, Field(pattern=_SUBPROTOCOL)] | None = None
    ip: IpVersion = "any"
    verify: bool = True
    ca: CaFile | None = None
    certificate: CertificateFile | None = None
    key: KeyFile | None = None
    expires_within: Duration = timedelta(days=14)
    send: http.Body | None = None
    expect: Text | None = None
    slower_than: PositiveDuration | None = None

    @cached_property
    def opening(self) -> http.Settings:
        """What is asked over HTTP before the protocol changes."""
        shared = {name: getattr(self, name) for name in _SHARED}
        guarded = self.send if isinstance(self.send, Secret) else None  # told, so that it is kept from the network like the others
        return http.Settings(url=_as_http(self.url), method="POST" if guarded else "GET", body=guarded, **shared)

    @model_validator(mode="after")
    def _can_open(self) -> Self:
        try:
            _ = self.opening
        except ValidationError as error:
            raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
        return self


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Open, say and hear what is to be said and heard, and close."""
    opening = settings.opening
    with await http.reach(opening, opening.named, door, attempt, most=_MOST) as stream:
        await _open(settings, stream, attempt)
        frames = Frames(stream, attempt)
        if settings.send is not None or settings.expect is not None:
            with attempt.phase("message"):
                await _talk(settings, frames)
        took = attempt.elapsed()
        await _close(frames, attempt)
    http.judge_certificate(settings.expires_within, attempt)
    if settings.slower_than is not None and took > settings.slower_than / timedelta(seconds=1):
        raise ProbeFailed(Failure.SLOW, f"all went well, after {took:.3f} s", stage="message" if settings.expect else "handshake")


async def _open(settings: Settings, stream: Stream, attempt: Attempt) -> None:
    """Ask for the protocol, and see that the answer is to our question (section 4.1)."""
    key = base64.b64encode(secrets.token_bytes(16))
    headers = {**http.carried(settings.opening), "connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    headers["sec-websocket-key"] = key.decode()
    if settings.subprotocol is not None:
        headers["sec-websocket-protocol"] = settings.subprotocol
    response = await switch(stream, Request(method="GET", place=settings.opening.named, headers=headers), attempt)
    attempt.fact("status", response.status)
    if response.status == 401 and (settings.login or settings.bearer) is not None:
        raise ProbeFailed(Failure.AUTH_REJECTED, "the server answers 401 to what shows who we are", stage="handshake")
    if response.status != 101:
        raise ProbeFailed(Failure.STATUS, f"status {response.status}, expected 101", stage="handshake")
    if (why := _objection(settings, response, key)) is not None:
        raise ProbeFailed(Failure.PROTOCOL, why, stage="handshake")


def _objection(settings: Settings, response: Response, key: bytes) -> str | None:
    accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest()).decode()
    connection = {token.strip().lower() for name, value in response.headers if name == "connection" for token in value.split(",")}
    if (response.header("upgrade") or "").lower() != "websocket" or "upgrade" not in connection:
        return "the server changes to another protocol than WebSocket"
    if response.header("sec-websocket-accept") != accept:
        return "the answer is not to our question: Sec-WebSocket-Accept is wrong"
    if response.header("sec-websocket-extensions"):
        return "the server uses an extension that nobody offered"
    if (chosen := response.header("sec-websocket-protocol")) != settings.subprotocol:
        return f"the server chose the subprotocol {chosen!r}, not {settings.subprotocol!r}"
    return None


async def _talk(settings: Settings, frames: Frames) -> None:
    """Say what is to be said, and hear messages until one contains what is expected."""
    if settings.send is not None:
        frames.say(http.revealed(settings.send))
    if settings.expect is None:
        return
    last = ""
    for _ in range(_MOST_MESSAGES):
        match message := await frames.message():
            case Closed():
                said = f"the server closes with {message.code} {plain(message.reason, 60)!r}"
                raise ProbeFailed(Failure.CONTENT, f"{said} before it said what is expected", stage="message")
            case str() if settings.expect in message:
                return
            case _:
                last = repr(plain(message, 60)) if isinstance(message, str) else f"{len(message)} bytes of binary"
    raise ProbeFailed(Failure.CONTENT, f"not in the first {_MOST_MESSAGES} messages; the last is {last}", stage="message")


async def _close(frames: Frames, attempt: Attempt) -> None:
    """Say goodbye, and do not let a server that forgets its manners turn a good result into a bad one."""
    with suppress(ProbeFailed, OSError), attempt.phase("close"):
        try:
            async with asyncio.timeout(_PATIENCE):
                frames.leave()
                while not isinstance(await frames.message(), Closed):
                    pass
        except TimeoutError:
            attempt.warn("goodbye_unanswered", "the server did not answer our goodbye")
    attempt.stage = None


def target(settings: Settings) -> str:
    """The URL without its query, which may hold a token."""
    return settings.url.partition("?")[0]


def ad_hoc(typed: str) -> Settings:
    """A URL."""
    return Settings(url=_url(typed))


KIND = ProbeKind(
    name="websocket", summary="A WebSocket opens and answers", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc
)
