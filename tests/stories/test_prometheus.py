"""A real Prometheus beside a real hub, by the example that is shipped: it finds our series, and all that the usual dashboards ask for."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import trustme
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from statuspage.app import Service
from statuspage.clock import wall_clock
from statuspage.store import people
from statuspage.store.people import Role
from tests.rude.metrics import running
from tests.statuspage.test_prometheus_files import ALERTS, EXAMPLE, RULES, asked_by_board
from tests.stories.programs import agreed

USUAL = (
    "probe_success",
    "avg_over_time(probe_success[1h])",
    "sum(probe_success == 1)",
    "count(probe_success == 0)",
    "probe_duration_seconds",
    "avg(probe_duration_seconds) by (instance)",
    "avg(probe_dns_lookup_time_seconds) by (instance)",
    "sum(probe_http_duration_seconds) by (instance)",
    'sum by (phase) (probe_http_duration_seconds{phase=~"resolve|connect|tls|processing|transfer"})',
    "probe_http_status_code",
    "probe_http_status_code <= 199 or probe_http_status_code >= 400",
    "probe_http_version",
    "probe_http_ssl",
    "probe_http_redirects",
    "probe_http_uncompressed_body_length",
    "probe_ip_protocol",
    "probe_failed_due_to_regex",
    "(probe_ssl_earliest_cert_expiry - time()) / 86400",
    'label_replace(probe_success, "target", "$1", "instance", "(.*)")',
    "probe_tls_version_info",
)
"""What dashboards and rules for blackbox_exporter ask, those on grafana.com and of its own documentation."""

OURS = (
    *('statuspage_service_status{status="major_outage"} == 1', "statuspage_incidents", "statuspage_last_result_failure"),
    *("statuspage_config_last_reload_successful == 1", "rate(process_cpu_seconds_total[1m])"),
)

SILENT_HERE = (
    *("statuspage_announcement", "statuspage_mirror", "statuspage_team", "statuspage_last_result_warning", "statuspage_desk"),
    *("statuspage_notification", "statuspage_promised", "statuspage_service_error_budget", "statuspage_service_availability"),
    "statuspage_backup",
)
"""What this small company has nothing of in its first minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The hub, and the Prometheus that scrapes it at *url*."""

    service: Service
    url: str
    session: ClientSession

    async def ask(self, query: str) -> list[dict[str, Any]]:
        async with self.session.get(f"{self.url}/api/v1/query", params={"query": query}) as answer:
            said = await answer.json()
        assert said["status"] == "success", f"{query}: {said}"
        found: list[dict[str, Any]] = said["data"]["result"]
        return found


FILE = """
site: {{name: Example Networks, url: "https://status.example.net"}}
listen: {{metrics: "127.0.0.1:{metrics}"}}
services: {{website: {{needs: [web]}}, shop: {{needs: [till]}}, files: {{needs: [gone]}}}}
components: {{web: {{}}, till: {{}}, gone: {{}}, tape: {{}}}}
defaults: {{monitor: {{every: 1s, timeout: 900ms, recheck: 100ms}}}}
monitors:
  home: {{component: web, probe: http, url: "{plain}"}}
  till: {{component: till, probe: http, url: "{encrypted}", ca: "{ca}"}}
  certificate: {{component: till, probe: tls, host: 127.0.0.1, port: {port}, ca: "{ca}"}}
  vault: {{component: gone, probe: http, url: "http://127.0.0.1:{closed}/"}}
  nightly: {{component: tape, probe: heartbeat, every: 1d, token: {{env: NIGHTLY}}}}
"""


async def test_a_real_prometheus_finds_ours_and_what_the_usual_dashboards_ask_for(tmp_path: Path) -> None:
    async with watched(tmp_path) as here:
        await agreed(lambda: _missing(here, (*USUAL, *OURS)), within=30)
        await _probes_are_told_by_monitor(here)
        await _discovery_names_them(here)
        for query in asked_by_board():
            found = await here.ask(_filled(query))
            assert found or any(silent in query for silent in SILENT_HERE), query
        async with here.session.get(f"{here.url}/api/v1/rules") as answer:
            (group,) = (await answer.json())["data"]["groups"]
        assert [(rule["name"], rule["health"]) for rule in group["rules"]] == [(alert, "ok") for alert in ALERTS]
        await _others_need_a_token_and_find_nothing_else(here)


async def _others_need_a_token_and_find_nothing_else(here: Watched) -> None:
    made = partial(people.add_token, name="prometheus", roles=[Role.VIEWER], scopes=["metrics:read"], at=wall_clock())
    token, away = await here.service.hub.store.write(made), {"X-Forwarded-For": "203.0.113.1"}
    carried = {**away, "Authorization": f"Bearer {token}"}
    for path, headers, status in (("/sd", away, 401), ("/sd", carried, 200), ("/metrics", carried, 200), ("/", carried, 404)):
        async with here.session.get(f"{here.service.metrics_url}{path}", headers=headers) as answer:
            assert answer.status == status, (path, await answer.text())


async def _missing(here: Watched, queries: Sequence[str]) -> list[str]:
    """The first that finds nothing: whoever waits for it need not ask for the others."""
    for query in queries:
        if not await here.ask(query):
            return [query]
    return []


async def _probes_are_told_by_monitor(here: Watched) -> None:
    success = {one["metric"]["instance"]: one["value"][1] for one in await here.ask("probe_success")}
    assert success == {"home": "1", "till": "1", "certificate": "1", "vault": "0"}, "a heartbeat that was never heard is neither 0 nor 1"
    assert [one["metric"]["instance"] for one in await here.ask('up{job="blackbox", instance="nightly"} == 1')] == ["nightly"]
    (status,) = await here.ask('probe_http_status_code{instance="vault"}')
    assert status["value"][1] == "0"
    (name,) = await here.ask('probe_http_ssl{component="till", location="local"}')
    assert (name["metric"]["instance"], name["value"][1]) == ("till", "1")


async def _discovery_names_them(here: Watched) -> None:
    async with here.session.get(f"{here.url}/api/v1/targets") as answer:
        targets = (await answer.json())["data"]["activeTargets"]
    assert {(one["scrapePool"], one["health"]) for one in targets} == {("statuspage", "up"), ("blackbox", "up")}
    (home,) = (one for one in targets if one["labels"]["instance"] == "home")
    assert home["discoveredLabels"]["__meta_statuspage_services"] == ",website,"


def _filled(query: str) -> str:
    """*query* as Grafana asks it."""
    for variable, value in (("$job", "statuspage"), ("$service", ".*"), ("$__range", "1h"), ("$__rate_interval", "1m")):
        query = query.replace(variable, value)
    return query


@asynccontextmanager
async def watched(directory: Path) -> AsyncIterator[Watched]:
    """Two web sites, a hub that probes them each second, and Prometheus by the example that is shipped, only faster."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(directory / "ca.pem")
    encrypted = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(encrypted)
    metrics, closed = _free_port(), _free_port()
    async with AsyncExitStack() as stack:
        home = await stack.enter_async_context(TestServer(_site()))
        till = TestServer(_site(), scheme="https")
        await till.start_server(ssl=encrypted)
        stack.push_async_callback(till.close)
        path = directory / "statuspage.yaml"
        sites = {"ca": directory / "ca.pem", "plain": home.make_url("/"), "encrypted": till.make_url("/"), "port": till.port}
        path.write_text(FILE.format(metrics=metrics, closed=closed, **sites), encoding="utf-8")
        anywhere, environ = ("127.0.0.1", 0), {"NIGHTLY": "0123456789abcdef0123456789abcdef"}
        hub = Service(config_path=path, data_dir=directory / "data", environ=environ, public=anywhere, internal=anywhere)
        service = await stack.enter_async_context(hub)
        session = await stack.enter_async_context(ClientSession())
        (directory / RULES.name).write_bytes(RULES.read_bytes())
        example = EXAMPLE.read_text(encoding="utf-8").replace("127.0.0.1:8081", f"127.0.0.1:{metrics}").replace(": 30s", ": 500ms")
        prometheus = running(directory, example, awaited="probe_success")
        url = await asyncio.to_thread(prometheus.__enter__)
        stack.push_async_callback(asyncio.to_thread, prometheus.__exit__, None, None, None)
        yield Watched(service=service, url=url, session=session)


def _site() -> web.Application:
    site = web.Application()

    async def welcome(_: web.Request) -> web.Response:
        return web.Response(text="Welcome")

    site.router.add_get("/", welcome)
    return site


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
