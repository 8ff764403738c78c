"""Write out what a configuration leaves to its defaults: names from ids, inline monitors, the components that they make."""

from dataclasses import dataclass
from datetime import timedelta

from probes.settings import authority
from statuspage.config.installation import EVERY_ADDRESS, Console
from statuspage.config.models import Config, Service
from statuspage.config.problems import Trail
from statuspage.config.watched import Component, Location, Monitor, MonitorDefaults, Need


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """The configuration with nothing left to guess, and where each monitor of it was written."""

    config: Config
    trails: dict[str, Trail]


def named(identifier: str) -> str:
    """Make a name from an id: ``outgoing-mail`` becomes ``Outgoing mail``."""
    words = identifier.replace("-", " ")
    return words[:1].upper() + words[1:]


def complete(config: Config) -> Complete:
    """Fill in every default that depends on another key."""
    monitors = {name: _with_component(name, monitor) for name, monitor in config.monitors.items()}
    trails: dict[str, Trail] = {name: ("monitors", name) for name in monitors}
    for service, described in config.services.items():
        for place, monitor in enumerate(described.monitors):
            name = _free(f"{service}-{monitor.probe}".replace("_", "-")[:63].rstrip("-"), monitors)
            monitors[name] = monitor.model_copy(update={"component": service})
            trails[name] = ("services", service, "monitors", place)
    defaults = config.defaults.monitor
    monitors = {name: _with_defaults(name, monitor, defaults) for name, monitor in monitors.items()}
    components = dict(config.components)
    for service, described in config.services.items():
        if described.monitors:
            components.setdefault(service, Component())
    for name, monitor in config.monitors.items():
        if monitor.component is None:
            components.setdefault(name, Component())
    whole = config.model_copy(
        update={
            "console": _console(config),
            "locations": {"local": Location(), **config.locations},
            "services": {name: _with_needs(name, service) for name, service in config.services.items()},
            "components": {name: part.model_copy(update={"name": part.name or named(name)}) for name, part in components.items()},
            "monitors": monitors,
        }
    )
    return Complete(config=whole, trails=trails)


def _free(name: str, taken: dict[str, Monitor]) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found


def _with_component(name: str, monitor: Monitor) -> Monitor:
    return monitor if monitor.component is not None else monitor.model_copy(update={"component": name})


def _with_defaults(name: str, monitor: Monitor, defaults: MonitorDefaults) -> Monitor:
    said = defaults.model_fields_set - monitor.model_fields_set
    filled = monitor.model_copy(update={key: getattr(defaults, key) for key in said} | {"name": monitor.name or named(name)})
    return filled if filled.stale_after is not None else filled.model_copy(update={"stale_after": _silence(filled)})


def _silence(monitor: Monitor) -> timedelta:
    return 3 * monitor.every + monitor.timeout


def _with_needs(name: str, service: Service) -> Service:
    needs = service.needs or ((Need(component=name),) if service.monitors else ())
    return service.model_copy(update={"name": service.name or {"": named(name)}, "needs": needs})


def _console(config: Config) -> Console:
    if "url" in config.console.model_fields_set:
        return config.console
    internal = config.listen.internal
    host = "127.0.0.1" if internal.host in EVERY_ADDRESS else internal.host
    return config.console.model_copy(update={"url": f"http://{authority(host, internal.port)}"})
