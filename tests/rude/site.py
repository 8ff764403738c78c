"""A real web server on 127.0.0.1 for tests that want an application and not a script."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def serving(app: web.Application, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve *app* at a free port, and give the port."""
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def everything(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.Application:
    """An application in which *handler* answers whatever is asked."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    return app
