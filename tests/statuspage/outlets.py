"""Rooms in which the operator has things announced: real servers that apprise reaches, and the outlets of a file that lead there."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

from aiohttp import web

from probes.egress import Door
from statuspage.config.loading import load
from statuspage.config.models import Config
from statuspage.telling import rewire
from tests.statuspage.tellings import House

TOKEN = "T0PS3CRETROOM"

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Room:
    """Somebody's server: what it was told, oldest first, and what it answers, used up one by one; then 200."""

    port: int = 0
    answers: list[int | Answer] = field(default_factory=list)
    heard: list[Mapping[str, str]] = field(default_factory=list)
    knocks: int = 0

    def url(self, scheme: str = "json") -> str:
        return f"{scheme}://127.0.0.1:{self.port}/{TOKEN}"

    @property
    def titles(self) -> list[str]:
        return [one["title"] for one in self.heard]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.knocks += 1
        told = read(request.content_type, await request.text())
        given = self.answers.pop(0) if self.answers else 200
        if not isinstance(given, int):
            return await given(request)
        if given < 300:
            self.heard.append(told)
        return web.Response(status=given)


def read(content_type: str, body: str) -> Mapping[str, str]:
    """What apprise's ``json``, ``xml`` and ``form`` tell, under the same names."""
    match content_type:
        case "application/json":
            told: dict[str, str] = json.loads(body)
            return told
        case "application/xml":
            found = {element.tag.rpartition("}")[2]: element.text or "" for element in ET.fromstring(body).iter()}
            return {"title": found["Subject"], "message": found["Message"], "type": found["MessageType"]}
        case _:
            return {name: values[0] for name, values in parse_qs(body).items()}


@asynccontextmanager
async def listening(room: Room, door: socket.socket | None = None) -> AsyncIterator[Room]:
    """Open *room*, at *door* where that is given: a socket that is bound already, and refuses whoever comes before."""
    if door is None:
        door = socket.create_server(("127.0.0.1", 0))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", room.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.SockSite(runner, door).start()
        room.port = door.getsockname()[1]
        yield room
    finally:
        await runner.cleanup()


def written(directory: Path, outlets: Mapping[str, str], **more: str) -> tuple[Path, Mapping[str, str]]:
    """A file with *outlets*, by their ids; *more* are further keys of an outlet. With the environment that it needs."""
    names = {id_: f"URL_{place}" for place, id_ in enumerate(outlets)}
    lines = "".join(f"  {id_}: {{url: {{env: {name}}}{', ' + more[id_] if id_ in more else ''}}}\n" for id_, name in names.items())
    path = directory / "statuspage.yaml"
    path.write_text(
        'site: {name: Muster IT, url: "https://status.example.net", timezone: Europe/Berlin}\n'
        f"services: {{email: {{}}, portal: {{}}}}\n{'announce:' if outlets else ''}\n{lines}",
        encoding="utf-8",
    )
    return path, {names[id_]: url for id_, url in outlets.items()}


async def announcing(house: House, directory: Path, outlets: Mapping[str, str], **more: str) -> Config:
    """Have *house* announce to *outlets* from now on, as a file says; mail goes out as before."""
    path, environ = written(directory, outlets, **more)
    config = (await asyncio.to_thread(load, path, environ)).config
    before = dict(house.deliverer.lines)
    rewire(house.deliverer, config, Door())
    mailing = {name: line for name, line in before.items() if name == "mail"}
    house.deliverer.rewire({**house.deliverer.lines, **mailing}, house.deliverer.outlets)
    return config
