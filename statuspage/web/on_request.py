"""What the public may read beside the shelf: made when somebody asks, few at once, and kept until the next publication."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class OnRequest(Generic[T]):
    """Few look-ups at once, one for each thing however many ask; the newest answers kept within so many bytes: each *weighs* some."""

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
        self._looking: dict[str, asyncio.Task[T | None]] = {}

    def forget(self) -> None:
        """Drop what is kept: words may have been corrected or withdrawn."""
        self._kept, self._looking = OrderedDict(), {}

    async def find(self, path: str, find: Callable[[], Awaitable[T | None]]) -> T | None:
        """Return what *find* finds at *path*, or None. Errors: TimeoutError where too many different things are asked for, or too slow."""
        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        look = self._looking.get(path)
        if look is None:
            if self._room == 0:
                raise TimeoutError
            self._room -= 1
            look = self._looking[path] = asyncio.ensure_future(self._look(path, find))
            look.add_done_callback(self._end)
        return await asyncio.shield(look)  # whoever goes away leaves it to the others

    async def _look(self, path: str, find: Callable[[], Awaitable[T | None]]) -> T | None:
        # A publication meanwhile puts others in their places: neither this answer nor this look must outlive it.
        kept, looking = self._kept, self._looking
        try:
            async with asyncio.timeout(self._patience), self._gate:
                found = kept[path] = await find()
        finally:
            looking.pop(path, None)
        while len(kept) > self._most or sum(self._weigh(one) for one in kept.values() if one is not None) > self._most_bytes:
            kept.popitem(last=False)
        return found

    def _end(self, look: "asyncio.Task[T | None]") -> None:
        """Make room for another, and take note of how it ended, also where nobody waits for it any more."""
        self._room += 1
        if not look.cancelled():
            look.exception()
