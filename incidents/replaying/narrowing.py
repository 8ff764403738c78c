"""What of all that is known a topology has a place for. The rest is kept beside, and comes back with a topology that names it again."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from incidents.model import Incident, Situation, Subject, Topology

K = TypeVar("K")
V = TypeVar("V")


def narrowed(known: Situation, topology: Topology) -> Situation:
    """All that is *known*, as far as *topology* names it: what a decision by *topology* begins from."""
    watched = {(monitor.id, location) for monitor in topology.monitors.values() for location in monitor.locations}
    named = {
        *((Subject.MONITOR, id) for id in topology.monitors),
        *((Subject.COMPONENT, id) for id in topology.components),
        *((Subject.SERVICE, id) for id in topology.services),
    }
    return replace(
        known,
        topology=topology,
        streaks=_only(watched, known.streaks),
        seen=_only(watched, known.seen),
        standings=_only(named, known.standings),
        incidents=_each(known.incidents, topology),
        ended=_each(known.ended, topology),
        paused=_only(topology.monitors, known.paused),
        waived=known.waived.intersection(topology.components),  # by & with keys it would be a set that can be changed
    )


def _only(keys: Collection[K], known: Mapping[K, V]) -> Mapping[K, V]:
    return MappingProxyType({key: value for key, value in known.items() if key in keys})


def _each(incidents: Mapping[str, Incident], topology: Topology) -> Mapping[str, Incident]:
    return MappingProxyType({id: _narrowed(incident, topology) for id, incident in incidents.items()})


def _narrowed(incident: Incident, topology: Topology) -> Incident:
    return replace(
        incident,
        components=tuple(id for id in incident.components if id in topology.components),
        services=_only(topology.services, incident.services),
        worst=_only(topology.services, incident.worst),
        pinned=incident.pinned.intersection(topology.components),
    )
