"""Requests that no honest client sends are refused with a reason; none is taken for a mistake of ours."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.statuspage.desks import House, housed


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
        (b"name=anna", "multipart/form-data"),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\nanna\r\n--x--\r\n", "multipart/form-data; boundary=x"),
    ],
)
async def test_a_form_that_cannot_be_read_is_refused(house: House, caplog: pytest.LogCaptureFixture, body: bytes, kind: str) -> None:
    answer = await house.browser().session.post("/login", data=body, headers={"Content-Type": kind}, allow_redirects=False)
    assert answer.status == 400
    assert "broke" not in caplog.text
