"""Another company's status page: an HTTP server that answers as Atlassian Statuspage does, and misbehaves where it is told to."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Row = dict[str, Any]

PAGE: Row = {"id": "kctbh9vrtdwd", "name": "Elsewhere", "url": "https://status.elsewhere.example", "time_zone": "Etc/UTC"}
GROUP: Row = {
    "id": "grp000000001",
    "name": "Post",
    "group": True,
    "components": ["cmp000000001"],
    "group_id": None,
    "status": "operational",
}
EMAIL: Row = {
    "id": "cmp000000001",
    "name": "Email",
    "group": False,
    "group_id": "grp000000001",
    "description": "Your mail.",
    "status": "operational",
}
WIKI: Row = {"id": "cmp000000002", "name": "Wiki (old)", "group": False, "group_id": None, "description": None, "status": "operational"}


def update(number: int, status: str, at: str, body: str, *, affected: Sequence[tuple[Row, str]] = ()) -> Row:
    hit = [{"code": one["id"], "name": one["name"], "old_status": "operational", "new_status": now} for one, now in affected]
    return {
        "id": f"upd{number:09d}",
        "status": status,
        "body": body,
        "created_at": at,
        "display_at": at,
        "affected_components": hit or None,
    }


def incident(number: int, name: str, day: str, *, updates: Sequence[Row] = (), **more: Any) -> Row:  # noqa: ANN401 - a row's own fields
    said = updates or (
        update(2 * number, "investigating", f"{day}T10:05:00.000-06:00", "We look.", affected=[(EMAIL, "partial_outage")]),
        update(2 * number + 1, "resolved", f"{day}T10:42:00.000-06:00", "It works.", affected=[(EMAIL, "operational")]),
    )
    return {
        "id": f"inc{number:09d}",
        "name": name,
        "status": "resolved",
        "impact": "major",
        "created_at": f"{day}T10:05:00.000-06:00",
        "started_at": f"{day}T10:00:00.000-06:00",
        "resolved_at": f"{day}T10:42:00.000-06:00",
        "shortlink": "https://stspg.example/x",
        "incident_updates": list(reversed(said)),
        "components": [EMAIL],
        **more,
    }


def window(number: int, name: str, day: str, **more: Any) -> Row:  # noqa: ANN401 - as above
    said = (
        update(9000 + 2 * number, "scheduled", f"{day}T08:00:00Z", "We patch."),
        update(9001 + 2 * number, "completed", f"{day}T21:50:00Z", "Done."),
    )
    return {
        "id": f"win{number:09d}",
        "name": name,
        "status": "completed",
        "impact": "maintenance",
        "created_at": f"{day}T08:00:00Z",
        "scheduled_for": f"{day}T21:00:00Z",
        "scheduled_until": f"{day}T22:00:00Z",
        "resolved_at": f"{day}T21:50:00Z",
        "incident_updates": list(reversed(said)),
        "components": [EMAIL],
        **more,
    }


@dataclass(slots=True, kw_only=True)
class Elsewhere:
    """What the page tells; *turns_pages* as the real one does, fifty a page. *rude* answers come first, by path, each once."""

    incidents: list[Row] = field(default_factory=list)
    windows: list[Row] = field(default_factory=list)
    components: list[Row] = field(default_factory=lambda: [GROUP, EMAIL, WIKI])
    page: Row = field(default_factory=lambda: dict(PAGE))
    turns_pages: bool = True
    rude: dict[str, list[web.Response]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    hangs_at: str = ""
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name = request.path.removeprefix("/api/v2/")
        self.asked.append(request.path_qs)
        if name == self.hangs_at:
            await asyncio.Event().wait()
        if self.rude.get(name):
            return self.rude[name].pop(0)
        body = self._bodies(int(request.query.get("page", "1")) if self.turns_pages else 1).get(name)
        return web.Response(status=404, text="<h1>Not found</h1>") if body is None else web.json_response({"page": self.page, **body})

    def _bodies(self, number: int) -> Mapping[str, Row]:
        span = slice(50 * (number - 1), 50 * number)
        return {
            "summary.json": {"components": self.components, "incidents": [], "status": {"indicator": "none"}},
            "components.json": {"components": self.components},
            "incidents.json": {"incidents": self.incidents[span]},
            "scheduled-maintenances.json": {"scheduled_maintenances": self.windows[span]},
        }


@asynccontextmanager
async def served(elsewhere: Elsewhere) -> AsyncIterator[Elsewhere]:
    """*elsewhere*, answering at its ``url``."""
    app = web.Application()
    app.router.add_get("/{path:.*}", elsewhere.answer)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        elsewhere.url = f"http://{host}:{port}"
        yield elsewhere
    finally:
        await runner.cleanup()
