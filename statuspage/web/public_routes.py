"""Every path of the public listener, as data: what kind of content it has, and how that may be kept and by whom it may be read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from types import MappingProxyType

from statuspage.picture.archive import addressed
from statuspage.picture.search import SEARCH, searched
from statuspage.render.addresses import document_at, patterns
from statuspage.render.ledgers import addressed as ledger_at

YEAR = 31_536_000


class Surface(StrEnum):
    """The kinds of public content; each has one policy."""

    PAGE = "page"
    FEED = "feed"
    API = "api"
    BADGE = "badge"
    BANNER = "banner"
    ASSET = "asset"
    CRAWL = "crawl"
    FRESH = "fresh"
    STREAM = "stream"
    FORM = "form"
    HEALTH = "health"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a surface may be kept by caches, and whether other sites may read it."""

    cache: str
    is_for_other_sites: bool = False


# Caches ask each time, so that no two surfaces contradict each other; with the hub away they may go on showing the last page, which
# tells its own age.
_ASK = "public, max-age=0, stale-if-error=86400"
POLICIES: Mapping[Surface, Policy] = MappingProxyType(
    {
        Surface.PAGE: Policy(cache=_ASK),
        Surface.FEED: Policy(cache=_ASK, is_for_other_sites=True),
        Surface.API: Policy(cache=_ASK, is_for_other_sites=True),
        # It tells no age: rather none than one that says that all works while nobody can know.
        Surface.BADGE: Policy(cache="public, max-age=60, must-revalidate", is_for_other_sites=True),
        Surface.BANNER: Policy(cache="public, max-age=60, stale-if-error=3600", is_for_other_sites=True),
        Surface.ASSET: Policy(cache=f"public, max-age={YEAR}, immutable"),
        Surface.CRAWL: Policy(cache="public, max-age=3600, stale-if-error=86400"),
        Surface.FRESH: Policy(cache="no-store"),
        Surface.STREAM: Policy(cache="no-store"),
        Surface.FORM: Policy(cache="no-store"),
        Surface.HEALTH: Policy(cache="no-store"),
    }
)


_OWN = "private, no-cache"


def privately(policy: Policy) -> Policy:
    """The same where no cache that others read from may keep it, and no other site may read it. Assets tell of nobody."""
    return Policy(cache=policy.cache if policy.cache == "no-store" else _OWN)


@dataclass(frozen=True, slots=True)
class PublicRoute:
    """A path of the public listener. Nothing outside the table is answered.

    ``{…}`` stands for whatever is there within one step of the path, ``{tail}`` for all that follows. One that *takes_forms* answers POST,
    beside GET and HEAD.
    """

    path: str
    surface: Surface
    takes_forms: bool = False

    def covers(self, path: str) -> bool:
        """Whether *path* belongs to this route."""
        return path == self.path if "{" not in self.path else _pattern(self.path).fullmatch(path) is not None


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("".join(map(_part, re.split(r"(\{\w+\})", path))), re.DOTALL)


def _part(part: str) -> str:
    if part == "{tail}":
        return ".+"
    return "[^/]+" if part.startswith("{") else re.escape(part)


PUBLIC_ROUTES = (
    PublicRoute("/", Surface.PAGE),
    PublicRoute("/incidents/{id}", Surface.PAGE),
    PublicRoute("/incidents/{id}/useful/{number}", Surface.FORM, takes_forms=True),
    PublicRoute("/maintenance", Surface.PAGE),
    PublicRoute("/maintenance/{id}", Surface.PAGE),
    PublicRoute("/advisories/{id}", Surface.PAGE),
    PublicRoute("/service-levels", Surface.PAGE),
    PublicRoute("/subscribe", Surface.PAGE, takes_forms=True),
    PublicRoute("/subscribe/confirm/{token}", Surface.FORM, takes_forms=True),
    PublicRoute("/subscribe/manage/{token}", Surface.FORM, takes_forms=True),
    PublicRoute("/subscribe/manage/{token}/data.json", Surface.FORM),
    PublicRoute("/unsubscribe/{token}", Surface.FORM, takes_forms=True),
    PublicRoute("/report", Surface.PAGE),
    PublicRoute("/report/{id}", Surface.PAGE, takes_forms=True),
    *(PublicRoute(pattern, Surface.FEED) for pattern in patterns()),
    PublicRoute("/maintenance.ics", Surface.FEED),
    PublicRoute("/services/{id}/maintenance.ics", Surface.FEED),
    PublicRoute("/history", Surface.PAGE),
    PublicRoute(SEARCH, Surface.PAGE),  # and the one that looks at a query: it leads on to the next
    PublicRoute(f"{SEARCH}/{{words}}", Surface.PAGE),
    PublicRoute("/history/{month}", Surface.PAGE),
    PublicRoute("/services/{id}/history", Surface.PAGE),
    PublicRoute("/services/{id}/history/{month}", Surface.PAGE),
    PublicRoute("/services/{id}/ledger/{period}.json", Surface.API),
    PublicRoute("/services/{id}/ledger/{period}.csv", Surface.API),
    PublicRoute("/services/{id}", Surface.PAGE),
    PublicRoute("/badges/{id}.svg", Surface.BADGE),
    PublicRoute("/badges/{id}.json", Surface.BADGE),
    PublicRoute("/banner.js", Surface.BANNER),
    PublicRoute("/banner.json", Surface.BANNER),
    PublicRoute("/api/v2/summary.json", Surface.API),
    PublicRoute("/api/v2/status.json", Surface.API),
    PublicRoute("/api/v2/components.json", Surface.API),
    PublicRoute("/api/v2/incidents.json", Surface.API),
    PublicRoute("/api/v2/incidents/unresolved.json", Surface.API),
    PublicRoute("/api/v2/scheduled-maintenances.json", Surface.API),
    PublicRoute("/api/v2/scheduled-maintenances/upcoming.json", Surface.API),
    PublicRoute("/api/v2/scheduled-maintenances/active.json", Surface.API),
    PublicRoute("/api/v2/{tail}", Surface.API),
    PublicRoute("/assets/{name}", Surface.ASSET),
    PublicRoute("/robots.txt", Surface.CRAWL),
    PublicRoute("/sitemap.xml", Surface.CRAWL),
    PublicRoute("/fresh.json", Surface.FRESH),
    PublicRoute("/events", Surface.STREAM),
    PublicRoute("/healthz", Surface.HEALTH),
    PublicRoute("/readyz", Surface.HEALTH),
)


TOLD = frozenset({Surface.PAGE, Surface.FEED, Surface.BADGE, Surface.BANNER})
"""What is told in languages, and has in each a path of its own, such as ``/de/history.rss``."""


@lru_cache(maxsize=1024)
def surface_of(path: str) -> Surface | None:
    """Return which surface *path* belongs to, or None where the listener has no such path."""
    return next((route.surface for route in PUBLIC_ROUTES if route.covers(path)), None)


def is_kept(path: str) -> bool:
    """Whether *path* could be that of what only the store has: an archive, an incident, a window or an advisory.

    Else it never reaches the store. Ids are 12 lowercase letters and digits.
    """
    document = document_at(path)
    if document is not None:
        return document.number is not None
    room, _, name = path.lstrip("/").partition("/")
    is_id = len(name) == 12 and name.isascii() and name.isalnum() and name == name.lower()
    return room in {"incidents", "maintenance", "advisories"} and is_id


def is_month(path: str) -> bool:
    """Whether *path* could be that of a month, or of the newest ones. Else it never reaches the store."""
    return addressed(path) is not None


@lru_cache(maxsize=1024)
def takes_forms(path: str) -> bool:
    """Whether a form may be sent to *path*."""
    return any(route.takes_forms and route.covers(path) for route in PUBLIC_ROUTES)


def is_ledger(path: str) -> bool:
    """Whether *path* could be that of the ledger of a month."""
    found = ledger_at(path)
    return found is not None and is_month(f"/history/{found.word}")


class Room(StrEnum):
    """Where readers wait for what only the store has: those of long months, or of many searches, keep nobody else waiting."""

    OLDER = "older"
    SEARCHES = "searches"
    PAST = "past"


ROOMS: Mapping[Room, tuple[int, int]] = MappingProxyType({Room.OLDER: (4, 64), Room.PAST: (2, 64), Room.SEARCHES: (1, 16)})
"""How many of each are looked for at the same time, and how many readers may wait."""


def room_of(path: str) -> Room | None:
    """Where that is looked for which could be at *path*; None where it never reaches the store."""
    if is_kept(path):
        return Room.OLDER
    if searched(path) is not None:
        return Room.SEARCHES
    return Room.PAST if is_month(path) or is_ledger(path) else None
