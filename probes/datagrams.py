"""Datagrams to and from exactly one address, counted: a peer may send what it likes, and costs us no more than stated here."""

import asyncio
import errno
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

from probes.attempt import Attempt, ProbeFailed
from probes.result import Failure

MOST = 1000
"""The most datagrams that one exchange takes from its peer, wanted or not."""
TURNED_AWAY = frozenset(
    {
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.EHOSTDOWN,
        errno.EACCES,
        errno.EMSGSIZE,
        errno.ENOPROTOOPT,
        errno.EOPNOTSUPP,
        errno.EPROTO,
        *([errno.ENONET] if sys.platform == "linux" else []),
    }
)
"""What Linux makes of the answers that routers and firewalls on the way give in the peer's place (ICMP, ICMPv6).

"Administratively prohibited" of ICMPv6 is EACCES; a firewall of our own says EPERM.
"""
_BREATH = 100
"""Datagrams taken in a row before others have their turn: while some are waiting, nothing else would make us wait."""
_LARGEST = 65535
_AGAIN = 1 / 3
"""The part of the time left after which a question that got no answer is asked once more: datagrams get lost."""

T = TypeVar("T")


class Datagrams:
    """A connected socket: the kernel drops what comes from any other address. As a context manager it closes on the way out.

    What a peer's kernel or a router answers in its place ("port unreachable") is raised as the operating system's own error, by the
    next call after it came. Nothing here times out, and a lost datagram is not sent again: the one is for ``probes.run``, the other
    for the kind. *opened* cuts off what the kernel puts before a datagram.
    """

    __slots__ = ("_left", "_loop", "_most", "_opened", "_socket")

    def __init__(self, connected: socket.socket, most: int = MOST, opened: Callable[[bytes], bytes] | None = None) -> None:
        self._socket = connected
        self._most = self._left = most
        self._opened = opened
        self._loop: asyncio.AbstractEventLoop | None = None
        """The loop that watches the socket, while somebody waits for it."""

    def send(self, octets: bytes) -> None:
        """Send one datagram now. A send buffer without room is this machine's trouble, and raised as such."""
        try:
            self._socket.send(octets)
        except BlockingIOError as error:
            raise OSError(errno.ENOBUFS, "no room to send a datagram") from error

    async def receive(self) -> bytes:
        """Wait for one datagram. Errors: ProbeFailed with TOO_LARGE past the count, and the operating system's own."""
        taken = self._most - self._left
        if taken and taken % _BREATH == 0:
            await asyncio.sleep(0)
        while (octets := self._read()) is None:
            await self._readable()
        self._left -= 1
        if self._left < 0:
            raise ProbeFailed(Failure.TOO_LARGE, f"more than {self._most} datagrams in one exchange")
        return octets if self._opened is None else self._opened(octets)

    def _read(self) -> bytes | None:
        try:
            return self._socket.recv(_LARGEST)
        except BlockingIOError:
            return None
        except OSError:
            self._forget_errors()
            raise

    def _forget_errors(self) -> None:
        """Empty the queue of errors: while one lies there, the socket calls itself readable."""
        if not hasattr(socket, "MSG_ERRQUEUE"):
            return
        while True:
            try:
                self._socket.recvmsg(1, 0, socket.MSG_ERRQUEUE)
            except BlockingIOError:
                return

    async def _readable(self) -> None:
        self._loop = loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._socket.fileno(), _wake, woken)
        try:
            await woken
        finally:
            self._look_away()

    def _look_away(self) -> None:
        """Have the loop watch no longer: always before the socket is closed, because its number is then somebody else's."""
        if self._loop is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._loop = None

    def close(self) -> None:
        """End the exchange; what still comes is dropped by the kernel."""
        self._look_away()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


async def exchange(datagrams: Datagrams, asking: Callable[[], bytes], reading: Callable[[bytes], T | None], attempt: Attempt) -> T:
    """Send what *asking* makes, and return the first answer that *reading* takes; one to which it gives None is ignored.

    Anybody on the way can write a datagram, so an answer that is not to our question is nothing to believe, nor a failure. Asks once
    more, afresh, after a third of the time left. Records the fact ``tries`` and the warning ``strange_answers``.
    """
    pause = (attempt.allowed - attempt.elapsed()) * _AGAIN
    again = asyncio.get_running_loop().call_later(pause, _ask_again, datagrams, asking, attempt)
    strange = 0
    try:
        attempt.fact("tries", 1)
        datagrams.send(asking())
        while (answer := reading(await datagrams.receive())) is None:
            strange += 1
        return answer
    finally:
        again.cancel()
        if strange:
            attempt.warn("strange_answers", f"{strange} datagrams were no answer to our question, and were ignored")


def _ask_again(datagrams: Datagrams, asking: Callable[[], bytes], attempt: Attempt) -> None:
    attempt.fact("tries", 2)
    with suppress(OSError):  # what ails the socket is raised where it is read
        datagrams.send(asking())
