"""The listener's patience: no connection is held open by a peer that sends or reads too slowly, or not at all.

aiohttp gives a half-sent header and an unread answer an hour or more. Here the header's time is the keep-alive time (aiohttp starts
that clock when a connection opens), a body that nobody asked for is read for a few seconds at most, and an answer that the peer does
not take off our hands is dropped. Every answer, aiohttp's own refusals included, passes ``finish_response`` on its way out.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter

from statuspage.web.doors import untold

log = logging.getLogger(__name__)

_MOST_HELD = 8 * 1024
"""Bytes that the system may hold for a peer that is streamed to; Linux doubles it."""


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ANSWER: web.AppKey[Handler] = web.AppKey("answer")
"""The one handler of an application that has no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds that a peer is given.

    *head* is for the head of a request, and between two requests; *body* for a body that is not wanted, after the answer has gone out
    (closing at once could take the answer away from the peer); *read* for taking an answer off our hands; *word* for taking what a
    stream says, which is little.
    """

    head: float = 15.0
    body: float = 5.0
    read: float = 45.0
    word: float = 30.0


class Answer(web.Response):
    """A response whose headers are complete as given, and that says nothing about the software behind it."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.pop("Server", None)


class Ready(web.StreamResponse):
    """An answer that is bytes already, head and all, so that it costs what a file costs.

    *head* is the status line and the header lines, each with its ending; *moving* more of them, which are not the same in each answer.
    Whether the connection goes on is the request's to say, and is added here.
    """

    def __init__(self, head: bytes, moving: bytes, body: bytes) -> None:
        super().__init__()
        self._head, self._moving, self._content = head, moving, body
        self._to: AbstractStreamWriter | None = None
        self._goes_on: bool | None = None

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection stays open after it."""
        return self._goes_on

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Spell the whole head; it goes out with the body."""
        self._to, self._goes_on = request.writer, request.keep_alive
        if request.method == hdrs.METH_HEAD:
            self._content = b""
        self._head = b"%b%b%b\r\n" % (self._head, self._moving, _connection(request))
        return self._to

    async def write_eof(self, data: bytes = b"") -> None:
        """Write all of it at once, which is half the work for the system, and wait where the peer does not take it."""
        if self._to is None:
            return
        line = self._to.transport
        if line is None or line.is_closing():
            raise ConnectionResetError("the peer was gone before its answer")
        # An empty part at the end would never be written off by asyncio's own loop from Python 3.12 on: it would turn for nothing.
        line.writelines([part for part in (self._head, self._content, data) if part])
        await self._to.write_eof()
        await self._to.drain()


class Stream(web.StreamResponse):
    """An answer that goes on until one side ends it, and never waits for its peer. *head* is as for ``Ready``.

    What the peer has not taken by the time that there is more to say ends it: so a stream holds one message at most, and costs
    its connection alone. The connection is closed with it.
    """

    def __init__(self, head: bytes, first: bytes) -> None:
        super().__init__()
        self._begins = b"%bConnection: close\r\n\r\n%b" % (head, first)
        self._line: _Connection | None = None
        self._ended = asyncio.Event()

    @property
    def keep_alive(self) -> bool:
        """Whether the connection stays open after it."""
        return False

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Write the head and the first words, and take the connection over; once. Errors: ConnectionError where it is gone already."""
        line = request.protocol
        if not isinstance(line, _Connection):
            raise TypeError("a stream goes out by a PatientRunner")
        if self._line is None:
            self._line = line
            line.hold(self)
            line.say(self._begins)
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """End it: there is nothing more to write, the connection's end is the answer's."""

    def say(self, said: bytes) -> None:
        """Write *said*, or end the stream if what was said before it has not been taken."""
        if self._line is not None:
            self._line.say(said)

    def end(self) -> None:
        """Let ``ended`` return."""
        self._ended.set()

    async def ended(self) -> None:
        """Wait until either side has ended it."""
        await self._ended.wait()


def _connection(request: web.BaseRequest) -> bytes:
    """Say so only where it is not what the version has by itself (RFC 9112, section 9.3)."""
    is_persistent = request.version >= HttpVersion11
    if bool(request.keep_alive) == is_persistent:
        return b""
    return b"Connection: close\r\n" if is_persistent else b"Connection: keep-alive\r\n"


def _keep_little(peer: asyncio.Transport, patience: float) -> None:
    """Let the system hold little for *peer*, and give it up where nothing has been taken for so many seconds: it is gone, or never reads.

    Without the second, a reader who left without a word would keep its place for a quarter of an hour.
    """
    line = peer.get_extra_info("socket")
    if line is None:
        return
    line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST_HELD)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux alone has it
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(patience * 1000))


def head(status: HTTPStatus, headers: Mapping[str, str]) -> bytes:
    """Spell the beginning of an answer for ``Ready``. The headers are ours: none holds a line end."""
    lines = (f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items()))
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


class PatientRunner(web.AppRunner):
    """Runs an application on connections whose patience is bounded.

    *headers* go out with every refusal that the application did not make itself. An application that answers every path by one
    handler names it under ``ANSWER``, and is spared the look for a route.
    """

    __slots__ = ("_headers", "_patience")

    def __init__(
        self, app: web.Application, *, headers: Mapping[str, str], patience: Patience | None = None, shutdown_timeout: float = 5.0
    ) -> None:
        super().__init__(app, shutdown_timeout=shutdown_timeout)
        self._headers = dict(headers)
        self._patience = patience or Patience()

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        answer = self.app.get(ANSWER, made.request_handler)  # the factory beside it makes the requests that ANSWER is for
        return _PatientServer(cast("_Answering", answer), made.request_factory, headers=self._headers, patience=self._patience)


_Answering = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _PatientServer(web.Server):
    def __init__(
        self, answer: _Answering, request: Callable[..., web.BaseRequest], *, headers: Mapping[str, str], patience: Patience
    ) -> None:
        super().__init__(answer, request_factory=request)
        self._headers, self._patience = headers, patience

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, headers=self._headers, patience=self._patience)


class _Connection(web.RequestHandler):
    __slots__ = ("_headers", "_patience", "_peer", "_stalled", "_stream")

    def __init__(self, manager: web.Server, *, headers: Mapping[str, str], patience: Patience) -> None:
        super().__init__(
            manager,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # documented: nothing is logged then
            keepalive_timeout=patience.head,
            lingering_time=patience.body,
        )
        self._headers, self._patience = headers, patience
        self._peer: asyncio.Transport | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._stream: Stream | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not isinstance: uvloop's transports are no subclasses of asyncio's, and would never be watched.
        self._peer = cast("asyncio.Transport", transport)
        self._peer.set_write_buffer_limits(high=0)  # so that anything left over starts the clock below
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._relax()
        self._peer = None
        if self._stream is not None:
            self._stream.end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what the peer sends; one that is being streamed to has nothing more to say, and would only pile it up."""
        if self._stream is not None and self._peer is not None:
            self._peer.abort()
            return
        super().data_received(data)

    def hold(self, stream: Stream) -> None:
        """Give the connection to *stream*. Errors: ConnectionError where the peer is gone."""
        if self._peer is None:
            raise ConnectionResetError("the peer was gone before its stream")
        self._stream = stream
        _keep_little(self._peer, self._patience.word)

    def say(self, said: bytes) -> None:
        """Write *said*; a peer that has left something of what was said before is dropped."""
        if self._peer is None:
            return
        if self.writing_paused:
            self._peer.abort()
        else:
            self._peer.write(said)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._peer is not None and self._stalled is None:
            self._stalled = asyncio.get_running_loop().call_later(self._patience.read, self._peer.abort)

    def resume_writing(self) -> None:
        self._relax()
        super().resume_writing()

    def _relax(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer without a word about our insides: a malformed request is the peer's affair, anything else is ours and logged."""
        if isinstance(exc, ConnectionError):
            log.debug("the peer was gone before its answer: %s", exc)
        elif status >= 500:
            log.error("a request for %r broke", untold(request.path), exc_info=exc)
        else:
            log.debug("refused a malformed request: %s", message)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun")
        answer = self._refusal(status, {})
        answer.force_close()
        return answer

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        if isinstance(resp, web.HTTPException):
            resp = self._refusal(resp.status, {name: resp.headers[name] for name in ("Allow", "Location") if name in resp.headers})
        return await super().finish_response(request, resp, start_time)

    def _refusal(self, status: int, headers: Mapping[str, str]) -> Answer:
        return Answer(status=status, headers={**self._headers, **headers}, text=f"{status}\n")
