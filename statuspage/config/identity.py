"""What stays the same when the file changes: ids that moved, and what each monitor measures."""

from collections.abc import Iterator, Mapping
from hashlib import sha256

from incidents.model import Subject
from incidents.moving import Move
from probes import heartbeat
from statuspage.config.models import Config


def moves(config: Config) -> tuple[Move, ...]:
    """Every id that was another before, and what that implies: a service's inline monitors and component move with it."""
    said = {
        Move(subject, entry.moved_from, name): None
        for subject, section in (
            (Subject.SERVICE, config.services),
            (Subject.COMPONENT, config.components),
            (Subject.MONITOR, config.monitors),
        )
        for name, entry in section.items()
        if entry.moved_from is not None
    }
    taken = {(move.subject, move.new) for move in said}
    implied = (move for move in _implied(config) if (move.subject, move.new) not in taken)
    return tuple(dict.fromkeys([*said, *implied]))


def _implied(config: Config) -> Iterator[Move]:
    for name, service in config.services.items():
        if service.moved_from is not None and service.monitors:
            yield Move(Subject.COMPONENT, service.moved_from, name)
            for inline in _inline(config, name):
                yield Move(Subject.MONITOR, service.moved_from + inline.removeprefix(name), inline)
    for name, monitor in config.monitors.items():
        if monitor.moved_from is not None and monitor.component == name and monitor.moved_from not in config.components:
            yield Move(Subject.COMPONENT, monitor.moved_from, name)


def _inline(config: Config, service: str) -> list[str]:
    """The monitors that were written inside *service*: they bear its id and watch its component."""
    kinds = {monitor.probe.replace("_", "-") for monitor in config.services[service].monitors}
    starts = tuple(f"{service}-{kind}" for kind in kinds)
    return [name for name, monitor in config.monitors.items() if monitor.component == service and name.startswith(starts)]


def measures(config: Config) -> Mapping[str, str]:
    """A digest for each monitor of what it measures: its kind and what was written for it, never how often or by which numbers.

    One that reports by itself measures nothing, and its next ping may be a day away: it keeps its votes.
    """
    return {
        name: sha256(f"{monitor.enabled} {monitor.probe} {monitor.settings.model_dump_json(exclude_defaults=True)}".encode()).hexdigest()
        for name, monitor in config.monitors.items()
        if monitor.settings is not None and not isinstance(monitor.settings, heartbeat.Settings)
    }
