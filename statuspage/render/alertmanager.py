"""Open incidents as Alertmanager's API takes them: one alert for each service that an incident hits.

Labels name an alert and never change while it goes on; what may change stands in the annotations.
Source: Alertmanager's API v2, POST /alerts.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from incidents.model import Incident, State, Status
from incidents.rollup import TROUBLE
from probes.text import plain
from statuspage.picture.urgency import holder
from statuspage.render.words import STATUS

ALERTNAME = "StatuspageIncident"
INCIDENT = "statuspage_incident"
"""The label by which we know our own alerts again, should they be routed back to us."""

_LONGEST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Alertbook:
    """What alerts need to know: names of services by id, how bad each status is in Alertmanager's words, labels, and where the desk is."""

    services: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    severities: Mapping[Status, str] = field(default_factory=lambda: MappingProxyType({}))
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    service_label: str = "service"
    severity_label: str = "severity"
    console: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert: what it is known by, what is said of it, since when, and where it can be looked at."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    since: datetime
    link: str

    @property
    def key(self) -> frozenset[tuple[str, str]]:
        """What it is known by."""
        return frozenset(self.labels.items())


def going_on(incidents: Iterable[Incident], book: Alertbook, now: datetime) -> Sequence[Alert]:
    """An alert for each service that each of *incidents* hits at present; one that flaps hits all that it ever hit."""
    return [_alert(incident, service, status, book, now) for incident in incidents for service, status in _hit(incident).items()]


def _hit(incident: Incident) -> Mapping[str, Status]:
    if incident.is_flapping:
        return incident.worst
    if incident.state is State.MONITORING:
        return {}
    return {id: status for id, status in incident.services.items() if status in TROUBLE}


def _alert(incident: Incident, service: str, status: Status, book: Alertbook, now: datetime) -> Alert:
    link = f"{book.console}/incidents/{incident.id}"
    owner = holder(incident, now)
    labels = {
        **book.labels,
        "alertname": ALERTNAME,
        INCIDENT: incident.id,
        book.service_label: service,
        book.severity_label: book.severities.get(status, status.value),
    }
    annotations = {
        "summary": plain(incident.name, _LONGEST),
        "description": plain(f"{book.services.get(service, service)}: {STATUS[status].lower()}", _LONGEST),
        "owner": plain(owner.by, _LONGEST) if owner else "",
        "state": incident.state.value,
    }
    return Alert(
        labels=labels, annotations={name: text for name, text in annotations.items() if text}, since=incident.started_at, link=link
    )


def spelled(alerts: Iterable[tuple[Alert, datetime]]) -> bytes:
    """*alerts*, each with when it is over unless more is heard of it, as the body of a POST."""
    return json.dumps(
        [
            {
                "labels": dict(alert.labels),
                "annotations": dict(alert.annotations),
                "startsAt": alert.since.isoformat(),
                "endsAt": max(until, alert.since).isoformat(),  # the clock may have been set back meanwhile
                "generatorURL": alert.link,
            }
            for alert, until in alerts
        ]
    ).encode()
