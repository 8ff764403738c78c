import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from probes import domain
from probes.addresses import Network
from probes.egress import Door
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.rude.certificates import Certificates
from tests.rude.peer import Peer, Script, closed_port, rude
from tests.rude.site import everything, serving

NOW = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
"""When all of these tests take place."""


async def ask(server: str, *, door: Door | None = None, timeout: float = 3, **settings: str) -> ProbeResult:
    given = domain.Settings.model_validate({"domain": "example.net", "server": server, **settings})
    return await run(domain.KIND, given, door=door or Door(), timeout=timeout, started=NOW)


def registered(until: object = "2027-08-13T04:00:00Z", *status: object, **more: object) -> dict[str, Any]:
    """An answer as registries write it (RFC 9083 section 5.3)."""
    return {
        "objectClassName": "domain",
        "handle": "2336799_DOMAIN_NET-VRSN",
        "ldhName": "EXAMPLE.NET",
        "status": ["client delete prohibited", "client transfer prohibited", *status],
        "entities": [{"objectClassName": "entity", "handle": "376", "roles": ["registrar"]}],
        "events": [
            {"eventAction": "registration", "eventDate": "1995-08-14T04:00:00Z"},
            {"eventAction": "expiration", "eventDate": until},
            {"eventAction": "last update of RDAP database", "eventDate": "2026-11-22T15:59:00Z"},
        ],
        "nameservers": [{"objectClassName": "nameserver", "ldhName": "A.IANA-SERVERS.NET"}],
        "rdapConformance": ["rdap_level_0", "icann_rdap_response_profile_1"],
        **more,
    }


def saying(body: object, status: str = "200 OK") -> Script:
    async def script(peer: Peer) -> None:
        await peer.hear_head()
        octets = body if isinstance(body, bytes) else json.dumps(body).encode()
        await peer.say(
            f"HTTP/1.1 {status}\r\nContent-Type: application/rdap+json\r\nContent-Length: {len(octets)}\r\n\r\n".encode() + octets
        )

    return script


async def of(body: object, status: str = "200 OK", **settings: str) -> ProbeResult:
    async with rude(saying(body, status)) as server:
        return await ask(server.url("/rdap/"), **settings)  # type: ignore[arg-type]  # the test's own keywords


# --- a registry that answers --------------------------------------------------------------------------------------------------


async def test_a_name_that_is_registered_for_long_is_good_and_its_end_is_known() -> None:
    async with rude(saying(registered())) as server:
        result = await ask(server.url("/rdap/"))
        assert server.heard[0] == "GET /rdap/domain/example.net HTTP/1.1"
        assert "accept: application/rdap+json, application/json" in server.heard
    assert result.failure is None
    assert not result.warnings
    assert result.facts["expires_at"] == datetime(2027, 8, 13, 4, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("until", "failure", "warned"),
    [
        ("2026-12-22T16:00:01Z", None, False),
        ("2026-12-22T16:00:00Z", None, True),
        ("2026-11-22T16:00:30Z", None, True),
        ("2026-11-22T16:00:00Z", Failure.CONTENT, False),
        ("2020-01-01T00:00:00Z", Failure.CONTENT, False),
        ("2026-11-22T17:30:00+02:00", Failure.CONTENT, False),
        ("2026-11-22T16:30:00", None, True),
        ("2027-08-13T04:00:00.123456789Z", None, False),
    ],
)
async def test_there_is_a_warning_before_there_is_a_failure(until: str, failure: Failure | None, *, warned: bool) -> None:
    result = await of(registered(until))
    assert result.failure is failure
    assert [warning.name for warning in result.warnings] == (["expires_soon"] if warned else [])
    if failure is not None:
        assert result.stage == "expiry"
        assert "ended at" in result.detail


async def test_how_soon_is_soon_is_a_setting() -> None:
    assert (await of(registered(), expires_within="300d")).warnings
    assert not (await of(registered("2026-11-24T00:00:00Z"), expires_within="1d")).warnings


async def test_the_earliest_of_several_ends_counts() -> None:
    events = [{"eventAction": "expiration", "eventDate": date} for date in ("2030-01-01T00:00:00Z", "2026-01-01T00:00:00Z")]
    assert (await of(registered(events=events))).failure is Failure.CONTENT


@pytest.mark.parametrize("status", ["redemption period", "Pending Delete", "client hold", "server hold"])
async def test_a_name_that_is_taken_out_of_the_dns_fails_whatever_its_date_says(status: str) -> None:
    result = await of(registered("2027-08-13T04:00:00Z", status))
    assert (result.failure, result.stage) == (Failure.STATUS, "expiry")
    assert status.lower() in result.detail


async def test_an_end_that_the_registry_moved_on_by_itself_is_a_warning() -> None:
    result = await of(registered("2027-08-13T04:00:00Z", "auto renew period"))
    assert result.failure is None
    assert [warning.name for warning in result.warnings] == ["renewal_pending"]


async def test_a_name_that_the_registry_does_not_have_is_not_registered() -> None:
    result = await of({"errorCode": 404, "title": "Not Found"}, "404 Not Found")
    assert (result.failure, result.stage) == (Failure.CONTENT, "expiry")
    assert result.detail == "example.net is not registered"


async def test_a_directory_leads_to_the_registry_as_far_as_the_door_allows(loopback: Network) -> None:
    """Two real servers: one that only redirects, as rdap.org does, and one that answers."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response(registered(), content_type="application/rdap+json")

    async def redirect(request: web.Request) -> web.Response:
        raise web.HTTPFound(f"http://127.0.0.1:{registry}{request.path}")

    async with serving(everything(answer)) as registry, serving(everything(redirect)) as directory:
        result = await ask(f"http://127.0.0.1:{directory}/", door=Door(allow=[loopback]))
        assert result.failure is None
        assert result.facts["redirects"] == 1
        assert asked == ["/domain/example.net"]
        assert (await ask(f"http://127.0.0.1:{directory}/")).failure is Failure.BLOCKED


# --- one that does not --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status", ["429 Too Many Requests", "503 Service Unavailable", "403 Forbidden", "400 Bad Request", "204 No Content"]
)
async def test_a_registry_that_answers_with_an_error_says_nothing_about_the_name(status: str) -> None:
    result = await of(b"", status)
    assert (result.failure, result.stage) == (Failure.SOURCE_FAILED, "status")
    assert "expires_at" not in result.facts


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Domain not found.",
        b"[]",
        b'{"events":' + b"[" * 10_000,
        registered(ldhName="example.org"),
        registered(ldhName=7),
        registered(events=None),
        registered(events=[]),
        registered(events=[1]),
        registered(status="active"),
        registered(None),
        registered(4_000_000_000),
        registered("soon"),
        registered("2027-13-13T04:00:00Z"),
        registered("0001-01-01T00:00:00+14:00"),
        registered("9999-12-31T23:59:59-14:00"),
        registered("2" * 10_000),
    ],
)
async def test_an_answer_without_a_readable_end_says_nothing_about_the_name(body: object) -> None:
    result = await of(body)
    assert (result.failure, result.stage) == (Failure.SOURCE_FAILED, "expiry")


async def test_a_registry_that_is_away_or_silent_says_nothing_about_the_name() -> None:
    assert (await ask(f"http://127.0.0.1:{closed_port()}")).failure is Failure.SOURCE_FAILED
    async with rude(lambda peer: peer.hang()) as server:
        result = await ask(server.url(), timeout=0.3)
    assert (result.failure, result.stage) == (Failure.SOURCE_FAILED, "first_byte")


# --- settings -----------------------------------------------------------------------------------------------------------------


def test_a_name_is_kept_as_registries_spell_it() -> None:
    assert domain.ad_hoc("Bücher.Example.").domain == "xn--bcher-kva.example"
    assert domain.target(domain.ad_hoc("example.NET")) == "example.net"
    assert domain.ad_hoc("example.net").server == "https://rdap.org/"


@pytest.mark.parametrize("typed", ["net", "192.0.2.1", "a/b.net", "https://example.net", "..", "a b.net"])
def test_what_cannot_be_registered_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"name|host"):
        domain.ad_hoc(typed)


def test_a_server_is_a_base_url() -> None:
    with pytest.raises(ValidationError, match="base URL"):
        domain.Settings.model_validate({"domain": "example.net", "server": "https://rdap.example/?q="})


async def test_authorities_that_are_gone_are_our_trouble(certificates: Certificates, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(certificates.ca.read_bytes())
    async with rude(Peer.hang, tls=certificates.good()) as server:
        settings = domain.Settings.model_validate({"domain": "example.net", "server": server.url("/", scheme="https"), "ca": ca})
        ca.unlink()
        assert (await run(domain.KIND, settings, door=Door(), timeout=5)).failure is Failure.IMPAIRED
