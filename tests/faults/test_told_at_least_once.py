"""kill -9 while mail goes out: everybody is told everything at least once, in order, and a repetition is known as one."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession
from sqlalchemy import ColumnElement, func, select, update

from statuspage.demo.ports import free_address
from statuspage.picture.audience import Rhythm, Wish
from statuspage.store import people, subscribers
from statuspage.store.engine import Store
from statuspage.store.outbox_tables import notifications
from statuspage.store.people import Role
from tests.rude.postbox import Letter, Postbox
from tests.stories.programs import Hub, agreed

READERS = [f"reader{number}@example.org" for number in range(6)]
WORDS = [f"Words number {number}." for number in range(3)]

LONGEST = 240.0
"""Seconds that three starts of the service may take on a machine that is busy with other tests."""

FILE = """
site: {{name: Example, url: "http://{public}"}}
console: {{url: "http://{internal}"}}
listen: {{public: "{public}", internal: "{internal}"}}
store: {{url: "sqlite:///kept.db"}}
mail: {{host: 127.0.0.1, port: {port}, tls: never, from: "Example <status@example.net>"}}
services: {{email: {{notify_after: 0s, needs: [smtp]}}}}
components: {{smtp: {{}}}}
monitors: {{smtp-port: {{component: smtp, probe: tcp, host: 127.0.0.1, port: {port}, every: 60s}}}}
"""


def _prepared(data_dir: Path, wish: Wish = Wish()) -> str:  # noqa: B008 - a value
    at = datetime.now(UTC)
    with Store.blocking("sqlite:///kept.db", data_dir) as store:
        for reader in READERS:
            store.write(
                lambda connection, reader=reader: subscribers.subscribe(  # type: ignore[misc]
                    connection, channel="mail", address=reader, wish=wish, language="en", at=at
                )
            )
        return store.write(lambda connection: people.add_token(connection, name="anna", roles=[Role.LEVEL_ONE], at=at))


class Killer:
    """Kills the hub at the letters of those numbers, which may come again: then another number is counted."""

    def __init__(self, hub: Hub, at: Sequence[int]) -> None:
        self.hub, self.at, self.seen, self.kills = hub, set(at), 0, 0
        self.is_struck = asyncio.Event()

    async def strike(self) -> None:
        """The mail server ends this conversation with its client: what is to come after that is for ``raise_again``."""
        self.seen += 1
        if self.seen in self.at:
            self.kills += 1
            self.is_struck.set()
            await asyncio.Event().wait()

    async def raise_again(self) -> None:
        while True:
            await self.is_struck.wait()
            self.is_struck.clear()
            await self.hub.kill()
            await self.hub.start()


@pytest.mark.parametrize("is_kept", [False, True], ids=["before it is kept", "before it is answered"])
async def test_everybody_is_told_everything_whenever_the_service_is_killed(tmp_path: Path, is_kept: bool) -> None:  # noqa: FBT001 - which
    public, internal = free_address(), free_address()
    token = await asyncio.to_thread(_prepared, tmp_path / "data")
    async with Postbox().opened() as postbox:
        config = tmp_path / "statuspage.yaml"
        config.write_text(FILE.format(public=public, internal=internal, port=postbox.port), encoding="utf-8")
        hub = Hub(
            public=f"http://{public}",
            internal=f"http://{internal}",
            log=tmp_path / "hub.log",
            arguments=("serve", "--config", str(config), "--data-dir", str(tmp_path / "data")),
        )
        killer = Killer(hub, at=(2, 9, 15))
        if is_kept:
            postbox.after = killer.strike
        else:
            postbox.before = killer.strike
        await hub.start()
        raising = asyncio.create_task(killer.raise_again())
        try:
            await _speak(hub, token)
            await agreed(lambda: _untold(postbox), within=LONGEST)
        finally:
            raising.cancel()
            await asyncio.gather(raising, return_exceptions=True)
            await hub.kill()
    assert killer.kills == 3
    for reader in READERS:
        assert _told(postbox.to(reader)) == WORDS
    repeated = Counter((letter.to, letter.message["Message-ID"]) for letter in postbox.letters)
    assert sum(repeated.values()) - len(repeated) <= (2 * killer.kills if is_kept else 0), "two conversations, one letter each"
    assert len(repeated) == len(READERS) * len(WORDS), "a repetition has another id"


async def test_round_ups_arrive_whole_whenever_the_service_is_killed(tmp_path: Path) -> None:
    public, internal = free_address(), free_address()
    token = await asyncio.to_thread(_prepared, tmp_path / "data", Wish(rhythm=Rhythm.DAILY))
    async with Postbox().opened() as postbox:
        config = tmp_path / "statuspage.yaml"
        config.write_text(FILE.format(public=public, internal=internal, port=postbox.port), encoding="utf-8")
        hub = Hub(
            public=f"http://{public}",
            internal=f"http://{internal}",
            log=tmp_path / "hub.log",
            arguments=("serve", "--config", str(config), "--data-dir", str(tmp_path / "data")),
        )
        await hub.start()
        await _speak(hub, token)
        await agreed(lambda: asyncio.to_thread(_not_gathered, tmp_path / "data"), within=LONGEST)
        await hub.kill()
        assert postbox.letters == []
        await asyncio.to_thread(_gathered_days_ago, tmp_path / "data")
        killer = Killer(hub, at=(2, 5))
        postbox.after = killer.strike
        await hub.start()
        raising = asyncio.create_task(killer.raise_again())
        try:
            await agreed(lambda: _without(postbox), within=LONGEST)
            await agreed(lambda: asyncio.to_thread(_still_waiting, tmp_path / "data"), within=LONGEST)
        finally:
            raising.cancel()
            await asyncio.gather(raising, return_exceptions=True)
            await hub.kill()
    assert killer.kills == 2
    repeated = Counter((letter.to, letter.message["Message-ID"]) for letter in postbox.letters)
    assert len(repeated) == len(READERS), "one letter for each, however often it was handed over"
    assert sum(repeated.values()) - len(repeated) <= 2 * killer.kills, "two conversations, one letter each"
    for letter in postbox.letters:
        assert [words for words in WORDS if words in letter.text] == WORDS


def _count(data_dir: Path, *conditions: ColumnElement[bool]) -> int:
    with Store.blocking("sqlite:///kept.db", data_dir) as store:
        counted = select(func.count()).select_from(notifications).where(*conditions)
        return store.read(lambda connection: connection.execute(counted).scalar_one())


async def _without(postbox: Postbox) -> list[str]:
    return [reader for reader in READERS if not postbox.to(reader)]


def _not_gathered(data_dir: Path) -> list[str]:
    found = _count(data_dir, notifications.c.round_up == "")
    return [] if found == len(READERS) * len(WORDS) else [f"{found} are gathered"]


def _still_waiting(data_dir: Path) -> list[str]:
    found = _count(data_dir, notifications.c.delivered_at.is_(None))
    return [f"{found} are not noted"] if found else []


def _gathered_days_ago(data_dir: Path) -> None:
    """As if the service had been away since."""
    with Store.blocking("sqlite:///kept.db", data_dir) as store:
        earlier = update(notifications).values(created_at=datetime.now(UTC) - timedelta(days=3))
        store.write(lambda connection: connection.execute(earlier))


async def _speak(hub: Hub, token: str) -> None:
    """An agent opens an incident and says more, whatever is killed meanwhile; the same request is tried until it is answered."""
    body = {"name": "Mail is slow", "services": {"email": "degraded_performance"}, "body": WORDS[0]}
    opened = await _sent(hub, token, "/api/v1/incidents", body, "open")
    for number, words in enumerate(WORDS[1:]):
        await _sent(hub, token, f"/api/v1/incidents/{opened}/updates", {"body": words, "state": "identified"}, f"say {number}")


async def _sent(hub: Hub, token: str, path: str, body: object, key: str) -> str:
    answers: list[str] = []

    async def disagree() -> list[str]:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        try:
            async with ClientSession(hub.internal, headers=headers) as session, session.post(path, json=body) as response:
                if response.status == 201:
                    answers.append(str((await response.json()).get("id", "")))
                    return []
                return [f"{response.status} {await response.text()}"]
        except (OSError, ClientError) as error:
            return [str(error)]

    await agreed(disagree, within=LONGEST)
    return answers[0]


async def _untold(postbox: Postbox) -> list[str]:
    told = {reader: _told(postbox.to(reader)) for reader in READERS}
    return [f"{reader} was told {words}" for reader, words in told.items() if words != WORDS]


def _told(letters: Sequence[Letter]) -> list[str]:
    """What a reader who knows repetitions was told, in order."""
    first = {letter.message["Message-ID"]: letter.text for letter in reversed(letters)}
    once = [text for id, text in reversed(first.items())]
    return [words for text in once for words in WORDS if words in text]
