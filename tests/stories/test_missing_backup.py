"""A nightly backup that reports by itself: in time, missing, back. Once on the test's own clock, once as a process that is killed."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from statuspage import assembly
from statuspage.config.loading import load
from statuspage.demo.ports import free_address
from statuspage.hub import Hub as InProcess
from statuspage.store import people
from statuspage.store.engine import Store
from statuspage.store.people import Role
from tests.stories.programs import Hub, agreed
from tests.stories.surfaces import body, read_json, text

TOKEN = "5e1d0c8b7a6f4e3d9c2b"
FILE = """
site: {name: Example Networks, url: "https://status.example.net", timezone: Europe/Berlin}
store: {url: "sqlite:///kept.db"}
services: {backups: {name: Backups, resolves_after: 10m, needs: [{component: vault, as: Nightly copy}]}}
components: {vault: {}}
monitors:
  nightly-copy: {component: vault, probe: heartbeat, schedule: "15 2 * * *", grace: 1h, token: {env: COPY_TOKEN}}
"""
REAL = """
site: {{name: Example Networks, url: "http://{public}"}}
listen: {{public: "{public}", internal: "{internal}"}}
services: {{backups: {{resolves_after: 1s, needs: [vault, till]}}}}
components: {{vault: {{}}, till: {{}}}}
monitors:
  nightly-copy: {{component: vault, probe: heartbeat, every: 24h, grace: 1h, token: {{env: COPY_TOKEN}}}}
  till-beat: {{component: till, probe: heartbeat, every: 3s, grace: 1s, token: {{env: TILL_TOKEN}}}}
"""


@dataclass(slots=True)
class Clock:
    now: datetime = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass(slots=True, kw_only=True)
class House:
    """The service in one process, without its schedule."""

    hub: InProcess
    clock: Clock
    public: TestClient[Any, Any]
    internal: TestClient[Any, Any]

    async def live(self, until: datetime) -> None:
        """Time goes on to *until*; the hub is there all the while, and notices it every few seconds at its end."""
        while self.clock.now < until - timedelta(seconds=9):
            self.clock.now = min(until - timedelta(seconds=9), self.clock.now + timedelta(minutes=15))
            self.hub.pipeline._ticked = self.clock.now - timedelta(seconds=1)
            await self.hub.pipeline.tick()
        self.clock.now = until
        await self.hub.pipeline.tick()
        await self.hub.press.issue()

    async def ping(self, how: str = "", method: str = "GET") -> int:
        async with self.internal.request(method, f"/ping/{TOKEN}{how}") as answer:
            await answer.read()
            await self.hub.press.issue()
            return answer.status

    async def status(self) -> str:
        summary = await read_json(self.public, "/api/v2/summary.json")
        return str(summary["components"][0]["status"])

    async def incidents(self) -> Any:  # noqa: ANN401 - JSON
        return (await read_json(self.public, "/api/v2/incidents.json"))["incidents"]


@asynccontextmanager
async def housed(directory: Path, clock: Clock) -> AsyncIterator[House]:
    path = directory / "statuspage.yaml"
    path.write_text(FILE, encoding="utf-8")
    loaded = load(path, {"COPY_TOKEN": TOKEN})
    async with AsyncExitStack() as stack:
        store = await Store.open(loaded.config.store.url, directory)
        stack.push_async_callback(store.close)
        hub = await assembly.assembled(loaded, store, directory, clock)
        stack.push_async_callback(hub.pipeline.close)
        await hub.pipeline.tick()
        await hub.press.issue()
        public = await stack.enter_async_context(TestClient(TestServer(hub.public_runner().app)))
        internal = await stack.enter_async_context(TestClient(TestServer(hub.internal_runner().app)))
        yield House(hub=hub, clock=clock, public=public, internal=internal)


async def test_a_backup_reports_in_time_then_not_at_all_and_then_again(tmp_path: Path) -> None:
    clock = Clock()
    async with housed(tmp_path, clock) as house:
        await _is_unknown_until_the_first_ping(house)
        await _is_well_night_after_night(house)
        missed_since = await _goes_missing(house)
    async with housed(tmp_path, clock) as house:
        (incident,) = await house.incidents()
        assert incident["status"] == "investigating", "a restart forgot it"
        await _comes_back(house, missed_since)


async def _is_unknown_until_the_first_ping(house: House) -> None:
    at = house.clock.now
    token = await house.hub.store.write(lambda connection: people.add_token(connection, name="ada", roles=[Role.LEVEL_ONE], at=at))
    await house.live(house.clock.now + timedelta(hours=5))
    assert await house.incidents() == []
    assert "never pinged" in await text(house.internal, "/", token)
    (service,) = (await read_json(house.internal, "/api/v1/services", token))["items"]
    assert service["status"] == "unknown"


async def _is_well_night_after_night(house: House) -> None:
    """02:15 in Berlin is 01:15 UTC, in the short night 01:00, and 00:15 from then on."""
    nights = (datetime(2026, 3, 28, 1, 15, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, tzinfo=UTC), datetime(2026, 3, 30, 0, 15, tzinfo=UTC))
    for night in nights:
        await house.live(night)
        assert await house.ping("/start", "POST") == 200
        await house.live(night + timedelta(minutes=40))
        assert await house.ping("/0", "POST") == 200
        assert await house.status() == "operational"
        assert house.hub.pipeline.latest["nightly-copy", "local"].measured.took == 2400.0
    assert await house.incidents() == []


async def _goes_missing(house: House) -> datetime:
    ends = datetime(2026, 3, 31, 1, 15, tzinfo=UTC)
    await house.live(ends)
    assert (await house.status(), await house.incidents()) == ("operational", [])
    await house.live(ends + timedelta(seconds=1))
    assert await house.status() == "major_outage"
    (incident,) = await house.incidents()
    assert (incident["status"], datetime.fromisoformat(incident["started_at"])) == ("investigating", ends)
    page = await text(house.public, "/")
    assert "Backups" in page
    assert [word for word in ("nightly-copy", "vault", "overdue", TOKEN) if word in page] == []
    metrics = (await body(house.internal, "/metrics")).decode()
    assert 'statuspage_last_result_failure{monitor="nightly-copy",location="local",failure="overdue"} 1' in metrics
    assert TOKEN not in metrics
    return ends


async def _comes_back(house: House, missed_since: datetime) -> None:
    await house.live(missed_since + timedelta(hours=3))
    assert await house.ping() == 200
    (incident,) = await house.incidents()
    assert (incident["status"], await house.status()) == ("monitoring", "operational")
    await house.live(missed_since + timedelta(hours=3, minutes=10))
    (incident,) = await house.incidents()
    assert incident["status"] == "resolved"
    await house.live(datetime(2026, 4, 1, 1, 15, tzinfo=UTC))
    assert await house.status() == "operational"


# --- as a process


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    public, internal = free_address(), free_address()
    path = tmp_path / "statuspage.yaml"
    path.write_text(REAL.format(public=public, internal=internal), encoding="utf-8")
    arguments = ("serve", "--config", str(path), "--data-dir", str(tmp_path / "kept"))
    environ = {"COPY_TOKEN": TOKEN, "TILL_TOKEN": TOKEN[::-1]}
    made = Hub(public=f"http://{public}", internal=f"http://{internal}", log=tmp_path / "hub.log", arguments=arguments, environ=environ)
    await made.start()
    yield made
    await made.kill()


async def curl(*arguments: str) -> str:
    """What curl prints, as a crontab has it: ``curl -fsS -m 10 --retry 5 URL``. Errors: AssertionError where it fails."""
    process = await asyncio.create_subprocess_exec("curl", "-fsS", "-m", "10", *arguments, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()


async def measured(hub: Hub, name: str, **labels: str) -> list[float]:
    async with ClientSession() as session, session.get(f"{hub.internal}/metrics") as answer:
        found = text_string_to_metric_families(await answer.text())
        return [s.value for family in found for s in family.samples if s.name == name and labels.items() <= s.labels.items()]


async def began(hub: Hub) -> datetime:
    """When the newest incident that the public is told of began."""
    async with ClientSession(hub.public) as session:

        async def untold() -> Sequence[str]:
            return [] if (await read_json(session, "/api/v2/incidents.json"))["incidents"] else ["nobody is told"]

        await agreed(untold)
        return datetime.fromisoformat((await read_json(session, "/api/v2/incidents.json"))["incidents"][0]["started_at"])


async def holds(hub: Hub, monitor: str, status: str) -> None:
    async def differs() -> Sequence[str]:
        held = await measured(hub, "statuspage_monitor_status", monitor=monitor, status=status)
        return [] if held == [1.0] else [f"{monitor} is not {status}"]

    await agreed(differs)


async def test_a_ping_that_was_answered_survives_a_kill(hub: Hub) -> None:
    assert await curl("-X", "POST", "--data-raw", "rsync: all is well", f"{hub.internal}/ping/{TOKEN}") == "OK"
    await hub.kill()
    await hub.start()
    await holds(hub, "nightly-copy", "operational")
    assert await curl("--retry", "5", f"{hub.internal}/ping/{TOKEN}/start") == "OK"
    began = time.monotonic()
    await hub.kill()
    await hub.start()
    assert await curl("--head", "-o", "/dev/null", f"{hub.internal}/ping/{TOKEN}") == ""
    (took,) = await measured(hub, "statuspage_last_result_duration_seconds", monitor="nightly-copy")
    assert 0 < took <= time.monotonic() - began + 1
    assert await curl(f"{hub.internal}/ping/{TOKEN}/3") == "OK"
    await hub.kill()
    await hub.start()
    await holds(hub, "nightly-copy", "major_outage")
    assert await curl(f"{hub.internal}/api/push/{TOKEN}?status=up&msg=OK&ping=20") == '{"ok": true}'
    await holds(hub, "nightly-copy", "operational")


async def test_a_beat_that_stops_is_noticed_within_seconds_and_so_is_the_next(hub: Hub) -> None:
    till = f"{hub.internal}/api/push/{TOKEN[::-1]}"
    await curl(till)
    await holds(hub, "till-beat", "operational")
    (beat,) = await measured(hub, "statuspage_last_result_timestamp_seconds", monitor="till-beat")
    await holds(hub, "till-beat", "major_outage")
    assert (await began(hub)).timestamp() - beat == pytest.approx(3 + 1, abs=0.001)
    await curl(till)
    await holds(hub, "till-beat", "operational")
    await hub.stop()
