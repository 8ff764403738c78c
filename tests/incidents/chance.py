"""Topologies and results made by chance. Every internal word holds MARK, so that it can be found wherever it leaks."""

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from incidents.maintenance import Series
from incidents.model import Component, Monitor, Need, Service, Severity, Topology
from incidents.times.recurrence import Recurrence
from incidents.times.rule import Frequency, Rule
from probes.result import Failure
from tests.incidents.world import START

MARK = "qzx"
LOCATIONS = ("local", "far")
FAILURES = (None, Failure.REFUSED, Failure.TIMEOUT, Failure.SLOW, Failure.CRASHED, Failure.AUTH_REJECTED)
"""Good, two that are down, one that is degraded, two that say nothing about the target."""


def often(*, is_soak: bool, few: int = 300, most: int = 10_000) -> settings:
    """So many cases: in the long form new ones each time, with what makes a failure come again printed, else the same ones always.

    A profile of hypothesis that asks for fewer than the hundred of its default gets as much fewer here.
    """
    usual = settings().max_examples
    return settings(
        max_examples=most if is_soak else max(few * usual // 100, 1),
        derandomize=not is_soak,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    """Up to six components in a graph without circles, one to three services with needs of every form, one or two monitors a component."""
    ids = [f"{MARK}-part-{number}" for number in range(draw(st.integers(1, 6)))]
    components = {id: _component(draw, id, ids[:place]) for place, id in enumerate(ids)}
    services = [_service(draw, number, ids) for number in range(draw(st.integers(1, 3)))]
    monitors = [_monitor(draw, id, number) for id in ids for number in range(draw(st.sampled_from([1, 1, 1, 2])))]
    come_again = [_series(draw, number, len(services), ids) for number in range(draw(st.sampled_from([0, 0, 1, 2])))]
    return Topology(
        services={service.id: service for service in services},
        components=components,
        monitors={monitor.id: monitor for monitor in monitors},
        series={one.key: one for one in come_again},
    )


def _component(draw: st.DrawFn, id: str, earlier: list[str]) -> Component:
    parents = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=2)) if earlier else []
    return Component(id=id, name=f"{MARK} name of {id}", depends_on=tuple(parents))


def _service(draw: st.DrawFn, number: int, ids: list[str]) -> Service:
    return Service(
        id=f"service-{number}",
        name=MappingProxyType({"en": f"Service {number}"}),
        needs=tuple(_need(draw, ids) for _ in range(draw(st.integers(1, 3)))),
        publish_after=timedelta(seconds=draw(st.sampled_from([0, 0, 60]))),
        resolves_after=timedelta(seconds=draw(st.sampled_from([20, 300]))),
    )


def _need(draw: st.DrawFn, ids: list[str]) -> Need:
    of = tuple(draw(st.lists(st.sampled_from(ids), unique=True, min_size=1, max_size=3)))
    label = draw(st.sampled_from(["", "Sending", "Receiving"]))
    return Need(
        of=of,
        at_least=draw(st.integers(1, len(of))),
        label=MappingProxyType({"en": label} if label else {}),
        critical=draw(st.booleans()),
    )


def _monitor(draw: st.DrawFn, component: str, number: int) -> Monitor:
    return Monitor(
        id=f"{MARK}-watch-{number}-{component}",
        component=component,
        fails_after=draw(st.integers(1, 3)),
        recovers_after=draw(st.integers(1, 3)),
        stale_after=timedelta(seconds=draw(st.sampled_from([40, 100]))),
        severity=draw(st.sampled_from([Severity.OUTAGE, Severity.OUTAGE, Severity.DEGRADED, Severity.WARNING])),
        locations=draw(st.sampled_from([LOCATIONS[:1], LOCATIONS[:1], LOCATIONS])),
    )


def _series(draw: st.DrawFn, number: int, services: int, ids: list[str]) -> Series:
    """Planned work that comes again soon: every day, or every few minutes for an hour or two."""
    zone = draw(st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]))
    first = (START + timedelta(minutes=draw(st.integers(-90, 300)))).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    daily = Rule(frequency=Frequency.DAILY)
    crowded = replace(daily, hours=(first.hour, (first.hour + 1) % 24), minutes=tuple(range(0, 60, 5)))
    return Series(
        key=f"works-{number}",
        name=MappingProxyType({"en": "Works"}),
        description=MappingProxyType({"en": draw(st.sampled_from(["", "We patch."]))}),
        services=tuple(f"service-{place}" for place in sorted(draw(st.sets(st.integers(0, services - 1), min_size=1)))),
        components=tuple(draw(st.lists(st.sampled_from(ids), unique=True, max_size=2))),
        recurrence=Recurrence(starts=first, timezone=zone, rule=draw(st.sampled_from([daily, daily, crowded]))),
        lasts=timedelta(seconds=draw(st.sampled_from([20, 290, 1800, 7200]))),
        announce=timedelta(minutes=draw(st.sampled_from([0, 30, 600]))),
    )
