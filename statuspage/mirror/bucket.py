"""Carries the newest version into a bucket, whose host serves the objects as they stand.

A bucket has no rename, so that there is no switch: objects are put in the order of ``order.waves``, of which each leads only to what is
there. Killed at any moment, no page leads to an object that is missing: what is not used any more is taken away only after a grace. The
bucket itself says what stands in it; only what we once put there is ever taken away, by a list that is kept beside it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from hashlib import md5
from pathlib import Path

from statuspage.mirror.objects import Objects
from statuspage.mirror.order import cache_of, is_carried, type_of, waves
from statuspage.mirror.version import Kept, Version
from statuspage.mirror.writing import SITE

AT_ONCE = 16
"""Objects that are put at the same time."""

GRACE = 3600.0
"""Seconds that an object stays after the last page that led to it: readers may have that open, and caches may give it out."""

LOOK_AGAIN = 3600.0
"""Seconds after which the bucket is asked again what stands in it: somebody may have taken something away."""

OURS = "mirror.json"
"""The object that lists what we put there."""


@dataclass(slots=True)
class Bucketful:
    """Carries into *objects*, and remembers what stands there until something goes wrong.

    *_there* is the tag of each object, *_put* the digest and the tag of what we know to be there. *_unused* is since when objects of ours
    are not used.
    """

    objects: Objects
    _there: dict[str, str] | None = None
    _ours: set[str] = field(default_factory=set)
    _put: dict[str, tuple[str, str]] = field(default_factory=dict)
    _unused: dict[str, float] = field(default_factory=dict)
    _looked_at: float = 0.0

    async def carry(self, home: Path, version: Version, *, keeps: int) -> None:
        """Make *version*, which is at *home*, what is served there. Errors: OSError.

        Where no older one *keeps* its place, what is not used any more goes without a grace.
        """
        wanted = {name: kept for name, kept in version.files.items() if is_carried(name)}
        try:
            there = await self._look()
            unknown = {name: one.digest for name, one in wanted.items() if name in there and name not in self._put}
            self._put |= await asyncio.to_thread(_tagged, home / SITE, unknown)
            stale = [name for name, one in wanted.items() if self._put.get(name) != (one.digest, there.get(name))]
            await self._claim(wanted.keys())
            for wave in waves(stale, there.keys()):
                await _all_of(wave, lambda name: self._carry(home / SITE / name, name, wanted[name]))
            await self._clear(wanted.keys(), GRACE if keeps else 0.0)
        except BaseException:
            self._there = None  # nobody knows how far it came
            raise

    async def _look(self) -> dict[str, str]:
        now = asyncio.get_running_loop().time()
        if self._there is None or now - self._looked_at > LOOK_AGAIN:
            self._there = dict(await self.objects.listed())
            self._ours = _listed(await self.objects.read(OURS)) if self._there.pop(OURS, None) is not None else set()
            self._looked_at = now
        return self._there

    async def _claim(self, names: Collection[str]) -> None:
        """Note beforehand what is to be put, so that it can be taken away again whatever happens meanwhile."""
        there = self._there or {}
        if not self._ours >= set(names):
            self._ours = {name for name in self._ours if name in there} | set(names)
            body = json.dumps({"objects": sorted(self._ours)}, separators=(",", ":")).encode()
            await self.objects.put(OURS, body, type_of(OURS), "no-store")

    async def _carry(self, file: Path, name: str, kept: Kept) -> None:
        body = await asyncio.to_thread(file.read_bytes)
        tag = await self.objects.put(name, body, type_of(name), cache_of(name))
        self._put[name] = (kept.digest, tag)
        if self._there is not None:
            self._there[name] = tag

    async def _clear(self, wanted: Collection[str], grace: float) -> None:
        there, now = self._there or {}, asyncio.get_running_loop().time()
        unused = [name for name in there if name in self._ours and name not in wanted]
        self._unused = {name: self._unused.get(name, now) for name in unused}
        await _all_of([name for name in unused if now - self._unused[name] >= grace], self._remove)

    async def _remove(self, name: str) -> None:
        await self.objects.remove(name)
        self._unused.pop(name, None)
        self._put.pop(name, None)
        if self._there is not None:
            self._there.pop(name, None)


def _tagged(site: Path, digests: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The digest of each file, and the tag that most buckets give to what it holds."""
    return {name: (digest, md5((site / name).read_bytes(), usedforsecurity=False).hexdigest()) for name, digest in digests.items()}


def _listed(body: bytes) -> set[str]:
    try:
        return {str(name) for name in json.loads(body)["objects"]}
    except (ValueError, KeyError, TypeError):
        return set()  # not of ours, or of another time: what it listed stays where it is


async def _all_of(names: Collection[str], do: Callable[[str], Awaitable[None]]) -> None:
    """Do it to each of *names*, some at the same time. Errors: the first one, and the rest is left."""
    coming = iter(names)

    async def work() -> None:
        for name in coming:
            await do(name)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(names))):
                group.create_task(work())
    except ExceptionGroup as several:
        raise next((one for one in several.exceptions if not isinstance(one, OSError)), several.exceptions[0]) from None
