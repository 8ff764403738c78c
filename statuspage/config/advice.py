"""Tell what a configuration may mean otherwise than its writer thinks, and which parts of it nothing acts on yet."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from probes import heartbeat
from probes.addresses import literal
from probes.kind import ProbeKind
from statuspage.bundled import languages
from statuspage.config.complete import Complete
from statuspage.config.destinations import Way, way_of
from statuspage.config.models import Config, Maintenance, Service
from statuspage.config.problems import Problem, Sources, Trail, matches
from statuspage.config.types import ALWAYS

INACTIVE: Mapping[str, tuple[str, ...]] = {
    "owners and runbooks": ("services.*.owner", "services.*.runbook"),
    "locations other than local": ("locations.*",),
    "passive kinds of probe other than heartbeat": ("monitors.*.probe", "services.*.monitors[].probe"),
}
"""What is validated and acted on by nothing yet, in plain words, and the keys that ask for it. Work that builds it takes it out."""


def inactive(sources: Sources, kinds: Mapping[str, ProbeKind[Any]]) -> tuple[str, ...]:
    """Name what the file asks for and does not get yet."""
    return tuple(
        words
        for words, patterns in INACTIVE.items()
        if any(_asks(trail, value, kinds) for pattern in patterns for trail, value in matches(sources.value, pattern))
    )


def _asks(trail: Trail, value: object, kinds: Mapping[str, ProbeKind[Any]]) -> bool:
    match trail:
        case (*_, "probe"):
            return isinstance(value, str) and value in kinds and kinds[value].measure is None and value != heartbeat.KIND.name
        case ("locations", name):
            return name != "local"
        case _:
            return value not in (None, False, {}, [], ALWAYS)


def warnings(whole: Complete, sources: Sources) -> Iterator[Problem]:
    """Warn of what is allowed and probably not meant."""
    config = whole.config
    if not config.services:
        yield sources.problem(("services",), "there are no services; the page will be empty")
    yield from _unspoken(config, sources)
    yield from _silent_tiers(config, sources)
    yield from _unwatched(config, sources)
    for name, window in config.maintenance.items():
        yield from _undeclared(name, window, config, sources)
    yield from _mail_through_itself(config, sources)
    yield from _deaf_outlets(config, sources)
    if config.mirror is not None and way_of(config.mirror.to) is Way.DIRECTORY and not config.mirror.to.startswith("/"):
        sentence = (
            "lies in the data directory, where only the service may read; a host that is somebody else needs a place outside, such as"
        )
        yield sources.problem(("mirror", "to"), f"{sentence} /srv/www/status", repr(config.mirror.to))


def _unspoken(config: Config, sources: Sources) -> Iterator[Problem]:
    spoken, site = languages(), config.site
    sentence = "the page has no words in this language; its own will be in English"
    if site.language.partition("-")[0] not in spoken:
        yield sources.problem(("site", "language"), sentence, repr(site.language))
    for place, language in enumerate(site.languages or ()):
        if place and language.partition("-")[0] not in spoken:
            yield sources.problem(("site", "languages", place), sentence, repr(language))


def _silent_tiers(config: Config, sources: Sources) -> Iterator[Problem]:
    for name, service in config.services.items():
        for place, team in enumerate(service.tiers):
            if team in config.teams and not _can_be_told(team, config):
                yield sources.problem(
                    ("services", name, "tiers", place),
                    "this team has nowhere to be notified; give notify to it, or to those of its on_call",
                    repr(team),
                )


def _can_be_told(team: str, config: Config) -> bool:
    written = config.teams[team]
    on_call = written.on_call
    people = (config.people if on_call.calendar is not None else on_call.weekly) if on_call is not None else ()
    return bool(written.notify) or any(config.people[id].notify for id in people if id in config.people)


def _unwatched(config: Config, sources: Sources) -> Iterator[Problem]:
    watched = {monitor.component for monitor in config.monitors.values()}
    for component in config.components:
        if component not in watched:
            yield sources.problem(("components", component), "no monitor watches it; its status will be unknown", at_key=True)
    for name, service in config.services.items():
        if not service.needs:
            yield sources.problem(("services", name), "needs nothing and has no monitors; its status will be unknown", at_key=True)
        elif service.monitors and name not in _parts(service):
            yield sources.problem(("services", name, "monitors"), f"watch the component {name}, which its needs do not name", at_key=True)


def _parts(service: Service) -> set[str]:
    return {part for need in service.needs for part in need.parts}


def _covered(components: tuple[str, ...], config: Config) -> set[str]:
    """Return *components* and everything that depends on them, by whatever way."""
    covered = set(components)
    while more := {name for name, part in config.components.items() if name not in covered and not covered.isdisjoint(part.depends_on)}:
        covered |= more
    return covered


def _undeclared(window: str, planned: Maintenance, config: Config, sources: Sources) -> Iterator[Problem]:
    covered = _covered(planned.components, config)
    for name, service in config.services.items():
        lost = [need for need in service.needs if len(set(need.parts) - covered) < (need.at_least or 1)]
        if lost and name not in planned.services:
            through = ", ".join(sorted({part for need in lost for part in need.parts} & covered))
            sentence = f"this window hits the service {name} (through {through}), which it does not declare; its downtime will count"
            yield sources.problem(("maintenance", window, "services"), sentence)


def _mail_through_itself(config: Config, sources: Sources) -> Iterator[Problem]:
    if config.mail is None:
        return
    if config.mail.login is not None and config.mail.tls == "never" and not _is_on_this_machine(config.mail.host):
        yield sources.problem(("mail", "tls"), "the login crosses the network for everybody to read; write starttls or implicit")
    ours = (config.mail.host.lower(), config.mail.port)
    through = {monitor.component for monitor in config.monitors.values() if ours in _targets(monitor.settings)}
    for name, service in config.services.items():
        if not through.isdisjoint(_parts(service)):
            sentence = (
                f"notices travel through {name}, the service they would tell about; mail from elsewhere, or notify by other means too"
            )
            yield sources.problem(("mail", "host"), sentence)


def _deaf_outlets(config: Config, sources: Sources) -> Iterator[Problem]:
    spoken = config.site.languages or (config.site.language, *languages())
    for name, outlet in config.announce.items():
        for place, service in enumerate(outlet.services):
            if service in config.services and not config.services[service].public:
                sentence = "this service is not public, and nothing is announced of it"
                yield sources.problem(("announce", name, "services", place), sentence, repr(service))
        if outlet.language is not None and outlet.language not in spoken:
            sentence = "the page does not speak this language, and its own is announced; it speaks " + ", ".join(dict.fromkeys(spoken))
            yield sources.problem(("announce", name, "language"), sentence, repr(outlet.language))


def _is_on_this_machine(host: str) -> bool:
    address = literal(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def _targets(settings: BaseModel | None) -> Iterator[tuple[str, int]]:
    """Yield every host and port in a kind's settings."""
    if settings is None:
        return
    host, port = getattr(settings, "host", None), getattr(settings, "port", None)
    if isinstance(host, str) and isinstance(port, int):
        yield host.lower(), port
    for name in type(settings).model_fields:
        part = getattr(settings, name)
        if isinstance(part, BaseModel):
            yield from _targets(part)
