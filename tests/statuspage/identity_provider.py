"""A provider of identities from the package index, as a process of its own, which demands PKCE of everybody."""

import asyncio
import hashlib
import io
import os
import sys
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

from aiohttp import ClientSession
from yarl import URL

from tests.statuspage.desks import Browser

Answering = Callable[..., Any]


@dataclass(slots=True)
class Pkce:
    """RFC 7636 in front of *app*, which does not know it: a code is for whoever knows the challenge's verifier."""

    app: Answering
    challenges: dict[str, str] = field(default_factory=dict)

    def __call__(self, environ: dict[str, Any], start: Answering) -> Iterable[bytes]:
        asked = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}

        def answered(status: str, headers: list[tuple[str, str]], *more: object) -> Answering:
            came = parse_qs(urlsplit(dict(headers).get("Location", "")).query).get("code", [])
            for code in came:
                self.challenges[code] = asked.get("code_challenge", "") if asked.get("code_challenge_method") == "S256" else ""
            started: Answering = start(status, headers, *more)
            return started

        if environ["PATH_INFO"] == "/oauth2/token" and not self.is_known(environ):
            start("400 Bad Request", [("Content-Type", "application/json")])
            return [b'{"error": "invalid_grant"}']
        answer: Iterable[bytes] = self.app(environ, answered)
        return answer

    def is_known(self, environ: dict[str, Any]) -> bool:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = io.BytesIO(body)
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        made = urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        return self.challenges.pop(form.get("code", ""), None) == made


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
        """Nobody reads it."""


def serve() -> None:
    import oidc_provider_mock  # noqa: PLC0415 - only this process needs it

    with make_server("127.0.0.1", 0, Pkce(oidc_provider_mock.app(require_nonce=True)), handler_class=Quiet) as server:
        sys.stdout.write(f"{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """Where it is, and what a person does there."""

    issuer: str

    async def knows(self, subject: str, **claims: object) -> None:
        async with ClientSession() as session:
            answer = await session.put(f"{self.issuer}/users/{subject}", json=claims)
            assert answer.status == 204

    async def consents(self, browser: Browser, subject: str, *, target: str = "/", action: str = "authorize") -> str:
        """Begin at the desk, log in here as *subject*; gives the way back, which the browser has not taken yet."""
        begun = await browser.get(f"/login/provider?next={target}")
        assert begun.status == 303, await begun.text()
        async with ClientSession() as session:
            where = URL(begun.headers["Location"], encoded=True)
            answer = await session.post(where, data={"sub": subject, "action": action}, allow_redirects=False)
            assert answer.status == 302, await answer.text()
            back = URL(answer.headers["Location"])  # it forgets the state of a refusal, against RFC 6749, 4.1.2.1
            return (back if "state" in back.query else back.update_query(state=where.query["state"])).raw_path_qs


@asynccontextmanager
async def identity_provider() -> AsyncIterator[IdentityProvider]:
    environ = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1", "PYTHONWARNINGS": "ignore"}
    command = (sys.executable, "-m", "tests.statuspage.identity_provider")
    process = await asyncio.create_subprocess_exec(*command, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        port = int(await asyncio.wait_for(process.stdout.readline(), 30))
        yield IdentityProvider(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        await process.wait()


if __name__ == "__main__":
    serve()
