"""What a promise makes of a ledger: the budget, how fast it goes, when it is gone, and what that costs."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from incidents.levels.availability import Change, Ledger, availability
from incidents.levels.service_level import Budget, Credit, budget, burn_rate, burns_fast, calendar_period, cost, credit, midnight, runs_out
from incidents.levels.terms import NO_LEVEL, Period, Terms, in_force
from incidents.model import Status
from incidents.times.calendars import Calendar
from incidents.times.spans import Span

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
NINES = Terms(target=Fraction(999, 1000))
MICROSECONDS = 3_600_000_000


def outage(hours: float, period: Span) -> Ledger:
    """Down for so many hours at the period's end."""
    changes = [Change(since=period.since, new=Status.OPERATIONAL), Change(since=period.until - hours * HOUR, new=Status.MAJOR)]
    return availability(changes, period, born=period.since, terms=[(MARCH - DAY, NINES)])


@pytest.mark.parametrize(
    ("kind", "day", "zone", "since", "until"),
    [
        (Period.MONTH, "2026-03-31", "Europe/Berlin", "2026-02-28T23:00", "2026-03-31T22:00"),
        (Period.MONTH, "2026-12-01", "UTC", "2026-12-01T00:00", "2027-01-01T00:00"),
        (Period.MONTH, "2024-02-29", "Asia/Kathmandu", "2024-01-31T18:15", "2024-02-29T18:15"),
        (Period.QUARTER, "2026-11-27", "UTC", "2026-10-01T00:00", "2027-01-01T00:00"),
        (Period.QUARTER, "2026-02-01", "UTC", "2026-01-01T00:00", "2026-04-01T00:00"),
        (Period.YEAR, "2026-06-01", "Australia/Lord_Howe", "2025-12-31T13:00", "2026-12-31T13:00"),
    ],
)
def test_a_period_is_cut_by_the_calendar_of_the_zone(kind: Period, day: str, zone: str, since: str, until: str) -> None:
    begun, ended = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (since, until))
    assert calendar_period(kind, date.fromisoformat(day), zone) == Span(begun, ended)


def test_a_midnight_that_the_clock_skips_is_where_it_skips() -> None:
    assert midnight(date(2018, 11, 4), ZoneInfo("America/Sao_Paulo")) == datetime(2018, 11, 4, 3, tzinfo=UTC)


def test_the_budget_is_what_the_promise_leaves_of_the_whole_period() -> None:
    month = Span(MARCH, MARCH + 30 * DAY)
    found = budget(outage(0.18, Span(MARCH, MARCH + 10 * DAY)), NINES, month)
    assert found == Budget(allowed=Fraction(72, 100) * MICROSECONDS, used=Fraction(18, 100) * MICROSECONDS)
    assert found is not None
    assert (found.remaining_ratio, found.is_spent) == (Fraction(3, 4), False)
    assert Budget(allowed=Fraction(1), used=Fraction(3)).remaining_ratio == -2
    assert Budget(allowed=Fraction(1), used=Fraction(3)).is_spent
    assert not Budget(allowed=Fraction(1), used=Fraction(1)).is_spent


def test_the_budget_of_office_hours_is_that_of_those_hours() -> None:
    office = Terms(target=Fraction(9, 10), hours=Calendar(timezone="UTC", weekly=dict.fromkeys(range(5), ((480, 1080),))))
    found = budget(outage(0, Span(MARCH, MARCH + DAY)), office, Span(MARCH + DAY, MARCH + 8 * DAY))
    assert found is not None
    assert found.allowed == 5 * MICROSECONDS


def test_without_a_promise_there_is_no_budget_and_a_promise_of_all_allows_nothing() -> None:
    month = Span(MARCH, MARCH + 30 * DAY)
    assert budget(outage(1, month), NO_LEVEL, month) is None
    everything = budget(outage(1, month), Terms(target=Fraction(1)), month)
    assert everything is not None
    assert (everything.remaining_ratio, everything.is_spent) == (None, True)


def test_the_burn_rate_is_one_where_the_budget_lasts_exactly() -> None:
    assert burn_rate(outage(0.72, Span(MARCH, MARCH + 30 * DAY)), NINES) == 1
    assert burn_rate(outage(1, Span(MARCH, MARCH + HOUR)), NINES) == 1000
    for terms in (NO_LEVEL, Terms(target=Fraction(1))):
        assert burn_rate(outage(1, Span(MARCH, MARCH + DAY)), terms) is None
    unknown = availability([], Span(MARCH, MARCH + DAY), born=MARCH)
    assert burn_rate(unknown, NINES) is None


def test_it_burns_fast_only_where_it_did_so_for_long_and_still_does() -> None:
    limit = Fraction(14)
    assert burns_fast(Fraction(14), Fraction(20), limit)
    assert not burns_fast(Fraction(14), Fraction(1), limit)
    assert not burns_fast(Fraction(13), Fraction(20), limit)
    assert not burns_fast(None, Fraction(20), limit)
    assert not burns_fast(Fraction(20), None, limit)


def test_it_runs_out_when_the_pace_of_late_has_used_it_up() -> None:
    now = MARCH + 10 * DAY
    left = Budget(allowed=Fraction(2 * MICROSECONDS), used=Fraction(MICROSECONDS))
    a_tenth = outage(7 * 24 / 10, Span(now - WEEK, now))
    assert runs_out(left, a_tenth, now, MARCH + 31 * DAY) == now + 10 * HOUR
    assert runs_out(left, a_tenth, now, now + 10 * HOUR) is None
    assert runs_out(left, outage(0, Span(now - WEEK, now)), now, MARCH + 31 * DAY) is None
    assert runs_out(Budget(allowed=Fraction(1), used=Fraction(2)), a_tenth, now, MARCH + 31 * DAY) == now


def test_the_lowest_step_that_was_missed_is_given_back() -> None:
    table = [Credit(below=Fraction(999, 1000), percent=Fraction(10)), Credit(below=Fraction(99, 100), percent=Fraction(25))]
    assert credit(Fraction(9995, 10000), table) == 0
    assert credit(Fraction(999, 1000), table) == 0
    assert credit(Fraction(998, 1000), table) == 10
    assert credit(Fraction(98, 100), table) == 25
    assert credit(None, table) == 0


def test_downtime_costs_what_an_hour_costs_each_customer() -> None:
    assert cost(outage(2.5, Span(MARCH, MARCH + DAY)), customers=1200, cost_of_quality=40) == 2.5 * 1200 * 40


def test_the_newest_terms_that_have_begun_are_in_force() -> None:
    later = Terms(target=Fraction(1, 2))
    stated = [(MARCH, NINES), (MARCH + DAY, later)]
    assert in_force(stated, MARCH - HOUR) is NO_LEVEL
    assert in_force(stated, MARCH) is NINES
    assert in_force(stated, MARCH + DAY) is later
