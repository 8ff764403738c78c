"""The mirror behind hosts that people have: nginx as docs/mirror.md sets it up, and Python's file server."""

import gzip
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientConnectionError, ClientSession, TCPConnector

from statuspage.mirror.files import FRESH, MISSING
from statuspage.mirror.versions import CURRENT
from statuspage.web.security import HEADERS
from tests.deadline import PATIENCE
from tests.statuspage.mirrored import hosted, published
from tests.stories.programs import agreed

# In a block of its own, beside what the document says.
AROUND = """
daemon off; master_process off; pid {home}/pid; error_log {home}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
    {said}
}}
"""
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json; charset=utf-8",
    ".rss": "application/rss+xml; charset=utf-8",
    ".atom": "application/atom+xml; charset=utf-8",
    ".ics": "text/calendar; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
    ".png": "image/png",
}


@dataclass(frozen=True, kw_only=True)
class Nginx:
    """nginx over a mirror, and what the mirror's files hold."""

    session: ClientSession
    files: Mapping[str, bytes]
    directory: Path


@contextmanager
def running(home: Path, said: str, port: int) -> Iterator[str]:
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None:
        pytest.fail("nginx is not installed (Debian: apt install nginx-light)", pytrace=False)
    (home / "nginx.conf").write_text(AROUND.format(home=home, said=said), encoding="utf-8")
    with subprocess.Popen([program, "-c", home / "nginx.conf"], stderr=subprocess.PIPE) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(PATIENCE)


@pytest.fixture
async def nginx(tmp_path: Path, checkout: Path) -> AsyncIterator[Nginx]:
    directory = tmp_path / "mirror"
    files = await published(directory)
    found = re.search(r"```nginx\n(.*?)```", (checkout / "docs" / "mirror.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert found[1].count("listen 80;") == found[1].count("/srv/www/status/current") == 1
    said = found[1].replace("listen 80;", f"listen 127.0.0.1:{port};").replace("/srv/www/status/current", str(directory / CURRENT))
    with running(tmp_path, said, port) as url:
        async with ClientSession(url, auto_decompress=False, connector=TCPConnector(), skip_auto_headers=["Accept-Encoding"]) as session:

            async def silence() -> list[str]:
                try:
                    async with session.get("/") as answer:
                        return [] if answer.status == 200 else [f"it answers {answer.status}: {await answer.text()}"]
                except ClientConnectionError as error:
                    return [str(error)]

            await agreed(silence)
            yield Nginx(session=session, files=files, directory=directory)


def addresses(files: Mapping[str, bytes]) -> dict[str, str]:
    """The paths of the live site, and the file that each of them finds."""
    names = (name for name in files if not name.endswith(".gz") and name != MISSING)
    return {f"/{name.removesuffix('index.html').rstrip('/')}": name for name in names}


async def test_nginx_answers_every_path_of_the_live_site_with_its_bytes_and_kind(nginx: Nginx) -> None:
    wrong = []
    for path, name in addresses(nginx.files).items():
        async with nginx.session.get(path, allow_redirects=False) as answer:
            told = (answer.status, answer.headers.get("Content-Type"), await answer.read() == nginx.files[name])
            if told != (200, KINDS[Path(name).suffix], True):
                wrong.append((path, told))
    assert wrong == []


async def test_nginx_sends_what_is_compressed_already(nginx: Nginx) -> None:
    async with nginx.session.get("/", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(await answer.read()) == nginx.files["index.html"]


async def test_nginx_says_what_is_not_there_in_our_words(nginx: Nginx) -> None:
    async with nginx.session.get("/incidents/nothing") as answer:
        assert (answer.status, await answer.read()) == (404, nginx.files[MISSING])


async def test_nginx_guards_pages_as_the_live_site_does_and_lets_programs_read(nginx: Nginx) -> None:
    async with nginx.session.get("/") as answer:
        for name in ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"):
            assert answer.headers[name] == HEADERS[name]
        assert "Access-Control-Allow-Origin" not in answer.headers
    for path in ("/api/v2/summary.json", "/history.atom", "/badges/email.svg"):
        async with nginx.session.get(path) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "Content-Security-Policy" in answer.headers


async def test_nginx_lets_nobody_keep_the_age_and_everybody_the_assets(nginx: Nginx) -> None:
    (style,) = (f"/{name}" for name in nginx.files if name.endswith(".css"))
    for path, kept in {f"/{FRESH}": "no-store", style: "immutable", "/": "max-age=0"}.items():
        async with nginx.session.get(path) as answer:
            assert kept in answer.headers["Cache-Control"]


async def test_nginx_says_not_modified_until_the_next_version_and_then_the_new_bytes(nginx: Nginx) -> None:
    async with nginx.session.get("/maintenance") as first:
        known = {"If-None-Match": first.headers["ETag"]}
    async with nginx.session.get("/maintenance", headers=known) as again:
        assert again.status == 304
    files = await published(nginx.directory, name="Other patches")
    async with nginx.session.get("/maintenance", headers=known) as after:
        assert (after.status, await after.read()) == (200, files["maintenance/index.html"])


async def test_a_plain_file_server_finds_every_path_too(tmp_path: Path) -> None:
    files = await published(tmp_path / "mirror")
    with hosted(tmp_path / "mirror") as host:
        async with ClientSession(host.url) as session:
            for path, name in addresses(files).items():
                async with session.get(path) as answer:
                    assert (answer.status, await answer.read()) == (200, files[name]), path


async def test_a_plain_file_server_tells_what_is_new_to_who_has_seen_the_words_between(tmp_path: Path) -> None:
    """It compares times alone, and says that nothing changed since."""
    await published(tmp_path / "mirror", name="Patches")
    await published(tmp_path / "mirror", name="Other patches")
    with hosted(tmp_path / "mirror") as host:
        async with ClientSession(host.url) as session:
            async with session.get("/maintenance/") as between:
                seen = {"If-Modified-Since": between.headers["Last-Modified"]}
            await published(tmp_path / "mirror", name="Patches")
            async with session.get("/maintenance/", headers=seen) as after:
                assert after.status == 200
                assert "Other patches" not in await after.text()
