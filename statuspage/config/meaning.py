"""Refuse what is well written and makes no sense: names of nothing, circles, times that cannot be met."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from incidents.priority import ORDINARY_LEVELS
from probes import heartbeat, plugin
from probes.kind import ProbeKind
from probes.programs import objection
from probes.settings import spelled
from statuspage.config.complete import Complete
from statuspage.config.destinations import Way, way_of
from statuspage.config.problems import Problem, Sources, Trail, matches, shown
from statuspage.config.types import ALWAYS, meant

REFERENCES: Mapping[str, str] = {
    "alertmanager.login": "credentials",
    "mail.login": "credentials",
    "mirror.login": "credentials",
    "teams.*.hours": "calendars",
    "teams.*.quiet.hours": "calendars",
    "teams.*.on_call.weekly[]": "people",
    "people.*.quiet.hours": "calendars",
    "login.oidc.teams.*[]": "teams",
    "services.*.owner": "teams",
    "services.*.tiers[]": "teams",
    "services.*.hours": "calendars",
    "services.*.service_level.hours": "calendars",
    "services.*.needs[]": "components",
    "services.*.needs[].component": "components",
    "services.*.needs[].any[]": "components",
    "services.*.needs[].of[]": "components",
    "services.*.monitors[].locations[]": "locations",
    "components.*.depends_on[]": "components",
    "defaults.monitor.locations[]": "locations",
    "monitors.*.component": "components",
    "monitors.*.locations[]": "locations",
    "maintenance.*.components[]": "components",
    "maintenance.*.services[]": "services",
    "known_errors.*.services[]": "services",
    "templates.*.services[]": "services",
    "pages.*.services[]": "services",
    "announce.*.services[]": "services",
}
"""Where the file names an entry of another section, and which section that is."""

_ONE = {
    "credentials": "credentials",
    "calendars": "calendar",
    "teams": "team",
    "people": "person",
    "components": "component",
    "locations": "location",
    "services": "service",
}


def unknown_names(sources: Sources) -> Iterator[Problem]:
    """Find ids that name nothing. Judged as written, so that an entry that is wrong in itself still counts as one that is there."""
    known = {section: _names(sources, section) for section in _ONE}
    for pattern, section in REFERENCES.items():
        for trail, name in matches(sources.value, pattern):
            if isinstance(name, str) and name not in known[section]:
                yield sources.problem(trail, f"there is no such {_ONE[section]}; {meant(name, known[section])}", shown(name))


def _names(sources: Sources, section: str) -> list[str]:
    written = sources.value.get(section)
    names = list(written) if isinstance(written, dict) else []
    match section:
        case "components":
            names += [str(trail[1]) for trail, entries in matches(sources.value, "services.*.monitors") if entries]
            names += [
                str(trail[1])
                for trail, entry in matches(sources.value, "monitors.*")
                if isinstance(entry, dict) and "component" not in entry
            ]
        case "calendars":
            names.append(ALWAYS)
        case "locations":
            names.append("local")
        case _:
            pass
    return names


def circles(sources: Sources) -> Iterator[Problem]:
    """Find components that depend on themselves, by whatever way; each circle is told once, where it closes."""
    parents: dict[str, dict[str, Trail]] = {}
    for trail, parent in matches(sources.value, "components.*.depends_on[]"):
        if isinstance(parent, str):
            parents.setdefault(str(trail[1]), {}).setdefault(parent, trail)
    done: set[str] = set()
    for start in parents:
        yield from _circles_from(start, parents, done, sources)


def _circles_from(start: str, parents: Mapping[str, Mapping[str, Trail]], done: set[str], sources: Sources) -> Iterator[Problem]:
    path: list[str] = []
    ahead: list[tuple[str, Iterator[tuple[str, Trail]]]] = []

    def enter(name: str) -> None:
        path.append(name)
        ahead.append((name, iter(parents.get(name, {}).items())))

    if start not in done:
        enter(start)
    while ahead:
        name, onward = ahead[-1]
        parent, trail = next(onward, (None, ()))
        if parent is None:
            done.add(name)
            path.pop()
            ahead.pop()
        elif parent in path:
            circle = " → ".join([*path[path.index(parent) :], parent])
            yield sources.problem(trail, f"depends on itself: {circle}; remove one of these dependencies", shown(parent))
        elif parent not in done:
            enter(parent)


def impossible_times(whole: Complete, kinds: Mapping[str, ProbeKind[Any]], sources: Sources) -> Iterator[Problem]:
    """Find monitors whose probe could outlast its interval, or whose mail may take longer than the probe."""
    for name, monitor in whole.config.monitors.items():
        trail, kind = whole.trails[name], kinds.get(monitor.probe)
        if kind is None or kind.measure is None:
            continue
        if monitor.timeout > monitor.every:
            at, key = _said(trail, ("timeout", "every"), sources)
            sentence = f"a probe may take {spelled(monitor.timeout)} but begins every {spelled(monitor.every)}; make timeout at most every"
            yield sources.problem((*at, key), sentence)
        for setting in ("deliver_within", "defer_within"):
            within = getattr(monitor.settings, setting, None)
            if isinstance(within, timedelta) and within >= monitor.timeout:
                sentence = f"must be less than timeout, which is {spelled(monitor.timeout)}"
                yield sources.problem((*trail, setting), sentence, shown(spelled(within)))


def unknown_levels(whole: Complete, sources: Sources) -> Iterator[Problem]:
    """Find quiet hours that let a level of priority through which there is not."""
    priority = whole.config.priority
    levels = [level.name for level in (ORDINARY_LEVELS if priority is None else priority.levels)]
    for pattern in ("teams.*.quiet.lets_through", "people.*.quiet.lets_through"):
        for trail, name in matches(sources.value, pattern):
            if isinstance(name, str) and name not in levels:
                yield sources.problem(trail, f"there is no such level of priority; {meant(name, levels)}", shown(name))


def silent_controls(sources: Sources, kinds: Mapping[str, ProbeKind[Any]]) -> Iterator[Problem]:
    """Find controls of a kind that nobody can ask."""
    for trail, name in matches(sources.value, "locations.*.controls[].probe"):
        if isinstance(name, str) and name in kinds and kinds[name].measure is None:
            yield sources.problem(trail, "a control must answer when it is asked, and this kind only reports by itself", shown(name))


def impossible_quorums(whole: Complete, sources: Sources) -> Iterator[Problem]:
    """Find monitors that more locations must agree on than probe them."""
    for name, monitor in whole.config.monitors.items():
        count = len(monitor.locations)
        is_pinged = isinstance(monitor.settings, heartbeat.Settings)  # and asks nobody to agree
        if monitor.quorum is not None and monitor.quorum > count and not is_pinged:
            at, key = _said(whole.trails[name], ("quorum",), sources)
            places = "1 location" if count == 1 else f"{count} locations"
            yield sources.problem((*at, key), f"counts from 1 to the {places} that probe {name}", shown(monitor.quorum))


def _said(trail: Trail, keys: tuple[str, ...], sources: Sources) -> tuple[Trail, str]:
    """Return where the first of *keys* was written: at the monitor, or among the defaults."""
    for at in (trail, ("defaults", "monitor")):
        for key in keys:
            if (*at, key) in sources.places:
                return at, key
    return trail, keys[0]


def forbidden_programs(whole: Complete, sources: Sources) -> Iterator[Problem]:
    """Find plugins that may not be run, by the same judgement as when they are."""
    for name, monitor in whole.config.monitors.items():
        if not isinstance(monitor.settings, plugin.Settings):
            continue
        program = monitor.settings.command[0]
        try:
            why = objection(Path(program), whole.config.plugins.allow)
        except OSError:
            why = "there is no such program; correct the path"
        if why is not None and "plugins.allow" in why:
            why += f"; where this program is meant to run, write plugins: {{allow: [{Path(program).resolve().parent}]}}"
        if why is not None:
            yield sources.problem((*whole.trails[name], "command", 0), why, shown(program))


def names_of_others(whole: Complete, sources: Sources) -> Iterator[Problem]:
    """Find ids that may not be: a calendar called always, an old id that is still in use, a component where one is implied."""
    if ALWAYS in whole.config.calendars:
        yield sources.problem(("calendars", ALWAYS), "every hour of every day is called so already; choose another id", at_key=True)
    heirs: dict[tuple[str, str], Trail] = {}
    for section in ("services", "components", "monitors"):
        for trail, old in matches(sources.value, f"{section}.*.moved_from"):
            if isinstance(old, str) and old in sources.value[section]:
                yield sources.problem(trail, "this id is still in use; an entry moves from an id that is gone", shown(old))
            elif isinstance(old, str) and (other := heirs.setdefault((section, old), trail)) != trail:
                yield sources.problem(trail, f"{other[1]} moves from this id already; what is known of it can go to one only", shown(old))
    for trail, name in matches(sources.value, "services.*.monitors[].component"):
        sentence = "an inline monitor watches its service's own component; remove this key, or put the monitor under monitors"
        yield sources.problem(trail, sentence, shown(name))


def unclear_heartbeats(whole: Complete, sources: Sources) -> Iterator[Problem]:
    """Find heartbeats that are due by two rhythms at once, and those that one ping would speak for together."""
    tokens: dict[str, str] = {}
    for name, monitor in whole.config.monitors.items():
        trail, settings = whole.trails[name], monitor.settings
        if not isinstance(settings, heartbeat.Settings):
            continue
        if settings.schedule is not None and (*trail, "every") in sources.places:
            yield sources.problem((*trail, "every"), "schedule says when it is due already; remove one of the two")
        token = settings.token.reveal()
        if token and (other := tokens.setdefault(token, name)) != name:
            yield sources.problem((*trail, "token"), f"is the token of {other} too, so one ping would speak for both; give each its own")


def misplaced_mirror(whole: Complete, sources: Sources) -> Iterator[Problem]:
    """Find what a mirror's way needs and does not have, and what it has and cannot use."""
    mirror = whole.config.mirror
    if mirror is None:
        return
    way = way_of(mirror.to)
    if way is Way.BUCKET and mirror.login is None:
        sentence = "a bucket needs a login: an entry of credentials whose user is the key's id and whose password is its secret"
        yield sources.problem(("mirror", "to"), sentence, shown(mirror.to))
    if way is Way.BUCKET and find_spec("obstore") is None:
        yield sources.problem(("mirror", "to"), "buckets need an extra: pip install 'statuspage-service[s3]'", shown(mirror.to))
    unused = {
        "login": (way in {Way.DIRECTORY, Way.SSH}, "only rsync://… and s3://… take a login (ssh has keys of its own); remove it"),
        "endpoint": (way is not Way.BUCKET, "only a bucket (s3://…) has an endpoint; remove it"),
        "region": (way is not Way.BUCKET, "only a bucket (s3://…) has a region; remove it"),
        "within": (way is Way.DIRECTORY, "only what is carried elsewhere takes its time; remove it"),
    }
    for key, (is_unused, sentence) in unused.items():
        if is_unused and ("mirror", key) in sources.places:
            yield sources.problem(("mirror", key), sentence, at_key=True)
