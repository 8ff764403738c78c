"""The listener's runner: what stands between the loop and an application."""

from aiohttp import ClientSession, web

from statuspage.web.listener import ANSWER, PatientRunner


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
