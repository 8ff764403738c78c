import asyncio
import json
import os
import re
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from statuspage.demo import remote, run_file
from statuspage.demo.company import Company
from statuspage.demo.control import Control, Links
from statuspage.demo.ports import LOOPBACK
from statuspage.demo.remote import Declined, Seen
from statuspage.demo.run_file import NoDemo, RunFile

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def control(company: Company) -> AsyncIterator[Control]:
    async with Control(company, Links(public="http://127.0.0.1:1/", internal="http://127.0.0.1:2/")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def left(control: Control, tmp_path: Path) -> Path:
    path = tmp_path / "run" / "demo.json"
    run_file.leave(path, RunFile(pid=os.getpid(), host=LOOPBACK, port=control.port, token=control.token))
    return path


def _modes(servers: tuple[Seen, ...]) -> dict[str, str | None]:
    return {one.name: one.mode for one in servers}


async def test_a_second_terminal_breaks_sees_and_mends(left: Path, company: Company) -> None:
    assert set(_modes(await asyncio.to_thread(remote.state, left)).values()) == {None}
    assert _modes(await asyncio.to_thread(remote.break_, left, "portal", "errors"))["portal"] == "errors"
    assert {one.name: one.mode for one in company.state()}["portal"] == "errors"
    assert _modes(await asyncio.to_thread(remote.mend, left, "all"))["portal"] is None


async def test_a_second_terminal_hears_why_something_was_declined(left: Path) -> None:
    with pytest.raises(Declined, match="choose one of outgoing-mail"):
        await asyncio.to_thread(remote.break_, left, "printer", None)


async def test_the_page_shows_each_server_and_its_buttons_break_and_mend(control: Control, browser: aiohttp.ClientSession) -> None:
    page = await (await browser.get(control.url)).text()
    assert page.count("✓ works") == 5
    token = re.findall(r'name="token" value="([^"]+)"', page)[0]
    broken = await (await browser.post(f"{control.url}break", data={"token": token, "what": "webmail", "mode": "slow"})).text()
    assert "✗ slow" in broken
    assert broken.count("✓ works") == 4
    mended = await (await browser.post(f"{control.url}mend", data={"token": token, "what": "webmail"})).text()
    assert mended.count("✓ works") == 5


async def test_a_declined_button_says_why_on_the_page(control: Control, browser: aiohttp.ClientSession) -> None:
    answer = await browser.post(f"{control.url}break", data={"token": control.token, "what": "<b>", "mode": ""})
    assert answer.status == 422
    assert "&lt;b&gt;" in await answer.text()


async def test_without_the_token_nothing_is_broken(control: Control, company: Company, browser: aiohttp.ClientSession) -> None:
    for form in ({"what": "portal"}, {"what": "portal", "token": "wörong"}):
        assert (await browser.post(f"{control.url}break", data=form)).status == 403
    assert (await browser.get(f"{control.url}state")).status == 403
    assert {one.mode for one in company.state()} == {None}


async def test_the_page_answers_under_its_own_name_only(control: Control, browser: aiohttp.ClientSession) -> None:
    answer = await browser.get(control.url, headers={"Host": f"evil.example:{control.port}"})
    assert answer.status == 421
    assert control.token not in await answer.text()


async def test_the_page_may_neither_be_framed_nor_run_scripts(control: Control, browser: aiohttp.ClientSession) -> None:
    policy = (await browser.get(control.url)).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


async def test_the_run_file_is_readable_by_its_owner_alone(left: Path) -> None:
    assert [stat.S_IMODE(os.stat(path).st_mode) for path in (left, left.parent)] == [0o600, 0o700]  # noqa: PTH116


async def test_the_newest_demo_wins_and_an_older_one_leaves_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    older, newer = (RunFile(pid=pid, host=LOOPBACK, port=pid, token="t") for pid in (1, 2))
    run_file.leave(path, older)
    run_file.leave(path, newer)
    run_file.take_back(path, older)
    assert run_file.find(path) == newer
    run_file.take_back(path, newer)
    assert not path.exists()


async def test_no_run_file_means_no_demo(tmp_path: Path) -> None:
    with pytest.raises(NoDemo, match="start one with `statuspage demo`"):
        remote.state(tmp_path / "demo.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": "x"}', json.dumps({"pid": 1, "host": "127.0.0.1", "port": None, "token": ""})])
async def test_a_run_file_that_says_nothing_useful_is_reported(tmp_path: Path, text: str) -> None:
    path = tmp_path / "demo.json"
    path.write_text(text)
    with pytest.raises(NoDemo, match="start the demo again"):
        remote.state(path)


async def test_a_stale_run_file_is_told_from_a_running_demo(tmp_path: Path, control: Control) -> None:
    path = tmp_path / "demo.json"
    run_file.leave(path, RunFile(pid=4711, host=LOOPBACK, port=1, token="t"))
    with pytest.raises(NoDemo, match="process 4711"):
        await asyncio.to_thread(remote.state, path)
    run_file.leave(path, RunFile(pid=4711, host=LOOPBACK, port=control.port, token="of an earlier run"))
    with pytest.raises(NoDemo, match="another program answers"):
        await asyncio.to_thread(remote.state, path)


async def test_the_run_file_lies_where_the_person_keeps_such_things(tmp_path: Path) -> None:
    ours, gone = str(tmp_path), str(tmp_path / "gone")
    assert run_file.place({"XDG_RUNTIME_DIR": ours, "XDG_CACHE_HOME": "/c"}) == tmp_path / "statuspage" / "demo.json"
    assert run_file.place({"XDG_RUNTIME_DIR": gone, "XDG_CACHE_HOME": "/c"}) == Path("/c/statuspage/demo.json")
    assert run_file.place({}) == Path.home() / ".cache" / "statuspage" / "demo.json"


async def test_the_page_shows_what_phones_were_told_newest_first_and_no_more_than_a_few(
    control: Control, browser: aiohttp.ClientSession
) -> None:
    for number in range(7):
        told = {"title": f"Call <{number}>", "message": "You are called.\nMore.", "type": "failure"}
        assert (await browser.post(f"{control.url}phones/kim", json=told)).status == 204
    page = await (await browser.get(control.url)).text()
    assert re.findall(r"<p>Call &lt;(\d)&gt;</p>", page) == ["6", "5", "4", "3", "2"]
    assert "You are called.</p>" in page
    assert (await browser.post(f"{control.url}phones/kim", data="no json")).status == 400
