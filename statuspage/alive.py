"""Parts of the house that must not die: each is begun again where a bug of ours breaks it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from statuspage.vitals import Figures

log = logging.getLogger(__name__)

RESTART_AFTER = 1.0
"""Seconds before a part that broke is begun again."""


@asynccontextmanager
async def kept_alive(work: Callable[[], Awaitable[None]], name: str, figures: Figures) -> AsyncIterator[None]:
    """Run *work* beside the rest; where it breaks by a bug of ours, say so, count it, and begin it again."""

    async def supervised() -> None:
        while True:
            try:
                await work()
            except Exception:
                figures.crashed_turns += 1
                log.exception("%s broke and is started again", name)
                await asyncio.sleep(RESTART_AFTER)

    task = asyncio.create_task(supervised(), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
