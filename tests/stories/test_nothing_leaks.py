"""Hundreds of private words and dozens of secrets, a day with everything in it, and a look at all that anybody can read of it afterwards.

Words are looked for wherever the public looks, secrets in all that is logged, exported and printed as well: as they are, and encoded.
"""

import asyncio
import base64
import gzip
import io
import logging
import re
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from aiohttp import ClientSession, CookieJar
from typer.testing import CliRunner

from statuspage import log
from statuspage.app import Service
from statuspage.cli.main import app
from statuspage.clock import wall_clock
from statuspage.mirror.versions import CURRENT
from statuspage.store import people
from statuspage.store.people import Role
from statuspage.web.routes import ROUTES
from tests import deadline
from tests.statuspage.desks import Browser
from tests.statuspage.terminal import statuspage
from tests.stories.planted import SECRET_STEM, STEM, Search, readable
from tests.stories.private_company import PARTNER, Company, company, written

until = partial(deadline.until, within=60.0)
_LINK = re.compile(rb"""(?:href|src|action)="([^"]+)"|<(?:loc|link|url|id)>([^<]+)<|"(https://status\.example\.net[^"]*)\"""")
_LINKS_OF_A_READER = re.compile(r"https://status\.example\.net/(?:subscribe|unsubscribe)/[\w/.=~-]+")
PEOPLE = ("address", "what a customer wrote", "what a caller said", "ticket", "webhook")
"""Words about customers, which are nobody's business in what is logged, measured and kept for ten years."""

PASSWORD = f"{SECRET_STEM}pass \"<&'word"


@dataclass
class Day:
    """The running hub after a day's work. *wholes* are secrets that it made itself, *told* all that anybody read, by where it stood."""

    service: Service
    made: Company
    mirror: Path
    journal: io.StringIO
    wholes: list[str] = field(default_factory=list)
    public: dict[str, bytes | str] = field(default_factory=dict)
    partner: dict[str, bytes | str] = field(default_factory=dict)
    inside: dict[str, bytes | str] = field(default_factory=dict)

    async def token(self, *roles: Role) -> str:
        name = self.made.planted("name of a token")
        made = await self.service.hub.store.write(
            lambda connection: people.add_token(connection, name=name, roles=roles, at=wall_clock(), expires_at=None)
        )
        self.wholes.append(made)
        return made

    @property
    def site(self) -> Path:
        (link,) = self.mirror.glob(f"*/{CURRENT}")
        return link

    async def send(self, desk: ClientSession, path: str, /, **body: object) -> dict[str, Any]:
        method = "PATCH" if path.rpartition("/")[2].isdecimal() else "POST"
        async with desk.request(method, f"{self.service.internal_url}/api/v1{path}", json=body) as answer:
            assert answer.status in {200, 201}, (path, await answer.text())
            told: dict[str, Any] = await answer.json()
            return told


@pytest.fixture
def journal() -> Iterator[io.StringIO]:
    """What the service logs, at its most talkative."""
    root, written_to = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", written_to)
        log.set_up(is_verbose=True)
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # the mail server of the test, which is not part of the service
    yield written_to
    root.handlers[:], root.level = handlers, level


@asynccontextmanager
async def day(place: Path, mirror: Path, journal: io.StringIO) -> AsyncIterator[Day]:
    async with company(place) as made:
        file = written(made, mirror)
        async with Service(config_path=file, data_dir=place / "data", environ=made.environ) as service:
            yield Day(service, made, mirror, journal)


# --- what happens ---------------------------------------------------------------------------------------------------------------


async def at_the_desk(day: Day) -> None:
    """Agents do what agents do, and say to each other what they would never say to customers."""
    word, hub = day.made.planted, day.service.hub
    tokens = [await day.token(role) for role in (Role.LEVEL_ONE, Role.LEVEL_TWO, Role.MANAGER)]
    first, second, boss = (ClientSession(headers={"Authorization": f"Bearer {token}"}) for token in tokens)
    async with first, second, boss:
        await until(lambda: {"email", day.made.hidden} <= {id for one in hub.pipeline.situation.incidents.values() for id in one.services})
        (mine,) = (one.id for one in hub.pipeline.situation.incidents.values() if "email" in one.services)
        await _about_an_incident(day, first, second, mine)
        await _beside_it(day, first, boss, mine)
        done = f"/incidents/{mine}/resolve"
        await day.send(second, done, body="Mail works again.", cause=word("cause"), override={"reason": word("reason to override")})


async def _about_an_incident(day: Day, first: ClientSession, second: ClientSession, mine: str) -> None:
    word, name = day.made.planted, day.made.planted.name
    one = f"/incidents/{mine}"
    await day.send(first, f"{one}/acknowledge")
    for _ in range(10):
        await day.send(first, f"{one}/notes", body=f"{name('note')}\n{word('note')}")
    said = await day.send(first, f"{one}/updates", body=f"We know. {word('words that were corrected')}")
    await day.send(first, f"{one}/updates/{said['number']}", body="We know what it is.")
    said = await day.send(first, f"{one}/updates", body=f"It was {name('words that were removed')}")
    await day.send(second, f"{one}/updates/{said['number']}/redact", reason=word("reason to remove"))
    await day.send(first, f"{one}/rename", name=f"Email, call {word('words struck out')}")
    struck = {"words": word.words["words struck out"][0], "instead": "us"}
    await day.send(second, f"{one}/strike", **struck, reason=word("reason to strike"))
    await day.send(first, f"{one}/escalate")
    await day.send(first, f"{one}/assign", to=await _agent(day), summary=word("summary"))


async def _agent(day: Day, name: str = "") -> str:
    name = name or day.made.planted("agent")
    await day.service.hub.store.write(
        lambda connection: people.add_agent(
            connection, name=name, password_hash=people.hashed(PASSWORD), roles=(Role.MANAGER, Role.LEVEL_TWO), at=wall_clock()
        )
    )
    return name


async def _beside_it(day: Day, first: ClientSession, boss: ClientSession, mine: str) -> None:
    word, name, hidden = day.made.planted, day.made.planted.name, day.made.hidden
    now = wall_clock()
    for draft, service in ((True, "portal"), (False, hidden)):
        opened = {"name": name("incident"), "body": word("incident"), "services": {service: "major_outage"}, "draft": draft}
        await day.send(first, "/incidents", **opened)
    for number in range(8):
        where = {"incident": mine} if number % 2 else {"service": "portal" if number < 3 else hidden}
        await day.send(first, "/callers", **where, symptom=name("what a caller said"), ticket=word("ticket"))
    for services in ([], ["email"], [hidden]):
        url = f"https://{word('change')}.example/{word('change')}"
        await day.send(first, "/changes", what=name("change"), url=url, services=services)
    for service in ("portal", hidden):
        times = {"starts": str(now + timedelta(days=5)), "ends": str(now + timedelta(days=5, hours=1))}
        plan = {"name": name("window"), "body": word("window"), "services": [service], **times}
        await day.send(first, "/maintenances", **plan)  # which waits for a second person
    await day.send(first, "/advisories", name=name("advisory"), body=word("advisory"), services=[hidden])
    crew = {"team": word.words["team"][0], "person": word.words["person"][0]}
    await day.send(first, "/on-call/stand-ins", **crew, since=str(now), until=str(now + timedelta(days=1)))
    hook = f"{day.made.hook.url.split('?')[0]}/{word('webhook')}?token={word.secret()}"
    added = await day.send(boss, "/subscribers", channel="webhook", address=hook)
    day.wholes.append(added["secret"])
    spans = {"since": str(now - timedelta(days=2)), "until": str(now - timedelta(days=1))}
    await day.send(boss, f"/services/{hidden}/corrections", **spans, status="operational", reason=word("correction"))


async def from_outside(day: Day) -> None:
    """Customers report, subscribe and mistype; programs ping; somebody tries passwords."""
    word = day.made.planted
    async with ClientSession(day.service.public_url) as reader:
        for number in range(5):
            fields = {"words": word("what a customer wrote"), "contact": f"{word('address')}@example.org"}
            await reader.post("/report/email", data=fields, headers={"X-Forwarded-For": f"203.0.113.{number}"})
        for number in range(5):
            fields = {"address": f"{word('address')}@example.org", "floor": "degraded_performance", "maintenance": "yes"}
            await reader.post("/subscribe", data=fields, headers={"X-Forwarded-For": f"198.51.100.{number}"})
    box = day.made.postbox
    await until(lambda: len({one.to for one in box.letters if "button there:" in one.text}) == 5)
    links = [found[0] for one in box.letters if (found := _LINKS_OF_A_READER.search(one.text.split("button there:")[-1]))]
    async with ClientSession(day.service.public_url) as reader:
        for link in links:
            answer = await reader.post(urlsplit(link).path, data={})
            assert answer.status == 200, await answer.text()
    async with ClientSession(day.service.internal_url) as program:
        for token in day.made.environ.values():
            if "0123456789abcdef" in token:
                await program.post(f"/ping/{token}/fail", data=word("ping"))
                await program.get(f"/api/push/{token}", params={"status": "down", "msg": word("ping")})
        async with ClientSession(day.service.internal_url, headers={"Authorization": f"Bearer {word.secret()}"}) as stranger:
            await stranger.get("/api/v1/incidents")
            await stranger.post("/api/v1/incidents", data=b"{")
    day.wholes.extend(link.rpartition("/")[2] for link in links)
    await _logged_in(day)


async def _logged_in(day: Day) -> None:
    name = await _agent(day)
    async with ClientSession(day.service.internal_url, cookie_jar=CookieJar(unsafe=True)) as session:
        browser = Browser(session=session)
        assert (await browser.log_in(name, day.made.planted.secret())).status == 403
        assert (await browser.log_in(name, PASSWORD)).status == 303
        for route in ROUTES:
            if route.method == "GET" and "{" not in route.path and not route.path.startswith(("/api/v1/subscribers", "/events")):
                async with session.get(route.path) as answer:
                    # The console is for agents alone, who read every word; a secret stands nowhere in it but in its own forms.
                    day.inside[f"console {route.path}"] = re.sub(r'name="form_token" value="[^"]+"', "", await answer.text())
        day.wholes.extend(cookie.value for cookie in session.cookie_jar)


# --- where anybody looks --------------------------------------------------------------------------------------------------------


async def read_by_the_public(day: Day) -> None:
    """Every path of the mirror and every link, in every language; what readers of the further page get; what is not there."""
    async with ClientSession(day.service.public_url) as session:
        await _crawl(session, day.public, _mirrored(day))
        await _crawl(session, day.partner, ["/", "/de/"], host=PARTNER)
        for language in ("de", "en"):
            await _see(session, day.public, "/", **{"Accept-Language": language})
        for id in (day.made.hidden, *day.service.hub.pipeline.situation.incidents):
            for path in ("/services/{}", "/incidents/{}", "/report/{}", "/badges/{}.svg", "/maintenance/{}", "/services/{}/history.rss"):
                await _see(session, day.public, path.format(id), is_asked=id)
        for method, path in (
            ("POST", "/"),
            ("PUT", "/history"),
            ("OPTIONS", "/api/v2/summary.json"),
            ("GET", "/%00"),
            ("GET", "/api/v1/incidents"),
        ):
            await _see(session, day.public, path, method=method)
        async with session.get("/events") as answer:
            day.public["GET /events"] = await answer.content.readuntil(b"\n\n")
    for file in day.mirror.rglob("*"):
        if file.is_file() and not file.is_symlink():
            day.public[f"mirror {file.relative_to(day.mirror)}"] = file.read_bytes()
    for number, one in enumerate(day.made.postbox.letters):
        told = (one.text + one.html + str(one.message.items())).replace(one.to, "")
        day.public[f"letter {number}"] = _LINKS_OF_A_READER.sub("", told)
    for number, (headers, body) in enumerate(day.made.hook.heard):
        if "webhook-id" in headers:  # the others are for teams, who may read every word
            day.public[f"webhook {number}"] = body


def _mirrored(day: Day) -> Iterator[str]:
    for path in day.site.rglob("*"):
        if path.is_file() and path.suffix not in {".gz", ".br"}:
            yield "/" + path.relative_to(day.site).as_posix().removesuffix("index.html")


async def _crawl(session: ClientSession, seen: dict[str, bytes | str], paths: Iterable[str], **headers: str) -> None:
    waiting, known = list(paths), set[str]()
    while waiting:
        path = waiting.pop()
        if path in known or len(known) > 3000:
            continue
        known.add(path)
        for link in await _see(session, seen, path, **headers):
            target = urlsplit(urljoin(f"https://status.example.net{path}", link))
            if target.hostname in {"status.example.net", headers.get("host")} and not target.path.startswith("/events"):
                waiting.append(target.path)


async def _see(
    session: ClientSession, seen: dict[str, bytes | str], path: str, *, method: str = "GET", is_asked: str = "", **headers: str
) -> list[str]:
    """Keep what is answered, headers and all; return its links. What the path itself names, an answer may repeat."""
    async with session.request(method, path, headers=headers, allow_redirects=False) as answer:
        body = await answer.read()
        told = body + str(list(answer.headers.items())).encode()
    seen[f"{method} {path}"] = told.replace(is_asked.encode(), b"") if is_asked else told
    return [unescape(next(filter(None, found)).decode()) for found in _LINK.findall(body)] if b"<" in body[:200] or b"{" in body[:2] else []


async def logged_and_printed(day: Day) -> None:
    """The journal, the metrics, what the API exports, and every command that prints something."""
    desk = {"Authorization": f"Bearer {await day.token(Role.MANAGER, Role.LEVEL_TWO, Role.ADMIN)}"}
    async with ClientSession(day.service.internal_url, headers=desk) as session:
        day.inside["metrics"] = await (await session.get("/metrics")).read()
        for route in ROUTES:
            if route.method == "GET" and route.path.startswith("/api/v1/") and "{" not in route.path and "subscribers" not in route.path:
                day.inside[route.path] = await (await session.get(route.path)).read()
        day.inside["audit"] = "\n".join([page async for page in _audit(session)])
    here = day.made.directory
    (here / "wrong.yaml").write_text(_wrong((here / "statuspage.yaml").read_text(), day), encoding="utf-8")
    (here / "away.yaml").write_text(_away(day), encoding="utf-8")
    for command in _commands(day, here):
        ended = await asyncio.to_thread(CliRunner().invoke, app, command, env=day.made.environ)
        assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
        day.inside["statuspage " + " ".join(command)] = ended.output + ended.stderr
    refused = await statuspage("serve", "--config", "away.yaml", "--data-dir", "elsewhere", here=here, environ=day.made.environ)
    assert refused.code != 0
    day.inside["a hub that cannot start"] = refused.out + refused.err
    day.inside["names of files"] = "\n".join(map(str, here.rglob("*")))
    day.inside["journal"] = day.journal.getvalue()


async def _audit(desk: ClientSession) -> AsyncIterator[str]:
    """The whole audit, page by page."""
    cursor: dict[str, str] = {}
    while True:
        async with desk.get("/api/v1/audit", params={"limit": "100", **cursor}) as answer:
            assert answer.status == 200
            yield await answer.text()
            following = (await answer.json())["next"]
        if following is None:
            return
        cursor = {"cursor": following}


def _commands(day: Day, here: Path) -> Iterator[list[str]]:
    """Everything that prints what it finds in the file, in the store and at the servers."""
    file = ["--config", str(here / "statuspage.yaml")]
    store = [*file, "--data-dir", str(here / "data")]
    incident = next(iter(day.service.hub.pipeline.situation.incidents))
    yield from (["check-config", str(here / name)] for name in ("statuspage.yaml", "wrong.yaml", "nowhere.yaml"))
    yield from (["probe", monitor, *form, *file] for monitor in day.made.planted.words["monitor"][:8] for form in ([], ["--json"]))
    yield from (["explain", incident, *form, *store] for form in ([], ["--json"]))
    yield from (
        [*words, *form, *store] for words in (["agents", "list"], ["tokens", "list"], ["maintenance", "list"]) for form in ([], ["--json"])
    )
    yield from ([*words, *store] for words in (["audit", "verify"], ["page"], ["notify", "test"], ["advisories", "list"]))


def _wrong(text: str, day: Day) -> str:
    """The file with secrets where none may stand: what is said of it must not repeat them."""
    secret = day.made.planted.secret
    key = text.index('"credentials"')
    misplaced = f'{{"user": "x", "password": "{secret()}"}}, "more": {{"user": 1, "pasword": "{secret()}"}}'
    return (
        text[:key]
        + f'"store": {{"url": "postgresql+psycopg://x:{secret()}@[bad/y"}}, "credentials": {{"wrong": {misplaced}}}, "kept": "{secret()}", '
        + text[key:]
    )


def _away(day: Day) -> str:
    """A store that cannot be reached, by an address with a password in it."""
    return f'{{site: {{name: A, url: "http://a.example"}}, store: {{url: "postgresql+psycopg://x:{day.made.planted.secret()}@127.0.0.1:1/y"}}}}'


# --- and what nobody finds ------------------------------------------------------------------------------------------------------


def leaks(day: Day) -> Iterator[str]:
    """Every place where something stands that may not, with what it is."""
    planted = day.made.planted
    words, secrets = Search.of(STEM), Search.of(SECRET_STEM, *day.wholes)
    for where, body in day.public.items():
        for how, around in words.within(body):
            yield f"{where}: {planted.what(around)} {how}: {around!r}"
    for where, body in day.partner.items():
        for how, around in words.within(_without(body, day.made.for_partners)):
            yield f"{PARTNER} {where}: {planted.what(around)} {how}: {around!r}"
    for where, body in {**day.public, **day.partner, **day.inside}.items():
        # A letter is its reader's own, and so are the links in it.
        sought = Search.of(SECRET_STEM) if where.startswith("letter") else secrets
        yield from (f"{where}: {how}: {around!r}" for how, around in sought.within(body))
    for where in ("journal", "metrics", "audit"):
        told = str(day.inside[where])
        yield from (f"{where}: {planted.what(word)}" for kind in PEOPLE for word in planted.words[kind] if word in told)


def _without(body: bytes | str, own: set[str]) -> str:
    """*body* without the words that its readers may know."""
    text = readable(body)
    return re.sub("|".join(sorted(own)), "", text, flags=re.IGNORECASE) if own else text


async def test_private_words_are_nowhere_in_public_and_secrets_nowhere_at_all(
    tmp_path: Path, in_memory: Path, journal: io.StringIO
) -> None:
    async with day(tmp_path, in_memory, journal) as one:
        await at_the_desk(one)
        await from_outside(one)
        await until(lambda: "Mail works again." in (one.site / "history.rss").read_text())
        await read_by_the_public(one)
        await logged_and_printed(one)
        assert one.made.planted.count >= 200
        assert len(one.made.planted.secrets) + len(one.wholes) >= 40
        assert len(one.public) > 200, "somebody looked everywhere"
        assert "log caller" in str(one.inside["audit"])
        assert "opened: Email" in str(one.inside["journal"])
        assert "audit head " in str(one.inside["journal"]), "kept elsewhere, it proves the audit"
        assert "Mail works again." in "".join(readable(body) for body in one.public.values())
        found = list(leaks(one))
        assert not found, "\n".join(found)


def test_a_word_is_found_however_it_is_spelled() -> None:
    for text in (f"{STEM}bade", f"{SECRET_STEM}bade"):
        code, search = text.encode(), Search.of(text[:5])
        spelled: list[bytes | str] = [
            text.upper(),
            text[::-1],
            code.hex(),
            "".join(f"%{byte:02X}" for byte in code),
            "".join(f"\\u{byte:04X}" for byte in code),
            "".join(f"&#{byte};" for byte in code),
            "".join(f"&#x{byte:X};" for byte in code),
            text.encode("utf-16"),
            gzip.compress(b"x" + code),
            "BEGIN:VCALENDAR\r\nSUMMARY:" + text[:3] + "\r\n " + text[3:],
            *(base64.b64encode(b"x" * shift + each.encode()) for shift in range(6) for each in (text, text.capitalize())),
        ]
        for one in spelled:
            assert list(search.within(one)), one
        assert not list(search.within("nothing of this kind"))
