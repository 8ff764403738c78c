"""When windows come again: golden starts, and a slow walk over every day and every minute as the reference."""

# ruff: noqa: DTZ001 - times by the wall clock name no zone

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from incidents.times.recurrence import Recurrence, between
from incidents.times.rule import BadRule, Frequency, Rule, parse
from tests.incidents.chance import often

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",  # UTC-3:30
    "Asia/Kathmandu",  # UTC+5:45
    "Australia/Lord_Howe",  # half an hour of summer time
    "Pacific/Chatham",  # UTC+12:45, and summer time
    "America/Sao_Paulo",  # midnight was skipped until 2018
    "Pacific/Apia",  # 30 December 2011 never was
)
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def starts(rule: str | None, first: str, zone: str, since: str, until: str, skips: Sequence[str] = ()) -> list[str]:
    """Starts from *since* to *until* (days), in UTC, to the minute."""
    recurrence = Recurrence(
        starts=datetime.fromisoformat(first),
        timezone=zone,
        rule=None if rule is None else parse(rule),
        skips=frozenset(date.fromisoformat(day) for day in skips),
    )
    span = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (since, until))
    return [f"{start:%Y-%m-%d %H:%M}" for start in between(recurrence, *span)]


# --- golden ---------------------------------------------------------------------------------------------------------------------


def test_sunday_at_two_in_berlin_keeps_its_wall_clock_over_two_years_of_clock_changes() -> None:
    found = starts("FREQ=WEEKLY;BYDAY=SU", "2026-01-04 02:00", "Europe/Berlin", "2026-01-01", "2028-01-01")
    assert len(found) == 104
    summer = [start for start in found if start.endswith("00:00")]
    assert found[:2] == ["2026-01-04 01:00", "2026-01-11 01:00"]
    # On 29 March 2026 the clock leaps from 02:00 to 03:00: the offset before gives 01:00 UTC. On 25 October 02:00 comes twice: the first.
    assert found[11:14] == ["2026-03-22 01:00", "2026-03-29 01:00", "2026-04-05 00:00"]
    assert {"2026-10-25 00:00", "2026-11-01 01:00"} <= set(found)
    assert (summer[0], summer[-1], len(summer)) == ("2026-04-05 00:00", "2027-10-31 00:00", 30 + 31)


def test_half_past_two_is_half_past_three_where_the_clock_leaps_over_it() -> None:
    night = starts("FREQ=DAILY", "2026-03-27 02:30", "Europe/Berlin", "2026-03-27", "2026-04-01")
    assert night == ["2026-03-27 01:30", "2026-03-28 01:30", "2026-03-29 01:30", "2026-03-30 00:30", "2026-03-31 00:30"]
    local = datetime.fromisoformat("2026-03-29T01:30+00:00").astimezone(ZoneInfo("Europe/Berlin"))
    assert f"{local:%H:%M}" == "03:30"


def test_half_past_two_is_the_first_of_the_two_where_the_clock_falls_back() -> None:
    assert starts("FREQ=DAILY", "2026-10-24 02:30", "Europe/Berlin", "2026-10-24", "2026-10-27") == [
        "2026-10-24 00:30",
        "2026-10-25 00:30",
        "2026-10-26 01:30",
    ]


def test_the_thirty_first_comes_only_where_there_is_one() -> None:
    found = starts("FREQ=MONTHLY", "2026-01-31 22:00", "America/New_York", "2026-01-01", "2028-01-01")
    assert [start[:10] for start in found] == [
        "2026-02-01", "2026-04-01", "2026-06-01", "2026-08-01", "2026-09-01", "2026-11-01", "2027-01-01",
        "2027-02-01", "2027-04-01", "2027-06-01", "2027-08-01", "2027-09-01", "2027-11-01",
    ]  # fmt: skip
    assert {start[11:] for start in found} == {"03:00", "02:00"}


def test_the_last_day_of_the_month_is_asked_for_by_minus_one() -> None:
    found = starts("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-31 22:00", "UTC", "2026-01-01", "2026-05-01")
    assert found == ["2026-01-31 22:00", "2026-02-28 22:00", "2026-03-31 22:00", "2026-04-30 22:00"]


def test_a_leap_day_comes_again_only_in_leap_years() -> None:
    found = starts("FREQ=YEARLY", "2028-02-29 04:00", "Asia/Kathmandu", "2026-01-01", "2101-01-01")
    assert found[:2] == ["2028-02-28 22:15", "2032-02-28 22:15"]
    assert len(found) == 18  # 2028 to 2096; 2100 is no leap year


def test_the_second_tuesday_in_lord_howe_over_two_years() -> None:
    found = starts("FREQ=MONTHLY;BYDAY=2TU", "2026-01-13 02:00", "Australia/Lord_Howe", "2026-01-01", "2028-01-01")
    assert found[:5] == ["2026-01-12 15:00", "2026-02-09 15:00", "2026-03-09 15:00", "2026-04-13 15:30", "2026-05-11 15:30"]
    assert (len(found), found[-1]) == (24, "2027-12-13 15:00")


def test_count_counts_what_is_left_out_too() -> None:
    found = starts("FREQ=DAILY;COUNT=4", "2026-05-01 01:00", "UTC", "2026-04-01", "2027-01-01", skips=["2026-05-02"])
    assert found == ["2026-05-01 01:00", "2026-05-03 01:00", "2026-05-04 01:00"]


@pytest.mark.parametrize(
    ("until", "last"),
    [("20260503", "2026-05-02 23:00"), ("20260503T010000", "2026-05-02 23:00"), ("20260502T225959Z", "2026-05-01 23:00")],
)
def test_until_is_a_day_a_time_by_the_wall_clock_or_an_instant(until: str, last: str) -> None:
    assert starts(f"FREQ=DAILY;UNTIL={until}", "2026-05-01 01:00", "Europe/Berlin", "2026-04-01", "2027-01-01")[-1] == last


def test_without_a_rule_there_is_one_start() -> None:
    assert starts(None, "2026-05-01 01:00", "Europe/Berlin", "2000-01-01", "2100-01-01") == ["2026-04-30 23:00"]


def test_two_wall_clock_times_that_the_leap_makes_one_are_one_start() -> None:
    found = starts("FREQ=DAILY;BYHOUR=2,3", "2026-03-29 02:30", "Europe/Berlin", "2026-03-29", "2026-03-30")
    assert found == ["2026-03-29 01:30"]


# --- bounds ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=9999;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
        "FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=2,4",
        "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23;COUNT=10000",
        "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1;COUNT=10000",
    ],
)
def test_no_rule_makes_more_work_than_the_days_that_are_asked_about(rule: str) -> None:
    """Counted in steps of the interpreter, which no other program on the machine can slow down."""
    recurrence = Recurrence(starts=datetime(2026, 1, 1, 2), timezone="Europe/Berlin", rule=parse(rule))
    since = datetime(2060, 1, 1, tzinfo=UTC)
    assert _lines(lambda: between(recurrence, since, since + timedelta(days=4))) < 2_000_000
    assert _lines(lambda: between(recurrence, since, since + timedelta(days=4))) < 500


def _lines(work: "object") -> int:
    count = 0

    def trace(_: object, event: str, __: object) -> object:
        nonlocal count
        count += event == "line"
        return trace

    sys.settrace(trace)  # type: ignore[arg-type]  # typeshed wants its own alias
    try:
        work()  # type: ignore[operator]  # a function of the test
    finally:
        sys.settrace(None)
    return count


# --- what is refused ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("FREQ=HOURLY", "daily or rarer"),
        ("weekly", "such as FREQ=WEEKLY;BYDAY=SU"),
        ("FREQ=DAILY;FREQ=WEEKLY", "twice"),
        ("FREQ=DAILY;BYEASTER=1", "BYEASTER is not supported"),
        ("FREQ=YEARLY;BYWEEKNO=20", "BYWEEKNO is not supported"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20261231", "exclude each other"),
        ("FREQ=WEEKLY;BYDAY=1SU", "needs FREQ=MONTHLY"),
        ("FREQ=MONTHLY;BYDAY=0SU", "BYDAY takes days"),
        ("FREQ=MONTHLY;BYDAY=MONDAY", "BYDAY takes days"),
        ("FREQ=WEEKLY;BYMONTHDAY=3", "does not go with"),
        ("FREQ=MONTHLY;BYYEARDAY=3", "needs FREQ=YEARLY"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL takes a number from 1"),
        ("FREQ=DAILY;INTERVAL=1,2", "INTERVAL takes a number from 1"),
        ("FREQ=DAILY;BYMONTH=13", "from 1 to 12"),
        ("FREQ=MONTHLY;BYMONTHDAY=-32", "from 1 to 31"),
        ("FREQ=DAILY;BYMONTHDAY=0", "from 1 to 31"),
        ("FREQ=DAILY;UNTIL=tomorrow", "UNTIL takes"),
        ("FREQ=DAILY;UNTIL=20261341", "UNTIL takes"),
        ("FREQ=WEEKLY;WKST=XX", "WKST takes"),
        ("FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=1,2,3,4,5", "more than 24 starts a day"),
        ("FREQ=DAILY; BYHOUR=1", "not a rule"),
        ("FREQ=DAILY;COUNT", "not a rule"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_a_sentence(rule: str, why: str) -> None:
    with pytest.raises(BadRule) as refusal:
        parse(rule)
    assert why in str(refusal.value)


# --- references -----------------------------------------------------------------------------------------------------------------


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Rules of every form that RFC 5545 allows from days up, of which many yield little and some yield nothing."""
    frequency = draw(st.sampled_from(Frequency))
    some = st.lists(st.integers(1, 12), max_size=3, unique=True)
    is_long = frequency in {Frequency.MONTHLY, Frequency.YEARLY}
    which = st.integers(-5, 5) if is_long else st.just(0)
    weekdays = draw(st.lists(st.tuples(which, st.integers(0, 6)), max_size=3, unique=True))
    month_days = draw(st.lists(_signed(31), max_size=3, unique=True)) if frequency is not Frequency.WEEKLY else []
    year_days = draw(st.lists(_signed(366), max_size=2, unique=True)) if frequency is Frequency.YEARLY else []
    months = draw(some)
    hours = draw(st.lists(st.integers(0, 23), max_size=2, unique=True))
    has_parts = bool(weekdays or month_days or year_days or months or hours)
    ends = draw(st.sampled_from(["never", "never", "count", "until"]))
    return Rule(
        frequency=frequency,
        interval=draw(st.integers(1, 5)),
        count=draw(st.integers(1, 30)) if ends == "count" else None,
        until=draw(st.datetimes(datetime(2024, 1, 1), datetime(2029, 1, 1))) if ends == "until" else None,
        months=tuple(sorted(months)),
        year_days=tuple(year_days),
        month_days=tuple(month_days),
        weekdays=tuple(weekdays),
        hours=tuple(sorted(hours)),
        positions=tuple(draw(st.lists(_signed(6), max_size=2, unique=True))) if has_parts else (),
        week_start=draw(st.integers(0, 6)),
    )


def _signed(most: int) -> st.SearchStrategy[int]:
    return st.integers(1, most).flatmap(lambda number: st.sampled_from([number, -number]))


FIRSTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 12, 31)).map(lambda at: at.replace(second=0, microsecond=0))


def walked(recurrence: Recurrence, first: date, last: date) -> list[datetime]:
    """The reference: look at every day from the first start on, in the words of RFC 5545, and gather those of each period."""
    rule, begins = recurrence.rule, recurrence.starts
    assert rule is not None
    day = _opening(rule, begins.date())
    periods: dict[object, list[date]] = {}
    beyond = timedelta(days=366 if rule.positions else 0)  # positions are counted over the whole of the last period too
    while day <= last + beyond:
        periods.setdefault(_period(rule, day), []).append(day)
        day += timedelta(days=1)
    kept: list[datetime] = []
    for number, days in enumerate(periods.values()):
        if number % rule.interval == 0:
            kept += [at for at in _of_period(rule, begins, days) if at >= begins]
    if rule.count is not None:
        kept = kept[: rule.count]
    if rule.until is not None:
        kept = [at for at in kept if at <= rule.until]
    return [at for at in kept if first <= at.date() <= last and at.date() not in recurrence.skips]


def _opening(rule: Rule, day: date) -> date:
    """The first day of the period that *day* is in, found by walking back."""
    period = _period(rule, day)
    while _period(rule, day - timedelta(days=1)) == period:
        day -= timedelta(days=1)
    return day


def _period(rule: Rule, day: date) -> tuple[int, ...]:
    match rule.frequency:
        case Frequency.DAILY:
            return (day.year, day.month, day.day)
        case Frequency.WEEKLY:
            while day.weekday() != rule.week_start:
                day -= timedelta(days=1)
            return (day.year, day.month, day.day)
        case Frequency.MONTHLY:
            return (day.year, day.month)
        case Frequency.YEARLY:
            return (day.year,)


def _of_period(rule: Rule, begins: datetime, days: list[date]) -> list[datetime]:
    hours = rule.hours or (begins.hour,)
    found = [datetime(d.year, d.month, d.day, hour, begins.minute) for d in days if _fits(rule, begins.date(), d) for hour in hours]
    if not rule.positions:
        return found
    return [at for place, at in enumerate(found, 1) if place in rule.positions or place - len(found) - 1 in rule.positions]


def _fits(rule: Rule, begins: date, day: date) -> bool:
    if rule.months and day.month not in rule.months:
        return False
    month = [day.replace(day=1) + timedelta(days=n) for n in range(31)]
    month = [other for other in month if other.month == day.month]
    year = [date(day.year, 1, 1) + timedelta(days=n) for n in range(366)]
    year = [other for other in year if other.year == day.year]
    if not (rule.month_days or rule.year_days or rule.weekdays):
        match rule.frequency:
            case Frequency.DAILY:
                return True
            case Frequency.WEEKLY:
                return day.weekday() == begins.weekday()
            case Frequency.MONTHLY:
                return day.day == begins.day
            case Frequency.YEARLY:
                return day.day == begins.day and (bool(rule.months) or day.month == begins.month)
    if rule.month_days and not any(_at(month, number) == day for number in rule.month_days):
        return False
    if rule.year_days and not any(_at(year, number) == day for number in rule.year_days):
        return False
    among = year if rule.frequency is Frequency.YEARLY and not rule.months else month
    return not rule.weekdays or any(
        day.weekday() == weekday and (which == 0 or _at([d for d in among if d.weekday() == weekday], which) == day)
        for which, weekday in rule.weekdays
    )


def _at(days: list[date], number: int) -> date | None:
    place = number - 1 if number > 0 else len(days) + number
    return days[place] if 0 <= place < len(days) else None


def local(recurrence: Recurrence, first: date, last: date) -> list[datetime]:
    """What is under test, by the wall clock: in UTC both are the same."""
    since, until = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (first, last + timedelta(days=1)))
    return [start.replace(tzinfo=None) for start in between(recurrence, since, until)]


def test_a_walk_over_every_day_finds_the_same_starts(is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    @often(is_soak=is_soak, few=150)
    @given(rule=rules(), first=FIRSTS, later=st.integers(-40, 900), length=st.integers(0, 400))
    def run(rule: Rule, first: datetime, later: int, length: int) -> None:
        since = first.date() + timedelta(days=later)
        recurrence = Recurrence(starts=first, timezone="UTC", rule=rule, skips=frozenset({since + timedelta(days=length // 2)}))
        until = since + timedelta(days=length)
        assert local(recurrence, since, until) == walked(recurrence, since, until)

    run()


def test_dateutil_finds_the_same_starts_where_it_follows_the_standard(is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    """It mixes up weekdays with and without a number, and cuts the first week short before it counts positions."""

    @often(is_soak=is_soak, few=150)
    @given(rule=rules(), first=FIRSTS, length=st.integers(0, 800))
    def run(rule: Rule, first: datetime, length: int) -> None:
        is_mixed = len({bool(which) for which, _ in rule.weekdays}) > 1
        if is_mixed or (rule.positions and rule.frequency is Frequency.WEEKLY):
            return
        until = first.date() + timedelta(days=length)
        recurrence = Recurrence(starts=first, timezone="UTC", rule=rule)
        found = local(recurrence, first.date(), until)
        theirs = rrulestr(_text(rule), dtstart=first).xafter(first, count=len(found), inc=True) if found else ()
        assert list(theirs) == found

    run()


def _text(rule: Rule) -> str:
    weekdays = ",".join(f"{which or ''}{DAYS[weekday]}" for which, weekday in rule.weekdays)
    lists = (
        ("BYMONTH", rule.months),
        ("BYYEARDAY", rule.year_days),
        ("BYMONTHDAY", rule.month_days),
        ("BYHOUR", rule.hours),
        ("BYSETPOS", rule.positions),
    )
    parts = [f"FREQ={rule.frequency}", f"INTERVAL={rule.interval}", f"WKST={DAYS[rule.week_start]}"]
    parts += [f"{name}={','.join(map(str, numbers))}" for name, numbers in lists if numbers]
    parts += [f"BYDAY={weekdays}"] if weekdays else []
    parts += [f"COUNT={rule.count}"] if rule.count else []
    parts += [f"UNTIL={rule.until:%Y%m%dT%H%M%S}"] if rule.until else []
    return ";".join(parts)


def test_every_rule_reads_as_it_was_written(is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    @often(is_soak=is_soak, few=150)
    @given(rule=rules())
    def run(rule: Rule) -> None:
        read = parse(_text(rule))
        assert read.filled(date(2026, 1, 4)) == parse(_text(read)).filled(date(2026, 1, 4))
        assert (read.frequency, read.interval, read.count, set(read.month_days)) == (
            rule.frequency,
            rule.interval,
            rule.count,
            set(rule.month_days),
        )

    run()


def test_a_walk_over_every_minute_finds_the_same_instants_in_every_zone(is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    @often(is_soak=is_soak, few=15, most=1_000)
    @given(zone=st.sampled_from(ZONES), at=st.integers(0, 24 * 60 - 1), around=st.sampled_from(_turns()), back=st.integers(0, 2))
    def run(zone: str, at: int, around: date, back: int) -> None:
        first = datetime(around.year, around.month, around.day) - timedelta(days=back) + timedelta(minutes=at)
        recurrence = Recurrence(starts=first, timezone=zone, rule=Rule(frequency=Frequency.DAILY))
        since = datetime(around.year, around.month, around.day, tzinfo=UTC) - timedelta(days=2)
        until = since + timedelta(days=5)
        assert list(between(recurrence, since, until)) == sorted(set(_met(first, ZoneInfo(zone), since, until)))

    run()


def _turns() -> list[date]:
    """Days around the changes of clocks of these zones, and an ordinary one."""
    days = ["2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-04-05", "2026-10-04", "2026-09-27", "2018-11-04", "2018-02-18"]
    return [date.fromisoformat(day) for day in (*days, "2011-12-30", "2026-06-15")]


def _met(first: datetime, zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[datetime]:
    """Watch a clock on the wall, minute by minute: each day's time is when the clock first shows it.

    What the clock leaps over is met as many minutes after the leap as the time is past the last one shown before.
    """
    wanted = {first + timedelta(days=number) for number in range(30)}
    shown: set[datetime] = set()
    instant = since - timedelta(days=3)
    before = instant.astimezone(zone).replace(tzinfo=None)
    while instant < until:
        now = instant.astimezone(zone).replace(tzinfo=None)
        for missed in wanted:
            if before + timedelta(minutes=1) <= missed < now and missed not in shown:
                met = instant + (missed - before) - timedelta(minutes=1)
                shown.add(missed)
                if since <= met < until:
                    yield met
        if now in wanted and now not in shown:
            shown.add(now)
            if since <= instant:
                yield instant
        before = max(before, now)
        instant += timedelta(minutes=1)
