"""What Prometheus reads: status as state sets, newest results, open incidents, and the service's own health.

Labels are ids from the configuration and words of closed lists; names, hosts and error texts never are, so a rename keeps its series and a
scrape tells nobody where a probe goes. A thousand monitors make thousands of lines, so their label blocks are escaped once and kept; the
process's own few numbers go through prometheus-client.
Source: the text format 0.0.4, in Prometheus' documentation under "Exposition formats".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from types import MappingProxyType

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from incidents.drift import Trend
from incidents.maintenance import Maintenance, MaintenanceState
from incidents.model import Incident, Situation, State, Status, Subject, Topology
from incidents.sight import blindness
from probes.result import Result
from statuspage.picture.desk_tallies import Tallied, Tally
from statuspage.picture.promised import LATENESS, PromiseFigures
from statuspage.vitals import BackupFigures, DeliveryFigures, MirrorFigures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

NO_TRENDS: Mapping[tuple[str, str], Trend] = MappingProxyType({})

_OPEN_STATES = (State.INVESTIGATING, State.IDENTIFIED, State.MONITORING)
_PENDING_STATES = (MaintenanceState.SCHEDULED, MaintenanceState.IN_PROGRESS, MaintenanceState.VERIFYING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the service itself is doing. *loop_lag* is in seconds; the totals count since the process started.

    *queue_depth* counts results that wait to be written, *readers* open pages that are told of changes. *reloaded_at* is when a
    configuration was last taken into use. *mirror* and *backup* are None where there is to be none,
    *delivery* where nobody is told of anything.
    *alertmanagers_away* is how many of them could not be told, None where there is none to tell.
    *on_call* is how many people of each team that is called by turns are on call, *promised* how promised updates were kept,
    *tallied* how the desk did.
    """

    loop_lag: float
    queue_depth: int
    crashed_turns: int
    failed_writes: int
    is_reload_good: bool
    reloaded_at: datetime
    readers: int = 0
    mirror: MirrorFigures | None = None
    backup: BackupFigures | None = None
    delivery: DeliveryFigures | None = None
    alertmanagers_away: int | None = None
    on_call: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    promised: PromiseFigures | None = None
    tallied: Mapping[Tallied, Tally] = field(default_factory=lambda: MappingProxyType({}))


class Metrics:
    """Spells the metrics. Keeps the text of everything that only a new configuration can change."""

    def __init__(self) -> None:
        self._own = _Own()
        self._registry = CollectorRegistry()
        self._registry.register(self._own)
        ProcessCollector(registry=self._registry)
        self._topology: Topology | None = None
        self._kept = _Kept.of(Topology(services={}, components={}, monitors={}))

    def text(
        self,
        situation: Situation,
        results: Mapping[tuple[str, str], Result],
        health: Health,
        now: datetime,
        levels: str = "",
        trends: Mapping[tuple[str, str], Trend] = NO_TRENDS,
    ) -> bytes:
        """Spell everything as it stands at *now*. *results* are the newest by (monitor, location); what is not configured is left out.

        *levels* is what ``level_metrics`` spelled, *trends* what probes take lately and usually. Not safe for two threads at once.
        """
        if situation.topology is not self._topology:
            self._topology, self._kept = situation.topology, _Kept.of(situation.topology)
        self._own.health = health
        lines = [
            *_states(situation, Subject.SERVICE, self._kept.services),
            *_states(situation, Subject.COMPONENT, self._kept.components),
            *_states(situation, Subject.MONITOR, self._kept.monitors),
            *_results(self._kept.places, results),
            *_incidents(tuple(situation.incidents.values()), now),
            *_planned(situation),
            *_sight(situation, self._kept.locations),
            *_warnings(self._kept.places, results, trends),
        ]
        return "".join((*lines, levels)).encode() + generate_latest(self._registry)


def escaped(value: str) -> str:
    """Escape a label's value."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


@dataclass(frozen=True, slots=True)
class _Kept:
    """Ready text by id: of a subject in each status all lines of its state set, of a monitor's location its label block.

    *locations* are those from which anything is probed.
    """

    services: Mapping[str, Mapping[Status, str]]
    components: Mapping[str, Mapping[Status, str]]
    monitors: Mapping[str, Mapping[Status, str]]
    places: Mapping[tuple[str, str], str]
    locations: Sequence[str]

    @classmethod
    def of(cls, topology: Topology) -> "_Kept":
        places = {
            (monitor.id, location): f'{{monitor="{escaped(monitor.id)}",location="{escaped(location)}"}} '
            for monitor in topology.monitors.values()
            for location in monitor.locations
        }
        return cls(
            {id_: _state_set(Subject.SERVICE, id_) for id_ in topology.services},
            {id_: _state_set(Subject.COMPONENT, id_) for id_ in topology.components},
            {id_: _state_set(Subject.MONITOR, id_) for id_ in topology.monitors},
            places,
            sorted({location for _, location in places}),
        )


def _state_set(subject: Subject, id_: str) -> Mapping[Status, str]:
    start = f'statuspage_{subject}_status{{{subject}="{escaped(id_)}",status="'
    return {present: "".join(f'{start}{status}"}} {int(status is present)}\n' for status in Status) for present in Status}


def family(name: str, kind: str, told: str) -> str:
    """Begin a family of series."""
    return f"# HELP {name} {told}\n# TYPE {name} {kind}\n"


def _states(situation: Situation, subject: Subject, kept: Mapping[str, Mapping[Status, str]]) -> Iterator[str]:
    yield family(f"statuspage_{subject}_status", "gauge", f"Status of each {subject}: 1 for the one that holds, 0 for the others.")
    standings = situation.standings
    for id_, texts in kept.items():
        standing = standings.get((subject, id_))
        yield texts[Status.UNKNOWN if standing is None else standing.status]


def _results(places: Mapping[tuple[str, str], str], results: Mapping[tuple[str, str], Result]) -> Iterator[str]:
    known = [(labels, results[place]) for place, labels in places.items() if place in results]
    name = "statuspage_last_result_timestamp_seconds"
    yield family(name, "gauge", "Slot of the newest result, since the epoch.")
    yield from [f"{name}{labels}{result.slot.timestamp()!r}\n" for labels, result in known]
    name = "statuspage_last_result_duration_seconds"
    yield family(name, "gauge", "How long the newest probe took.")
    yield from [f"{name}{labels}{result.measured.took!r}\n" for labels, result in known]
    name = "statuspage_last_result_success"
    yield family(name, "gauge", "Whether the newest probe found all that it expected.")
    yield from [f"{name}{labels}{int(result.measured.failure is None)}\n" for labels, result in known]
    name = "statuspage_last_result_failure"
    yield family(name, "gauge", "Why the newest probe failed; there is no series for one that did not.")
    for labels, result in known:
        if result.measured.failure is not None:
            yield f'{name}{labels[:-2]},failure="{result.measured.failure}"}} 1\n'


def _incidents(incidents: Sequence[Incident], now: datetime) -> Iterator[str]:
    yield family("statuspage_incidents", "gauge", "Open incidents by state.")
    for state in _OPEN_STATES:
        yield f'statuspage_incidents{{state="{state}"}} {sum(incident.state is state for incident in incidents)}\n'
    name = "statuspage_incident_started_timestamp_seconds"
    yield family(name, "gauge", "When each open incident began, since the epoch.")
    yield from [f'{name}{{incident="{escaped(one.id)}"}} {one.started_at.timestamp()!r}\n' for one in incidents]
    name = "statuspage_incident_acknowledged"
    yield family(name, "gauge", "Whether somebody owns the open incident.")
    for one in incidents:
        is_owned = one.acknowledgement is not None and one.acknowledgement.holds(now)
        yield f'{name}{{incident="{escaped(one.id)}"}} {int(is_owned)}\n'


def _planned(situation: Situation) -> Iterator[str]:
    """Windows that are not over. What waits for approval covers nothing, and is left out."""
    windows = sorted((one for one in situation.maintenances.values() if one.is_public), key=lambda one: (one.starts, one.id))
    yield family("statuspage_maintenances", "gauge", "Planned windows that are not over, by state.")
    for state in _PENDING_STATES:
        yield f'statuspage_maintenances{{state="{state}"}} {sum(window.state is state for window in windows)}\n'
    first: dict[str, Maintenance] = {}
    for window in windows:
        for service in window.services if window.state is not MaintenanceState.VERIFYING else ():
            if service in situation.topology.services:
                first.setdefault(service, window)
    for end, told in (("start", "begins"), ("end", "ends")):
        name = f"statuspage_service_maintenance_{end}_timestamp_seconds"
        yield family(name, "gauge", f"When the window that runs, or else the next one, {told} as planned, since the epoch.")
        for service, window in first.items():
            yield f'{name}{{service="{escaped(service)}"}} {(window.starts if end == "start" else window.ends).timestamp()!r}\n'


def _warnings(
    places: Mapping[tuple[str, str], str], results: Mapping[tuple[str, str], Result], trends: Mapping[tuple[str, str], Trend]
) -> Iterator[str]:
    name = "statuspage_last_result_warning"
    yield family(name, "gauge", "What the newest probe warns of; there is no series for one that warns of nothing.")
    for place, labels in places.items():
        for warned in sorted({warning.name for warning in results[place].measured.warnings} if place in results else ()):
            yield f'{name}{labels[:-2]},warning="{escaped(warned)}"}} 1\n'
    name = "statuspage_probe_duration_trend_ratio"
    yield family(name, "gauge", "What probes took in the last hours, as a multiple of what they usually take.")
    yield from [f"{name}{labels}{trends[place].ratio!r}\n" for place, labels in places.items() if place in trends]


def _sight(situation: Situation, locations: Sequence[str]) -> Iterator[str]:
    name = "statuspage_location_blind"
    yield family(name, "gauge", "Whether the location cannot see the world: its votes are unknown while it lasts.")
    yield from [f'{name}{{location="{escaped(one)}"}} {int(blindness(situation, one) is not None)}\n' for one in locations]
    name = "statuspage_impairment_started_timestamp_seconds"
    yield family(name, "gauge", "When monitoring was last impaired, by location and reason, since the epoch.")
    for (location, reason), one in situation.impairments.items():
        yield f'{name}{{location="{escaped(location)}",reason="{reason}"}} {one.since.timestamp()!r}\n'
    name = "statuspage_impairment_ended_timestamp_seconds"
    yield family(name, "gauge", "When that impairment ended; there is no series while it lasts.")
    for (location, reason), one in situation.impairments.items():
        if one.until is not None:
            yield f'{name}{{location="{escaped(location)}",reason="{reason}"}} {one.until.timestamp()!r}\n'


class _Own(Collector):
    """The service's own numbers, in the form that prometheus-client spells."""

    health: Health | None = None

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand: the numbers come with the first scrape."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Give the numbers of the newest health."""
        if (health := self.health) is None:
            return
        yield GaugeMetricFamily(
            "statuspage_loop_lag_seconds", "How late the event loop ran at worst since the last scrape.", health.loop_lag
        )
        yield GaugeMetricFamily("statuspage_queue_depth", "Results that wait to be written.", health.queue_depth)
        yield GaugeMetricFamily("statuspage_readers", "Open pages that are told at once when something changes.", health.readers)
        yield CounterMetricFamily("statuspage_crashed_turns", "Turns of the service that broke off with a bug.", health.crashed_turns)
        yield CounterMetricFamily("statuspage_failed_writes", "Writes that the store did not take.", health.failed_writes)
        told = "Whether the newest configuration could be used."
        yield GaugeMetricFamily("statuspage_config_last_reload_successful", told, int(health.is_reload_good))
        told = "When a configuration was last taken into use, since the epoch."
        name = "statuspage_config_last_reload_success_timestamp_seconds"
        yield GaugeMetricFamily(name, told, health.reloaded_at.timestamp())
        yield from () if health.mirror is None else _mirror(health.mirror)
        yield from () if health.backup is None else _backup(health.backup)
        yield from () if health.delivery is None else _delivery(health.delivery)
        yield from () if health.promised is None else _promised(health.promised)
        yield from (_tallied(tallied, tally) for tallied, tally in health.tallied.items())
        if health.alertmanagers_away is not None:
            told = "How many Alertmanagers could not be told of open incidents."
            yield GaugeMetricFamily("statuspage_alertmanagers_away", told, health.alertmanagers_away)
        if health.on_call:
            told = "How many people of a team are on call; none is an alarm."
            on_call = GaugeMetricFamily("statuspage_team_on_call", told, labels=["team"])
            for team, count in health.on_call.items():
                on_call.add_metric([team], count)
            yield on_call


def _promised(figures: PromiseFigures) -> Iterable[Metric]:
    told = "Updates that were promised by an instant: kept, or missed (they came late, or have not come yet)."
    promised = CounterMetricFamily("statuspage_promised_updates", told, labels=["outcome"])
    for outcome, count in figures.outcomes.items():
        promised.add_metric((outcome,), count)
    yield promised
    told = "How late updates came that were promised, zero where they came in time."
    late = HistogramMetricFamily("statuspage_promised_update_lateness_seconds", told)
    bounds = [*(str(bound) for bound in LATENESS), "+Inf"]
    late.add_metric((), list(zip(bounds, accumulate(figures.answered), strict=True)), figures.late_by)
    yield late


def _tallied(tallied: Tallied, tally: Tally) -> Metric:
    family = HistogramMetricFamily(f"statuspage_desk_{tallied}", _TALLIED[tallied])
    bounds = [*(str(bound) for bound in tallied.bounds), "+Inf"]
    family.add_metric((), list(zip(bounds, accumulate(tally.lie), strict=True)), tally.total)
    return family


_TALLIED = {
    Tallied.ACKNOWLEDGE: "How long after an incident was opened somebody first owned it.",
    Tallied.FIRST_WORD: "How long after an incident was opened customers first read of it.",
    Tallied.RESOLVE: "How long after an incident was opened it was over.",
    Tallied.LEAD: "How long after the opening the first caller called, of incidents that are over; below zero where they were faster.",
    Tallied.CALLERS: "How many called about each incident that is over.",
}


def _mirror(figures: MirrorFigures) -> Iterable[Metric]:
    if figures.done_at is not None:
        told = "When the mirror last held all that is public, since the epoch."
        yield GaugeMetricFamily("statuspage_mirror_last_success_timestamp_seconds", told, figures.done_at.timestamp())
    yield CounterMetricFamily("statuspage_mirror_failures", "Times that the mirror could not be written.", figures.failures)


def _backup(figures: BackupFigures) -> Iterable[Metric]:
    told = "When the last good backup was made, since the epoch; zero where there is none yet."
    yield GaugeMetricFamily("statuspage_backup_last_success_timestamp_seconds", told, figures.done_at.timestamp() if figures.done_at else 0)
    yield CounterMetricFamily("statuspage_backup_failures", "Backups that could not be made.", figures.failures)


def _delivery(figures: DeliveryFigures) -> Iterator[Metric]:
    told = "Notifications that are on their way; those that quiet hours hold back are not."
    yield GaugeMetricFamily("statuspage_notifications_waiting", told, figures.waiting)
    told = "Tries to deliver a notification: delivered, failed (and to be tried again) or refused for good."
    tries = CounterMetricFamily("statuspage_notification_tries", told, labels=["channel", "outcome"])
    for labels, count in sorted(figures.tries.items()):
        tries.add_metric(labels, count)
    yield tries
    if figures.unannounced:
        yield from _announcing(figures)


def _announcing(figures: DeliveryFigures) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("statuspage_announcements_waiting", "Announcements that are on their way, by outlet.", labels=["outlet"])
    for outlet, number in sorted(figures.unannounced.items()):
        waiting.add_metric((outlet,), number)
    yield waiting
    told = "Tries to announce something by an outlet: delivered, or failed (and to be tried again)."
    tries = CounterMetricFamily("statuspage_announcement_tries", told, labels=["outlet", "outcome"])
    for labels, count in sorted(figures.announced.items()):
        tries.add_metric(labels, count)
    yield tries
