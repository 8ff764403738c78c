"""Further pages of one installation: by host, by token, behind the login; each tells of its own services and of nothing else."""

import json
import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import feedparser
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient

from probes.result import Failure
from statuspage.config.loading import load
from statuspage.web.public import public_runner
from tests.statuspage.audiences import FILE, TOKEN, WELL, fails, happenings, housed, secrets_in, works
from tests.stories.surfaces import read_json, text
from tests.stories.test_broken_mail_frozen import Clock, House

PAGES = """
pages:
  customer: {name: Customer Care, services: [email], access: public, host: status.customer.example}
  staff: {name: Staff, services: [payroll, email], access: token, token: {env: STAFF}}
  desk: {name: Inside, services: [intranet], access: login}
"""
HOST = {"Host": "status.customer.example"}
ROOT = f"/pages/{TOKEN}"
Listener = TestClient[Any, Any]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path, Clock(), FILE + PAGES, STAFF=TOKEN) as opened:
        yield opened


async def asked(listener: Listener, path: str, **headers: str) -> tuple[int, Mapping[str, str], str]:
    async with listener.get(path, headers=headers, allow_redirects=False) as answer:
        told = {name: value for name, value in answer.headers.items() if name != "Date"}
        return answer.status, told, (await answer.read()).decode(errors="replace")


async def crawled(listener: Listener, root: str, origin: str, **headers: str) -> dict[str, str]:
    """Everything that the page under *root* leads to on its own address, by path; a link that leads out of it is a failure."""
    found: dict[str, str] = {}
    coming = deque([f"{root}/", f"{root}/api/v2/summary.json", f"{root}/history.atom", f"{root}/maintenance.ics", f"{root}/fresh.json"])
    while coming:
        path = coming.popleft()
        if path in found:
            continue
        status, told, body = await asked(listener, path, **headers)
        assert status == 200, path
        found[path] = body
        if told["Content-Type"].startswith("text/html"):
            for link in re.findall(r'(?:href|src|action)="([^"#]+)', body):
                whole = urlsplit(urljoin(f"{origin}{path}", link))
                if whole.scheme in {"http", "https"} and whole.netloc == urlsplit(origin).netloc:
                    assert whole.path.startswith(root), f"{path} leads out to {link}"
                    if "/useful/" not in whole.path:  # there a form is sent to
                        coming.append(whole.path)
                else:
                    assert whole.scheme in {"mailto", "tel"}, f"{path} leads out to {link}"
    return found


async def test_the_host_picks_the_page(house: House) -> None:
    await works(house)
    assert "Customer Care" in (await asked(house.public, "/", **HOST))[2]
    assert "Customer Care" in (await asked(house.public, "/", Host="STATUS.Customer.example:8080"))[2]
    for other in ("status.example.net", "elsewhere.example", "xstatus.customer.example", ""):
        assert "Example Networks" in (await asked(house.public, "/", Host=other))[2], other
    assert (await asked(house.public, "/services/portal", **HOST))[0] == 404
    assert (await asked(house.public, "/services/email", **HOST))[0] == 200


async def test_a_page_is_of_its_services_alone(house: House) -> None:
    await works(house)
    await fails(house, "home")
    assert "All services are operational" in (await asked(house.public, "/", **HOST))[2]
    assert "All services are operational" not in (await asked(house.public, "/"))[2]
    await fails(house, "submission")
    summary = json.loads((await asked(house.public, "/api/v2/summary.json", **HOST))[2])
    assert [row["name"] for row in summary["components"] if not row["group"]] == ["Email"]
    assert summary["page"]["name"] == "Customer Care"
    assert summary["page"]["url"] == "https://status.customer.example"
    main = await read_json(house.public, "/api/v2/summary.json")
    assert summary["page"]["id"] != main["page"]["id"]
    assert {one["page_id"] for one in summary["incidents"]} == {summary["page"]["id"]}


async def test_links_stay_on_the_page(house: House) -> None:
    await happenings(house)
    for root, origin, headers in (("", "https://status.customer.example", HOST), (ROOT, "https://status.example.net", {})):
        found = await crawled(house.public, root, origin, **headers)
        assert len(found) > 40, root


async def test_a_page_by_host_tells_no_word_of_others(house: House) -> None:
    told = await happenings(house)
    hidden = [told[one] for one in ("own", "lost", "window")]
    for path, body in (await crawled(house.public, "", "https://status.customer.example", **HOST)).items():
        assert secrets_in(body) == [], path
        assert not any(id in body for id in hidden), path
        assert "Portal" not in body, path


async def test_whoever_knows_the_token_reads_what_is_hidden_from_others(house: House) -> None:
    told = await happenings(house)
    pages = " ".join((await crawled(house.public, ROOT, "https://status.example.net")).values())
    assert {"payroll", "Salary run", "wages", "Payslips", "Timesheets", "Backoffice", "Ocelot", "axolotl", "tapir"} <= set(
        secrets_in(pages)
    )
    assert secrets_in(pages, ("noticeboard", "Hauspost", "numbat", "caracal")) == []
    assert told["lost"] in pages
    assert told["own"] not in pages


async def test_a_wrong_token_is_a_path_that_never_was(house: House) -> None:
    await works(house)
    never = await asked(house.public, "/nothing/of/that/kind")
    assert never[0] == 404
    for path in (
        f"/pages/{TOKEN[:-1]}x/",
        f"/pages/{TOKEN}x/",
        f"/pages/{TOKEN[:-1]}/",
        "/pages/",
        "/pages",
        "/pages/staff/",
        "/pages/desk/",
    ):
        assert await asked(house.public, path) == never, path
    assert (await asked(house.public, ROOT))[0] == 200


async def test_private_pages_are_kept_by_no_cache_and_no_search(house: House) -> None:
    await works(house)
    for path in ("/", "/history.atom", "/api/v2/summary.json", "/badges/email.svg"):
        _, headers, _ = await asked(house.public, f"{ROOT}{path}")
        assert headers["Cache-Control"] == "private, no-cache", path
        assert headers["X-Robots-Tag"] == "noindex, nofollow", path
        assert headers["Referrer-Policy"] == "no-referrer", path
        assert "Access-Control-Allow-Origin" not in headers, path
    for path in ("/robots.txt", "/sitemap.xml", "/banner.js", "/banner.json", "/subscribe", "/subscribe/manage/x", "/healthz"):
        assert (await asked(house.public, f"{ROOT}{path}"))[0] == 404, path
    for path in ("/robots.txt", "/sitemap.xml"):
        assert TOKEN not in (await asked(house.public, path))[2]


async def test_a_page_behind_the_login_is_for_agents(house: House) -> None:
    await happenings(house)
    status, headers, _ = await asked(house.internal, "/pages/desk/")
    assert (status, headers["Location"]) == (303, "/login?next=/pages/desk/")
    assert (await asked(house.internal, "/pages/nothing/"))[0] == status
    token = await house.token("ada")
    signed = {"Authorization": f"Bearer {token}"}
    found = await crawled(house.internal, "/pages/desk", "http://127.0.0.1:8081", **signed)
    assert {"noticeboard", "numbat", "caracal"} <= set(secrets_in(" ".join(found.values())))
    assert not [path for path, told in found.items() if "<form" in told and ("/useful/" in told or "/report" in told)], (
        "agents have the desk"
    )
    assert (await asked(house.internal, "/pages/desk/report", **signed))[0] == 404
    assert (await asked(house.internal, "/pages/staff/", **signed))[0] == 404
    assert (await asked(house.internal, "/pages/desk/services/email", **signed))[0] == 404


async def test_entries_of_a_page_have_ids_of_their_own(house: House) -> None:
    await happenings(house)
    main = feedparser.parse((await asked(house.public, "/history.atom"))[2])["entries"]
    mine = feedparser.parse((await asked(house.public, "/history.atom", **HOST))[2])["entries"]
    theirs = feedparser.parse((await asked(house.public, f"{ROOT}/history.atom"))[2])["entries"]
    ids = [{entry["id"] for entry in entries} for entries in (main, mine, theirs)]
    assert all(ids)
    assert not ids[0] & ids[1]
    assert not ids[0] & ids[2]
    assert all(entry["link"].startswith(f"https://status.example.net{ROOT}/") for entry in theirs)


async def test_no_token_is_written_into_the_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await works(house)
    await asked(house.public, f"{ROOT}/")
    await asked(house.public, f"{ROOT}/incidents/abcdefghijkl")
    await asked(house.public, f"{ROOT}/nothing")
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("statuspage")]
    assert ours
    assert not any(TOKEN in line for line in ours)
    assert TOKEN not in await text(house.internal, "/metrics")


async def test_nobody_draws_a_page_that_nobody_reads(house: House) -> None:
    door = house.hub.doors.by_host["status.customer.example"]
    drawn: list[object] = []
    draw = door.renew.draw  # type: ignore[attr-defined]  # the test's own look inside

    async def counted() -> None:
        drawn.append(None)
        await draw()

    door.renew.draw = counted  # type: ignore[attr-defined]
    await works(house)
    assert drawn == []
    for _ in range(3):
        await asked(house.public, "/", **HOST)
    assert len(drawn) == 1
    await house.hear(**{**WELL, "submission": Failure.REFUSED})
    await asked(house.public, "/", **HOST)
    assert len(drawn) == 2


async def test_a_page_speaks_the_reader_s_language(house: House) -> None:
    await works(house)
    for prefix in ("/de/", "/"):
        body = (await asked(house.public, f"{ROOT}{prefix}", **{"Accept-Language": "de"}))[2]
        assert "Gehaltslauf" in body
        assert f'href="{ROOT}/en/"' in body


async def test_a_request_that_breaks_is_logged_without_its_token(caplog: pytest.LogCaptureFixture) -> None:
    async def breaks(_: web.Request) -> web.StreamResponse:
        raise RuntimeError("a bug of ours")

    app = web.Application()
    app.router.add_get("/{path:.*}", breaks)
    runner = public_runner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session, session.get(f"{ROOT}/history") as answer:
            assert answer.status == 500
    finally:
        await runner.cleanup()
    assert "a request for '/pages/" in caplog.text
    assert TOKEN not in caplog.text


async def test_pages_come_and_go_by_reload(tmp_path: Path) -> None:
    async with housed(tmp_path, Clock()) as house:
        await works(house)
        never = await asked(house.public, f"{ROOT}/")
        assert never[0] == 404
        path = tmp_path / "statuspage.yaml"
        path.write_text(FILE + PAGES, encoding="utf-8")
        await house.hub.apply(load(path, {"STAFF": TOKEN}))
        await house.settle()
        assert "Salary run" in (await asked(house.public, f"{ROOT}/"))[2]
        assert "Customer Care" in (await asked(house.public, "/", **HOST))[2]
        other = TOKEN[::-1]
        await house.hub.apply(load(path, {"STAFF": other}))
        await house.settle()
        assert "Salary run" in (await asked(house.public, f"/pages/{other}/"))[2]
        assert (await asked(house.public, f"{ROOT}/"))[0] == 404
        path.write_text(FILE.replace("    public: false\n", ""), encoding="utf-8")
        await house.hub.apply(load(path, {}))
        await house.settle()
        assert (await asked(house.public, f"/pages/{other}/"))[0] == 404
        assert "Salary run" in (await asked(house.public, "/"))[2]
