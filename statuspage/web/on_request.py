"""What the public may read beside the shelf: made when somebody asks, few at once, and kept until the next publication."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class OnRequest(Generic[T]):
    """Few look-ups at once, the newest answers kept within so many bytes, of which each *weighs* some."""

    def __init__(
        self,
        *,
        weigh: Callable[[T], int],
        at_once: int = 4,
        waiting: int = 64,
        most: int = 256,
        most_bytes: int = 16 * 1024 * 1024,
        patience: float = 5.0,
    ) -> None:
        self._gate, self._weigh = asyncio.Semaphore(at_once), weigh
        self._room, self._most, self._most_bytes, self._patience = waiting, most, most_bytes, patience
        self._kept: OrderedDict[str, T | None] = OrderedDict()

    def forget(self) -> None:
        """Drop what is kept: words may have been corrected or withdrawn."""
        self._kept = OrderedDict()

    async def find(self, path: str, find: Callable[[], Awaitable[T | None]]) -> T | None:
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
        while len(kept) > self._most or sum(self._weigh(one) for one in kept.values() if one is not None) > self._most_bytes:
            kept.popitem(last=False)
        return found
