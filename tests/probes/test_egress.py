import asyncio
import errno
import socket
import threading
from collections.abc import Iterator

import pytest

from probes import tcp
from probes.addresses import Trust
from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.result import Failure
from probes.run import run
from tests.rude.peer import Peer, closed_port, rude

Answers = list[tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int]]]


class Names:
    """What the system's resolver answers, and how often it was asked. For *stuck* names it does not answer until *released*."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []
        self.stuck: set[str] = set()
        self.released = threading.Event()
        self.was_asked = threading.Event()

    def __call__(self, host: str, _port: object, *, type: socket.SocketKind) -> Answers:  # noqa: A002  getaddrinfo's own word
        self.asked.append(host)
        self.was_asked.set()
        if host in self.stuck:
            self.released.wait(5)
        if host not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answers = self.answers[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET6 if ":" in each else socket.AF_INET, type, 6, "", (each, 0)) for each in addresses]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    """Stand in for the machine's name service, the one thing here that tests cannot run for real."""
    made_up = Names()
    monkeypatch.setattr("probes.egress.socket.getaddrinfo", made_up)
    yield made_up
    made_up.released.set()


def attempt() -> Attempt:
    return Attempt(elapsed=lambda: 0.0, allowed=5.0)


async def hang(peer: Peer) -> None:
    await peer.hang()


@pytest.mark.parametrize("trust", list(Trust))
@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "0.0.0.0", "::ffff:169.254.169.254", "fd00:ec2::254"])
async def test_an_address_that_nobody_may_name_is_refused_before_a_packet_is_sent(address: str, trust: Trust) -> None:
    with pytest.raises(ProbeFailed) as caught:
        await Door().connect(address, 80, trust=trust, attempt=attempt())
    assert caught.value.failure is Failure.BLOCKED


async def test_a_name_is_judged_by_every_address_behind_it(names: Names) -> None:
    names.answers["mixed.example"] = [["127.0.0.1", "169.254.169.254"]]
    async with rude(hang) as server:
        with pytest.raises(ProbeFailed) as caught:
            await Door().connect("mixed.example", server.port, trust=Trust.NAMED, attempt=attempt())
        assert (caught.value.failure, server.connections) == (Failure.BLOCKED, 0)


async def test_a_name_that_answers_differently_the_second_time_is_asked_only_once(names: Names) -> None:
    names.answers["rebinding.example"] = [["127.0.0.1"], ["169.254.169.254"]]
    async with rude(hang) as server:
        with await Door().connect("rebinding.example", server.port, trust=Trust.NAMED, attempt=attempt()) as stream:
            assert stream.transport.get_extra_info("peername")[0] == "127.0.0.1"
    assert names.asked == ["rebinding.example"]


async def test_the_next_probe_asks_the_resolver_anew(names: Names) -> None:
    names.answers["moving.example"] = [["127.0.0.1"], ["10.0.0.1"]]
    door = Door()
    async with rude(hang) as server:
        (await door.connect("moving.example", server.port, trust=Trust.NAMED, attempt=attempt())).close()
    with pytest.raises(ProbeFailed, match=r"10\.0\.0\.1"):
        await door.connect("moving.example", 80, trust=Trust.FOUND, attempt=attempt())


async def test_a_name_that_does_not_exist_is_a_dns_failure() -> None:
    result = await run(tcp.KIND, tcp.Settings(host="does-not-exist.invalid", port=80), door=Door(), timeout=5)
    assert (result.failure, result.stage) == (Failure.DNS, "dns")


async def test_where_the_first_address_refuses_the_second_is_taken_and_the_first_is_named(names: Names) -> None:
    names.answers["half.example"] = [["127.0.0.2", "127.0.0.1"]]
    async with rude(hang) as server:
        trying = attempt()
        with await Door().connect("half.example", server.port, trust=Trust.NAMED, attempt=trying) as stream:
            assert stream.transport.get_extra_info("peername")[0] == "127.0.0.1"
    assert [warning.name for warning in trying.warnings] == ["address_failed"]
    assert "127.0.0.2" in trying.warnings[0].text


async def test_an_address_that_dawdles_does_not_hold_up_the_next(names: Names) -> None:
    names.answers["dawdling.example"] = [["127.0.0.2", "127.0.0.1"]]
    full = socket.create_server(("127.0.0.2", 0), backlog=0)
    port = full.getsockname()[1]
    waiting = [socket.socket() for _ in range(3)]
    for each in waiting:
        each.settimeout(0)
        each.connect_ex(("127.0.0.2", port))
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
    try:
        async with asyncio.timeout(2):
            with await Door().connect("dawdling.example", port, trust=Trust.NAMED, attempt=attempt()) as stream:
                assert stream.transport.get_extra_info("peername")[0] == "127.0.0.1"
    finally:
        server.close()
        await server.wait_closed()
        for each in (full, *waiting):
            each.close()


async def test_where_every_address_fails_the_targets_refusal_is_what_counts(names: Names) -> None:
    names.answers["down.example"] = [["127.0.0.2", "127.0.0.1"]]
    result = await run(tcp.KIND, tcp.Settings(host="down.example", port=closed_port()), door=Door(), timeout=2)
    assert (result.failure, result.stage) == (Failure.REFUSED, "connect")


async def test_without_a_local_route_we_are_impaired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.egress._has_route", lambda _: False)
    await _meets_no_route(monkeypatch, Failure.IMPAIRED)


async def test_with_a_local_route_the_target_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    await _meets_no_route(monkeypatch, Failure.UNREACHABLE)


async def _meets_no_route(monkeypatch: pytest.MonkeyPatch, failure: Failure) -> None:
    async def unreachable(*_: object) -> None:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    loop = asyncio.get_running_loop()
    door = Door()
    with monkeypatch.context() as patch:
        patch.setattr("probes.egress.asyncio.get_running_loop", lambda: _Loop(loop, unreachable))
        with pytest.raises((OSError, ProbeFailed)) as caught:
            await door.connect("127.0.0.1", 1, trust=Trust.NAMED, attempt=attempt())
    found = caught.value.failure if isinstance(caught.value, ProbeFailed) else Failure.UNREACHABLE
    assert found is failure


class _Loop:
    """The running loop, but for one method: the machine's routes cannot be pulled in a test."""

    def __init__(self, loop: asyncio.AbstractEventLoop, create_connection: object) -> None:
        self._loop = loop
        self.create_connection = create_connection

    def __getattr__(self, name: str) -> object:
        return getattr(self._loop, name)


async def test_a_resolver_that_hangs_holds_one_thread_per_name_and_nobody_waits_for_it(names: Names) -> None:
    names.stuck.add("stuck.example")
    door = Door()
    settings = tcp.Settings(host="stuck.example", port=80)
    results = await asyncio.gather(*(run(tcp.KIND, settings, door=door, timeout=0.1) for _ in range(20)))
    assert {(result.failure, result.stage) for result in results} == {(Failure.TIMEOUT, "dns")}
    assert names.asked == ["stuck.example"]


async def test_one_stuck_name_does_not_hold_up_the_others(names: Names) -> None:
    names.stuck.add("stuck.example")
    door = Door()
    stuck = asyncio.create_task(run(tcp.KIND, tcp.Settings(host="stuck.example", port=80), door=door, timeout=0.5))
    await asyncio.to_thread(names.was_asked.wait, 5)
    names.answers["quick.example"] = [["127.0.0.1"]]
    async with rude(hang) as server:
        assert (await run(tcp.KIND, tcp.Settings(host="quick.example", port=server.port), door=door, timeout=0.4)).failure is None
    assert (await stuck).failure is Failure.TIMEOUT
