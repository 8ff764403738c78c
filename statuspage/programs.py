"""Programs that we start: each in a session of its own, and none of them left behind, however the waiting for it ends."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def running(
    words: Sequence[str], surroundings: Mapping[str, str], *, stdin: int, stderr: int, cwd: str | None = None
) -> AsyncIterator[Process]:
    """Run the program *words* with the environment *surroundings*, its output a pipe; on the way out it ends, with whatever it has started.

    *stdin* and *stderr* are asyncio's ``PIPE`` or ``DEVNULL``. Errors: OSError where it cannot be started.
    """
    start = asyncio.create_subprocess_exec(
        *words, stdin=stdin, stdout=PIPE, stderr=stderr, env=surroundings, cwd=cwd, start_new_session=True
    )
    starting = asyncio.ensure_future(start)
    try:
        yield await asyncio.shield(starting)  # cut short, it would leave open pipes, and what the program has started
    finally:
        await asyncio.wait((starting,))
        if starting.exception() is None:
            await _end(starting.result())


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # where it has ended by itself, too: what it has started may hold its pipes open for good
    await process.communicate()
