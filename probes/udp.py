"""A port that takes datagrams, and may answer them."""

import asyncio
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from probes.attempt import Attempt, ProbeFailed
from probes.datagrams import Datagrams
from probes.egress import Door, Trust
from probes.kind import ProbeKind
from probes.result import Failure
from probes.settings import CLOSED, Host, IpVersion, Port, authority, host_and_port
from probes.text import excerpt

_LISTENS = 1.0
"""Seconds in which a refusal must have come back where no answer is expected."""
_HALF = 0.5


def _hexadecimal(text: str) -> str:
    try:
        bytes.fromhex(text)
    except ValueError:
        raise ValueError("not hexadecimal: write two digits for each byte, such as 0d0a") from None
    return text


Text = Annotated[str, Field(max_length=1000)]
Expected = Annotated[str, Field(min_length=1, max_length=1000)]
Hexadecimal = Annotated[str, Field(min_length=2, max_length=2800), AfterValidator(_hexadecimal)]


class Settings(BaseModel):
    """What is sent where; without *send* and *send_hex* it is a datagram with nothing in it. *expect* is what an answer must hold."""

    model_config = CLOSED

    host: Host
    port: Port
    ip: IpVersion = "any"
    send: Text | None = None
    send_hex: Hexadecimal | None = None
    expect: Expected | None = None
    expect_hex: Hexadecimal | None = None

    @model_validator(mode="after")
    def _says_things_once(self) -> Self:
        if self.send is not None and self.send_hex is not None:
            raise ValueError("write send or send_hex, not both")
        if self.expect is not None and self.expect_hex is not None:
            raise ValueError("write expect or expect_hex, not both")
        return self


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Send, and hear what comes back: an answer, a refusal, or nothing."""
    payload = _octets(settings.send, settings.send_hex) or b""
    wanted = _octets(settings.expect, settings.expect_hex)
    opening = door.datagram(settings.host, settings.port, trust=Trust.NAMED, ip=settings.ip, attempt=attempt)
    with await opening as datagrams, attempt.phase("answer"):
        attempt.sent(excerpt(payload, 1000))
        datagrams.send(payload)
        answer = await datagrams.receive() if wanted is not None else await _heard_meanwhile(datagrams, attempt)
    if answer is None:
        return
    attempt.received(answer)
    attempt.fact("answer_bytes", len(answer))
    if wanted is not None and wanted not in answer:
        raise ProbeFailed(Failure.CONTENT, f"the answer is {excerpt(answer)}", stage="content")


async def _heard_meanwhile(datagrams: Datagrams, attempt: Attempt) -> bytes | None:
    """Listen for a second, or for half of the time left. Silence is as good as an answer here; a refusal is raised."""
    listening = asyncio.ensure_future(datagrams.receive())
    try:
        await asyncio.wait({listening}, timeout=min(_LISTENS, (attempt.allowed - attempt.elapsed()) * _HALF))
        return listening.result() if listening.done() else None
    finally:
        listening.cancel()
        await asyncio.wait({listening})


def _octets(text: str | None, hexadecimal: str | None) -> bytes | None:
    if hexadecimal is not None:
        return bytes.fromhex(hexadecimal)
    return None if text is None else text.encode()


def target(settings: Settings) -> str:
    """``host:port``."""
    return authority(settings.host, settings.port)


def ad_hoc(typed: str) -> Settings:
    """``host:port``."""
    name, port = host_and_port(typed)
    return Settings(host=name, port=port)


KIND = ProbeKind(name="udp", summary="A port takes datagrams", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc)
