"""A company whose file is full of what nobody outside may read: hidden services, hosts, teams, words for the desk, and forty secrets."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.rude.postbox import Postbox
from tests.statuspage.hooks import Hook, listening
from tests.stories.planted import Planted

PARTNER = "partner.example.net"
"""The host of a further page: its readers, and nobody else, may read of one hidden service."""

DAYS = "FREQ=WEEKLY"


@dataclass
class Company:
    """What was planted, the file with its environment, and the servers that are watched and told."""

    planted: Planted
    directory: Path
    environ: dict[str, str] = field(default_factory=dict)
    hook: Hook = field(default_factory=Hook)
    postbox: Postbox = field(default_factory=Postbox)
    web_port: int = 0
    mail_port: int = 0
    hidden: str = ""
    partner: str = ""
    for_partners: set[str] = field(default_factory=set)

    def kept(self, more: str = "") -> dict[str, str]:
        """A reference to a new secret in the environment."""
        name = f"KEPT_{len(self.environ)}"
        self.environ[name] = self.planted.secret(more)
        return {"env": name}

    def filed(self) -> dict[str, str]:
        """A reference to a new secret in a file."""
        name = f"kept-{len(self.planted.secrets)}"
        (self.directory / name).write_text(self.planted.secret() + "\n", encoding="utf-8")
        return {"file": name}

    def kept_url(self, path: str) -> dict[str, str]:
        """A reference to an address of our hook that has two new secrets in it."""
        name, server = f"KEPT_{len(self.environ)}", self.hook.url.split("://")[1].split("/")[0]
        self.environ[name] = f"json://{self.planted.secret()}:{self.planted.secret()}@{server}/{path}"
        return {"env": name}


@asynccontextmanager
async def company(directory: Path) -> AsyncIterator[Company]:
    """Its servers, which tell whatever they know and whatever they were shown; none of them works."""
    made = Company(Planted(), directory)
    async with listening(made.hook), made.postbox.opened(), _telling_web(made), _telling_mail(made):
        yield made


@asynccontextmanager
async def _telling_web(made: Company) -> AsyncIterator[None]:
    """A site that is broken and shows all that it was shown, as pages for developers do."""
    name, path = made.planted("answer"), made.planted("path of a server")

    async def answer(request: web.Request) -> web.Response:
        shown = f"{name} at /srv/{path}: {dict(request.headers)} {await request.text()} {request.rel_url}"
        return web.Response(status=500, reason=made.planted.words["answer"][0], text=shown, headers={"X-Server": name})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.web_port = runner.addresses[0][1]
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _telling_mail(made: Company) -> AsyncIterator[None]:
    """A mail server that greets with its name and repeats the password that it refuses."""
    name = made.planted("greeting")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"220 {name}.corp ESMTP\r\n".encode())
        while line := await reader.readline():
            said = line.decode(errors="replace").strip()
            hello = said[:4].upper() == "EHLO"
            writer.write((f"250-{name}\r\n250 AUTH PLAIN LOGIN\r\n" if hello else f"535 5.7.8 {name} knows no {said}\r\n").encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    made.mail_port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()


def written(made: Company, mirror: Path) -> Path:
    """Write the file. Every service that is not for everybody has words of its own everywhere."""
    path = made.directory / "statuspage.yaml"
    path.write_text(json.dumps(_file(made, mirror), ensure_ascii=False), encoding="utf-8")
    return path


def _file(made: Company, mirror: Path) -> dict[str, Any]:
    word, name = made.planted, made.planted.name
    made.partner, hidden = word("partner service"), [word("hidden service") for _ in range(6)]
    made.hidden = hidden[0]
    teams, people = [word("team") for _ in range(3)], [word("person") for _ in range(3)]
    monitors, components = _watched(made, hidden)
    login, outgoing = word("credential"), word("credential")
    return {
        "site": {"name": "Muster IT", "url": "https://status.example.net", "languages": ["en", "de"]},
        "console": {"url": f"http://{word('console host')}.example"},
        "listen": {"public": "127.0.0.1:0", "internal": "127.0.0.1:0", "trusted_proxies": ["127.0.0.0/8"]},
        "store": {"url": f"sqlite:///{word('store file')}.db"},
        "mirror": {"to": str(mirror / word("mirror directory"))},
        "mail": {"host": "127.0.0.1", "port": made.postbox.port, "tls": "never", "from": "Muster <noreply@example.net>"},
        "egress": {"allow": ["127.0.0.0/8"]},
        "plugins": {"allow": [str(made.directory)]},
        "announce": {word("outlet"): {"url": made.kept_url(word("outlet path"))}},
        "calendars": {word("calendar"): {"weekly": {"mon-sun": ["00:00-24:00"]}}},
        "locations": {"local": {"name": name("location")}},
        "teams": {
            one: {
                "name": name("team"),
                "notify": [made.kept_url(word("team path"))],
                "on_call": {"weekly": people, "since": "2026-01-05 09:00"},
            }
            for one in teams
        },
        "people": {one: {"name": name("person"), "notify": [made.kept_url(word("person path"))]} for one in people},
        "credentials": {
            login: {"user": word("login"), "password": made.filed()},
            outgoing: {"user": word("login"), "password": made.kept("\"<&'/+=\\")},
        },
        "services": {
            "email": {"name": "Email", "needs": ["outgoing"], "notify_after": "0s", **_charter(made, teams)},
            "portal": {"name": "Portal", "needs": ["front"], "notify_after": "0s", **_charter(made, teams)},
            "slow": {"name": "Slow", "needs": ["lagging"], "publish_after": "1d", **_charter(made, teams)},
            **{one: _hidden(made, components[one], teams) for one in hidden},
            made.partner: _partners(made, components[made.partner], teams),
        },
        "pages": {
            "partners": {"name": "Partners", "services": ["email", made.partner], "access": "public", "host": PARTNER},
            word("further page"): {"name": name("further page"), "services": hidden[:2], "access": "login"},
            word("further page"): {
                "name": name("further page"),
                "services": hidden[2:4],
                "access": "token",
                "token": made.kept("0123456789abcdef"),
            },
        },
        "components": {
            "outgoing": {"name": name("component")},
            "front": {"name": name("component")},
            "lagging": {"name": name("component")},
            **{each: {"name": name("component")} for each in components.values()},
        },
        "defaults": {"monitor": {"every": "10s", "timeout": "5s", "recheck": "100ms"}},
        "monitors": _logged_in(monitors, login),
        "maintenance": {word("series"): _series(made, hidden[1])},
        "known_errors": {
            word("known error"): {"services": ["email"], "symptom": "Mail is slow.", "workaround": "Wait.", "say": word("words to say")},
            word("known error"): {
                "services": [hidden[0]],
                "symptom": name("symptom"),
                "workaround": word("workaround"),
                "say": word("words to say"),
            },
        },
        "templates": {word("template"): {"name": name("template"), "body": word("template text")}},
        "duties": {"separated": True},
    }


def _charter(made: Company, teams: list[str]) -> dict[str, Any]:
    """What the desk knows of a service that everybody may read of."""
    return {
        "runbook": f"https://{made.planted('runbook')}.example/{made.planted('runbook')}",
        "owner": teams[0],
        "tiers": teams[:2],
        "escalate_after": ["1d"],
    }


def _hidden(made: Company, component: str, teams: list[str]) -> dict[str, Any]:
    word, name = made.planted, made.planted.name
    return {
        "name": {"en": name("name of a service"), "de": name("name of a service")},
        "description": {"en": word("description"), "de": word("description")},
        "group": {"en": word("group"), "de": word("group")},
        "needs": [{"component": component, "as": {"en": name("capability"), "de": name("capability")}}],
        "public": False,
        "notify_after": "0s",
        **_charter(made, teams),
    }


def _partners(made: Company, component: str, teams: list[str]) -> dict[str, Any]:
    """The service of which partners may read: its words are public to them, but what the desk knows of it is not."""
    before = {kind: len(words) for kind, words in made.planted.words.items()}
    service = _hidden(made, component, teams)
    public = ("name of a service", "description", "group", "capability")
    made.for_partners = {made.partner, *(word for kind in public for word in made.planted.words[kind][before[kind] :])}
    return service


def _series(made: Company, service: str) -> dict[str, Any]:
    texts = {"name": made.planted.name("planned work"), "description": made.planted("planned work")}
    return {**texts, "services": [service], "starts": "2026-01-05 02:00", "lasts": "1h", "repeats": DAYS}


def _watched(made: Company, hidden: list[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Monitors of all kinds that show secrets to servers, and the component of each hidden service."""
    word, site = made.planted, f"http://127.0.0.1:{made.web_port}"
    components = {one: word("component") for one in (*hidden, made.partner)}
    plugin = made.directory / word("plugin")
    plugin.write_text(
        f"#!{sys.executable}\nimport os,sys\nprint('CRITICAL', sys.argv[0], os.environ['TOLD'])\nsys.exit(2)\n", encoding="utf-8"
    )
    plugin.chmod(0o755)
    asks = {"probe": "http", "url": f"{site}/{word('path')}?q={word('query')}", "allow_plaintext": True}
    failing: list[dict[str, Any]] = [
        {**asks, "bearer": made.kept("abc-._~+/="), "headers": {"X-Key": made.kept(), "Cookie": made.filed()}},
        {**asks, "method": "POST", "body": made.kept('{"key": "<&ü"}')},
        {"probe": "smtp", "host": "127.0.0.1", "port": made.mail_port, "tls": "never", "login": ""},
        {**asks, "login": ""},
        {"probe": "tcp", "host": f"{word('host')}.invalid", "port": 25},
        {"probe": "plugin", "command": [str(plugin)], "env": {"TOLD": made.kept()}},
        {"probe": "heartbeat", "every": "1d", "token": made.kept("0123456789abcdef")},
        {**asks, "expect": {"body_contains": word("expected")}, "bearer": made.kept()},
    ]
    parts = ["outgoing", *components.values()]
    monitors = {word("monitor"): {"component": part, **probe} for part, probe in zip(parts, failing, strict=True)}
    more = {word("monitor"): {"component": part, **failing[0], "bearer": made.kept()} for part in ("lagging", *components.values())}
    beats = {word("monitor"): {"component": "front", **failing[6], "token": made.kept("fedcba9876543210")} for _ in range(4)}
    return {**monitors, **more, **beats}, components


def _logged_in(monitors: dict[str, Any], login: str) -> dict[str, Any]:
    return {id: {**one, "login": login} if "login" in one else one for id, one in monitors.items()}
