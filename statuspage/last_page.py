"""The last good bytes on the disk: what the public page was, for the day on which the store cannot be read.

One file, written anew every few minutes. It holds what lies ready on the shelf: the page, its incidents, feeds and
the read API in the site's own language; not what is drawn when somebody asks.
"""

import asyncio
import base64
import gzip
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from statuspage.press import Press
from statuspage.publish import Shelf
from statuspage.render.finished import Finished
from statuspage.render.fresh import Fresh

log = logging.getLogger(__name__)

LAST_PAGE = "last-page.json"
GATHER = 300.0
"""Seconds between two times that it is written, at least."""

FRESH = "/fresh.json"
MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What was public as of *as_of*, by path; nothing where nothing was kept."""

    as_of: str = ""
    files: Mapping[str, Finished] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(slots=True, kw_only=True)
class LastPage:
    """Keeps in *file* what the *press* issued last."""

    press: Press
    file: Path
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _trouble: str = ""

    def wake(self) -> None:
        """There is a new shelf."""
        self._changed.set()

    async def run(self) -> None:
        """Write for ever; ended by cancelling."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self.keep()
            await asyncio.sleep(GATHER)

    async def keep(self) -> None:
        """Write what is public now. Where the disk does not take it, what was there stays: that is told once."""
        shelf, fresh = self.press.shelf, self.press.fresh()
        if shelf is None or fresh is None:
            return
        try:
            await asyncio.to_thread(_write, self.file, shelf, fresh)
        except OSError as error:
            if str(error) != self._trouble:
                log.warning("the last page cannot be kept in %s: %s", self.file, error.strerror)
            self._trouble = str(error)
        else:
            self._trouble = ""


def _write(file: Path, shelf: Shelf, fresh: Fresh) -> None:
    files = {path: {"type": one.content_type, "etag": one.etag, "gzip": _spelled(one.gzipped)} for path, one in shelf.files.items()}
    files[FRESH] = {"type": "application/json; charset=utf-8", "etag": '"fresh"', "gzip": _spelled(gzip.compress(fresh.body, mtime=0))}
    made = file.with_name(f".{file.name}.new")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as out:
        json.dump({"as_of": fresh.as_of, "files": files}, out)
        out.flush()
        os.fsync(out.fileno())
    made.replace(file)


def _spelled(body: bytes) -> str:
    return base64.b64encode(body).decode("ascii")


def remains(file: Path) -> Remains:
    """Read what was kept; nothing where that is not whole either."""
    try:
        with file.open("rb") as kept:
            told = json.loads(kept.read(MOST_BYTES))
        return Remains(as_of=str(told["as_of"]), files={str(path): _finished(one) for path, one in told["files"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, RecursionError) as error:
        log.warning("no last page can be served from %s: %s", file, error)
        return Remains()


def _finished(told: Mapping[str, Any]) -> Finished:
    body = gzip.decompress(base64.b64decode(told["gzip"], validate=True))
    return Finished(body=body, etag=str(told["etag"]), content_type=str(told["type"]))
