"""What an object of the mirror says of itself in a bucket, and in which order objects are put there.

A bucket knows no rename: each object changes by itself. So nothing is put there before all is there that it leads to.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

from statuspage.mirror.files import FRESH, PACKED
from statuspage.render.addresses import Format, document_at
from statuspage.render.jsonfeed import KIND
from statuspage.web.public_routes import POLICIES, Surface, surface_of

_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "html": "text/html; charset=utf-8",
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "txt": "text/plain; charset=utf-8",
        "csv": "text/csv; charset=utf-8",
        "json": "application/json; charset=utf-8",
        "xml": "application/xml; charset=utf-8",
        "rss": "application/rss+xml; charset=utf-8",
        "atom": "application/atom+xml; charset=utf-8",
        "ics": "text/calendar; charset=utf-8",
        "svg": "image/svg+xml; charset=utf-8",
        "png": "image/png",
    }
)

_FRONT = re.compile(r"(?:[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*/)?index\.html")


def is_carried(name: str) -> bool:
    """Whether *name* stands in a bucket too: hosts of buckets do not look for compressed files."""
    return not name.endswith(PACKED)


def type_of(name: str) -> str:
    """The content type of *name*."""
    if any(document.format is Format.JSON for path in _paths(name) if (document := document_at(path)) is not None):
        return KIND
    return _TYPES.get(name.rpartition(".")[2], "application/octet-stream")


def cache_of(name: str) -> str:
    """How long *name* may be kept, as the public listener says it."""
    surface = next((found for path in _paths(name) if (found := surface_of(path)) is not None), Surface.PAGE)
    return POLICIES[surface].cache


def _paths(name: str) -> tuple[str, ...]:
    """The path that *name* stands for, and the same without a language before it."""
    path = "/" + name.removesuffix("index.html").rstrip("/")
    _, _, rest = path[1:].partition("/")
    return (path, f"/{rest}")


def waves(names: Collection[str], there: Collection[str]) -> Iterator[list[str]]:
    """The *names* that are to be put, in steps of which each leads only to what is *there* or was put before.

    What is new comes first, since nothing that is there leads to it yet; then what changed, its pages last, the front pages after all
    others, and at the very end what tells open pages to look again.
    """
    fresh = [name for name in names if name not in there]
    changed = [name for name in names if name in there]
    for some in (fresh, changed):
        plain = [name for name in some if not name.endswith(".html")]
        pages = [name for name in some if name.endswith(".html") and not _is_front(name)]
        yield [name for name in plain if name.startswith("assets/")]
        yield [name for name in plain if not name.startswith("assets/") and name != FRESH]
        yield pages
    yield [name for name in names if _is_front(name)]
    yield [name for name in names if name == FRESH]


def _is_front(name: str) -> bool:
    """Whether it is the front page, or that in another language."""
    return _FRONT.fullmatch(name) is not None
