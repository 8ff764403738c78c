"""Slower than it used to be is a warning; noise, habit and a bad hour are none."""

import random

import pytest

from incidents.drift import RECENT, USUAL, USUAL_AT_LEAST, Hour, Trend, trend

NOW = 500_000


def hours(*recent: float, usual: float = 0.2, many: int = 200) -> list[Hour]:
    """So many hours as usual, then the *recent* ones, the newest last."""
    past = [Hour(hour=NOW - len(recent) - back, mean=usual) for back in range(1, many + 1)]
    return [*past, *(Hour(hour=NOW - len(recent) + place, mean=mean) for place, mean in enumerate(recent))]


def test_three_hours_that_take_twice_as_long_as_usual_are_drift() -> None:
    found = trend(hours(0.41, 0.40, 0.42), NOW)
    assert found == Trend(recent=0.41, usual=0.2)
    assert found.is_drift


@pytest.mark.parametrize(
    ("recent", "usual"),
    [
        ((0.2, 0.2, 5.0), 0.2),  # one bad hour
        ((0.35, 0.35, 0.35), 0.2),  # not twice as long
        ((0.008, 0.009, 0.009), 0.002),  # four times as long, and nobody would notice
        ((5.0, 5.0, 5.0), 5.0),  # slow by habit
    ],
)
def test_noise_and_habit_are_no_drift(recent: tuple[float, ...], usual: float) -> None:
    found = trend(hours(*recent, usual=usual), NOW)
    assert found is not None
    assert not found.is_drift


def test_a_past_with_outliers_is_as_usual_all_the_same() -> None:
    luck = random.Random(7)
    past = [Hour(hour=NOW - 3 - back, mean=9.0 if luck.random() < 0.2 else 0.2) for back in range(1, 300)]
    recent = [Hour(hour=NOW - back, mean=0.5) for back in (1, 2, 3)]
    found = trend([*recent, *past], NOW)
    assert found is not None
    assert (found.usual, found.is_drift) == (0.2, True)


def test_a_young_monitor_has_no_habits() -> None:
    assert trend(hours(9.0, 9.0, 9.0, many=USUAL_AT_LEAST - 1), NOW) is None
    assert trend(hours(9.0, 9.0, 9.0, many=USUAL_AT_LEAST), NOW) is not None


def test_the_hour_under_way_and_hours_long_ago_do_not_count() -> None:
    assert trend([Hour(hour=NOW, mean=9.0), *hours(many=100)], NOW + 0) is not None
    assert trend([one for one in hours(many=100) if one.hour < NOW - 3], NOW) is None
    old = [Hour(hour=one.hour - 400, mean=one.mean) for one in hours(many=100)]
    assert trend([*old, Hour(hour=NOW - 1, mean=9.0)], NOW) is None


def test_of_an_even_number_of_hours_the_middle_is_between_the_two_in_the_middle() -> None:
    found = trend(hours(0.9, 0.5, many=0) + [Hour(hour=NOW - 3 - back, mean=float(back)) for back in range(1, USUAL_AT_LEAST + 1)], NOW)
    assert found is not None
    assert found.recent == pytest.approx(0.7)
    assert found.usual == (USUAL_AT_LEAST + 1) / 2


def test_hours_are_lately_for_three_hours_and_usual_for_a_fortnight_before() -> None:
    usual = [Hour(hour=NOW - RECENT - back, mean=0.2) for back in range(1, USUAL_AT_LEAST)]
    edges = [Hour(hour=NOW - RECENT, mean=0.4), Hour(hour=NOW - RECENT - USUAL, mean=0.2)]
    assert trend([*usual, *edges], NOW) == Trend(recent=0.4, usual=0.2)
    assert trend([*usual, edges[0], Hour(hour=NOW - RECENT - USUAL - 1, mean=0.2)], NOW) is None
    assert trend([*usual, edges[1], Hour(hour=NOW, mean=0.4)], NOW) is None
