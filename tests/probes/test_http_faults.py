"""What web servers do to those who probe them: each ends in its own reason, in time, with the connection closed."""

import asyncio
import gzip
import zlib
from collections.abc import Callable

import pytest

from probes.result import Failure
from tests.rude.certificates import Certificates
from tests.rude.peer import Peer, Script, rude
from tests.rude.web import ask, page, saying, to

MEGABYTE = 1024 * 1024


def after_head(octets: bytes, then: Callable[[Peer], object] | None = None) -> Script:
    """Hear the request, answer *octets*, and go on with *then* (or hang)."""

    async def script(peer: Peer) -> None:
        await peer.hear_head()
        await peer.say(octets)
        if then is None:
            await peer.hang()
        else:
            then(peer)

    return script


@pytest.mark.parametrize(
    ("script", "failure", "stage", "said"),
    [
        (after_head(b""), Failure.TIMEOUT, "first_byte", ""),
        (after_head(b"HTTP/1.1 200"), Failure.TIMEOUT, "transfer", ""),
        (after_head(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), Failure.TIMEOUT, "transfer", ""),
        (after_head(b"garbage without an end"), Failure.PROTOCOL, "first_byte", "not HTTP: 'garbage without an end'"),
        (saying(b"SSH-2.0-OpenSSH_9.9\r\n"), Failure.PROTOCOL, "first_byte", "not HTTP: 'SSH-2.0-OpenSSH_9.9'"),
        (saying(b"\x15\x03\x01\x00\x02\x02\x46"), Failure.PROTOCOL, "first_byte", "not HTTP but TLS"),
        (saying(b"\x1b[31m" + b"\xff" * 5000), Failure.PROTOCOL, "first_byte", "not HTTP: '[31m"),
        (saying(b""), Failure.CLOSED, "first_byte", "without an answer"),
        (after_head(b"", Peer.reset), Failure.RESET, "first_byte", ""),
        (after_head(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", Peer.reset), Failure.RESET, "transfer", ""),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), Failure.CLOSED, "transfer", "6 bytes too early"),
        (saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), Failure.PROTOCOL, "transfer", "not a chunk size: 'zz'"),
        (
            saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabXX"),
            Failure.PROTOCOL,
            "transfer",
            "does not end where its size says",
        ),
        (saying(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 20_000 + b"\r\n"), Failure.TOO_LARGE, "transfer", "100 header lines"),
        (saying(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 5 * MEGABYTE + b"\r\n\r\n"), Failure.TOO_LARGE, "transfer", "a line of"),
        (saying(b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000), Failure.PROTOCOL, "transfer", "interim answers"),
    ],
    ids=lambda value: None if callable(value) else str(value)[:30],
)
async def test_every_breach_has_a_reason_of_its_own(script: Script, failure: Failure, stage: str, said: str) -> None:
    async with rude(script) as server:
        result = await ask(server, timeout=0.3 if failure is Failure.TIMEOUT else 5)
        await asyncio.wait_for(server.closed.wait(), 2)
    assert (result.failure, result.stage) == (failure, stage)
    assert said in result.detail
    assert result.detail.isprintable()
    assert len(result.detail) <= 200
    assert result.took < (0.55 if failure is Failure.TIMEOUT else 5)


async def test_http_asked_of_a_port_that_speaks_tls_is_told(certificates: Certificates) -> None:
    """OpenSSL sends an alert or hangs up, whichever way the loop has of saying it; never is it a crash."""
    async with rude(saying(page()), tls=certificates.good()) as server:
        result = await ask(server)
    assert (result.failure, result.stage) in {
        (Failure.PROTOCOL, "first_byte"),
        (Failure.CLOSED, "first_byte"),
        (Failure.RESET, "first_byte"),
    }


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_bomb_is_not_unpacked(coding: str) -> None:
    zeros = b"0" * 20 * MEGABYTE
    bomb = gzip.compress(zeros, 9) if coding == "gzip" else zlib.compress(zeros, 9)
    async with rude(saying(page(bomb, "200 OK", f"Content-Encoding: {coding}"))) as server:
        plain = await ask(server)
        searched = await ask(server, expect={"body_contains": "000"})
        assert "accept-encoding: identity" in server.heard
    assert (plain.failure, plain.facts["body_bytes"]) == (None, len(bomb))
    assert (searched.failure, searched.stage) == (Failure.CONTENT, "content")
    assert coding in searched.detail


async def test_a_thousand_hops_are_not_gone() -> None:
    async def script(peer: Peer) -> None:
        head = await peer.hear_head()
        await peer.say(to(f"/{int(head[0].split()[1][1:]) - 1}"))

    async with rude(script) as server:
        result = await ask(server, url=server.url("/1000"), redirects=10)
        assert server.connections == 11
    assert (result.failure, result.stage) == (Failure.REDIRECT, "redirect")
    assert "more than 10 redirects" in result.detail


def chunks(chunk: bytes) -> Script:
    async def script(peer: Peer) -> None:
        await peer.hear_head()
        await peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await peer.flood(chunk * 10_000)

    return script


async def test_tiny_chunks_leave_the_loop_to_others() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with rude(chunks(b"2\r\nab\r\n")) as server:
        counting = asyncio.create_task(count())
        result = await ask(server, timeout=10, max_body=100_000)
        counting.cancel()
    assert (result.failure, result.facts["body_bytes"]) == (None, 100_000)
    assert turns > 150


async def test_chunks_that_are_all_framing_end_with_the_cap() -> None:
    async with rude(chunks(b"1;" + b"x" * 1000 + b"\r\na\r\n")) as server:
        result = await ask(server, timeout=10)
    assert (result.failure, result.stage) == (Failure.TOO_LARGE, "transfer")


async def test_a_slow_drip_of_headers_is_one_timeout_in_all() -> None:
    async def script(peer: Peer) -> None:
        await peer.hear_head()
        await peer.drip(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 50, 0.01)

    async with rude(script) as server:
        result = await ask(server, timeout=0.3)
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "transfer")
    assert result.took < 0.55
