"""The public face as files: how what is found under a path is called on a static host."""

from collections.abc import Iterator, Mapping

from statuspage.mirror.links import is_page, led_home
from statuspage.mirror.version import Leaf, leaf
from statuspage.render.finished import Finished
from statuspage.render.fresh import Fresh

MISSING, FRESH = "404.html", "fresh.json"
PACKED = ".gz"
SMALL = 512
"""Bytes below which a file is not kept compressed as well."""


def leaves(found: Mapping[str, Finished], missing: Finished, fresh: Fresh, site: str) -> Mapping[str, Leaf]:
    """What is *found* as files for a static host; *missing* is what it says where there is nothing, *site* the live site's address."""
    told = {file_of(path, one): led_home(one, path, found.keys(), site) for path, one in found.items()}
    told[MISSING] = led_home(missing, "/", found.keys(), site)
    return {name: one for file, finished in told.items() for name, one in leaves_of(file, finished)} | {FRESH: leaf(fresh.body)}


def file_of(path: str, finished: Finished) -> str:
    """Where a static host looks for *path*: a page is the index of a directory, whatever else has its ending in its address."""
    name = path.strip("/")
    if not is_page(finished) or name.endswith(".html"):
        return name
    return f"{name}/index.html" if name else "index.html"


def leaves_of(file: str, finished: Finished) -> Iterator[tuple[str, Leaf]]:
    """The file itself, and the same compressed, for hosts that look for it."""
    digest = finished.etag.strip('"')
    yield file, Leaf(finished.body, digest)
    if len(finished.body) >= SMALL:
        yield f"{file}{PACKED}", Leaf(finished.gzipped, f"{digest}-gzip")
