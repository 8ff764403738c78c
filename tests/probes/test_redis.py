from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from probes import redis
from probes.egress import Door
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.rude.certificates import Certificates
from tests.rude.daemons import PASSWORD, USER, Daemon
from tests.rude.daemons import redis as real_redis
from tests.rude.ear import Ear
from tests.rude.peer import Peer, Script, closed_port, rude

LOGIN = {"user": USER, "password": PASSWORD}
EVERYBODY = {"user": "default", "password": "allerwelt"}


pytestmark = pytest.mark.xdist_group("redis")  # one server for all


@pytest.fixture(scope="module")
def guarded(certificates: Certificates) -> Iterator[Daemon]:
    with real_redis(certificates, password="allerwelt") as daemon:
        yield daemon


@pytest.fixture(scope="module")
def free(certificates: Certificates) -> Iterator[Daemon]:
    with real_redis(certificates) as daemon:
        yield daemon


async def ask(port: int, *, timeout: float = 5, listener: Ear | None = None, **settings: object) -> ProbeResult:
    given = redis.Settings.model_validate({"host": "127.0.0.1", "port": port, **settings})
    return await run(redis.KIND, given, door=Door(), timeout=timeout, listener=listener)


def says(*replies: bytes) -> Script:
    """A server that answers each command in turn, whatever it is; the lines of a command are heard, and passed over."""

    async def script(peer: Peer) -> None:
        for reply in replies:
            count = int((await peer.hear()).removeprefix("*") or 0)
            for _ in range(2 * count):
                await peer.hear()
            await peer.say(reply)
        await peer.hang()

    return script


# --- the real server ----------------------------------------------------------------------------------------------------------


async def test_a_real_server_answers_ping(free: Daemon) -> None:
    heard = Ear()
    result = await ask(free.port, listener=heard)
    assert (result.failure, [phase.name for phase in result.phases]) == (None, ["connect", "ping"])
    assert heard.lines == ["C PING", "S +PONG"]


async def test_name_and_password_are_shown_and_told_to_nobody(guarded: Daemon) -> None:
    for login in (LOGIN, EVERYBODY):
        heard = Ear()
        result = await ask(guarded.port, login=login, listener=heard)
        assert (result.failure, [phase.name for phase in result.phases]) == (None, ["connect", "auth", "ping"])
        assert login["password"] not in repr(heard.lines)
        assert heard.lines[0] == {USER: "C AUTH ann ***", "default": "C AUTH ***"}[login["user"]]


WRONG = {USER: "falsch", "default": "falsch", "no": "x"}


@pytest.mark.parametrize("login", [None, *({"user": name, "password": word} for name, word in WRONG.items())])
async def test_a_password_that_is_wrong_or_missing_is_a_matter_of_ours(guarded: Daemon, login: dict[str, str] | None) -> None:
    result = await ask(guarded.port, login=login)
    assert result.failure is Failure.AUTH_REJECTED
    assert "falsch" not in result.detail


async def test_a_password_that_nobody_asked_for_is_a_matter_of_ours_too(free: Daemon) -> None:
    assert (await ask(free.port, login=EVERYBODY)).failure is Failure.AUTH_REJECTED


async def test_a_command_is_asked_in_its_database_and_its_number_becomes_a_fact(free: Daemon) -> None:
    result = await ask(free.port, database=3, command=["dbsize"], expect="0")
    assert (result.failure, dict(result.facts)) == (None, {"ip_version": 4, "value": 0})
    assert [phase.name for phase in result.phases] == ["connect", "ping", "command"]


@pytest.mark.parametrize(("command", "expect", "said"), [(["DBSIZE"], "7", "'0'"), (["GET", "nothing"], "x", "no value")])
async def test_another_answer_than_expected_is_content(free: Daemon, command: list[str], expect: str, said: str) -> None:
    result = await ask(free.port, command=command, expect=expect)
    assert (result.failure, result.stage, result.detail) == (Failure.CONTENT, "command", f"the answer is {said}")


async def test_lists_and_long_texts_are_read_to_their_end(free: Daemon) -> None:
    assert (await ask(free.port, command=["ECHO", "a b"], expect="a b")).failure is None
    assert (await ask(free.port, command=["ROLE"])).failure is None
    heard = Ear()
    await ask(free.port, command=["INFO"], listener=heard)
    assert "redis_version:7" in heard.lines[-1]


async def test_what_the_user_may_not_do_is_refused(guarded: Daemon) -> None:
    result = await ask(guarded.port, login=LOGIN, command=["INFO"])
    assert (result.failure, result.stage) == (Failure.REJECTED, "command")
    assert "NOPERM" in result.detail


async def test_encryption_is_verified(free: Daemon, certificates: Certificates) -> None:
    good = await ask(free.tls_port, tls=True, ca=str(certificates.ca))
    assert (good.failure, "tls_expires_at" in good.facts) == (None, True)
    assert (await ask(free.tls_port, tls=True)).failure is Failure.TLS_UNTRUSTED
    assert (await ask(free.tls_port, tls=True, verify=False)).failure is None


# --- rude servers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", Failure.DEFERRED),
        (b"-ERR max number of clients reached\r\n", Failure.DEFERRED),
        (b"-DENIED Redis is running in protected mode\r\n", Failure.REJECTED),
        (b"-NOAUTH Authentication required.\r\n", Failure.AUTH_REJECTED),
        (b"+PANG\r\n", Failure.PROTOCOL),
        (b"HTTP/1.1 400 Bad Request\r\n", Failure.PROTOCOL),
        (b"$-1\r\n", Failure.PROTOCOL),
        (b"$4x\r\n", Failure.PROTOCOL),
        (b"$-2\r\n", Failure.PROTOCOL),
        (b"$4\r\nPONGPONG", Failure.PROTOCOL),
        (b"$2000000000\r\n", Failure.TOO_LARGE),
        (b"*2000000000\r\n", Failure.TOO_LARGE),
        (b"*1\r\n" * 20_000, Failure.TOO_LARGE),
        (b"+" + b"P" * 20_000, Failure.TOO_LARGE),
        (b"$4\r\nPO", Failure.TIMEOUT),
        (b"", Failure.TIMEOUT),
    ],
)
async def test_each_rudeness_has_its_own_name(reply: bytes, failure: Failure) -> None:
    async with rude(says(reply)) as server:
        result = await ask(server.port, timeout=0.5)
    assert (result.failure, result.stage) == (failure, "ping")


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (b"-WRONGPASS invalid username-password pair\r\n", Failure.AUTH_REJECTED),
        (b"-ERR invalid password\r\n", Failure.AUTH_REJECTED),
        (b"-LOADING wait\r\n", Failure.DEFERRED),
        (b"-ERR internal error\r\n", Failure.REJECTED),
        (b"+PONG\r\n", Failure.PROTOCOL),
    ],
)
async def test_a_login_that_fails_says_whose_matter_it_is(reply: bytes, failure: Failure) -> None:
    async with rude(says(reply)) as server:
        result = await ask(server.port, login=LOGIN)
    assert (result.failure, result.stage) == (failure, "auth")


async def test_a_password_that_the_server_repeats_is_masked() -> None:
    async with rude(says(b"-ERR invalid password geheim\r\n")) as server:
        heard = Ear()
        result = await ask(server.port, login=LOGIN, listener=heard)
    assert "geheim" not in repr(heard.lines) + result.detail


async def test_nothing_in_a_command_breaks_out_of_its_place() -> None:
    async with rude(says(b"+PONG\r\n", b"$1\r\nx\r\n")) as server:
        assert (await ask(server.port, command=["GET", "a b"])).failure is None
    assert server.heard[-4:] == ["$3", "GET", "$3", "a b"]


async def test_nobody_listening_is_refused() -> None:
    assert (await ask(closed_port())).failure is Failure.REFUSED


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"command": ["FLUSHALL"]}, "not a command that only reads"),
        ({"command": ["GET", "a\r\nFLUSHALL"]}, "control characters"),
        ({"expect": "1"}, "expect needs command"),
        ({"port": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        redis.Settings.model_validate({"host": "h", **settings})


def test_a_typed_target_has_the_usual_port() -> None:
    assert redis.target(redis.ad_hoc("cache.example.net")) == "cache.example.net:6379"
