"""The listener's patience: no connection is held open by a peer that sends or reads too slowly, or not at all.

aiohttp gives a half-sent header and an unread answer an hour or more. Here the header's time is the keep-alive time (aiohttp starts
that clock when a connection opens), a body that nobody asked for is read for a few seconds at most, and an answer that the peer does
not take off our hands is dropped. Every answer, aiohttp's own refusals included, passes ``finish_response`` on its way out.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds that a peer is given.

    *head* is for the head of a request, and between two requests; *body* for a body that is not wanted, after the answer has gone out
    (closing at once could take the answer away from the peer); *read* for taking an answer off our hands.
    """

    head: float = 15.0
    body: float = 5.0
    read: float = 45.0


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
        """Write the head; what is written in one turn of the loop goes out as one."""
        self._to, self._goes_on = request.writer, request.keep_alive
        if request.method == hdrs.METH_HEAD:
            self._content = b""
        await self._to.write(b"%b%b%b\r\n" % (self._head, self._moving, _connection(request)))
        return self._to

    async def write_eof(self, data: bytes = b"") -> None:
        """Write the body, and wait where the peer does not take it."""
        if self._to is not None:
            await self._to.write_eof(self._content + data if data else self._content)


def _connection(request: web.BaseRequest) -> bytes:
    """Say so only where it is not what the version has by itself (RFC 9112, section 9.3)."""
    is_persistent = request.version >= HttpVersion11
    if bool(request.keep_alive) == is_persistent:
        return b""
    return b"Connection: close\r\n" if is_persistent else b"Connection: keep-alive\r\n"


def head(status: HTTPStatus, headers: Mapping[str, str]) -> bytes:
    """Spell the beginning of an answer for ``Ready``. The headers are ours: none holds a line end."""
    lines = (f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items()))
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


class PatientRunner(web.AppRunner):
    """Runs an application on connections whose patience is bounded.

    *headers* go out with every refusal that the application did not make itself.
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
        return _PatientServer(made, headers=self._headers, patience=self._patience)


class _PatientServer(web.Server):
    def __init__(self, made: web.Server, *, headers: Mapping[str, str], patience: Patience) -> None:
        super().__init__(made.request_handler, request_factory=made.request_factory)
        self._headers, self._patience = headers, patience

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, headers=self._headers, patience=self._patience)


class _Connection(web.RequestHandler):
    __slots__ = ("_headers", "_patience", "_peer", "_stalled")

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

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not isinstance: uvloop's transports are no subclasses of asyncio's, and would never be watched.
        self._peer = cast("asyncio.Transport", transport)
        self._peer.set_write_buffer_limits(high=0)  # so that anything left over starts the clock below
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._relax()
        self._peer = None
        super().connection_lost(exc)

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
            log.error("a request for %r broke", request.path, exc_info=exc)
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
