"""A real Alertmanager beside the hub: its alerts open and end incidents here, ours are told there, and neither echoes the other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from probes.result import Failure
from statuspage.config.loading import load
from tests.rude.alertmanagers import Alertmanager, alertmanager, fired
from tests.stories.programs import agreed
from tests.stories.surfaces import read_json, send
from tests.stories.test_broken_mail_frozen import Clock, House, housed

FILE = """
site: {name: Example Networks, url: "https://status.example.net"}
console: {url: "https://desk.example.net"}
store: {url: "sqlite:///kept.db"}
alertmanager: {to: ["URL"], labels: {team: operations}}
services:
  email: {needs: [smtp], resolves_after: 1m}
  portal: {}
components: {smtp: {}}
monitors: {greets: {component: smtp, probe: tcp, host: 127.0.0.1, port: 25, every: 10m, stale_after: 30d}}
"""


@dataclass(slots=True, kw_only=True)
class Pair:
    """A hub, and the Alertmanager that it tells and that tells it."""

    house: House
    peer: Alertmanager
    token: str

    async def incidents(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await read_json(self.house.internal, "/api/v1/incidents?open=true", self.token))["items"]
        return found

    async def ours(self) -> list[dict[str, Any]]:
        """What the Alertmanager says of our incidents."""
        return [one for one in await self.peer.firing() if one["labels"]["alertname"] == "StatuspageIncident"]


@asynccontextmanager
async def paired(directory: Path) -> AsyncIterator[Pair]:
    clock = Clock(now=datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=2))
    async with housed(directory, clock, FILE.replace('"URL"', "")) as house:
        token = await house.token("prometheus")
        webhook = str(house.internal.make_url("/api/v1/ingest/alertmanager"))
        async with alertmanager(directory / "peer", webhook, token) as peer:
            path = directory / "statuspage.yaml"
            path.write_text(FILE.replace("URL", peer.url), encoding="utf-8")
            await house.hub.apply(load(path, {}))
            yield Pair(house=house, peer=peer, token=token)


async def test_alerts_open_and_end_incidents_that_wait_for_a_person(tmp_path: Path) -> None:
    async with paired(tmp_path) as here:
        at = here.house.clock.now - timedelta(minutes=1)
        labels = {"alertname": "MailQueue", "service": "portal", "severity": "critical"}
        await here.peer.take(fired(labels, at))
        await agreed(lambda: _opened(here), within=20)
        (incident,) = await here.incidents()
        assert incident["name"] == "Problem with Portal"
        assert datetime.fromisoformat(incident["started_at"]) == at
        assert (await read_json(here.house.public, "/api/v2/incidents/unresolved.json"))["incidents"] == []
        await here.house.hub.alerting.look()
        assert await here.ours() == [], "it was told of what it told"

        await here.peer.take(fired(labels, at, here.house.clock.now))
        await agreed(lambda: _closed(here), within=20)
        assert await here.peer.failures() == 0


async def test_our_incidents_are_told_again_and_again_until_they_are_over(tmp_path: Path) -> None:
    async with paired(tmp_path) as here:
        house = here.house
        for failure in (None, None, Failure.REFUSED, Failure.REFUSED):
            await house.hear(greets=failure)
            house.clock.wait(seconds=1)
        assert await house.hub.alerting.look()
        (incident,) = await here.incidents()
        (told,) = await here.ours()
        assert told["labels"] == {
            "alertname": "StatuspageIncident",
            "service": "email",
            "severity": "critical",
            "statuspage_incident": incident["id"],
            "team": "operations",
        }
        assert told["annotations"]["summary"] == "Email is not working"
        assert told["generatorURL"] == f"https://desk.example.net/incidents/{incident['id']}"
        assert datetime.fromisoformat(told["startsAt"]) == datetime.fromisoformat(incident["started_at"])
        assert datetime.fromisoformat(told["endsAt"]) == house.clock.now + timedelta(minutes=4)

        house.clock.wait(minutes=1)
        assert await house.hub.alerting.look()
        (told,) = await here.ours()
        assert datetime.fromisoformat(told["endsAt"]) == house.clock.now + timedelta(minutes=4)
        assert [one["id"] for one in await here.incidents()] == [incident["id"]], "what came back to us opened another"

        await send(house.internal, f"/incidents/{incident['id']}/acknowledge", here.token)
        await house.hub.alerting.look()
        assert [one["annotations"]["owner"] for one in await here.ours()] == ["prometheus"]

        for _ in range(2):
            await house.hear(greets=None)
            house.clock.wait(seconds=1)
        house.clock.now = datetime.now(UTC)  # theirs is the real one
        assert await house.hub.alerting.look()
        assert await here.ours() == []


async def test_one_that_was_away_hears_how_things_stand_and_nobody_waits_for_it(tmp_path: Path) -> None:
    async with paired(tmp_path) as here:
        hub, path = here.house.hub, tmp_path / "statuspage.yaml"
        path.write_text(FILE.replace('"URL"', f'"http://127.0.0.1:1", "{here.peer.url}"'), encoding="utf-8")
        await hub.apply(load(path, {}))
        for failure in (None, None, Failure.REFUSED, Failure.REFUSED):
            await here.house.hear(greets=failure)
            here.house.clock.wait(seconds=1)
        assert not await hub.alerting.look()
        assert hub.health().alertmanagers_away == 1
        assert len(await here.ours()) == 1
        path.write_text(FILE.replace("URL", here.peer.url), encoding="utf-8")
        await hub.apply(load(path, {}))
        assert await hub.alerting.look()
        assert hub.health().alertmanagers_away == 0


async def _opened(here: Pair) -> list[str]:
    return [] if await here.incidents() else ["nothing is open"]


async def _closed(here: Pair) -> list[str]:
    return [one["name"] for one in await here.incidents()]
