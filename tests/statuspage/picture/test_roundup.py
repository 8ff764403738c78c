"""When round-ups leave: at 08:00 of the clock on the wall, whatever that clock does."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from statuspage.picture.audience import Rhythm
from statuspage.picture.roundup import Period, period

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

ZONES = [
    "UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/St_Johns", "America/Sao_Paulo", "Asia/Kathmandu", "Asia/Tehran",
    "Africa/Casablanca", "Australia/Lord_Howe", "Australia/Adelaide", "Pacific/Chatham", "Pacific/Apia", "Pacific/Kwajalein",
    "Antarctica/Troll", "Antarctica/Casey",
]  # fmt: skip


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


INSTANTS = st.integers(int(utc("1990-01-20").timestamp()), int(utc("2037-12-01").timestamp())).map(partial(datetime.fromtimestamp, tz=UTC))


@pytest.mark.parametrize(
    ("zone", "now", "day", "since", "until", "following"),
    [
        ("UTC", "2026-03-02 07:59:59", "2026-03-01", "2026-02-28 08:00", "2026-03-01 08:00", "2026-03-02 08:00"),
        ("UTC", "2026-03-02 08:00", "2026-03-02", "2026-03-01 08:00", "2026-03-02 08:00", "2026-03-03 08:00"),
        # Clocks are put forward in Berlin on the 29th: that day has 23 hours, and its morning comes an hour sooner.
        ("Europe/Berlin", "2026-03-29 05:59:59", "2026-03-28", "2026-03-27 07:00", "2026-03-28 07:00", "2026-03-29 06:00"),
        ("Europe/Berlin", "2026-03-29 06:00", "2026-03-29", "2026-03-28 07:00", "2026-03-29 06:00", "2026-03-30 06:00"),
        # And back on the 25th of October.
        ("Europe/Berlin", "2026-10-25 06:59:59", "2026-10-24", "2026-10-23 06:00", "2026-10-24 06:00", "2026-10-25 07:00"),
        ("Europe/Berlin", "2026-10-25 07:00", "2026-10-25", "2026-10-24 06:00", "2026-10-25 07:00", "2026-10-26 07:00"),
        ("America/New_York", "2026-03-08 12:00", "2026-03-08", "2026-03-07 13:00", "2026-03-08 12:00", "2026-03-09 12:00"),
        ("America/New_York", "2026-11-01 13:00", "2026-11-01", "2026-10-31 12:00", "2026-11-01 13:00", "2026-11-02 13:00"),
        ("Australia/Lord_Howe", "2026-04-04 21:30", "2026-04-05", "2026-04-03 21:00", "2026-04-04 21:30", "2026-04-05 21:30"),
        ("Asia/Kathmandu", "2026-03-02 02:15", "2026-03-02", "2026-03-01 02:15", "2026-03-02 02:15", "2026-03-03 02:15"),
        # Samoa had no 30 December 2011: it went to bed on Thursday and woke up on Saturday.
        ("Pacific/Apia", "2011-12-30 17:59", "2011-12-29", "2011-12-28 18:00", "2011-12-29 18:00", "2011-12-30 18:00"),
        ("Pacific/Apia", "2011-12-30 18:00", "2011-12-31", "2011-12-29 18:00", "2011-12-30 18:00", "2011-12-31 18:00"),
        # Kwajalein changed sides in 1969 and had nearly all of 30 September twice: the first morning counts.
        ("Pacific/Kwajalein", "1969-09-30 20:00", "1969-09-30", "1969-09-28 21:00", "1969-09-29 21:00", "1969-10-01 20:00"),
        # Clocks were put forward over 08:00, from midnight to noon.
        ("Antarctica/McMurdo", "1956-01-01 07:59", "1955-12-31", "1955-12-30 08:00", "1955-12-31 08:00", "1956-01-01 08:00"),
        ("Antarctica/McMurdo", "1956-01-01 08:00", "1956-01-01", "1955-12-31 08:00", "1956-01-01 08:00", "1956-01-01 20:00"),
    ],
)
def test_a_day_is_over_at_eight_by_the_clock_of_the_zone(zone: str, now: str, day: str, since: str, until: str, following: str) -> None:
    found = period(Rhythm.DAILY, utc(now), zone)
    assert found == Period(day=date.fromisoformat(day), since=utc(since), until=utc(until), next=utc(following))


@pytest.mark.parametrize(
    ("zone", "now", "since", "until", "following"),
    [
        ("Europe/Berlin", "2026-03-02 06:59:59", "2026-02-16 07:00", "2026-02-23 07:00", "2026-03-02 07:00"),
        ("Europe/Berlin", "2026-03-02 07:00", "2026-02-23 07:00", "2026-03-02 07:00", "2026-03-09 07:00"),
        ("Europe/Berlin", "2026-03-30 06:00", "2026-03-23 07:00", "2026-03-30 06:00", "2026-04-06 06:00"),
        ("Europe/Berlin", "2026-10-26 07:00", "2026-10-19 06:00", "2026-10-26 07:00", "2026-11-02 07:00"),
        ("Pacific/Chatham", "2026-03-01 18:15", "2026-02-22 18:15", "2026-03-01 18:15", "2026-03-08 18:15"),
    ],
)
def test_a_week_is_over_on_monday_at_eight(zone: str, now: str, since: str, until: str, following: str) -> None:
    found = period(Rhythm.WEEKLY, utc(now), zone)
    assert (found.since, found.until, found.next) == (utc(since), utc(until), utc(following))
    assert found.day.weekday() == 0


def test_there_is_no_period_for_whoever_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="at once"):
        period(Rhythm.AT_ONCE, utc("2026-03-02 08:00"), "UTC")


def is_morning(at: datetime, zone: ZoneInfo, rhythm: Rhythm) -> bool:
    """Whether the clock shows 08:00, for the first time that day; read off the clock, not computed from it."""
    here = at.astimezone(zone)
    return (here.hour, here.minute, here.fold) == (8, 0, 0) and (rhythm is Rhythm.DAILY or here.weekday() == 0)


@given(
    zone=st.sampled_from(ZONES),
    now=INSTANTS,
)
@example(zone="Europe/Berlin", now=utc("2026-03-29 06:00"))
@example(zone="Pacific/Apia", now=utc("2011-12-30 18:00"))
@example(zone="Pacific/Kwajalein", now=utc("1993-08-21 20:00"))
def test_days_are_as_somebody_sees_them_who_watches_the_clock(zone: str, now: datetime) -> None:
    found, clock = period(Rhythm.DAILY, now, zone), ZoneInfo(zone)
    minute = now.replace(second=0, microsecond=0)
    seen: list[datetime] = []
    while len(seen) < 2:
        if is_morning(minute, clock, Rhythm.DAILY):
            seen.append(minute)
        minute -= MINUTE
    assert [found.until, found.since] == seen
    assert found.until <= now < found.next
    assert found.day == found.until.astimezone(clock).date()
    assert is_morning(found.next, clock, Rhythm.DAILY)


@given(
    zone=st.sampled_from(ZONES),
    start=INSTANTS,
    rhythm=st.sampled_from([Rhythm.DAILY, Rhythm.WEEKLY]),
    steps=st.lists(st.timedeltas(min_value=timedelta(0), max_value=9 * DAY), max_size=30),
)
def test_each_period_begins_where_the_last_one_ended_and_has_a_name_of_its_own(
    zone: str, start: datetime, rhythm: Rhythm, steps: list[timedelta]
) -> None:
    now = start
    before = period(rhythm, now, zone)
    for step in steps:
        now += step
        found = period(rhythm, now, zone)
        assert found.since < found.until <= now < found.next
        assert (found == before) == (now < before.next)
        if found != before:
            assert found.day > before.day
            assert found.since >= before.until
        if found.until == before.next:
            assert found.since == before.until
        before = found
