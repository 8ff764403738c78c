"""A door behind which nobody is: each word that a probe says is answered by the next of the words that were laid out."""

# ruff: noqa: ARG002 - nobody is behind this door, whatever is asked of it

import asyncio
import errno
import ssl
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Self, cast

from probes.addresses import Trust
from probes.attempt import Attempt
from probes.datagrams import MOST, Datagrams
from probes.egress import Door
from probes.encryption import Tls
from probes.lines import TOTAL, Stream
from probes.settings import IpVersion

_HERE = ("127.0.0.1", 9)


Frame = Callable[[bytes, bytes], bytes]
Word = tuple[bool, bytes]
"""Whether it is framed as an answer to what was heard, and what it is."""
_TURNS = 20
"""Turns of the loop after which the next word is said to a probe that goes on listening."""


class Words:
    """What is still to be said."""

    def __init__(self, words: Sequence[Word], frame: Frame) -> None:
        self._words = list(words)
        self._frame = frame

    def answer(self, heard: bytes) -> bytes | None:
        """Give the next word, or None where there is none any more."""
        if not self._words:
            return None
        is_framed, octets = self._words.pop(0)
        return self._frame(heard, octets) if is_framed else octets


class _Transport(asyncio.Transport):
    """Takes everything, and answers it in the loop's next turn."""

    def __init__(self, stream: Stream, words: Words, *, is_encrypted: bool) -> None:
        agreed = SimpleNamespace(selected_alpn_protocol=lambda: "h2") if is_encrypted else None
        super().__init__(extra={"sockname": _HERE, "peername": _HERE, "ssl_object": agreed})
        self._stream, self._words = stream, words
        self._is_ended = False
        self._next: asyncio.Handle | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._next is not None:
            self._next.cancel()
        self._wait(1, bytes(data))

    def _wait(self, turns: int, heard: bytes) -> None:
        if turns:
            self._next = asyncio.get_running_loop().call_soon(self._wait, turns - 1, heard)
        else:
            self.say(heard)

    def say(self, heard: bytes) -> None:
        """Say the next word, and the one after it soon where the probe then says nothing."""
        word = None if self._is_ended else self._words.answer(heard)
        if word is not None:
            self._stream.data_received(word)
            self._wait(_TURNS, heard)
        elif not self._is_ended:
            self._is_ended = True
            self._stream.eof_received()

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self._is_ended

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        self._is_ended = True

    def abort(self) -> None:
        self._is_ended = True


class _Fed:
    """Datagrams from the same words. Where there are none left, nobody listens at that port."""

    def __init__(self, words: Words) -> None:
        self._words, self._heard = words, b""

    def send(self, octets: bytes) -> None:
        self._heard = octets

    async def receive(self) -> bytes:
        await asyncio.sleep(0)
        word = self._words.answer(self._heard)
        if word is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "nobody listens there")
        return word

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class FedDoor(Door):
    """Opens nothing: every connection is fed from *words*, encrypted ones as if they were not."""

    def __init__(self, words: Sequence[Word], frame: Frame) -> None:
        super().__init__()
        self._words = Words(words, frame)

    async def connect(
        self,
        host: str,
        port: int,
        *,
        attempt: Attempt,
        trust: Trust = Trust.FOUND,
        tls: Tls | None = None,
        ip: IpVersion = "any",
        most: int = TOTAL,
    ) -> Stream:
        attempt.fact("ip_version", 4)
        stream = Stream(most)
        transport = _Transport(stream, self._words, is_encrypted=tls is not None)
        stream.connection_made(transport)
        asyncio.get_running_loop().call_soon(transport.say, b"")
        return stream

    async def secure(self, stream: Stream, host: str, *, tls: Tls, attempt: Attempt) -> None:
        pass

    async def datagram(
        self, host: str, port: int, *, attempt: Attempt, trust: Trust = Trust.FOUND, ip: IpVersion = "any", most: int = MOST
    ) -> Datagrams:
        attempt.fact("ip_version", 4)
        return cast(Datagrams, _Fed(self._words))

    async def echo(self, host: str, *, attempt: Attempt, trust: Trust = Trust.FOUND, ip: IpVersion = "any", most: int = MOST) -> Datagrams:
        attempt.fact("ip_version", 4)
        return cast(Datagrams, _Fed(self._words))

    def context(self, tls: Tls) -> ssl.SSLContext:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
