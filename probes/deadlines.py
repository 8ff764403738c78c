"""Rings when the time of many is up, by one timer of the event loop's: one for each costs more than a line of the dialogue it guards."""

import asyncio
from collections.abc import Callable
from math import ceil

STEP = 0.02
"""Seconds by which a deadline may ring late; never early."""


class Deadline:
    """One deadline. ``cancel`` it when what it guards has ended."""

    __slots__ = ("_due_together", "_owner", "_step", "ring")

    def __init__(self, owner: "Deadlines", step: int, due_together: "set[Deadline]", ring: Callable[[], None]) -> None:
        self._owner, self._step, self._due_together, self.ring = owner, step, due_together, ring
        due_together.add(self)

    def cancel(self) -> None:
        """Ring no more; for one that rang already it changes nothing."""
        self._due_together.discard(self)
        if not self._due_together:
            self._owner.forget(self._step, self._due_together)


class Deadlines:
    """The deadlines of one event loop, kept together by the step at which they ring."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._due: dict[int, set[Deadline]] = {}
        self._next: int | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """At how many steps something is to ring."""
        return len(self._due)

    def after(self, within: float, ring: Callable[[], None]) -> Deadline:
        """Call *ring* in *within* seconds, unless it is cancelled before."""
        step = ceil((self.loop.time() + within) / STEP)
        due = self._due.get(step)
        if due is None:
            due = self._due[step] = set()
            if self._next is None or step < self._next:
                self._wait_for(step)
        return Deadline(self, step, due, ring)

    def forget(self, step: int, due: set[Deadline]) -> None:
        """Keep no step at which nothing is left to ring: there may be thousands of them."""
        if self._due.get(step) is due:
            del self._due[step]

    def _wait_for(self, step: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next, self._timer = step, self.loop.call_at(step * STEP, self._ring)

    def _ring(self) -> None:
        now, self._next, self._timer = self.loop.time(), None, None
        self._let_ring([self._due.pop(step) for step in sorted(self._due) if step * STEP <= now])

    def _let_ring(self, over: list[set[Deadline]]) -> None:
        try:
            for due in over:
                while due:  # one that rings may cancel others
                    due.pop().ring()
        finally:
            if any(over):  # one that broke off keeps no other from ringing
                self.loop.call_soon(self._let_ring, over)
            if self._due:  # also where one that rang has set another: that may be the last of all
                self._wait_for(min(self._due))
