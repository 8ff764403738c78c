"""The whole story on a clock that only the test moves: real store, real road, real pages; only the probes are told what to find."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from probes.result import Failure, ProbeResult, Result
from statuspage import assembly
from statuspage.config.loading import load
from statuspage.hub import Hub
from statuspage.store import people
from statuspage.store.engine import Store
from statuspage.store.people import Role
from tests.stories.surfaces import Picture, Reader, body, disagreements, read_json, send

FILE = """
site: {name: Example Networks, url: "https://status.example.net"}
console: {url: "http://127.0.0.1:8081"}
store: {url: "sqlite:///kept.db"}
services:
  email:
    resolves_after: 45m
    needs:
      - {component: outgoing-mail, as: Sending}
      - {component: mailboxes, as: Receiving}
  portal: {needs: [webserver]}
components: {outgoing-mail: {}, mailboxes: {}, webserver: {}}
defaults: {monitor: {every: 5m}}
monitors:
  submission: {component: outgoing-mail, probe: smtp, host: 127.0.0.1, port: 2525, tls: never}
  reading: {component: mailboxes, probe: tcp, host: 127.0.0.1, port: 1143}
  home: {component: webserver, probe: tcp, host: 127.0.0.1, port: 8090}
"""
INTERNAL = ("mx7.corp.example", "submission", "outgoing-mail", "refused")
"""What stands in the failed results or in the file and must never be read by the public."""

WELL = {"email": "operational", "portal": "operational"}
BROKEN = {"email": "partial_outage", "portal": "operational"}
NOTICED = (
    "Our monitoring has noticed a problem. Email is partly not working (not working: Sending; working: Receiving). We are looking into it."
)


@dataclass(slots=True)
class Clock:
    now: datetime = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def wait(self, **length: float) -> None:
        self.now += timedelta(**length)


@dataclass(slots=True, kw_only=True)
class House:
    """The service in one process, without its schedule: what the probes find is handed in."""

    hub: Hub
    clock: Clock
    public: TestClient[Any, Any]
    internal: TestClient[Any, Any]

    async def hear(self, **found: Failure | None) -> None:
        """Each monitor reports once, at this instant, and the news goes out."""
        await self.report(found)
        await self.settle()

    async def report(self, found: Mapping[str, Failure | None]) -> None:
        """All at the same time, as probes come in that started together."""
        await asyncio.gather(*(self._report(monitor, failure) for monitor, failure in found.items()))

    async def _report(self, monitor: str, failure: Failure | None) -> None:
        now, detail = self.clock(), "connect to mx7.corp.example: refused" if failure else ""
        measured = ProbeResult(took=0.02, failure=failure, stage="connect" if failure else None, detail=detail)
        await self.hub.pipeline.observe(Result(monitor=monitor, location="local", slot=now, started=now, measured=measured))

    async def live(self, until: datetime, **found: Failure | None) -> None:
        """Time goes on to *until*, with reports often enough that none is stale; nothing is printed on the way."""
        while self.clock() < until:
            self.clock.now = min(until, self.clock() + timedelta(minutes=10))
            await self.report(found)
            await self.hub.pipeline.tick()

    async def settle(self) -> None:
        """Time is noticed, and what changed is printed."""
        await self.hub.pipeline.tick()
        await self.hub.press.issue()

    async def token(self, name: str) -> str:
        now = self.clock()
        return await self.hub.store.write(lambda connection: people.add_token(connection, name=name, roles=[Role.LEVEL_ONE], at=now))


class Run(TestServer):
    """A server that runs as the service's own does: streams go out by no other."""

    def __init__(self, runner: web.AppRunner) -> None:
        super().__init__(runner.app)
        self._given = runner

    async def _make_runner(self, **_: object) -> web.AppRunner:
        return self._given


@asynccontextmanager
async def housed(directory: Path, clock: Clock, file: str = FILE) -> AsyncIterator[House]:
    path = directory / "statuspage.yaml"
    path.write_text(file, encoding="utf-8")
    loaded = load(path, {})
    async with AsyncExitStack() as stack:
        store = await Store.open(loaded.config.store.url, directory)
        stack.push_async_callback(store.close)
        hub = await assembly.assembled(loaded, store, directory, clock)
        stack.push_async_callback(hub.pipeline.close)
        await hub.press.issue()
        public = await stack.enter_async_context(TestClient(TestServer(hub.public_runner().app)))
        internal = await stack.enter_async_context(TestClient(Run(hub.internal_runner())))
        yield House(hub=hub, clock=clock, public=public, internal=internal)


async def test_broken_mail_is_told_everywhere_owned_by_one_and_over_in_the_end(tmp_path: Path) -> None:
    clock, readers = Clock(), (Reader("/history.rss"), Reader("/history.atom"))
    began = asyncio.get_running_loop().time()
    async with housed(tmp_path, clock) as house:
        ada, bob = await house.token("ada"), await house.token("bob")
        picture = await _breaks(house, readers, ada)
        picture = await _is_owned_and_explained(house, readers, picture, ada, bob)
        before = await _all_bytes(house, picture)
    async with housed(tmp_path, clock) as house:
        assert await _all_bytes(house, picture) == before, "a restart changed what the public reads"
        await _agrees(house, picture, ada)
        await _recovers(house, readers, picture, ada)
    titles = [
        "Email: Sending not working – investigating",
        "Email: Sending not working – cause identified",
        "Email: Sending works again, after 19 min",
        "Email: Sending not working – resolved after 19 min",
    ]
    assert [reader.shown for reader in readers] == [titles, titles]
    print(f"\nthe whole story took {asyncio.get_running_loop().time() - began:.2f} s")


async def _breaks(house: House, readers: tuple[Reader, ...], ada: str) -> Picture:
    """Everything works; one failure is no news; the second opens an incident that began with the first."""
    for _ in range(2):
        await house.hear(submission=None, reading=None, home=None)
        house.clock.wait(seconds=30)
    await _agrees(house, Picture(services=WELL), ada)

    first_failure = house.clock()
    await house.hear(submission=Failure.REFUSED)
    await _agrees(house, Picture(services=WELL), ada)
    assert house.hub.is_suspect("submission", "local"), "nobody would look again soon"
    assert [await reader.poll(house.public) for reader in readers] == [[], []]

    house.clock.wait(seconds=3)
    await house.hear(submission=Failure.REFUSED)
    (incident,) = (await read_json(house.internal, "/api/v1/incidents", ada))["items"]
    assert datetime.fromisoformat(incident["started_at"]) == first_failure
    assert incident["services"] == {"email": "partial_outage"}
    name = "Email: Sending not working"
    picture = Picture(services=BROKEN, incident=incident["id"], name=name, state="investigating", updates=(NOTICED,))
    await _agrees(house, picture, ada)
    assert [len(await reader.poll(house.public)) for reader in readers] == [1, 1]
    return picture


async def _is_owned_and_explained(house: House, readers: tuple[Reader, ...], picture: Picture, ada: str, bob: str) -> Picture:
    """One agent owns it, the other is told who and since when; an update is everywhere."""
    house.clock.wait(seconds=40)
    path, acknowledged_at = f"/incidents/{picture.incident}", house.clock()
    assert (await send(house.internal, f"{path}/acknowledge", ada))[0] == 200
    house.clock.wait(seconds=5)
    status, refusal = await send(house.internal, f"{path}/acknowledge", bob)
    assert status == 409
    assert refusal["acknowledged_by"] == "ada"
    assert datetime.fromisoformat(refusal["acknowledged_at"]) == acknowledged_at
    assert "ada" in refusal["detail"]

    await house.live(house.clock() + timedelta(minutes=2), submission=Failure.REFUSED, reading=None, home=None)
    words = "A disk of the mail server is full. <b>R&D</b> clears it."
    assert (await send(house.internal, f"{path}/updates", ada, state="identified", body=words))[0] == 201
    await house.settle()
    told = Picture(
        services=BROKEN, incident=picture.incident, name=picture.name, state="identified", updates=(*picture.updates, words), owner="ada"
    )
    await _agrees(house, told, ada)
    assert [len(await reader.poll(house.public)) for reader in readers] == [1, 1]
    return told


async def _recovers(house: House, readers: tuple[Reader, ...], picture: Picture, ada: str) -> None:
    """One good result is no recovery, two are; it is watched for as long as the file says, and then it is over."""
    await house.live(datetime(2026, 3, 2, 8, 20, tzinfo=UTC), submission=Failure.REFUSED, reading=None, home=None)
    house.clock.wait(seconds=30)
    await house.hear(reading=None, home=None, submission=None)
    await _agrees(house, picture, ada)
    house.clock.wait(seconds=3)
    await house.hear(reading=None, home=None, submission=None)
    (shown,) = (await read_json(house.internal, "/api/v1/incidents", ada))["items"]
    watched = Picture(
        services=WELL,
        incident=picture.incident,
        name=picture.name,
        state="monitoring",
        updates=(*picture.updates, shown["updates"][-1]["body"]),
        owner="ada",
    )
    assert shown["updates"][-1]["automatic"]
    await _agrees(house, watched, ada)
    assert [len(await reader.poll(house.public)) for reader in readers] == [1, 1]

    resolves_at = house.clock() + timedelta(minutes=45)
    await house.live(resolves_at - timedelta(seconds=1), submission=None, reading=None, home=None)
    await _agrees(house, replace(watched, owner=None), ada)
    await house.live(resolves_at, submission=None, reading=None, home=None)
    await house.settle()
    (shown,) = (await read_json(house.internal, "/api/v1/incidents", ada))["items"]
    assert datetime.fromisoformat(shown["resolved_at"]) == resolves_at
    over = Picture(
        services=WELL,
        incident=picture.incident,
        name=picture.name,
        state="resolved",
        updates=(*watched.updates, shown["updates"][-1]["body"]),
    )
    await _agrees(house, over, ada)
    assert [len(await reader.poll(house.public)) for reader in readers] == [1, 1]


async def _agrees(house: House, picture: Picture, token: str) -> None:
    assert await disagreements(picture, house.public, house.internal, token) == []
    said = b"".join([*(await _all_bytes(house, picture)).values()]).decode()
    assert [words for words in INTERNAL if words in said] == []


async def _all_bytes(house: House, picture: Picture) -> dict[str, bytes]:
    paths = ["/", "/history.rss", "/history.atom", "/api/v2/summary.json", "/api/v2/incidents.json"]
    paths += [f"/incidents/{picture.incident}"] if picture.incident else []
    return {path: await body(house.public, path) for path in paths}
