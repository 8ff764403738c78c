"""What dashboards and rules written for blackbox_exporter find here, and the targets that Prometheus discovers."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from incidents.heartbeat import Every, Heartbeat
from incidents.impairment import Hindrance, Impairment
from incidents.model import Monitor, Pause, Situation
from probes.result import Failure, Phase, ProbeResult, Result
from statuspage.render.blackbox import discovered, known, probe_metrics
from statuspage.store.people import Role
from tests.statuspage.desks import START, TOPOLOGY, House, housed

MONITOR = Monitor(id="outgoing-port", component="outgoing", stale_after=timedelta(seconds=100))
PHASES = (
    *(Phase(name=name, took=took) for name, took in (("dns", 0.01), ("connect", 0.02), ("tls", 0.03))),
    *(Phase(name=name, took=took) for name, took in (("first_byte", 0.04), ("transfer", 0.05), ("connect", 0.5))),
)
PAGE = ProbeResult(
    took=0.7,
    phases=PHASES,
    facts={"ip_version": 6, "redirects": 1, "status": 200, "http_version": 1.0, "body_bytes": 512, "tls_expires_at": 1.8e9},
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


def result(measured: ProbeResult, monitor: Monitor = MONITOR) -> Result:
    return Result(monitor=monitor.id, location="local", slot=START, started=START, measured=measured)


def read(measured: ProbeResult, kind: str) -> dict[str, float]:
    """Every series by its name, with the value of its label where it has one."""
    families = text_string_to_metric_families(probe_metrics(result(measured), kind).decode())
    return {" ".join((one.name, *one.labels.values())): one.value for family in families for one in family.samples}


def test_a_page_is_told_as_blackbox_exporter_tells_it() -> None:
    assert read(PAGE, "http") == {
        "probe_success": 1,
        "probe_duration_seconds": 0.7,
        "probe_dns_lookup_time_seconds": 0.01,
        "probe_ip_protocol": 6,
        "probe_failed_due_to_regex": 0,
        "probe_http_status_code": 200,
        "probe_http_ssl": 1,
        "probe_http_redirects": 1,
        "probe_http_version": 1.0,
        "probe_http_uncompressed_body_length": 512,
        "probe_http_duration_seconds resolve": 0.01,
        "probe_http_duration_seconds connect": 0.52,
        "probe_http_duration_seconds tls": 0.03,
        "probe_http_duration_seconds processing": 0.04,
        "probe_http_duration_seconds transfer": 0.05,
        "probe_ssl_earliest_cert_expiry": 1.8e9,
    }


def test_a_page_that_does_not_answer_has_the_status_0_and_one_that_says_something_else_misses_a_pattern() -> None:
    refused = read(ProbeResult(took=0.1, failure=Failure.REFUSED, phases=PHASES[1:2]), "http")
    assert (refused["probe_success"], refused["probe_http_status_code"], refused["probe_http_ssl"]) == (0, 0, 0)
    assert read(replace(PAGE, failure=Failure.CONTENT), "http")["probe_failed_due_to_regex"] == 1


def test_other_kinds_have_their_own_series_and_none_of_a_page() -> None:
    echoed = read(ProbeResult(took=0.1, phases=PHASES[:2], facts={"ip_version": 4, "rtt_mean_seconds": 0.008}), "icmp")
    assert echoed["probe_icmp_duration_seconds rtt"] == 0.008
    asked = read(ProbeResult(took=0.1, phases=(Phase(name="answer", took=0.02),), facts={"rcode": 0, "answers": 2}), "dns")
    assert (asked["probe_dns_duration_seconds request"], asked["probe_dns_answer_rrs"], asked["probe_dns_query_succeeded"]) == (0.02, 2, 1)
    shown = read(ProbeResult(took=0.1, facts={"tls_version": 1.3, "tls_expires_at": 1.8e9}), "tls")
    assert shown["probe_tls_version_info TLS 1.3"] == 1
    assert not [name for name in (*echoed, *asked, *shown) if "http" in name]


def test_what_says_nothing_about_the_target_or_no_longer_does_is_not_known() -> None:
    situation, good = Situation(topology=replace(TOPOLOGY, monitors={MONITOR.id: MONITOR}), seed="s"), result(ProbeResult(took=0.1))
    assert known(situation, MONITOR, good, START + MONITOR.stale_after) is good
    assert known(situation, MONITOR, None, START) is None
    assert known(situation, MONITOR, good, START + MONITOR.stale_after + timedelta(seconds=1)) is None
    for failure in (Failure.CRASHED, Failure.IMPAIRED, Failure.MISSED, Failure.AUTH_REJECTED):
        assert known(situation, MONITOR, result(ProbeResult(took=0.1, failure=failure)), START) is None, failure
    blind = Impairment(location="local", since=START - timedelta(minutes=1), reason=Hindrance.BLIND)
    assert known(replace(situation, impairments={("local", Hindrance.BLIND): blind}), MONITOR, good, START) is None
    paused = replace(situation, paused={MONITOR.id: Pause(by="anna", at=START, reason="a new disk")})
    assert known(paused, MONITOR, good, START) is None
    assert json.loads(discovered(paused, {})) == []
    assert probe_metrics(None, "http") == b""


def test_a_monitor_that_reports_by_itself_is_judged_by_its_rhythm_alone() -> None:
    nightly = replace(
        MONITOR, heartbeat=Heartbeat(rhythm=Every(gap=timedelta(days=1)), grace=timedelta(hours=1), finish_within=timedelta(1))
    )
    ping = result(ProbeResult(took=0.0))
    assert known(Situation(topology=TOPOLOGY, seed="s"), nightly, ping, START + timedelta(hours=20)) is ping


def test_targets_carry_ids_alone() -> None:
    monitors = {"web": Monitor(id="web", component="portal-web", locations=("local", "frankfurt"))}
    situation = Situation(topology=replace(TOPOLOGY, monitors=monitors), seed="s")
    here, there = json.loads(discovered(situation, {"web": "http"}))
    assert here == {
        "targets": ["web"],
        "labels": {
            "component": "portal-web",
            "location": "local",
            "__param_location": "local",
            "__meta_statuspage_kind": "http",
            "__meta_statuspage_services": ",portal,",
        },
    }
    assert there["labels"]["__param_location"] == "frankfurt"


async def test_only_configured_monitors_are_asked_for_and_others_than_this_machine_need_a_token(house: House) -> None:
    await house.see("outgoing", None)
    browser = house.browser()
    answer = await browser.get("/probe?target=outgoing-port&module=http_2xx")
    assert answer.content_type == "text/plain"
    assert "\nprobe_success 1\n" in await answer.text()
    assert "probe_success" not in await (await browser.get("/probe?target=mailboxes-port")).text()
    for query in ("", "?target=http://127.0.0.1/", "?target=outgoing-port&location=elsewhere"):
        refused = await browser.get(f"/probe{query}")
        assert (refused.status, refused.content_type) == (404, "application/problem+json"), query
    token = await house.token("prometheus", Role.VIEWER)
    bound = await house.token("bound", Role.VIEWER, teams=("mail",))
    for path in ("/probe?target=outgoing-port", "/sd"):
        away = {"X-Forwarded-For": "203.0.113.1"}
        assert (await browser.get(path, **away)).status == 401, path
        assert (await browser.get(path, **away, Authorization=f"Bearer {bound}")).status == 403, path
        assert (await browser.get(path, **away, Authorization=f"Bearer {token}")).status == 200, path
