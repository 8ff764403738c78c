"""A demo of one's own: the real company under the real service, in a process that can be broken, halted and ended."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from statuspage.demo import remote

STARTS_WITHIN = 60.0
ENDS_WITHIN = 20.0
TELLS_WITHIN = 60.0


@dataclass(frozen=True, kw_only=True)
class Demo:
    process: asyncio.subprocess.Process
    run_file: Path
    session: aiohttp.ClientSession
    public: str
    console: str
    control: str
    agent: str
    password: str

    async def break_(self, what: str, mode: str | None = None) -> None:
        await asyncio.to_thread(remote.break_, self.run_file, what, mode)

    async def mend(self, what: str = "all") -> None:
        await asyncio.to_thread(remote.mend, self.run_file, what)

    async def summary(self) -> dict[str, Any]:
        """What the public page tells programs."""
        async with self.session.get(f"{self.public}/api/v2/summary.json") as answer:
            told: dict[str, Any] = await answer.json()
            return told

    async def incidents(self) -> dict[str, str]:
        """The ids of the open incidents, by name."""
        return {str(row["name"]): str(row["id"]) for row in (await self.summary())["incidents"]}

    async def all_works(self) -> None:
        """Wait until every service works and is known to."""

        async def is_so() -> bool:
            return str((await self.summary())["status"]["description"]) == "All Systems Operational"

        await until(is_so)

    async def incident(self, name: str) -> str:
        """Wait until an incident whose name begins with *name* is open; gives its id."""
        found: list[str] = []

        async def is_so() -> bool:
            found.extend(id_ for known, id_ in (await self.incidents()).items() if known.startswith(name))
            return bool(found)

        await until(is_so)
        return found[0]

    async def planned(self) -> str:
        """The id of the work that its configuration plans."""
        return str((await self.summary())["scheduled_maintenances"][0]["id"])

    def halt(self) -> None:
        """Stop the hub in its tracks: it keeps its sockets and says nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)


async def until(claim: Callable[[], Awaitable[bool]], *, within: float = TELLS_WITHIN) -> None:
    """Return as soon as *claim* holds. Errors: TimeoutError."""
    async with asyncio.timeout(within):
        while not await claim():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.1)


@asynccontextmanager
async def demo(directory: Path) -> AsyncIterator[Demo]:
    """Run a demo in *directory* on free ports until left."""
    said = directory / "said"
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(directory), "PYTHONUNBUFFERED": "1"}
    with said.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "statuspage", "demo", "--data-dir", str(directory / "kept")),
            env=environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=asyncio.subprocess.STDOUT,
        )
    try:
        await _greeted(process, said)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            yield _addressed(process, directory, said.read_text(), session)
    finally:
        await _ended(process)


async def _greeted(process: asyncio.subprocess.Process, said: Path) -> None:
    async def is_so() -> bool:
        text = await asyncio.to_thread(said.read_text)
        assert process.returncode is None, text
        return "Ctrl-C ends it." in text

    await until(is_so, within=STARTS_WITHIN)


def _addressed(process: asyncio.subprocess.Process, directory: Path, said: str, session: aiohttp.ClientSession) -> Demo:
    addresses = dict(re.findall(r"(?m)^(Public page|Console|Demo page)\s+(http://\S+?)/?(?:\s|$)", said))
    agent, password = re.findall(r"\(name: (\S+), password: (\S+)\)", said)[0]
    return Demo(
        process=process,
        run_file=directory / "statuspage" / "demo.json",
        session=session,
        public=addresses["Public page"],
        console=addresses["Console"],
        control=addresses["Demo page"],
        agent=agent,
        password=password,
    )


async def _ended(process: asyncio.subprocess.Process) -> None:
    """End it as Ctrl-C does; by force where it does not."""
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGCONT)
    process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.wait(), ENDS_WITHIN)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
