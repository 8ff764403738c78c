"""The internal listener over a real socket, with a real store behind it, a clock that the test moves, and people who work there."""

import re
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from types import MappingProxyType

from aiohttp import ClientResponse, ClientSession, CookieJar, web
from aiohttp.connector import Connection as Wire

from incidents.callers import Calling
from incidents.escalation import NOBODY, Rules
from incidents.levels.service_level import Offer
from incidents.model import Component, Incident, Monitor, Need, Service, Topology
from incidents.policy import Policy
from incidents.priority import Scale
from incidents.reviewed import Causes
from probes.result import Failure, ProbeResult, Result
from statuspage.as_it_was import page_at
from statuspage.bundled import templates
from statuspage.config.calls import Roster
from statuspage.config.causes import ORDINARY
from statuspage.config.charters import Charter
from statuspage.knowledge import Knowledge
from statuspage.message_templates import MessageTemplate
from statuspage.picture.known_errors import KnownError
from statuspage.picture.page import Story
from statuspage.picture.urgency import ORDINARY as ORDINARY_SCALE
from statuspage.pipeline import Pipeline
from statuspage.render.voicing import voices_of
from statuspage.store import acts, people, queries
from statuspage.store.chain import AuditRow
from statuspage.store.engine import Store
from statuspage.store.people import Role
from statuspage.vitals import BackupFigures, MirrorFigures
from statuspage.web.desk import Desk, PlanningPolicy
from statuspage.web.listener import PatientRunner
from statuspage.web.provider import Provider
from statuspage.web.proxies import Proxies
from statuspage.web.routes import internal_app
from statuspage.web.security import HEADERS, PRIVATE

PASSWORD = "correct horse battery"
LEASE = timedelta(minutes=30)
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
_FIELD = re.compile(r'name="form_token" value="([^"]+)"')


def _label(text: str) -> Mapping[str, str]:
    return MappingProxyType({"en": text})


TOPOLOGY = Topology(
    services={
        "email": Service(
            id="email",
            name=_label("Email"),
            needs=(
                Need(of=("outgoing",), label=_label("Sending")),
                Need(of=("mailboxes",), label=_label("Receiving")),
                Need(of=("webmail-a", "webmail-b"), label=_label("Webmail")),
            ),
        ),
        "portal": Service(id="portal", name=_label("Customer <b>portal</b>"), needs=(Need(of=("portal-web",)),)),
    },
    components={id_: Component(id=id_, name=id_.capitalize()) for id_ in ("outgoing", "mailboxes", "webmail-a", "webmail-b", "portal-web")},
    # Tests let hours pass without a result, and mean that all stays as it was.
    monitors={
        f"{id_}-port": Monitor(id=f"{id_}-port", component=id_, stale_after=timedelta(days=99))
        for id_ in ("outgoing", "mailboxes", "webmail-a", "webmail-b", "portal-web")
    },
)


@cache
def hashed() -> str:
    return people.hashed(PASSWORD)


class Whole(ClientResponse):
    """An answer that is read to its end before a test looks at it, so that its connection is never left open."""

    async def start(self, connection: Wire) -> ClientResponse:
        started = await super().start(connection)
        await self.read()
        return started


@dataclass(slots=True, kw_only=True)
class House:
    """What stands behind the listener, and its address."""

    store: Store
    pipeline: Pipeline
    app: web.Application
    data_dir: Path
    url: str = ""
    now: datetime = START
    is_healthy: bool = True
    sessions: list[ClientSession] = field(default_factory=list)
    heartbeats: dict[bytes, str] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)
    stories: Sequence[Story] | None = None
    mirror: MirrorFigures = field(default_factory=MirrorFigures)
    backups: BackupFigures = field(default_factory=BackupFigures)
    scale: Scale = ORDINARY_SCALE
    calling: Calling = field(default_factory=Calling)
    templates: Sequence[MessageTemplate] = ()
    hidden: Collection[str] = frozenset()
    rules: Rules = NOBODY
    roster: Roster = field(default_factory=Roster)
    charters: dict[str, Charter] = field(default_factory=dict)
    allowed: Sequence[IPv4Network | IPv6Network] = ()
    causes: Causes = field(default_factory=lambda: Causes(listed=ORDINARY))
    provider: Provider | None = None
    probe_now: Callable[[Collection[str]], None] = lambda _: None
    planning_policy: PlanningPolicy = field(default_factory=lambda: PlanningPolicy(conducts=MappingProxyType({}), needs_approval=False))

    async def see(self, component: str, failure: Failure | None, detail: str = "") -> None:
        """Two results in a row, which is what it takes."""
        for _ in range(2):
            measured = ProbeResult(took=0.01, failure=failure, stage="connect" if failure else None, detail=detail)
            await self.pipeline.observe(
                Result(monitor=f"{component}-port", location="local", slot=self.now, started=self.now, measured=measured)
            )
            self.wait(seconds=3)
        await self.pipeline.flush()

    async def all_good(self) -> None:
        for component in self.pipeline.situation.topology.components:
            await self.see(component, None)

    async def outage(self, component: str = "outgoing", detail: str = "") -> Incident:
        """Everything works, then *component* breaks; returns the incident that opened."""
        await self.all_good()
        await self.see(component, Failure.REFUSED, detail)
        (incident,) = self.pipeline.situation.incidents.values()
        return incident

    def wait(self, **span: float) -> None:
        self.now += timedelta(**span)

    def incident(self, id_: str) -> Incident:
        return self.pipeline.situation.incidents[id_]

    async def agent(self, name: str, *roles: Role, teams: Sequence[str] = ()) -> None:
        given = roles or (Role.LEVEL_ONE,)
        await self.store.write(partial(people.add_agent, name=name, password_hash=hashed(), roles=given, teams=teams, at=self.now))

    async def token(self, name: str, *roles: Role, lasts: timedelta | None = None, teams: Sequence[str] = ()) -> str:
        until, given = self.now + lasts if lasts else None, roles or (Role.LEVEL_ONE,)
        return await self.store.write(partial(people.add_token, name=name, roles=given, teams=teams, at=self.now, expires_at=until))

    async def audit(self, *names: str) -> list[AuditRow]:
        """What was done, oldest first, without the making of agents and tokens; only the acts called *names* where some are given."""
        rows = await self.store.read(lambda connection: acts.read_audit(connection, before=None, limit=1000))
        return [row for row in reversed(rows) if (row.act in names if names else not row.act.startswith("add "))]

    def browser(self) -> "Browser":
        """Somebody's browser, not logged in."""
        session = ClientSession(self.url, cookie_jar=CookieJar(unsafe=True), response_class=Whole)
        self.sessions.append(session)
        return Browser(session=session)

    async def logged_in(self, name: str, *roles: Role, teams: Sequence[str] = ()) -> "Browser":
        await self.agent(name, *roles, teams=teams)
        browser = self.browser()
        answer = await browser.log_in(name)
        assert answer.status == 303, await answer.text()
        return browser

    async def program(self, name: str, *roles: Role, teams: Sequence[str] = ()) -> "Program":
        """A program with a token of its own."""
        text = await self.token(name, *roles, teams=teams)
        session = ClientSession(self.url, headers={"Authorization": f"Bearer {text}"}, response_class=Whole)
        self.sessions.append(session)
        return Program(session=session)


@dataclass(slots=True, kw_only=True)
class Browser:
    """Keeps cookies, follows no redirects, and fills in forms as a person does: from a page that it loaded."""

    session: ClientSession

    async def get(self, path: str, **headers: str) -> ClientResponse:
        return await self.session.get(path, allow_redirects=False, headers=headers)

    async def page(self, path: str) -> str:
        answer = await self.get(path)
        assert answer.status == 200, f"{path}: {answer.status}"
        return await answer.text()

    async def form_token(self, path: str) -> str:
        found = _FIELD.search(await self.page(path))
        assert found is not None
        return found[1]

    async def send(self, path: str, fields: Mapping[str, str] | None = None, *, of: str = "/", **headers: str) -> ClientResponse:
        """Send the form to *path* that stands on the page *of*."""
        return await self.submit("POST", path, fields, of=of, **headers)

    async def submit(
        self, method: str, path: str, fields: Mapping[str, str] | None = None, *, of: str = "/", **headers: str
    ) -> ClientResponse:
        """Send the form in another way than forms are sent."""
        filled = {"form_token": await self.form_token(of), **(fields or {})}
        return await self.session.request(method, path, data=filled, allow_redirects=False, headers=headers)

    async def log_in(self, name: str, password: str = PASSWORD, target: str = "/") -> ClientResponse:
        return await self.send("/login", {"name": name, "password": password, "next": target}, of="/login")


@dataclass(slots=True, kw_only=True)
class Program:
    """Speaks JSON with a token."""

    session: ClientSession

    async def get(self, path: str, **query: str) -> ClientResponse:
        return await self.session.get(f"/api/v1{path}", params=query)

    async def send(self, path: str, body: object = None, **headers: str) -> ClientResponse:
        sent = {key.replace("_", "-"): value for key, value in headers.items()}
        return await self.session.post(f"/api/v1{path}", json={} if body is None else body, headers=sent)

    async def delete(self, path: str) -> ClientResponse:
        return await self.session.delete(f"/api/v1{path}")

    async def patch(self, path: str, body: object) -> ClientResponse:
        return await self.session.patch(f"/api/v1{path}", json=body)


async def _metrics() -> tuple[bytes, str]:
    return b"statuspage_up 1\n", "text/plain; version=1.0.0"


KNOWN_ERRORS = (
    KnownError(
        id="full-mailbox",
        services=("email",),
        symptom={"en": "Mail comes back with <mailbox full>"},
        workaround={"en": "Empty the Trash folder."},
        say={"en": "Here is how to make room."},
    ),
    KnownError(id="slow-login", services=("portal",), symptom={"de": "Zäh"}, workaround={"en": "Wait."}, say={}),
)


@asynccontextmanager
async def housed(
    data_dir: Path,
    *,
    console_url: str = "http://127.0.0.1:8081",
    port: int = 0,
    languages: tuple[str, ...] = ("en",),
    topology: Topology = TOPOLOGY,
    timezone: str = "Europe/Berlin",
    store_url: str = "sqlite:///desk.db",
) -> AsyncIterator[House]:
    """Open a store in *data_dir* and serve the desk on a free port."""
    store = await Store.open(store_url, data_dir)
    house: House
    await store.write(lambda connection: queries.installation(connection, url="http://status.example.net", now=START))
    situation = await store.read(lambda connection: queries.situation(connection, topology))
    policy = Policy(language=languages[0], voices=voices_of(languages[0], languages, templates() / "languages"))
    pipeline = Pipeline(store=store, situation=situation, policy=policy, now=lambda: house.now)
    desk = Desk(
        store=store,
        pipeline=pipeline,
        now=lambda: house.now,
        allowed=lambda: house.allowed,
        site_name="Example & Sons",
        console_url=console_url,
        public_url="http://status.example.net",
        timezone=timezone,
        language=languages[0],
        languages=lambda: languages,
        asked_in=lambda: languages[1:],
        acknowledgement_lasts=LEASE,
        proxies=Proxies((ip_network("127.0.0.9/32"),)),
        metrics=_metrics,
        is_healthy=lambda: house.is_healthy,
        heartbeats=lambda: house.heartbeats,
        planning_policy=lambda: house.planning_policy,
        offers=lambda: house.offers,
        knowledge=Knowledge(store=store, named=lambda: KNOWN_ERRORS, language=lambda: languages[0]),
        mirror=lambda: house.mirror,
        backups=lambda: house.backups,
        stories=lambda: house.stories,
        scale=lambda: house.scale,
        calling=lambda: house.calling,
        templates=lambda: house.templates,
        hidden=lambda: house.hidden,
        rules=lambda: house.rules,
        roster=lambda: house.roster,
        causes=lambda: house.causes,
        charters=lambda: house.charters,
        is_separated=lambda: house.planning_policy.needs_approval,
        probe_now=lambda monitors: house.probe_now(monitors),  # noqa: PLW0108 - tests put another there
        page_at=page_at,
        provider=lambda: house.provider,
    )
    house = House(store=store, pipeline=pipeline, app=internal_app(desk), data_dir=data_dir)
    runner = PatientRunner(house.app, headers={**HEADERS, "Cache-Control": PRIVATE})
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    house.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield house
    finally:
        for session in house.sessions:
            await session.close()
        await runner.cleanup()
        await pipeline.close()
        await store.close()
