"""Which readers there are of a configuration, and what they follow: everybody, those of further pages, those of groups."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection

from incidents.model import Topology
from statuspage.config.loading import Config
from statuspage.picture.marking import localised
from statuspage.picture.news import Circle, circle_of
from statuspage.picture.site import Site
from statuspage.press import public_names
from statuspage.readings import hidden_of, page_name
from statuspage.store import queries
from statuspage.store.circle_rows import follow
from statuspage.store.scope_rows import hide


def admit(connection: Connection, config: Config, topology: Topology, site: Site) -> tuple[Mapping[str, str], frozenset[str]]:
    """Note who reads what from now on; return the public ids of services, groups and pages, and what is hidden. Inside a write."""
    public_ids = queries.public_ids(connection, [*public_names(topology, site), *map(page_name, config.pages)])
    hidden = hide(connection, *hidden_of(config).values())
    names = {id: localised(one.group, site.language) for id, one in topology.services.items() if one.group}
    groups = {id: public_ids[f"group:{name}"] for id, name in names.items() if name}
    follow(connection, [*_circles(config, groups, public_ids)])
    return public_ids, hidden


def _circles(config: Config, groups: Mapping[str, str], public_ids: Mapping[str, str]) -> Iterator[Circle]:
    """*groups* are the public ids of groups by service."""
    shown = hidden_of(config)[False]
    yield from _grouped("", shown, groups)
    for id, page in config.pages.items():
        own = public_ids[page_name(id)]
        yield Circle(of=own, services=frozenset(page.services), is_page=True)
        yield from _grouped(own, page.services, groups)


def _grouped(page: str, services: tuple[str, ...], groups: Mapping[str, str]) -> Iterator[Circle]:
    for group in sorted({groups[service] for service in services if service in groups}):
        members = frozenset(service for service in services if groups.get(service) == group)
        yield Circle(of=circle_of(page, group) if page else group, services=members)
