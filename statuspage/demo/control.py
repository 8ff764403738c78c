"""The demo's control server: a page with buttons for people, and the same acts as JSON for a second terminal."""

import hmac
import secrets
from collections import deque
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

import jinja2
from aiohttp import web

from statuspage import bundled
from statuspage.demo.company import EVERY_SERVER, Company, NoSuchThing
from statuspage.demo.ports import LOOPBACK

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


RINGS_AT_MOST = 5
"""How many messages the page shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """What somebody's phone shows: a call, in the words of the service."""

    phone: str
    title: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where the watching service answers, for the page."""

    public: str
    internal: str


class Control:
    """Listens on a free loopback port while it is entered. Acts need the token; the page's forms carry it."""

    def __init__(self, company: Company, links: Links) -> None:
        """Make the token; nothing listens yet."""
        self.token = secrets.token_urlsafe(24)
        self.port = 0
        self._company, self._links = company, links
        self._rings: deque[Ring] = deque(maxlen=RINGS_AT_MOST)
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.1)
        loader = jinja2.FileSystemLoader(bundled.templates() / "demo")
        self._templates = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{LOOPBACK}:{self.port}/"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[web.middleware(partial(self._guard))], client_max_size=4096)
        application.add_routes(
            [
                web.get("/", self._page),
                web.get("/demo.css", self._style),
                web.get("/state", self._state),
                web.post("/break", self._break),
                web.post("/mend", self._mend),
                web.post("/phones/{phone}", self._ring),
            ]
        )
        return application

    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:  # noqa: ANN401 - aiohttp's own type is private
        """Answer only under our own name, so that no foreign page can read the token by pointing its name here."""
        if request.host not in {f"{LOOPBACK}:{self.port}", f"localhost:{self.port}"}:
            raise web.HTTPMisdirectedRequest
        answer: web.StreamResponse = await handler(request)
        answer.headers.update(_HEADERS)
        return answer

    async def _page(self, request: web.Request) -> web.Response:
        del request
        return self._rendered(said="")

    def _rendered(self, *, said: str, status: int = 200) -> web.Response:
        page = self._templates.get_template("control.html")
        text = page.render(
            servers=self._company.state(), links=self._links, token=self.token, said=said, every=EVERY_SERVER, rings=tuple(self._rings)
        )
        return web.Response(text=text, content_type="text/html", status=status)

    async def _style(self, request: web.Request) -> web.FileResponse:
        del request
        return web.FileResponse(bundled.templates() / "demo" / "demo.css")

    async def _state(self, request: web.Request) -> web.Response:
        self._demand_token(request.headers.get("Authorization", "").removeprefix("Bearer "))
        return self._standings()

    async def _break(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        return await self._act(request, form, is_mending=False)

    async def _mend(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        return await self._act(request, form, is_mending=True)

    async def _ring(self, request: web.Request) -> web.Response:
        """Take a message as apprise's ``json://`` sends it."""
        try:
            told = dict(await request.json())
        except ValueError:
            raise web.HTTPBadRequest(text="This is not what a phone is told.\n") from None
        words = str(told.get("message", "")).splitlines()
        self._rings.appendleft(Ring(phone=request.match_info["phone"], title=str(told.get("title", "")), words=next(iter(words), "")))
        return web.Response(status=204)

    async def _form(self, request: web.Request) -> dict[str, str]:
        form = {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
        self._demand_token(form.get("token", ""))
        return form

    def _demand_token(self, token: str) -> None:
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            raise web.HTTPForbidden(text="This needs the demo's own token.\n")

    async def _act(self, request: web.Request, form: dict[str, str], *, is_mending: bool) -> web.Response:
        what, wants_json = form.get("what", ""), request.headers.get("Accept") == "application/json"
        try:
            if is_mending:
                await self._company.mend(what)
            else:
                await self._company.break_(what, form.get("mode") or None)
        except NoSuchThing as trouble:
            return web.json_response({"error": str(trouble)}, status=422) if wants_json else self._rendered(said=str(trouble), status=422)
        except OSError as trouble:
            said = f"{what} does not come up: {trouble}"
            return web.json_response({"error": said}, status=503) if wants_json else self._rendered(said=said, status=503)
        if wants_json:
            return self._standings()
        raise web.HTTPSeeOther("/")

    def _standings(self) -> web.Response:
        standings = self._company.state()
        return web.json_response(
            {
                "servers": [
                    {"name": server.name, "address": str(server.address), "mode": server.mode, "modes": server.modes}
                    for server in standings
                ]
            }
        )
