import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from probes import prometheus
from probes.addresses import Network
from probes.egress import Door
from probes.result import Failure, ProbeResult
from probes.run import run
from probes.settings import Secret
from tests.rude.certificates import Certificates
from tests.rude.ear import Ear
from tests.rude.metrics import prometheus as real_prometheus
from tests.rude.peer import Peer, Rude, Script, closed_port, rude


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with real_prometheus(tmp_path_factory.mktemp("prometheus")) as url:
        yield url


async def ask(url: str, query: str, *, timeout: float = 5, ear: Ear | None = None, **settings: object) -> ProbeResult:
    given = prometheus.Settings.model_validate({"url": url, "query": query, **settings})
    return await run(prometheus.KIND, given, door=Door(), timeout=timeout, listener=ear)


# --- against a real server ----------------------------------------------------------------------------------------------------


async def test_all_series_within_bounds_are_good_and_their_range_is_known(server: str) -> None:
    result = await ask(server, "queue_depth", expect={"at_least": 3, "below": 251})
    assert result.failure is None
    assert {name: result.facts[name] for name in ("series", "lowest", "highest")} == {"series": 2, "lowest": 3, "highest": 250}


async def test_one_series_out_of_bounds_fails_where_all_must_hold_and_is_named(server: str) -> None:
    result = await ask(server, "queue_depth", expect={"below": 100})
    assert (result.failure, result.stage) == (Failure.CONTENT, "value")
    assert "1 of 2 series not below 100" in result.detail
    assert "queue=out" in result.detail
    assert "is 250" in result.detail
    assert result.facts["highest"] == 250


@pytest.mark.parametrize(("bound", "failure"), [({"below": 100}, None), ({"above": 250}, Failure.CONTENT)])
async def test_one_series_within_bounds_is_enough_where_any_may_hold(server: str, bound: dict[str, float], failure: Failure | None) -> None:
    result = await ask(server, "queue_depth", expect={**bound, "series": "any"})
    assert result.failure is failure


@pytest.mark.parametrize(
    ("bound", "is_met"),
    [
        ({"above": 3}, False),
        ({"above": 2.9}, True),
        ({"at_least": 3}, True),
        ({"at_most": 3}, True),
        ({"below": 3}, False),
        ({"below": 3.1}, True),
        ({"at_least": 2, "at_most": 2.5}, False),
    ],
)
async def test_bounds_hold_as_their_names_say(server: str, bound: dict[str, float], *, is_met: bool) -> None:
    result = await ask(server, 'queue_depth{queue="in"}', expect=bound)
    assert (result.failure is None) is is_met


async def test_a_scalar_is_compared_too(server: str) -> None:
    assert (await ask(server, "scalar(sum(queue_depth))", expect={"at_least": 253})).failure is None
    assert (await ask(server, "2 + 2", expect={"above": 4})).failure is Failure.CONTENT


@pytest.mark.parametrize(("means", "failure"), [("fails", Failure.CONTENT), ("passes", None)])
async def test_what_no_result_means_is_a_setting(server: str, means: str, failure: Failure | None) -> None:
    result = await ask(server, "queue_depth > 1000", expect={"above": 0, "no_result": means})
    assert result.failure is failure
    assert result.facts["series"] == 0


async def test_an_expression_of_an_alert_rule_fails_as_soon_as_it_gives_anything(server: str) -> None:
    assert (await ask(server, "queue_depth > 1000", expect={"no_result": "expected"})).failure is None
    firing = await ask(server, "queue_depth > 100", expect={"no_result": "expected"})
    assert (firing.failure, firing.stage) == (Failure.CONTENT, "value")
    assert "1 series where none is expected" in firing.detail


@pytest.mark.parametrize("bound", [{"above": -1}, {"below": 1}, {"at_most": 0}])
async def test_nan_is_within_no_bounds_and_no_fact(server: str, bound: dict[str, float]) -> None:
    result = await ask(server, "temperature_celsius", expect=bound)
    assert (result.failure, result.stage) == (Failure.CONTENT, "value")
    assert "lowest" not in result.facts


async def test_infinity_is_compared_and_is_no_fact(server: str) -> None:
    result = await ask(server, "vector(1) / 0", expect={"above": 1000})
    assert result.failure is None
    assert "highest" not in result.facts


@pytest.mark.parametrize("query", ["queue_depth[", "queue_depth[5m]", '"words"', "queue_depth + on() group_left queue_depth"])
async def test_a_query_that_gives_no_values_says_nothing_about_the_target(server: str, query: str) -> None:
    result = await ask(server, query, expect={"above": 0})
    assert result.failure is Failure.SOURCE_FAILED
    assert result.stage in {"status", "content"}
    assert result.detail


async def test_the_servers_own_words_about_a_bad_query_are_in_the_detail(server: str) -> None:
    result = await ask(server, "queue_depth[", expect={"above": 0})
    assert "bad_data" in result.detail
    assert "parse error" in result.detail


# --- against rude ones --------------------------------------------------------------------------------------------------------


def saying(body: object, status: str = "200 OK", kind: str = "application/json") -> Script:
    async def script(peer: Peer) -> None:
        await peer.hear_head()
        octets = body if isinstance(body, bytes) else json.dumps(body).encode()
        await peer.say(f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(octets)}\r\n\r\n".encode() + octets)

    return script


def redirecting(location: str) -> Script:
    async def script(peer: Peer) -> None:
        await peer.hear_head()
        await peer.say(f"HTTP/1.1 303 See Other\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())

    return script


def vector(*values: object, **more: object) -> dict[str, object]:
    series = [{"metric": {"__name__": "up", "job": f"j{n}"}, "value": value} for n, value in enumerate(values)]
    return {"status": "success", "data": {"resultType": "vector", "result": series}, **more}


async def bound(server: Rude, **settings: object) -> ProbeResult:
    return await ask(server.url(), "up", **({"expect": {"above": 0}} | settings))  # type: ignore[arg-type]


async def test_a_server_that_is_away_says_nothing_about_the_target() -> None:
    result = await ask(f"http://127.0.0.1:{closed_port()}", "up", expect={"above": 0})
    assert (result.failure, result.stage) == (Failure.SOURCE_FAILED, "connect")
    assert "refused" in result.detail


async def test_a_server_that_keeps_silent_says_nothing_about_the_target() -> None:
    async with rude(lambda peer: peer.hang()) as server:
        result = await bound(server, timeout=0.3)
    assert (result.failure, result.stage) == (Failure.SOURCE_FAILED, "first_byte")
    assert "timeout" in result.detail


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b"[" * 10_000,
        b"9" * 100_000,
        {"status": "success"},
        {"status": "success", "data": []},
        {"status": "success", "data": {"resultType": "vector", "result": {}}},
        {"status": "success", "data": {"resultType": "vector", "result": [1]}},
        {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "histogram": [1, {}]}]}},
        {"status": "success", "data": {"resultType": "scalar", "result": ["1"]}},
        {"status": "success", "data": {"resultType": {}, "result": []}},
        vector([1]),
        vector([1, 2]),
        vector([1, "x"]),
        vector([1, "9" * 65]),
        vector("11"),
    ],
)
async def test_an_answer_that_is_none_is_unreadable_and_never_a_crash(body: object) -> None:
    async with rude(saying(body)) as server:
        result = await bound(server)
    assert (result.failure, result.stage) == (Failure.SOURCE_FAILED, "content")


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    async def script(peer: Peer) -> None:
        await peer.hear_head()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\n")
        await peer.flood(b" " * 65536)

    async with rude(script) as server:
        result = await bound(server)
    assert result.failure is Failure.SOURCE_FAILED
    assert "too_large" in result.detail


async def test_labels_from_outside_are_made_fit_to_print() -> None:
    hostile = {"metric": {"__name__": "up", "job": "\x1b[31m\u202e\ud800" + "x" * 500}, "value": [1, "0"]}
    async with rude(saying({"status": "success", "data": {"resultType": "vector", "result": [hostile]}})) as server:
        result = await bound(server)
    assert result.failure is Failure.CONTENT
    assert result.detail.isprintable()
    assert len(result.detail) <= 200


async def test_a_warning_of_the_server_is_passed_on() -> None:
    async with rude(saying(vector([1, "1"], warnings=["a store did not answer"]))) as server:
        result = await bound(server)
    assert result.failure is None
    assert [(warning.name, "a store did not answer" in warning.text) for warning in result.warnings] == [("incomplete", True)]


async def test_a_refused_token_is_auth_rejected_and_is_shown_nowhere() -> None:
    ear = Ear()
    async with rude(saying({"status": "error", "error": "s3cret-token"}, "403 Forbidden")) as server:
        result = await bound(server, bearer="s3cret-token", ear=ear)
        assert "authorization: Bearer s3cret-token" in server.heard
    assert (result.failure, result.stage) == (Failure.AUTH_REJECTED, "status")
    assert not [line for line in ear.lines if "s3cret" in line]


async def test_a_refusal_of_another_origin_to_which_nothing_was_shown_is_the_sources(loopback: Network) -> None:
    async with rude(saying(b"no", "401 Unauthorized", "text/plain")) as there, rude(redirecting(there.url())) as here:
        given = {"url": here.url(), "query": "up", "bearer": "s3cret-token", "expect": {"above": 0}}
        door = Door(allow=[loopback])
        result = await run(prometheus.KIND, prometheus.Settings.model_validate(given), door=door, timeout=5)
    assert (result.failure, result.stage) == (Failure.SOURCE_FAILED, "status")


async def test_a_refusal_without_anything_shown_is_the_sources() -> None:
    async with rude(saying(b"no", "401 Unauthorized", "text/plain")) as server:
        result = await bound(server)
    assert (result.failure, result.stage) == (Failure.SOURCE_FAILED, "status")


async def test_the_request_is_a_form_at_the_api_below_the_given_path(certificates: Certificates) -> None:
    bodies: list[str] = []

    async def script(peer: Peer) -> None:
        head = await peer.hear_head()
        length = next(int(line.partition(": ")[2]) for line in head if line.startswith("content-length"))
        bodies.append((await peer.reader.readexactly(length)).decode())
        octets = json.dumps(vector([1, "1"])).encode()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + octets)

    async with rude(script, tls=certificates.good()) as server:
        given = {"url": server.url("/prom/", scheme="https"), "ca": certificates.ca, "headers": {"X-Scope-OrgID": "blue"}}
        result = await ask(given.pop("url"), 'up{a="b&c"}', expect={"above": 0}, login={"user": "ann", "password": "x"}, **given)  # type: ignore[arg-type]
        assert server.heard[0] == "POST /prom/api/v1/query HTTP/1.1"
        assert {"content-type: application/x-www-form-urlencoded", "x-scope-orgid: blue"} <= set(server.heard)
    assert result.failure is None
    assert bodies == ["query=up%7Ba%3D%22b%26c%22%7D&timeout=4500ms"]


# --- settings -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"expect": {}}, "say above"),
        ({"expect": {"above": 1, "no_result": "expected"}}, "no values to compare"),
        ({"expect": {"above": float("nan")}}, "finite"),
        ({"expect": {"above": 1}, "url": "http://127.0.0.1/?query=up"}, "key of its own"),
        ({"expect": {"above": 1}, "url": "http://prometheus.example.net", "bearer": "t"}, "in clear"),
        ({"expect": {"above": 1}, "bearer": "t", "login": {"user": "a", "password": "b"}}, "not both"),
        ({"expect": {"above": 1}, "query": "ü" * 4000}, "recording rule"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_a_sentence(more: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as refused:
        prometheus.Settings.model_validate({"url": "http://127.0.0.1:9090", "query": "up", **more})
    assert "geheim" not in str(refused.value)


def test_a_header_that_tells_of_a_secret_holds_one() -> None:
    headers = {"X-Api-Key": "geheim", "X-Scope-OrgID": "blue"}
    given = {"url": "https://127.0.0.1/", "query": "up", "expect": {"above": 0}, "headers": headers}
    assert prometheus.Settings.model_validate(given).headers == {"X-Api-Key": Secret("geheim"), "X-Scope-OrgID": "blue"}


async def test_authorities_that_are_gone_are_our_trouble(certificates: Certificates, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(certificates.ca.read_bytes())
    async with rude(Peer.hang, tls=certificates.good()) as server:
        given = {"url": server.url("/", scheme="https"), "query": "up", "expect": {"above": 0}, "ca": ca}
        settings = prometheus.Settings.model_validate(given)
        ca.unlink()
        assert (await run(prometheus.KIND, settings, door=Door(), timeout=5)).failure is Failure.IMPAIRED
