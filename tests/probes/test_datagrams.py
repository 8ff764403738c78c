import asyncio
import socket
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from probes.addresses import Network
from probes.attempt import Attempt, ProbeFailed
from probes.datagrams import MOST, Datagrams, exchange
from probes.egress import Door, Trust
from probes.result import Failure
from tests.rude.datagrams import closed_datagram_port, ear, silence


@pytest.fixture
def attempt() -> Attempt:
    return Attempt(elapsed=lambda: 0.0, allowed=2.0)


async def opened(door: Door, port: int, attempt: Attempt, most: int = MOST) -> Datagrams:
    return await door.datagram("127.0.0.1", port, trust=Trust.NAMED, attempt=attempt, most=most)


def echoed(heard: bytes) -> Iterator[bytes]:
    yield b"heard " + heard


def open_sockets() -> int:
    return sum(_leads_to_socket(entry) for entry in Path("/proc/self/fd").iterdir())


def _leads_to_socket(entry: Path) -> bool:
    try:
        return str(entry.readlink()).startswith("socket:")
    except FileNotFoundError:
        return False


async def test_a_datagram_goes_out_and_its_answer_comes_in(door: Door, attempt: Attempt) -> None:
    async with ear(echoed) as server:
        with await opened(door, server.port, attempt) as datagrams:
            datagrams.send(b"hello")
            assert await asyncio.wait_for(datagrams.receive(), 2) == b"heard hello"
    assert attempt.facts["ip_version"] == 4
    assert [phase.name for phase in attempt.phases] == ["connect"]


async def test_an_answer_that_is_there_already_is_taken_without_waiting(door: Door, attempt: Attempt) -> None:
    async with ear(lambda heard: (heard, b"second")) as server:
        with await opened(door, server.port, attempt) as datagrams:
            datagrams.send(b"first")
            assert [await datagrams.receive(), await datagrams.receive()] == [b"first", b"second"]


async def test_a_datagram_from_another_port_is_never_seen(door: Door, attempt: Attempt) -> None:
    async with ear(silence) as server, ear(silence) as stranger:
        with await opened(door, server.port, attempt) as datagrams:
            datagrams.send(b"hello")
            await asyncio.wait_for(server.came.get(), 2)
            stranger.say(b"from elsewhere", server.senders[0])
            server.say(b"from there", server.senders[0])
            assert await asyncio.wait_for(datagrams.receive(), 2) == b"from there"


async def test_a_port_at_which_nobody_listens_is_refused(door: Door, attempt: Attempt) -> None:
    with await opened(door, closed_datagram_port(), attempt) as datagrams:
        datagrams.send(b"hello")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.wait_for(datagrams.receive(), 2)


async def test_after_a_refusal_the_socket_still_hears_and_does_not_spin(door: Door, attempt: Attempt) -> None:
    port = closed_datagram_port()
    with await opened(door, port, attempt) as datagrams:
        datagrams.send(b"too early")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.wait_for(datagrams.receive(), 2)
        listening = asyncio.ensure_future(datagrams.receive())
        before = time.process_time()
        await asyncio.sleep(0.2)
        assert time.process_time() - before < 0.03
        async with ear(echoed, port=port):
            datagrams.send(b"again")
            assert await asyncio.wait_for(listening, 2) == b"heard again"


async def test_past_the_count_of_datagrams_the_peer_is_too_large(door: Door, attempt: Attempt) -> None:
    async with ear(lambda _: [b"x"] * 10) as server:
        with await opened(door, server.port, attempt, most=3) as datagrams:
            datagrams.send(b"hello")
            for _ in range(3):
                await asyncio.wait_for(datagrams.receive(), 2)
            with pytest.raises(ProbeFailed, match="more than 3 datagrams") as failed:
                await asyncio.wait_for(datagrams.receive(), 2)
    assert failed.value.failure is Failure.TOO_LARGE


async def test_leaving_closes_the_socket_and_leaves_no_reader_behind(door: Door, attempt: Attempt) -> None:
    async with ear(silence) as server:
        before = open_sockets()
        with await opened(door, server.port, attempt) as datagrams:
            listening = asyncio.ensure_future(datagrams.receive())
            await asyncio.sleep(0)
            assert open_sockets() == before + 1
        assert open_sockets() == before
        listening.cancel()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as next_of_that_number:
            heard = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().add_reader(next_of_that_number.fileno(), heard.set_result, None)
            await asyncio.wait({listening})
            assert listening.cancelled()
            next_of_that_number.connect(("127.0.0.1", server.port))
            next_of_that_number.send(b"hello")
            await asyncio.wait_for(server.came.get(), 2)
            server.say(b"answer", server.senders[-1])
            await asyncio.wait_for(heard, 2)
            asyncio.get_running_loop().remove_reader(next_of_that_number.fileno())


async def test_a_name_is_looked_up_and_an_address_of_the_wanted_version_taken(door: Door, attempt: Attempt) -> None:
    async with ear(echoed) as server:
        with await door.datagram("localhost", server.port, trust=Trust.NAMED, ip=4, attempt=attempt) as datagrams:
            datagrams.send(b"hello")
            assert await asyncio.wait_for(datagrams.receive(), 2) == b"heard hello"
    assert [phase.name for phase in attempt.phases] == ["dns", "connect"]


async def test_ipv6_is_spoken(door: Door, attempt: Attempt) -> None:
    async with ear(echoed, host="::1") as server:
        with await door.datagram("::1", server.port, trust=Trust.NAMED, attempt=attempt) as datagrams:
            datagrams.send(b"hello")
            assert await asyncio.wait_for(datagrams.receive(), 2) == b"heard hello"
    assert attempt.facts["ip_version"] == 6


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "224.0.0.1", "255.255.255.255", "::ffff:169.254.169.254"])
async def test_what_nobody_may_name_is_blocked(door: Door, attempt: Attempt, address: str) -> None:
    before = open_sockets()
    for opening in (door.datagram(address, 53, trust=Trust.NAMED, attempt=attempt), door.echo(address, trust=Trust.NAMED, attempt=attempt)):
        with pytest.raises(ProbeFailed) as failed:
            await opening
        assert (failed.value.failure, failed.value.stage) == (Failure.BLOCKED, "connect")
    assert open_sockets() == before


async def test_what_others_name_must_be_public_or_allowed(door: Door, attempt: Attempt, loopback: Network) -> None:
    assert ip_address("127.0.0.1") in loopback
    for opening in (door.datagram("127.0.0.1", 53, attempt=attempt), door.echo("127.0.0.1", attempt=attempt)):
        with pytest.raises(ProbeFailed) as failed:
            await opening
        assert failed.value.failure is Failure.BLOCKED
    with await Door(allow=[loopback]).datagram("127.0.0.1", 53, attempt=attempt):
        assert attempt.facts["ip_version"] == 4


async def test_a_question_without_an_answer_is_asked_once_more_after_a_third_of_the_time(door: Door) -> None:
    heard: list[bytes] = []

    def second_time(octets: bytes) -> Iterator[bytes]:
        heard.append(octets)
        if len(heard) == 2:
            yield b"at last"

    loop = asyncio.get_running_loop()
    began = loop.time()
    attempt = Attempt(elapsed=lambda: loop.time() - began, allowed=0.6)
    async with ear(second_time) as server:
        with await opened(door, server.port, attempt) as datagrams:
            asking = exchange(datagrams, lambda: b"question", lambda came: came, attempt)
            assert await asyncio.wait_for(asking, 2) == b"at last"
    assert heard == [b"question", b"question"]
    assert attempt.facts["tries"] == 2
    assert 0.19 < loop.time() - began < 0.5


async def test_what_is_no_answer_is_ignored_and_told(door: Door, attempt: Attempt) -> None:
    async with ear(lambda _: (b"no", b"nor this", b"yes")) as server:
        with await opened(door, server.port, attempt) as datagrams:
            asking = exchange(datagrams, lambda: b"?", lambda came: came if came == b"yes" else None, attempt)
            said = await asyncio.wait_for(asking, 2)
    assert said == b"yes"
    assert attempt.facts["tries"] == 1
    assert [(warning.name, warning.text[:2]) for warning in attempt.warnings] == [("strange_answers", "2 ")]


async def test_a_flood_leaves_others_their_turn(door: Door, attempt: Attempt) -> None:
    turns: list[int] = []
    taken = 0
    async with ear(lambda _: [b"x"] * 250) as server:
        with await opened(door, server.port, attempt) as datagrams:
            datagrams.send(b"hello")
            await asyncio.wait_for(server.came.get(), 2)
            asyncio.get_running_loop().call_soon(lambda: turns.append(taken))
            while taken < 250:
                await asyncio.wait_for(datagrams.receive(), 2) if taken == 249 else await datagrams.receive()
                taken += 1
    assert turns == [100]
