"""From monitors to components, needs, services and the page. Pure look-ups over standings; nothing is remembered here."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import partial

from incidents.coverage import StatusOf, apparent, excused_parts
from incidents.model import Incident, Monitor, Need, Origin, Service, Severity, Situation, Standing, State, Status, Subject

ORDER = {
    Status.OPERATIONAL: 0,
    Status.UNKNOWN: 1,
    Status.MAINTENANCE: 2,
    Status.DEGRADED: 3,
    Status.PARTIAL: 4,
    Status.MAJOR: 5,
}
"""A known outage beats maintenance, maintenance beats unknown, unknown beats operational."""

TROUBLE = frozenset({Status.DEGRADED, Status.PARTIAL, Status.MAJOR})
"""Statuses that are known to be bad."""


def worst(statuses: Iterable[Status]) -> Status:
    """The one that must be shown; operational where there are none."""
    return max(statuses, key=ORDER.__getitem__, default=Status.OPERATIONAL)


def standing(situation: Situation, subject: Subject, id: str) -> Status:
    """The status now; what was never judged is unknown."""
    found = situation.standings.get((subject, id))
    return Status.UNKNOWN if found is None else found.status


def component_status(monitors: Iterable[Monitor], status_of: StatusOf) -> Status:
    """The worst known monitor, as far as each one's severity lets it spread; unknown where nobody watches."""
    judging = [monitor for monitor in monitors if monitor.severity is not Severity.WARNING]
    if not judging:
        return Status.UNKNOWN
    return worst(_spread(status_of(monitor.id), monitor.severity) for monitor in judging)


def _spread(status: Status, severity: Severity) -> Status:
    return Status.DEGRADED if severity is Severity.DEGRADED and status in TROUBLE else status


def need_status(need: Need, status_of: StatusOf) -> Status:
    """Operational, degraded, major (down) or unknown: can *at_least* of its components do their work?"""
    statuses = [status_of(id) for id in need.of]
    good = sum(status is Status.OPERATIONAL for status in statuses)
    if good >= need.at_least:
        return Status.OPERATIONAL
    limping = sum(status is Status.DEGRADED for status in statuses)
    if good + limping >= need.at_least:
        return Status.DEGRADED
    unknown = sum(status in {Status.UNKNOWN, Status.MAINTENANCE} for status in statuses)
    return Status.UNKNOWN if good + limping + unknown >= need.at_least else Status.MAJOR


def service_status(service: Service, status_of: StatusOf) -> Status:
    """All needs work: operational. Some down: partial outage. All down, or a critical one: major outage."""
    needs = [(need, need_status(need, status_of)) for need in service.needs]
    if not needs:
        return Status.UNKNOWN
    down = [need for need, status in needs if status is Status.MAJOR]
    if down:
        total = len(down) == len(needs) or any(need.critical for need in down)
        return Status.MAJOR if total else Status.PARTIAL
    return worst(status for _, status in needs)


def declared(incidents: Mapping[str, Incident]) -> dict[str, Status]:
    """What agents say of services in the open incidents that they opened themselves; a draft says nothing yet."""
    said: dict[str, Status] = {}
    for incident in incidents.values():
        if incident.origin is Origin.AGENT and incident.published_at is not None and incident.state is not State.MONITORING:
            for service, status in incident.services.items():
                said[service] = worst((status, said.get(service, Status.OPERATIONAL)))
    return said


def hit_services(situation: Situation, component: str) -> tuple[str, ...]:
    """The services of which a need does not work while *component* is among its broken parts, and no planned work excuses it."""
    if standing(situation, Subject.COMPONENT, component) not in TROUBLE:
        return ()
    return tuple(id for id in situation.topology.services_of[component] if failing_needs(situation, id, component))


def failing_needs(situation: Situation, service: str, component: str) -> tuple[Need, ...]:
    """The needs of *service* that *component* is part of and that do not work, as far as no planned work excuses it."""
    parts = excused_parts(situation, service)
    if component in parts:
        return ()
    status_of = apparent(partial(standing, situation, Subject.COMPONENT), parts)
    needs = situation.topology.services[service].needs
    return tuple(need for need in needs if component in need.of and need_status(need, status_of) in TROUBLE)


def measured(standing: Standing) -> Status:
    """What was seen of the subject, whatever planned maintenance makes of it."""
    return standing.status if standing.covered is None else standing.covered


def measured_since(standing: Standing) -> datetime:
    """Since when that is so."""
    return standing.measured_since or standing.since


def well_since(standing: Standing) -> datetime:
    """Since when nobody is hit by a subject that hits nobody: it was seen to be well, or planned maintenance hides what it is."""
    return standing.since if measured(standing) in TROUBLE else measured_since(standing)


def is_known(situation: Situation, service: str) -> bool:
    """Whether it can be said how the service is, apart from what planned work excuses."""
    found = situation.standings.get((Subject.SERVICE, service))
    if found is None or found.status is Status.UNKNOWN or found.covered is None:
        return found is not None and found.status is not Status.UNKNOWN
    status_of = apparent(partial(standing, situation, Subject.COMPONENT), excused_parts(situation, service))
    return service_status(situation.topology.services[service], status_of) is not Status.UNKNOWN


def is_known_by(situation: Situation, service: str, parts: Collection[str]) -> bool:
    """Whether it can be said what *parts* do to the service, were all others to work; those that planned work excuses do nothing to it."""
    excused = excused_parts(situation, service)

    def status_of(id: str) -> Status:
        return standing(situation, Subject.COMPONENT, id) if id in parts and id not in excused else Status.OPERATIONAL

    return service_status(situation.topology.services[service], status_of) is not Status.UNKNOWN


def partners(situation: Situation, component: str) -> tuple[str, ...]:
    """Other broken parts of the needs that fail with *component*: lost redundancy that bears on the same outage."""
    found: dict[str, None] = {}
    for service in situation.topology.services_of[component]:
        excused = excused_parts(situation, service)
        for need in failing_needs(situation, service, component):
            broken = (id for id in need.of if id != component and standing(situation, Subject.COMPONENT, id) in TROUBLE)
            found.update(dict.fromkeys(id for id in broken if id not in excused))
    return tuple(found)
