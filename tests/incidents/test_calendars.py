"""Opening hours against the clock on the wall, looked at minute by minute."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.times.calendars import Calendar
from incidents.times.spans import Span, total, united, within
from tests.incidents import clocks
from tests.incidents.chance import often
from tests.incidents.tally import Tally

OFFICE = dict.fromkeys(range(5), ((480, 1080),))
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(since: str, until: str) -> Span:
    return Span(at(since), at(until))


def is_open(calendar: Calendar, instant: datetime) -> bool:
    """The rule itself: what does the clock on the wall show?"""
    wall = instant.astimezone(ZoneInfo(calendar.timezone))
    minute = wall.hour * 60 + wall.minute
    hours = calendar.weekly.get(wall.weekday(), ())
    return wall.date() not in calendar.closed and any(opens <= minute < closes for opens, closes in hours)


def walked(calendar: Calendar, period: Span) -> timedelta:
    minutes = int(period.length / MINUTE)
    return sum((MINUTE for n in range(minutes) if is_open(calendar, period.since + n * MINUTE)), timedelta(0))


@st.composite
def weeks(draw: st.DrawFn) -> dict[int, tuple[tuple[int, int], ...]]:
    edges = st.lists(st.integers(0, 96), min_size=2, max_size=6, unique=True).map(sorted)
    days = draw(st.dictionaries(st.integers(0, 6), edges, max_size=7))
    return {day: tuple((a * 15, b * 15) for a, b in zip(found[::2], found[1::2], strict=False)) for day, found in days.items()}


def test_it_is_open_when_the_clock_on_the_wall_says_so(is_soak: bool, tally: Tally) -> None:  # noqa: FBT001 - a fixture
    @often(is_soak=is_soak)
    @given(
        begin=clocks.near(2 * DAY, HOUR, MINUTE),
        weekly=weeks(),
        length=st.one_of(st.integers(0, 4000), st.integers(1500, 4000)),
        closed=st.sets(st.integers(-3, 3), max_size=2),
    )
    def agrees(begin: tuple[str, datetime], weekly: dict[int, tuple[tuple[int, int], ...]], length: int, closed: set[int]) -> None:
        zone, since = begin
        calendar = Calendar(timezone=zone, weekly=weekly, closed=frozenset(since.date() + n * DAY for n in closed))
        period = Span(since, since + length * MINUTE)
        spans = calendar.open_spans(period)
        tally.add((*clocks.met(zone, period.since, period.until), "open at some time" if spans else "closed"))
        assert total(spans) == walked(calendar, period)
        for one in spans:
            assert period.since <= one.since < one.until <= period.until
            assert is_open(calendar, one.since)
            assert is_open(calendar, one.until - timedelta(microseconds=1))
            assert one.until == period.until or not is_open(calendar, one.until)
            assert one.since == period.since or not is_open(calendar, one.since - MINUTE)

    agrees()
    tally.demand(*clocks.ALL, "open at some time", one_in=20, cases=10_000 if is_soak else 0)


def test_a_working_week_has_fifty_hours_whatever_the_clocks_do() -> None:
    berlin = Calendar(timezone="Europe/Berlin", weekly=OFFICE)
    for monday in ("2026-03-23T00:00", "2026-06-08T00:00", "2026-10-19T00:00"):
        assert total(berlin.open_spans(Span(at(monday), at(monday) + 7 * DAY))) == 50 * HOUR


def test_the_hours_begin_by_the_wall_clock_on_both_sides_of_a_change() -> None:
    berlin = Calendar(timezone="Europe/Berlin", weekly=OFFICE)
    assert berlin.open_spans(span("2026-03-27T00:00", "2026-03-31T00:00")) == (
        span("2026-03-27T07:00", "2026-03-27T17:00"),
        span("2026-03-30T06:00", "2026-03-30T16:00"),
    )


def test_a_skipped_hour_is_no_hour_and_a_doubled_one_is_open_twice() -> None:
    nightly = Calendar(timezone="Europe/Berlin", weekly={6: ((120, 180),)})
    assert nightly.open_spans(span("2026-03-28T12:00", "2026-03-29T12:00")) == ()
    assert nightly.open_spans(span("2026-10-24T12:00", "2026-10-25T12:00")) == (span("2026-10-25T00:00", "2026-10-25T02:00"),)
    early = Calendar(timezone="Europe/Berlin", weekly={6: ((90, 150),)})
    assert early.open_spans(span("2026-10-24T12:00", "2026-10-25T12:00")) == (
        span("2026-10-24T23:30", "2026-10-25T00:30"),
        span("2026-10-25T01:00", "2026-10-25T01:30"),
    )


def test_a_night_over_midnight_is_one_span() -> None:
    nights = Calendar(timezone="Europe/Berlin", weekly={0: ((1320, 1440),), 1: ((0, 360),)})
    assert nights.open_spans(span("2026-06-08T00:00", "2026-06-10T00:00")) == (span("2026-06-08T20:00", "2026-06-09T04:00"),)


def test_a_closed_day_is_closed_by_the_date_of_the_zone() -> None:
    kathmandu = Calendar(timezone="Asia/Kathmandu", weekly=dict.fromkeys(range(7), ((0, 1440),)), closed=frozenset({date(2026, 6, 9)}))
    assert kathmandu.open_spans(span("2026-06-08T00:00", "2026-06-10T00:00")) == (
        span("2026-06-08T00:00", "2026-06-08T18:15"),
        span("2026-06-09T18:15", "2026-06-10T00:00"),
    )


def test_a_day_that_a_zone_left_out_is_never_open() -> None:
    apia = Calendar(timezone="Pacific/Apia", weekly={4: ((0, 1440),)})  # the Friday of 30 December 2011 did not happen there
    assert apia.open_spans(span("2011-12-29T00:00", "2012-01-01T00:00")) == ()


def test_a_span_runs_forward() -> None:
    with pytest.raises(ValueError, match="cannot end"):
        span("2026-01-02T00:00", "2026-01-01T00:00")


instants = st.integers(0, 40).map(lambda n: at("2026-01-01T00:00") + n * MINUTE)
spans = st.tuples(instants, instants).map(lambda pair: Span(min(pair), max(pair)))


@given(st.lists(spans, max_size=8), spans)
def test_united_spans_hold_the_same_instants_once(several: list[Span], period: Span) -> None:
    merged = united(several)
    for n in range(41):
        instant = at("2026-01-01T00:00") + n * MINUTE
        assert any(one.holds(instant) for one in several) == (sum(one.holds(instant) for one in merged) == 1)
        assert sum(one.holds(instant) for one in within(merged, period)) == (
            period.holds(instant) and any(one.holds(instant) for one in several)
        )
    assert all(one.until < other.since for one, other in pairwise(merged))
    assert all(one.length for one in (*merged, *within(several, period)))
