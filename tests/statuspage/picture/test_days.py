"""A ledger becomes calendar days, whatever the clocks of a zone do."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from fractions import Fraction
from itertools import zip_longest
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.levels.availability import Change, Correction, availability, planned
from incidents.levels.terms import Terms
from incidents.model import Status
from incidents.rollup import ORDER
from incidents.times.spans import Span
from statuspage.picture import days as calendar
from statuspage.picture.days import Day, as_of_now, continued, last_known, unwatched

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ["UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def strip(
    changes: Sequence[Change],
    *,
    first: date,
    last: date,
    zone: tzinfo,
    now: datetime,
    born: datetime,
    corrections: Sequence[Correction] = (),
    partial_counts: Fraction = Fraction(1),
) -> tuple[Day, ...]:
    """The days of a ledger that begins long before them and ends a day after *now*, as a kept one does."""
    period, terms = Span(at("1990-01-01"), now + timedelta(days=1)), [(at("1990-01-01"), Terms(partial_counts=partial_counts))]
    ledger = availability(changes, period, born=born, corrections=corrections, terms=terms)
    shown = planned(changes, corrections, period.until)
    return calendar.strip(ledger, shown, first=first, last=last, until=now, zone=zone)


def one_day(day: str, *changes: Change, zone: str = "UTC", now: str = "2027-01-01", born: str = "2020-01-01", **more: object) -> Day:
    only = date.fromisoformat(day)
    [found] = strip(changes, first=only, last=only, zone=ZoneInfo(zone), now=at(now), born=at(born), **more)  # type: ignore[arg-type]
    return found


def test_an_outage_across_midnight_counts_on_both_days() -> None:
    changes = [
        Change(since=at("2026-05-01"), new=Status.OPERATIONAL),
        Change(since=at("2026-05-02T23:50"), new=Status.MAJOR),
        Change(since=at("2026-05-03T00:20"), new=Status.OPERATIONAL),
    ]
    days = strip(changes, first=date(2026, 5, 2), last=date(2026, 5, 4), zone=UTC, now=at("2026-06-01"), born=at("2026-05-01"))
    assert [(day.worst, day.downtime) for day in days] == [(Status.MAJOR, 600), (Status.MAJOR, 1200), (Status.OPERATIONAL, 0)]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_of_23_or_25_hours_is_counted_as_such(day: str, hours: int) -> None:
    down = Change(since=at("2026-01-01"), new=Status.MAJOR)
    assert one_day(day, down, zone="Europe/Berlin").downtime == hours * 3600


def test_a_midnight_that_the_clock_skips_begins_the_day_at_the_skip() -> None:
    down = Change(since=at("2026-01-01"), new=Status.MAJOR)
    assert one_day("2026-03-08", down, zone="America/Havana").downtime == 23 * 3600
    assert one_day("2026-03-07", down, zone="America/Havana").downtime == 24 * 3600


def test_a_day_that_a_zone_left_out_never_was() -> None:
    down = Change(since=at("2011-01-01"), new=Status.MAJOR)
    assert one_day("2011-12-30", down, zone="Pacific/Apia", born="2011-01-01") == Day(
        day=date(2011, 12, 30), worst=None, downtime=0, unknown=0
    )


def test_days_before_birth_and_days_to_come_have_no_status() -> None:
    down = Change(since=at("2026-01-01"), new=Status.MAJOR)
    assert one_day("2026-01-05", down, born="2026-01-06").worst is None
    assert one_day("2026-01-05", down, now="2026-01-04T23:59").worst is None


def test_a_service_born_an_hour_ago_and_half_an_hour_down_is_counted_from_its_birth() -> None:
    changes = [Change(since=at("2026-01-05T09:00"), new=Status.OPERATIONAL), Change(since=at("2026-01-05T09:30"), new=Status.MAJOR)]
    assert one_day("2026-01-05", *changes, born="2026-01-05T09:00", now="2026-01-05T10:00").downtime == 1800


def test_time_without_any_change_is_unknown() -> None:
    day = one_day("2026-01-05", Change(since=at("2026-01-05T18:00"), new=Status.OPERATIONAL))
    assert (day.worst, day.unknown, day.is_mostly_unknown) == (Status.UNKNOWN, 18 * 3600, True)
    assert not one_day("2026-01-05", Change(since=at("2026-01-05T02:00"), new=Status.OPERATIONAL)).is_mostly_unknown


def test_a_status_that_lasted_no_time_does_not_colour_the_day() -> None:
    moment = at("2026-01-05T12:00")
    changes = [Change(since=at("2026-01-01"), new=Status.OPERATIONAL)]
    changes += [Change(since=moment, new=Status.MAJOR), Change(since=moment, new=Status.OPERATIONAL)]
    assert one_day("2026-01-05", *changes).worst is Status.OPERATIONAL


def test_the_first_instant_of_a_day_shows_what_is_in_force() -> None:
    day = one_day("2026-01-05", Change(since=at("2026-01-01"), new=Status.DEGRADED), now="2026-01-05")
    assert (day.worst, day.downtime) == (None, 0)
    [now] = as_of_now((day,), Status.DEGRADED)
    assert (now.worst, now.downtime, now.is_mostly_unknown) == (Status.DEGRADED, 0, False)
    [unknown] = as_of_now((day,), Status.UNKNOWN)
    assert (unknown.worst, unknown.is_mostly_unknown) == (Status.UNKNOWN, True)


def test_what_began_after_the_last_whole_minute_colours_the_day_and_adds_nothing_up_yet() -> None:
    day = one_day("2026-01-05", Change(since=at("2026-01-01"), new=Status.DEGRADED), now="2026-01-05T12:00")
    [worse] = as_of_now((day,), Status.MAJOR)
    assert (worse.worst, worse.downtime) == (Status.MAJOR, 0)
    for milder in (Status.OPERATIONAL, Status.UNKNOWN, Status.MAINTENANCE, Status.DEGRADED):
        assert as_of_now((day,), milder) == (day,)
    assert as_of_now((), Status.MAJOR) == ()


def test_trouble_in_planned_work_is_downtime_under_the_colour_of_maintenance() -> None:
    changes = [
        Change(since=at("2026-01-01"), new=Status.OPERATIONAL),
        Change(since=at("2026-01-05T08:00"), new=Status.MAINTENANCE, covered=Status.OPERATIONAL),
        Change(since=at("2026-01-05T09:00"), new=Status.MAINTENANCE, covered=Status.MAJOR),
        Change(since=at("2026-01-05T10:00"), new=Status.MAINTENANCE, covered=Status.UNKNOWN),
        Change(since=at("2026-01-05T10:30"), new=Status.OPERATIONAL),
        Change(since=at("2026-01-05T12:00"), new=Status.MAJOR),
        Change(since=at("2026-01-05T12:10"), new=Status.OPERATIONAL),
    ]
    day = one_day("2026-01-05", *changes)
    assert (day.worst, day.downtime, day.planned, day.unknown) == (Status.MAJOR, 4200, 3600, 1800)
    quiet = one_day("2026-01-05", *changes[:5])
    assert (quiet.worst, quiet.downtime, quiet.planned) == (Status.MAINTENANCE, 3600, 3600)


def test_what_a_person_knows_better_is_in_the_bars_too() -> None:
    changes = [
        Change(since=at("2026-01-01"), new=Status.OPERATIONAL),
        Change(since=at("2026-01-05T08:00"), new=Status.MAINTENANCE, covered=Status.MAJOR),
        Change(since=at("2026-01-05T09:00"), new=Status.MAJOR),
        Change(since=at("2026-01-05T10:00"), new=Status.OPERATIONAL),
    ]
    known = Correction(
        span=Span(at("2026-01-05T07:00"), at("2026-01-05T09:30")),
        status=Status.OPERATIONAL,
        reason="ours",
        author="anna",
        at=at("2026-01-06"),
    )
    day = one_day("2026-01-05", *changes, corrections=[known])
    assert (day.worst, day.downtime, day.planned) == (Status.MAJOR, 1800, 0)


def test_of_a_partial_outage_as_much_is_downtime_as_the_service_level_counts() -> None:
    changes = [Change(since=at("2026-01-01"), new=Status.OPERATIONAL), Change(since=at("2026-01-05T22:00"), new=Status.PARTIAL)]
    day = one_day("2026-01-05", *changes, partial_counts=Fraction(1, 4))
    assert (day.worst, day.downtime, day.lessened) == (Status.PARTIAL, 1800, 7200)
    assert (one_day("2026-01-05", *changes).lessened, one_day("2026-01-06", *changes).downtime) == (0, 86400)


def test_of_a_service_that_nobody_watched_nothing_is_known_since_there_is_a_store() -> None:
    days = unwatched(at("2026-01-04T18:00"), date(2026, 1, 6), at("2026-01-06T06:00"), UTC)
    assert [(day.worst, day.unknown) for day in days[-3:]] == [
        (Status.UNKNOWN, 6 * 3600),
        (Status.UNKNOWN, 86400),
        (Status.UNKNOWN, 6 * 3600),
    ]
    assert len(days) == 90
    assert {day.worst for day in days[:-3]} == {None}


def test_a_day_that_is_over_never_changes() -> None:
    changes = [Change(since=at("2026-01-01"), new=Status.OPERATIONAL), Change(since=at("2026-01-03T11:00"), new=Status.PARTIAL)]
    then = strip(changes, first=date(2026, 1, 1), last=date(2026, 1, 2), zone=BERLIN, now=at("2026-01-03"), born=at("2020-01-01"))
    later = [*changes, Change(since=at("2026-01-09"), new=Status.MAJOR)]
    again = strip(later, first=date(2026, 1, 1), last=date(2026, 1, 9), zone=BERLIN, now=at("2026-01-10"), born=at("2020-01-01"))
    assert again[:2] == then


def walk_by_minutes(changes: list[Change], day: date, zone: ZoneInfo, now: datetime, born: datetime) -> tuple[Status | None, float, float]:
    """The slow reference: every minute around the day, asked for its date and for what was in force."""
    middle = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    seen: list[Status] = []
    for offset in range(-36 * 60, 36 * 60):
        minute = middle + timedelta(minutes=offset)
        if born <= minute < now and minute.astimezone(zone).date() == day:
            force = [change.new for change in changes if change.since <= minute]
            seen.append(force[-1] if force else Status.UNKNOWN)
    down = sum(status in (Status.PARTIAL, Status.MAJOR) for status in seen) * 60
    unknown = seen.count(Status.UNKNOWN) + seen.count(Status.MAINTENANCE)  # a window says what is planned and not what was seen
    return max(seen, key=ORDER.__getitem__, default=None), down, unknown * 60


@settings(max_examples=60, deadline=None)
@given(
    moves=st.lists(st.tuples(st.integers(0, 6 * 1440), st.sampled_from(Status)), max_size=12),
    zone=st.sampled_from(ZONES),
    start=st.sampled_from(
        [date(2026, 3, 6), date(2026, 3, 27), date(2026, 10, 23), date(2026, 10, 31), date(2026, 4, 3), date(2026, 7, 1)]
    ),
    born=st.integers(-1440, 4 * 1440),
    until=st.integers(1, 7 * 1440),
)
def test_days_agree_with_a_walk_through_every_minute(
    moves: list[tuple[int, Status]], zone: str, start: date, born: int, until: int
) -> None:
    begin = datetime(start.year, start.month, start.day, tzinfo=UTC)
    changes = [Change(since=begin + timedelta(minutes=minute), new=status) for minute, status in sorted(moves, key=lambda move: move[0])]
    now, birth = begin + timedelta(minutes=until, seconds=0), begin + timedelta(minutes=born)
    days = strip(changes, first=start, last=start + timedelta(days=3), zone=ZoneInfo(zone), now=now, born=birth)
    for day in days:
        worst, downtime, unknown = walk_by_minutes(changes, day.day, ZoneInfo(zone), now, birth)
        assert (day.downtime, day.unknown) == (downtime, unknown)
        if worst is not None:
            assert day.worst is worst


@settings(max_examples=200, deadline=None)
@given(
    moves=st.lists(st.tuples(st.integers(-1440, 5 * 1440), st.sampled_from(Status)), max_size=8),
    gone=st.integers(0, 8),
    more=st.lists(st.tuples(st.integers(-1440, 5 * 1440), st.sampled_from(Status)), max_size=3),
    zone=st.sampled_from(ZONES),
    start=st.sampled_from([date(2026, 3, 6), date(2026, 10, 31), date(2026, 4, 3), date(2011, 12, 28)]),
    born=st.integers(-1440, 4 * 1440),
    hours=st.tuples(st.integers(1, 20), st.integers(1, 20)),
)
def test_days_that_are_continued_are_those_that_would_be_cut_anew(
    moves: list[tuple[int, Status]],
    gone: int,
    more: list[tuple[int, Status]],
    zone: str,
    start: date,
    born: int,
    hours: tuple[int, int],
) -> None:
    begin, there = datetime(start.year, start.month, start.day, tzinfo=UTC), ZoneInfo(zone)
    last = start + timedelta(days=4)
    earlier, later = (datetime(last.year, last.month, last.day, hour, tzinfo=there) for hour in sorted(hours))
    birth = begin + timedelta(minutes=born)

    def changes(moves: list[tuple[int, Status]]) -> list[Change]:
        return [Change(since=begin + timedelta(minutes=at), new=status) for at, status in sorted(moves, key=lambda move: move[0])]

    def cut(changes: list[Change], now: datetime) -> tuple[Day, ...]:
        return strip(changes, first=start, last=last, zone=there, now=now, born=birth)

    was, now_is = changes(moves), changes([*moves[:gone], *more])
    differing = [one.since for pair in zip_longest(was, now_is) if pair[0] != pair[1] for one in pair if one is not None]
    again = min([last, *(since.astimezone(there).date() for since in differing)])
    anew = strip(now_is, first=max(start, again), last=last, zone=there, now=later, born=birth)
    assert continued(cut(was, earlier), anew) == cut(now_is, later)


def test_what_was_last_known_is_found_behind_the_gap() -> None:
    gap = Change(since=at("2026-01-03"), new=Status.UNKNOWN)
    assert last_known([Change(since=at("2026-01-01"), new=Status.MAJOR), gap, gap]) is Status.MAJOR
    assert last_known([gap]) is Status.UNKNOWN
