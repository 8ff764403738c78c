import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from probes import lookup, tcp
from probes.egress import Door
from probes.lookup import Lookups, Resolver
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.deadline import until

Answers = list[tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int]]]


class Service:
    """The system's name service: *hung* names get no answer until *released*, *failing* ones EAI_AGAIN, all others 127.0.0.1."""

    def __init__(self) -> None:
        self.hung: set[str] = set()
        self.failing: set[str] = set()
        self.released = threading.Event()
        self.asked: list[str] = []
        self.busy = 0
        self.most_busy = 0

    def __call__(self, host: str, _port: object, *, type: socket.SocketKind) -> Answers:  # noqa: A002 - getaddrinfo's own word
        self.asked.append(host)
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        if host in self.hung:
            self.released.wait(20)
        self.busy -= 1
        if host in self.failing:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [(socket.AF_INET, type, 6, "", ("127.0.0.1", 0))]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Stand in for the machine's name service; tests/faults asks a real one, in a network of its own."""
    made_up = Service()
    monkeypatch.setattr("probes.lookup.socket.getaddrinfo", made_up)
    yield made_up
    made_up.released.set()


@pytest.fixture
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look-ups are called hung after a twentieth of the usual time."""
    monkeypatch.setattr(lookup, "_HANGS", 0.05)


class Resolving(asyncio.DatagramProtocol):
    """A resolver that fails at everything (SERVFAIL), or says nothing."""

    def __init__(self, *, is_silent: bool) -> None:
        self.is_silent = is_silent
        self.heard: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is one by behaviour only

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        self.heard.append(data)
        if not self.is_silent:
            self.transport.sendto(data[:2] + b"\x81\x82" + data[4:], addr)


@asynccontextmanager
async def resolver(*, is_silent: bool) -> AsyncIterator[tuple[Resolver, Resolving]]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Resolving(is_silent=is_silent), local_addr=("127.0.0.1", 0)
    )
    try:
        yield ("127.0.0.1", transport.get_extra_info("sockname")[1]), protocol
    finally:
        transport.close()


def door(*resolvers: Resolver) -> Door:
    return Door(lookups=Lookups(lambda: resolvers))


async def asked(door: Door, name: str, port: int, timeout: float = 5.0) -> ProbeResult:
    return await run(tcp.KIND, tcp.Settings(host=name, port=port), door=door, timeout=timeout)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Where a server listens."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


# --- whose trouble it is ------------------------------------------------------------------------------------------------------


async def test_a_temporary_failure_under_a_silent_resolver_is_ours(service: Service) -> None:
    service.failing = {"a.example"}
    async with resolver(is_silent=True) as (place, heard):
        result = await asked(door(place), "a.example", 1)
    assert (result.failure, result.stage) == (Failure.IMPAIRED, "dns")
    assert "none of this machine's resolvers answers" in result.detail
    assert len(heard.heard) == 2


async def test_a_temporary_failure_under_a_resolver_that_answers_is_the_names_own(service: Service) -> None:
    service.failing = {"a.example"}
    async with resolver(is_silent=False) as (place, _):
        result = await asked(door(place), "a.example", 1)
    assert (result.failure, result.stage) == (Failure.DNS, "dns")


async def test_one_resolver_of_several_that_answers_is_enough(service: Service) -> None:
    service.failing = {"a.example"}
    async with resolver(is_silent=True) as (silent, _), resolver(is_silent=False) as (alive, _):
        assert (await asked(door(silent, ("127.0.0.1", 9), alive), "a.example", 1)).failure is Failure.DNS


async def test_a_look_up_that_hangs_under_a_silent_resolver_is_ours_before_the_time_is_up(service: Service) -> None:
    service.hung = {"a.example"}
    async with resolver(is_silent=True) as (place, _):
        result = await asked(door(place), "a.example", 1, timeout=10)
    assert (result.failure, result.stage) == (Failure.IMPAIRED, "dns")
    assert result.took < 8


async def test_a_look_up_that_hangs_under_a_resolver_that_answers_times_out(service: Service) -> None:
    service.hung = {"a.example"}
    async with resolver(is_silent=False) as (place, heard):
        result = await asked(door(place), "a.example", 1, timeout=1.5)
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "dns")
    assert heard.heard


async def test_where_no_resolver_is_known_nothing_is_concluded(service: Service) -> None:
    service.failing = {"a.example"}
    assert (await asked(door(), "a.example", 1)).failure is Failure.DNS


async def test_the_resolvers_are_asked_once_for_all_who_doubt(service: Service) -> None:
    service.failing = {f"{number}.example" for number in range(30)}
    async with resolver(is_silent=True) as (place, heard):
        doubting = door(place)
        results = await asyncio.gather(*(asked(doubting, name, 1) for name in service.failing))
    assert {result.failure for result in results} == {Failure.IMPAIRED}
    assert len(heard.heard) == 2


# --- a seat for everybody -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_hasty")
async def test_names_that_hang_do_not_keep_the_others_from_being_asked(service: Service, port: int) -> None:
    service.hung = {f"{number}.example" for number in range(40)}
    async with resolver(is_silent=False) as (place, _):
        asking = door(place)
        hanging = [asyncio.create_task(asked(asking, name, 1, timeout=8)) for name in service.hung]
        await until(lambda: service.busy == 40)
        assert (await asked(asking, "healthy.example", port)).failure is None
        service.released.set()
        await asyncio.gather(*hanging)


@pytest.mark.usefixtures("_hasty")
async def test_a_name_that_hung_waits_behind_its_like_and_says_so_where_its_turn_does_not_come(service: Service, port: int) -> None:
    service.hung = {f"{number}.example" for number in range(200)}
    async with resolver(is_silent=False) as (place, _):
        asking = door(place)
        first = [asyncio.create_task(asked(asking, name, 1, timeout=1)) for name in service.hung]
        await until(lambda: service.busy == lookup._QUICK + lookup._SLOW)
        results = await asyncio.gather(*first)
        assert {result.failure for result in results} == {Failure.TIMEOUT, Failure.IMPAIRED}
        assert all("its turn" in result.detail for result in results if result.failure is Failure.IMPAIRED)
        service.released.set()
        await until(lambda: len(service.asked) == 200 and service.busy == 0)
        assert (await asked(asking, "healthy.example", port)).failure is None
    assert service.most_busy == lookup._QUICK + lookup._SLOW


@pytest.mark.usefixtures("_hasty")
async def test_once_known_names_that_hang_never_again_take_a_seat_in_the_quick_lane(service: Service, port: int) -> None:
    service.hung = {f"{number}.example" for number in range(100)}
    async with resolver(is_silent=False) as (place, _):
        asking = door(place)
        await asyncio.gather(*(asked(asking, name, 1, timeout=0.3) for name in service.hung))
        service.released.set()
        await until(lambda: service.busy == 0 and not asking._lookups._questions)
        asking._lookups._slow.update(dict.fromkeys(service.hung))
        service.released.clear()
        again = [asyncio.create_task(asked(asking, name, 1, timeout=8)) for name in service.hung]
        await until(lambda: service.busy == lookup._SLOW)
        healthy = await asyncio.gather(*(asked(asking, f"healthy-{number}.example", port) for number in range(50)))
        assert {result.failure for result in healthy} == {None}
        service.released.set()
        await asyncio.gather(*again)


@pytest.mark.usefixtures("_hasty")
async def test_a_slow_name_that_answers_quickly_again_is_slow_no_more(service: Service, port: int) -> None:
    service.hung = {"a.example"}
    asking = door()
    assert (await asked(asking, "a.example", port, timeout=0.5)).failure is Failure.TIMEOUT
    assert list(asking._lookups._slow) == ["a.example"]
    service.released.set()
    await until(lambda: not asking._lookups._questions)
    service.hung.clear()
    assert (await asked(asking, "a.example", port)).failure is None
    assert not asking._lookups._slow


def test_what_is_remembered_of_slow_names_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "_MOST_SLOW", 3)
    lookups = Lookups()
    for number in range(10):
        lookups._remember(f"{number}.example", is_slow=True)
    assert list(lookups._slow) == ["7.example", "8.example", "9.example"]


# --- which resolvers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nameserver 192.0.2.1\nnameserver 2001:db8::1\n", ["192.0.2.1", "2001:db8::1"]),
        ("# nameserver 192.0.2.9\n  nameserver\t192.0.2.1  # ours\nnameserver\noptions rotate\n", ["192.0.2.1"]),
        ("search example.net\n", ["127.0.0.1"]),
        ("nameserver fe80::1%eth0\n", []),
        ("nameserver no-address\xff\n", []),
    ],
)
def test_the_resolvers_are_those_of_the_machine(text: str, expected: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text(text, encoding="latin-1")
    monkeypatch.setattr(lookup, "_CONFIGURED", file)
    assert lookup.configured() == [(name, 53) for name in expected]


def test_where_nothing_says_which_resolvers_there_are_none_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lookup, "_CONFIGURED", tmp_path / "none")
    assert list(lookup.configured()) == []


def test_looking_away_takes_the_error_that_nobody_waits_for(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """A probe that was cut short leaves its look-up behind; the error that it brings later must not be logged as lost."""
    service.failing = service.hung = {"a.example"}
    asking: list[Callable[[], bool]] = []

    async def leave() -> None:
        leaving = door()
        asking.append(lambda: bool(leaving._lookups._questions))
        assert (await asked(leaving, "a.example", 1, timeout=0.1)).failure is Failure.TIMEOUT
        service.released.set()
        await until(lambda: not asking[0]())

    asyncio.run(leave())
    assert not caplog.records
