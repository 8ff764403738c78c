import json
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from probes import icmp
from probes.attempt import Attempt, ProbeFailed
from probes.datagrams import Datagrams
from probes.egress import Door, Trust
from probes.kind import ProbeKind
from probes.result import Failure, ProbeResult
from probes.run import run
from probes.settings import IpVersion
from tests.rude.datagrams import ear
from tests.rude.network import in_own_network

OUR_GROUP = 'echo "0 0" > /proc/sys/net/ipv4/ping_group_range'
NOBODY = ":"  # how a network begins
INCAPABLE = "setpriv --bounding-set=-all --inh-caps=-all --no-new-privs"
WIRE = "ip link add one type veth peer name two; ip addr add 198.51.100.1/24 dev one; ip link set one up; ip link set two up"
A_HOLE = (
    f"{WIRE}; ip addr add fd99::1/64 dev one nodad; ip neigh add 198.51.100.2 lladdr 02:00:00:00:00:09 dev one; "
    "ip neigh add fd99::2 lladdr 02:00:00:00:00:09 dev one"
)
PING = """
import asyncio, json, uvloop
from probes import icmp
from probes.egress import Door
from probes.run import run
for loop in (uvloop.run, asyncio.run):
    result = loop(run(icmp.KIND, icmp.Settings.model_validate({settings}), door=Door(), timeout={timeout}))
    print(json.dumps([result.failure, result.stage, result.detail, dict(result.facts), result.took]))
"""


def pinged(host: str, *, timeout: float = 2, setup: str = OUR_GROUP, before: str = "", **more: object) -> list[list[Any]]:
    """Ping on both loops in a network of its own; gives failure, stage, detail, facts and duration of each."""
    code = PING.format(settings={"host": host, "spacing": "10ms", **more}, timeout=timeout)
    return [json.loads(line) for line in in_own_network(code, setup=setup, before=before).splitlines()]


# --- the kernel answers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("host", "version"), [("127.0.0.1", 4), ("::1", 6)])
@pytest.mark.parametrize(
    ("setup", "before"), [(OUR_GROUP, INCAPABLE), (NOBODY, ""), (OUR_GROUP, "")], ids=["unprivileged", "raw", "both allowed"]
)
def test_a_host_that_answers_is_good_by_either_kind_of_socket(host: str, version: int, setup: str, before: str) -> None:
    for failure, _, detail, facts, _ in pinged(host, setup=setup, before=before, count=4, size=1400):
        assert failure is None, detail
        assert (facts["ip_version"], facts["sent"], facts["received"], facts["loss_ratio"]) == (version, 4, 4, 0)
        assert 0 < facts["rtt_min_seconds"] <= facts["rtt_mean_seconds"] <= facts["rtt_max_seconds"] < 0.5


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_where_neither_socket_is_allowed_the_trouble_is_ours_and_says_what_to_do(host: str) -> None:
    for failure, stage, detail, _, _ in pinged(host, setup=NOBODY, before=INCAPABLE):
        assert (failure, stage) == ("impaired", "connect")
        assert "net.ipv4.ping_group_range" in detail
        assert "CAP_NET_RAW" in detail


@pytest.mark.parametrize("host", ["198.51.100.2", "fd99::2"])
def test_pings_that_vanish_time_out_before_the_probe_does(host: str) -> None:
    for failure, stage, detail, facts, took in pinged(host, setup=f"{OUR_GROUP}; {A_HOLE}", timeout=0.5):
        assert (failure, stage, detail) == ("timeout", "echo", "0 of 3 pings came back")
        assert (facts["received"], facts["loss_ratio"]) == (0, 1)
        assert took < 0.5


@pytest.mark.parametrize("setup", [OUR_GROUP, NOBODY], ids=["unprivileged", "raw"])
def test_a_host_that_nobody_finds_is_unreachable(setup: str) -> None:
    """The neighbour is asked for with nobody there, so this machine's own kernel plays the router that says so."""
    quick = "echo 1 > /proc/sys/net/ipv4/neigh/one/mcast_solicit; echo 50 > /proc/sys/net/ipv4/neigh/one/retrans_time_ms"
    for failure, stage, _, facts, took in pinged("198.51.100.2", setup=f"{setup}; {WIRE}; {quick}", timeout=2):
        assert (failure, stage) == ("unreachable", "echo")
        assert facts["received"] == 0
        assert took < 2


def test_without_a_route_the_trouble_is_ours() -> None:
    for failure, stage, detail, _, _ in pinged("198.51.100.2"):
        assert (failure, stage) == ("impaired", "connect")
        assert "no route" in detail


# --- pings that a script answers: the same bytes over another socket ----------------------------------------------------------


def reply(heard: bytes, *, is_new: bool = False) -> bytes:
    return bytes((129 if is_new else 0,)) + heard[1:]


def number(heard: bytes) -> int:
    return int(struct.unpack_from("!H", heard, 6)[0])


async def scripted(script: Callable[[bytes], Iterator[bytes]], timeout: float = 0.4, **more: object) -> ProbeResult:
    """Ping a script."""
    async with ear(script) as server:

        class OtherDoor(Door):
            async def echo(
                self, host: str, *, attempt: Attempt, trust: Trust = Trust.FOUND, ip: IpVersion = "any", most: int = 0
            ) -> Datagrams:
                return await self.datagram(host, server.port, attempt=attempt, trust=trust, ip=ip, most=most)

        settings = icmp.Settings.model_validate({"host": "127.0.0.1", "spacing": "10ms", **more})
        kind: ProbeKind[icmp.Settings] = icmp.KIND
        return await run(kind, settings, door=OtherDoor(), timeout=timeout)


def lose_one(heard: bytes) -> Iterator[bytes]:
    if number(heard) != 1:
        yield reply(heard)


async def test_a_lost_ping_is_counted_and_is_no_failure_by_itself() -> None:
    result = await scripted(lose_one, count=4)
    assert result.failure is None
    assert (result.facts["sent"], result.facts["received"], result.facts["loss_ratio"]) == (4, 3, 0.25)
    assert 0.3 < result.took < 0.4


@pytest.mark.parametrize(("allowed", "failure"), [(0, Failure.TIMEOUT), (24.9, Failure.TIMEOUT), (25, None), (50, None)])
async def test_more_loss_than_allowed_is_a_failure(allowed: float, failure: Failure | None) -> None:
    result = await scripted(lose_one, count=4, loss_above=allowed)
    assert result.failure is failure
    if failure is not None:
        assert (result.stage, result.detail) == ("echo", "3 of 4 pings came back")


async def test_pings_that_come_back_twice_are_a_warning() -> None:
    result = await scripted(lambda heard: iter((reply(heard), reply(heard))), count=3)
    assert result.failure is None
    assert result.facts["received"] == 3
    assert [warning.name for warning in result.warnings] == ["duplicates"]


async def test_what_is_no_answer_to_our_pings_is_not_counted() -> None:
    def others(heard: bytes) -> Iterator[bytes]:
        yield heard  # a raw socket hears our own question
        yield reply(heard)[:-1]
        yield reply(heard).replace(heard[8:24], bytes(16))  # an answer to somebody else's
        yield b"\3\1" + heard[2:]  # an error
        yield reply(heard, is_new=True)
        yield reply(heard)[:6] + b"\0\x63" + reply(heard)[8:]  # a number that we have not sent
        yield b""

    result = await scripted(others, count=2)
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "echo")
    assert (result.facts["received"], result.warnings) == (0, ())


async def test_pings_are_spread_over_half_of_the_time_at_most() -> None:
    result = await scripted(lambda heard: iter((reply(heard),)), count=20, spacing="10s", timeout=0.6)
    assert result.failure is None
    assert 0.2 < result.took < 0.5


async def test_pings_differ_in_their_number_and_share_a_random_mark() -> None:
    heard: list[bytes] = []

    def script(octets: bytes) -> Iterator[bytes]:
        heard.append(octets)
        yield reply(octets)

    await scripted(script, count=3, size=40)
    await scripted(script, count=1)
    assert [number(octets) for octets in heard] == [0, 1, 2, 0]
    assert len({octets[8:24] for octets in heard}) == 2
    assert [len(octets) for octets in heard] == [48, 48, 48, 64]


# --- bytes and settings -------------------------------------------------------------------------------------------------------


@given(st.integers(0, 65535), st.binary(min_size=16, max_size=80))
def test_the_checksum_makes_the_sum_of_the_whole_packet_all_ones(seq: int, payload: bytes) -> None:
    packet = icmp.echo(seq, payload, is_new=False)
    padded = packet + b"\0" * (len(packet) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    assert total % 0xFFFF == 0
    assert packet[0] == 8
    assert icmp.echoed(reply(packet), payload, is_new=False) == seq


@given(st.binary(max_size=40))
def test_no_packet_crashes_the_probe(packet: bytes) -> None:
    for payload in (b"", packet[8:]):
        for is_new in (False, True):
            found = icmp.echoed(packet, payload, is_new=is_new)
            assert found is None or packet[:2] == (b"\x81\0" if is_new else b"\0\0")


async def test_where_a_stranger_leads_no_ping_follows(door: Door) -> None:
    with pytest.raises(ProbeFailed) as failed:
        await door.echo("10.0.0.1", trust=Trust.FOUND, attempt=Attempt(elapsed=lambda: 0.0, allowed=1.0))
    assert failed.value.failure is Failure.BLOCKED


@pytest.mark.parametrize("wrong", [{"count": 0}, {"count": 21}, {"size": 15}, {"size": 8001}, {"loss_above": 100}, {"spacing": "0s"}])
def test_settings_out_of_bounds_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        icmp.Settings.model_validate({"host": "a", **wrong})


def test_a_typed_target_is_a_host() -> None:
    assert icmp.target(icmp.ad_hoc("[::1]")) == "::1"
    with pytest.raises(ValueError, match="no port"):
        icmp.ad_hoc("example.net:7")


def test_a_route_that_prohibits_is_this_machines_trouble_and_no_want_of_a_privilege() -> None:
    for failure, _, detail, _, _ in pinged("198.51.100.7", setup=f"{OUR_GROUP}; ip route add prohibit 198.51.100.7", before=INCAPABLE):
        assert (failure, detail) == ("impaired", "this machine has no route to 198.51.100.7")
