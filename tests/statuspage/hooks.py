"""Somebody's server that webhooks are sent to, over real sockets."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from aiohttp import web

from probes.egress import Door

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
OPEN = Door(allow=[ip_network("127.0.0.0/8")])


@dataclass
class Hook:
    """Somebody's server: what it was sent, and what it answers, used up one by one; then 204."""

    url: str = ""
    answers: list[web.Response] = field(default_factory=list)
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.heard.append((dict(request.headers), await request.read()))
        return self.answers.pop(0) if self.answers else web.Response(status=204)

    def told(self, key: str) -> list[tuple[str, dict[str, Any]]]:
        """What came with *key* in it, such as ``incident``, each with the id by which a repetition is known."""
        bodies = [(headers["webhook-id"], json.loads(body)) for headers, body in self.heard]
        return [(id, body) for id, body in bodies if key in body]


@asynccontextmanager
async def listening(hook: Hook) -> AsyncIterator[Hook]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hook.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook?token=s3cret"
        yield hook
    finally:
        await runner.cleanup()
