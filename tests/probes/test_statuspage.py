"""Other people's pages: ours, served as it is served to everybody, and pages in the shape of those that are out there."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from incidents.model import Status
from probes import statuspage
from probes.egress import Door
from probes.result import Failure, ProbeResult
from probes.run import run
from tests.rude.certificates import Certificates
from tests.rude.peer import Peer, Script, closed_port, rude
from tests.statuspage.pictures import service, snapshot, story, update
from tests.statuspage.serving import Served, serving

EMAIL, PORTAL = service("email"), service("portal", "Accounts")


async def ask(url: str, *, timeout: float = 3, **settings: str) -> ProbeResult:
    given = statuspage.Settings.model_validate({"url": url, **settings})
    return await run(statuspage.KIND, given, door=Door(), timeout=timeout)


# --- our own page, over a real server -----------------------------------------------------------------------------------------


async def of_ours(status: Status, *, broken: bool = False, **settings: str) -> ProbeResult:
    served = Served()
    stories = (story(update(1), services=("email",)),) if broken else ()
    async with serving(served):
        served.publish(snapshot(EMAIL, PORTAL, stories=stories, statuses={"email": status}))
        return await ask(served.url, **settings)  # type: ignore[arg-type]  # the test's own keywords


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (Status.OPERATIONAL, None),
        (Status.DEGRADED, Failure.DEGRADED),
        (Status.PARTIAL, Failure.STATUS),
        (Status.MAJOR, Failure.STATUS),
        (Status.MAINTENANCE, None),
        (Status.UNKNOWN, Failure.SOURCE_FAILED),
    ],
)
async def test_each_status_of_a_component_of_a_page_of_ours_has_its_meaning(status: Status, failure: Failure | None) -> None:
    result = await of_ours(status, part="Email")
    assert result.failure is failure
    assert (await of_ours(status, part="Portal")).failure is None


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (Status.OPERATIONAL, None),
        (Status.DEGRADED, Failure.DEGRADED),
        (Status.MAJOR, Failure.STATUS),
        (Status.UNKNOWN, Failure.SOURCE_FAILED),
    ],
)
async def test_the_page_as_a_whole_has_a_meaning_too(status: Status, failure: Failure | None) -> None:
    assert (await of_ours(status)).failure is failure


async def test_their_incident_and_its_words_are_in_the_detail() -> None:
    result = await of_ours(Status.PARTIAL, broken=True, part="Email")
    assert (result.failure, result.stage) == (Failure.STATUS, "status")
    told = story(update(1), services=("email",))
    assert result.detail.startswith(f"Email: partial_outage · {told.incident.name}")
    assert told.updates[0].body[:30] in result.detail
    assert result.facts["open_incidents"] == 1


async def test_an_incident_of_another_component_is_not_counted() -> None:
    result = await of_ours(Status.PARTIAL, broken=True, part="Portal")
    assert result.failure is None
    assert result.facts["open_incidents"] == 0


# --- pages in the shape of others ---------------------------------------------------------------------------------------------


def summary(status: object = "operational", indicator: object = "none", **more: object) -> dict[str, Any]:
    """A summary.json as hosted pages write it."""
    return {
        "page": {"id": "kctbh9vrtdwd", "name": "Hub", "url": "https://www.hub.example", "updated_at": "2026-11-22T08:00:00Z"},
        "components": [
            {"id": "8l4ygp009s5s", "name": "Git Operations", "status": status, "position": 1, "group": False, "group_id": None},
            {"id": "brv1bkgrwx7q", "name": "API", "status": "operational", "position": 2, "group": False, "group_id": "g1"},
            {"id": "h2ftsgbw7kmk", "name": "API", "status": "major_outage", "position": 3, "group": False, "group_id": "g2"},
        ],
        "incidents": [],
        "scheduled_maintenances": [],
        "status": {"indicator": indicator, "description": "All Systems Operational"},
        **more,
    }  # fmt: skip


def incident(name: object = "Pushes fail", body: object = "We are looking into it.", *components: object) -> dict[str, Any]:
    return {
        "id": "xyz", "name": name, "status": "investigating", "impact": "major",
        "incident_updates": [{"body": body, "status": "investigating"}, {"body": "older", "status": "investigating"}],
        "components": [{"id": one} for one in components],
    }  # fmt: skip


def saying(body: object, status: str = "200 OK") -> Script:
    async def script(peer: Peer) -> None:
        await peer.hear_head()
        octets = body if isinstance(body, bytes) else json.dumps(body).encode()
        await peer.say(f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(octets)}\r\n\r\n".encode() + octets)

    return script


async def of(body: object, status: str = "200 OK", **settings: str) -> ProbeResult:
    async with rude(saying(body, status)) as server:
        return await ask(server.url(), **settings)  # type: ignore[arg-type]  # the test's own keywords


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("", "/api/v2/summary.json"),
        ("/", "/api/v2/summary.json"),
        ("/status/", "/status/api/v2/summary.json"),
        ("/api/v2/summary.json", "/api/v2/summary.json"),
    ],
)
async def test_the_page_or_its_summary_may_be_named(typed: str, asked: str) -> None:
    async with rude(saying(summary())) as server:
        result = await ask(server.url(typed))
        assert server.heard[0] == f"GET {asked} HTTP/1.1"
    assert result.failure is None


@pytest.mark.parametrize("wanted", ["Git Operations", "8l4ygp009s5s"])
async def test_a_component_is_found_by_its_name_or_its_id(wanted: str) -> None:
    assert (await of(summary("major_outage"), part=wanted)).failure is Failure.STATUS
    assert (await of(summary(), part=wanted)).failure is None


async def test_a_name_that_several_have_is_no_answer_and_an_id_is() -> None:
    result = await of(summary(), part="API")
    assert (result.failure, result.stage) == (Failure.SOURCE_FAILED, "content")
    assert "2 components have the name 'API'" in result.detail
    assert (await of(summary(), part="h2ftsgbw7kmk")).failure is Failure.STATUS


async def test_a_component_that_is_gone_says_nothing() -> None:
    result = await of(summary(), part="Copilot")
    assert result.failure is Failure.SOURCE_FAILED
    assert "no component 'Copilot'" in result.detail


@pytest.mark.parametrize(
    ("indicator", "failure"),
    [("none", None), ("minor", Failure.DEGRADED), ("major", Failure.STATUS), ("critical", Failure.STATUS), ("maintenance", None)],
)
async def test_each_indicator_has_its_meaning(indicator: str, failure: Failure | None) -> None:
    result = await of(summary(indicator=indicator, incidents=[incident()]))
    assert result.failure is failure
    if failure is not None:
        assert result.detail == f"Hub: {indicator} · Pushes fail (We are looking into it.)"


@pytest.mark.parametrize(("means", "failure"), [("passes", None), ("degrades", Failure.DEGRADED), ("fails", Failure.STATUS)])
async def test_what_their_maintenance_means_is_a_setting(means: str, failure: Failure | None) -> None:
    result = await of(summary("under_maintenance"), part="Git Operations", under_maintenance=means)
    assert result.failure is failure
    assert [warning.name for warning in result.warnings] == ([] if failure else ["under_maintenance"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"[" * 10_000,
        summary("on fire"),
        summary(None),
        summary({"a": 1}),
        summary(components={}),
        summary(components=[1]),
        summary(incidents="none"),
        summary(incidents=[1]),
        summary(incidents=[{"components": [1]}]),
        {"page": {"name": "Hub", "status": "UP"}},
    ],
)
async def test_a_page_that_makes_no_sense_says_nothing_and_never_crashes_the_probe(body: object) -> None:
    result = await of(body, part="8l4ygp009s5s")
    assert (result.failure, result.stage) == (Failure.SOURCE_FAILED, "content")


@pytest.mark.parametrize("odd", [None, 1, [], {}, [[]], ["x"], [{"body": {}}]])
async def test_odd_incidents_are_borne(odd: object) -> None:
    strange = {"id": {}, "name": odd, "incident_updates": odd, "components": [{"id": odd}]}
    result = await of(summary("major_outage", "major", incidents=[strange]), part="8l4ygp009s5s")
    assert result.failure is Failure.STATUS
    assert (await of(summary("major_outage", "major", incidents=[strange]))).failure is Failure.STATUS


async def test_their_words_are_made_fit_to_print_and_cut() -> None:
    hostile = incident("\x1b]0;x\x07\u202eevil\ud800" + "n" * 5000, "<script>" + "b" * 5000, "8l4ygp009s5s")
    result = await of(summary("major_outage", incidents=[hostile]), part="8l4ygp009s5s")
    assert result.failure is Failure.STATUS
    assert result.detail.isprintable()
    assert len(result.detail) <= 200
    assert "evil" in result.detail
    assert "<script>" in result.detail


@pytest.mark.parametrize("status", ["404 Not Found", "429 Too Many Requests", "503 Service Unavailable", "401 Unauthorized"])
async def test_a_page_that_answers_with_an_error_says_nothing(status: str) -> None:
    result = await of(summary("major_outage"), status)
    assert (result.failure, result.stage) == (Failure.SOURCE_FAILED, "status")


async def test_a_page_that_is_away_or_silent_says_nothing() -> None:
    assert (await ask(f"http://127.0.0.1:{closed_port()}")).failure is Failure.SOURCE_FAILED
    async with rude(lambda peer: peer.hang()) as server:
        assert (await ask(server.url(), timeout=0.3)).failure is Failure.SOURCE_FAILED


async def test_a_redirect_to_a_private_address_stays_blocked() -> None:
    async def script(peer: Peer) -> None:
        await peer.hear_head()
        await peer.say(b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n")

    async with rude(script) as server:
        assert (await ask(server.url())).failure is Failure.BLOCKED


def test_a_typed_target_is_a_page() -> None:
    assert statuspage.ad_hoc("https://status.example.net").summary == "https://status.example.net/api/v2/summary.json"
    named = statuspage.Settings.model_validate({"url": "https://status.example.net", "part": "API"})
    assert statuspage.target(named) == "https://status.example.net (API)"
    with pytest.raises(ValidationError, match="without a query"):
        statuspage.ad_hoc("https://status.example.net/?a=b")


async def test_authorities_that_are_gone_are_our_trouble(certificates: Certificates, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(certificates.ca.read_bytes())
    async with rude(Peer.hang, tls=certificates.good()) as server:
        settings = statuspage.Settings.model_validate({"url": server.url("/", scheme="https"), "ca": ca})
        ca.unlink()
        assert (await run(statuspage.KIND, settings, door=Door(), timeout=5)).failure is Failure.IMPAIRED
