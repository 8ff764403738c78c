"""A port that accepts connections, and may greet and answer."""

from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door, Tls, Trust
from probes.kind import ProbeKind
from probes.lines import Stream
from probes.result import Failure
from probes.settings import CLOSED, CaFile, Host, IpVersion, Line, Port, authority, host_and_port
from probes.text import excerpt

_MOST_LINES = 100


class Step(BaseModel):
    """One step of a dialogue: a line to *send*, ended by CRLF, or a text to *expect* in one of the lines that follow."""

    model_config = CLOSED

    send: Line | None = None
    expect: Line | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.send is None) == (self.expect is None):
            raise ValueError("a step is either send or expect; write one after the other")
        return self


class Settings(BaseModel):
    """Where to connect. *expect* is a text that the first line of the peer must contain; *script* is the dialogue after it."""

    model_config = CLOSED

    host: Host
    port: Port
    ip: IpVersion = "any"
    tls: bool = False
    verify: bool = True
    ca: CaFile | None = None
    expect: Line | None = None
    script: Annotated[tuple[Step, ...], Field(max_length=50)] = ()


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Connect, make the handshake where asked, read a line where one is expected, hold the dialogue."""
    tls = Tls(settings.verify, settings.ca) if settings.tls else None
    with await door.connect(settings.host, settings.port, trust=Trust.NAMED, tls=tls, ip=settings.ip, attempt=attempt) as stream:
        if settings.expect is not None:
            await _first_line(settings.expect, stream, attempt)
        if settings.script:
            with attempt.phase("script"):
                for number, step in enumerate(settings.script, 1):
                    await _take(step, number, stream, attempt)


async def _first_line(expected: str, stream: Stream, attempt: Attempt) -> None:
    with attempt.phase("first_line"):
        line = await stream.line()
        attempt.received(line)
        if expected.encode() not in line:
            raise ProbeFailed(Failure.CONTENT, f"the first line is {excerpt(line)}")


async def _take(step: Step, number: int, stream: Stream, attempt: Attempt) -> None:
    if step.send is not None:
        attempt.sent(step.send)
        stream.write(step.send.encode() + b"\r\n")
    if step.expect is not None:
        await _hear(step.expect, number, stream, attempt)


async def _hear(expected: str, number: int, stream: Stream, attempt: Attempt) -> None:
    line = b""
    for _ in range(_MOST_LINES):
        line = await stream.line()
        attempt.received(line)
        if expected.encode() in line:
            return
    raise ProbeFailed(Failure.CONTENT, f"step {number}: not in {_MOST_LINES} lines, the last of which is {excerpt(line)}")


def target(settings: Settings) -> str:
    """``host:port``."""
    return authority(settings.host, settings.port)


def ad_hoc(typed: str) -> Settings:
    """``host:port``."""
    name, port = host_and_port(typed)
    return Settings(host=name, port=port)


KIND = ProbeKind(name="tcp", summary="A port accepts connections", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc)
