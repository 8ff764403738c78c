"""A connection that is read with caps: a peer may say what it likes for as long as it likes, and costs us no more than stated here."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self, cast

from probes.addresses import is_this_machine
from probes.attempt import ProbeFailed
from probes.deadlines import Deadline, Deadlines
from probes.result import Failure
from probes.text import excerpt

LINE = 8 * 1024
"""The longest line, its ending not counted."""
TOTAL = 64 * 1024
"""The most that one connection may say, where a kind does not ask for more."""
_FULL = 64 * 1024
_SHOWN = 100


class Stream(asyncio.Protocol):
    """One connection, read by one reader. As a context manager it closes on the way out: politely after a finding, else at once.

    Reading raises ProbeFailed: CLOSED where the peer ends too early, TOO_LARGE past a cap; and the transport's own error where the
    connection broke. Nothing here times out but what is read with ``patience``: that is for ``probes.run``.
    """

    def __init__(self, most: int = TOTAL, deadlines: Deadlines | None = None) -> None:
        self._deadlines = deadlines or Deadlines(asyncio.get_running_loop())
        self._loop = self._deadlines.loop  # before Python 3.12 each time that it is asked for costs a call of the system
        self._buffer = bytearray()
        self._left = most
        self._most = most
        self._waiter: asyncio.Future[None] | None = None
        self._is_ended = False
        self._is_paused = False
        self._is_patient = True
        self._error: Exception | None = None
        self._transport: asyncio.Transport | None = None

    # --- what asyncio calls ---------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; also called with the encrypted one."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Keep *data*, and hold the peer back once the buffer is full."""
        self._buffer += data
        if len(self._buffer) >= _FULL and not self._is_paused:
            self._is_paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Note the end; the transport then closes itself."""
        self._is_ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, and the error that made it."""
        self._is_ended = True
        self._error = exc
        self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # --- reading --------------------------------------------------------------------------------------------------------------

    async def line(self, most: int = LINE) -> bytes:
        """Read one line, without its LF or CRLF."""
        seen = 0
        while (end := self._buffer.find(b"\n", seen)) < 0:
            seen = len(self._buffer)
            if seen > most:
                raise ProbeFailed(Failure.TOO_LARGE, f"a line of more than {most} bytes: {excerpt(bytes(self._buffer))}")
            await self._more()
        if end > most:
            raise ProbeFailed(Failure.TOO_LARGE, f"a line of {end} bytes: {excerpt(bytes(self._buffer))}")
        return self._take(end + 1)[:-1].removesuffix(b"\r")

    async def exactly(self, count: int) -> bytes:
        """Read *count* bytes. The caller has judged the count; the connection's total still holds."""
        if count > self._left:
            raise ProbeFailed(Failure.TOO_LARGE, f"{count} bytes announced, {self._left} of {self._most} left")
        parts: list[bytes] = []
        while count:
            parts.append(await self.some(count))
            count -= len(parts[-1])
            if not parts[-1]:
                raise ProbeFailed(Failure.CLOSED, f"the peer ended the connection {count} bytes too early")
        return b"".join(parts)

    async def some(self, most: int) -> bytes:
        """Read what there is, at least one byte and at most *most*; nothing at all means that the peer has ended."""
        await self._something()
        return self._take(min(most, len(self._buffer)))

    async def peek(self) -> bytes:
        """Wait until something is there, and show its beginning without taking it; nothing at all means that the peer has ended."""
        await self._something()
        return bytes(self._buffer[:_SHOWN])

    async def _something(self) -> None:
        while not self._buffer and not (self._is_ended and self._error is None):
            await self._more()

    def _take(self, count: int) -> bytes:
        if count > self._left:
            raise ProbeFailed(Failure.TOO_LARGE, f"more than {self._most} bytes in one connection")
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._left -= count
        if self._is_paused:
            self._let_on()
        return taken

    def _let_on(self) -> None:
        """Let a peer that was held back go on once there is room again."""
        if self._is_paused and len(self._buffer) < _FULL // 2:
            self._is_paused = False
            self.transport.resume_reading()

    def _more(self) -> asyncio.Future[None]:
        """Return what is done once more has come or the connection has ended. One that has ended already brings no more, and says so."""
        if self._is_ended:
            raise self._error or ProbeFailed(Failure.CLOSED, f"the peer ended the connection after {excerpt(bytes(self._buffer))}")
        if not self._is_patient:
            raise TimeoutError("the peer says nothing")
        self._waiter = self._loop.create_future()
        return self._waiter

    def patience(self, within: float) -> "_Patience":
        """Wait in this block for *within* seconds in all: then reading raises TimeoutError. A fourth of what ``asyncio.timeout`` costs."""
        return _Patience(self, within)

    def begin_waiting(self, within: float) -> Deadline:
        """Have patience for *within* seconds from now on."""
        return self._deadlines.after(within, self._lose_patience)

    def end_waiting(self, deadline: Deadline) -> None:
        """Have patience for as long as it takes again."""
        deadline.cancel()
        self._is_patient = True

    def _lose_patience(self) -> None:
        self._is_patient = False
        self._wake()

    def discard(self) -> bytes:
        """Throw away what came unasked, and return it: before a handshake nothing may be waiting (RFC 3207 section 6)."""
        if not self._buffer:
            return b""
        unasked = bytes(self._buffer)
        self._buffer.clear()
        self._let_on()
        return unasked

    # --- writing and ending ---------------------------------------------------------------------------------------------------

    def write(self, octets: bytes) -> None:
        """Send *octets*. What a probe says is short, so nothing waits for the peer to take it.

        A peer that has ended hears no more. What it said before is still to be read and tells why; where that is nothing, raises
        CLOSED or the transport's own error, as reading does.
        """
        if not self._is_ended:
            self.transport.write(octets)
        elif not self._buffer:
            raise self._error or ProbeFailed(Failure.CLOSED, "the peer ended the connection before it was told all")

    @property
    def transport(self) -> asyncio.Transport:
        """The transport; encrypted after the handshake."""
        if self._transport is None:
            raise RuntimeError("not connected")
        return self._transport

    @property
    def may_be_overheard(self) -> bool:
        """Whether what is said crosses a network in clear. Where nobody knows any more who the peer was, it may."""
        if self.transport.get_extra_info("ssl_object") is not None:
            return False
        peer = self.transport.get_extra_info("peername")
        return not peer or not is_this_machine(str(peer[0]))

    async def heard_out(self, within: float) -> None:
        """After the parting word, let the peer end the connection, for *within* seconds at most: what it still says is dropped."""
        with suppress(OSError, ProbeFailed), self.patience(within):
            while await self.some(TOTAL):
                pass

    def close(self) -> None:
        """End the connection politely. A peer that takes nothing more is not waited for."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        self.transport.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None or isinstance(error, ProbeFailed):
            self.close()
        else:
            self.abort()


class _Patience:
    """A stretch in which a stream waits for so long and no longer. A class and no generator, as ``probes.attempt`` has its phases."""

    __slots__ = ("_deadline", "_stream", "_within")

    def __init__(self, stream: Stream, within: float) -> None:
        self._stream, self._within = stream, within

    def __enter__(self) -> None:
        self._deadline = self._stream.begin_waiting(self._within)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stream.end_waiting(self._deadline)
