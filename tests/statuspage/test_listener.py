"""The listener's runner: what stands between the loop and an application."""

from collections.abc import Iterable
from typing import Any

from aiohttp import ClientSession, HttpVersion11, web

from statuspage.web.listener import ANSWER, PatientRunner, Ready


async def _hello(request: web.Request) -> web.StreamResponse:
    return web.Response(text=f"hello {request.path}")


async def test_an_application_with_one_handler_is_not_searched_for_a_route() -> None:
    app = web.Application()  # which knows no path at all
    app[ANSWER] = _hello
    assert await asked(app, "/anything") == (200, "hello /anything")


async def test_an_application_without_one_answers_where_it_has_a_route() -> None:
    app = web.Application()
    app.router.add_get("/here", _hello)
    assert await asked(app, "/here") == (200, "hello /here")
    assert await asked(app, "/there") == (404, "404\n")


class Written:
    """A request whose answer goes to nobody, and its own writer and line."""

    version, keep_alive = HttpVersion11, True

    def __init__(self, method: str) -> None:
        self.method, self.parts = method, list[bytes]()
        self.writer = self.transport = self

    def is_closing(self) -> bool:
        return False

    def writelines(self, parts: Iterable[bytes]) -> None:
        self.parts += parts

    async def write_eof(self) -> None:
        pass

    async def drain(self) -> None:
        pass


async def test_no_empty_part_is_written_that_asyncio_would_try_to_send_for_ever() -> None:
    for method, parts in (("GET", [b"head\r\n\r\n", b"body"]), ("HEAD", [b"head\r\n\r\n"])):
        asking: Any = Written(method)
        ready = Ready(b"head\r\n", b"", b"body")
        await ready.prepare(asking)
        await ready.write_eof()
        assert asking.parts == parts


async def asked(app: web.Application, path: str) -> tuple[int, str]:
    runner = PatientRunner(app, headers={})
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        async with ClientSession() as session, session.get(f"http://127.0.0.1:{runner.addresses[0][1]}{path}") as answer:
            return answer.status, await answer.text()
    finally:
        await runner.cleanup()
