"""A customer's auditor compares the page, the metrics, the API and the report of a running service: one figure, to the last digit."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Connection

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
        record(connection, events=[turned(*one) for one in told], results=(), at=gap)
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
            page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", await answer.text()))
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
    (reported,) = json.loads(ended.out)["items"]
    assert told["measured"] == reported["measured"] < 100
    assert told["intervals"] == reported["intervals"]
    assert f"{told['measured']:.3f} % {told['contractual']:.3f} % 1 h" in page
    ratios = {tuple(one.labels.values()): one.value for one in families["statuspage_service_availability_ratio"].samples}
    shown = re.search(r"Last 90 days (\S+) % (\S+) %", page)
    assert shown is not None
    assert [f"{ratios['web', '90d', figure] * 100:.3f}" for figure in ("measured", "contractual")] == list(shown.groups())
    assert f"{shown[1]} % measured " in re.sub(r"<[^>]+>", "", front)
