"""What is kept from one round of drawing to the next, so that a round costs what has changed."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Source = TypeVar("Source")
Made = TypeVar("Made")


class Kept(Generic[Made]):
    """What was made in the last round, by name: made again only from another source. What a round does not ask for is dropped.

    Not safe for two threads at once; whoever draws sees to that.
    """

    def __init__(self) -> None:
        self._before: dict[Hashable, tuple[object, Made]] = {}
        self._now: dict[Hashable, tuple[object, Made]] = {}

    def turn(self) -> None:
        """Begin a new round."""
        self._before, self._now = self._now, {}

    def made(self, name: Hashable, source: Source, make: Callable[[Source], Made]) -> Made:
        """Make what is called *name* from *source*, unless the last round's was made from an equal one: then it is the very same."""
        kept = self._before.get(name)
        if kept is None or (kept[0] is not source and kept[0] != source):
            kept = source, make(source)
        self._now[name] = kept
        return kept[1]
