"""nginx and Caddy, Debian's packages, by the very files that are shipped: only addresses and certificates are put in."""

import asyncio
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.deadline import PATIENCE
from tests.rude.certificates import Certificates

PAGE, DESK = "status.lindenhof.example", "desk.lindenhof.example"
CLIENT = "127.0.0.9"

NGINX = """
daemon off; master_process off; worker_processes 1; pid {home}/pid; error_log {home}/error.log;
events {{ worker_connections 500; }}
http {{
    access_log off; client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
    include {home}/statuspage.conf;
}}
"""
CADDY = "{{\n\tadmin off\n\tdefault_bind {address}\n\thttp_port {plain}\n\thttps_port {port}\n}}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Where the service listens, and on which ports proxies are to."""

    public: str
    internal: str
    plain: int
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """A proxy that runs, and a browser that believes its certificates and comes from CLIENT."""

    behind: Behind
    session: ClientSession

    def at(self, host: str, path: str) -> str:
        return f"https://{host}:{self.behind.port}{path}"


class _Everywhere(AbstractResolver):
    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        return [{"hostname": host, "host": self._address, "port": port, "family": family, "proto": 0, "flags": socket.AI_NUMERICHOST}]

    async def close(self) -> None:
        """Nothing is held."""


@asynccontextmanager
async def nginx(home: Path, example: str, behind: Behind, certificates: Certificates) -> AsyncIterator[Front]:
    """nginx by *example*, on an address of its own."""
    address, v6 = "127.0.0.2", "[::1]"
    ports = {"80": behind.plain, "443": behind.port}
    said = re.sub(r"listen (\[::\]:)?(80|443)\b", lambda m: f"listen {v6 if m[1] else address}:{ports[m[2]]}", example)
    said = re.sub(r"/etc/ssl/[a-z.]+/fullchain.pem", f"{home}/chain.pem", re.sub(r"/etc/ssl/[a-z.]+/privkey.pem", f"{home}/key.pem", said))
    certificates.write(home, PAGE, DESK)
    (home / "statuspage.conf").write_text(_listening(said, behind), encoding="utf-8")
    (home / "nginx.conf").write_text(NGINX.format(home=home), encoding="utf-8")
    async with _running(("nginx", "-c", str(home / "nginx.conf")), {}, address, behind, certificates) as front:
        yield front


@asynccontextmanager
async def caddy(home: Path, example: str, behind: Behind, certificates: Certificates) -> AsyncIterator[Front]:
    """Caddy by *example*, on an address of its own."""
    address = "127.0.0.3"
    certificates.write(home, PAGE, DESK)
    said = re.sub(r"^([a-z.]+\.example) \{", rf"\1 {{\n\ttls {home}/chain.pem {home}/key.pem", example, flags=re.MULTILINE)
    ports = CADDY.format(address=address, plain=behind.plain, port=behind.port)
    (home / "Caddyfile").write_text(ports + _listening(said, behind), encoding="utf-8")
    words = ("caddy", "run", "--adapter", "caddyfile", "--config", str(home / "Caddyfile"))
    own = {"HOME": str(home), "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    async with _running(words, own, address, behind, certificates) as front:
        yield front


def _listening(said: str, behind: Behind) -> str:
    assert "127.0.0.1:8080" in said
    return said.replace("127.0.0.1:8080", behind.public).replace("127.0.0.1:8081", behind.internal)


@asynccontextmanager
async def _running(
    words: Sequence[str], own: Mapping[str, str], address: str, behind: Behind, certificates: Certificates
) -> AsyncIterator[Front]:
    places = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
    program = shutil.which(words[0], path=places)
    if program is None:
        pytest.fail(f"{words[0]} is not installed (Debian: apt install {words[0]})", pytrace=False)
    process = await asyncio.create_subprocess_exec(program, *words[1:], env={"PATH": places, **own}, stderr=subprocess.PIPE)
    try:
        await _listens(address, behind.port, process)
        trust = ssl.create_default_context(cafile=certificates.ca)
        connector = TCPConnector(resolver=_Everywhere(address), local_addr=(CLIENT, 0), ssl=trust)
        async with ClientSession(connector=connector, cookie_jar=CookieJar()) as session:
            yield Front(behind=behind, session=session)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def _listens(address: str, port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if process.returncode is not None:
                _, said = await process.communicate()
                pytest.fail(said.decode(), pytrace=False)
            try:
                _, writer = await asyncio.open_connection(address, port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
