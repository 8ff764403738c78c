"""From breaking a server to the incident on every surface: ``statuspage serve``, and servers that really stop.

A tcp and an smtp monitor, each every two seconds with a re-check after half a second, two failures in a row; their servers are broken
in turn, at phases of the interval that differ.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import uvloop

from tests.bench import installation
from tests.bench.installation import Running

EVERY = 2.0
RECHECK = 0.5
FAILS_AFTER = 2
TO_FAIL = 0.0
"""Seconds that a probe takes to fail: a port that nobody listens on refuses at once."""
BOUND = EVERY + RECHECK * (FAILS_AFTER - 1) + FAILS_AFTER * TO_FAIL + 2.0
LOOK_AGAIN = 0.05
WITHIN = 30.0
SURFACES = ("page", "feed", "v2 JSON", "metrics", "console")


class Victim:
    """A mail server that is polite enough for a probe, can be stopped for real, and starts again on the same port."""

    def __init__(self) -> None:
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.example.net ESMTP\r\n")
        while line := await reader.readline():
            is_over = line[:4].upper() == b"QUIT"
            writer.write(b"221 bye\r\n" if is_over else b"250 fine\r\n")
            if is_over:
                break
        writer.close()


class Watcher:
    """A reader of all surfaces."""

    def __init__(self, session: aiohttp.ClientSession, service: Running, token: str) -> None:
        self._session, self._public, self._internal = session, service.public, service.internal
        self._bearer = {"Authorization": f"Bearer {token}"}

    async def open_incident(self, service: str) -> str | None:
        """The id of the newest open incident of *service*, as the v2 JSON tells it."""
        async with self._session.get(f"{self._public}/api/v2/incidents/unresolved.json") as answer:
            said = await answer.json()
        hits = (one for one in said["incidents"] if any(part["name"] == service for part in one.get("components", ())))
        return next((str(one["id"]) for one in hits), None)

    async def tells_everywhere(self, service: str) -> bool:
        """Whether there is an open incident of *service*, and no surface that does not speak of it."""
        incident = await self.open_incident(service)
        return incident is not None and not await self.lacking(incident)

    async def lacking(self, incident: str) -> list[str]:
        """The surfaces that do not speak of *incident* yet."""
        read: dict[str, Callable[[], Awaitable[str]]] = {
            "page": lambda: self._read(f"{self._public}/"),
            "feed": lambda: self._read(f"{self._public}/history.atom"),
            "v2 JSON": lambda: self._read(f"{self._public}/api/v2/summary.json"),
            "metrics": lambda: self._read(f"{self._internal}/metrics"),
            "console": lambda: self._read(f"{self._internal}/", self._bearer),
        }
        return [name for name in SURFACES if incident not in await read[name]()]

    async def _read(self, url: str, headers: dict[str, str] | None = None) -> str:
        async with self._session.get(url, headers=headers) as answer:
            answer.raise_for_status()
            return await answer.text()


def measured(breaks: int) -> list[float]:
    """Break each of the two servers *breaks* times; seconds until all surfaces tell of it."""
    return uvloop.run(_measured(breaks))


async def _measured(breaks: int) -> list[float]:
    """A service of its own for each time: what broke a moment ago comes back as the same incident, and tells of it less often."""
    found: list[float] = []
    for number in range(breaks):
        async with asyncio.timeout(3 * WITHIN), _company() as (watcher, victims):
            await asyncio.sleep(EVERY * number / breaks)
            found += await asyncio.gather(*(_broken(watcher, service, victim) for service, victim in victims.items()))
    return found


@asynccontextmanager
async def _company() -> AsyncIterator[tuple[Watcher, dict[str, Victim]]]:
    """Two servers, the service that watches them, and who looks at it."""
    tcp, smtp = Victim(), Victim()
    for victim in (tcp, smtp):
        await victim.start()
    with tempfile.TemporaryDirectory() as name:
        directory, data_dir = Path(name), Path(name) / "data"
        monitors = {
            "storage": {"component": "c0", "probe": "tcp", "host": "127.0.0.1", "port": tcp.port},
            "outgoing": {"component": "c1", "probe": "smtp", "host": "127.0.0.1", "port": smtp.port, "tls": "never"},
        }
        policy = {"every": "2s", "recheck": "500ms", "fails_after": FAILS_AFTER, "timeout": "1s"}
        file = installation.written(directory, monitors, services=2, **policy)
        token = await asyncio.to_thread(installation.token, file, data_dir)
        with installation.served(file, data_dir) as service:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
                await _until_operational(session, service)
                yield Watcher(session, service, token), {"Service number 0": tcp, "Service number 1": smtp}
    for victim in (tcp, smtp):
        await victim.stop()


async def _until_operational(session: aiohttp.ClientSession, service: Running) -> None:
    async with asyncio.timeout(WITHIN):
        while True:
            async with session.get(f"{service.internal}/metrics") as answer:
                text = await answer.text()
            if all(f'statuspage_component_status{{component="{id}",status="operational"}} 1' in text for id in ("c0", "c1")):
                return
            await asyncio.sleep(LOOK_AGAIN)


async def _broken(watcher: Watcher, service: str, victim: Victim) -> float:
    await victim.stop()
    began = time.monotonic()
    await _until_told(watcher, service)
    return time.monotonic() - began


async def _until_told(watcher: Watcher, service: str) -> None:
    async with asyncio.timeout(WITHIN):
        while not await watcher.tells_everywhere(service):  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(LOOK_AGAIN)
