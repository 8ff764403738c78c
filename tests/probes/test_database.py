"""When a database's password may be said: to all kinds that ask one the same rule applies."""

import asyncio
import math
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from probes import mysql, postgresql, redis
from probes.attempt import Attempt, ProbeFailed
from probes.database import judge
from probes.lines import Stream
from probes.result import Failure

ELSEWHERE, HERE, HERE_TOO = "192.0.2.1", "127.0.0.1", "::1"
SETTINGS = {"host": "db.example.net", "login": {"user": "ann", "password": "geheim"}}
SALT = b"01234567890123456789"


class Wire(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self, peer: str, *, is_encrypted: bool) -> None:
        super().__init__(extra={"peername": (peer, 1), "ssl_object": object() if is_encrypted else None})
        self.written = b""

    def write(self, data: Any) -> None:  # noqa: ANN401 - whatever holds bytes
        self.written += bytes(data)


async def redis_auth(stream: Stream, attempt: Attempt, settings: dict[str, object]) -> None:
    stream.data_received(b"+OK\r\n")
    await redis._log_in(redis.Settings.model_validate(settings), stream, attempt)


async def postgresql_in_clear(stream: Stream, attempt: Attempt, settings: dict[str, object]) -> None:
    stream.data_received(b"R\0\0\0\x08" + struct.pack("!i", 3) + b"R\0\0\0\x08" + struct.pack("!i", 0))
    await postgresql._log_in(postgresql.Settings.model_validate(settings), postgresql.Postgres(stream, attempt))


async def mysql_in_clear(stream: Stream, attempt: Attempt, settings: dict[str, object]) -> None:
    body = b"\xfemysql_clear_password\0"
    stream.data_received(struct.pack("<I", len(body))[:3] + b"\0" + body + b"\x01\0\0\x02\0")
    await mysql._prove(mysql.Settings.model_validate(settings), "geheim", SALT, b"", mysql.Mysql(stream, attempt))


Dialogue = Callable[[Stream, Attempt, dict[str, object]], Awaitable[None]]


@pytest.mark.parametrize("dialogue", [redis_auth, postgresql_in_clear, mysql_in_clear])
@pytest.mark.parametrize(
    ("peer", "is_encrypted", "allow_plaintext", "is_said"),
    [
        (ELSEWHERE, False, False, False),
        (ELSEWHERE, False, True, True),
        (ELSEWHERE, True, False, True),
        (HERE, False, False, True),
        (HERE_TOO, False, False, True),
    ],
)
async def test_a_password_is_said_only_where_nobody_overhears_it(
    dialogue: Dialogue, peer: str, *, is_encrypted: bool, allow_plaintext: bool, is_said: bool
) -> None:
    wire, stream = Wire(peer, is_encrypted=is_encrypted), Stream()
    stream.connection_made(wire)
    attempt = Attempt(elapsed=lambda: 0.0, allowed=1.0)
    talking = dialogue(stream, attempt, SETTINGS | {"allow_plaintext": allow_plaintext})
    if is_said:
        await talking
        assert b"geheim" in wire.written
        return
    with pytest.raises(ProbeFailed) as refused:
        await talking
    assert (refused.value.failure, wire.written) == (Failure.TLS_MISSING, b"")


async def test_a_password_is_not_handed_over_under_a_key_that_anybody_may_have_sent() -> None:
    wire, stream = Wire(ELSEWHERE, is_encrypted=False), Stream()
    stream.connection_made(wire)
    dialogue = mysql.Mysql(stream, Attempt(elapsed=lambda: 0.0, allowed=1.0))
    with pytest.raises(ProbeFailed) as refused:
        async with asyncio.timeout(5):
            await mysql._hand_over(mysql.Settings.model_validate(SETTINGS), "geheim", SALT, dialogue)
    assert (refused.value.failure, wire.written) == (Failure.TLS_MISSING, b"")


@pytest.mark.parametrize(
    ("answer", "value"),
    [(b"42", 42), (b"-1.5e3", -1500), (b" 7 ", 7), (b"x", None), (b"", None), (b"nan", None), (b"inf", None), (None, None)],
)
def test_an_answer_that_is_a_finite_number_is_a_fact(answer: bytes | None, value: float | None) -> None:
    attempt = Attempt(elapsed=lambda: 0.0, allowed=1.0)
    judge(answer, None, attempt)
    assert attempt.facts.get("value") == value
    assert all(math.isfinite(figure) for figure in attempt.facts.values())


def test_an_expectation_is_the_whole_answer() -> None:
    attempt = Attempt(elapsed=lambda: 0.0, allowed=1.0)
    judge(b"ok", "ok", attempt)
    for answer in (b"ok ", b"OK", None):
        with pytest.raises(ProbeFailed) as refused:
            judge(answer, "ok", attempt)
        assert refused.value.failure is Failure.CONTENT
