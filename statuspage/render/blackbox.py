"""A monitor's newest result under the names that blackbox_exporter gives, and the targets that Prometheus discovers here.

Dashboards and rules that were written for blackbox_exporter then work as they are. What nobody knows has no series: a probe that crashed,
a location that is blind or silence that lasted too long say nothing about the target.
Source: docs/metrics.md names each series; for discovery Prometheus' documentation under "HTTP SD".
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime

from incidents.model import Monitor, Situation
from incidents.policy import LEVELS
from incidents.sight import is_muted
from probes.result import Failure, ProbeResult, Result
from statuspage.render.metrics import family

_WEB = frozenset({"http"})
"""Kinds whose failures say that no status came: blackbox_exporter gives 0 for it, and rules ask for that."""

_PHASES: Mapping[str, str] = {"dns": "resolve", "connect": "connect", "tls": "tls", "first_byte": "processing", "transfer": "transfer"}
_ECHO: Mapping[str, str] = {"dns": "resolve", "connect": "setup"}
_ASKED: Mapping[str, str] = {"dns": "resolve", "connect": "connect", "answer": "request"}

Sample = tuple[str, float]
"""What stands within the braces, and the value."""


def probe_metrics(result: Result | None, kind: str) -> bytes:
    """Spell *result*, of a monitor of that *kind*; None, of which nothing is known, has no series."""
    if result is None:
        return b""
    measured = result.measured
    families = (*_of_all(measured), *_of_web(measured, kind), *_of_tls(measured), *_of_others(measured, kind))
    return "".join(_spelled(*one) for one in families).encode()


def known(situation: Situation, monitor: Monitor, result: Result | None, now: datetime) -> Result | None:
    """*result* if it says something about the target of *monitor*, and still does so at *now*."""
    if result is None or situation.stands_still(monitor.id) or LEVELS[result.failure] is None or is_muted(situation, result):
        return None
    is_stale = monitor.heartbeat is None and now > result.slot + monitor.stale_after
    return None if is_stale else result


def location_of(monitor: Monitor, asked: str | None) -> str | None:
    """From where the result is wanted: as *asked*, else here, else from the first that there is; None where it is not probed from there."""
    if asked is not None:
        return asked if asked in monitor.locations else None
    return "local" if "local" in monitor.locations else next(iter(monitor.locations), None)


def discovered(situation: Situation, kinds: Mapping[str, str]) -> bytes:
    """Spell every monitor and location as a target for Prometheus. *kinds* are those of the monitors, by their ids."""
    topology = situation.topology
    serving: dict[str, list[str]] = {}
    for service in topology.services.values():
        for part in dict.fromkeys(part for need in service.needs for part in need.of):
            serving.setdefault(part, []).append(service.id)
    groups = [
        {
            "targets": [monitor.id],
            "labels": {
                "component": monitor.component,
                "location": location,
                "__param_location": location,
                "__meta_statuspage_kind": kinds.get(monitor.id, ""),
                # With a comma on either side, as Prometheus spells lists: a pattern then finds one by ",id,".
                "__meta_statuspage_services": f",{','.join(serving.get(monitor.component, ()))},",
            },
        }
        for monitor in topology.monitors.values()
        if not situation.stands_still(monitor.id)
        for location in monitor.locations
    ]
    return json.dumps(groups, separators=(",", ":")).encode()


def _spelled(name: str, told: str, *samples: Sample) -> str:
    return family(name, "gauge", told) + "".join(f"{name}{labels} {value!r}\n" for labels, value in samples)


def _of_all(measured: ProbeResult) -> Iterator[tuple[str, str, *tuple[Sample, ...]]]:
    yield "probe_success", "Whether the newest probe found all that it expected.", ("", int(measured.failure is None))
    yield "probe_duration_seconds", "How long the newest probe took.", ("", measured.took)
    yield "probe_dns_lookup_time_seconds", "How long the name took to resolve; 0 for an address.", ("", _took(measured).get("dns", 0.0))
    if "ip_version" in measured.facts:
        yield "probe_ip_protocol", "The internet protocol's version that was spoken.", ("", int(measured.facts["ip_version"]))
    told = "Whether the answer's content missed an expectation."
    yield "probe_failed_due_to_regex", told, ("", int(measured.failure is Failure.CONTENT))


def _of_web(measured: ProbeResult, kind: str) -> Iterator[tuple[str, str, *tuple[Sample, ...]]]:
    facts, took = measured.facts, _took(measured)
    if kind not in _WEB:
        return
    yield "probe_http_status_code", "The answer's status; 0 where none came.", ("", int(facts.get("status", 0)))
    yield "probe_http_ssl", "Whether the last answer came through TLS.", ("", int("tls" in took))
    yield "probe_http_redirects", "How many redirects were followed.", ("", int(facts.get("redirects", 0)))
    yield "probe_http_version", "HTTP's version in the answer; 0 where none came.", ("", facts.get("http_version", 0))
    if "body_bytes" in facts:
        yield "probe_http_uncompressed_body_length", "How much of the body was read.", ("", int(facts["body_bytes"]))
    told = "How long each phase took, redirects together."
    yield "probe_http_duration_seconds", told, *_phases(took, _PHASES)


def _of_tls(measured: ProbeResult) -> Iterator[tuple[str, str, *tuple[Sample, ...]]]:
    if "tls_expires_at" in measured.facts:
        told = "When the certificate runs out, since the epoch; of the kind tls the first of its chain."
        yield "probe_ssl_earliest_cert_expiry", told, ("", float(measured.facts["tls_expires_at"]))
    if "tls_version" in measured.facts:
        told = "The version of TLS that was spoken."
        yield "probe_tls_version_info", told, (f'{{version="TLS {measured.facts["tls_version"]:.1f}"}}', 1)


def _of_others(measured: ProbeResult, kind: str) -> Iterator[tuple[str, str, *tuple[Sample, ...]]]:
    facts, took = measured.facts, _took(measured)
    if kind == "icmp":
        echoed = (('{phase="rtt"}', facts["rtt_mean_seconds"]),) if "rtt_mean_seconds" in facts else ()
        yield "probe_icmp_duration_seconds", "How long each phase took.", *_phases(took, _ECHO), *echoed
    if kind == "dns":
        yield "probe_dns_duration_seconds", "How long each phase took.", *_phases(took, _ASKED)
        yield "probe_dns_query_succeeded", "Whether the server answered at all.", ("", int("rcode" in facts))
        if "answers" in facts:
            yield "probe_dns_answer_rrs", "How many records answer the question.", ("", int(facts["answers"]))


def _phases(took: Mapping[str, float], names: Mapping[str, str]) -> Iterator[Sample]:
    for ours, theirs in names.items():
        yield f'{{phase="{theirs}"}}', took.get(ours, 0.0)


def _took(measured: ProbeResult) -> Mapping[str, float]:
    """Seconds by phase; what came more than once, as after a redirect, together."""
    sums: dict[str, float] = {}
    for phase in measured.phases:
        sums[phase.name] = sums.get(phase.name, 0.0) + phase.took
    return sums
