"""The page and the console behind nginx and Caddy, by the examples that are shipped."""

import asyncio
import re
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select

from statuspage.app import Service
from statuspage.demo.ports import free_address
from statuspage.store import people
from statuspage.store.audit_tables import audit
from statuspage.store.people import Role
from statuspage.web.listener import Patience
from statuspage.web.stream import BEAT
from tests.deadline import PATIENCE
from tests.rude.certificates import Certificates
from tests.statuspage.fronts import CLIENT, DESK, PAGE, Behind, Front, caddy, nginx

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("fronts")]

LIES = {"X-Forwarded-For": "203.0.113.66", "Forwarded": "for=203.0.113.66", "X-Forwarded-Host": "evil.example", "X-Real-IP": "203.0.113.66"}

FILE = """
site: {{name: "{name}", url: "https://status.lindenhof.example:{port}"}}
console: {{url: "https://desk.lindenhof.example:{port}"}}
listen: {{public: "{public}", internal: "{internal}", trusted_proxies: [127.0.0.1/32]}}
services: {{email: {{needs: [post]}}}}
components: {{post: {{}}}}
"""


class House:
    """A running service that is known under two host names, and its file."""

    def __init__(self, directory: Path) -> None:
        ports = free_address().port, free_address().port
        self.file = directory / "statuspage.yaml"
        self.behind = Behind(public=str(free_address()), internal=str(free_address()), plain=ports[0], port=ports[1])
        self.called("Lindenhof")
        self.service = Service(config_path=self.file, data_dir=directory / "data")

    def called(self, name: str) -> None:
        behind = self.behind
        text = FILE.format(name=name, port=behind.port, public=behind.public, internal=behind.internal)
        self.file.write_text(text, encoding="utf-8")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    house = House(tmp_path_factory.mktemp("behind"))
    async with house.service as service:
        digest = people.hashed("correct horse battery")
        await service.hub.store.write(
            lambda connection: people.add_agent(connection, name="anna", password_hash=digest, roles=[Role.LEVEL_ONE], at=service.hub.now())
        )
        yield house


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["nginx.conf", "Caddyfile"])
async def front(
    request: pytest.FixtureRequest, house: House, checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Front]:
    home = tmp_path_factory.mktemp("front")
    example = (checkout / "config" / "proxies" / request.param).read_text(encoding="utf-8")
    started = nginx if request.param == "nginx.conf" else caddy
    async with started(home, example, house.behind, Certificates(home)) as front:
        yield front


async def test_the_page_goes_through_as_it_is(front: Front) -> None:
    async with front.session.get(front.at(PAGE, "/"), headers=LIES) as answer:
        body = await answer.text()
        assert (answer.status, answer.headers["Content-Encoding"]) == (200, "gzip")
        assert answer.headers.getall("Strict-Transport-Security") == ["max-age=31536000"]
        assert not re.search(r"[0-9]|Caddy", answer.headers.get("Server", ""))
        assert "evil.example" not in body
        known = answer.headers["ETag"]
    async with front.session.get(front.at(PAGE, "/"), headers={"If-None-Match": known}) as again:
        assert again.status == 304


async def test_who_comes_without_tls_is_led_to_it(front: Front) -> None:
    async with front.session.get(f"http://{PAGE}:{front.behind.plain}/history", allow_redirects=False) as answer:
        assert answer.status in {301, 308}
        assert re.fullmatch(rf"https://{PAGE}(:\d+)?/history", answer.headers["Location"])


async def test_an_agent_logs_in_and_the_audit_knows_from_where(front: Front, house: House) -> None:
    login = front.at(DESK, "/login")
    async with front.session.get(login) as form:
        assert form.headers["Strict-Transport-Security"]
        token = re.search(r'name="form_token" value="([^"]+)"', await form.text())
    assert token
    typed = {"form_token": token[1], "name": "anna", "password": "correct horse battery", "next": "/"}
    async with front.session.post(login, data=typed, headers={**LIES, "Origin": front.at(DESK, "")}, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        cookies = answer.headers.getall("Set-Cookie")
    assert all(cookie.startswith("__Host-") and "Secure" in cookie for cookie in cookies)
    async with front.session.get(front.at(DESK, "/")) as queue:
        assert queue.status == 200
    (newest,) = await house.service.hub.store.read(
        lambda connection: connection.execute(select(audit.c.detail).order_by(audit.c.sequence.desc()).limit(1)).all()
    )
    assert newest.detail == {"from": CLIENT}


async def test_nobody_scrapes_by_way_of_the_proxy(front: Front) -> None:
    front.session.cookie_jar.clear()
    async with front.session.get(front.at(DESK, "/metrics")) as answer:
        assert answer.status == 401


async def test_open_pages_are_told_at_once(front: Front, house: House) -> None:
    async with asyncio.timeout(PATIENCE), front.session.get(front.at(PAGE, "/events")) as stream:
        assert stream.content_type == "text/event-stream"
        await stream.content.readuntil(b"event: published\n")
        house.called(f"Lindenhof by {id(front)}")
        await house.service.reload()
        await stream.content.readuntil(b"event: published\n")


async def test_what_is_larger_than_any_form_is_refused(front: Front) -> None:
    flood, form = BytesIO(b"a=" + bytes(64 * 1024)), {"Content-Type": "application/x-www-form-urlencoded"}
    async with front.session.post(front.at(PAGE, "/report/email"), data=flood, headers=form) as answer:
        assert answer.status == 413


async def test_streams_that_are_silent_for_a_while_are_not_cut(checkout: Path) -> None:
    """What says something every BEAT is waited for; idle connections are let go before the service closes them."""
    nginx, caddy = ((checkout / "config" / "proxies" / name).read_text(encoding="utf-8") for name in ("nginx.conf", "Caddyfile"))
    assert {float(said) for said in re.findall(r"proxy_read_timeout (\d+)s;", nginx)} == {5 * BEAT}
    kept = {float(said) for said in re.findall(r"keepalive(?:_timeout)? (\d+)s", nginx + caddy)}
    assert kept == {10.0}
    assert max(kept) < Patience().head
    assert "read_timeout" not in caddy
