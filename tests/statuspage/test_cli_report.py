"""``statuspage report availability``, as a process of its own beside a store that something was written into."""

import csv
import io
import json
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection

from incidents.corrected import Corrected
from incidents.events import StatusChanged
from incidents.levels.availability import percent
from incidents.levels.service_level import calendar_period
from incidents.levels.terms import Period, Terms
from incidents.model import Status, Subject
from incidents.times.spans import Span
from statuspage.ledgers import ledger_of
from statuspage.store.engine import Store
from statuspage.store.ledger_rows import state_terms
from statuspage.store.queries import installation
from statuspage.store.record import record
from tests.statuspage.terminal import statuspage

MAY = calendar_period(Period.MONTH, datetime(2026, 5, 1, tzinfo=UTC).date(), "Europe/Berlin")
HOUR = timedelta(hours=1)
FILE = """
site: {name: "Muster <IT>", url: http://127.0.0.1:1, timezone: Europe/Berlin}
listen: {public: '127.0.0.1:0', internal: '127.0.0.1:0'}
services:
  email:
    name: E-Mail
    service_level: {target: 99.9, credits: [{below: 99.9, percent: 5}, {below: 99, percent: 10}]}
    impact: {customers: 1000, cost_of_quality: 0.5}
    monitors: [{probe: tcp, host: 127.0.0.1, port: 1}]
  portal:
    monitors: [{probe: tcp, host: 127.0.0.1, port: 1}]
"""


def turned(since: datetime, new: Status) -> StatusChanged:
    return StatusChanged(at=since, subject=Subject.SERVICE, id="email", since=since, old=Status.UNKNOWN, new=new, cause="")


def may(connection: Connection) -> None:
    """All of May 2026 works but for three hours, one of which was none, as somebody found out; a day is not known."""
    changes = [(0, Status.OPERATIONAL), (100, Status.MAJOR), (103, Status.OPERATIONAL), (200, Status.UNKNOWN), (224, Status.OPERATIONAL)]
    installation(connection, url="http://127.0.0.1:1", now=MAY.since)
    state_terms(connection, {"email": Terms(target=Fraction(999, 1000))}, MAY.since)
    record(connection, events=[turned(MAY.since + at * HOUR, new) for at, new in changes], results=(), at=MAY.since)
    span = (MAY.since + 100 * HOUR, MAY.since + 101 * HOUR)
    known = Corrected(
        at=MAY.until,
        correction="c1",
        service="email",
        since=span[0],
        until=span[1],
        status=Status.OPERATIONAL,
        reason="=our own",
        by="anna",
    )
    record(connection, events=[known], results=(), at=MAY.until)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "statuspage.yaml").write_text(FILE)
    return tmp_path


@pytest.fixture
def kept(here: Path) -> Path:
    with Store.blocking("sqlite:///statuspage.db", here / "data") as database:
        database.write(may)
    return here


async def reported(here: Path, *words: str) -> str:
    ended = await statuspage("report", "availability", *words, here=here)
    assert ended.code == 0, ended.err
    return ended.out


async def test_an_empty_data_directory_has_a_report_without_figures(here: Path) -> None:
    told = await reported(here)
    assert "email    99.9 % a month" in told
    assert told.count("not known") == 4
    assert json.loads(await reported(here, "--format", "json"))["items"][0]["measured"] is None
    assert "Nothing is known of this service yet." in await reported(here, "--format", "html")
    assert (await reported(here, "--format", "csv")).count("\n") == 1


async def test_a_table_says_what_was_promised_kept_and_lost(kept: Path) -> None:
    (_, email, portal) = (await reported(kept, "--period", "2026-05")).splitlines()
    figure = f"{percent(1 - Fraction(2, 720))} %"
    assert email.split("  ")[0] == "email"
    assert email.count(figure) == 2
    for words in ("99.9 % a month", "1 d", "-1 h 16 min", "5 %", "1,000"):
        assert words in email, words
    assert "no service level" in portal


async def test_every_format_tells_the_figures_of_the_one_ledger(kept: Path) -> None:
    with Store.blocking("sqlite:///statuspage.db", kept / "data") as database:
        ledger = database.read(lambda connection: ledger_of(connection, "email", MAY))
    (email, _) = json.loads(await reported(kept, "--period", "2026-05", "--format", "json"))["items"]
    assert ledger.measured.ratio is not None
    assert (email["measured"], email["unknown_seconds"]) == (float(percent(ledger.measured.ratio)), 86400.0)
    assert [one["kind"] for one in email["intervals"]] == ["up", "up", "down", "up", "unknown", "up"]
    rows = list(csv.DictReader(io.StringIO(await reported(kept, "--period", "2026-05", "--format", "csv"))))
    assert sum(float(row["seconds"]) for row in rows) == MAY.length.total_seconds()
    assert sum(float(row["seconds"]) for row in rows if row["kind"] == "down") == 7200
    assert {row["author"] for row in rows} == {"", "anna"}
    page = await reported(kept, "--period", "2026-05", "--format", "html", "--service", "email")
    assert page.count(percent(ledger.measured.ratio)) == 2


async def test_a_cell_never_begins_like_a_formula(kept: Path) -> None:
    assert "'=our own" in await reported(kept, "--period", "2026-05", "--format", "csv")


async def test_the_page_needs_nothing_but_itself_and_escapes_what_people_wrote(kept: Path) -> None:
    page = await reported(kept, "--period", "2026-05", "--format", "html")
    assert "Muster &lt;IT&gt;" in page
    assert not [word for word in ("<script", "http:", "https:", "src=", "@import", "url(") if word in page]
    assert '<rect class="down"' in page
    assert "prefers-color-scheme: dark" in page


async def test_the_page_is_written_in_the_language_that_is_asked_for(kept: Path) -> None:
    page = await reported(kept, "--period", "2026-05", "--format", "html", "--language", "de")
    assert '<html lang="de">' in page
    for words in ("Verfügbarkeit 2026-05", "Zugesagt sind 99,9 % je Monat", "überschritten um 1 h 16 min", "<dd>1.000</dd>", "Gemessen"):
        assert words in page, words


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--period", "may"], "not a period: 'may'"),
        (["--period", "2926-05"], "has not begun"),
        (["--period", "9999-12"], "end of the calendar"),
        (["--service", "phone"], "there is no service 'phone'"),
        (["--format", "pdf"], "there is no format 'pdf'"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_what_would(here: Path, words: list[str], told: str) -> None:
    ended = await statuspage("report", "availability", *words, here=here)
    assert (ended.code, told in ended.err) == (2, True), ended.err


async def test_quarters_years_and_rolling_periods_are_named_by_their_words(kept: Path) -> None:
    for word, length in (("2026-Q2", timedelta(days=91)), ("24h", timedelta(days=1))):
        assert (await span_of(kept, word)).length == length, word


async def test_so_many_days_are_days_of_the_zone_with_today_at_their_end(kept: Path) -> None:
    for word, days in (("7d", 7), ("90d", 90)):
        span, here = await span_of(kept, word), ZoneInfo("Europe/Berlin")
        first, today = span.since.astimezone(here), span.until.astimezone(here)
        assert (first.time(), (today.date() - first.date()).days) == (time.min, days - 1), word


async def span_of(kept: Path, word: str) -> Span:
    told = json.loads(await reported(kept, "--period", word, "--format", "json"))
    return Span(datetime.fromisoformat(told["since"]), datetime.fromisoformat(told["until"]))
