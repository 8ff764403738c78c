from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from probes import ntp
from probes.attempt import Attempt
from probes.egress import Door
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.rude.clocks import chrony, clock, stamp, told
from tests.rude.datagrams import closed_datagram_port, ear, silence


def wall() -> datetime:
    return datetime.now(UTC)


def ahead(seconds: float) -> datetime:
    return wall() + timedelta(seconds=seconds)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with chrony(tmp_path_factory.mktemp("chrony"), "local stratum 5") as port:
        yield port


@pytest.fixture(scope="module")
def unset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with chrony(tmp_path_factory.mktemp("chrony-unset")) as port:
        yield port


async def asked(door: Door, port: int, timeout: float = 2, **more: object) -> ProbeResult:
    settings = ntp.Settings.model_validate({"host": "127.0.0.1", "port": port, **more})
    return await run(ntp.KIND, settings, door=door, timeout=timeout, started=wall())


async def test_a_real_server_tells_the_time_of_this_machine(door: Door, real: int) -> None:
    result = await asked(door, real, offset_within="50ms")
    assert result.failure is None, result.detail
    assert abs(result.facts["offset_seconds"]) < 0.05
    assert 0 <= result.facts["delay_seconds"] < 0.5
    assert (result.facts["stratum"], result.facts["tries"]) == (5, 1)
    assert [phase.name for phase in result.phases] == ["connect", "answer"]


async def test_a_real_server_that_nothing_has_set_is_a_status_failure(door: Door, unset: int) -> None:
    result = await asked(door, unset)
    assert (result.failure, result.stage) == (Failure.STATUS, "status")
    assert "not synchronised" in result.detail


@pytest.mark.parametrize("off", [3.5, -7.25, 86400.0])
async def test_the_offset_is_its_clock_minus_ours(door: Door, off: float) -> None:
    async with ear(clock(lambda: ahead(off))) as server:
        result = await asked(door, server.port)
    assert result.failure is None
    assert result.facts["offset_seconds"] == pytest.approx(off, abs=0.2)
    assert (result.facts["root_delay_seconds"], result.facts["root_dispersion_seconds"]) == (1.0, 0.5)


async def test_a_clock_that_is_further_off_than_allowed_is_a_content_failure(door: Door) -> None:
    async with ear(clock(lambda: ahead(-3))) as server:
        result = await asked(door, server.port, offset_within="2s")
        assert (await asked(door, server.port, offset_within="4s")).failure is None
    assert (result.failure, result.stage) == (Failure.CONTENT, "content")
    assert "-3.0" in result.detail
    assert result.facts["offset_seconds"] < -2


@pytest.mark.parametrize("state", [{"leap": 3}, {"stratum": 0}, {"stratum": 16}, {"stratum": 0, "leap": 3, "reference": b"INIT"}])
async def test_a_clock_that_nothing_sets_is_a_status_failure(door: Door, state: dict[str, object]) -> None:
    async with ear(clock(wall, **state)) as server:
        result = await asked(door, server.port)
    assert (result.failure, result.stage) == (Failure.STATUS, "status")


@pytest.mark.parametrize(("kiss", "failure"), [(b"DENY", Failure.REJECTED), (b"RSTR", Failure.REJECTED), (b"RATE", Failure.DEFERRED)])
async def test_a_kiss_of_death_is_named(door: Door, kiss: bytes, failure: Failure) -> None:
    async with ear(clock(wall, stratum=0, leap=3, reference=kiss)) as server:
        result = await asked(door, server.port)
    assert (result.failure, result.stage) == (failure, "status")
    assert kiss.decode() in result.detail


@pytest.mark.parametrize(("leap", "word"), [(1, "inserted"), (2, "left out")])
async def test_a_leap_second_to_come_is_a_warning(door: Door, leap: int, word: str) -> None:
    async with ear(clock(wall, leap=leap)) as server:
        result = await asked(door, server.port)
    assert result.failure is None
    assert [(warning.name, word in warning.text) for warning in result.warnings] == [("leap_second", True)]


async def test_only_the_answer_to_our_question_is_believed(door: Door) -> None:
    def script(question: bytes) -> Iterator[bytes]:
        yield told(bytes(48), ahead(100))
        yield told(question, ahead(100), mode=3)
        yield told(question, ahead(100))[:47]
        yield told(question, wall())

    async with ear(script) as server:
        result = await asked(door, server.port, offset_within="1s")
    assert result.failure is None
    assert [(warning.name, warning.text[:2]) for warning in result.warnings] == [("strange_answers", "3 ")]


async def test_a_question_gives_our_own_time_away_to_nobody(door: Door) -> None:
    async with ear(clock(wall)) as server:
        await asked(door, server.port)
        await asked(door, server.port)
        first, second = server.heard
    assert (len(first), first[0], first[1:40]) == (48, 0x23, bytes(39))
    assert first[40:] != second[40:]
    assert int.from_bytes(first[40:44], "big") not in range((stamp(wall()) >> 32) - 60, (stamp(wall()) >> 32) + 60)


async def test_the_second_question_has_a_mark_and_a_time_of_its_own(door: Door) -> None:
    def second_time(question: bytes) -> Iterator[bytes]:
        if len(server.heard) == 2:
            yield told(question, wall())

    async with ear(second_time) as server:
        result = await asked(door, server.port, timeout=0.9)
        assert server.heard[0][40:] != server.heard[1][40:]
    assert result.failure is None
    assert result.facts["tries"] == 2
    assert result.facts["delay_seconds"] < 0.25


async def test_silence_times_out_and_a_closed_port_is_refused(door: Door) -> None:
    async with ear(silence) as server:
        result = await asked(door, server.port, timeout=0.2)
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "answer")
    result = await asked(door, closed_datagram_port())
    assert (result.failure, result.stage) == (Failure.REFUSED, "answer")


async def test_without_the_time_of_whoever_runs_it_the_probe_is_our_bug(door: Door) -> None:
    result = await run(ntp.KIND, ntp.Settings(host="127.0.0.1", port=9), door=door, timeout=2)
    assert result.failure is Failure.CRASHED
    assert "hand *started* to probes.run" in result.detail


def test_the_wall_clock_is_carried_on_by_the_monotonic_one() -> None:
    seconds = iter((0.0, 1.5, 3600.0))
    attempt = Attempt(elapsed=lambda: next(seconds), allowed=1.0, started=ASKED)
    assert [attempt.now() - ASKED for _ in range(3)] == [timedelta(0), timedelta(seconds=1.5), timedelta(hours=1)]


ASKED = datetime(2026, 3, 29, 1, 0, 0, 250_000, tzinfo=UTC)


def test_offset_and_delay_are_those_of_the_standard() -> None:
    """Asked at 0.25, there at 5.35 by their clock, away at 5.85, heard at 0.95: 0.2 s on the way, and 5 s ahead."""
    packet = told(bytes(40) + b"marked!!", ASKED + timedelta(seconds=5.1), takes=0.5)
    read = ntp.reading(packet, {int.from_bytes(b"marked!!", "big"): ASKED}, ASKED + timedelta(seconds=0.7))
    assert read is not None
    assert read.delay == pytest.approx(0.2, abs=1e-5)
    assert read.offset == pytest.approx(5.0, abs=1e-5)


@pytest.mark.parametrize("year", [2026, 2035, 2036, 2037, 2100, 2200])
def test_the_era_ends_in_2036_and_nobody_notices(year: int) -> None:
    ours = datetime(year, 2, 7, 6, 28, 16, tzinfo=UTC)
    read = ntp.reading(told(bytes(48), ours - timedelta(seconds=30)), {0: ours}, ours)
    assert read is not None
    assert read.offset == pytest.approx(-30, abs=1e-5)


@given(st.binary(max_size=80), st.booleans())
def test_no_answer_crashes_the_probe(octets: bytes, is_ours: bool) -> None:  # noqa: FBT001
    packet = b"\x24" + octets[:23].ljust(23, b"\0") + bytes(8) + octets[23:].ljust(16, b"\xff") if is_ours else octets
    read = ntp.reading(packet, {0: ASKED}, ASKED)
    assert (read is not None) or not is_ours


def test_a_typed_target_is_a_host_and_maybe_a_port() -> None:
    assert ntp.target(ntp.ad_hoc("time.example.net")) == "time.example.net:123"
    assert ntp.target(ntp.ad_hoc("[::1]:11123")) == "[::1]:11123"
    with pytest.raises(ValidationError, match="greater than"):
        ntp.Settings.model_validate({"host": "a", "offset_within": "0s"})
