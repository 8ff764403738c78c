"""The ledger of a service as programs read it, and corrections, over a real socket."""

from collections.abc import AsyncIterator
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from incidents.levels.terms import Period, Terms
from incidents.times.calendars import Calendar
from probes.result import Failure
from statuspage.ledgers import present_account
from statuspage.store.ledger_rows import state_terms, terms_of
from statuspage.store.people import Role
from tests.statuspage.desks import START, House, Program, housed

HOUR = timedelta(hours=1)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with housed(tmp_path) as opened:
        yield opened


@pytest.fixture
async def manager(house: House) -> Program:
    return await house.program("report", Role.MANAGER)


async def broken_for_an_hour(house: House) -> None:
    """The portal works for nine hours, is down for one, and works again."""
    await house.all_good()
    house.now = START + 9 * HOUR
    await house.see("portal-web", None)
    await house.see("portal-web", Failure.REFUSED)
    house.now = START + 10 * HOUR
    await house.see("portal-web", None)


async def ledger(program: Program, query: str = "", service: str = "portal") -> dict[str, Any]:
    answer = await program.session.get(f"/api/v1/services/{service}/availability{query}")
    assert answer.status == 200, await answer.text()
    found: dict[str, Any] = await answer.json()
    return found


async def test_the_ledger_adds_up_and_gives_its_reasons(house: House, manager: Program) -> None:
    await broken_for_an_hour(house)
    told = await ledger(manager, f"?since={START:%Y-%m-%dT%H:%M:%SZ}&until={START + 10 * HOUR:%Y-%m-%dT%H:%M:%SZ}")
    assert [(one["kind"], one["measured"], one["counts"]) for one in told["intervals"]] == [("up", "up", True), ("down", "down", True)]
    assert told["intervals"][1]["reason"] == "it did not work"
    edges = [(one["since"], one["until"]) for one in told["intervals"]]
    assert edges[0][1] == edges[1][0]
    assert (edges[0][0], edges[-1][1]) == (told["since"], told["until"])
    assert told["measured"] == told["contractual"] == 90.01  # down for 3,594 of the 35,976 seconds since it was first watched
    assert told["unknown_seconds"] == 0


async def test_without_a_period_it_is_this_month_so_far(house: House, manager: Program) -> None:
    await broken_for_an_hour(house)
    told = await ledger(manager)
    assert told["until"] == f"{house.now:%Y-%m-%dT%H:%M:%SZ}"
    assert told["since"] >= f"{START:%Y-%m-%dT%H:%M:%S}"  # from when it was first watched: time before that is no time


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?since=yesterday", "since is an instant with its zone"),
        ("?since=2026-03-01T00:00:00", "since is an instant with its zone"),
        ("?until=2030-01-01T00:00:00Z", "until not after now"),
        ("?since=2026-03-02T09:00:00Z&until=2026-03-02T08:00:00Z", "since lies before until"),
        ("?since=1990-01-01T00:00:00Z", "At most 1098 days"),
    ],
)
async def test_a_period_that_is_none_is_refused_in_a_sentence(house: House, manager: Program, query: str, words: str) -> None:
    await house.all_good()
    answer = await manager.session.get(f"/api/v1/services/portal/availability{query}")
    assert answer.status == 422
    assert words in (await answer.json(content_type=None))["detail"]


async def test_what_is_not_there_or_was_never_watched_has_no_ledger(manager: Program) -> None:
    for service, words in (("fax", "There is no service"), ("portal", "Nothing is known")):
        answer = await manager.session.get(f"/api/v1/services/{service}/availability?since=2026-03-02T07:00:00Z")
        assert answer.status == 404
        assert words in (await answer.json(content_type=None))["detail"]


async def test_a_correction_is_told_with_its_author_and_the_record_stays(house: House, manager: Program) -> None:
    await broken_for_an_hour(house)
    span = {"since": f"{START + 9 * HOUR:%Y-%m-%dT%H:%M:%SZ}", "until": f"{START + 9.5 * HOUR:%Y-%m-%dT%H:%M:%SZ}"}
    answer = await manager.send("/services/portal/corrections", {**span, "status": "operational", "reason": "the probe's own network"})
    assert answer.status == 201, await answer.text()
    said = await answer.json()
    assert (said["by"], said["status"], said["reason"]) == ("report", "operational", "the probe's own network")
    told = await ledger(manager)
    assert [(one["kind"], one["author"]) for one in told["intervals"]] == [("up", None), ("up", "report"), ("down", None), ("up", None)]
    (row,) = await house.audit("correct")
    assert (row.actor, row.subject, row.detail["reason"]) == ("report", "portal", "the probe's own network")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reason": " "}, "reason"),
        ({"status": "under_maintenance"}, "status"),
        ({"until": "2031-01-01T00:00:00Z"}, "not after now"),
        ({"since": "2020-01-01T00:00:00Z"}, "a year at most"),
    ],
)
async def test_a_correction_that_makes_no_sense_is_refused(house: House, manager: Program, change: dict[str, str], words: str) -> None:
    await broken_for_an_hour(house)
    body = {"since": "2026-03-02T08:30:00Z", "until": "2026-03-02T09:00:00Z", "status": "operational", "reason": "known better", **change}
    answer = await manager.send("/services/portal/corrections", body)
    assert answer.status == 422
    assert words in (await answer.json(content_type=None))["detail"]
    assert len((await ledger(manager))["intervals"]) == 3


async def test_what_was_promised_is_kept_from_when_on_and_only_where_it_changed(house: House) -> None:
    office = Calendar(timezone="Europe/Berlin", weekly={0: ((480, 1080),), 4: ((480, 720), (780, 960))}, closed=frozenset({START.date()}))
    first = Terms(target=Fraction(999, 1000), hours=office, period=Period.QUARTER, notice=72 * HOUR, notice_from=HOUR)
    second = Terms(target=Fraction(99, 100), partial_counts=Fraction(1, 2))
    for terms, hours in ((first, 0), (first, 1), (second, 2)):
        at = START + hours * HOUR
        await house.store.write(lambda connection, terms=terms, at=at: state_terms(connection, {"portal": terms}, at))  # type: ignore[misc]
    kept = await house.store.read(lambda connection: terms_of(connection, "portal"))
    assert kept == ((START, first), (START + 2 * HOUR, second))


async def test_an_account_tells_what_is_left_of_the_promise(house: House) -> None:
    await house.store.write(lambda connection: state_terms(connection, {"portal": Terms(target=Fraction(99, 100))}, START))
    await broken_for_an_hour(house)
    account = await house.store.read(lambda connection: present_account(connection, "portal", "UTC", house.now))
    assert account.budget is not None
    assert account.budget.allowed == Fraction(31 * 24 * 3600_000_000, 100)
    assert not account.is_missed
    assert account.budget.remaining_ratio is not None
    assert 0.86 < account.budget.remaining_ratio < 0.87
    assert account.runs_out_at is not None  # an hour in ten: it does not last long
    assert house.now < account.runs_out_at < START + 10 * 24 * HOUR
