"""What is inside: components and the monitors that watch them, as the desk sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from incidents.model import Component, Monitor, Pause, Severity, Situation, Status, Subject
from incidents.verdicts import why_not_well, why_still


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorRow:
    """A monitor and what it found last. *failure*, *stage* and *detail* tell why it is not well; *seen* is the newest slot.

    It *is_still* while it is not probed: somebody *paused* it, or (None) the file disabled it.
    """

    id: str
    severity: Severity
    status: Status
    since: datetime | None
    cause: str
    seen: datetime | None
    failure: str | None
    stage: str | None
    detail: str
    paused: Pause | None = None
    is_still: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentRow:
    """A component, its monitors, and the open incident that covers it (None: none does)."""

    id: str
    name: str
    status: Status
    since: datetime | None
    cause: str
    depends_on: tuple[str, ...]
    monitors: tuple[MonitorRow, ...]
    incident: str | None


def component_rows(situation: Situation) -> Mapping[str, ComponentRow]:
    """Gather what is known of every component, in the configuration's order."""
    monitors: dict[str, list[MonitorRow]] = {}
    for monitor in situation.topology.monitors.values():
        monitors.setdefault(monitor.component, []).append(monitor_row(situation, monitor))
    covered = {key: one.id for one in situation.incidents.values() if one.is_open for key in one.components}
    return {
        component.id: _component_row(situation, component, tuple(monitors.get(component.id, ())), covered.get(component.id))
        for component in situation.topology.components.values()
    }


def _component_row(situation: Situation, component: Component, monitors: tuple[MonitorRow, ...], incident: str | None) -> ComponentRow:
    found = situation.standings.get((Subject.COMPONENT, component.id))
    return ComponentRow(
        id=component.id,
        name=component.name,
        status=found.status if found else Status.UNKNOWN,
        since=found.since if found else None,
        cause=found.cause if found else "",
        depends_on=component.depends_on,
        monitors=monitors,
        incident=incident,
    )


def monitor_row(situation: Situation, monitor: Monitor) -> MonitorRow:
    """Say how a monitor is."""
    found = situation.standings.get((Subject.MONITOR, monitor.id))
    status = found.status if found else Status.UNKNOWN
    places = [(monitor.id, location) for location in monitor.locations]
    is_still = situation.stands_still(monitor.id)
    bad = None if is_still else why_not_well(situation, monitor)
    return MonitorRow(
        id=monitor.id,
        severity=monitor.severity,
        status=status,
        since=found.since if found else None,
        cause=_cause(situation, monitor),
        seen=max((situation.seen[place] for place in places if place in situation.seen), default=None),
        failure=bad.failure if bad else None,
        stage=bad.stage if bad else None,
        detail=bad.detail if bad else "",
        paused=situation.paused.get(monitor.id),
        is_still=is_still,
    )


def _cause(situation: Situation, monitor: Monitor) -> str:
    found = situation.standings.get((Subject.MONITOR, monitor.id))
    if situation.stands_still(monitor.id):
        return why_still(situation, monitor.id)
    if found is not None:
        return found.cause
    return "no result yet" if monitor.heartbeat is None else _never_pinged(situation, monitor)


def _never_pinged(situation: Situation, monitor: Monitor) -> str:
    began = next((streak.began for place in monitor.locations if (streak := situation.streaks.get((monitor.id, place)))), None)
    return "never pinged" if began is None else f"first start at {began:%Y-%m-%d %H:%M:%S} UTC, no finish yet"
