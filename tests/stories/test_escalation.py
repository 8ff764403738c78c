"""An outage at night: who is called, when, with which words, until somebody takes it; by the test's clock and real receivers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from probes.result import Failure
from statuspage.store import outbox
from statuspage.store.outbox import Notification
from tests.statuspage.outlets import TOKEN, Room, listening
from tests.stories.surfaces import send, text
from tests.stories.test_broken_mail_frozen import Clock, House, housed

MINUTE = timedelta(minutes=1)
FILE = """
site: {name: Example Networks, url: "https://status.example.net", timezone: Europe/Berlin}
console: {url: "https://desk.example.net"}
store: {url: "sqlite:///kept.db"}
people:
  ada: {notify: ["json://127.0.0.1:{ada}/TOKEN"]}
  bob: {notify: ["json://127.0.0.1:{bob}/TOKEN"]}
teams:
  desk: {name: Service desk, notify: ["json://127.0.0.1:{desk}/TOKEN"]}
  mail: {name: Messaging, on_call: {weekly: [ada, bob], since: "2026-03-02 09:00"}}
services:
  email: {tiers: [desk, mail], escalate_after: [5m], needs: [smtp], resolves_after: 1m}
components: {smtp: {}}
monitors: {greets: {component: smtp, probe: tcp, host: 127.0.0.1, port: 25, every: 10m, stale_after: 30d}}
"""


@dataclass(slots=True, kw_only=True)
class Night:
    """A hub that calls, and everybody whom it may call."""

    house: House
    rooms: dict[str, Room] = field(default_factory=dict)

    async def look(self) -> None:
        """Call who is due, and have everything sent."""
        hub = self.house.hub
        await hub.escalation.look()
        for _ in range(3):
            await hub.deliverer.look()
            await hub.deliverer.idle()

    async def later(self, time: timedelta) -> None:
        self.house.clock.now += time
        await self.house.hub.pipeline.tick()
        await self.look()

    async def breaks(self, failure: Failure | None = Failure.REFUSED) -> str:
        for _ in range(2):
            await self.house.hear(greets=failure)
            self.house.clock.wait(seconds=10)
        await self.look()
        return next(iter(self.house.hub.pipeline.situation.incidents), "")

    def heard(self) -> dict[str, list[str]]:
        """What everybody was told so far, by title."""
        return {name: room.titles for name, room in self.rooms.items()}

    async def sent(self, incident: str) -> list[Notification]:
        found = await self.house.hub.store.read(lambda connection: outbox.notifications_of(connection, incident, limit=100))
        return [one for one in reversed(found) if one.channel.startswith("call:")]


@asynccontextmanager
async def night(directory: Path, clock: Clock, ports: dict[str, int] | None = None, written: str = FILE) -> AsyncIterator[Night]:
    rooms = {name: Room(port=(ports or {}).get(name, 0)) for name in ("ada", "bob", "desk")}
    async with listening(rooms["ada"]), listening(rooms["bob"]), listening(rooms["desk"]):
        file = written.replace("TOKEN", TOKEN)
        for name, room in rooms.items():
            file = file.replace(f"{{{name}}}", str(room.port))
        async with housed(directory, clock, file) as house:
            yield Night(house=house, rooms=rooms)


@pytest.fixture
def clock() -> Clock:
    return Clock(now=datetime(2026, 3, 11, 2, 0, tzinfo=UTC))  # bob has the week


async def test_nobody_takes_it_and_the_clock_goes_up_the_tiers_until_somebody_does(tmp_path: Path, clock: Clock) -> None:
    async with night(tmp_path, clock) as here:
        await here.breaks(None)
        incident = await here.breaks()
        name = here.house.hub.pipeline.situation.incidents[incident].name
        assert here.heard() == {"ada": [], "bob": [], "desk": [name]}
        (told,) = here.rooms["desk"].heard
        assert "Service desk is called, as tier 1: it began." in told["message"]
        assert "Nobody owns it." in told["message"]
        assert f"https://desk.example.net/incidents/{incident}/take" in told["message"]
        assert told["type"] == "failure"

        await here.later(4 * MINUTE)
        assert here.heard()["bob"] == []
        await here.later(MINUTE)
        assert here.heard() == {"ada": [], "bob": [name], "desk": [name]}
        assert "nobody took it for 5 min" in here.rooms["bob"].heard[0]["message"]

        bob = await here.house.token("bob")
        assert (await send(here.house.internal, f"/incidents/{incident}/acknowledge", bob))[0] == 200
        await here.later(MINUTE)
        assert here.heard()["desk"][1:] == here.heard()["bob"][1:] == [f"bob has taken: {name}"]
        await here.later(20 * MINUTE)
        assert len(here.heard()["bob"]) == 2, "somebody owns it"

        await here.breaks(None)
        await here.later(2 * MINUTE)
        assert here.heard()["desk"][2:] == here.heard()["bob"][2:] == [f"Over: {name}"]
        assert here.rooms["desk"].heard[-1]["type"] == "success"
        assert here.heard()["ada"] == []
        assert all(one.delivered_at for one in await here.sent(incident))


async def test_what_was_called_before_a_restart_is_not_called_again_and_the_clock_goes_on(tmp_path: Path, clock: Clock) -> None:
    async with night(tmp_path, clock) as here:
        await here.breaks(None)
        await here.breaks()
        ports = {name: room.port for name, room in here.rooms.items()}
        assert len(here.heard()["desk"]) == 1
    clock.now += 6 * MINUTE
    async with night(tmp_path, clock, ports) as here:
        await here.look()
        assert {name: len(titles) for name, titles in here.heard().items()} == {"ada": 0, "bob": 1, "desk": 0}


async def test_a_call_whose_row_is_lost_is_made_again_at_the_next_look(tmp_path: Path, clock: Clock) -> None:
    """The incident itself remembers whom it called; an event that never came to be is due again."""
    async with night(tmp_path, clock) as here:
        await here.breaks(None)
        for _ in range(2):
            await here.house.hear(greets=Failure.REFUSED)
            clock.wait(seconds=10)
        await here.house.hub.deliverer.look()  # nobody has looked for calls: it is as if the step were lost
        assert here.heard()["desk"] == []
        await here.look()
        assert len(here.heard()["desk"]) == 1


async def test_a_receiver_that_was_away_for_three_hours_hears_once_how_things_stand(tmp_path: Path, clock: Clock) -> None:
    async with night(tmp_path, clock) as here:
        await here.breaks(None)
        here.rooms["desk"].answers = [500] * 400
        incident = await here.breaks()
        ada = await here.house.token("ada")
        await send(here.house.internal, f"/incidents/{incident}/acknowledge", ada)
        for _ in range(6):
            await here.later(30 * MINUTE)
        assert here.heard()["desk"] == []
        await here.breaks(None)
        await here.later(2 * MINUTE)
        here.rooms["desk"].answers = []
        for _ in range(2):
            await here.later(10 * MINUTE)
        (title,) = here.heard()["desk"]
        assert title.startswith("Over: ")


async def test_no_secret_of_an_address_stands_in_the_outbox_or_on_the_card(tmp_path: Path, clock: Clock) -> None:
    async with night(tmp_path, clock) as here:
        await here.breaks(None)
        here.rooms["desk"].answers = [500]
        incident = await here.breaks()
        (one,) = await here.sent(incident)
        assert one.reason
        assert TOKEN not in repr(one)
        assert one.recipient == "call:team/desk/0"
        card = await text(here.house.internal, f"/incidents/{incident}", await here.house.token("ada"))
        assert TOKEN not in card
        assert "Service desk" in card
        assert "team desk by call" in card
        assert "somebody who is gone" not in card
