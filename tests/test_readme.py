"""What the README tells a newcomer to do, done."""

import asyncio
import json
import os
import re
import shlex
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientConnectionError, ClientSession, web
from aiohttp.test_utils import TestServer
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP

from statuspage.config.loading import load
from statuspage.demo.ports import free_address
from tests.deadline import PATIENCE
from tests.statuspage.terminal import CHECKOUT, COMMAND, statuspage


@pytest.fixture
def readme(checkout: Path) -> str:
    return (checkout / "README.md").read_text(encoding="utf-8")


def own_page(readme: str) -> tuple[list[str], list[list[str]]]:
    """The command that the README begins with, and the words of each that follows beside the running service."""
    found = re.search(r"<!-- own page:.*?```sh\n(.*?)```.*?```sh\n(.*?)```", readme, re.DOTALL)
    assert found
    return shlex.split(found[1]), [shlex.split(line) for line in found[2].splitlines()]


@pytest_asyncio.fixture
async def company() -> AsyncIterator[tuple[str, str]]:
    """A web server, where one page is missing, and a mail server: their addresses."""

    async def welcome(_: web.Request) -> web.Response:
        return web.Response(text="welcome")

    app = web.Application()
    app.router.add_get("/", welcome)
    async with (
        TestServer(app) as server,
        await asyncio.get_running_loop().create_server(lambda: SMTP(Sink()), "127.0.0.1", 0) as mail,
    ):
        yield str(server.make_url("/")), f"127.0.0.1:{mail.sockets[0].getsockname()[1]}"


async def test_from_nothing_to_a_page_with_what_works_and_what_does_not_as_the_readme_says(
    readme: str, company: tuple[str, str], tmp_path: Path
) -> None:
    (_, *first), commands = own_page(readme)
    assert {words[0] for words in commands} == {"statuspage"}
    public, internal = free_address(), free_address()
    site, mail = company
    server = await asyncio.create_subprocess_exec(
        *(*COMMAND, *first, "--public", str(public), "--internal", str(internal)),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert server.stdin is not None
    server.stdin.write(f'Muster "IT"\n\n{site}\n{mail}\nanna\n'.encode())
    try:
        await services(f"http://{public}", until={"Website": "operational", "Email": "operational"})
        for words in commands:
            told = [word.replace("https://www.example.org/shop", f"{site}shop").replace("mail.example.org", "127.0.0.1") for word in words]
            done = await statuspage(*told[1:], here=tmp_path)
            assert done.code in ((0, 1) if words[1] in {"add", "doctor"} else (0,)), done.err + done.out
        assert (await statuspage("add", "http", f"{site}shop", "--service", "shop", "--anyway", here=tmp_path)).code == 0
        await services(f"http://{public}", until={"Website": "operational", "Email": "operational", "Shop": "major_outage"})
        examined = await statuspage("doctor", "--json", "--time-server", "127.0.0.1", here=tmp_path)
        found = {one["about"]: one["standing"] for one in json.loads(examined.out)["findings"]}
        assert {found[about] for about in ("public url", "store", "files", "proxies")} == {"good"}, examined.out
    finally:
        server.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE):
            out, _ = await server.communicate()
    assert server.returncode == 0
    assert re.search(r"log in as anna with the password \S{16,}", out.decode())
    assert out.decode().count("works: ") == 2


async def services(url: str, *, until: dict[str, str]) -> None:
    """Wait until the page says *until* of its services."""
    seen: dict[str, str] = {}
    async with asyncio.timeout(3 * PATIENCE), ClientSession() as session:
        while seen != until:
            await asyncio.sleep(0.05)
            try:
                async with session.get(f"{url}/api/v2/summary.json") as answer:
                    seen = {row["name"]: row["status"] for row in (await answer.json())["components"]}
            except ClientConnectionError:
                continue


def test_the_file_that_the_readme_shows_can_be_used(readme: str, tmp_path: Path) -> None:
    found = re.search(r"<!-- own file:.*?```yaml\n(.*?)```", readme, re.DOTALL)
    assert found
    (tmp_path / "statuspage.yaml").write_text(found[1], encoding="utf-8")
    assert load(tmp_path / "statuspage.yaml", {}).warnings == ()


def test_every_link_in_the_documents_leads_somewhere(checkout: Path) -> None:
    pages = [checkout / "README.md", checkout / "CONTRIBUTING.md", checkout / "CHANGELOG.md", *(checkout / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(checkout)}: {target}"
        for page in pages
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []
