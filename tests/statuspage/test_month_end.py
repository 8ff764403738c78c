"""What a month's reports are when it is over: one letter each to whom the file names, whoever starts how often."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from probes.egress import Door
from statuspage.config.models import Config
from statuspage.month_end import month_over
from statuspage.render.monthly import Monthly
from statuspage.telling import deliverer, rewire
from tests.statuspage.tellings import SENDER, known, telling

ZONE = "Europe/Berlin"
APRIL = datetime(2026, 4, 1, 6, 0, tzinfo=UTC)
"""Eight in the morning in Berlin, once summer time has begun."""


BOTH = ("boss@example.org", "board@example.org")


def configured(port: int, reports_to: Sequence[str] = BOTH) -> Config:
    mail = {"host": "127.0.0.1", "port": port, "tls": "never", "from": SENDER, "reports_to": reports_to}
    site = {"name": "Muster IT", "url": "https://a.example", "timezone": ZONE}
    return Config.model_validate({"site": site, "console": {"url": "https://desk.example"}, "mail": mail})


@pytest.mark.parametrize(
    ("now", "month"),
    [
        (APRIL, "2026-03"),
        (APRIL - timedelta(microseconds=1), "2026-02"),
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "2026-11"),
        (datetime(2027, 1, 1, 7, 0, tzinfo=UTC), "2026-12"),
    ],
)
def test_a_month_is_over_on_the_first_at_eight_by_the_sites_clock(now: datetime, month: str) -> None:
    assert month_over(now, ZONE) == month


async def test_each_months_reports_are_mailed_once_across_restarts_and_clocks_set_back(tmp_path: Path) -> None:
    async with telling(tmp_path, known()) as house:

        def begun() -> None:
            """Another process begins, which knows nothing but what is in the store."""
            house.deliverer = deliverer(house.press)
            rewire(house.deliverer, configured(house.postbox.port), Door())

        begun()
        await house.deliver()
        assert house.postbox.letters == [], "what was before anybody asked is sent to nobody"
        incident = await house.outage()
        await house.pass_by((APRIL - house.world.now).total_seconds() - 1)
        await house.deliver()
        assert house.postbox.letters == []
        await house.pass_by(1)
        await house.deliver()
        begun()
        await house.deliver()
        letters = house.postbox.letters
        assert sorted((one.to, one.subject) for one in letters) == [
            ("board@example.org", "Availability 2026-03: Muster IT"),
            ("board@example.org", "The desk's figures 2026-03: Muster IT"),
            ("board@example.org", "The review 2026-03: Muster IT"),
            ("boss@example.org", "Availability 2026-03: Muster IT"),
            ("boss@example.org", "The desk's figures 2026-03: Muster IT"),
            ("boss@example.org", "The review 2026-03: Muster IT"),
        ]
        desk = next(one for one in letters if one.subject.startswith("The desk"))
        for part in (desk.text, desk.html):
            assert incident.name in part
            assert "confirmed" in part
        assert "https://desk.example/reports/desk?period=2026-03" in desk.text
        assert f"https://desk.example/incidents/{incident.id}" in desk.html

        for seconds in (-86400.0, 86400.0 * 20):
            house.world.wait(seconds)
            begun()
            await house.deliver()
        assert len(house.postbox.letters) == 6
        await house.pass_by(86400.0 * 15)
        await house.deliver()
        assert len(house.postbox.letters) == 12, "April is over, too"


async def test_who_was_away_for_two_month_ends_mails_both_and_what_was_nobodys_is_sent_to_nobody(tmp_path: Path) -> None:
    async with telling(tmp_path, known()) as house:
        rewire(house.deliverer, configured(house.postbox.port, ()), Door())
        await house.deliver()
        await house.pass_by((APRIL - house.world.now).total_seconds())
        await house.deliver()
        rewire(house.deliverer, configured(house.postbox.port, ["boss@example.org"]), Door())
        await house.deliver()
        assert house.postbox.letters == [], "March ended while nobody was named"
        await house.pass_by(86400.0 * 61)
        await house.deliver()
        told = [one.subject for one in house.postbox.letters if one.subject.startswith("Availability")]
        assert sorted(told) == ["Availability 2026-04: Muster IT", "Availability 2026-05: Muster IT"]


async def test_a_report_that_cannot_be_made_keeps_no_other_letter_waiting_and_is_tried_again(tmp_path: Path) -> None:
    async with telling(tmp_path, known()) as house:
        rewire(house.deliverer, configured(house.postbox.port), Door())
        await house.deliver()
        await house.subscribe("anna@example.org")
        await house.pass_by((APRIL - house.world.now).total_seconds())
        await house.outage()
        await house.pass_by(121)
        letters, whole = house.deliverer.letters, house.deliverer.letters.paper
        assert whole is not None

        def broken(connection: Connection, report: str, period: str) -> Monthly:
            if report == "review":
                raise ZeroDivisionError
            return whole(connection, report, period)

        letters.paper = broken
        await house.deliver()
        assert len(house.postbox.to("anna@example.org")) == 1
        subjects = sorted(one.subject for one in house.postbox.to("boss@example.org"))
        assert subjects == ["Availability 2026-03: Muster IT", "The desk's figures 2026-03: Muster IT"]
        letters.paper = whole
        await house.pass_by(600)
        await house.deliver()
        assert len(house.postbox.to("boss@example.org")) == 3
