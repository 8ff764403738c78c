"""The yardstick of the public page: a bare aiohttp handler that returns ready bytes. ``python -m tests.bench.bare DIRECTORY``.

*DIRECTORY* holds the page as the product sends it: ``plain``, ``gzip`` and ``etag``.
"""

import asyncio
import sys
from pathlib import Path

import uvloop
from aiohttp import web

HTML = "text/html; charset=utf-8"


async def main(directory: Path) -> None:
    """Serve the page under ``/plain`` and ``/gzip`` and an empty 304 under ``/kept``; say on which port."""
    plain, gzipped, etag = ((directory / name).read_bytes() for name in ("plain", "gzip", "etag"))
    tag = etag.decode()

    async def send_plain(_: web.Request) -> web.Response:
        return web.Response(body=plain, headers={"Content-Type": HTML, "ETag": tag})

    async def send_gzip(_: web.Request) -> web.Response:
        return web.Response(body=gzipped, headers={"Content-Type": HTML, "Content-Encoding": "gzip", "ETag": tag})

    async def send_kept(_: web.Request) -> web.Response:
        return web.Response(status=304, headers={"ETag": tag})

    app = web.Application()
    app.router.add_get("/plain", send_plain)
    app.router.add_get("/gzip", send_gzip)
    app.router.add_get("/kept", send_kept)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1])))
