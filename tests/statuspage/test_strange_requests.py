"""Requests that no honest client sends are refused with a reason; none is taken for a mistake of ours."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from yarl import URL

from statuspage.store.people import Role
from statuspage.web.routes import ROUTES
from tests.statuspage.desks import House, housed
from tests.stores import Postgresql

NUL = "\x00"
BODIES = (
    ("/callers", {"incident": NUL}),
    ("/callers", {"service": NUL}),
    ("/changes", {"what": "a release", "services": [NUL + "email"], "url": f"https://a.example/{NUL}"}),
    ("/incidents", {"name": "Mail", "services": {NUL: "major"}, "body": "Soon."}),
    (
        "/maintenances",
        {"name": "Mail", "services": [NUL], "starts": "2026-03-09T20:00:00Z", "ends": "2026-03-09T21:00:00Z", "body": "Soon."},
    ),
    ("/on-call/stand-ins", {"team": NUL, "person": NUL, "since": "2026-03-09T20:00:00Z", "until": "2026-03-09T21:00:00Z"}),
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("promise", ["9999-12-31T23:30:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_promise_for_the_end_of_the_calendar_is_refused(house: House, promise: str) -> None:
    pager, incident = await house.program("pager"), await house.outage()
    answer = await pager.send(f"/incidents/{incident.id}/updates", {"body": "Soon.", "next_update_by": promise})
    assert answer.status == 422
    assert house.incident(incident.id).updates == incident.updates


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_cursor_beyond_the_calendar_is_refused(house: House, instant: str) -> None:
    pager = await house.program("pager")
    cursor = base64.urlsafe_b64encode(f"{instant} x".encode()).decode().rstrip("=")
    assert (await pager.get("/incidents", cursor=cursor)).status == 422


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"name=anna\xff", "application/x-www-form-urlencoded"),
        (b"name=anna", "application/x-www-form-urlencoded; charset=klingon"),
        (b"name=+2AA-", "application/x-www-form-urlencoded; charset=utf-7"),
        (b"name=anna", "multipart/form-data"),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\nanna\r\n--x--\r\n", "multipart/form-data; boundary=x"),
    ],
)
async def test_a_form_that_cannot_be_read_is_refused(house: House, caplog: pytest.LogCaptureFixture, body: bytes, kind: str) -> None:
    answer = await house.browser().session.post("/login", data=body, headers={"Content-Type": kind}, allow_redirects=False)
    assert answer.status == 400
    assert "broke" not in caplog.text


async def test_a_name_at_the_login_is_short_and_printable(house: House) -> None:
    """Thousands of them are remembered, to slow down guessers."""
    answer = await house.browser().log_in("a\x00nna" + "x" * 100_000)
    assert answer.status == 403
    assert 'value="anna' in await answer.text()
    assert len(await answer.text()) < 20_000


async def test_an_address_with_what_no_store_looks_for_leads_nowhere(house: House) -> None:
    pager = await house.program("pager")
    for path in ("/incidents/a%00b", "/monitors/%00"):
        answer = await pager.session.get(URL(f"{house.url}/api/v1{path}", encoded=True))
        assert (await answer.json())["detail"] == "There is nothing here."


async def test_nothing_that_is_sent_asks_postgresql_for_what_it_refuses(tmp_path: Path, postgresql: Postgresql) -> None:
    cursor = base64.urlsafe_b64encode(b"2026-03-02T08:00:00+00:00 a\x00b").decode().rstrip("=")
    async with housed(tmp_path, store_url=postgresql.migrated()) as house:
        pager, boss = await house.program("pager", *Role), await house.logged_in("boss", *Role)
        lists = [route.path for route in ROUTES if route.method == "GET" and "{" not in route.path and route.path.startswith("/api")]
        for path in lists:
            for query in ("by", "service", "ticket", "q", "period", "since"):
                answer = await pager.session.get(URL(f"{house.url}{path}?{query}=%00", encoded=True))
                assert answer.status == 400, path
            assert (await pager.session.get(path, params={"cursor": cursor})).status in {200, 422}, path
        assert (await boss.get("/audit?by=%00")).status == 400
        for path, body in BODIES:
            assert (await pager.send(path, body)).status in {404, 422}, path
