"""A port that accepts connections, and may greet."""

from pydantic import BaseModel

from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door, Tls, Trust
from probes.kind import ProbeKind
from probes.result import Failure
from probes.settings import CLOSED, CaFile, Host, Line, Port, authority, host_and_port
from probes.text import excerpt


class Settings(BaseModel):
    """Where to connect. *expect* is a text that the first line of the peer must contain."""

    model_config = CLOSED

    host: Host
    port: Port
    tls: bool = False
    verify: bool = True
    ca: CaFile | None = None
    expect: Line | None = None


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Connect, make the handshake where asked, read a line where one is expected."""
    tls = Tls(settings.verify, settings.ca) if settings.tls else None
    with await door.connect(settings.host, settings.port, trust=Trust.NAMED, tls=tls, attempt=attempt) as stream:
        if settings.expect is None:
            return
        with attempt.phase("first_line"):
            line = await stream.line()
        attempt.received(line)
    if settings.expect.encode() not in line:
        raise ProbeFailed(Failure.CONTENT, f"the first line is {excerpt(line)}", stage="first_line")


def target(settings: Settings) -> str:
    """``host:port``."""
    return authority(settings.host, settings.port)


def ad_hoc(typed: str) -> Settings:
    """``host:port``."""
    name, port = host_and_port(typed)
    return Settings(host=name, port=port)


KIND = ProbeKind(name="tcp", summary="A port accepts connections", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc)
