"""``statuspage explain``: the reasons of an incident, from the store."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents import act
from incidents.decide import decide
from incidents.policy import Policy
from probes.result import Failure
from statuspage.render.timeline import spoken, tell
from statuspage.store import queries
from statuspage.store.engine import Database, Store
from tests.statuspage.store.worlds import after, begin, known, result, write
from tests.statuspage.terminal import configured, statuspage

URL = "sqlite:///statuspage.db"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    configured(tmp_path)
    return tmp_path


@pytest.fixture
def database(here: Path) -> Iterator[Database]:
    """The store of the command line, held open as a running hub holds it."""
    with Store.blocking(URL, here / "data") as opened:
        yield opened


def outage(database: Database) -> str:
    """smtp fails, is mended and resolved by ada; returns the incident."""
    situation = begin(database)
    for seconds, failure in ((0, None), (60, Failure.REFUSED), (63, Failure.REFUSED), (120, None), (123, None)):
        heard = [result("smtp-greets", seconds, failure=failure), result("imap-logs-in", seconds, location="local")]
        heard.append(result("imap-logs-in", seconds, location="far"))
        events = decide(situation, heard, Policy(), after(seconds))
        write(database, *events, results=heard, at=after(seconds))
        situation = known(database)
    (id,) = situation.incidents
    write(database, *act.resolve(situation, after(200), incident=id, by="ada", body="It works.", cause="disk"), at=after(200))
    return id


async def test_it_tells_in_order_why_each_thing_happened(here: Path, database: Database) -> None:
    id = outage(database)
    ended = await statuspage("explain", id, here=here)
    assert ended.code == 0, ended.err
    told = ended.out.splitlines()
    assert told[0].endswith(f"({id}), resolved. Times are UTC.")
    order = [
        "by itself: Opened; it began at 2026-03-02 08:55:00",
        "    smtp: smtp-greets failed 2 times since 08:55:00: refused",
        "by itself: Its words are public from now on",
        "    publish_after holds nothing back",
        "by itself: Investigating → recovered, being watched",
        "    smtp: smtp-greets succeeded since 08:56:00",
        "ada: Public update 3: resolved",
        "    It works.",
        "ada: Resolved",
        "    Cause: disk",
    ]
    places = [next(place for place, line in enumerate(told) if wanted.lower() in line.lower()) for wanted in order]
    assert places == sorted(places)


async def test_the_console_and_the_command_tell_the_same(here: Path, database: Database) -> None:
    id = outage(database)
    rows = database.read(lambda connection: queries.journal(connection, id))
    lines = [line for row in rows if (line := tell(row.event)) is not None]
    ended = await statuspage("explain", id, here=here)
    assert ended.out.rstrip().endswith("\n".join(spoken(line) for line in lines))


async def test_programs_get_it_as_json(here: Path, database: Database) -> None:
    id = outage(database)
    told = json.loads((await statuspage("explain", id, "--json", here=here)).out)
    assert (told["id"], told["state"], told["root"], told["services"]) == (id, "resolved", "smtp", {"mail": "partial_outage"})
    assert told["lines"][0]["words"] == "Opened; it began at"
    assert told["lines"][0]["body"].startswith("smtp: smtp-greets failed 2 times")


async def test_an_incident_that_is_none_is_bad(here: Path, database: Database) -> None:
    begin(database)
    ended = await statuspage("explain", "nowherenever", here=here)
    assert (ended.code, ended.err.strip()) == (1, "there is no incident nowherenever")
