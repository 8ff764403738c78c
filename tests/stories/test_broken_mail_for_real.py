"""The same story with nothing made up: real mail servers that really break, the service as a process, everything over sockets."""

import asyncio
import html
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar

from statuspage.demo.company import Company
from statuspage.demo.ports import free_address
from tests.stories.programs import Hub, agreed, command
from tests.stories.surfaces import Picture, Reader, disagreements, read_json, send

SERVICES = ("email", "webmail-pages", "files")
WELL = dict.fromkeys(SERVICES, "operational")
PASSWORD = "correct horse battery staple"

FILE = """
site: {{name: Example Networks, url: "{public}"}}
console: {{url: "{internal}"}}
listen: {{public: "{public_address}", internal: "{internal_address}"}}
store: {{url: "sqlite:///statuspage.db"}}
credentials:
  probe-box: {{user: {user}, password: {{file: "{password_file}"}}}}
services:
  email:
    name: email
    resolves_after: 2s
    needs:
      - {{component: outgoing-mail, as: Sending}}
      - {{component: mailboxes, as: Receiving}}
      - {{component: delivery, as: Delivery in time}}
  webmail-pages: {{name: webmail-pages, resolves_after: 2s, needs: [webmail]}}
  files: {{name: files, resolves_after: 2s, needs: [storage]}}
components:
  outgoing-mail: {{depends_on: [storage]}}
  mailboxes: {{}}
  webmail: {{depends_on: [storage]}}
  delivery: {{depends_on: [outgoing-mail, mailboxes, storage]}}
  storage: {{}}
defaults:
  monitor: {{every: 1s, timeout: 1s, recheck: 300ms, fails_after: 2, recovers_after: 2, stale_after: 20s}}
monitors:
  submission: {{component: outgoing-mail, probe: smtp, tls: never, login: probe-box, mail_from: {user}, rcpt_to: {user}, {outgoing-mail}}}
  # The mailboxes hash each password at length: on a busy machine a second is short for that, and these two are no story of slowness.
  reading: {{component: mailboxes, probe: imap, every: 4s, timeout: 4s, tls: never, login: probe-box, {mailboxes}}}
  round-trip:
    component: delivery
    probe: mail_roundtrip
    every: 4s
    timeout: 4s
    deliver_within: 3s
    recovers_after: 1
    send: {{tls: never, login: probe-box, mail_from: {user}, rcpt_to: {user}, {outgoing-mail}}}
    read: {{tls: never, login: probe-box, {mailboxes}}}
  webmail-form: {{component: webmail, probe: http, url: "http://{webmail_address}/webmail", expect: {{status: [200]}}}}
  storage-greeting: {{component: storage, probe: tcp, expect: "+OK", {storage}}}
"""


@dataclass(slots=True, kw_only=True)
class Stage:
    """The company, the service that watches it, and those who look at it."""

    company: Company
    hub: Hub
    public: ClientSession
    internal: ClientSession
    readers: tuple[Reader, Reader]
    ada: str
    bob: str

    async def sees(self, picture: Picture) -> None:
        """Wait until every surface shows *picture*, and let the feed readers look."""
        await agreed(lambda: disagreements(picture, self.public, self.internal, self.ada))
        for reader in self.readers:
            await reader.poll(self.public)

    async def incidents(self) -> list[Any]:
        listed = await read_json(self.internal, "/api/v1/incidents", self.ada)
        return list(listed["items"])

    async def newest(self, state: str) -> Picture:
        """Wait until the newest incident is *state*; what should then be seen everywhere."""

        async def missing() -> Sequence[str]:
            return [] if (found := await self.incidents()) and found[0]["state"] == state else [str(found)]

        await agreed(missing)
        return picture_of((await self.incidents())[0])


def picture_of(shown: Any) -> Picture:  # noqa: ANN401 - JSON
    return Picture(
        services={**WELL, **shown["services"]},
        incident=shown["id"],
        name=shown["name"],
        state=shown["state"],
        updates=tuple(update["body"] for update in shown["updates"]),
        owner=shown["acknowledged_by"],
    )


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        company = await stack.enter_async_context(Company())
        hub = _hub(tmp_path, company)
        where = ("--config", str(tmp_path / "statuspage.yaml"), "--data-dir", str(tmp_path / "kept"))
        await command("agents", "add", "ada", "--role", "level-one", "--password-stdin", *where, typed=f"{PASSWORD}\n")
        ada = await command("tokens", "create", "phone-system", "--role", "level-one", *where)
        bob = await command("tokens", "create", "bob", "--role", "level-one", *where)
        stack.push_async_callback(hub.kill)
        await hub.start()
        public = await stack.enter_async_context(ClientSession(hub.public))
        internal = await stack.enter_async_context(ClientSession(hub.internal))
        readers = (Reader("/history.rss"), Reader("/history.atom"))
        set_up = Stage(company=company, hub=hub, public=public, internal=internal, readers=readers, ada=ada, bob=bob)
        await set_up.sees(Picture(services=WELL))
        yield set_up
        await hub.stop()


def _hub(directory: Path, company: Company) -> Hub:
    public, internal = free_address(), free_address()
    password_file = directory / "password"
    password_file.write_text(company.mailbox.password, encoding="utf-8")
    places = {name: f"host: {address.host}, port: {address.port}" for name, address in company.addresses.items()}
    text = FILE.format(
        public=f"http://{public}",
        internal=f"http://{internal}",
        public_address=public,
        internal_address=internal,
        user=company.mailbox.user,
        password_file=password_file,
        webmail_address=company.addresses["webmail"],
        **places,
    )
    path = directory / "statuspage.yaml"
    path.write_text(text, encoding="utf-8")
    arguments = ("serve", "--config", str(path), "--data-dir", str(directory / "kept"))
    return Hub(public=f"http://{public}", internal=f"http://{internal}", log=directory / "hub.log", arguments=arguments)


async def test_mail_breaks_is_told_owned_survives_a_kill_and_is_over(stage: Stage) -> None:
    loop = asyncio.get_running_loop()
    broke = loop.time()
    await stage.company.break_("outgoing-mail")
    noticed = await stage.newest("investigating")
    detected = loop.time() - broke
    await stage.sees(noticed)
    print(f"\nincident after {detected:.2f} s, on every surface after {loop.time() - broke:.2f} s")
    assert noticed.services == {**WELL, "email": "partial_outage"}

    owned = await _own_and_explain(stage, noticed)
    await _survive_a_kill(stage, owned)

    await stage.company.mend("outgoing-mail")
    watched = await stage.newest("monitoring")
    assert watched.services == WELL
    assert watched.updates[: len(owned.updates)] == owned.updates
    await stage.sees(watched)
    status, _ = await send(stage.internal, f"/incidents/{noticed.incident}/resolve", stage.ada, body="The disk is new.", cause="full disk")
    assert status == 200
    over = await stage.newest("resolved")
    assert over.updates == (*watched.updates, "The disk is new.")
    await stage.sees(over)
    for reader in stage.readers:
        assert len(reader.shown) == len(over.updates), "an update was missed, or shown twice"
    assert [shown["id"] for shown in await stage.incidents()] == [noticed.incident]


async def _own_and_explain(stage: Stage, noticed: Picture) -> Picture:
    """A program owns it and says something; a person says more by the form; the program's colleague is refused."""
    path = f"/incidents/{noticed.incident}"
    assert (await send(stage.internal, f"{path}/acknowledge", stage.ada))[0] == 200
    status, refusal = await send(stage.internal, f"{path}/acknowledge", stage.bob)
    assert (status, refusal["acknowledged_by"]) == (409, "phone-system")
    words = "We found the cause: a disk is full."
    assert (await send(stage.internal, f"{path}/updates", stage.ada, state="identified", body=words))[0] == 201
    typed = "Half of R&D's <disk> is cleared."
    await _type_update(stage.hub.internal, path, typed)
    explained = replace(
        picture_of((await stage.incidents())[0]), state="identified", updates=(*noticed.updates, words, typed), owner="phone-system"
    )
    await stage.sees(explained)
    return explained


async def _type_update(console: str, path: str, words: str) -> None:
    """Log in as a person does, be refused without the form's token, then send the form as the browser would."""
    async with ClientSession(console, cookie_jar=CookieJar(unsafe=True)) as browser:
        async with browser.get("/login") as response:
            token = _form_token(await response.text())
        async with browser.post("/login", data={"form_token": token, "name": "ada", "password": PASSWORD, "next": path}) as response:
            card = await response.text()
            assert (response.status, response.url.path) == (200, path), card
        async with browser.post(f"{path}/updates", data={"body": "Forged."}) as response:
            assert response.status == 403
        form = {"form_token": _form_token(card), "body": words, "state": "identified", "next_in": ""}
        async with browser.post(f"{path}/updates", data=form) as response:
            assert (response.status, response.url.path) == (200, path), await response.text()


def _form_token(page: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found, page
    return html.unescape(found[1])


async def _survive_a_kill(stage: Stage, owned: Picture) -> None:
    """The process dies without a word while mail is broken; started again it knows everything, and opens nothing twice."""
    before = (await stage.incidents())[0]
    await stage.hub.kill()
    await stage.hub.start()
    (after,) = await stage.incidents()
    unchanged = ("id", "started_at", "opened_at", "acknowledged_by", "acknowledged_at", "acknowledgement_expires_at")
    assert {key: after[key] for key in unchanged} == {key: before[key] for key in unchanged}
    await stage.sees(owned)
    seen = json.loads(await _fresh(stage))

    async def unheard() -> Sequence[str]:
        now = json.loads(await _fresh(stage))
        return [] if now["as_of"] > seen["as_of"] else ["nothing was measured since the restart"]

    await agreed(unheard)
    await stage.sees(owned)


async def _fresh(stage: Stage) -> bytes:
    async with stage.public.get("/fresh.json") as response:
        return await response.read()


async def test_broken_storage_is_one_incident_that_names_every_service_it_hits(stage: Stage) -> None:
    await stage.company.break_("storage")
    hit = {"email": "partial_outage", "webmail-pages": "major_outage", "files": "major_outage"}

    async def unlike() -> Sequence[str]:
        opened = [shown for shown in await stage.incidents() if shown["resolved_at"] is None]
        if len(opened) == 1 and opened[0]["services"] == hit:
            return []
        return [f"{shown['components']} hit {shown['services']}" for shown in opened] or ["nothing is open"]

    await agreed(unlike)
    (opened,) = [shown for shown in await stage.incidents() if shown["resolved_at"] is None]
    assert opened["components"][0] == "storage"
    assert {shown["merged_into"] for shown in await stage.incidents()} <= {None, opened["id"]}

    await stage.company.mend("storage")

    async def unresolved() -> Sequence[str]:
        return [shown["name"] for shown in await stage.incidents() if shown["resolved_at"] is None]

    await agreed(unresolved)
    every_update = [update for shown in await stage.incidents() for update in shown["updates"]]
    assert all(update["automatic"] for update in every_update)
    for reader in stage.readers:
        await agreed(lambda reader=reader: _unread(stage, reader, len(every_update)))  # type: ignore[misc]  # bound to this reader


async def _unread(stage: Stage, reader: Reader, expected: int) -> Sequence[str]:
    await reader.poll(stage.public)
    return [] if len(reader.shown) == expected else [f"{reader.path} has shown {len(reader.shown)} of {expected}"]
