"""How much an incident matters: what the formula is given, what its score is made of, and what should happen by when."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.model import Incident, Origin, State, Status
from incidents.priority import ORDINARY_LEVELS, Asks, Clock, Impact, Level, Scale, due, level_of, ordinary, priority
from incidents.times.calendars import Calendar
from incidents.times.spans import Span

FRIDAY = datetime(2026, 11, 27, 16, 30, tzinfo=UTC)  # 17:30 in Berlin
HOUR = timedelta(hours=1)
OFFICE = Calendar(timezone="Europe/Berlin", weekly=dict.fromkeys(range(5), ((480, 1080),)))
EMAIL = Impact(customers=1200, customer_lifetime_value=900, customer_referral_value=150, cost_of_quality=40, cost_to_resolve=2000)


def incident(services: Mapping[str, Status] | None = None, at: datetime = FRIDAY, **more: object) -> Incident:
    found = {"email": Status.MAJOR} if services is None else services
    fields = {"id": "i" * 12, "name": "Email", "origin": Origin.MACHINE, "state": State.INVESTIGATING, "started_at": at, "opened_at": at}
    return Incident(**{**fields, "services": found, "worst": found, **more})  # type: ignore[arg-type]


def scale(**more: object) -> Scale:
    return Scale(**{"formula": ordinary, "impacts": {"email": EMAIL}, "levels": ORDINARY_LEVELS, **more})  # type: ignore[arg-type]


def test_a_fresh_total_outage_of_a_service_with_a_stated_impact_is_of_the_first_level() -> None:
    found = priority(incident(), scale(), FRIDAY)
    assert found.score == pytest.approx(1200 * 1.0 * (40 + 0.9 + 0.15))
    assert found.level is not None
    assert found.level.name == "P1"


@pytest.mark.parametrize(("status", "share"), [(Status.DEGRADED, 0.1), (Status.PARTIAL, 0.4), (Status.MAJOR, 1.0), (Status.UNKNOWN, 0.0)])
def test_a_status_says_what_share_is_hit(status: Status, share: float) -> None:
    (term,) = priority(incident({"email": status}), scale(), FRIDAY).terms
    assert term.inputs["affected_share"] == share


def test_every_service_adds_its_term_and_the_score_is_their_sum() -> None:
    found = priority(incident({"email": Status.PARTIAL, "portal": Status.MAJOR}), scale(), FRIDAY + 2 * HOUR)
    assert [term.service for term in found.terms] == ["email", "portal"]
    assert found.score == sum(term.score for term in found.terms)
    assert [term.inputs["hours_down"] for term in found.terms] == [2.0, 2.0]
    assert found.terms[1].score == pytest.approx(1.0 * 1.0 * 1.0 * 3.0)  # nobody stated an impact: one customer, whom it costs one


def test_waiting_costs_by_the_hour_and_mending_once() -> None:
    found = priority(incident({"email": Status.PARTIAL}), scale(), FRIDAY)
    assert found.waiting == pytest.approx(1200 * 0.4 * 40)
    assert found.mending == 2000


def test_what_a_person_knows_better_goes_into_the_formula_and_into_both_costs() -> None:
    known = incident({"email": Status.MAJOR, "portal": Status.OPERATIONAL}, affected_share=0.25, cost_to_resolve=300.0)
    found = priority(known, scale(), FRIDAY)
    email, portal = found.terms
    assert (email.inputs["affected_share"], email.inputs["impact.cost_to_resolve"]) == (0.25, 300.0)
    assert found.waiting == pytest.approx(1200 * 0.25 * 40)
    assert found.mending == 300
    assert (portal.inputs["affected_share"], portal.score) == (0.0, 0.0), "what has recovered hits nobody, whatever somebody said"
    assert found.score == pytest.approx(1200 * 0.25 * (40 + 0.9 + 0.15))


def test_what_has_recovered_matters_least() -> None:
    assert priority(incident({"email": Status.OPERATIONAL}), scale(), FRIDAY).score == 0
    by_size = scale(formula=lambda inputs: inputs["impact.customers"])
    assert priority(incident({"email": Status.OPERATIONAL}), by_size, FRIDAY).score == 0
    assert priority(incident({"email": Status.UNKNOWN}), by_size, FRIDAY).score == 0
    assert priority(incident({"email": Status.DEGRADED}), by_size, FRIDAY).score == 1200


def test_hours_of_what_is_over_no_longer_grow() -> None:
    over = incident(resolved_at=FRIDAY + HOUR, state=State.RESOLVED)
    (term,) = priority(over, scale(), FRIDAY + 30 * HOUR).terms
    assert term.inputs["hours_down"] == 1.0
    assert not priority(over, scale(), FRIDAY + 30 * HOUR).clocks


def test_a_formula_that_cannot_be_worked_out_says_so_and_hides_nothing() -> None:
    def broken(_: Mapping[str, float]) -> float:
        raise ValueError("divided by zero")

    found = priority(incident(), scale(formula=broken), FRIDAY)
    assert (found.score, found.terms[0].trouble) == (0.0, "divided by zero")
    assert found.level is not None
    assert found.level.name == "P3"


def test_without_levels_there_is_none_and_no_clock() -> None:
    found = priority(incident(), scale(levels=()), FRIDAY)
    assert (found.level, found.clocks) == (None, ())


@given(st.floats(0, 1e9), st.lists(st.floats(0, 1e9), max_size=4, unique=True))
def test_a_level_is_the_highest_that_is_reached(score: float, bounds: list[float]) -> None:
    levels = [*(Level(name=str(bound), least=bound) for bound in sorted(bounds, reverse=True)), Level(name="rest")]
    reached = [bound for bound in bounds if bound <= score]
    assert level_of(score, levels) == (Level(name=str(max(reached)), least=max(reached)) if reached else Level(name="rest"))


# --- clocks -------------------------------------------------------------------------------------------------------------------------


def test_clocks_stop_on_friday_evening_and_go_on_on_monday() -> None:
    found = priority(incident(), scale(hours={"email": OFFICE}), FRIDAY)
    monday = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)  # 08:00 in Berlin
    assert found.clocks == (
        Clock(asks=Asks.OWNER, due=FRIDAY + timedelta(minutes=5)),
        Clock(asks=Asks.UPDATE, due=FRIDAY + timedelta(minutes=30)),
        Clock(asks=Asks.END, due=monday + 3.5 * HOUR),
    )


def test_an_owner_stops_the_clock_that_asks_for_one_and_words_put_off_the_next() -> None:
    told = FRIDAY + timedelta(minutes=20)
    found = priority(incident(), scale(), told, told_at=told, is_owned=True)
    assert [clock.asks for clock in found.clocks] == [Asks.UPDATE, Asks.END]
    assert found.clocks[0].due == told + timedelta(minutes=30)


def test_an_incident_that_came_back_begins_its_clocks_anew() -> None:
    back = FRIDAY + 2 * HOUR
    assert priority(incident(returned_at=back), scale(), back).clocks[0].due == back + timedelta(minutes=5)


def test_of_several_services_the_one_that_is_due_first_counts() -> None:
    both = incident({"portal": Status.MAJOR, "email": Status.MAJOR}, at=FRIDAY + HOUR)
    found = priority(both, scale(hours={"portal": OFFICE, "email": None}), FRIDAY + HOUR)
    assert found.clocks[0].due == FRIDAY + HOUR + timedelta(minutes=5)


def test_hours_that_never_open_make_nothing_due() -> None:
    assert due(FRIDAY, HOUR, Calendar(timezone="UTC")) is None


@given(st.integers(0, 60 * 24 * 20), st.integers(1, 60 * 30))
def test_so_much_of_open_hours_lies_before_what_is_due(later: int, minutes: int) -> None:
    since, within = FRIDAY + timedelta(minutes=later), timedelta(minutes=minutes)
    at = due(since, within, OFFICE)
    assert at is not None
    assert sum((span.length for span in OFFICE.open_spans(Span(since, at))), timedelta(0)) == within
