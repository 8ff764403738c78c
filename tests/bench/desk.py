"""What the desk waits for: the answer of triage, and the queue with everything open.

``python -m tests.bench.desk`` prints lists of milliseconds, from the request to the last byte over a connection that stays open: ``triage``
(page) and ``answer`` (API) with 500 services, 5,000 known errors and three years of history, and ``queue`` with 500 incidents open besides.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import uvloop
from aiohttp import ClientSession, CookieJar
from aiohttp.test_utils import TestServer
from sqlalchemy import Connection

from probes.result import Failure
from statuspage.app import spare_the_collector
from statuspage.assembly import assembled
from statuspage.config.loading import load
from statuspage.hub import Hub
from statuspage.store import people
from statuspage.store.engine import Store
from statuspage.store.people import Role
from tests.bench import installation
from tests.bench.installation import Size
from tests.bench.making import Changing, Clock

SIZE = Size(services=500, days=1095, every=60)
KNOWN_ERRORS = 5_000
ASKED = ("service number 77", "mail comes back", "printer 4321", "it is slow", "nothing of this kind", "number 12 error 4999")
TURNS = 20
LOADS = 60
DEADLINE = 280.0
NAME, PASSWORD = "bench", "correct horse battery"


async def main() -> None:
    """Put the installation together, and time."""
    monitors = {f"m{n}": {"component": f"c{n}", "probe": "tcp", "host": "127.0.0.1", "port": 9} for n in range(SIZE.services)}
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        file = installation.written(directory, monitors, services=SIZE.services, every="1h", timeout="1s")
        _know_errors(file)
        installation.give_history(directory, monitors, installation.now(), SIZE)
        loaded, clock = load(file, {}), Clock()
        store = await Store.open(loaded.config.store.url, directory)
        try:
            async with asyncio.timeout(DEADLINE):
                hub = await assembled(loaded, store, directory, clock.now)
                token = await store.write(_people)
                spare_the_collector()
                print(json.dumps(await measure(hub, clock, list(monitors), token)), flush=True)
        finally:
            await store.close()


def _know_errors(file: Path) -> None:
    said = json.loads(file.read_text(encoding="utf-8"))
    said["known_errors"] = {
        f"e{n}": {
            "services": [f"s{n % SIZE.services}"],
            "symptom": f"Printer {n} comes back with error {n} although mail is sent",
            "workaround": f"Empty tray {n % 7}, then wait five minutes and send it again.",
        }
        for n in range(KNOWN_ERRORS)
    }
    file.write_text(json.dumps(said), encoding="utf-8")


def _people(connection: Connection) -> str:
    at = installation.now()
    people.add_agent(connection, name=NAME, password_hash=people.hashed(PASSWORD), roles=[Role.LEVEL_ONE], at=at)
    return people.add_token(connection, name="programs", roles=[Role.LEVEL_ONE], at=at, expires_at=at + timedelta(days=400))


async def measure(hub: Hub, clock: Clock, monitors: Sequence[str], token: str) -> dict[str, list[float]]:
    """Time triage while all works, then the queue while all is down."""
    changing = Changing(hub, clock)
    await changing.say(None, monitors)
    await hub.press.issue()
    async with (
        TestServer(hub.internal_runner().app) as server,
        ClientSession(server.make_url("/"), cookie_jar=CookieJar(unsafe=True)) as session,
    ):
        await _log_in(session)
        asked = [one for _ in range(TURNS) for one in ASKED]
        pages = [await _took(session, f"/triage?q={one}") for one in asked]
        answers = [await _took(session, f"/api/v1/triage?q={one}", token) for one in asked]
        await changing.say(Failure.REFUSED, monitors)
        if len(hub.pipeline.situation.incidents) != SIZE.services:
            raise RuntimeError(f"{len(hub.pipeline.situation.incidents)} incidents are open")
        await hub.press.issue()  # as the service does at once after a change
        queue = [await _took(session, "/") for _ in range(LOADS)]
    return {"triage": pages, "answer": answers, "queue": queue}


async def _log_in(session: ClientSession) -> None:
    async with session.get("/login") as answer:
        form = (await answer.text()).split('name="form_token" value="')[1].split('"')[0]
    fields = {"name": NAME, "password": PASSWORD, "form_token": form, "next": "/"}
    async with session.post("/login", data=fields, allow_redirects=False) as answer:
        if answer.status != 303:
            raise RuntimeError(f"the login was answered with {answer.status}")


async def _took(session: ClientSession, path: str, token: str = "") -> float:
    """Milliseconds until all of the answer is there."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    began = time.perf_counter()
    async with session.get(path, headers=headers) as answer:
        await answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} was answered with {answer.status}")
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    uvloop.run(main())
