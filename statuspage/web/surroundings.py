"""What stands around the console and the API: style and script, and the API's description."""

import asyncio
from collections.abc import Callable

from aiohttp import hdrs, web

from statuspage.web.problems import Rejected
from statuspage.web.screens import CONSOLE

Describing = Callable[[], bytes]
DESCRIPTION: web.AppKey[Describing] = web.AppKey("DESCRIPTION")
"""What makes it, once."""

_FOR_EVER = "public, max-age=31536000, immutable"


async def show_asset(request: web.Request) -> web.Response:
    """Give a file of the console by its name, which holds the hash of its content; nothing is looked up on the disk."""
    found = request.app[CONSOLE].assets.get(request.path)
    if found is None:
        raise Rejected(404, "There is nothing here.")
    body, kind = found
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: kind, hdrs.CACHE_CONTROL: _FOR_EVER})


async def show_openapi(request: web.Request) -> web.Response:
    """Describe the API; the same for every installation, so it needs no token."""
    return web.Response(body=await asyncio.to_thread(request.app[DESCRIPTION]), content_type="application/json")
