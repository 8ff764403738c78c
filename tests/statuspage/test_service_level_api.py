"""What the desk's programs read of a promise: budget, burn rates, forecast, credits and cost, the same as on every other surface."""

from collections.abc import AsyncIterator
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from incidents.levels.service_level import Credit, Offer
from incidents.levels.terms import Period, Terms
from probes.result import Failure
from statuspage.books import Books
from statuspage.render.level_metrics import level_metrics
from statuspage.store.ledger_rows import state_terms
from statuspage.store.people import Role
from tests.statuspage.desks import START, House, Program, housed

HOUR = timedelta(hours=1)
STEPS = (Credit(below=Fraction(999, 1000), percent=Fraction(5)), Credit(below=Fraction(99, 100), percent=Fraction(10)))
OFFER = Offer(credits=STEPS, customers=4000.0, cost_of_quality=0.5)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """The portal, promised for 99.9 % a month, works for nine hours, is down for one, and works again."""
    async with housed(tmp_path) as opened:
        await opened.store.write(lambda connection: state_terms(connection, {"portal": Terms(target=Fraction(999, 1000))}, START))
        opened.offers["portal"] = OFFER
        await opened.see("portal-web", None)
        opened.now = START + 9 * HOUR
        await opened.see("portal-web", Failure.REFUSED)
        opened.now = START + 10 * HOUR
        await opened.see("portal-web", None)
        opened.now = START + 10 * HOUR + timedelta(minutes=10, seconds=7)
        yield opened


@pytest.fixture
async def program(house: House) -> Program:
    return await house.program("report", Role.VIEWER)


async def level(program: Program, query: str = "", service: str = "portal") -> dict[str, Any]:
    answer = await program.session.get(f"/api/v1/services/{service}/service-level{query}")
    assert answer.status == 200, await answer.text()
    found: dict[str, Any] = await answer.json()
    return found


async def test_a_broken_promise_says_what_is_left_and_what_it_costs(program: Program) -> None:
    told = await level(program)
    assert (told["since"], told["until"], told["as_of"]) == ("2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z", "2026-03-02T18:10:00Z")
    assert (told["target"], told["promised_for"]) == (99.9, "month")
    month = (31 * 24 - 1) * 3600  # the night in which the clock skips an hour
    budget = told["budget"]
    assert budget["allowed_seconds"] == month / 1000
    assert budget["spent_seconds"] == 3600
    assert budget["left_seconds"] == -925.2
    assert budget["left_ratio"] == -0.34589
    assert (budget["is_spent"], budget["runs_out_at"]) == (True, told["as_of"])
    assert told["credits"] == [{"below": 99.9, "percent": 5.0}, {"below": 99.0, "percent": 10.0}]
    assert (told["credit_percent"], told["cost"]) == (10.0, 2000.0)


async def test_it_is_the_figure_of_the_ledger_and_of_the_metrics(house: House, program: Program) -> None:
    told = await level(program)
    ledger = await (await program.get("/services/portal/availability", until=told["as_of"])).json()
    assert {name: told[name] for name in ("measured", "contractual", "unknown_seconds")} == {
        name: ledger[name] for name in ("measured", "contractual", "unknown_seconds")
    }
    services = house.pipeline.situation.topology.services
    books = Books(store=house.store, zone="Europe/Berlin", services=services, offers=house.offers)
    await books.renew(house.now)
    families = {family.name: family.samples for family in text_string_to_metric_families(level_metrics(books.levels))}
    (left,) = families["statuspage_service_error_budget_remaining_ratio"]
    assert left.value == told["budget"]["left_ratio"]
    rates = {one.labels["window"]: one.value for one in families["statuspage_service_error_budget_burn_rate"]}
    assert rates == {one["window"]: one["rate"] for one in told["burn_rates"]}
    assert [one["window"] for one in told["burn_rates"] if one["is_fast"]] == ["6h", "3d"]


async def test_a_forecast_says_when_the_budget_runs_out(house: House, program: Program) -> None:
    terms = Terms(target=Fraction(98, 100), period=Period.QUARTER)
    await house.store.write(lambda connection: state_terms(connection, {"portal": terms}, house.now))
    told = await level(program)
    assert told["promised_for"] == "quarter"
    assert told["since"] == "2025-12-31T23:00:00Z"
    assert not told["budget"]["is_spent"]
    assert told["as_of"] < told["budget"]["runs_out_at"] < told["until"]


async def test_a_period_that_is_over_has_no_forecast_and_burns_no_more(house: House, program: Program) -> None:
    house.now = START + timedelta(days=45)
    told = await level(program, "?period=2026-03")
    assert (told["until"], told["as_of"]) == ("2026-03-31T22:00:00Z", "2026-03-31T22:00:00Z")
    assert told["budget"]["spent_seconds"] == 3600
    assert (told["budget"]["runs_out_at"], told["burn_rates"]) == (None, [])
    assert (await level(program))["since"] == "2026-03-31T22:00:00Z"


async def test_as_a_month_ends_it_is_told_whole(house: House, program: Program) -> None:
    house.now = START.replace(month=3, day=31, hour=22, minute=0, second=30)
    told = await level(program)
    assert (told["until"], told["as_of"]) == ("2026-03-31T22:00:00Z", "2026-03-31T22:00:00Z")


async def test_where_nothing_is_promised_there_is_no_budget_and_no_cost_without_inputs(house: House, program: Program) -> None:
    await house.all_good()
    house.wait(minutes=1)
    told = await level(program, service="email")
    assert [told[name] for name in ("target", "promised_for", "budget", "cost")] == [None] * 4
    assert (told["burn_rates"], told["credits"], told["credit_percent"]) == ([], [], 0.0)
    assert told["measured"] == 100.0


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("portal/service-level?period=yesterday", 422, "not a period"),
        ("portal/service-level?period=2027-01", 422, "has not begun"),
        ("portal/service-level?period=9999-12", 422, "end of the calendar"),
        ("fax/service-level", 404, "There is no service"),
        ("email/service-level", 404, "Nothing is known"),
    ],
)
async def test_what_cannot_be_told_is_refused_in_a_sentence(program: Program, path: str, status: int, words: str) -> None:
    answer = await program.session.get(f"/api/v1/services/{path}")
    assert answer.status == status
    assert words in (await answer.json(content_type=None))["detail"]
