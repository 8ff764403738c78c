"""A customer's auditor compares the page, the metrics, the API and the report of a running service: one figure, to the last digit."""

import csv
import io
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Connection

from incidents.corrected import Corrected
from incidents.events import StatusChanged
from incidents.levels.service_level import calendar_period
from incidents.levels.terms import Period
from incidents.model import Status, Subject
from statuspage.app import Service
from statuspage.clock import wall_clock
from statuspage.store import people
from statuspage.store.engine import Store
from statuspage.store.people import Role
from statuspage.store.queries import installation
from statuspage.store.record import record
from tests.statuspage.terminal import statuspage

HOUR = timedelta(hours=1)
FILE = """
site: {name: Muster IT, url: "http://127.0.0.1:8080", timezone: Asia/Kathmandu}
services:
  web:
    service_level: {target: 99.9}
    monitors: [{probe: tcp, host: 127.0.0.1, port: 9, every: 1h}]
"""


def turned(since: datetime, new: Status) -> StatusChanged:
    return StatusChanged(at=since, subject=Subject.SERVICE, id="web", since=since, old=Status.UNKNOWN, new=new, cause="")


async def test_page_metrics_api_and_report_give_one_figure(tmp_path: Path) -> None:
    now = wall_clock()
    this = calendar_period(Period.MONTH, now.astimezone(UTC).date(), "Asia/Kathmandu")
    month = calendar_period(Period.MONTH, (this.since - 24 * HOUR).date(), "Asia/Kathmandu")
    (tmp_path / "statuspage.yaml").write_text(FILE)

    def past(connection: Connection) -> str:
        """An outage of seven seconds, and a gap, in the month before this one."""
        installation(connection, url="http://127.0.0.1:8080", now=month.since)
        begun, broke, gap = month.since + 5 * HOUR, month.since + 100 * HOUR, month.since + 300 * HOUR
        told = [
            (begun, Status.OPERATIONAL),
            (broke, Status.MAJOR),
            (broke + timedelta(seconds=7), Status.OPERATIONAL),
            (gap, Status.UNKNOWN),
            (gap + HOUR, Status.OPERATIONAL),
        ]
        known = Corrected(
            at=now,
            correction="c1",
            service="web",
            since=gap,
            until=gap + HOUR / 2,
            status=Status.OPERATIONAL,
            reason="our own link was gone; =mail went out",
            by="anna-of-the-desk",
        )
        record(connection, events=[*(turned(*one) for one in told), known], results=(), at=gap)
        return people.add_token(connection, name="auditor", roles=(Role.VIEWER,), at=now, expires_at=None)

    with Store.blocking("sqlite:///statuspage.db", tmp_path / "data") as database:
        token = database.write(past)
    file, data = tmp_path / "statuspage.yaml", tmp_path / "data"
    async with (
        Service(config_path=file, data_dir=data, public=("127.0.0.1", 0), internal=("127.0.0.1", 0)) as service,
        ClientSession() as web,
    ):
        async with web.get(f"{service.public_url}/service-levels") as answer:
            assert answer.status == 200
            levels = await answer.text()
            page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", levels))
        documents = {}
        for link in re.findall(r'href="(/services/web/ledger/[^"]+)"', levels):
            async with web.get(f"{service.public_url}{link}") as answer:
                assert answer.status == 200, link
                documents[link.rpartition("/")[2]] = await answer.text()
        async with web.get(f"{service.public_url}/") as answer:
            front = await answer.text()
        async with web.get(f"{service.internal_url}/metrics") as answer:
            families = {family.name: family for family in text_string_to_metric_families(await answer.text())}
        query = {"since": month.since.isoformat(), "until": month.until.isoformat()}
        address = f"{service.internal_url}/api/v1/services/web/availability"
        async with web.get(address, params=query, headers={"Authorization": f"Bearer {token}"}) as answer:
            told = await answer.json()
        ended = await statuspage(
            "report", "availability", "--period", f"{month.since + 24 * HOUR:%Y-%m}", "--format", "json", here=tmp_path
        )
        of_bars = await statuspage("report", "availability", "--period", "90d", "--format", "json", here=tmp_path)
    (reported,) = json.loads(ended.out)["items"]
    assert told["measured"] == reported["measured"] < 100
    assert told["intervals"] == reported["intervals"]
    assert f"{told['measured']:.3f} % {told['contractual']:.3f} % 30 min" in page
    ratios = {tuple(one.labels.values()): one.value for one in families["statuspage_service_availability_ratio"].samples}
    shown = re.search(r"Last 90 days (\S+) % (\S+) %", page)
    assert shown is not None
    assert [f"{ratios['web', '90d', figure] * 100:.3f}" for figure in ("measured", "contractual")] == list(shown.groups())
    assert f"{shown[1]} % measured " in re.sub(r"<[^>]+>", "", front)
    assert_the_bars_say_what_the_figure_counts(front, documents, shown[1], json.loads(of_bars.out)["items"][0])
    assert documents.keys() >= {f"{word}.{form}" for word in ("24h", "7d", "30d", "90d") for form in ("json", "csv")}
    assert_the_auditor_finds_it_all(documents, f"{month.since + 24 * HOUR:%Y-%m}", told, page)


def assert_the_bars_say_what_the_figure_counts(front: str, documents: Mapping[str, str], figure: str, reported: Any) -> None:  # noqa: ANN401 - JSON
    """Of the same ninety days: the sentence under the bars, one bar's own words, the ledger's rows and the report."""
    rows = list(csv.DictReader(io.StringIO(documents["90d.csv"])))
    down = sum(float(row["seconds"]) for row in rows if row["measured"] in ("down", "partial"))
    bars = [title for title in re.findall(r"<title>([^<]*)</title>", front.partition("<main")[2]) if " down" in title]
    assert down == 7
    assert re.search(r"(Watched for|Last) \d+ days: 1 day with an outage, 7 s down, not known for ", front) is not None
    assert [title.partition(": ")[2] for title in bars] == ["major outage, 7 s down"]
    assert f"{reported['measured']:.3f}" == figure != "100.000"
    assert [one["measured"] for one in reported["intervals"]] == [row["measured"] for row in rows]


def assert_the_auditor_finds_it_all(documents: Mapping[str, str], word: str, told: Any, page: str) -> None:  # noqa: ANN401 - JSON
    """The public ledger is the desk's, but for names; the document of each figure on the page gives that figure."""
    (document,) = [json.loads(text) for name, text in documents.items() if name == f"{word}.json"]
    unnamed = [{key: value for key, value in one.items() if key != "author"} for one in told["intervals"]]
    assert [{key: value for key, value in one.items() if key != "partial_counts"} for one in document["intervals"]] == unnamed
    assert document.items() >= {key: value for key, value in told.items() if key != "intervals"}.items()
    rows = list(csv.DictReader(io.StringIO(documents[f"{word}.csv"])))
    assert [(row["since"], row["until"], row["reason"]) for row in rows] == [(o["since"], o["until"], o["reason"]) for o in unnamed]
    assert "our own link was gone" in documents[f"{word}.csv"]
    assert not [name for name, text in documents.items() if "anna" in text]
    shown = re.findall(r"(\d+\.\d+) % (\d+\.\d+) % (?:[\w ]*? )?CSV JSON", page)
    figures = [json.loads(text) for name, text in documents.items() if name.endswith(".json")]
    assert {(f"{one['measured']:.3f}", f"{one['contractual']:.3f}") for one in figures if one["measured"] is not None} == set(shown)
