"""``statuspage import statuspage``: the past of another page becomes ours, once; a page that misbehaves changes nothing."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import Connection, Table, select

from incidents.model import Origin, State, Status
from probes.egress import Door
from statuspage.cli.importing.asking import Asker
from statuspage.cli.importing.findings import CannotImport
from statuspage.picture.page import Story
from statuspage.store.acts import read_audit
from statuspage.store.engine import Store
from statuspage.store.feed_tables import feed_entries
from statuspage.store.maintenance_rows import maintenances_between
from statuspage.store.outbox_tables import outbox
from statuspage.store.queries import stories_of
from statuspage.store.tables import incidents, journal, metadata, updates
from tests.statuspage.elsewhere import EMAIL, PAGE, Elsewhere, incident, served, update, window
from tests.statuspage.terminal import CHECKOUT, Ended, statuspage

FILE = """
site: {name: Muster IT, url: "http://127.0.0.1:8080"}
listen: {public: '127.0.0.1:0', internal: '127.0.0.1:0'}
components: {disk: {}}
services: {email: {needs: [disk]}, wissen: {name: Knowledge, needs: [disk]}}
"""
DAYS = [f"2024-{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 21)]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "statuspage.yaml").write_text(FILE, encoding="utf-8")
    return tmp_path


async def brought(page: Elsewhere, here: Path, *words: str) -> Ended:
    return await statuspage("import", "statuspage", page.url, "--by", "ada", *words, here=here)


async def findings(page: Elsewhere, here: Path, *words: str) -> Mapping[str, Any]:
    ended = await brought(page, here, "--json", *words)
    assert ended.code == 0, ended.err
    found: Mapping[str, Any] = json.loads(ended.out)
    return found


def reading(here: Path, read: Callable[[Connection], Any]) -> Any:  # noqa: ANN401 - whatever is read
    with Store.blocking("sqlite:///statuspage.db", here / "data") as database:
        return database.read(read)


def stories(here: Path) -> list[Story]:
    found = reading(here, lambda connection: stories_of(connection, connection.execute(select(incidents.c.id)).scalars().all()))
    return sorted(found, key=lambda story: story.incident.started_at)


def contents(here: Path) -> Mapping[str, Any]:
    """Every row of every table."""
    return {table.name: sorted(map(repr, reading(here, partial(_rows, table)))) for table in metadata.tables.values()}


def _rows(table: Table, connection: Connection) -> Sequence[Any]:
    return connection.execute(select(table)).all()


def counted(here: Path, table: Table) -> int:
    return len(reading(here, partial(_rows, table)))


async def test_an_incident_comes_over_with_its_words_and_times_and_says_from_where(here: Path) -> None:
    page = Elsewhere(incidents=[incident(1, "Mail is slow", "2024-02-03")], windows=[window(1, "Patches", "2024-02-05")])
    async with served(page):
        found = await findings(page, here)
    assert found["imported"] == {"incidents": 1, "maintenance windows": 1, "updates": 4, "known already": 0}
    (story,) = stories(here)
    one = story.incident
    assert (one.origin, one.state, one.name, one.imported_from) == (Origin.IMPORTED, State.RESOLVED, "Mail is slow", PAGE["url"])
    assert [f"{at:%Y-%m-%dT%H:%M}" for at in (one.started_at, one.opened_at, one.resolved_at) if at] == [
        "2024-02-03T16:00",
        "2024-02-03T16:05",
        "2024-02-03T16:42",
    ]
    assert one.worst == {"email": Status.PARTIAL}
    assert [(said.state, said.body) for said in story.updates] == [(State.INVESTIGATING, "We look."), (State.RESOLVED, "It works.")]
    (planned,) = reading(
        here, lambda connection: maintenances_between(connection, one.started_at, stories(here)[0].updates[-1].at.replace(year=2025))
    )
    assert (planned.name, planned.services, f"{planned.ended_at:%H:%M}") == ({"en": "Patches"}, ("email",), "21:50")
    (row,) = reading(here, lambda connection: read_audit(connection, before=None, limit=9))
    assert (row.actor, row.act, row.detail["brought"]) == ("ada", "import history", "2")


async def test_it_is_told_nowhere_again(here: Path) -> None:
    page = Elsewhere(incidents=[incident(1, "Mail is slow", "2024-02-03")], windows=[window(1, "Patches", "2024-02-05")])
    async with served(page):
        await findings(page, here)
    assert (counted(here, feed_entries), counted(here, outbox)) == (0, 0)


async def test_a_second_import_changes_nothing_and_a_later_one_brings_what_was_said_since(here: Path) -> None:
    page = Elsewhere(incidents=[incident(1, "Mail is slow", "2024-02-03")], windows=[window(1, "Patches", "2024-02-05")])
    async with served(page):
        await findings(page, here)
        before = contents(here)
        again = await findings(page, here)
        assert again["imported"] == {"incidents": 0, "maintenance windows": 0, "updates": 0, "known already": 2}
        assert contents(here) == before
        page.incidents[0]["incident_updates"].insert(0, update(99, "postmortem", "2024-02-09T10:00:00Z", "It was a disk."))
        page.incidents[0]["status"] = "postmortem"
        later = await findings(page, here)
    assert (later["imported"]["updates"], later["imported"]["known already"]) == (1, 1)
    (story,) = stories(here)
    assert (story.incident.state, [said.body for said in story.updates]) == (State.POSTMORTEM, ["We look.", "It works.", "It was a disk."])


@pytest.mark.parametrize("is_there", [True, False], ids=["a store", "no store"])
async def test_a_dry_run_says_what_would_be_brought_and_changes_nothing(here: Path, is_there: bool) -> None:  # noqa: FBT001
    page = Elsewhere(incidents=[incident(1, "Mail is slow", "2024-02-03")])
    async with served(page):
        if is_there:
            await findings(page, here)
            page.incidents.append(incident(2, "Mail is lost", "2024-01-03"))
        before = contents(here) if is_there else None
        found = await findings(page, here, "--dry-run", "--config-out", "draft.yaml")
    assert found["dry_run"] is True
    assert found["imported"] == {"incidents": 1, "maintenance windows": 0, "updates": 2, "known already": int(is_there)}
    assert not (here / "draft.yaml").exists()
    if before is None:
        assert not (here / "data").exists()
    else:
        assert contents(here) == before


async def test_a_dry_run_leaves_a_store_of_an_earlier_release_as_it_is(here: Path) -> None:
    page = Elsewhere(incidents=[incident(1, "Mail is slow", "2024-02-03")])
    async with served(page):
        await findings(page, here)
        with closing(sqlite3.connect(here / "data" / "statuspage.db")) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = '0014'")
        ended = await brought(page, here, "--dry-run")
        with closing(sqlite3.connect(here / "data" / "statuspage.db")) as connection:
            assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0014",)]
    assert "the store was written by an earlier release, and is not changed here" in ended.err
    assert ended.code != 0


async def test_all_pages_are_read_until_one_is_not_full(here: Path) -> None:
    page = Elsewhere(incidents=[incident(number, f"Trouble {number}", day) for number, day in enumerate(reversed(DAYS[:120]), 1)])
    async with served(page):
        found = await findings(page, here)
    assert found["imported"]["incidents"] == 120
    assert [path for path in page.asked if "incidents" in path][-1] == "/api/v2/incidents.json?page=3"
    assert not any("newest" in note for note in found["notes"])


async def test_a_page_that_gives_its_newest_alone_is_said_to(here: Path) -> None:
    page = Elsewhere(incidents=[incident(number, "Trouble", day) for number, day in enumerate(DAYS[:60], 1)], turns_pages=False)
    async with served(page):
        found = await findings(page, here)
    assert found["imported"]["incidents"] == 50
    assert any("newest" in note for note in found["notes"])


async def test_components_are_mapped_by_name_or_as_the_operator_says_and_others_keep_their_names(here: Path) -> None:
    wiki = {"id": "cmp000000002", "name": "Wiki (old)"}
    gone = {"id": "cmp000000009", "name": "Fax"}
    rows = [
        incident(
            1,
            "All is slow",
            "2024-02-03",
            components=[EMAIL, wiki, gone],
            updates=[update(1, "resolved", "2024-02-03T16:42:00Z", "It works.")],
        )
    ]
    page = Elsewhere(incidents=rows)
    async with served(page):
        found = await findings(page, here)
        assert [one["what"] for one in found["left_out"]] == [
            "component cmp000000002 “Wiki (old)”",
            "components that the page has no more: Fax (cmp000000009)",
        ]
        assert "--map cmp000000002=OURS" in found["left_out"][0]["mend"]
        (story,) = stories(here)
        assert story.incident.worst == dict.fromkeys(("email", "Wiki (old)", "Fax"), Status.PARTIAL)
        other = here / "other"
        other.mkdir()
        (other / "statuspage.yaml").write_text(FILE, encoding="utf-8")
        await findings(page, other, "--map", "Wiki (old)=wissen")
        third = here / "third"
        third.mkdir()
        (third / "statuspage.yaml").write_text(FILE, encoding="utf-8")
        await findings(page, third, "--map", "Wiki (old)=wissen", "--map", "Fax=wissen")
    assert stories(other)[0].incident.worst == dict.fromkeys(("email", "wissen", "Fax"), Status.PARTIAL)
    assert stories(third)[0].incident.worst == dict.fromkeys(("email", "wissen"), Status.PARTIAL)


async def test_a_component_that_is_gone_there_is_a_service_of_ours_by_its_name(here: Path) -> None:
    said = [
        update(1, "resolved", "2024-02-03T16:42:00Z", "It works.", affected=[({"id": "cmp000000009", "name": "Knowledge"}, "major_outage")])
    ]
    page = Elsewhere(incidents=[incident(1, "All is slow", "2024-02-03", components=[], updates=said)])
    async with served(page):
        await findings(page, here)
    assert stories(here)[0].incident.worst == {"wissen": Status.MAJOR}


async def test_a_mapping_that_cannot_be_is_named_with_all_others(here: Path) -> None:
    page = Elsewhere()
    async with served(page):
        ended = await brought(page, here, "--map", "Nobody=email", "--map", "Email=nothing", "--map", "Email")
    assert ended.code == 1
    assert [line.partition(":")[0] for line in ended.err.splitlines()] == ["--map Nobody=email", "--map Email=nothing", "--map Email"]
    assert not (here / "data").exists()


async def test_what_is_not_over_there_stays_there_and_the_report_says_what_to_do(here: Path) -> None:
    rows = [incident(1, "Goes on", "2024-02-03", status="investigating", resolved_at=None)]
    coming = window(1, "Move; rm -rf /", "2031-02-05", status="scheduled", resolved_at=None, incident_updates=[])
    page = Elsewhere(incidents=rows, windows=[coming])
    async with served(page):
        found = await findings(page, here)
    assert found["imported"]["incidents"] == found["imported"]["maintenance windows"] == 0
    _, planned, open_ = found["left_out"]
    assert "import again once it is over" in open_["mend"]
    assert (
        "statuspage maintenance plan 'Move; rm -rf /' --service email --starts 2031-02-05T21:00Z --ends 2031-02-05T22:00Z"
        in planned["mend"]
    )


async def test_a_row_that_makes_no_sense_is_left_out_and_the_others_come(here: Path) -> None:
    rows = [
        incident(1, "Good", "2024-02-03"),
        incident(2, "", "2024-02-03"),
        incident(3, "No times", "2024-02-03", created_at="yesterday", started_at=None, resolved_at=7, incident_updates={"a": []}),
        incident(4, "Of old", "0001-01-01"),
        incident(5, "Of the future", "2999-01-01"),
    ]
    page = Elsewhere(incidents=[*rows, ["no row"]])  # type: ignore[list-item]  # a stranger's
    async with served(page):
        found = await findings(page, here)
    assert [story.incident.name for story in stories(here)] == ["Good"]
    reasons = [one["why"] for one in found["left_out"] if one["what"].startswith("incident")]
    assert [reason.partition(",")[0] for reason in reasons] == [
        "it has no id or no name",
        "it does not say when it began or ended",
        "it does not say when it began or ended",
        "it ends",
    ]


async def test_markup_becomes_plain_words(here: Path) -> None:
    body = '<p>Mail &amp; more: <b>slow</b>.<script>alert(1)</script></p><ul><li>one</li><li>two</li></ul>See <a href="https://x.example/y">here</a>.'
    said = [update(1, "resolved", "2024-02-03T16:42:00Z", body), update(2, "resolved", "2024-02-03T16:43:00Z", "a < b > c\u202e & d")]
    page = Elsewhere(incidents=[incident(1, "A &amp; B\u202e", "2024-02-03", updates=said)])
    async with served(page):
        await findings(page, here)
    (story,) = stories(here)
    assert story.incident.name == "A & B"
    assert [one.body for one in story.updates] == [
        "Mail & more: slow.\n\n- one\n- two\n\nSee here (https://x.example/y).",
        "a < b > c & d",
    ]


async def test_their_components_become_services_in_a_new_file(here: Path) -> None:
    page = Elsewhere()
    async with served(page):
        await findings(page, here, "--config-out", "draft.yaml")
        page.incidents = [incident(1, "Mail is slow", "2024-02-03")]
        again = await brought(page, here, "--config-out", "draft.yaml")
        nowhere = await brought(page, here, "--config-out", "nowhere/draft.yaml")
    assert (again.code, nowhere.code) == (1, 1)
    assert "draft.yaml: it is there already" in again.err
    assert "nowhere/draft.yaml: its directory is not there" in nowhere.err
    assert stories(here) == []  # nothing is kept whose report would be lost
    checked = await statuspage("check-config", "draft.yaml", here=here)
    assert checked.code == 0, checked.err
    text = (here / "draft.yaml").read_text(encoding="utf-8")
    assert "group: Post" in text
    assert 'name: "Wiki (old)"' in text


@pytest.mark.parametrize(
    ("path", "rude", "message"),
    [
        ("summary.json", web.Response(status=404), "There is no Statuspage"),
        ("summary.json", web.Response(text="<html>"), "not JSON: line 1, column 1"),
        ("summary.json", web.Response(text='{"page": []}'), "it names no page"),
        ("summary.json", web.Response(text="[" * 100_000), "JSON that nobody should read"),
        ("summary.json", web.Response(body=b'"\xff"'), "byte 1 is no UTF-8"),
        ("summary.json", web.Response(status=401), "not open to everybody"),
        ("incidents.json", web.Response(text='{"incidents": {}}'), "it has no list of incidents"),
        ("incidents.json", web.Response(text=f'"{"x" * 5_000_000}"'), "longer than 4194304 bytes"),
        ("scheduled-maintenances.json", web.Response(status=429, headers={"Retry-After": "3600"}), "come back in 3600 seconds"),
        ("components.json", web.Response(status=302, headers={"Location": "http://127.0.0.2:9/"}), "blocked"),
        ("components.json", web.Response(status=302, headers={"Location": "http://169.254.169.254/"}), "blocked"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)
async def test_a_page_that_misbehaves_is_named_with_its_place_and_changes_nothing(
    here: Path, path: str, rude: web.Response, message: str
) -> None:
    page = Elsewhere(incidents=[incident(1, "Mail is slow", "2024-02-03")], rude={path: [rude]})
    async with served(page):
        ended = await brought(page, here)
    assert ended.code == 1
    assert message in ended.err
    assert f"{page.url}/api/v2/{path}" in ended.err
    assert not (here / "data").exists()


async def test_a_page_that_asks_for_patience_is_asked_again(here: Path) -> None:
    late = web.Response(status=429, headers={"Retry-After": "0"})
    page = Elsewhere(incidents=[incident(1, "Mail is slow", "2024-02-03")], rude={"incidents.json": [late]})
    async with served(page):
        found = await findings(page, here)
    assert found["imported"]["incidents"] == 1
    assert page.asked.count("/api/v2/incidents.json") == 2


async def test_a_page_that_never_answers_is_given_up_with_its_place() -> None:
    async with served(Elsewhere(hangs_at="incidents.json")) as page:
        asker = Asker(base=page.url, door=Door(), progress=lambda _: None, timeout=0.3)
        with pytest.raises(CannotImport, match=rf"{page.url}/api/v2/incidents.json: timeout at first_byte"):
            await asker.everything()


async def test_a_page_that_goes_on_for_ever_is_left() -> None:
    rows = [incident(number, "Trouble " * 20, day) for number, day in enumerate(DAYS, 1)]
    async with served(Elsewhere(incidents=rows)) as page:
        asker = Asker(base=page.url, door=Door(), progress=lambda _: None, most_together=100_000)
        with pytest.raises(CannotImport, match=r"incidents.json\?page=\d: with all before it longer than 100000 bytes"):
            await asker.everything()


async def test_nobody_there_is_said_with_the_place(here: Path) -> None:
    ended = await statuspage("import", "statuspage", "http://127.0.0.1:1/api/v2/summary.json?x=1", here=here)
    assert ended.code == 1
    assert ended.err.startswith("http://127.0.0.1:1/api/v2/summary.json: refused at connect")
    typed = await statuspage("import", "statuspage", "status.example.com", here=here)
    assert typed.err.startswith("status.example.com: not an http:// or https:// URL")


CUT = """
import os, signal, sys
from statuspage.cli.importing import keeping

keep = keeping.keep
def cut(database, job, progress):
    return keep(database, job, lambda done: os.kill(os.getpid(), signal.SIGKILL))

keeping.keep = cut
from statuspage.__main__ import main
main()
"""


async def test_what_was_killed_on_the_way_is_complete_after_another_import(here: Path) -> None:
    page, whole = (
        Elsewhere(incidents=[incident(number, "Trouble", day) for number, day in enumerate(reversed(DAYS[:120]), 1)]),
        here / "whole",
    )
    whole.mkdir()
    (whole / "statuspage.yaml").write_text(FILE, encoding="utf-8")
    async with served(page):
        words = ("-c", CUT, "import", "statuspage", page.url, "--by", "ada")
        killed = await asyncio.create_subprocess_exec(sys.executable, *words, cwd=here, env={**os.environ, "PYTHONPATH": str(CHECKOUT)})
        assert await killed.wait() == -signal.SIGKILL
        assert counted(here, incidents) == 50
        found = await findings(page, here)
        await findings(page, whole)
    assert found["imported"] == {"incidents": 70, "maintenance windows": 0, "updates": 140, "known already": 50}
    told = [
        [(one.incident.name, one.incident.started_at, [said.body for said in one.updates]) for one in stories(at)] for at in (here, whole)
    ]
    assert told[0] == told[1]
    assert (counted(here, updates), counted(here, journal)) == (240, 120)
