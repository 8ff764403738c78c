import pytest
from pydantic import ValidationError

from probes import udp
from probes.egress import Door
from probes.result import Failure
from probes.run import run
from tests.rude.datagrams import closed_datagram_port, ear, silence


def at(port: int, **more: object) -> udp.Settings:
    return udp.Settings.model_validate({"host": "127.0.0.1", "port": port, **more})


async def test_an_answer_that_holds_the_expected_text_is_good(door: Door) -> None:
    async with ear(lambda heard: (b"<" + heard + b">",)) as server:
        result = await run(udp.KIND, at(server.port, send="pïng", expect="<pïng>"), door=door, timeout=2)
    assert result.failure is None
    assert [phase.name for phase in result.phases] == ["connect", "answer"]
    assert result.facts["answer_bytes"] == 7


async def test_bytes_are_written_in_hexadecimal(door: Door) -> None:
    async with ear(lambda heard: (heard[::-1],)) as server:
        result = await run(udp.KIND, at(server.port, send_hex="00ff01", expect_hex="01FF00"), door=door, timeout=2)
        assert server.heard == [b"\x00\xff\x01"]
    assert result.failure is None


async def test_another_answer_is_a_content_failure_that_quotes_it(door: Door) -> None:
    async with ear(lambda _: (b"go away\x1b[2J",)) as server:
        result = await run(udp.KIND, at(server.port, send="x", expect="welcome"), door=door, timeout=2)
    assert (result.failure, result.stage) == (Failure.CONTENT, "content")
    assert "go away" in result.detail
    assert "\x1b" not in result.detail


async def test_silence_where_an_answer_is_expected_times_out_in_that_phase(door: Door) -> None:
    async with ear(silence) as server:
        result = await run(udp.KIND, at(server.port, send="x", expect="y"), door=door, timeout=0.2)
        assert server.heard == [b"x"]  # once: what it does to the server is not ours to do twice
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "answer")


async def test_silence_is_good_where_nothing_is_expected_and_is_over_before_the_time_is(door: Door) -> None:
    async with ear(silence) as server:
        result = await run(udp.KIND, at(server.port), door=door, timeout=0.4)
        assert server.heard == [b""]
    assert result.failure is None
    assert 0.15 < result.took < 0.35
    assert "answer_bytes" not in result.facts


async def test_any_answer_is_good_where_nothing_is_expected_and_ends_the_listening(door: Door) -> None:
    async with ear(lambda _: (b"!",)) as server:
        result = await run(udp.KIND, at(server.port), door=door, timeout=20)
    assert result.failure is None
    assert result.took < 0.9
    assert result.facts["answer_bytes"] == 1


@pytest.mark.parametrize("more", [{}, {"expect": "y"}])
async def test_a_port_at_which_nobody_listens_is_refused_whatever_is_expected(door: Door, more: dict[str, str]) -> None:
    result = await run(udp.KIND, at(closed_datagram_port(), send="x", **more), door=door, timeout=2)
    assert (result.failure, result.stage) == (Failure.REFUSED, "answer")
    assert result.took < 0.9


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"send": "a", "send_hex": "00"}, "not both"),
        ({"expect": "a", "expect_hex": "00"}, "not both"),
        ({"send_hex": "0g"}, "two digits for each byte"),
        ({"send_hex": "000"}, "two digits for each byte"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(wrong: dict[str, str], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        at(1, **wrong)


def test_a_typed_target_is_host_and_port() -> None:
    assert udp.target(udp.ad_hoc("[::1]:514")) == "[::1]:514"
    with pytest.raises(ValueError, match="HOST:PORT"):
        udp.ad_hoc("example.net")
