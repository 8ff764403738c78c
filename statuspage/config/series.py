"""The windows of planned work that the file names, and what its services ask of such work, as the values that judging uses."""

from collections.abc import Mapping

from incidents.maintenance import Series
from incidents.planned.conduct import Conduct
from incidents.times.recurrence import Recurrence
from incidents.times.rule import parse
from statuspage.config.complete import named
from statuspage.config.models import Config, Maintenance
from statuspage.config.terms import calendar


def series(config: Config) -> Mapping[str, Series]:
    """Give every window of the file; one without a rule comes once."""
    return {name: _series(name, window, config) for name, window in config.maintenance.items()}


def conducts(config: Config, year: int) -> Mapping[str, Conduct]:
    """Give what planned work on each service must keep; public holidays are those of *year* and the years beside it."""
    found = {}
    for name, service in config.services.items():
        hours, level = calendar(config, service.hours, year), service.service_level
        found[name] = Conduct(hours=hours) if level is None else Conduct(notice=level.notice, notice_from=level.notice_from, hours=hours)
    return found


def _series(name: str, window: Maintenance, config: Config) -> Series:
    language = config.site.language
    levels = [config.services[id].service_level for id in window.services if id in config.services]
    notices = [level.notice for level in levels if level is not None and window.lasts >= level.notice_from]
    return Series(
        key=name,
        name=_words(window.name, language) or {language: named(name)},
        description=_words(window.description, language),
        services=window.services,
        components=window.components,
        recurrence=Recurrence(
            starts=window.starts,
            timezone=window.timezone or config.site.timezone,
            rule=None if window.repeats is None else parse(window.repeats),
            skips=frozenset(window.skips),
        ),
        lasts=window.lasts,
        announce=max([window.announce, *notices]),
        is_loud=window.announce_each or any(notices) or window.repeats is None,
    )


def _words(text: Mapping[str, str] | None, language: str) -> dict[str, str]:
    return {spoken or language: said for spoken, said in (text or {}).items()}
