"""What a service can do, need by need, in the customer's words; and whether anybody watches it. Pure, like ``page``."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from incidents.model import Service, Severity, Situation, Status, Subject, Topology
from incidents.rollup import need_status, standing, worst
from statuspage.picture.marking import localised


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityView:
    """A need in the customer's words. *status* is operational, degraded, major outage, under maintenance or unknown."""

    label: str
    status: Status


def capabilities(service: Service, situation: Situation, language: str) -> Iterable[CapabilityView]:
    """What *service* can do, and what it cannot, for readers of *language*."""
    status_of = partial(standing, situation, Subject.COMPONENT)
    found = [(label, need_status(need, status_of)) for need in service.needs if (label := localised(need.label, language))]
    # Two needs may be one capability to customers: then the worse one counts.
    return (CapabilityView(label=label, status=worst(status for other, status in found if other == label)) for label in dict(found))


def is_watched(service: Service, topology: Topology) -> bool:
    """Whether any monitor says how it is."""
    monitors = (monitor for need in service.needs for part in need.of for monitor in topology.monitors_of[part])
    return any(topology.monitors[monitor].severity is not Severity.WARNING for monitor in monitors)
