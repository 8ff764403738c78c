"""What the public may read beside the shelf: made when somebody asks, few at once, and kept until the next publication."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from statuspage.render.finished import Finished

Find = Callable[[], Awaitable[Finished | None]]


class OnRequest:
    """Few look-ups at once, the newest answers kept within so many bytes."""

    def __init__(
        self, *, at_once: int = 4, waiting: int = 64, most: int = 256, most_bytes: int = 16 * 1024 * 1024, patience: float = 5.0
    ) -> None:
        self._gate = asyncio.Semaphore(at_once)
        self._room, self._most, self._most_bytes, self._patience = waiting, most, most_bytes, patience
        self._kept: OrderedDict[str, Finished | None] = OrderedDict()

    def forget(self) -> None:
        """Drop what is kept: words may have been corrected or withdrawn."""
        self._kept = OrderedDict()

    async def find(self, path: str, find: Find) -> Finished | None:
        """Return what *find* finds at *path*, or None. Errors: TimeoutError where too many ask."""
        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        if self._room == 0:
            raise TimeoutError
        self._room -= 1
        kept = self._kept  # a publication meanwhile puts another in its place, and this answer must not outlive it
        try:
            async with asyncio.timeout(self._patience), self._gate:
                if path not in kept:  # somebody who waited before may have found it
                    kept[path] = await find()
                found = kept[path]
        finally:
            self._room += 1
        while len(kept) > self._most or sum(_weight(one) for one in kept.values()) > self._most_bytes:
            kept.popitem(last=False)
        return found


def _weight(kept: Finished | None) -> int:
    return 0 if kept is None else len(kept.body) + len(kept.gzipped)
