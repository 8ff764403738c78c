"""Waiting for a claim to come true, with a deadline: the one way in which tests wait."""

import asyncio
from collections.abc import Callable

PATIENCE = 60.0


async def until(claim: Callable[[], object], *, within: float = PATIENCE) -> None:
    """Return as soon as *claim* holds. Errors: TimeoutError where it does not within *within* seconds."""
    async with asyncio.timeout(within):
        while not claim():  # noqa: ASYNC110 - what is waited for happens in code that must not know of tests
            await asyncio.sleep(0.01)
