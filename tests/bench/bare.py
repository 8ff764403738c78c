"""The yardstick of what the public reads: a bare aiohttp handler that returns ready bytes. ``python -m tests.bench.bare DIRECTORY``.

*DIRECTORY* holds for each path, numbered from 0, what the product sends: ``N.path``, ``N.type``, ``N.etag``, ``N.plain`` and ``N.gzip``.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop
from aiohttp import web


def added(app: web.Application, directory: Path, number: int) -> None:
    """Three answers at one path, each below the name of its kind: no handler asks what was asked."""
    path, kind, tag = ((directory / f"{number}.{name}").read_text(encoding="ascii") for name in ("path", "type", "etag"))
    plain, gzipped = ((directory / f"{number}.{name}").read_bytes() for name in ("plain", "gzip"))

    async def send_plain(_: web.Request) -> web.Response:
        return web.Response(body=plain, headers={"Content-Type": kind, "ETag": tag})

    async def send_gzip(_: web.Request) -> web.Response:
        return web.Response(body=gzipped, headers={"Content-Type": kind, "Content-Encoding": "gzip", "ETag": tag})

    async def send_kept(_: web.Request) -> web.Response:
        return web.Response(status=304, headers={"ETag": tag})

    for name, send in (("plain", send_plain), ("gzip", send_gzip), ("kept", send_kept)):
        app.router.add_get(f"/{name}{path}", send)


async def main(directory: Path, numbers: Sequence[int]) -> None:
    """Serve all of them; say on which port."""
    app = web.Application()
    for number in numbers:
        added(app, directory, number)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    here = Path(sys.argv[1])
    uvloop.run(main(here, [int(file.stem) for file in here.glob("*.path")]))
