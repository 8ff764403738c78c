"""What the configuration says, as the values that the parts of the hub are made from."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial
from operator import attrgetter
from types import MappingProxyType

from incidents.callers import Calling
from incidents.policy import Policy
from incidents.voices import Voices
from probes.egress import Door
from statuspage.bundled import languages, templates
from statuspage.config import loading as configuration
from statuspage.config.causes import causes
from statuspage.config.loading import Config, Loaded
from statuspage.config.logo import Logo
from statuspage.config.scale import scale
from statuspage.config.terms import offers
from statuspage.monthly import Company
from statuspage.picture.known_errors import KnownError
from statuspage.picture.site import Site
from statuspage.render.voicing import voices_of

FIXED_AT_START = ("listen", "console", "acknowledgement", "store.url")
"""Sections, and keys of others, of which a running hub takes up no change."""


def fixed_at_start(before: Config, now: Config) -> list[str]:
    """The sections whose changes a running hub cannot take up."""
    return [place for place in FIXED_AT_START if attrgetter(place)(before) != attrgetter(place)(now)]


def site_of(config: Config, logos: Mapping[str, Logo] = MappingProxyType({})) -> Site:
    """Whose page the main one is."""
    site, logo = config.site, logos.get("site")
    return Site(
        name=site.name,
        url=site.url,
        timezone=site.timezone,
        language=site.language,
        languages=_languages(site.language, site.languages),
        voices=voices_of_site(config),
        support=site.support.model_dump(mode="json", exclude_none=True),
        links=site.links,
        takes_mail=config.mail is not None,
        known_errors=known_errors_of(config, hidden_of(config)[False]),
        logo="" if logo is None else logo.path,
    )


def page_name(page: str) -> str:
    """What the public id of a further page is kept under."""
    return f"page:{page}"


def hidden_of(config: Config) -> Mapping[bool, tuple[str, ...]]:
    """The services that the main page does not tell of, under True, and those that it does, under False."""
    return {is_hidden: tuple(id for id, one in config.services.items() if one.public is not is_hidden) for is_hidden in (True, False)}


def known_errors_of(config: Config, services: Collection[str] | None = None) -> tuple[KnownError, ...]:
    """Symptoms that are known, in the file's order; only of *services* where some are given, and as if there were no others."""
    spoken = partial(configuration.words, language=config.site.language)
    return tuple(
        KnownError(id=id, services=shown, symptom=spoken(one.symptom), workaround=spoken(one.workaround), say=spoken(one.say))
        for id, one in config.known_errors.items()
        if (shown := tuple(service for service in one.services if services is None or service in services))
    )


def _languages(own: str, named: tuple[str, ...] | None) -> tuple[str, ...]:
    """Those that the page can be read in, its own first: as *named*, else all that can be spoken. One alone needs no paths of its own."""
    spoken = (one for one in languages() if one.partition("-")[0] != own.partition("-")[0])
    found = named or (own, *spoken)
    return found if len(found) > 1 else ()


def policy_of(config: Config) -> Policy:
    """The numbers that hold everywhere."""
    return Policy(language=config.site.language, voices=voices_of_site(config))


def spoken_by(config: Config) -> tuple[str, ...]:
    """The languages that the site speaks, its own first."""
    return _languages(config.site.language, config.site.languages) or (config.site.language,)


def voices_of_site(config: Config) -> Voices:
    """Every language in which the site publishes, its own first."""
    return voices_of(config.site.language, spoken_by(config), templates() / "languages")


def calling_of(config: Config) -> Calling:
    """When customers who call make an incident that waits for a person."""
    return Calling(threshold=config.callers.threshold, within=config.callers.within)


def door_of(config: Config) -> Door:
    """The door out, with what the operator allows beyond public addresses."""
    return Door(allow=config.egress.allow, programs=config.plugins.allow)


def stale_after_of(loaded: Loaded) -> float:
    """Seconds past which the page as a whole should not be believed: when every monitor has been silent for too long."""
    monitors = configuration.topology(loaded.config).monitors.values()
    return max(120.0, min((monitor.stale_after.total_seconds() for monitor in monitors), default=0.0))


def company_of(config: Config, now: datetime) -> Company:
    """What reports need to know, as the file says."""
    return Company(
        name=config.site.name,
        zone=config.site.timezone,
        language=config.site.language,
        topology=configuration.topology(config),
        impacts=scale(config, now.year).impacts,
        causes=causes(config),
        offers=offers(config),
    )
