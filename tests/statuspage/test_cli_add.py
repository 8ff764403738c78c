"""``statuspage add``: what was typed is probed, shown, and watched from then on."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP

from tests.statuspage.terminal import statuspage

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[str]:
    async def welcome(_: web.Request) -> web.Response:
        return web.Response(text="welcome")

    app = web.Application()
    app.router.add_get("/", welcome)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mail() -> AsyncIterator[str]:
    async with await asyncio.get_running_loop().create_server(lambda: SMTP(Sink()), "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_what_works_is_added_and_what_was_written_stays(site: str, mail: str, tmp_path: Path) -> None:
    file = tmp_path / "statuspage.yaml"
    before = f'# ours\r\nsite: {{name: A, url: "{site}"}}   # keep\r\n'
    file.write_bytes(b"\xef\xbb\xbf" + before.encode())
    file.chmod(0o640)
    first = await statuspage("add", "http", site, "--service", "website", here=tmp_path)
    assert (first.code, f"works: http {site}" in first.out) == (0, True), first.err
    login = ("--set", "login.user=me", "--set", "login.password={env: PASSWORD}", "--set", "allow_plaintext=true")
    second = await statuspage(
        "add", "smtp", mail, "--service", "email", *login, "--json", "--anyway", here=tmp_path, environ={"PASSWORD": "secret-xyz"}
    )
    told = json.loads(second.out)
    assert (second.code, told["is_added"], told["files"]) == (0, True, ["statuspage.yaml"])
    after = file.read_bytes().decode("utf-8-sig")
    assert after.startswith(before)
    assert "secret-xyz" not in after + second.out + second.err
    assert "email-smtp: {user: me, password: {env: PASSWORD}}" in after
    assert file.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["statuspage.yaml"]  # noqa: PTH208
    ended = await statuspage("check-config", here=tmp_path, environ={"PASSWORD": "x"})
    assert "2 services, 2 components, 2 monitors" in ended.out


async def test_what_fails_is_shown_and_added_only_when_that_is_said(site: str, tmp_path: Path) -> None:
    file = tmp_path / "statuspage.yaml"
    file.write_text(f"site: {{name: A, url: {site!r}}}\n")
    before = file.read_bytes()
    words = ("add", "http", f"{site}missing", "--service", "website")
    refused = await statuspage(*words, here=tmp_path)
    assert (refused.code, "fails: http" in refused.out, "--anyway" in refused.out) == (1, True, True)
    assert file.read_bytes() == before
    assert (await statuspage(*words, "--anyway", here=tmp_path)).code == 0
    assert b"missing" in file.read_bytes()


@pytest.mark.parametrize(
    ("words", "mend"),
    [
        ([], "--service"),
        (["--service", "We b"], "an id is lowercase"),
        (["--component", "mailbox"], "did you mean 'mailboxes'"),
        (["--service", "email"], "say by --component"),
        (["--service", "new", "--set", "bearer=hunter2"], "a secret never stands in the file"),
        (["--service", "new", "--set", "verify=perhaps"], "verify: write true or false"),
    ],
)
async def test_what_cannot_be_added_is_refused_before_anything_is_probed(words: list[str], mend: str, tmp_path: Path) -> None:
    file = tmp_path / "statuspage.yaml"
    needs = "{needs: [{component: mailboxes}, {component: sending}]}"
    file.write_text(
        f"site: {{name: A, url: 'http://a.example'}}\nservices: {{email: {needs}}}\ncomponents: {{mailboxes: {{}}, sending: {{}}}}\n"
    )
    before = file.read_bytes()
    ended = await statuspage("add", "http", "https://127.0.0.1:9/", *words, here=tmp_path)
    assert (ended.code, mend in ended.err, "hunter2" in ended.err) == (2, True, False), ended.err + ended.out
    assert file.read_bytes() == before


async def test_of_a_directory_the_file_grows_that_has_the_service(site: str, tmp_path: Path) -> None:
    home = tmp_path / "statuspage.d"
    home.mkdir()
    (home / "10-site.yaml").write_text(f"site: {{name: A, url: {site!r}}}\n")
    (home / "20-mail.yaml").write_text("services:\n  email:\n    needs: [{component: mailboxes}]\ncomponents: {mailboxes: {}}\n")
    ended = await statuspage("add", "http", site, "--service", "email", "--config", "statuspage.d", here=tmp_path)
    assert ended.code == 0, ended.err
    assert "mailboxes-http: {component: mailboxes, probe: http" in (home / "10-site.yaml").read_text()
    again = await statuspage("add", "http", site, "--service", "website", "--config", "statuspage.d", here=tmp_path)
    assert again.code == 0, again.err
    assert "website" in (home / "20-mail.yaml").read_text()
