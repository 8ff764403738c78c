"""The configuration: read, validated, and handed to the rest of the house as values.

``load`` is the one way in. What it refuses, it refuses all at once; what it warns of, it lets pass; what nothing acts on yet, it names.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from incidents.heartbeat import Every, Heartbeat
from incidents.model import Component, Monitor, Need, Service, Topology
from incidents.rota import Shift
from probes import heartbeat
from probes.catalog import BrokenKind, kinds
from probes.cron import Cron
from probes.kind import ProbeKind
from statuspage.config.advice import inactive, warnings
from statuspage.config.audiences import logos, unclear_pages, unnamed_windows
from statuspage.config.complete import complete, named
from statuspage.config.login import unready
from statuspage.config.logo import Logo
from statuspage.config.meaning import (
    circles,
    forbidden_programs,
    impossible_quorums,
    impossible_times,
    misplaced_mirror,
    names_of_others,
    silent_controls,
    unclear_heartbeats,
    unknown_levels,
    unknown_names,
)
from statuspage.config.models import Config
from statuspage.config.models import Service as WrittenService
from statuspage.config.outlets import judged_outlets
from statuspage.config.problems import ConfigError, Problem, Seen
from statuspage.config.schema import json_schema
from statuspage.config.series import series
from statuspage.config.shape import shape
from statuspage.config.shifts import shifts
from statuspage.config.sources import NO_DRAFTS, Drafts, read, resolve
from statuspage.config.watched import Monitor as WrittenMonitor
from statuspage.config.watched import Need as WrittenNeed

__all__ = [
    "Config",
    "ConfigError",
    "Control",
    "Loaded",
    "Plan",
    "Problem",
    "controls",
    "json_schema",
    "load",
    "plans",
    "tokens",
    "topology",
    "words",
]


EARLY = timedelta(minutes=1)
"""How long before its schedule a heartbeat may come and still be the one that was due: clocks differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A configuration that can be used.

    *warnings* are what a person should look at, *inactive* what it asks for and nothing acts on yet, in plain words. *text* is the
    sources as read and *digest* their SHA-256: what a version of the configuration is kept as. *logos* are those of pages, by their ids
    (``site`` for the main one's), *shifts* those of teams' calendars, by their ids. *path* is where it was read from, *secret_files* are
    those that ``{file: PATH}`` names, as they were read.
    """

    config: Config
    warnings: tuple[Problem, ...]
    inactive: tuple[str, ...]
    text: str
    digest: str
    logos: Mapping[str, Logo] = field(default_factory=dict)
    shifts: Mapping[str, tuple[Shift, ...]] = field(default_factory=dict)
    path: Path = Path()
    secret_files: frozenset[Seen] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One monitor at one location, ready to be probed; *every*, *timeout* and *recheck* are in seconds, *hosts* are those it calls on."""

    monitor: str
    location: str
    kind: ProbeKind[Any]
    settings: BaseModel
    every: float
    timeout: float
    recheck: float
    hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control of a location, ready to be asked; *name* tells the desk which."""

    name: str
    kind: ProbeKind[Any]
    settings: BaseModel


def load(path: Path, environ: Mapping[str, str], drafts: Drafts = NO_DRAFTS) -> Loaded:
    """Read the file or directory at *path*; *environ* is where ``{env: NAME}`` looks, *drafts* what files are about to say.

    Errors: ConfigError with everything that is wrong, in the order of the file.
    """
    sources = read(path, drafts)
    problems = resolve(sources, environ)
    known = _kinds(path)
    shaped = shape(sources, known)
    whole = complete(shaped.config)
    problems += shaped.problems
    problems += unknown_names(sources)
    problems += circles(sources)
    problems += impossible_times(whole, known, sources)
    problems += impossible_quorums(whole, sources)
    problems += silent_controls(sources, known)
    problems += unknown_levels(whole, sources)
    problems += forbidden_programs(whole, sources)
    problems += names_of_others(whole, sources)
    problems += unclear_heartbeats(whole, sources)
    problems += unclear_pages(sources)
    problems += unnamed_windows(sources, needed_by_hidden(whole.config))
    signs, faults = logos(sources)
    problems += faults
    watches, unreadable = shifts(sources, whole.config)
    problems += unreadable
    problems += misplaced_mirror(whole, sources)
    problems += unready(sources)
    unusable, doubts = judged_outlets(sources)
    problems += unusable
    if problems:
        raise ConfigError(_in_order(problems))
    return Loaded(
        config=whole.config,
        warnings=_in_order([*warnings(whole, sources), *doubts]),
        inactive=inactive(sources, known),
        text=sources.text,
        digest=sha256(sources.text.encode()).hexdigest(),
        logos=signs,
        shifts=watches,
        path=path,
        secret_files=frozenset(sources.secret_files),
    )


def needed_by_hidden(config: Config) -> Mapping[str, frozenset[str]]:
    """The services that are not public, by the components which they need and no public service does."""
    needed: dict[str, set[str]] = {}
    for id, service in config.services.items():
        for need in service.needs:
            for part in need.parts:
                needed.setdefault(part, set()).add(id)
    return {part: frozenset(ids) for part, ids in needed.items() if not any(config.services[id].public for id in ids)}


def _kinds(path: Path) -> Mapping[str, ProbeKind[Any]]:
    try:
        known = kinds()
        for kind in known.values():
            _keep_apart(kind)
    except BrokenKind as error:
        raise ConfigError((Problem(str(path), None, None, "", str(error)),)) from error
    return known


def _keep_apart(kind: ProbeKind[Any]) -> None:
    """A kind's settings stand beside the monitor's own keys: one of the same name would never reach the kind."""
    taken = sorted(WrittenMonitor.model_fields.keys() & kind.settings.model_fields.keys())
    if taken:
        raise BrokenKind(f"the probe kind {kind.name!r} cannot be used: its setting {taken[0]!r} is a key that every monitor has")


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line or 0, problem.column or 0)))


def words(text: Mapping[str, str] | None, language: str) -> dict[str, str]:
    """Give a customer's text by language: one that the file gives without a language is in *language*, the site's."""
    return {spoken or language: said for spoken, said in (text or {}).items()}


def topology(config: Config) -> Topology:
    """Give what judging needs to know: services, components and the monitors that anything measures, or that report by themselves."""
    language = config.site.language
    known = kinds()
    return Topology(
        services={name: _service(name, service, language) for name, service in config.services.items()},
        components={
            name: Component(id=name, name=part.name or named(name), depends_on=part.depends_on) for name, part in config.components.items()
        },
        monitors={
            name: _monitor(name, monitor, config.site.timezone)
            for name, monitor in config.monitors.items()
            if isinstance(monitor.settings, heartbeat.Settings) or (known[monitor.probe].measure is not None and _probed_from(monitor))
        },
        series=series(config),
    )


def tokens(config: Config) -> Mapping[bytes, str]:
    """Give the monitors that are pinged, by the digests of their tokens."""
    return {
        heartbeat.digest(monitor.settings.token.reveal()): name
        for name, monitor in config.monitors.items()
        if isinstance(monitor.settings, heartbeat.Settings)
    }


def plans(config: Config) -> tuple[Plan, ...]:
    """Give every monitor that is probed from here, with its kind and settings."""
    known = kinds()
    return tuple(
        _plan(name, monitor, location, known[monitor.probe])
        for name, monitor in config.monitors.items()
        if known[monitor.probe].measure is not None and monitor.enabled
        for location in _probed_from(monitor)
    )


def controls(config: Config) -> tuple[Control, ...]:
    """Give the controls of the location that is here; none are configured where the gateway and the resolvers are to be asked."""
    known = kinds()
    return tuple(
        Control(
            name=f"{control.probe} {known[control.probe].target(control.settings)}", kind=known[control.probe], settings=control.settings
        )
        for control in config.locations["local"].controls
        if control.settings is not None and known[control.probe].measure is not None
    )


def _plan(name: str, monitor: WrittenMonitor, location: str, kind: ProbeKind[Any]) -> Plan:
    if monitor.settings is None:
        raise ValueError(f"the monitor {name} has not been loaded: its settings are missing")
    return Plan(
        monitor=name,
        location=location,
        kind=kind,
        settings=monitor.settings,
        every=monitor.every.total_seconds(),
        timeout=monitor.timeout.total_seconds(),
        recheck=monitor.recheck.total_seconds(),
        hosts=frozenset(_hosts(monitor.settings)),
    )


def _hosts(settings: BaseModel) -> Iterator[str]:
    """Every host that *settings* name, the parts of a mail round trip included."""
    for name in type(settings).model_fields:
        match name, getattr(settings, name):
            case "host" | "server", str(host):
                yield host.lower()
            case "url", str(url):
                yield urlsplit(url).hostname or ""
            case _, BaseModel() as part:
                yield from _hosts(part)
            case _:
                continue


def _probed_from(monitor: WrittenMonitor) -> tuple[str, ...]:
    """Leave out locations that no prober serves yet: their votes would never come."""
    return tuple(location for location in monitor.locations if location == "local")


def _service(name: str, service: WrittenService, language: str) -> Service:
    return Service(
        id=name,
        name=words(service.name, language),
        description=words(service.description, language),
        group=words(service.group, language) if service.group is not None else None,
        needs=tuple(_need(need, language) for need in service.needs),
        publish_after=service.publish_after,
        notify_after=service.notify_after,
        resolves_after=service.resolves_after,
        owner=service.owner,
        tiers=service.tiers,
    )


def _need(need: WrittenNeed, language: str) -> Need:
    return Need(of=need.parts, at_least=need.at_least or 1, label=words(need.label, language), critical=need.critical)


def _monitor(name: str, monitor: WrittenMonitor, timezone: str) -> Monitor:
    promised = _promised(monitor.settings, monitor.every, timezone) if isinstance(monitor.settings, heartbeat.Settings) else None
    silence = monitor.stale_after or 3 * monitor.every + monitor.timeout
    return Monitor(
        id=name,
        component=monitor.component or name,
        fails_after=monitor.fails_after,
        recovers_after=monitor.recovers_after,
        stale_after=silence if promised is None else promised.rhythm.gap + promised.grace,
        severity=monitor.severity,
        locations=_probed_from(monitor) if promised is None else ("local",),
        quorum=monitor.quorum,
        heartbeat=promised,
        is_enabled=monitor.enabled,
    )


def _promised(settings: heartbeat.Settings, every: timedelta, timezone: str) -> Heartbeat:
    grace = settings.grace
    if settings.schedule is None:
        return Heartbeat(rhythm=Every(gap=every), grace=grace, finish_within=settings.finish_within or grace or every)
    cron = Cron(expression=settings.schedule, timezone=settings.timezone or timezone)
    early = min(EARLY, cron.gap / 2)
    return Heartbeat(rhythm=cron, grace=grace, finish_within=settings.finish_within or grace or cron.gap, early=early)
