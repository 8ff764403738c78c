import pytest
from pydantic import ValidationError

from probes import tcp
from probes.egress import Door
from probes.result import Failure
from probes.run import run
from tests.rude.certificates import Certificates
from tests.rude.ear import Ear
from tests.rude.peer import Peer, answers, closed_port, rude


async def hang(peer: Peer) -> None:
    await peer.hang()


async def greet(peer: Peer) -> None:
    await peer.say(b"SSH-2.0-OpenSSH_9.9\r\n")
    await peer.hang()


def at(port: int, **more: object) -> tcp.Settings:
    return tcp.Settings.model_validate({"host": "127.0.0.1", "port": port, **more})


async def test_an_open_port_is_good_and_says_which_protocol_reached_it(door: Door) -> None:
    async with rude(hang) as server:
        result = await run(tcp.KIND, at(server.port), door=door, timeout=2)
    assert result.failure is None
    assert result.stage is None
    assert [phase.name for phase in result.phases] == ["connect"]
    assert result.facts["ip_version"] == 4


async def test_the_connection_is_closed_when_the_probe_has_ended(door: Door) -> None:
    async with rude(hang) as server:
        await run(tcp.KIND, at(server.port), door=door, timeout=2)
        await server.closed.wait()


async def test_a_port_at_which_nobody_listens_is_refused(door: Door) -> None:
    result = await run(tcp.KIND, at(closed_port()), door=door, timeout=2)
    assert (result.failure, result.stage) == (Failure.REFUSED, "connect")


async def test_a_greeting_that_holds_the_expected_text_is_good(door: Door) -> None:
    async with rude(greet) as server:
        result = await run(tcp.KIND, at(server.port, expect="SSH-2.0"), door=door, timeout=2)
    assert result.failure is None
    assert [phase.name for phase in result.phases] == ["connect", "first_line"]


async def test_another_greeting_is_a_content_failure_that_quotes_it(door: Door) -> None:
    async with rude(greet) as server:
        result = await run(tcp.KIND, at(server.port, expect="FTP"), door=door, timeout=2)
    assert (result.failure, result.stage) == (Failure.CONTENT, "first_line")
    assert "OpenSSH_9.9" in result.detail


async def test_silence_where_a_greeting_is_expected_times_out_in_that_phase(door: Door) -> None:
    async with rude(hang) as server:
        result = await run(tcp.KIND, at(server.port, expect="SSH"), door=door, timeout=0.2)
    assert (result.failure, result.stage) == (Failure.TIMEOUT, "first_line")


async def test_tls_is_shaken_and_the_end_of_the_certificate_is_a_fact(door: Door, certificates: Certificates) -> None:
    async with rude(hang, tls=certificates.good()) as server:
        result = await run(tcp.KIND, at(server.port, tls=True, ca=certificates.ca), door=door, timeout=2)
    assert result.failure is None
    assert [phase.name for phase in result.phases] == ["connect", "tls"]
    assert result.facts["tls_expires_at"] > 1_700_000_000


def test_a_typed_target_is_host_and_port() -> None:
    assert tcp.ad_hoc("[::1]:25") == tcp.Settings(host="::1", port=25)
    assert tcp.target(tcp.ad_hoc("[::1]:25")) == "[::1]:25"
    with pytest.raises(ValueError, match="HOST:PORT"):
        tcp.ad_hoc("mail.example.net")


def test_a_key_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValidationError, match="prot"):
        tcp.Settings.model_validate({"host": "a", "port": 1, "prot": 2})


@pytest.mark.parametrize(("ip", "failure"), [("any", None), (4, None), (6, Failure.DNS)])
async def test_an_address_of_the_other_version_is_not_tried(ip: int | str, failure: Failure | None, door: Door) -> None:
    async with rude(hang) as server:
        result = await run(tcp.KIND, at(server.port, ip=ip), door=door, timeout=2)
        assert (server.connections == 0) is (failure is not None)
    assert (result.failure, result.stage) == (failure, "dns" if failure else None)


# --- a dialogue ---------------------------------------------------------------------------------------------------------------

SERVER = answers(b"220 hello\r\n", {"VERSION": b"* loading\r\nVERSION 5\r\n", "QUIT": b"BYE\r\n", "CHAT": b"so\r\n" * 200})


@pytest.mark.parametrize(
    ("script", "failure", "said"),
    [
        ([{"expect": "220"}, {"send": "VERSION"}, {"expect": "VERSION 5"}, {"send": "QUIT"}, {"expect": "BYE"}], None, ""),
        ([{"send": "VERSION"}, {"send": "QUIT"}, {"expect": "BYE"}], None, ""),
        ([{"send": "CHAT"}, {"expect": "done"}], Failure.CONTENT, "step 2: not in 100 lines, the last of which is 'so'"),
        ([{"send": "HUH"}, {"expect": "220"}, {"expect": "done"}], Failure.CLOSED, ""),
        ([{"expect": "220"}, {"expect": "more"}], Failure.TIMEOUT, ""),
    ],
)
async def test_a_dialogue_goes_step_by_step(script: list[dict[str, str]], failure: Failure | None, said: str, door: Door) -> None:
    async with rude(SERVER) as server:
        result = await run(tcp.KIND, at(server.port, script=script), door=door, timeout=0.3 if failure is Failure.TIMEOUT else 2)
    assert (result.failure, result.stage) == (failure, "script" if failure else None)
    assert said in result.detail


async def test_a_dialogue_follows_the_greeting_and_is_heard(door: Door) -> None:
    ear = Ear()
    async with rude(SERVER) as server:
        settings = at(server.port, expect="220", script=[{"send": "VERSION"}, {"expect": "5"}])
        result = await run(tcp.KIND, settings, door=door, timeout=2, listener=ear)
        assert server.heard == ["VERSION"]
    assert result.failure is None
    assert [phase.name for phase in result.phases] == ["connect", "first_line", "script"]
    assert ear.lines == ["S 220 hello", "C VERSION", "S * loading", "S VERSION 5"]


@pytest.mark.parametrize("script", [[{}], [{"send": "a", "expect": "b"}], [{"send": "a\nb"}], [{"send": ""}], [{"send": "a"}] * 51])
def test_a_dialogue_that_makes_no_sense_is_refused(script: list[dict[str, str]]) -> None:
    with pytest.raises(ValidationError):
        at(25, script=script)
