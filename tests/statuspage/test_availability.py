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
from statuspage.books import Books
from statuspage.ledgers import present_account
from statuspage.store import queries
from statuspage.store.ledger_rows import state_terms, terms_of
from statuspage.store.people import Role
from statuspage.web.desk import PlanningPolicy
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


SPAN = {"since": f"{START + 9 * HOUR:%Y-%m-%dT%H:%M:%SZ}", "until": f"{START + 9.5 * HOUR:%Y-%m-%dT%H:%M:%SZ}"}


async def proposed(house: House, by: Program) -> dict[str, Any]:
    """Duties are separated, and somebody corrects half of the outage."""
    await broken_for_an_hour(house)
    house.planning_policy = PlanningPolicy(conducts={}, needs_approval=True)
    answer = await by.send("/services/portal/corrections", {**SPAN, "status": "operational", "reason": "our own link"})
    assert answer.status == 201, await answer.text()
    found: dict[str, Any] = await answer.json()
    return found


async def test_where_duties_are_separated_a_correction_counts_once_another_manager_agrees(house: House, manager: Program) -> None:
    made = await proposed(house, manager)
    assert (made["state"], made["decided_by"]) == ("waiting", None)
    assert len((await ledger(manager))["intervals"]) == 3
    own = await manager.send(f"/corrections/{made['correction']}/approve")
    assert own.status == 422
    assert "Another person" in (await own.json(content_type=None))["detail"]
    second = await house.program("second", Role.MANAGER)
    agreed = await second.send(f"/corrections/{made['correction']}/approve")
    assert agreed.status == 200, await agreed.text()
    told = await agreed.json()
    assert (told["state"], told["by"], told["decided_by"]) == ("counts", "report", "second")
    found = await ledger(manager)
    assert [(one["kind"], one["author"]) for one in found["intervals"]] == [("up", None), ("up", "report"), ("down", None), ("up", None)]
    assert [(row.actor, row.subject) for row in await house.audit("approve correction")] == [
        ("report", made["correction"]),  # refused, and that stands there too
        ("second", made["correction"]),
    ]
    assert (await second.send(f"/corrections/{made['correction']}/approve")).status == 404


async def test_a_correction_that_waits_survives_a_restart_and_may_be_dropped(house: House, manager: Program) -> None:
    made = await proposed(house, manager)
    situation = house.pipeline.situation
    again = await house.store.read(lambda connection: queries.situation(connection, situation.topology))
    assert again.proposals == situation.proposals == {made["correction"]: "report"}
    assert (await manager.send(f"/corrections/{made['correction']}/drop", {"reason": ""})).status == 422
    answer = await manager.send(f"/corrections/{made['correction']}/drop", {"reason": "the wrong day"})
    assert ((await answer.json())["state"], (await answer.json())["decision"]) == ("dropped", "the wrong day")
    assert len((await ledger(manager))["intervals"]) == 3
    assert (await manager.send(f"/corrections/{made['correction']}/approve")).status == 404


async def test_corrections_are_listed_newest_first_page_by_page(house: House, manager: Program) -> None:
    first = await proposed(house, manager)
    house.wait(minutes=1)
    second = await (await manager.send("/services/portal/corrections", {**SPAN, "status": "unknown", "reason": "nobody knows"})).json()
    page = await (await manager.get("/services/portal/corrections", limit="1")).json()
    assert page["items"] == [second]
    rest = await (await manager.get("/services/portal/corrections", limit="1", cursor=page["next"])).json()
    assert (rest["items"], rest["next"]) == ([first], None)
    assert (await (await manager.get("/services/email/corrections")).json())["items"] == []
    assert (await manager.get("/services/fax/corrections")).status == 404


async def test_the_books_hear_of_an_approval(house: House, manager: Program) -> None:
    made = await proposed(house, manager)
    services = house.pipeline.situation.topology.services
    books = Books(store=house.store, zone="UTC", services=services, offers={})
    house.pipeline.audience = lambda events, _: books.hear(events)
    house.wait(minutes=1)
    await books.renew(house.now)
    half = HOUR / 2 // timedelta(microseconds=1)
    assert books.levels["portal"].periods["24h"].measured.down > half
    second = await house.program("second", Role.MANAGER)
    assert (await second.send(f"/corrections/{made['correction']}/approve")).status == 200
    await books.renew(house.now)
    assert books.levels["portal"].periods["24h"].measured.down == half


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
