"""Who is on call: weeks by the clock on the wall, shifts, and those who stand in."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.rota import Rota, Shift, StandIn, Turns
from incidents.times.recurrence import Recurrence
from incidents.times.rule import Frequency, Rule
from incidents.times.spans import Span

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 1, 5, 9, 0)  # noqa: DTZ001 - by the wall clock
HOUR = timedelta(hours=1)
TURNS = Turns(order=("ada", "bob", "eve"), starts=MONDAY, timezone="Europe/Berlin")


def berlin(year: int, month: int, day: int, hour: int, minute: int) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "person"),
    [
        ((2026, 1, 5, 8, 59), "eve"),
        ((2026, 1, 5, 9, 0), "ada"),
        ((2026, 1, 12, 8, 59), "ada"),
        ((2026, 1, 12, 9, 0), "bob"),
        ((2026, 1, 19, 9, 0), "eve"),
        ((2026, 1, 26, 9, 0), "ada"),
        ((2025, 12, 29, 9, 0), "eve"),
        ((2025, 12, 22, 9, 0), "bob"),
    ],
)
def test_everybody_has_a_week_in_turn(at: tuple[int, int, int, int, int], person: str) -> None:
    assert TURNS.at(berlin(*at)) == person


def test_weeks_are_handed_over_at_the_same_hour_on_the_wall_all_year() -> None:
    for week in range(60):
        monday = MONDAY + timedelta(weeks=week)
        handover = monday.replace(tzinfo=BERLIN).astimezone(UTC)
        before, after = TURNS.at(handover - timedelta(microseconds=1)), TURNS.at(handover)
        assert (before, after) == (TURNS.order[(week - 1) % 3], TURNS.order[week % 3]), monday


def test_a_handover_in_the_hour_that_comes_twice_is_made_once() -> None:
    turns = Turns(order=("ada", "bob"), starts=datetime(2026, 10, 18, 2, 30), timezone="Europe/Berlin")  # noqa: DTZ001
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30, for the first time
    minutes = [turns.at(first + timedelta(minutes=minute)) for minute in range(-90, 180)]
    assert minutes == ["ada"] * 90 + ["bob"] * 180


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)))  # noqa: DTZ001
def test_there_is_always_somebody_and_the_same_for_a_week(at: datetime) -> None:
    now = at.replace(tzinfo=UTC)
    days = [TURNS.at(now + timedelta(days=day)) for day in range(22)]
    assert set(days) == set(TURNS.order)
    changes = [day for day in range(1, 22) if days[day] != days[day - 1]]
    assert [later - earlier for earlier, later in pairwise(changes)] == [7] * (len(changes) - 1)


def test_turns_without_anybody_are_refused() -> None:
    with pytest.raises(ValueError, match="whose turn"):
        Turns(order=(), starts=MONDAY, timezone="UTC")


def shift(person: str, starts: datetime, lasts: timedelta, rule: Rule | None = None) -> Shift:
    return Shift(person=person, begins=Recurrence(starts=starts, timezone="Europe/Berlin", rule=rule), lasts=lasts)


def test_shifts_hold_before_turns_and_turns_fill_what_they_leave() -> None:
    nights = shift("bob", MONDAY.replace(hour=22), 8 * HOUR, Rule(frequency=Frequency.DAILY))
    rota = Rota(turns=TURNS, shifts=(nights,))
    assert rota.on_call(berlin(2026, 1, 6, 21, 59)) == ("ada",)
    assert rota.on_call(berlin(2026, 1, 6, 22, 0)) == ("bob",)
    assert rota.on_call(berlin(2026, 1, 7, 5, 59)) == ("bob",)
    assert rota.on_call(berlin(2026, 1, 7, 6, 0)) == ("ada",)


def test_several_may_have_a_shift_at_once_each_named_once() -> None:
    both = (shift("ada", MONDAY, 9 * HOUR), shift("bob", MONDAY, 4 * HOUR), shift("ada", MONDAY, HOUR))
    assert Rota(shifts=both).on_call(berlin(2026, 1, 5, 9, 30)) == ("ada", "bob")


def test_where_nobody_has_a_shift_and_there_are_no_turns_nobody_is_on_call() -> None:
    rota = Rota(shifts=(shift("ada", MONDAY, HOUR),))
    assert rota.on_call(berlin(2026, 1, 5, 10, 0)) == ()


def test_who_stands_in_is_on_call_instead_and_only_meanwhile() -> None:
    rota, now = Rota(turns=TURNS), berlin(2026, 1, 6, 12, 0)
    covers = [StandIn(person="eve", span=Span(now, now + HOUR))]
    assert rota.on_call(now - timedelta(seconds=1), covers) == ("ada",)
    assert rota.on_call(now, covers) == ("eve",)
    assert rota.on_call(now + HOUR, covers) == ("ada",)
