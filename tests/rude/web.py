"""Web servers on a script, and a probe of theirs."""

from datetime import UTC, datetime

from probes import http
from probes.attempt import Listener
from probes.egress import Door
from probes.result import ProbeResult
from probes.run import run
from tests.rude.peer import Peer, Rude, Script


def saying(octets: bytes) -> Script:
    """Hear a request's head, answer *octets*, hang up."""

    async def script(peer: Peer) -> None:
        await peer.hear_head()
        await peer.say(octets)

    return script


def page(body: bytes = b"<h1>Sign in</h1>", status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def to(location: str, status: int = 302) -> bytes:
    return page(b"", f"{status} Found", f"Location: {location}")


async def ask(
    server: Rude, *, door: Door | None = None, timeout: float = 2, listener: Listener | None = None, **settings: object
) -> ProbeResult:
    given = http.Settings.model_validate({"url": server.url(), **settings})
    return await run(http.KIND, given, door=door or Door(), timeout=timeout, listener=listener, started=datetime.now(UTC))
