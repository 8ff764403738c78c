"""The company's two web sites: a webmail that reads the mailboxes, and a customer portal that stands on its own."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import jinja2
from aiohttp import web

from statuspage.demo.deliver import Mailbox, NotDelivered, count
from statuspage.demo.modes import Mode
from statuspage.demo.ports import Address, Conversation, bind, say_nothing
from statuspage.demo.storage import Ask, StorageAway

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_SLOWLY = 1.5  # seconds that a slow site takes to answer


class Website:
    """Serves *pages*, (method, path) to handler, over HTTP."""

    modes = (Mode.STOPPED, Mode.STALLING, Mode.ERRORS, Mode.SLOW)

    def __init__(self, address: Address, pages: Mapping[tuple[str, str], Handler]) -> None:
        """Only remember; ``open`` listens."""
        self._address, self._pages = address, pages
        self._stand_in = Conversation(address)
        self._runner: web.AppRunner | None = None

    async def open(self, mode: Mode | None) -> None:
        """Serve, well or broken by *mode*."""
        if mode is Mode.STALLING:
            await self._stand_in.open(say_nothing)
            return
        application = web.Application(middlewares=[web.middleware(partial(_through, mode))])
        application.add_routes([web.route(method, path, page) for (method, path), page in self._pages.items()])
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.SockSite(self._runner, await bind(self._address)).start()

    async def close(self) -> None:
        """Stop listening and cut every connection."""
        await self._stand_in.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


async def _through(mode: Mode | None, request: web.Request, handler: Handler) -> web.StreamResponse:
    if mode is Mode.ERRORS:
        raise web.HTTPInternalServerError(text="Internal Server Error\n")
    if mode is Mode.SLOW:
        await asyncio.sleep(_SLOWLY)
    return await handler(request)


def webmail(address: Address, *, mailbox: Mailbox, ask: Ask, templates: jinja2.Environment) -> Website:
    """Build the webmail: a form that signs in to the mailbox; each page asks the storage first."""

    async def answer(said: str, *, status: int = 200) -> web.Response:
        try:
            await ask()
        except StorageAway:
            return web.Response(text="Webmail is not available at the moment.\n", status=503)
        page = templates.get_template("webmail.html").render(said=said)
        return web.Response(text=page, content_type="text/html", status=status)

    async def form(request: web.Request) -> web.Response:
        del request
        return await answer("")

    async def sign_in(request: web.Request) -> web.Response:
        typed = await request.post()
        named = Mailbox(address=mailbox.address, user=str(typed.get("user", "")), password=str(typed.get("password", "")))
        try:
            held = await count(named)
        except NotDelivered:
            return await answer("That did not work: wrong name or password, or the mailboxes are away.", status=403)
        return await answer(f"Signed in. Messages in the inbox: {held}.")

    return Website(address, {("GET", "/webmail"): form, ("POST", "/webmail"): sign_in})


def portal(address: Address, *, templates: jinja2.Environment) -> Website:
    """Build the customer portal: one page."""

    async def home(request: web.Request) -> web.Response:
        del request
        return web.Response(text=templates.get_template("portal.html").render(), content_type="text/html")

    return Website(address, {("GET", "/"): home})
