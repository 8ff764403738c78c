"""The frames of a WebSocket, read strictly and with caps (RFC 6455 section 5)."""

import secrets
from dataclasses import dataclass, field
from enum import IntEnum

from probes.attempt import Attempt, ProbeFailed
from probes.lines import Stream
from probes.result import Failure
from probes.text import excerpt

MESSAGE = 64 * 1024
"""The longest message that is read, its fragments together."""
_MOST_FRAMES = 1000
"""What one probe reads of frames: tiny ones take our time and hardly the peer's."""
_CONTROL = 0x8
_FINAL, _RESERVED, _KIND, _MASKED, _LENGTH = 0x80, 0x70, 0x0F, 0x80, 0x7F
_MOST_CONTROL = 125


class Opcode(IntEnum):
    """What a frame carries."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


@dataclass(frozen=True, slots=True)
class Closed:
    """The peer's parting word: its *code* (1005 where it gave none) and *reason*."""

    code: int
    reason: str


@dataclass(slots=True)
class Frames:
    """One connection after the handshake, the client's side. Errors of all that read: ProbeFailed with PROTOCOL, TOO_LARGE, CLOSED."""

    stream: Stream
    attempt: Attempt
    _seen: int = field(default=0, init=False)

    async def message(self) -> str | bytes | Closed:
        """Read one message, text or binary, whatever its fragments; pings on the way are answered. Or the peer's parting word."""
        kind: Opcode | None = None
        parts = bytearray()
        while True:
            is_final, opcode, payload = await self._frame(MESSAGE - len(parts))
            match opcode:
                case Opcode.PING:
                    self._send(Opcode.PONG, payload)
                    continue
                case Opcode.PONG:
                    continue
                case Opcode.CLOSE:
                    return _parting_word(payload)
                case Opcode.CONTINUATION if kind is None:
                    raise ProbeFailed(Failure.PROTOCOL, "a fragment continues no message")
                case Opcode.TEXT | Opcode.BINARY if kind is not None:
                    raise ProbeFailed(Failure.PROTOCOL, "a message begins before the one before it ended")
            kind = kind or opcode
            parts += payload
            if is_final:
                self.attempt.received(bytes(parts))
                return _decoded(bytes(parts)) if kind is Opcode.TEXT else bytes(parts)

    def say(self, text: str) -> None:
        """Send one message of text."""
        self.attempt.sent(text)
        self._send(Opcode.TEXT, text.encode())

    def leave(self) -> None:
        """Send our parting word: 1000, all is well."""
        self._send(Opcode.CLOSE, (1000).to_bytes(2, "big"))

    async def _frame(self, most: int) -> tuple[bool, Opcode, bytes]:
        self._seen += 1
        if self._seen > _MOST_FRAMES:
            raise ProbeFailed(Failure.TOO_LARGE, f"more than {_MOST_FRAMES} frames")
        first, second = await self.stream.exactly(2)
        if first & _RESERVED or first & _KIND not in Opcode.__members__.values():
            raise ProbeFailed(Failure.PROTOCOL, f"not a frame that was agreed upon: {excerpt(bytes((first, second)))}")
        if second & _MASKED:
            raise ProbeFailed(Failure.PROTOCOL, "the server masks its frames, which only a client does")
        is_final, opcode, length = bool(first & _FINAL), Opcode(first & _KIND), second & _LENGTH
        if opcode & _CONTROL and (length > _MOST_CONTROL or not is_final):
            raise ProbeFailed(Failure.PROTOCOL, "a control frame is fragmented or too long")
        if length > _MOST_CONTROL:
            length = await self._extended(length)
        if length > most and not opcode & _CONTROL:
            raise ProbeFailed(Failure.TOO_LARGE, f"a message of more than {MESSAGE} bytes")
        return is_final, opcode, await self.stream.exactly(length)

    async def _extended(self, size: int) -> int:
        octets = await self.stream.exactly(2 if size == _MOST_CONTROL + 1 else 8)
        length = int.from_bytes(octets, "big")
        if length <= (_MOST_CONTROL if len(octets) == 2 else 0xFFFF) or length >> 63:
            raise ProbeFailed(Failure.PROTOCOL, f"a length of {length} that is not written the short way")
        return length

    def _send(self, opcode: Opcode, payload: bytes) -> None:
        """Send one frame, masked as a client must (section 5.3)."""
        size = len(payload)
        if size <= _MOST_CONTROL:
            head = bytes((_FINAL | opcode, _MASKED | size))
        else:
            head = bytes((_FINAL | opcode, _MASKED | _MOST_CONTROL + 1)) + size.to_bytes(2, "big")
        mask = secrets.token_bytes(4)
        repeated = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
        self.stream.write(head + mask + (int.from_bytes(payload, "big") ^ repeated).to_bytes(size, "big"))


def _decoded(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise ProbeFailed(Failure.PROTOCOL, f"a text that is not UTF-8: {excerpt(octets)}") from error


def _parting_word(payload: bytes) -> Closed:
    if not payload:
        return Closed(1005, "")
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or code < 1000:
        raise ProbeFailed(Failure.PROTOCOL, f"not a parting word: {excerpt(payload)}")
    return Closed(code, _decoded(payload[2:]))
