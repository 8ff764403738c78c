"""One HTTP/1.1 exchange on one connection, read strictly and with caps (RFC 9112).

Our own and not a client library's, because a probe wants what those hide: the moment of the first byte, the exact way in which a
server broke the protocol, and a bound on everything that a hostile one may send.
"""

import asyncio
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from probes.attempt import Attempt, ProbeFailed
from probes.lines import LINE, TOTAL, Stream
from probes.result import Failure
from probes.settings import host, refuse_controls
from probes.text import excerpt

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [^\x00-\x08\x0a-\x1f\x7f]*)?")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?")
_OPENING = b"HTTP/1."
_TLS_RECORDS = frozenset({21, 22})
"""The first byte of a TLS alert and of a handshake (RFC 8446 section 5.1)."""
_DIGITS = re.compile(rb"[0-9]{1,18}")
_COOKIE = b"set-cookie:"
_MOST_HEADERS = 100
_MOST_INTERIM = 5
_SWITCHING = 101
_BREATH = 256
"""So many chunks are read in one go; then others have their turn, for tiny chunks take our time and hardly the peer's."""
_CHUNK_LINE = 1024
_SAFE = "/?:@!$&'()*+,;=%-._~[]"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Place:
    """A URL taken apart. *target* is what goes into the request line: path and query, ASCII."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """What goes into the Host header: the port only where it is not the scheme's own."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: where our headers may go."""
        return self.scheme, self.host.lower(), self.port


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked. *headers* come after our own and replace those of the same name."""

    method: str
    place: Place
    headers: Mapping[str, str]
    body: bytes | None = None

    def octets(self) -> bytes:
        """Return it as it goes over the wire."""
        lines = {
            "host": self.place.authority,
            "user-agent": "statuspage-probe",
            "accept": "*/*",
            "accept-encoding": "identity",
            "connection": "close",
        }
        if self.body is not None:
            lines["content-length"] = str(len(self.body))
        lines.update((name.lower(), value) for name, value in self.headers.items())
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{self.method} {self.place.target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + (self.body or b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came back. Header names are lower case; *body* ends at the cap where *is_truncated*.

    *is_foreign* says that another origin answers than the one that was named, to which nothing was shown that tells who we are.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    is_truncated: bool = False
    is_foreign: bool = False
    version: float = 1.1

    def header(self, name: str) -> str | None:
        """Return the first header of that lower-case name."""
        return next((value for each, value in self.headers if each == name), None)


def place(url: str) -> Place:
    """Take an http or https URL apart. Errors: ValueError with a sentence for people."""
    refuse_controls(url)
    if " " in url or "\\" in url:
        raise ValueError("blanks and backslashes are not allowed in a URL")
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("not an http:// or https:// URL")
    if "@" in parts.netloc:
        raise ValueError("a URL with a name or password in it is not accepted: use login")
    port = _PORTS[parts.scheme] if parts.port is None else parts.port
    if port == 0:
        raise ValueError("not a port")
    query = f"?{parts.query}" if parts.query else ""
    return Place(parts.scheme, host(parts.hostname), port, quote((parts.path or "/") + query, safe=_SAFE))


def led_on(current: Place, location: str) -> Place:
    """Return where a Location header leads from *current*. Errors: ValueError."""
    refuse_controls(location)
    return place(urljoin(f"{current.scheme}://{current.authority}{current.target}", location))


async def exchange(stream: Stream, request: Request, attempt: Attempt, most: int) -> Response:
    """Send *request* and read the whole answer, the body up to *most* bytes. Records the phases ``first_byte`` and ``transfer``.

    Errors: ProbeFailed with PROTOCOL, TOO_LARGE or CLOSED.
    """
    with attempt.phase("first_byte"):
        _send(stream, request, attempt)
        await _opening(stream)
    with attempt.phase("transfer"):
        version, status, headers = await _head(stream, attempt)
        if status == _SWITCHING:
            raise ProbeFailed(Failure.PROTOCOL, "the server changes to a protocol that nobody asked for")
        body, is_truncated = await _body(stream, request.method, status, headers, most)
    return Response(status=status, headers=headers, body=body, is_truncated=is_truncated, version=version)


async def switch(stream: Stream, request: Request, attempt: Attempt) -> Response:
    """Send *request*, which asks for another protocol, and read the answer's head: 101, or a refusal whose body stays unread.

    Records the phase ``handshake``. Errors: as ``exchange``.
    """
    with attempt.phase("handshake"):
        _send(stream, request, attempt)
        await _opening(stream)
        version, status, headers = await _head(stream, attempt)
    return Response(status=status, headers=headers, body=b"", version=version)


def _send(stream: Stream, request: Request, attempt: Attempt) -> None:
    octets = request.octets()
    if attempt.listener is not None:
        for said in octets.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n"):
            attempt.sent(said)
    stream.write(octets)


async def _opening(stream: Stream) -> None:
    """Wait for the first byte, and see whether it may be HTTP's: who speaks anything else may never end a line."""
    seen = await stream.peek()
    if not seen:
        raise ProbeFailed(Failure.CLOSED, "the peer ended the connection without an answer")
    if not seen.startswith(_OPENING[: len(seen)]):
        what = "not HTTP but TLS" if seen[0] in _TLS_RECORDS else "not HTTP"
        raise ProbeFailed(Failure.PROTOCOL, f"{what}: {excerpt(seen)}")


async def _head(stream: Stream, attempt: Attempt) -> tuple[float, int, tuple[tuple[str, str], ...]]:
    """Read up to the final answer's headers, letting a few interim ones (1xx) pass."""
    for _ in range(_MOST_INTERIM + 1):
        line = await stream.line()
        attempt.received(line)
        matched = _STATUS_LINE.fullmatch(line)
        if matched is None:
            raise ProbeFailed(Failure.PROTOCOL, f"not HTTP: {excerpt(line)}")
        status, headers = int(matched[2]), await _headers(stream, attempt)
        if status >= 200 or status == _SWITCHING:
            return 1.1 if matched[1] == b"1" else 1.0, status, headers
    raise ProbeFailed(Failure.PROTOCOL, f"more than {_MOST_INTERIM} interim answers")


async def _headers(stream: Stream, attempt: Attempt) -> tuple[tuple[str, str], ...]:
    headers: list[tuple[str, str]] = []
    size = 0
    while line := await stream.line(LINE):
        is_cookie = line[: len(_COOKIE)].lower() == _COOKIE  # a session that is handed to us is a secret
        attempt.received(_COOKIE + b" ***" if is_cookie else line)
        size += len(line)
        if len(headers) == _MOST_HEADERS or size > TOTAL:
            raise ProbeFailed(Failure.TOO_LARGE, f"more than {_MOST_HEADERS} header lines or {TOTAL} bytes of them")
        matched = _HEADER.fullmatch(line)
        if matched is None:
            raise ProbeFailed(Failure.PROTOCOL, f"not a header line: {excerpt(line)}")
        headers.append((matched[1].decode("ascii").lower(), matched[2].decode("latin-1")))
    return tuple(headers)


async def _body(stream: Stream, method: str, status: int, headers: tuple[tuple[str, str], ...], most: int) -> tuple[bytes, bool]:
    lengths = [value for name, value in headers if name == "content-length"]
    codings = [value for name, value in headers if name == "transfer-encoding"]
    if codings and (lengths or [each.strip().lower() for each in codings] != ["chunked"]):
        raise ProbeFailed(Failure.PROTOCOL, "the length of the body is stated in conflicting or unknown ways")
    length = _length(lengths)
    if method == "HEAD" or status in (204, 304):
        return b"", False
    if codings:
        return await _chunks(stream, most)
    if length is not None:
        return await stream.exactly(min(length, most)), length > most
    return await _rest(stream, most)


def _length(lengths: list[str]) -> int | None:
    """Read Content-Length; the same one stated twice is one (RFC 9110 section 8.6)."""
    stated = {each.strip() for value in lengths for each in value.split(",")}
    if not stated:
        return None
    only = stated.pop()
    if stated or not _DIGITS.fullmatch(only.encode("latin-1")):
        raise ProbeFailed(Failure.PROTOCOL, f"not one length of the body: {excerpt(', '.join(lengths).encode())}")
    return int(only)


async def _rest(stream: Stream, most: int) -> tuple[bytes, bool]:
    """Read up to the end of the connection."""
    body = bytearray()
    while len(body) <= most:
        part = await stream.some(most + 1 - len(body))
        if not part:
            return bytes(body), False
        body += part
    return bytes(body[:most]), True


async def _chunks(stream: Stream, most: int) -> tuple[bytes, bool]:
    body = bytearray()
    for count in itertools.count(1):
        if count % _BREATH == 0:
            await asyncio.sleep(0)
        line = await stream.line(_CHUNK_LINE)
        matched = _CHUNK.fullmatch(line)
        if matched is None:
            raise ProbeFailed(Failure.PROTOCOL, f"not a chunk size: {excerpt(line)}")
        size = int(matched[1], 16)
        if size == 0:
            break
        body += await stream.exactly(min(size, most - len(body)))
        if len(body) == most:
            return bytes(body), True
        if await stream.exactly(2) != b"\r\n":
            raise ProbeFailed(Failure.PROTOCOL, "a chunk does not end where its size says")
    for _ in range(_MOST_HEADERS):
        if not await stream.line():
            return bytes(body), False
    raise ProbeFailed(Failure.TOO_LARGE, f"more than {_MOST_HEADERS} trailer lines")
