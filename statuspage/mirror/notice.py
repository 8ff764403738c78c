"""Break-glass: a notice on top of every page of the last whole version, with store, hub and network dead; where there is none, a bare page.

Nothing is needed here but the directory. The next publication takes the notice away.
"""

import errno
import json
import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from statuspage.bundled import templates
from statuspage.mirror.files import FRESH, MISSING, leaves_of
from statuspage.mirror.links import tongue_of_page
from statuspage.mirror.version import Edition, Leaf, Version, leaf
from statuspage.mirror.versions import Versions
from statuspage.picture.news import About
from statuspage.render.addresses import Format, document_at
from statuspage.render.finished import finish
from statuspage.render.notice import Notice, bare_page, in_feed, on_page, prefix_of
from statuspage.render.tongue import SOURCE, Tongue, tongue_of
from statuspage.translation import split

log = logging.getLogger(__name__)

PATIENCE = 3.0
"""Seconds to wait for another process that writes: a hub that was stopped in the middle of it must not keep anybody from speaking."""

_ABOUT_WORK = {About.MAINTENANCE, About.SERVICE_MAINTENANCE}
_KINDS = {Format.RSS: "application/rss+xml", Format.ATOM: "application/atom+xml", Format.JSON: "application/feed+json"}


def put_notice(directory: Path, notice: Notice | None, at: datetime, name: str, language: str = SOURCE) -> Version | None:
    """Put *notice* on the pages in *directory*, or (None) take away the one that stands there; None where there is nothing to take it from.

    *name* is whose page it is, and *language* what it speaks, for a bare one. The words that stand there already keep their time.
    Errors: OSError.
    """
    versions = Versions(directory)
    with versions.alone(PATIENCE) as is_alone:
        present = versions.newest()
        if present is None and notice is None:
            return None
        if present is None or present.is_bare:
            edition = _bare(_kept(notice, present), at, name, tongue_of(language, templates() / "languages"))
        else:
            edition = _over(versions.bodies(present), present, _kept(notice, present), at)
        try:
            return versions.put(edition, is_alone=is_alone)
        except OSError as error:
            if error.errno != errno.ENOSPC or present is None:
                raise
            versions.sweep(present, keeps=0, is_alone=is_alone)  # what has filled the disk may be what has killed the store
            return versions.put(edition, is_alone=is_alone)


def _kept(notice: Notice | None, present: Version | None) -> Notice | None:
    """*notice*, or the one that stands there where it says the same: it is not said again."""
    standing = None if present is None else present.notice
    return standing if notice is not None and standing is not None and standing.text == notice.text else notice


def _bare(notice: Notice | None, at: datetime, name: str, tongue: Tongue) -> Edition:
    style = (templates() / "public" / "style.css").read_bytes()
    path = f"assets/style-{sha256(style).hexdigest()[:12]}.css"
    page = finish(bare_page(name, f"/{path}", notice, tongue), "text/html; charset=utf-8")
    files = dict(leaves_of("index.html", page)) | dict(leaves_of(MISSING, page)) | {path: leaf(style)}
    return Edition(files=files, at=at, notice=notice, is_bare=True)


def _over(pristine: Mapping[str, Leaf], present: Version, notice: Notice | None, at: datetime) -> Edition:
    """The last version with *notice* over it, and beside it what that changed."""
    changed = {} if notice is None else dict(_changed(pristine, notice, present.at))
    before = {name: pristine[name] for name in changed if name in pristine}
    return Edition(files={**pristine, **changed}, before=before, at=at, lingering=present.lingering, notice=notice)


def _changed(pristine: Mapping[str, Leaf], notice: Notice, published_at: datetime) -> Iterator[tuple[str, Leaf]]:
    as_of = _age(pristine, published_at)
    for name, (body, _) in pristine.items():
        if name.endswith(".html"):
            yield from _unlike(pristine, name, on_page(body, notice, as_of, tongue_of_page(body)), "text/html")
    try:
        yield from _feeds(pristine, notice)
        yield FRESH, leaf(_renewed(pristine[FRESH].body, notice))
    except (KeyError, ValueError) as error:
        log.warning("the notice is on the pages and not in the feeds: %s", error)


def _feeds(pristine: Mapping[str, Leaf], notice: Notice) -> list[tuple[str, Leaf]]:
    """The newest documents of all feeds that tell of incidents. Errors: KeyError, ValueError where they cannot be read."""
    prefix, found = prefix_of(pristine["history.atom"].body), []
    languages = {name.partition("/")[0] for name in pristine if name.endswith("/history.atom") and name.count("/") == 1}
    for name, (body, _) in pristine.items():
        document = document_at(split(f"/{name}", languages)[1])
        if document is not None and document.number is None and document.topic.about not in _ABOUT_WORK:
            told = in_feed(body, document.format, notice, prefix)
            found += list(_unlike(pristine, name, told, _KINDS[document.format]))
    return found


def _unlike(pristine: Mapping[str, Leaf], name: str, after: bytes, kind: str) -> Iterator[tuple[str, Leaf]]:
    """The file *name* and its compressed form, where there is one: nothing is added, so that nothing stays behind."""
    if after != pristine[name].body:
        yield from [(file, one) for file, one in leaves_of(name, finish(after, kind)) if file in pristine]


def _age(pristine: Mapping[str, Leaf], published_at: datetime) -> datetime:
    """As of when the pages are true."""
    try:
        return datetime.fromisoformat(json.loads(pristine[FRESH].body)["as_of"])
    except (KeyError, ValueError, TypeError):
        return published_at


def _renewed(fresh: bytes, notice: Notice) -> bytes:
    """Tell open pages that there is something new. As of when it is true stays as it was."""
    told = json.loads(fresh)
    return json.dumps({**told, "publication": sha256(repr(notice).encode()).hexdigest()[:16]}, separators=(",", ":")).encode()
