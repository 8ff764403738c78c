"""Everybody who is told is away for 72 hours, and the process dies when they are back: nothing is lost, and each hears one summary."""

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web

from probes.result import Failure
from statuspage.picture.audience import Wish
from statuspage.store import outbox, subscribers
from statuspage.store.outbox import FOLDED, Notification
from tests.rude.postbox import Postbox
from tests.statuspage import hooks, outlets
from tests.statuspage.hooks import SECRET, Hook
from tests.statuspage.outlets import TOKEN, Room
from tests.statuspage.test_deliver_crashes import Crash, Fuse, mortal
from tests.stories.surfaces import send
from tests.stories.test_broken_mail_frozen import Clock, House, housed

BEGAN = datetime(2026, 3, 11, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
READER = "reader@example.org"
SAID = {1: "We have found the disk.", 30: "A new disk is on its way.", 60: "It is being put in."}
"""What an agent says, by the hours after the beginning."""

FILE = """
site: {name: Example Networks, url: "https://status.example.net"}
console: {url: "https://desk.example.net"}
store: {url: "sqlite:///kept.db"}
mail: {host: 127.0.0.1, port: MAIL, tls: never, from: "Example <status@example.net>"}
announce: {chat: {url: {file: chat.url}}}
egress: {allow: [127.0.0.0/8]}
teams: {desk: {notify: ["json://127.0.0.1:DESK/TOKEN"]}}
services: {email: {tiers: [desk], needs: [smtp]}}
components: {smtp: {}}
monitors: {greets: {component: smtp, probe: tcp, host: 127.0.0.1, port: 25, every: 10m, stale_after: 30d}}
"""


@dataclass(slots=True, kw_only=True)
class Town:
    """Everybody who is told: a team and a chat by apprise, a reader by mail, a program by webhooks."""

    desk: Room = field(default_factory=Room)
    chat: Room = field(default_factory=Room)
    hook: Hook = field(default_factory=Hook)
    postbox: Postbox = field(default_factory=Postbox)

    def leave(self) -> None:
        self.desk.answers, self.chat.answers = [503] * 100, [503] * 100
        self.hook.answers = [web.Response(status=503) for _ in range(100)]
        self.postbox.contents = {READER: ["451 4.3.0 Try later"] * 100}

    def come_back(self) -> None:
        for room in (self.desk, self.chat):
            room.answers, room.heard = [], []
        self.hook.answers, self.hook.heard = [], []
        self.postbox.contents, self.postbox.letters = {}, []

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Town"]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(outlets.listening(self.desk))
            await stack.enter_async_context(outlets.listening(self.chat))
            await stack.enter_async_context(hooks.listening(self.hook))
            await stack.enter_async_context(self.postbox.opened())
            yield self

    def written(self) -> str:
        file = FILE.replace("MAIL", str(self.postbox.port)).replace("DESK", str(self.desk.port))
        return file.replace("TOKEN", TOKEN)


async def look(house: House) -> None:
    await house.hub.escalation.look()
    for _ in range(4):
        await house.hub.deliverer.look()
        await house.hub.deliverer.idle()


async def three_days_alone(directory: Path, town: Town) -> str:
    """An outage that nobody hears of for 72 hours, whatever is said of it; gives the incident."""
    clock = Clock(now=BEGAN)
    async with housed(directory, clock, town.written()) as house:
        store = house.hub.store
        for channel, address, secret in (("mail", READER, None), ("webhook", town.hook.url, SECRET)):
            subscribe = partial(subscribers.subscribe, channel=channel, address=address, secret=secret)
            await store.write(partial(subscribe, wish=Wish(), language="en", at=clock.now))
        for failure in (None, None, Failure.REFUSED, Failure.REFUSED):
            await house.hear(greets=failure)
            clock.wait(seconds=1)
        (incident,) = house.hub.pipeline.situation.incidents
        clock.wait(minutes=3)
        await look(house)
        ada = await house.token("ada")
        for hours, words in SAID.items():
            clock.now = BEGAN + hours * HOUR
            assert (await send(house.internal, f"/incidents/{incident}/updates", ada, body=words))[0] == 201
            await look(house)
    return incident


async def come_back_and_die(directory: Path, town: Town, fuse: Fuse) -> Sequence[Notification]:
    """They are back after 72 hours; the process dies of *fuse*, and another goes on with what is kept. Gives all that was to be told."""
    clock = Clock(now=BEGAN + 72 * HOUR)
    async with housed(directory, clock, town.written()) as house:
        deliverer = house.hub.deliverer
        deliverer.store = deliverer.letters.store = mortal(house.hub.store, fuse)
        try:
            await look(house)
        except Crash:
            await deliverer.idle()
    async with housed(directory, clock, town.written()) as house:
        for _ in range(2):
            clock.wait(minutes=5)
            await look(house)
        return await told(house)


async def told(house: House) -> Sequence[Notification]:
    incident = next(iter(house.hub.pipeline.situation.incidents))
    return await house.hub.store.read(lambda connection: outbox.notifications_of(connection, incident, limit=1000))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_whoever_was_away_for_three_days_hears_one_summary_even_if_the_process_dies_then(tmp_path: Path) -> None:
    async with Town().opened() as town:
        (kept := tmp_path / "kept").mkdir()
        (kept / "chat.url").write_text(town.chat.url(), encoding="utf-8")
        town.leave()
        await three_days_alone(kept, town)
        for at in (40, 60):  # while some have taken it and it is not noted yet; when most of it is
            directory = tmp_path / str(at)
            shutil.copytree(kept, directory)
            town.come_back()
            fuse = Fuse(at)
            rows = await come_back_and_die(directory, town, fuse)
            assert fuse.is_dead
            assert {one.reason for one in rows} <= {"", FOLDED}, f"at {at}: something was given up"
            assert all(one.delivered_at or one.dropped_at for one in rows), f"at {at}: something still waits"
            heard_once(town)


def heard_once(town: Town) -> None:
    """Each of them heard everything, in one summary; and once more at most, since the process died."""
    letters, incidents = town.postbox.to(READER), town.hook.told("incident")
    for found in (town.desk.heard, town.chat.heard, letters, incidents):
        assert 1 <= len(found) <= 2, found
    assert all(words in town.chat.heard[-1]["message"] for words in SAID.values())
    assert all(words in letters[-1].text for words in SAID.values())
    assert "Our monitoring has noticed a problem." in letters[-1].text
    assert len({letter.message["Message-ID"] for letter in letters}) == 1
    assert len({id_ for id_, _ in incidents}) == 1
    assert len(incidents[-1][1]["incident"]["incident_updates"]) == 1 + len(SAID)
    turns = town.hook.told("component_update")
    assert 1 <= len(turns) <= 2
