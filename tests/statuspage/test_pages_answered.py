"""Readers of further pages say what is broken for them, and whether words helped, where they read: about what is shown there alone."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from statuspage.store.report_tables import reports
from statuspage.store.usefulness import Useful, useful
from tests.statuspage.audiences import FILE, TOKEN, happenings, housed, works
from tests.statuspage.test_pages import HOST, PAGES, ROOT, asked
from tests.stories.test_broken_mail_frozen import Clock, House


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path, Clock(), FILE + PAGES, STAFF=TOKEN) as opened:
        yield opened


async def sent(house: House, path: str, fields: Mapping[str, str], **headers: str) -> tuple[int, Mapping[str, str], str]:
    async with house.public.post(path, data=fields, headers=headers, allow_redirects=False) as answer:
        return answer.status, {name: value for name, value in answer.headers.items() if name != "Date"}, await answer.text()


def kept(connection: Connection) -> list[tuple[str, str, str | None]]:
    chosen = select(reports.c.service, reports.c.words, reports.c.contact).order_by(reports.c.id)
    return [(row.service, row.words, row.contact) for row in connection.execute(chosen)]


async def test_a_report_about_what_is_hidden_from_others_stands_at_the_desk(house: House) -> None:
    await works(house)
    status, _, page = await asked(house.public, f"{ROOT}/report")
    assert (status, f'href="{ROOT}/report/payroll"' in page) == (200, True)
    form = (await asked(house.public, f"{ROOT}/report/payroll"))[2]
    assert f'action="{ROOT}/report/payroll"' in form
    assert "Payslips" in form
    assert 'name="contact"' not in form, "a letter would lead to the main page"
    fields = {"words": "No payslip.", "contact": "anna@example.org"}
    status, headers, thanks = await sent(house, f"{ROOT}/report/payroll", fields, Origin="null")
    assert (status, "Thank you" in thanks) == (200, True)
    assert await house.hub.store.read(kept) == [("payroll", "No payslip.", None)]
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Robots-Tag"] == "noindex"
    assert headers["Referrer-Policy"] == "no-referrer"


async def test_nobody_reports_what_their_page_does_not_show(house: House) -> None:
    await works(house)
    for root, headers, hidden in (("", {}, "payroll"), ("", HOST, "payroll"), ("", HOST, "portal"), (ROOT, {}, "intranet")):
        path, never = f"{root}/report/{hidden}", f"{root}/report/nothing"
        assert (await asked(house.public, path, **headers)) == (await asked(house.public, never, **headers)), path
        answers = [await sent(house, one, {"words": "x"}, **headers) for one in (path, never)]
        assert answers[0] == answers[1]
        assert answers[0][0] == 404
    assert await house.hub.store.read(kept) == []


async def test_words_are_useful_or_not_to_those_who_read_them(house: House) -> None:
    told = await happenings(house)

    async def answered(incident: str, root: str = "", **headers: str) -> int:
        return (await sent(house, f"{root}/incidents/{incident}/useful/1", {"useful": "yes"}, **headers))[0]

    page = (await asked(house.public, f"{ROOT}/incidents/{told['lost']}"))[2]
    assert f'action="{ROOT}/incidents/{told["lost"]}/useful/1"' in page
    assert await answered(told["lost"], ROOT) == 200
    assert await answered(told["lost"]) == await answered(told["lost"], **HOST) == 404
    assert await answered(told["own"], ROOT) == 404
    assert await answered(told["both"], **HOST) == 200
    assert await house.hub.store.read(lambda connection: useful(connection, told["lost"])) == [Useful(number=1, yes=1, no=0)]


async def test_who_asks_too_often_is_counted_once_whatever_page_they_are_on(house: House) -> None:
    await works(house)
    statuses = [(await sent(house, f"{root}/report/email", {}, **headers))[0] for root, headers in (("", {}), ("", HOST), (ROOT, {})) * 4]
    assert statuses == [200] * 10 + [429] * 2


async def test_a_form_from_another_site_is_refused(house: House) -> None:
    await works(house)
    for root, headers in (("", HOST), (ROOT, {})):
        status, _, page = await sent(house, f"{root}/report/email", {}, Origin="https://elsewhere.example", **headers)
        assert (status, "from another site" in page) == (403, True)
    assert (await sent(house, "/report/email", {}, Origin="https://status.customer.example", **HOST))[0] == 200


async def test_subscriptions_belong_to_the_main_page(house: House) -> None:
    await works(house)
    for root, headers in (("", HOST), (ROOT, {})):
        never = await sent(house, f"{root}/report/nothing", {"mail": "anna@example.org"}, **headers)
        for path in ("/subscribe", "/unsubscribe/x", "/subscribe/manage/x", "/subscribe/confirm/x"):
            assert (await sent(house, f"{root}{path}", {"mail": "anna@example.org"}, **headers))[0] in {404, 405}, path
            assert (await asked(house.public, f"{root}{path}", **headers))[0] == 404, path
        assert never[0] == 404
        assert 'href="/subscribe"' not in (await asked(house.public, f"{root}/", **headers))[2]
