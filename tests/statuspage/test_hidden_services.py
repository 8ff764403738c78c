"""Services that are not for everybody: nothing of theirs is anywhere on the main page, and nobody can tell that there is anything."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

import feedparser
import pytest
from sqlalchemy import Connection, select

from incidents import act, regroup
from incidents.callers import Calling, suspected
from incidents.model import Status
from probes.result import Failure
from statuspage.mirror.target import Target
from statuspage.store.feed_tables import feed_entries
from tests.statuspage.audiences import FILE, SECRET, fails, happenings, housed, pages_of, secrets_in, works
from tests.stories.surfaces import body, read_json, text
from tests.stories.test_broken_mail_frozen import Clock, House


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path, Clock()) as opened:
        yield opened


async def test_no_public_path_tells_a_word_of_what_is_hidden(house: House) -> None:
    told = await happenings(house)
    hidden = (*SECRET, *(told[one] for one in ("own", "lost", "window")))
    paths = await pages_of(house)
    assert len(paths) > 100
    for path in paths:
        for language in ("en", "de"):
            async with house.public.get(path, headers={"Accept-Language": language}) as answer:
                found = (await answer.read()).decode(errors="replace")
                assert answer.status in {200, 404}, path
                assert secrets_in(found + str(answer.headers), hidden) == [], path


async def test_what_is_merged_into_something_hidden_names_it_nowhere(house: House) -> None:
    await works(house)
    await fails(house, "board")
    (hidden,) = house.hub.pipeline.situation.incidents
    name = house.hub.pipeline.situation.incidents[hidden].name
    await fails(house, "board", "home")
    (public,) = set(house.hub.pipeline.situation.incidents) - {hidden}
    await house.hub.pipeline.act(partial(regroup.merge, incident=public, into=hidden, by="ada", body="We look after it."))
    await house.settle()
    for path in ("/", f"/incidents/{public}", "/history.atom", "/history.rss", "/feed.json", "/api/v2/incidents.json", "/history"):
        async with house.public.get(path) as answer:
            told = (await answer.read()).decode()
            assert answer.status == 200, path
            assert secrets_in(told) == [], path
            assert name not in told, path
    assert "We look after it." in await text(house.public, f"/incidents/{public}")


async def test_the_desk_sees_it_all_the_same(house: House) -> None:
    await happenings(house)
    listed = json.dumps(await read_json(house.internal, "/api/v1/incidents?open=true", await house.token("ada")), ensure_ascii=False)
    assert {"noticeboard", "axolotl"} <= set(secrets_in(listed))


async def test_what_is_hidden_answers_as_what_never_was(house: House) -> None:
    told = await happenings(house)
    for path, never in {
        "/services/payroll": "/services/nothing",
        "/services/payroll/history": "/services/nothing/history",
        "/services/payroll/history.atom": "/services/nothing/history.atom",
        "/services/payroll/maintenance.ics": "/services/nothing/maintenance.ics",
        "/services/intranet/ledger/month.json": "/services/nothing/ledger/month.json",
        "/badges/payroll.svg": "/badges/nothing.svg",
        "/report/payroll": "/report/nothing",
        f"/incidents/{told['own']}": "/incidents/abcdefghijkl",
        f"/incidents/{told['lost']}": "/incidents/abcdefghijkl",
        f"/maintenance/{told['window']}": "/maintenance/abcdefghijkl",
        f"/de/incidents/{told['own']}": "/de/incidents/abcdefghijkl",
    }.items():
        assert await _answered(house, path) == await _answered(house, never), path


async def test_nobody_answers_about_words_that_are_hidden(house: House) -> None:
    told = await happenings(house)

    async def answered(incident: str, number: int) -> tuple[int, Mapping[str, str], bytes]:
        async with house.public.post(f"/incidents/{incident}/useful/{number}", data={"useful": "yes"}) as answer:
            return answer.status, {name: value for name, value in answer.headers.items() if name != "Date"}, await answer.read()

    never = await answered("abcdefghijkl", 1)
    assert never[0] == 404
    assert await answered(told["own"], 1) == never
    assert await answered(told["lost"], 1) == never
    assert (await answered(told["both"], 1))[0] == 200, "what breaks both is known to everybody"


async def test_no_ledger_of_a_hidden_service_is_served(house: House) -> None:
    await works(house)
    house.clock.wait(minutes=10)
    await house.settle()
    theirs = set(re.findall(r'href="(/services/email/ledger/[^"]+)"', (await body(house.public, "/service-levels")).decode()))
    assert theirs
    for path in theirs:
        hidden = path.replace("email", "intranet")
        assert house.hub.books.document(hidden) is not None, path
        async with house.public.get(path) as answer:
            assert answer.status == 200, path
        await _answered(house, hidden)


async def _answered(house: House, path: str) -> tuple[int, Mapping[str, str], bytes]:
    async with house.public.get(path) as answer:
        assert answer.status == 404, path
        return answer.status, {name: value for name, value in answer.headers.items() if name != "Date"}, await answer.read()


async def test_of_what_breaks_both_the_main_page_tells_what_is_for_everybody(house: House) -> None:
    told = await happenings(house)
    page = await text(house.public, f"/incidents/{told['both']}")
    assert "Problem with Email" in page
    (incident,) = (await read_json(house.public, "/api/v2/incidents.json"))["incidents"]
    assert (incident["id"], incident["name"]) == (told["both"], "Problem with Email")
    assert [one["name"] for one in incident["components"]] == ["Email"]
    feed = (await body(house.public, "/history.atom")).decode()
    assert "Problem with Email – investigating" in feed
    german = await text(house.public, f"/de/incidents/{told['both']}")
    assert "Störung bei E-Mail" in german
    assert "Wir gehen dem nach." in german
    assert "We are looking into it." not in german


async def test_a_draft_that_callers_made_is_called_anew_for_those_who_see_a_part_of_it(house: House) -> None:
    await works(house)
    pipeline, calling = house.hub.pipeline, Calling(threshold=1)
    await pipeline.act(partial(suspected, service="payroll", count=1, calling=calling))
    (draft,) = pipeline.situation.incidents
    await pipeline.act(partial(act.open_incident, by="ada", name="Mail stands still", services={"email": Status.MAJOR}, body="No mail."))
    (mail,) = set(pipeline.situation.incidents) - {draft}
    await pipeline.act(partial(regroup.merge, incident=mail, into=draft, by="ada", body=""))
    await pipeline.act(partial(act.update, incident=draft, by="ada", body="We are on it."))
    await house.settle()
    for path in (f"/incidents/{draft}", "/", "/history.atom", "/api/v2/incidents.json"):
        assert "Problem with Email" in (told := (await body(house.public, path)).decode()), path
        assert secrets_in(told) == [], path


async def test_what_is_down_elsewhere_leaves_the_main_page_green(house: House) -> None:
    await works(house)
    before = await body(house.public, "/api/v2/summary.json")
    await fails(house, "board")
    assert "All services are operational" in await text(house.public, "/")
    summary, was = await read_json(house.public, "/api/v2/summary.json"), json.loads(before)
    assert (summary["status"], summary["incidents"]) == (was["status"], [])


async def test_a_problem_that_goes_on_elsewhere_is_over_for_everybody(house: House) -> None:
    await works(house)
    await fails(house, "books", "submission")
    opened = set(house.hub.pipeline.situation.incidents)
    await house.hub.pipeline.tick()
    for _ in range(2):
        await house.hear(submission=None)
        house.clock.wait(seconds=30)
    assert opened & set(house.hub.pipeline.situation.incidents)
    assert (await read_json(house.public, "/api/v2/summary.json"))["status"]["indicator"] == "none"


async def test_nothing_hidden_is_found_by_a_search(house: House) -> None:
    told = await happenings(house)
    for word in ("numbat", "salary", "axolotl", "noticeboard", "caracal", "payslips"):
        page = await body(house.public, f"/history/search/{word}")
        assert told["both"] not in page.decode(), word
        assert b'class="past"' not in page, word
    assert told["both"] in (await body(house.public, "/history/search/email")).decode()


async def test_words_about_hidden_services_take_no_place_in_the_feeds_of_everybody(house: House) -> None:
    told = await happenings(house)

    def places(connection: Connection) -> set[tuple[str | None, str | None]]:
        kept = select(feed_entries.c.incident, feed_entries.c.maintenance).where(feed_entries.c.service == "")
        return {(row.incident, row.maintenance) for row in connection.execute(kept)}

    assert await house.hub.store.read(places) == {(told["both"], None)}
    entries = feedparser.parse(await body(house.public, "/history.atom"))["entries"]
    assert {told["both"] in entry["link"] for entry in entries} == {True}


async def test_a_service_that_was_hidden_and_is_gone_stays_hidden(tmp_path: Path) -> None:
    clock = Clock()
    async with housed(tmp_path, clock) as house:
        told = await happenings(house)
    gone = FILE[: FILE.index("  payroll:")] + FILE[FILE.index("components:") : FILE.index("maintenance:")]
    async with housed(tmp_path, clock, gone) as house:
        for path in (f"/incidents/{told['own']}", f"/incidents/{told['lost']}", f"/maintenance/{told['window']}"):
            async with house.public.get(path) as answer:
                assert answer.status == 404, path
        assert secrets_in(await text(house.public, "/history")) == []
        assert secrets_in((await body(house.public, "/history.rss")).decode()) == []


async def test_a_service_that_is_hidden_later_takes_its_past_along(tmp_path: Path) -> None:
    clock = Clock()
    async with housed(tmp_path, clock, FILE.replace("    public: false\n", "")) as house:
        await happenings(house)
        assert secrets_in((await body(house.public, "/history.atom")).decode()) != []
    async with housed(tmp_path, clock) as house:
        for path in ("/history.atom", "/history", "/", "/api/v2/incidents.json", "/maintenance.ics"):
            assert secrets_in((await body(house.public, path)).decode()) == [], path


async def test_the_mirror_holds_nothing_hidden(house: House, tmp_path: Path) -> None:
    await happenings(house)
    await house.hub.mirror.publish(Target(directory=tmp_path / "www", said="www"))
    files = [path for path in (tmp_path / "www").rglob("*") if path.is_file()]
    assert len(files) > 100
    for path in files:
        assert secrets_in(path.read_bytes().decode(errors="replace") + str(path)) == [], path


async def test_no_open_page_is_told_when_only_something_hidden_changed(house: House) -> None:
    await works(house)
    shelf = await house.hub.press.issue()
    for _ in range(3):
        house.clock.wait(seconds=5)
        await house.hear(board=Failure.REFUSED)
    assert house.hub.pipeline.situation.incidents
    assert house.hub.press.shelf is not shelf
    assert house.hub.press.shelf is not None
    assert house.hub.press.shelf.publication == shelf.publication
