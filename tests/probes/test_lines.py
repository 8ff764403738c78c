import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.addresses import Trust
from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.lines import Stream
from probes.result import Failure
from tests.rude.peer import Peer, Rude, Script, rude


def fed(*parts: bytes, most: int = 65536, is_ended: bool = True) -> Stream:
    """Return a stream into which *parts* have come."""
    stream = Stream(most)
    for part in parts:
        stream.data_received(part)
    if is_ended:
        stream.eof_received()
    return stream


def saying(octets: bytes) -> Script:
    async def script(peer: Peer) -> None:
        await peer.say(octets)

    return script


async def test_lines_end_with_lf_or_crlf() -> None:
    stream = fed(b"a\r\nb\nc\rd\n\n")
    assert [await stream.line() for _ in range(4)] == [b"a", b"b", b"c\rd", b""]


async def test_an_end_within_a_line_is_closed_and_quotes_what_came() -> None:
    with pytest.raises(ProbeFailed, match="220 hel") as caught:
        await fed(b"220 hel").line()
    assert caught.value.failure is Failure.CLOSED


@pytest.mark.parametrize("octets", [b"x" * 101, b"x" * 101 + b"\n", b"x" * 5000])
async def test_a_line_past_the_cap_is_too_large_before_it_ends(octets: bytes) -> None:
    with pytest.raises(ProbeFailed) as caught:
        await fed(octets, is_ended=False).line(100)
    assert caught.value.failure is Failure.TOO_LARGE


async def test_a_connection_past_its_total_is_too_large() -> None:
    stream = fed(b"1234\n" * 10, most=12)
    assert [await stream.line(), await stream.line()] == [b"1234", b"1234"]
    with pytest.raises(ProbeFailed) as caught:
        await stream.line()
    assert caught.value.failure is Failure.TOO_LARGE


async def test_patience_holds_for_its_block_and_no_longer() -> None:
    stream = fed(b"a\n", is_ended=False)
    with pytest.raises(TimeoutError), stream.patience(0.01):  # noqa: PT012 - that the first line comes is part of the story
        assert await stream.line() == b"a"
        await stream.line()
    reading = asyncio.create_task(stream.line())
    await asyncio.sleep(0)
    stream.data_received(b"b\n")
    assert await reading == b"b"


async def test_patience_that_ends_while_nobody_waits_leaves_only_what_is_there() -> None:
    stream, passed = fed(b"a\n", is_ended=False), asyncio.Event()
    with stream.patience(0):
        asyncio.get_running_loop().call_later(0.001, passed.set)
        await passed.wait()
        assert await stream.line() == b"a"
        with pytest.raises(TimeoutError):
            await stream.line()


async def test_an_announced_size_past_the_total_is_refused_before_it_is_read() -> None:
    with pytest.raises(ProbeFailed) as caught:
        await fed(b"", most=100, is_ended=False).exactly(101)
    assert caught.value.failure is Failure.TOO_LARGE


async def test_the_same_words_come_out_however_the_bytes_are_cut() -> None:
    octets = b"one\r\ntwo {3}\r\nabcend\r\n"
    for cut in range(len(octets)):
        stream = fed(octets[:cut], octets[cut:])
        assert [await stream.line(), await stream.line(), await stream.exactly(3), await stream.line()] == [
            b"one",
            b"two {3}",
            b"abc",
            b"end",
        ]


async def test_a_flood_is_held_back_and_memory_stays_bounded() -> None:
    async def script(peer: Peer) -> None:
        await peer.flood(b"x" * 65536)

    async with rude(script) as server:
        attempt = Attempt(elapsed=lambda: 0.0, allowed=1.0)
        loop = asyncio.get_running_loop()
        with await Door().connect("127.0.0.1", server.port, trust=Trust.NAMED, attempt=attempt) as stream:
            until = loop.time() + 0.3
            while loop.time() < until:  # noqa: ASYNC110  nothing tells that a peer is held back: only time can show it
                await asyncio.sleep(0.01)
            assert 64 * 1024 <= len(stream._buffer) <= 512 * 1024
            assert await stream.exactly(60_000) == b"x" * 60_000


async def test_what_was_held_back_arrives_in_the_end() -> None:
    octets = bytes(range(256)) * 4000
    async with rude(saying(octets)) as server:
        attempt = Attempt(elapsed=lambda: 0.0, allowed=1.0)
        with await Door().connect("127.0.0.1", server.port, trust=Trust.NAMED, attempt=attempt, most=2_000_000) as stream:
            async with asyncio.timeout(5):
                assert await stream.exactly(len(octets)) == octets
            assert await stream.some(10) == b""


@given(st.binary(max_size=300), st.lists(st.integers(min_value=0, max_value=300), max_size=4))
def test_any_bytes_cut_anyhow_give_the_lines_that_a_plain_split_gives(octets: bytes, cuts: list[int]) -> None:
    async def read() -> list[bytes]:
        edges = sorted({0, len(octets), *(cut for cut in cuts if cut < len(octets))})
        stream = fed(*(octets[since:until] for since, until in pairwise(edges)))
        return [await stream.line() for _ in range(octets.count(b"\n"))]

    split = octets.split(b"\n")[:-1]
    assert asyncio.run(read()) == [line.removesuffix(b"\r") for line in split]


# --- a peer that has ended ----------------------------------------------------------------------------------------------------


async def cut(peer: Peer) -> None:
    peer.reset()


async def hang_up(peer: Peer) -> None:
    peer.writer.close()


async def connected(server: Rude) -> Stream:
    attempt = Attempt(elapsed=lambda: 0.0, allowed=1.0)
    return await Door().connect("127.0.0.1", server.port, trust=Trust.NAMED, attempt=attempt)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110  a transport tells nobody
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(("script", "ended"), [(cut, ConnectionResetError), (hang_up, ProbeFailed)])
async def test_who_writes_to_a_peer_that_has_ended_learns_of_its_end(script: Script, ended: type[Exception]) -> None:
    async with rude(script) as server:
        with await connected(server) as stream:
            await until(lambda: stream._is_ended)
            for _ in range(3):
                with pytest.raises(ended):
                    stream.write(b"anybody there?\r\n")
                await asyncio.sleep(0)


async def test_the_last_words_of_a_peer_are_read_before_its_end_is_told() -> None:
    async with rude(saying(b"220 hi\r\n421 too busy\r\n")) as server:
        with await connected(server) as stream:
            await until(lambda: stream._is_ended)
            assert await stream.line() == b"220 hi"
            stream.write(b"EHLO me\r\n")
            assert await stream.line() == b"421 too busy"
            with pytest.raises(ProbeFailed):
                stream.write(b"QUIT\r\n")


async def test_a_peer_that_was_held_back_goes_on_after_its_words_were_thrown_away() -> None:
    async def script(peer: Peer) -> None:
        await peer.flood(b"x" * 65536)

    async with rude(script) as server:
        with await connected(server) as stream:
            await until(lambda: stream._is_paused)
            assert stream.discard().strip(b"x") == b""
            async with asyncio.timeout(5):
                assert await stream.some(1) == b"x"


@pytest.mark.parametrize(
    ("peer", "may_be"), [(("127.0.0.1", 9), False), (("::1", 9, 0, 0), False), (("192.0.2.1", 9), True), (None, True), ("", True)]
)
async def test_only_what_stays_on_this_machine_cannot_be_overheard(peer: object, may_be: bool) -> None:  # noqa: FBT001
    stream = Stream()
    stream.connection_made(asyncio.Transport(extra={"peername": peer}))
    assert stream.may_be_overheard is may_be
    stream.connection_made(asyncio.Transport(extra={"peername": peer, "ssl_object": object()}))
    assert stream.may_be_overheard is False
