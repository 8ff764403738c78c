"""The public listener over real sockets: the same bytes for everybody, and no patience for those who send nothing."""

import asyncio
import gzip
import json
import random
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from aiohttp import ClientSession

from incidents.model import State, Status
from statuspage.render.finished import Finished, finish
from statuspage.web.negotiation import accepts_gzip
from statuspage.web.public_routes import PUBLIC_ROUTES, Surface, surface_of
from tests.statuspage.pictures import NOW, service, snapshot, story, update
from tests.statuspage.serving import Served, serving

EMAIL = service("email")
OPEN = story(update(1), id_="incidentopen")
EVERYWHERE = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
PATHS = ["/", "/history.rss", "/history.atom", "/api/v2/summary.json", "/incidents/incidentopen"]


@dataclass(frozen=True)
class Site:
    served: Served
    session: ClientSession


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    served = Served()
    served.publish(snapshot(EMAIL, stories=(OPEN,), statuses={"email": Status.PARTIAL}))
    async with serving(served) as session:
        yield Site(served, session)


async def speak(served: Served, sent: bytes) -> bytes:
    """Send raw bytes and read until the listener closes, which a refusal and ``Connection: close`` both bring about."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        writer.write(sent)
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


def head(answer: bytes) -> tuple[int, dict[str, str]]:
    lines = answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return int(lines[0].split()[1]), dict(line.split(": ", 1) for line in lines[1:])


# --- one content for everybody


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_answers_with_its_finished_bytes(site: Site, path: str) -> None:
    assert site.served.shelf is not None
    finished = site.served.shelf.files[path]
    async with site.session.get(path) as answer:
        assert answer.status == 200
        assert await answer.read() == finished.body
        assert answer.headers["Content-Type"] == finished.content_type
        assert answer.headers["ETag"] == finished.etag
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
async def test_a_reader_that_takes_gzip_gets_it_under_its_own_tag(site: Site, path: str) -> None:
    assert site.served.shelf is not None
    finished = site.served.shelf.files[path]
    async with site.session.get(path, headers={"Accept-Encoding": "br, gzip;q=0.8"}) as answer:
        assert await answer.read() == finished.gzipped
        assert gzip.decompress(finished.gzipped) == finished.body
        assert (answer.headers["Content-Encoding"], answer.headers["ETag"]) == ("gzip", finished.gzip_etag)
        assert answer.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "asked",
    [
        {"Cookie": "session=abc; agent=anna"},
        {"Authorization": "Bearer abc"},
        {"Accept": "application/json;q=0.1, */*"},
        {"Accept-Language": "de"},
        {"User-Agent": "() <script>"},
        {"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Host": "evil.example", "Host": "evil.example"},
        {"Range": "bytes=0-10"},
        {"If-Modified-Since": "Sun, 22 Nov 2037 16:00:00 GMT"},
        {"Expect": "the unexpected"},
    ],
    ids=lambda asked: next(iter(asked)),
)
async def test_nothing_that_a_request_brings_along_changes_a_byte(site: Site, asked: dict[str, str]) -> None:
    assert site.served.shelf is not None
    async with site.session.get("/?x=random&lang=de&%00=1", headers=asked) as answer:
        assert answer.status == 200
        assert await answer.read() == site.served.shelf.files["/"].body
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["ETag"] == site.served.shelf.files["/"].etag


@pytest.mark.parametrize("is_gzip", [False, True])
async def test_a_reader_that_has_it_already_is_told_so_without_a_body(site: Site, is_gzip: bool) -> None:  # noqa: FBT001 - a case
    coding = {"Accept-Encoding": "gzip"} if is_gzip else {}
    async with site.session.get("/history.atom", headers=coding) as first:
        tag = first.headers["ETag"]
    async with site.session.get("/history.atom", headers={**coding, "If-None-Match": f'"else", W/{tag}'}) as again:
        assert (again.status, await again.read(), again.headers["ETag"]) == (304, b"", tag)
        assert again.headers["Vary"] == "Accept-Encoding"
        assert "Content-Encoding" not in again.headers
    async with site.session.get("/history.atom", headers={**coding, "If-None-Match": '"else"'}) as other:
        assert other.status == 200


async def test_head_has_the_headers_of_get_and_no_body(site: Site) -> None:
    async with site.session.get("/") as got, site.session.head("/") as asked:
        assert (asked.status, await asked.read()) == (200, b"")
        names = {"ETag", "Content-Length", "Content-Type", "Cache-Control", "Statuspage-As-Of", "Vary"}
        assert {name: asked.headers[name] for name in names} == {name: got.headers[name] for name in names}


async def test_a_new_publication_is_served_at_once_on_every_path(site: Site) -> None:
    for path in PATHS:
        async with site.session.get(path) as answer:
            assert answer.status == 200
    told = story(*OPEN.updates, update(2, State.IDENTIFIED, "A disk is full."), id_="incidentopen")
    site.served.publish(snapshot(EMAIL, stories=(told,)), NOW + timedelta(minutes=1))
    for path in PATHS:
        async with site.session.get(path) as answer:
            assert b"A disk is full." in await answer.read(), path


async def test_the_exact_age_is_beside_every_answer_and_outside_its_tag(site: Site) -> None:
    for path in [*PATHS, "/nowhere", "/healthz", "/fresh.json"]:
        async with site.session.get(path) as answer:
            assert answer.headers["Statuspage-As-Of"] == "2026-11-22T16:00:30Z", path
    async with site.session.get("/fresh.json") as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        assert "ETag" not in answer.headers
        assert (await answer.json())["as_of"] == "2026-11-22T16:00:30Z"


async def test_caches_ask_each_time_but_keep_assets_for_ever(site: Site) -> None:
    assert site.served.shelf is not None
    asset = next(path for path in site.served.shelf.files if path.startswith("/assets/"))
    async with site.session.get(asset) as answer:
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    async with site.session.get("/") as answer:
        assert answer.headers["Cache-Control"] == "public, max-age=0, stale-if-error=86400"


# --- what is refused, and how


async def test_every_answer_is_hardened_and_says_nothing_about_the_software(site: Site) -> None:
    served = site.served
    seen = set()
    lines = [b"GET / HTTP/1.1", b"GET /nowhere HTTP/1.1", b"POST / HTTP/1.1", b"OPTIONS /api/v2/status.json HTTP/1.1"]
    lines += [b"GET /api/v2/none.json HTTP/1.1", b"GET /fresh.json HTTP/1.1", b"BROKEN", b"GET / HTTP/9.9", b"HEAD / HTTP/1.0"]
    requests = [line + b"\r\nHost: x\r\nConnection: close\r\n\r\n" for line in lines]
    requests.append(b"GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\nConnection: close\r\n\r\n")
    requests.append(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n")
    requests.append(b"GET /" + b"y" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    for sent in requests:
        status, headers = head(await speak(served, sent))
        seen.add(status)
        assert headers.items() >= EVERYWHERE.items(), (sent[:60], headers)
        assert headers["Cross-Origin-Resource-Policy"] in {"same-origin", "cross-origin"}
        assert "Server" not in headers
        assert "Cache-Control" in headers
    assert seen >= {200, 204, 304, 400, 404, 405}


async def test_our_own_bug_is_a_bare_500_and_loud_in_the_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(incident: str) -> None:
        raise LookupError(f"secret detail about {incident}")

    site.served.find = broken  # type: ignore[method-assign]
    async with serving(site.served) as session, session.get("/incidents/aaaaaaaaaaaa", headers={"Accept": "text/html"}) as answer:
        assert (answer.status, await answer.read()) == (500, b"500\n")
        assert answer.headers.items() >= EVERYWHERE.items()
        assert "Server" not in answer.headers
    assert "secret detail" in caplog.text


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
async def test_only_get_and_head_are_answered(site: Site, method: str) -> None:
    async with site.session.request(method, "/") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD"


async def test_the_api_may_be_read_by_pages_of_other_sites_and_nothing_else_may(site: Site) -> None:
    async with site.session.get("/api/v2/summary.json", headers={"Origin": "https://elsewhere.example"}) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Access-Control-Allow-Credentials" not in answer.headers
    async with site.session.options("/api/v2/summary.json") as answer:
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    async with site.session.post("/api/v2/summary.json") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    async with site.session.get("/") as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/nowhere", "/history.rss/", "/incidents/", "/incidents/short", "/404", "/assets/../secret", "/%00"])
async def test_an_address_that_leads_nowhere_gets_the_page_that_says_so(site: Site, path: str) -> None:
    assert site.served.shelf is not None
    async with site.session.get(path) as answer:
        assert (answer.status, await answer.read()) == (404, site.served.shelf.missing.body)
        assert answer.headers["Cache-Control"] == "no-store"
        assert "ETag" not in answer.headers


async def test_the_api_says_so_in_json(site: Site) -> None:
    async with site.session.get("/api/v2/none.json") as answer:
        assert (answer.status, json.loads(await answer.read())) == (404, {"error": "Not found"})
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_every_route_has_a_surface_and_nothing_else_has() -> None:
    assert {route.surface for route in PUBLIC_ROUTES} == set(Surface)
    assert surface_of("/assets/style.css") is Surface.ASSET
    assert surface_of("/assets/") is None
    assert surface_of("/assets/fonts/style.css") is None
    assert surface_of("/api/v2/incidents/unresolved.json") is Surface.API
    assert surface_of("/services/email/ledger/2026-10.json") is Surface.API
    assert surface_of("/services/email/inner/ledger/2026-10.json") is None
    assert surface_of("/login") is None
    assert surface_of("/metrics") is None


def test_no_session_code_and_no_store_is_loaded_with_the_public_listener() -> None:
    told = "import sys, statuspage.web.public; print(*sorted(m for m in sys.modules if m.startswith('statuspage')))"
    loaded = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout.split()
    assert "statuspage.web.public" in loaded
    assert not [name for name in loaded if "auth" in name or "console" in name or "store" in name or "desk" in name]


# --- before, behind and beside the shelf


async def test_before_the_first_publication_it_lives_but_is_not_ready() -> None:
    served = Served()
    async with serving(served) as session:
        answers = {}
        for path in ("/healthz", "/readyz", "/", "/fresh.json", "/incidents/aaaaaaaaaaaa", "/nowhere"):
            async with session.get(path) as answer:
                answers[path] = answer.status
        assert answers == dict.fromkeys(answers, 503) | {"/healthz": 200}
        assert served.asked == []
        served.publish(snapshot(EMAIL))
        async with session.get("/readyz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")


async def test_an_older_incident_is_made_once_for_each_publication(site: Site) -> None:
    page = site.served.older["/incidents/incidentolde"] = finish(b"<p>long ago</p>", "text/html; charset=utf-8")
    for _ in range(3):
        async with site.session.get("/incidents/incidentolde") as answer:
            assert (answer.status, await answer.read(), answer.headers["ETag"]) == (200, page.body, page.etag)
    assert site.served.asked == ["/incidents/incidentolde"]
    site.served.older["/incidents/incidentolde"] = finish(b"<p>withdrawn</p>", "text/html; charset=utf-8")
    site.served.publish(snapshot(EMAIL))
    async with site.session.get("/incidents/incidentolde") as answer:
        assert await answer.read() == b"<p>withdrawn</p>"


async def test_ids_that_cannot_be_never_reach_the_store(site: Site) -> None:
    for id_ in ("short", "UPPERCASE123", "waytoolongtobeanid", "abc%2fdefghij", "äbcdefghijkl", "abc'or'1'='1"):
        for room in ("incidents", "maintenance"):
            async with site.session.get(f"/{room}/{id_}") as answer:
                assert answer.status == 404
    assert site.served.asked == []
    async with site.session.get("/incidents/aaaaaaaaaaaa") as answer:
        assert answer.status == 404
    assert site.served.asked == ["/incidents/aaaaaaaaaaaa"]


async def test_a_month_is_asked_for_once_for_each_publication(site: Site) -> None:
    paths = ("/history", "/history/2026-10", "/services/email/history", "/services/email/history/2026-10")
    for path in paths:
        site.served.past[path] = finish(f"<p>{path}</p>".encode(), "text/html; charset=utf-8")
    for path in paths * 2:
        async with site.session.get(f"{path}?page=2") as answer:
            assert (answer.status, await answer.text()) == (200, f"<p>{path}</p>")
            assert answer.headers["Cache-Control"] == "public, max-age=0, stale-if-error=86400"
    assert site.served.asked_past == list(paths)
    async with site.session.get("/history", headers={"If-None-Match": site.served.past["/history"].etag}) as answer:
        assert answer.status == 304


@pytest.mark.parametrize("path", ["/history/", "/history/2026-13", "/history/now", "/history/2026-10.html", "/services//history/2026-10"])
async def test_months_that_cannot_be_never_reach_the_store(site: Site, path: str) -> None:
    async with site.session.get(path) as answer:
        assert answer.status == 404
    assert site.served.asked_past == []


async def test_the_ledger_of_an_old_month_is_asked_for_behind_the_books(site: Site) -> None:
    old = site.served.past["/services/email/ledger/2024-02.json"] = finish(b'{"old": true}', "application/json; charset=utf-8")
    async with site.session.get("/services/email/ledger/2024-02.json") as answer:
        assert (answer.status, await answer.read(), answer.headers["Access-Control-Allow-Origin"]) == (200, old.body, "*")
    for name in ("2024-03.json", "2024-13.json", "90d.json", "now.csv"):
        async with site.session.get(f"/services/email/ledger/{name}") as answer:
            assert (answer.status, await answer.json()) == (404, {"error": "Not found"})
    assert site.served.asked_past == ["/services/email/ledger/2024-02.json", "/services/email/ledger/2024-03.json"]


@pytest.mark.parametrize(
    ("typed", "to"),
    [
        ("disk+full", "/history/search/disk%20full"),
        ("%20St%C3%B6rung,%20disk!!", "/history/search/St%C3%B6rung%20disk"),
        ("a/../../etc", "/history/search/a%20etc"),
        ("%0d%0aSet-Cookie:%20x", "/history/search/Set%20Cookie%20x"),
        ("//evil.example", "/history/search/evil%20example"),
        ("%00%22%27", "/history/search"),
        ("", "/history/search"),
        ("x" * 5000, f"/history/search/{'x' * 100}"),
    ],
)
async def test_what_is_typed_leads_on_to_the_path_that_has_its_answer(site: Site, typed: str, to: str) -> None:
    async with site.session.get(f"/history/search?q={typed}", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, to)
        assert answer.headers["Cache-Control"] == "no-store"
    assert site.served.asked_past == []


async def test_an_answer_is_looked_for_once_for_each_publication_and_letters_without_end_are_refused(site: Site) -> None:
    site.served.past["/history/search/disk full"] = finish(b"<p>it was full</p>", "text/html; charset=utf-8")
    for _ in range(2):
        async with site.session.get("/history/search/disk%20full?q=other") as answer:
            assert await answer.text() == "<p>it was full</p>"
    assert site.served.asked_past == ["/history/search/disk full"]
    said = await speak(site.served, b"GET /history/search?q=" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert head(said)[0] == 400


async def test_a_search_keeps_nobody_from_a_month_and_a_flood_of_them_is_told_that_we_are_busy(site: Site) -> None:
    gate = asyncio.Event()
    inside: list[str] = []

    async def slow(path: str) -> Finished | None:
        if "search" in path:
            inside.append(path)
            await gate.wait()
        return finish(path.encode(), "text/html; charset=utf-8")

    site.served.find_past = slow  # type: ignore[method-assign]

    async def status(session: ClientSession, path: str) -> int:
        async with session.get(path) as answer:
            return answer.status

    async with serving(site.served) as session:
        asking = [asyncio.create_task(status(session, f"/history/search/word{number}")) for number in range(20)]
        done, waiting = await asyncio.wait(asking, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 4:
            more, waiting = await asyncio.wait(waiting, timeout=10, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        assert {task.result() for task in done} == {503}
        assert await status(session, "/history/2026-10") == 200
        assert len(inside) == 1
        gate.set()
        assert {task.result() for task in (await asyncio.wait(waiting, timeout=10))[0]} == {200}


async def test_a_store_that_is_too_slow_for_all_who_ask_makes_them_wait_and_then_say_busy() -> None:
    served, gate = Served(), asyncio.Event()
    inside, most = 0, 0

    async def slow(incident: str) -> None:  # noqa: ARG001 - the protocol names it
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await gate.wait()
        inside -= 1

    served.find = slow  # type: ignore[method-assign]
    served.publish(snapshot(EMAIL))

    async def status(session: ClientSession, number: int) -> int:
        async with session.get(f"/incidents/incident{number:04d}") as answer:
            return answer.status

    async with serving(served) as session:
        asking = [asyncio.create_task(status(session, number)) for number in range(70)]
        done, waiting = await asyncio.wait(asking, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 6:
            more, waiting = await asyncio.wait(waiting, timeout=10, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        assert {task.result() for task in done} == {503}
        async with session.get("/") as answer:
            assert answer.status == 200
        gate.set()
        assert {task.result() for task in (await asyncio.wait(waiting, timeout=10))[0]} == {404}
    assert most == 4


# --- patience


async def gone(served: Served, *sent: bytes, pause: float = 0.0) -> float:
    """Send what is given piece by piece, and return after how many seconds the listener closed the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    loop = asyncio.get_running_loop()
    started = loop.time()

    async def drip() -> None:
        for piece in sent:
            writer.write(piece)
            await asyncio.sleep(pause)

    dripping = asyncio.create_task(drip())
    try:
        async with asyncio.timeout(10):
            while await reader.read(65536):
                pass
    except ConnectionResetError:
        pass
    finally:
        dripping.cancel()
        writer.close()
    return loop.time() - started


@pytest.mark.parametrize(
    "sent",
    [(), (b"GET / HT",), (b"GET / HTTP/1.1\r\nHost: x\r\n",), (b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /ne",)],
    ids=["silent", "half a line", "half a head", "half a second request"],
)
async def test_a_head_that_does_not_come_to_its_end_is_not_waited_for(sent: tuple[bytes, ...]) -> None:
    served = Served()
    served.publish(snapshot(EMAIL))
    async with serving(served, head=0.3):
        assert 0.2 < await gone(served, *sent) < 3


async def test_a_head_that_comes_byte_by_byte_is_not_waited_for() -> None:
    served = Served()
    served.publish(snapshot(EMAIL))
    async with serving(served, head=0.5):
        pieces = [bytes([letter]) for letter in b"GET / HTTP/1.1\r\nHost: " + b"x" * 1000]
        assert await gone(served, *pieces, pause=0.02) < 3


async def test_a_body_that_nobody_wants_is_refused_at_once_and_not_waited_for() -> None:
    served = Served()
    served.publish(snapshot(EMAIL))
    async with serving(served, body=0.3):
        loop = asyncio.get_running_loop()
        started = loop.time()
        answer = await speak(served, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nabc")
        assert head(answer)[0] == 405
        assert loop.time() - started < 3


async def keep_sending(loop: asyncio.AbstractEventLoop, peer: socket.socket, asked: bytes) -> None:
    while True:
        await loop.sock_sendall(peer, asked)
        await asyncio.sleep(0.01)


async def test_a_peer_that_asks_for_much_and_reads_nothing_is_dropped() -> None:
    served = Served()
    served.publish(snapshot(EMAIL, stories=(story(*(update(n, body="words " * 2000) for n in range(1, 50)), id_="incidentopen"),)))
    async with serving(served, read=0.5):
        peer = socket.create_connection(("127.0.0.1", served.port))
        peer.settimeout(0)
        loop = asyncio.get_running_loop()
        asked = b"GET /incidents/incidentopen HTTP/1.1\r\nHost: x\r\n\r\n" * 200
        # It never reads; that the listener has dropped it shows when sending fails.
        async with asyncio.timeout(10):
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                await keep_sending(loop, peer, asked)
        peer.close()


async def test_noise_gets_refusals_and_never_a_500(site: Site) -> None:
    noise = random.Random(11)
    starts = [b"", b"GET ", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"]
    for _ in range(300):
        said = await speak(site.served, noise.choice(starts) + noise.randbytes(noise.randint(1, 400)) + b"\r\n\r\n\r\nQ\r\n\r\n")
        assert not said or head(said)[0] in {200, 400, 404, 405}, said[:100]
    async with site.session.get("/") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("header", ["gzip", "GZIP", "br,gzip", "gzip;q=0.1", "*", "x-gzip", "deflate, gzip; q=1.0, *;q=0", "*;q=0.5"])
def test_gzip_is_given_to_those_who_take_it(header: str) -> None:
    assert accepts_gzip(header)


@pytest.mark.parametrize("header", ["", "br", "gzip;q=0", "gzip; q=0.000", "identity", "*;q=0", "*, gzip;q=0", "gzipped", ";;,,"])
def test_gzip_is_not_given_to_those_who_do_not(header: str) -> None:
    assert not accepts_gzip(header)


@pytest.mark.parametrize(
    ("line", "asked", "said"),
    [
        (b"GET / HTTP/1.1", b"close", b"close"),
        (b"GET / HTTP/1.1", b"keep-alive", None),
        (b"GET / HTTP/1.0", b"keep-alive", b"keep-alive"),
        (b"HEAD / HTTP/1.0", None, None),
    ],
)
async def test_an_answer_says_how_its_connection_goes_on(site: Site, line: bytes, asked: bytes | None, said: bytes | None) -> None:
    goes_on = said == b"keep-alive" or (said is None and line.endswith(b"1.1"))
    wish = b"" if asked is None else b"Connection: " + asked + b"\r\n"
    last = b"GET /fresh.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" if goes_on else b""
    answer = await speak(site.served, line + b"\r\nHost: x\r\n" + wish + b"\r\n" + last)
    assert head(answer)[1].get("Connection", "").encode() == (said or b"")
    rest = answer.partition(b"\r\n\r\n")[2]
    assert (b"HTTP/1.1 200" in rest) is goes_on
    assert rest.startswith(b"<!doctype html>") is line.startswith(b"GET")
