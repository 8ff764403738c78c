"""The service as other processes meet it: started by its command line, asked over sockets, killed, started again."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientConnectionError, ClientSession

from tests.statuspage import warm
from tests.statuspage.terminal import CHECKOUT, statuspage

PATIENCE = 60.0


async def agreed(disagree: Callable[[], Awaitable[Sequence[str]]], *, within: float = PATIENCE) -> None:
    """Return as soon as *disagree* finds nothing. Errors: AssertionError with what it still finds after *within* seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while found := list(await disagree()):
        assert loop.time() < deadline, f"after {within} s still: {found}"
        await asyncio.sleep(0.05)


async def command(*arguments: str, typed: str = "") -> str:
    """Run ``statuspage`` to its end and give what it prints. Errors: AssertionError where it does not end well."""
    ended = await statuspage(*arguments, here=CHECKOUT, typed=typed)
    assert ended.code == 0, ended.err
    return ended.out.strip()


@dataclass(slots=True, kw_only=True)
class Hub:
    """A running service in a process of its own. *module* is what Python runs, *arguments* what it is told."""

    public: str
    internal: str
    log: Path
    module: str = "statuspage"
    arguments: Sequence[str] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    _process: warm.Process | None = None

    async def start(self) -> None:
        """Start it and wait until both of its listeners answer."""
        with tempfile.TemporaryFile() as nothing, self.log.open("ab") as log:
            surroundings = {**os.environ, **self.environ}
            self._process = warm.start(self.module, self.arguments, CHECKOUT, surroundings, (nothing, log, log))
        async with ClientSession() as session:
            await agreed(lambda: self._silence(session))

    async def _silence(self, session: ClientSession) -> Sequence[str]:
        assert self._process is not None
        assert self._process.returncode is None, f"it ended by itself: {self.log.read_text(encoding='utf-8')[-3000:]}"
        try:
            for url in (f"{self.public}/readyz", f"{self.internal}/healthz"):
                async with session.get(url) as response:
                    if response.status != 200:
                        return [f"{url} answers {response.status}"]
        except ClientConnectionError as error:
            return [str(error)]
        return []

    async def kill(self) -> None:
        """SIGKILL: it gets no chance to say or write anything more."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            assert await self._process.wait() == -signal.SIGKILL

    async def stop(self) -> None:
        """SIGTERM, and a clean end."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE):
                ended = await self._process.wait()
            assert ended == 0, self.log.read_text(encoding="utf-8")[-3000:]
