"""Topologies as another hand leaves them: something is called otherwise, taken out, or switched off."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from incidents.model import Need, Service, Subject, Topology
from incidents.moving import Move

T = TypeVar("T")


def renamed(topology: Topology, move: Move) -> Topology:
    """The same with one id changed, wherever it stands."""

    def of(subject: Subject) -> Callable[[str], str]:
        return lambda id: move.new if (subject, id) == (move.subject, move.old) else id

    monitor, component, service = (of(subject) for subject in (Subject.MONITOR, Subject.COMPONENT, Subject.SERVICE))
    needs = {id: tuple(replace(need, of=_each(need.of, component)) for need in one.needs) for id, one in topology.services.items()}
    return replace(
        topology,
        services=_keyed(replace(one, id=service(id), needs=needs[id]) for id, one in topology.services.items()),
        components=_keyed(replace(c, id=component(c.id), depends_on=_each(c.depends_on, component)) for c in topology.components.values()),
        monitors=_keyed(replace(m, id=monitor(m.id), component=component(m.component)) for m in topology.monitors.values()),
        series={
            key: replace(one, services=_each(one.services, service), components=_each(one.components, component))
            for key, one in topology.series.items()
        },
    )


def without(topology: Topology, subject: Subject, id: str) -> Topology:
    """The same without one thing, and without what cannot be without it."""
    services = {key: one for key, one in topology.services.items() if (subject, key) != (Subject.SERVICE, id)}
    components = {key: one for key, one in topology.components.items() if (subject, key) != (Subject.COMPONENT, id)}
    left = components.keys()
    monitors = {m.id: m for m in topology.monitors.values() if m.component in left and (subject, m.id) != (Subject.MONITOR, id)}
    series = {
        key: replace(one, services=_kept(one.services, services), components=_kept(one.components, left))
        for key, one in topology.series.items()
    }
    return replace(
        topology,
        services={key: replace(one, needs=_needs(one, left)) for key, one in services.items()},
        components={key: replace(one, depends_on=_kept(one.depends_on, left)) for key, one in components.items()},
        monitors=monitors,
        series={key: one for key, one in series.items() if one.services},
    )


def switched(topology: Topology, monitor: str) -> Topology:
    """The same with one monitor disabled, or enabled again."""
    found = topology.monitors[monitor]
    return replace(topology, monitors={**topology.monitors, monitor: replace(found, is_enabled=not found.is_enabled)})


def _needs(service: Service, left: Iterable[str]) -> tuple[Need, ...]:
    shorter = (replace(need, of=_kept(need.of, left)) for need in service.needs)
    return tuple(replace(need, at_least=min(need.at_least, len(need.of))) for need in shorter if need.of)


def _each(ids: Iterable[str], name: Callable[[str], str]) -> tuple[str, ...]:
    return tuple(name(id) for id in ids)


def _kept(ids: Iterable[str], left: Iterable[str]) -> tuple[str, ...]:
    return tuple(id for id in ids if id in set(left))


def _keyed(things: Iterable[Any]) -> Mapping[str, Any]:
    return {one.id: one for one in things}
