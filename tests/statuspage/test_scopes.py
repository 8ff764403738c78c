"""What tokens are for beside their roles, and when they were used last."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from statuspage.store import people
from statuspage.store.people import Role
from statuspage.web.auth import Access
from statuspage.web.route import Face
from statuspage.web.routes import ROUTES, known_scopes
from statuspage.web.scopes import USES, scope_of
from tests.statuspage.desks import House, Program, housed
from tests.statuspage.terminal import statuspage


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


async def scoped(house: House, name: str, *scopes: str) -> Program:
    text = await house.store.write(partial(people.add_token, name=name, roles=[*Role], scopes=scopes, at=house.now))
    browser = house.browser()
    browser.session.headers["Authorization"] = f"Bearer {text}"
    return Program(session=browser.session)


async def used(house: House) -> datetime | None:
    """When the token was used, once all that is being written is."""
    await asyncio.gather(*house.app[USES]._writing)
    (token,) = await house.store.read(people.list_tokens)
    return token.last_used_at


async def test_a_token_with_scopes_gets_where_they_lead_and_nowhere_else(house: House) -> None:
    program = await scoped(house, "phones", "callers:write", "triage:read")
    assert (await program.send("/callers", {"service": "email"})).status == 201
    assert (await program.get("/triage", q="mail")).status == 200
    wrong = []
    for route in ROUTES:
        path = route.path.replace("{id}", "x").replace("{number}", "1")
        if (
            route.face is Face.PERSON
            or isinstance(route.policy, Access)
            or scope_of(route.method, path) in {"callers:write", "triage:read"}
        ):
            continue
        answer = await program.session.request(route.method, path, json=None if route.method == "GET" else {})
        wrong += [] if answer.status == 403 else [(route.method, path, answer.status)]
    assert wrong == []
    refusal = await program.send("/changes", {"what": "a release"})
    assert "the scope changes:write" in (await refusal.json(content_type=None))["detail"]
    assert "the API alone" in await (await program.session.get("/agents")).text()


async def test_when_a_token_was_used_is_kept_once_a_minute_and_shown(house: House) -> None:
    program, admin = await house.program("pager"), await house.logged_in("root", Role.ADMIN)
    assert "never used" in await admin.page("/agents")
    began = house.now
    for _ in range(3):
        assert (await program.get("/services")).status == 200
        house.wait(seconds=20)
        assert await used(house) == began
    await program.get("/services")
    assert await used(house) == house.now
    assert "last used" in await admin.page("/agents")


async def test_a_scope_that_opens_nothing_is_refused_with_all_that_there_are(house: House) -> None:
    file = house.data_dir / "statuspage.yaml"
    file.write_text("site: {name: Example, url: http://127.0.0.1:1}\nstore: {url: 'sqlite:///desk.db'}\n", encoding="utf-8")
    words = ("tokens", "create", "pager", "--role", "level-one", "--data-dir", ".", "--scope")
    refused = await statuspage(*words, "call:write", here=house.data_dir)
    assert (refused.code, "callers:write" in refused.err) == (2, True), refused.err
    assert (await statuspage(*words, "callers:write", here=house.data_dir)).code == 0
    (token,) = await house.store.read(people.list_tokens)
    assert token.scopes == frozenset({"callers:write"})
    admin = await house.logged_in("root", Role.ADMIN)
    form = {"name": "ci", "role:level-one": "on", "days": "30"}
    assert (await admin.send("/agents/tokens", {**form, "scopes": "change:write"}, of="/agents")).status == 422
    assert (await admin.send("/agents/tokens", {**form, "scopes": "changes:write changes:read"}, of="/agents")).status == 200
    assert "for changes:read, changes:write" in await admin.page("/agents")
    assert {"callers:write", "metrics:read", "incidents:read", "ingest:write"} <= known_scopes()
