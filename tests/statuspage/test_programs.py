import asyncio
import gc
import os
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from pathlib import Path

from statuspage.programs import running
from tests.deadline import until


def _left(marked: str) -> list[int]:
    """The processes whose command line holds *marked*."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if marked in path.read_text(encoding="utf-8", errors="replace"):
                found.append(int(path.parent.name))
    return found


async def test_whoever_is_cancelled_while_a_program_starts_leaves_nothing(tmp_path: Path) -> None:
    marked = f"{600 + os.getpid() / 1e9:.9f}"
    words = ("/bin/sh", "-c", f"sleep {marked} & wait")

    async def waiting() -> None:
        async with running(words, {}, stdin=DEVNULL, stderr=PIPE, cwd=str(tmp_path)) as process:
            await process.wait()

    for turns in range(16):
        task = asyncio.create_task(waiting())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        ended, _ = await asyncio.wait((task,), timeout=20)
        assert ended
        gc.collect()  # says what nobody has closed
    await until(lambda: not _left(marked))


async def test_what_a_program_left_behind_as_it_ended_holds_nobody_up(tmp_path: Path) -> None:
    marked = f"{60 + os.getpid() / 1e9:.9f}"
    async with asyncio.timeout(20):
        async with running(("/bin/sh", "-c", f"sleep {marked} &"), {}, stdin=DEVNULL, stderr=PIPE, cwd=str(tmp_path)) as process:
            await until(lambda: process.returncode is not None)
    await until(lambda: not _left(marked))
